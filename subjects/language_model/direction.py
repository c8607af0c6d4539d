"""A direction in the residual stream."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Direction:
    """A vector (d_model,) in the residual stream after a layer; its length is the unit that it is measured in."""

    layer: int
    vector: Tensor

    def along(self, residual: Tensor) -> Tensor:
        """(n,) components of (n, n_layers, d_model)."""
        return residual[:, self.layer] @ self.vector / torch.dot(self.vector, self.vector)
