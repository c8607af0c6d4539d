"""Which perturbations can be rows of masks at all.

What is constant while the clock stands somewhere is compiled in. A perturbation that could change such a constant
cannot be a row; such a chip runs on the event engine, or is compiled from a netlist that has the lesion in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from subjects.microprocessor.chip import ChipDescription
from subjects.microprocessor.compiled.constants import phase_constants
from subjects.microprocessor.compiled.wiring import Wiring, neighbours, reached, wiring
from subjects.microprocessor.netlist import Netlist


@dataclass(frozen=True)
class Maskable:
    """Perturbations that compiled code can take as rows of masks, each in order of id.

    Attributes
    ----------
    off, on : (merged) transistors, inert ones left out: they never matter
    joined_on : those of `on` that conduct across what the clock separates; with any of them in a program, components
        grow together and everything slows down
    clamped : nodes; not the pins without a channel: holding one is up to whoever drives it
    """

    off: tuple[int, ...]
    on: tuple[int, ...]
    joined_on: frozenset[int]
    clamped: tuple[int, ...]


def maskable(netlist: Netlist, chip: ChipDescription) -> Maskable:
    """Find out for a chip. Raises AssetError when the netlist lacks one of the description's names."""
    wires = wiring(netlist, chip)
    off, on, clamped = _transistors(wires), _transistors(wires), set(wires.nodes)
    joined: set[int] = set()
    for levels in wires.clock:
        known = phase_constants(wires, levels)
        touching = {s.index for s in wires.switches if s.c1 in known or s.c2 in known}
        shut = {s.index for s in wires.switches if known.get(s.gate) == 0}
        off -= touching
        on -= touching & shut
        joined |= shut
        clamped -= _near_constants(wires, known)
    clamped -= wires.outside
    return Maskable(tuple(sorted(off)), tuple(sorted(on)), frozenset(on & joined), tuple(sorted(clamped)))


def _transistors(wires: Wiring) -> set[int]:
    return {switch.index for switch in wires.switches}


def _near_constants(wires: Wiring, known: Mapping[int, int]) -> set[int]:
    """Nodes that are constant, or that transistors may join to one that is."""
    open_ones = [s for s in wires.switches if known.get(s.gate) != 0]
    adjacent = neighbours((s.c1, s.c2) for s in open_ones if not wires.is_rail(s.c1) and not wires.is_rail(s.c2))
    near: set[int] = set()
    for group in reached(wires.nodes, adjacent):
        if not known.keys().isdisjoint(group):
            near.update(group)
    return near
