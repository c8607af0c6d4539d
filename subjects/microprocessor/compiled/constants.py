"""Nodes that have one value for as long as the clock stands at given levels, whatever the chip does.

Known at first are the clock pins; what follows from them is found by rounds until nothing more does. A node is

    0  if it reaches vss through transistors whose gates are known to be 1
    1  if it reaches vcc or a load so, and cannot reach vss nor a driven node through any that are not known to be off
"""

from __future__ import annotations

from collections.abc import Mapping

from subjects.microprocessor.compiled.masks import INTACT, MaskPlan
from subjects.microprocessor.compiled.wiring import Switch, Wiring, neighbours, reached


def phase_constants(wiring: Wiring, levels: Mapping[int, int], masks: MaskPlan = INTACT) -> dict[int, int]:
    """Node → 0 or 1, the given levels included, whatever the masks do to transistors."""
    known = dict(levels)
    fixed = {wiring.vss, wiring.vcc, *wiring.driven}
    while True:
        found = _one_round(wiring, known, fixed, masks)
        if not found:
            return known
        known.update(found)


def _one_round(wiring: Wiring, known: Mapping[int, int], fixed: set[int], masks: MaskPlan) -> dict[int, int]:
    surely = [s for s in wiring.switches if known.get(s.gate) == 1 and s.index not in masks.off_row]
    maybe = [s for s in wiring.switches if known.get(s.gate) != 0 or s.index in masks.on_row]
    sure_low, sure_high = set(), set(wiring.pull_up)
    maybe_low = set(wiring.driven)
    for switch in maybe:
        for end, other in ((switch.c1, switch.c2), (switch.c2, switch.c1)):
            if other == wiring.vss:
                maybe_low.add(end)
    for switch in surely:
        for end, other in ((switch.c1, switch.c2), (switch.c2, switch.c1)):
            if other == wiring.vss:
                sure_low.add(end)
            elif other == wiring.vcc:
                sure_high.add(end)

    def between_nodes(switches: list[Switch]) -> dict[int, list[int]]:
        return neighbours((s.c1, s.c2) for s in switches if not wiring.is_rail(s.c1) and not wiring.is_rail(s.c2))

    can_be_low: set[int] = set()
    for group in reached(wiring.nodes, between_nodes(maybe)):
        if not maybe_low.isdisjoint(group):
            can_be_low.update(group)
    found = {}
    for group in reached(wiring.nodes, between_nodes(surely)):
        low, high = not sure_low.isdisjoint(group), not sure_high.isdisjoint(group)
        for node in group:
            if node in known or node in fixed:
                continue
            if low:
                found[node] = 0
            elif high and node not in can_be_low:
                found[node] = 1
    return found
