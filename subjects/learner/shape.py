"""How large the network is, and where its weights lie in one vector."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

N_LAYERS = 2
POSITION_GAIN = np.float32(4)


@dataclass(frozen=True)
class Shape:
    """Sizes of a two-layer attention-only transformer.

    Attributes
    ----------
    n_heads : in each layer
    width : of the residual stream, a multiple of n_heads
    n_tokens : in the vocabulary
    context : tokens that the network reads at once, a multiple of 4
    batch : sequences that it learns from in a step
    """

    n_heads: int = 4
    width: int = 64
    n_tokens: int = 64
    context: int = 64
    batch: int = 32

    @property
    def head_width(self) -> int:
        return self.width // self.n_heads

    @cached_property
    def parts(self) -> dict[str, tuple[int, ...]]:
        """Name → shape of every weight, in the order in which they lie."""
        d = self.width
        parts: dict[str, tuple[int, ...]] = {
            "embed": (self.n_tokens, d),
            "position": (self.context, d),
            "unembed": (d, self.n_tokens),
        }
        for layer in range(N_LAYERS):
            parts[f"qkv{layer}"] = (d, 3 * d)  # columns: q, k, v, each head after head
            parts[f"out{layer}"] = (d, d)  # rows: head after head
        return parts

    @property
    def n_weights(self) -> int:
        return sum(int(np.prod(shape)) for shape in self.parts.values())

    def views(self, vector: NDArray[np.float32]) -> Weights:
        """The weights as matrices that share the vector's memory."""
        arrays, start = {}, 0
        for name, shape in self.parts.items():
            n = int(np.prod(shape))
            arrays[name] = vector[start : start + n].reshape(shape)
            start += n
        return Weights(
            vector,
            arrays["embed"],
            arrays["position"],
            arrays["unembed"],
            tuple(arrays[f"qkv{layer}"] for layer in range(N_LAYERS)),
            tuple(arrays[f"out{layer}"] for layer in range(N_LAYERS)),
        )


@dataclass(frozen=True, eq=False)
class Weights:
    """All weights, or a gradient of all of them.

    Attributes
    ----------
    vector : (n_weights,) float32, the memory of all that follows
    embed : (n_tokens, width)
    position : (context, width), added to what queries and keys are made of, not to the residual stream
    unembed : (width, n_tokens)
    qkv : a layer each, (width, 3 width)
    out : a layer each, (width, width)
    """

    vector: NDArray[np.float32]
    embed: NDArray[np.float32]
    position: NDArray[np.float32]
    unembed: NDArray[np.float32]
    qkv: tuple[NDArray[np.float32], ...]
    out: tuple[NDArray[np.float32], ...]


def first_weights(shape: Shape, seed: int) -> Weights:
    """Normal weights of variance 1 / width; positions are larger, lest queries and keys hardly see them at first."""
    rng = np.random.default_rng([seed, 0])
    weights = shape.views(rng.standard_normal(shape.n_weights, dtype=np.float32) / np.float32(np.sqrt(shape.width)))
    np.multiply(weights.position, POSITION_GAIN, out=weights.position)
    return weights
