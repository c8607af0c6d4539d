"""What is seen inside a model while it reads: buffers that the engine fills, laid out as the units are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from subjects.language_model.direction import Direction


@dataclass(frozen=True)
class UnitLayout:
    """Units in order: neurons by layer, heads by layer, residual directions by layer, named directions, chosen tokens.

    A unit's id is its place in this order.
    """

    n_layers: int
    d_mlp: int
    n_heads: int
    d_model: int
    n_directions: int
    token_ids: tuple[int, ...]

    @property
    def first_head(self) -> int:
        return self.n_layers * self.d_mlp

    @property
    def first_residual(self) -> int:
        return self.first_head + self.n_layers * self.n_heads

    def heads_among(self, units: Iterable[int]) -> tuple[int, ...]:
        """Heads among units, numbered through the layers."""
        return tuple(sorted(u - self.first_head for u in units if self.first_head <= u < self.first_residual))

    @property
    def first_direction(self) -> int:
        return self.first_residual + self.n_layers * self.d_model

    @property
    def first_token(self) -> int:
        return self.first_direction + self.n_directions

    @property
    def n_units(self) -> int:
        return self.first_token + len(self.token_ids)


class Trace:
    """Buffers for n rows, a row a position.

    Attributes
    ----------
    activity : (n, n_units) float32; neurons and residual directions are written by the engine, the rest by `finish`
    neurons : (n, n_layers, d_mlp) view of it, ``blocks.L.mlp.hook_post``
    residual : (n, n_layers, d_model) view of it, ``blocks.L.hook_resid_post``
    z : (n, n_layers, n_heads, d_head), ``blocks.L.attn.hook_z``
    pattern : (n, n_layers, n_heads, n_context), ``blocks.L.attn.hook_pattern`` of this row; filled if `wants_pattern`
    logits : (n, n_tokens)
    arrays : activity, z, pattern and logits as numpy has them, the same memory; only on a processor
    """

    def __init__(
        self, layout: UnitLayout, n: int, d_head: int, n_context: int, n_tokens: int, device: str = "cpu"
    ) -> None:
        self.layout = layout
        self.activity = torch.zeros(n, layout.n_units, device=device)
        n_layers = layout.n_layers
        self.neurons = self.activity[:, : layout.first_head].view(n, n_layers, layout.d_mlp)
        self._norms = self.activity[:, layout.first_head : layout.first_residual].view(n, n_layers, layout.n_heads)
        residual = self.activity[:, layout.first_residual : layout.first_direction]
        self.residual = residual.view(n, n_layers, layout.d_model)
        self._tokens = self.activity[:, layout.first_token :]
        self._token_ids = torch.tensor(layout.token_ids, dtype=torch.int64, device=device)
        self.z = torch.zeros(n, n_layers, layout.n_heads, d_head, device=device)
        self.pattern = torch.zeros(n, n_layers, layout.n_heads, n_context, device=device)
        self.logits = torch.zeros(n, n_tokens, device=device)
        self.wants_pattern = False
        if device == "cpu":
            self.arrays = tuple(t.numpy() for t in (self.activity, self.z, self.pattern, self.logits))

    def finish(self, directions: Sequence[Direction | None]) -> None:
        """Fill in what is computed from the rest.

        Parameters
        ----------
        directions : the named ones; None reads 0
        """
        torch.linalg.vector_norm(self.z, dim=-1, out=self._norms)
        if len(self._token_ids):
            torch.index_select(self.logits, 1, self._token_ids, out=self._tokens)
        for i, direction in enumerate(directions):
            column = self.activity[:, self.layout.first_direction + i]
            if direction is None:
                column.zero_()
            else:
                column.copy_(direction.along(self.residual))

    def entropy(self, row: int, n_keys: int) -> Tensor:
        """(n_layers · n_heads,) of the attention of one row over its keys, nats."""
        entropy: Tensor = torch.special.entr(self.pattern[row, :, :, :n_keys]).sum(-1).flatten()
        return entropy
