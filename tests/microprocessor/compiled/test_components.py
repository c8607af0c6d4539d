"""Symbolic solutions of random networks of switches against walking through what conducts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from subjects.microprocessor.chip import ChipDescription, ClockStep, MemoryProtocol, ResetScript
from subjects.microprocessor.compiled.components import partition, solve
from subjects.microprocessor.compiled.expressions import ONE, ZERO, Expressions, Kind
from subjects.microprocessor.compiled.masks import INTACT, MaskPlan
from subjects.microprocessor.compiled.wiring import Wiring, wiring
from subjects.microprocessor.netlist import build_netlist

VSS, VCC, CLOCK = 0, 1, 2
N_GATES, N_NODES = 6, 7
GATES = range(3, 3 + N_GATES)
NODES = range(3 + N_GATES, 3 + N_GATES + N_NODES)
ENDS = st.sampled_from([VSS, VCC, *NODES])


def network(rows: list[tuple[int, int, int]], loads: set[int], driven: list[int]) -> Wiring:
    """Gates are nodes that nothing drives; `driven` nodes are data lines."""
    n = NODES.stop
    pull_up = np.zeros(n, np.bool_)
    pull_up[list(loads)] = True
    names = {f"n{node}": node for node in range(n)}
    names |= {"vss": VSS, "vcc": VCC, "clk": CLOCK}
    netlist = build_netlist([f"t{k}" for k in range(len(rows))], rows, np.ones(n, np.bool_), pull_up, names, VSS, VCC)
    chip = ChipDescription(
        name="network",
        title="random switches",
        source="this test",
        licence="MIT",
        vss_name="vss",
        vcc_name="vcc",
        input_pins=("clk",),
        clock_cycle=(ClockStep((("clk", 0),), False), ClockStep((("clk", 1),), False)),
        memory=MemoryProtocol((), tuple(f"n{node}" for node in driven), (), ()),
        reset=ResetScript((), 0, 0, ()),
        registers={},
        um_per_unit=1.0,
    )
    return wiring(netlist, chip)


def evaluate(expressions: Expressions, x: int, leaves: dict[tuple[Kind, int], int]) -> int:
    node = expressions.nodes[x]
    if x in (ZERO, ONE):
        return node.a
    if node.kind < Kind.NOT:
        return leaves[node.kind, node.a]
    a = evaluate(expressions, node.a, leaves)
    if node.kind is Kind.NOT:
        return 1 - a
    b = evaluate(expressions, node.b, leaves)
    return a & b if node.kind is Kind.AND else a | b


def walked(wires: Wiring, values: dict[int, int], drive: dict[int, int], held: dict[int, int], modes: dict[int, int]):
    """Every node's value by walking from it, the strongest of all that is met deciding."""
    conducting = [s for s in wires.switches if modes.get(s.index, values[s.gate])]

    def strength(node: int) -> int:
        """5 vss, 4 vcc, 3 driven low, 2 high, 1 charge, 0 nothing."""
        if node in held:
            return 4 if held[node] else 5
        if node in (VSS, VCC):
            return 5 if node == VSS else 4
        if node in drive:
            return 2 if drive[node] else 3
        return 2 if node in wires.pull_up else values[node]

    found = {}
    for start in NODES:
        group = [start]
        for node in group:
            if node in (VSS, VCC) or (node in held and node != start):
                continue
            if node in held:
                break
            for s in conducting:
                for end, other in ((s.c1, s.c2), (s.c2, s.c1)):
                    if end == node and other not in group:
                        group.append(other)
        found[start] = int(max(strength(node) for node in group) in (4, 2, 1))
    return found


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_solution_is_what_a_walk_finds(data: st.DataObject):
    rows = data.draw(st.lists(st.tuples(st.sampled_from(GATES), ENDS, ENDS), min_size=1, max_size=14))
    driven = data.draw(st.lists(st.sampled_from(NODES), max_size=2, unique=True))
    wires = network(rows, data.draw(st.sets(st.sampled_from(NODES))), driven)
    transistors = tuple(s.index for s in wires.switches)
    masks = data.draw(
        st.sampled_from(
            [INTACT, MaskPlan(clamped=tuple(NODES)), MaskPlan(off=transistors, on=transistors, clamped=tuple(NODES))]
        )
    )
    values = {node: data.draw(st.integers(0, 1)) for node in (*GATES, *NODES)}
    drive = {node: data.draw(st.integers(0, 1)) for node in driven}
    held = {node: data.draw(st.integers(0, 1)) for node in masks.clamped if data.draw(st.booleans())}
    modes = {t: data.draw(st.integers(0, 1)) for t in masks.off if data.draw(st.booleans())}

    rows_set = {masks.off_row[t]: 1 - mode for t, mode in modes.items()}
    rows_set |= {masks.on_row[t]: mode for t, mode in modes.items()}
    rows_set |= {masks.low_row[node]: 1 - level for node, level in held.items()}
    rows_set |= {masks.high_row[node]: level for node, level in held.items()}
    leaves = {(kind, node): value for node, value in values.items() for kind in (Kind.GATE, Kind.CHARGE)}
    leaves |= {(Kind.DRIVE, node): level for node, level in drive.items()}
    leaves |= {(Kind.MASK, row): rows_set.get(row, 0) for row in range(masks.n_rows)}

    expressions = Expressions()
    found = {}
    for component in partition(wires, {}, masks):
        results = solve(component, wires, {}, masks, expressions).results
        found |= {node: evaluate(expressions, x, leaves) for node, x in results.items() if node in NODES}
    expected = walked(wires, values, drive, held, modes)
    # driven nodes without a channel are what they are driven to
    assert set(NODES) - set(found) == set(driven) & wires.outside
    assert found == {node: expected[node] for node in found}


@pytest.mark.parametrize("known", [{3: 0}, {3: 1}])
def test_known_gates_are_wired_or_left_out(known: dict[int, int]):
    a, b = NODES[0], NODES[1]
    wires = network([(3, a, b), (4, VSS, a)], set(), [])
    groups = [c.nodes for c in partition(wires, known, INTACT) if a in c.nodes]
    assert groups == [(a, b) if known[3] else (a,)]
