"""Matrices of a model's weights: full precision, or eight bits an entry with a scale a row.

One row of input goes another way than many, because it is bound by memory: the engine always takes the same way for the
same position, so that a run repeats bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional as F


class Matrix(Protocol):
    """y = W x + b."""

    def __call__(self, x: Tensor) -> Tensor:
        """(n, d_in) float32 → (n, d_out) float32."""

    def column(self, i: int) -> Tensor:
        """(d_out,) float32: what input i writes."""


class FullMatrix:
    """float32 weights.

    Parameters
    ----------
    weight : (d_out, d_in)
    bias : (d_out,) float32, or None
    """

    def __init__(self, weight: Tensor, bias: Tensor | None = None) -> None:
        self._weight = weight.float().contiguous()
        self._bias = bias

    def __call__(self, x: Tensor) -> Tensor:
        if len(x) > 1:
            return F.linear(x, self._weight, self._bias)
        if self._bias is None:
            return torch.mv(self._weight, x[0])[None]
        return torch.addmv(self._bias, self._weight, x[0])[None]

    def column(self, i: int) -> Tensor:
        return self._weight[:, i]


class Int8Matrix:
    """Eight-bit weights, a scale for each row; inputs are rounded to bfloat16, for which the kernel is made.

    Parameters
    ----------
    weight : (d_out, d_in), quantised here: w ≈ scale · q, scale = max |w| of the row / 127
    bias : (d_out,) float32, or None
    """

    def __init__(self, weight: Tensor, bias: Tensor | None = None) -> None:
        weight = weight.float()
        scale = weight.abs().amax(dim=1).clamp_min(1e-12) / 127.0
        self._q = (weight / scale[:, None]).round_().to(torch.int8).contiguous()
        self._scale = scale.to(torch.bfloat16)
        self._bias = bias

    def __call__(self, x: Tensor) -> Tensor:
        y = torch._weight_int8pack_mm(x.to(torch.bfloat16), self._q, self._scale).float()
        return y if self._bias is None else y + self._bias

    def column(self, i: int) -> Tensor:
        return self._q[:, i].float() * self._scale.float()


MATRICES: Mapping[str, Callable[[Tensor, Tensor | None], Matrix]] = {"fp32": FullMatrix, "int8": Int8Matrix}
"""By precision."""
