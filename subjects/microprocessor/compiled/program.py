"""The compiler's front half: from a chip to routines, ordered lists of expressions to compute and store.

    program = compile_program(netlist, chip)                        one chip, nothing perturbed
    program = compile_program(netlist, chip, MaskPlan(off=...))     with rows for perturbations

Every distinct vector of clock levels is a phase with a routine; `wiring.schedule` says which phases a step of the clock
cycle goes through. `emission` makes machine code of it.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from subjects.microprocessor.chip import ChipDescription
from subjects.microprocessor.compiled.components import partition, solve
from subjects.microprocessor.compiled.constants import phase_constants
from subjects.microprocessor.compiled.expressions import Expressions, Kind
from subjects.microprocessor.compiled.masks import INTACT, MaskPlan
from subjects.microprocessor.compiled.ordering import cut_nodes, order_cycle, strong_components
from subjects.microprocessor.compiled.wiring import Wiring, node_levels, wiring
from subjects.microprocessor.netlist import Netlist

N_ORDER_TRIES = 60

Results = Mapping[int, int]
"""Node → expression of its new value."""


@dataclass(frozen=True)
class Block:
    """Components computed one after the other; all results of one are computed before any is stored.

    A block with cut nodes is a cycle: it is repeated until none of them changes.
    """

    components: tuple[Results, ...]
    cut: tuple[int, ...]


@dataclass(frozen=True)
class Routine:
    """What to compute when the clock has taken some levels.

    Attributes
    ----------
    constants : node → level, stored first
    blocks : in order
    """

    constants: Mapping[int, int]
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Program:
    """A compiled chip.

    Attributes
    ----------
    wiring, masks, expressions : what it was made from
    phases : a routine for each of `wiring.clock`
    race_passes : a routine for each of the chip's
    stored : nodes that have a word of their own: those promised by id, then those whose charge can matter at some time
    """

    wiring: Wiring
    masks: MaskPlan
    expressions: Expressions
    phases: tuple[Routine, ...]
    race_passes: tuple[Routine, ...]
    stored: tuple[int, ...]

    @cached_property
    def slot_of_node(self) -> dict[int, int]:
        """Node → index of its word."""
        return {node: k for k, node in enumerate(self.stored)}

    @cached_property
    def slot_of_drive(self) -> dict[int, int]:
        """Driven node → index of the word that says how it is driven; pins without a channel have none."""
        read = {
            node
            for routine in (*self.phases, *self.race_passes)
            for block in routine.blocks
            for results in block.components
            for x in results.values()
            for node in self.expressions.read(x, Kind.DRIVE)
        }
        return {node: len(self.stored) + k for k, node in enumerate(sorted(read))}

    @property
    def n_slots(self) -> int:
        return len(self.stored) + len(self.slot_of_drive)

    def n_operations(self, routine: Routine) -> int:
        """Ands and ors of one pass over a routine."""
        return sum(self.expressions.n_operations(list(r.values())) for b in routine.blocks for r in b.components)


def compile_program(netlist: Netlist, chip: ChipDescription, masks: MaskPlan = INTACT) -> Program:
    """Partition, solve and order a chip.

    Parameters
    ----------
    masks : perturbations that the code shall take; see `maskable` for which it can

    Raises
    ------
    AssetError : the netlist lacks one of the description's names.
    """
    wires = wiring(netlist, chip)
    expressions = Expressions()
    constants = [phase_constants(wires, levels, masks) for levels in wires.clock]
    phases = [
        [solve(c, wires, known, masks, expressions).results for c in partition(wires, known, masks)]
        for known in constants
    ]
    passes = []
    for race in chip.race_passes:
        known = node_levels(netlist, race.levels)
        around = set(netlist.nodes_named(race.around).tolist())
        passes.append(
            [
                solve(c, wires, known, masks, expressions).results
                for c in partition(wires, known, masks)
                if not around.isdisjoint(c.nodes)
            ]
        )
    # between clock edges, where the event engine goes, no gate is known: what matters there must be kept as well
    anywhere = [solve(c, wires, {}, masks, expressions).results for c in partition(wires, {}, masks)]
    needed = _needed(wires.live, [*phases, *passes, anywhere], expressions)
    return Program(
        wiring=wires,
        masks=masks,
        expressions=expressions,
        phases=tuple(
            _routine(known, kept_results(results, needed - known.keys(), expressions), expressions)
            for known, results in zip(constants, phases, strict=True)
        ),
        # in a race nothing propagates: all components see the gates as they were
        race_passes=tuple(
            Routine({}, (Block((_united(kept_results(results, needed, expressions)),), ()),)) for results in passes
        ),
        stored=(*wires.promised, *sorted(needed - wires.live)),
    )


def _needed(live: frozenset[int], solutions: Iterable[list[Results]], expressions: Expressions) -> set[int]:
    """Live nodes, and those whose charge decides about one that is needed."""
    readers: dict[int, set[int]] = {}
    for components in solutions:
        for results in components:
            for node, x in results.items():
                readers.setdefault(node, set()).update(expressions.read(x, Kind.CHARGE))
    needed = set(live)
    waiting = list(live)
    while waiting:
        for node in readers.get(waiting.pop(), set()) - needed:
            needed.add(node)
            waiting.append(node)
    return needed


def kept_results(components: list[Results], needed: Container[int], expressions: Expressions) -> list[Results]:
    """Results that somebody needs, nodes that only keep their charge left out."""
    kept: list[Results] = []
    for results in components:
        left = {node: x for node, x in results.items() if node in needed and x != expressions.leaf(Kind.CHARGE, node)}
        if left:
            kept.append(left)
    return kept


def _united(components: list[Results]) -> Results:
    return {node: x for results in components for node, x in results.items()}


def _routine(constants: Mapping[int, int], components: list[Results], expressions: Expressions) -> Routine:
    home = {node: k for k, results in enumerate(components) for node in results}
    reads: dict[int, dict[int, frozenset[int]]] = {}
    for k, results in enumerate(components):
        by_component: dict[int, set[int]] = {}
        for x in results.values():
            for node in expressions.read(x, Kind.GATE):
                if node in home:
                    by_component.setdefault(home[node], set()).add(node)
        reads[k] = {other: frozenset(nodes) for other, nodes in sorted(by_component.items())}
    graph = {k: tuple(others) for k, others in reads.items()}
    blocks = []
    for members in strong_components(graph):
        order = order_cycle(members, reads, N_ORDER_TRIES)
        blocks.append(Block(tuple(components[k] for k in order), tuple(sorted(cut_nodes(order, reads)))))
    return Routine(constants, tuple(blocks))
