"""Channel-connected components: sets of nodes that conducting transistors may join, and their values solved for.

A node's value is decided by the strongest of vss > vcc > driven low > driven or loaded high > any charge that stores
a 1, within what it conducts to. Each rank is a Boolean closure over the transistors' conduction, and because "or" is
idempotent, Gaussian elimination over (or, and) is exact for every mesh and every direction of current:

    eliminate k:    a_ij |= a_ik & a_kj      source_j |= a_jk & source_k
    then backwards: source_k |= a_jk & source_j
    value_i = ~low_i & (vcc_i | ~driven_low_i & high_i)

Where no member is driven from outside, "driven low" is nowhere and vcc needs no rank of its own above high.

A held node is a rail: it sources its level at the strength of vss or vcc, and nothing passes through it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from subjects.microprocessor.compiled.expressions import ONE, ZERO, Expressions, Kind
from subjects.microprocessor.compiled.masks import Alterations
from subjects.microprocessor.compiled.wiring import Switch, Wiring, neighbours, reached


@dataclass(frozen=True)
class Component:
    """Nodes that transistors may join while the clock stands at some levels, in order of id."""

    nodes: tuple[int, ...]
    switches: tuple[Switch, ...]


@dataclass(frozen=True)
class Solved:
    """New value of each node of a component, as an expression."""

    results: Mapping[int, int]


def partition(wiring: Wiring, known: Mapping[int, int], masks: Alterations) -> list[Component]:
    """Components in order of their lowest node. Pins without a channel are in none."""
    joined = [s for s in wiring.switches if known.get(s.gate) != 0 or s.index in masks.joins]
    adjacent = neighbours((s.c1, s.c2) for s in joined if not wiring.is_rail(s.c1) and not wiring.is_rail(s.c2))
    at: dict[int, list[Switch]] = {}
    for switch in joined:
        at.setdefault(switch.c2 if wiring.is_rail(switch.c1) else switch.c1, []).append(switch)
    inside = [node for node in wiring.nodes if node not in wiring.outside]
    return [
        Component(tuple(sorted(group)), tuple(s for node in sorted(group) for s in at.get(node, ())))
        for group in reached(inside, adjacent)
    ]


def solve(
    component: Component, wiring: Wiring, known: Mapping[int, int], masks: Alterations, expressions: Expressions
) -> Solved:
    """Solve a component for the values that its nodes take."""
    network = _Network(component.nodes, wiring, masks, expressions)
    for switch in component.switches:
        gate = known.get(switch.gate)
        conducts = expressions.leaf(Kind.GATE, switch.gate) if gate is None else (ZERO, ONE)[gate]
        network.add(switch, masks.conducts(expressions, switch.index, conducts))
    return Solved(network.values())


class _Network:
    """The equations of one component while they are being solved."""

    def __init__(self, nodes: Sequence[int], wiring: Wiring, masks: Alterations, expressions: Expressions) -> None:
        self._wiring = wiring
        self._x = expressions
        self._held = {node: masks.held(expressions, node) for node in nodes}
        self._conduction: dict[int, dict[int, int]] = {node: {} for node in nodes}
        driven = [node for node in nodes if node in wiring.driven]
        # sources by rank; without driven nodes vcc counts among the high ones
        self._low = dict.fromkeys(nodes, ZERO)
        self._high = {node: self._own(node, node in driven) for node in nodes}
        self._vcc = dict.fromkeys(nodes, ZERO) if driven else self._high
        self._driven_low = dict.fromkeys(nodes, ZERO)
        for node in driven:
            self._driven_low[node] = expressions.invert(expressions.leaf(Kind.DRIVE, node))
        distinct = {id(plane): plane for plane in (self._low, self._vcc, self._driven_low, self._high)}
        self._planes = list(distinct.values()) if driven else [self._low, self._high]

    def _own(self, node: int, driven: bool) -> int:
        if driven:
            return self._x.leaf(Kind.DRIVE, node)
        return ONE if node in self._wiring.pull_up else self._x.leaf(Kind.CHARGE, node)

    def add(self, switch: Switch, conducts: int) -> None:
        for end, other in ((switch.c1, switch.c2), (switch.c2, switch.c1)):
            if other == self._wiring.vss:
                self._low[end] = self._x.either(self._low[end], conducts)
            elif other == self._wiring.vcc:
                self._vcc[end] = self._x.either(self._vcc[end], conducts)
            elif not self._wiring.is_rail(end):
                row = self._conduction[end]
                row[other] = self._x.either(row.get(other, ZERO), conducts)

    def values(self) -> dict[int, int]:
        order = self._eliminate()
        for node, row in reversed(order):
            for other, conducts in row.items():
                self._flow(conducts, other, node)
            self._hold(node)
        return {node: self._value(node) for node in self._low}

    def _eliminate(self) -> list[tuple[int, dict[int, int]]]:
        x, rows = self._x, self._conduction
        order = []
        while rows:
            node = min(rows, key=lambda n: (len(rows[n]), n))
            row = rows.pop(node)
            self._hold(node)
            low, high = self._held[node]
            free = x.invert(x.either(low, high))
            others = list(row.items())
            for k, (i, conducts_i) in enumerate(others):
                del rows[i][node]
                self._flow(conducts_i, node, i)
                through = x.both(conducts_i, free)
                for j, conducts_j in others[k + 1 :]:
                    path = x.both(through, conducts_j)
                    if path != ZERO:
                        rows[i][j] = rows[j][i] = x.either(rows[i].get(j, ZERO), path)
            order.append((node, row))
        return order

    def _flow(self, conducts: int, source: int, target: int) -> None:
        for plane in self._planes:
            plane[target] = self._x.either(plane[target], self._x.both(conducts, plane[source]))

    def _hold(self, node: int) -> None:
        """Make a held node the rail it is: nothing that flowed into it counts."""
        low, high = self._held[node]
        if low == high == ZERO:
            return
        x = self._x
        free = x.invert(x.either(low, high))
        for plane in self._planes:
            plane[node] = x.both(plane[node], free)
        self._low[node] = x.either(self._low[node], low)
        self._vcc[node] = x.either(self._vcc[node], high)

    def _value(self, node: int) -> int:
        x = self._x
        high = self._high[node]
        if self._vcc is not self._high:
            high = x.both(high, x.invert(self._driven_low[node]))
            high = x.either(high, self._vcc[node])
        return x.both(high, x.invert(self._low[node]))
