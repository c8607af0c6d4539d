"""What the compiler looks at: the transistors that can switch, the rails, and the nodes that the outside drives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rig.errors import AssetError
from subjects.microprocessor.chip import ChipDescription, Levels
from subjects.microprocessor.netlist import Netlist


@dataclass(frozen=True)
class Switch:
    """A merged transistor that can switch: its index in the netlist, gate and channel ends."""

    index: int
    gate: int
    c1: int
    c2: int


@dataclass(frozen=True)
class Wiring:
    """A netlist as the compiler sees it.

    Attributes
    ----------
    switches : transistors that are not inert
    rails : vss, vcc
    pull_up : nodes with a depletion load
    nodes : all nodes that exist, without the rails
    live : nodes whose values are promised; `promised` has them by id, with the rails, which read 0
    driven : nodes that the outside drives: input pins, then data lines
    clock : the clock pins' level vectors, in the order in which a cycle first meets them
    schedule : for every step of the clock cycle, the vectors (indices into `clock`) it goes through
    """

    switches: tuple[Switch, ...]
    vss: int
    vcc: int
    pull_up: frozenset[int]
    nodes: tuple[int, ...]
    live: frozenset[int]
    driven: tuple[int, ...]
    clock: tuple[Mapping[int, int], ...]
    schedule: tuple[tuple[int, ...], ...]

    @cached_property
    def promised(self) -> tuple[int, ...]:
        return tuple(sorted(self.live | {self.vss, self.vcc}))

    @cached_property
    def outside(self) -> frozenset[int]:
        """Driven nodes without a channel: they are what they are driven to, and nothing is solved for them."""
        return frozenset(self.driven) - {end for s in self.switches for end in (s.c1, s.c2)}

    def is_rail(self, node: int) -> bool:
        return node == self.vss or node == self.vcc


def wiring(netlist: Netlist, chip: ChipDescription) -> Wiring:
    """Look at a chip. Raises AssetError when the netlist lacks one of the description's names."""
    rails = (netlist.vss, netlist.vcc)
    switches = [
        Switch(t, int(netlist.gate[t]), int(netlist.c1[t]), int(netlist.c2[t]))
        for t in np.flatnonzero(~netlist.inert).tolist()
    ]
    driven = [int(n) for n in netlist.nodes_named((*chip.input_pins, *chip.memory.data))]
    clock, schedule = _clock(netlist, chip)
    return Wiring(
        switches=tuple(switches),
        vss=netlist.vss,
        vcc=netlist.vcc,
        pull_up=frozenset(np.flatnonzero(netlist.pull_up).tolist()),
        nodes=tuple(n for n in np.flatnonzero(netlist.node_exists).tolist() if n not in rails),
        live=frozenset(np.flatnonzero(netlist.live_nodes & netlist.node_exists).tolist()),
        driven=tuple(dict.fromkeys(driven)),
        clock=clock,
        schedule=schedule,
    )


def node_levels(netlist: Netlist, levels: Levels) -> dict[int, int]:
    """Levels by node id. Raises AssetError for a name that the netlist lacks."""
    nodes = netlist.nodes_named([name for name, _ in levels])
    return {int(node): level for node, (_, level) in zip(nodes, levels, strict=True)}


def _clock(
    netlist: Netlist, chip: ChipDescription
) -> tuple[tuple[Mapping[int, int], ...], tuple[tuple[int, ...], ...]]:
    """Every change of a clock pin gives a vector, also the one between two changes in one step."""
    for step in chip.clock_cycle:
        for pin, _ in step.levels:
            if pin not in chip.input_pins:
                raise AssetError(f"{chip.name}: clock pin {pin!r} is none of its input pins; list it there")
    levels: dict[int, int] = {}
    for step in chip.clock_cycle:
        levels.update(node_levels(netlist, step.levels))
    vectors: list[dict[int, int]] = []
    schedule = []
    for step in chip.clock_cycle:
        passed = []
        for level in step.levels:
            levels = levels | node_levels(netlist, (level,))
            if levels not in vectors:
                vectors.append(levels)
            passed.append(vectors.index(levels))
        schedule.append(tuple(passed))
    return tuple(vectors), tuple(schedule)


def neighbours(pairs: Iterable[tuple[int, int]]) -> dict[int, list[int]]:
    """Adjacency of undirected pairs."""
    found: dict[int, list[int]] = {}
    for a, b in pairs:
        found.setdefault(a, []).append(b)
        found.setdefault(b, []).append(a)
    return found


def reached(start: Iterable[int], adjacent: Mapping[int, list[int]]) -> list[list[int]]:
    """Connected sets of `start`, members in the order in which they were met."""
    seen: set[int] = set()
    groups = []
    for node in start:
        if node in seen:
            continue
        group = [node]
        seen.add(node)
        for member in group:
            for other in adjacent.get(member, ()):
                if other not in seen:
                    seen.add(other)
                    group.append(other)
        groups.append(group)
    return groups
