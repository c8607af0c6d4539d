"""Perturbed chips at full speed: only the groups of blocks that a perturbation touches are compiled anew.

A compiled chip looks, before each group, whether there is a detour: the address of a function that does what the
group does on the perturbed chip. An intact group costs one test that the processor always foresees. A perturbation is
compiled once, in some milliseconds a group; turning it off and on again, or moving back and forth between several,
compiles nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from subjects.microprocessor.chip import ChipDescription
from subjects.microprocessor.compiled.components import Component, partition, solve
from subjects.microprocessor.compiled.constants import phase_constants
from subjects.microprocessor.compiled.emission import Group, emit_groups, one_chip, program_groups
from subjects.microprocessor.compiled.expressions import Expressions, Kind
from subjects.microprocessor.compiled.machine_code import MachineCode, compile_code
from subjects.microprocessor.compiled.maskable import maskable
from subjects.microprocessor.compiled.masks import INTACT, Perturbed
from subjects.microprocessor.compiled.program import Block, Results, compile_program, kept_results
from subjects.microprocessor.compiled.wiring import Wiring, node_levels
from subjects.microprocessor.netlist import Netlist

N_KEPT = 64
"""Sets of perturbations whose code is kept; the oldest is forgotten first."""


@dataclass(frozen=True, eq=False)
class Detour:
    """What a perturbed chip does instead.

    Attributes
    ----------
    table : (n_groups,) int64 addresses, 0 for intact groups
    code : holds what is there: the table is good as long as this is kept
    """

    table: NDArray[np.int64]
    code: MachineCode | None


class Detours:
    """Compiles detours for one chip.

    Attributes
    ----------
    outside : pins without a channel, neither clocks nor such as call for trips: who drives them holds them
    """

    def __init__(self, netlist: Netlist, chip: ChipDescription) -> None:
        self._program = compile_program(netlist, chip)
        self._groups = program_groups(self._program)
        wires = self._program.wiring
        around = [set(netlist.nodes_named(race.around).tolist()) for race in chip.race_passes]
        self._routines = [
            *(_Routine(wires, phase_constants(wires, levels), None) for levels in wires.clock),
            *(
                _Routine(wires, node_levels(netlist, r.levels), near)
                for r, near in zip(chip.race_passes, around, strict=True)
            ),
        ]
        possible = maskable(netlist, chip)
        self._off = frozenset(possible.off) | set(np.flatnonzero(netlist.inert).tolist())
        self._on = frozenset(possible.on) - possible.joined_on
        self._clamped = frozenset(possible.clamped)
        calling = {netlist.node_ids[pin] for pin, _ in chip.trips.while_levels}
        self.outside = wires.outside - {pin for levels in wires.clock for pin in levels} - calling
        self._known: dict[Perturbed, Detour | None] = {}

    def detour(self, perturbed: Perturbed) -> Detour | None:
        """None when it cannot be expressed."""
        if perturbed not in self._known:
            while len(self._known) >= N_KEPT:
                del self._known[next(iter(self._known))]
            with self._program.expressions.aside():
                self._known[perturbed] = self._compile(perturbed)
        return self._known[perturbed]

    def _compile(self, perturbed: Perturbed) -> Detour | None:
        held = perturbed.low | perturbed.high
        if not (perturbed.off <= self._off and perturbed.on <= self._on and held <= self._clamped):
            return None
        changed: dict[int, Group] = {}
        first = 0
        for groups, routine in zip(self._groups, self._routines, strict=True):
            results = self._perturbed_results(perturbed, routine)
            replaced = _replaced(groups, results, self._program.expressions)
            if replaced is None:
                return None
            changed |= {first + k: group for k, group in replaced.items()}
            first += len(groups)
        table = np.zeros(first, np.int64)
        if not changed:
            return Detour(table, None)
        named = {f"group{k}": group for k, group in changed.items()}
        code = compile_code(emit_groups(self._program, one_chip(), named), tuple(named))
        for k in changed:
            table[k] = code.addresses[f"group{k}"]
        return Detour(table, code)

    def _perturbed_results(self, perturbed: Perturbed, routine: _Routine) -> list[tuple[frozenset[int], Results]]:
        """Nodes and new results of every component that a perturbation touches."""
        wires, expressions = self._program.wiring, self._program.expressions
        stored = frozenset(self._program.slot_of_node) - routine.known.keys()
        found = []
        for component in routine.touched(perturbed):
            solved = solve(component, wires, routine.known, perturbed, expressions).results
            kept = kept_results([solved], stored, expressions)
            found.append((frozenset(component.nodes), kept[0] if kept else {}))
        return found


class _Routine:
    """Components of one routine; what a detour can express does not join any of them."""

    def __init__(self, wires: Wiring, known: Mapping[int, int], near: set[int] | None) -> None:
        self.known = known
        kept = [c for c in partition(wires, known, INTACT) if near is None or not near.isdisjoint(c.nodes)]
        self._components = kept
        self._of_node = {node: k for k, c in enumerate(kept) for node in c.nodes}
        self._of_switch = {s.index: k for k, c in enumerate(kept) for s in c.switches}

    def touched(self, perturbed: Perturbed) -> list[Component]:
        """Components that hold a held node or a perturbed transistor."""
        places = {self._of_node.get(node) for node in perturbed.low | perturbed.high}
        places |= {self._of_switch.get(t) for t in perturbed.off | perturbed.on}
        return [self._components[k] for k in sorted(k for k in places if k is not None)]


def _replaced(
    groups: tuple[Group, ...], results: list[tuple[frozenset[int], Results]], expressions: Expressions
) -> dict[int, Group] | None:
    """Groups with new results in place of the old; None when a result reads what is only computed behind it."""
    new = [list(group) for group in groups]
    touched: set[int] = set()
    for nodes, result in results:
        place = next(
            (
                (g, b, c)
                for g, group in enumerate(groups)
                for b, block in enumerate(group)
                for c, old in enumerate(block.components)
                if not nodes.isdisjoint(old)
            ),
            None,
        )
        if place is None:
            if any(expressions.leaves(x) for x in result.values()):
                return None
            if result:  # only held so far: a level of its own comes first
                new[0].insert(0, Block((result,), ()))
                touched.add(0)
            continue
        g, b, c = place
        b += len(new[g]) - len(groups[g])
        block = new[g][b]
        if len(groups) == 1 and len(block.components) == 1:  # a race pass: everything at once
            old = {n: x for n, x in block.components[0].items() if n not in nodes}
            components: tuple[Results, ...] = ({**old, **result},)
        else:
            components = (*block.components[:c], result, *block.components[c + 1 :])
        new[g][b] = Block(components, block.cut)
        touched.add(g)
    home = {
        node: (g, b)
        for g, group in enumerate(new)
        for b, block in enumerate(group)
        for component in block.components
        for node in component
    }
    for g in touched:
        for b, block in enumerate(new[g]):
            read = {n for r in block.components for x in r.values() for n in expressions.read(x, Kind.GATE)}
            if any(home.get(n, (-1, 0)) > (g, b) for n in read):
                return None
            if len(groups) > 1:
                new[g][b] = Block(block.components, _cut(block, expressions))
    return {g: tuple(new[g]) for g in touched}


def _cut(block: Block, expressions: Expressions) -> tuple[int, ...]:
    """Nodes of a block that are read before, or while, they are computed."""
    late: set[int] = set()
    cut: set[int] = set()
    for results in reversed(block.components):
        late |= results.keys()
        cut |= {n for x in results.values() for n in expressions.read(x, Kind.GATE) if n in late}
    return tuple(sorted(cut))
