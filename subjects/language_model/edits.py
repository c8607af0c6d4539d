"""What is done to a model's activations at one position: every edit is v ← scale · v + shift.

A clamp has scale 0, a scaling shift 0, an addition scale 1. Of a head the value is the norm of its output z, so that
its edits stretch z, unless a whole vector is put in its place; of a direction u in the residual stream it is the
component x·u / u·u, so that adding 1 adds the whole vector.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Affine:
    """Of some values of a vector.

    Attributes
    ----------
    index : (k,) int64
    scale, shift : (k,) float32
    """

    index: Tensor
    scale: Tensor
    shift: Tensor

    def apply(self, values: Tensor) -> None:
        """Change the last axis in place."""
        values[..., self.index] = values[..., self.index] * self.scale + self.shift


@dataclass(frozen=True, eq=False)
class HeadEdit:
    """Of one head's output; where `vector` (d_head,) is given it is the shift, of z itself and not of its norm."""

    head: int
    scale: float
    shift: float
    vector: Tensor | None = None

    def apply(self, z: Tensor) -> None:
        """Change (n_heads, d_head) in place."""
        if self.vector is not None:
            z[self.head] = self.scale * z[self.head] + self.vector
            return
        norm = torch.linalg.vector_norm(z[self.head])
        if norm > 0:
            z[self.head] *= (self.scale * norm + self.shift) / norm


@dataclass(frozen=True, eq=False)
class DirectionEdit:
    """Of the residual stream along a vector (d_model,)."""

    vector: Tensor
    scale: float
    shift: float

    def apply(self, x: Tensor) -> None:
        """Change (d_model,) in place."""
        component = torch.dot(x, self.vector) / torch.dot(self.vector, self.vector)
        x += ((self.scale - 1.0) * component + self.shift) * self.vector


@dataclass(frozen=True, eq=False)
class Edits:
    """All of one position, by layer. `logits` are of the chosen tokens, by token id."""

    neurons: Mapping[int, Affine] = field(default_factory=dict)
    heads: Mapping[int, Sequence[HeadEdit]] = field(default_factory=dict)
    residual: Mapping[int, Affine] = field(default_factory=dict)
    directions: Mapping[int, Sequence[DirectionEdit]] = field(default_factory=dict)
    logits: Affine | None = None


NO_EDITS = Edits()
