"""Which perturbations compiled code can take without being compiled again.

Each is a row of words beside the state; a bit set in it perturbs that lane's chip, all zero is the intact chip.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from subjects.microprocessor.compiled.expressions import ONE, ZERO, Expressions, Kind


class Alterations(Protocol):
    """What solving a component asks about perturbations, whether they may come or are there."""

    @property
    def joins(self) -> Container[int]:
        """Transistors that may conduct whatever their gates do."""
        ...

    def conducts(self, expressions: Expressions, transistor: int, gate: int) -> int:
        """When a transistor conducts whose gate is the expression `gate`."""
        ...

    def held(self, expressions: Expressions, node: int) -> tuple[int, int]:
        """When a node is held low, and when it is held high."""
        ...


@dataclass(frozen=True)
class Perturbed:
    """Perturbations that are there, to be compiled in.

    Attributes
    ----------
    off, on : (merged) transistors that never, that always conduct
    low, high : nodes that are held
    """

    off: frozenset[int] = frozenset()
    on: frozenset[int] = frozenset()
    low: frozenset[int] = frozenset()
    high: frozenset[int] = frozenset()

    @property
    def joins(self) -> Container[int]:
        return self.on

    def conducts(self, expressions: Expressions, transistor: int, gate: int) -> int:
        del expressions
        return ONE if transistor in self.on else ZERO if transistor in self.off else gate

    def held(self, expressions: Expressions, node: int) -> tuple[int, int]:
        del expressions
        return int(node in self.low), int(node in self.high)


@dataclass(frozen=True)
class MaskPlan:
    """Rows of the masks, in this order.

    Attributes
    ----------
    off : transistors (merged) that can be kept from conducting
    on : transistors that can be made to conduct always; beats off
    clamped : nodes that can be held; one row each for low, then one each for high
    """

    off: tuple[int, ...] = ()
    on: tuple[int, ...] = ()
    clamped: tuple[int, ...] = ()

    @property
    def n_rows(self) -> int:
        return len(self.off) + len(self.on) + 2 * len(self.clamped)

    @cached_property
    def off_row(self) -> dict[int, int]:
        """Transistor → row."""
        return {t: k for k, t in enumerate(self.off)}

    @cached_property
    def on_row(self) -> dict[int, int]:
        return {t: len(self.off) + k for k, t in enumerate(self.on)}

    @cached_property
    def low_row(self) -> dict[int, int]:
        """Node → row of "held low"."""
        return {node: len(self.off) + len(self.on) + k for k, node in enumerate(self.clamped)}

    @cached_property
    def high_row(self) -> dict[int, int]:
        return {node: row + len(self.clamped) for node, row in self.low_row.items()}

    @property
    def joins(self) -> Container[int]:
        return self.on_row

    def conducts(self, expressions: Expressions, transistor: int, gate: int) -> int:
        if (row := self.off_row.get(transistor)) is not None:
            gate = expressions.both(gate, expressions.invert(expressions.leaf(Kind.MASK, row)))
        if (row := self.on_row.get(transistor)) is not None:
            gate = expressions.either(gate, expressions.leaf(Kind.MASK, row))
        return gate

    def held(self, expressions: Expressions, node: int) -> tuple[int, int]:
        if node not in self.low_row:
            return 0, 0
        rows = (self.low_row[node], self.high_row[node])
        low, high = (expressions.leaf(Kind.MASK, row) for row in rows)
        return low, high


INTACT = MaskPlan()
