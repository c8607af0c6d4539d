"""The learner's units and where they lie: depth downwards, what belongs together in a block of sixteen columns."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from rig.units import UnitTable
from subjects.learner.shape import N_LAYERS, Shape

N_COLUMNS = 16
SPACING = 10.0  # between neighbours
MATRICES = ("q", "k", "v", "out")  # of each head
WHOLE = ("embed", "position", "unembed")  # weights that belong to no head


@dataclass
class _Rows:
    """Units one after the other, laid out as they come."""

    name: list[str] = field(default_factory=list)
    region: list[str] = field(default_factory=list)
    kind: list[str] = field(default_factory=list)
    x: list[float] = field(default_factory=list)
    y: list[float] = field(default_factory=list)
    depth: float = 0.0

    def add_block(self, names: list[str], region: str, kind: str, n_columns: int = N_COLUMNS) -> None:
        """A block under the last: n_columns wide, spread over the whole width."""
        spread = N_COLUMNS / min(n_columns, N_COLUMNS)
        for i, name in enumerate(names):
            self.name.append(name)
            self.region.append(region)
            self.kind.append(kind)
            self.x.append(SPACING * (spread * (i % n_columns) + (spread - 1) / 2))
            self.y.append(self.depth + SPACING * (i // n_columns))
        self.depth += SPACING * (-(-len(names) // n_columns) + 1)


def unit_table(shape: Shape) -> UnitTable:
    """Ids ascend with depth: embedding norms, then residual directions, heads and gradients of each layer in turn."""
    rows = _Rows()
    n_heads = shape.n_heads
    rows.add_block([f"embed{t}" for t in range(shape.n_tokens)], "embedding", "embedding norm")
    rows.add_block([f"resid0.{d}" for d in range(shape.width)], "residual/0", "residual direction")
    for layer in range(N_LAYERS):
        heads = [f"L{layer}H{h}" for h in range(n_heads)]
        rows.add_block(heads, f"heads/{layer}", "head", n_heads)
        gradients = [f"grad.{head}.{m}" for m in MATRICES for head in heads]
        rows.add_block(gradients, f"gradients/{layer}", "gradient norm", n_heads)
        names = [f"resid{layer + 1}.{d}" for d in range(shape.width)]
        rows.add_block(names, f"residual/{layer + 1}", "residual direction")
    rows.add_block([f"grad.{name}" for name in WHOLE], "gradients/ends", "gradient norm", len(WHOLE))
    return UnitTable.build(np.arange(len(rows.name)), rows.name, rows.region, rows.kind, rows.x, rows.y)


@dataclass(frozen=True)
class UnitSlices:
    """Where each kind of unit stands among the rows of the table.

    Attributes
    ----------
    embed : (n_tokens)
    residual : before the first layer, between, at the end; (width) each
    heads : of each layer
    head_gradients : of each layer, matrix by matrix, head by head
    whole_gradients : as WHOLE
    """

    embed: slice
    residual: tuple[slice, ...]
    heads: tuple[slice, ...]
    head_gradients: tuple[slice, ...]
    whole_gradients: slice

    @classmethod
    def of(cls, shape: Shape) -> UnitSlices:
        start = 0

        def take(n: int) -> slice:
            nonlocal start
            start += n
            return slice(start - n, start)

        embed, residual = take(shape.n_tokens), [take(shape.width)]
        heads, gradients = [], []
        for _ in range(N_LAYERS):
            heads.append(take(shape.n_heads))
            gradients.append(take(len(MATRICES) * shape.n_heads))
            residual.append(take(shape.width))
        return cls(embed, tuple(residual), tuple(heads), tuple(gradients), take(len(WHOLE)))
