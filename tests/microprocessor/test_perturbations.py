"""Clamps and lesions, against circuits whose answer is known and against a slow restatement of the rules."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rig.errors import SubjectError, UnknownUnitError
from subjects.microprocessor.chip import ChipDescription, ClockStep, MemoryProtocol, ResetScript
from subjects.microprocessor.circuit import CLAMP_HIGH, CLAMP_LOW, CLAMP_NONE, MODE_NORMAL, MODE_OFF, MODE_ON
from subjects.microprocessor.engine import EngineState
from subjects.microprocessor.event_engine import EventEngine
from subjects.microprocessor.mos6502 import MOS6502
from subjects.microprocessor.netlist import Netlist, build_netlist

VSS, VCC = 0, 1


def tiny_chip(n_nodes: int) -> ChipDescription:
    """Every node is a pin; the clock pin is node 2 and there is no bus."""
    return ChipDescription(
        name="tiny",
        title="a few transistors",
        source="this test",
        licence="MIT",
        vss_name="n0",
        vcc_name="n1",
        input_pins=tuple(f"n{node}" for node in range(2, n_nodes)),
        clock_cycle=(ClockStep((("n2", 0),), False), ClockStep((("n2", 1),), False)),
        memory=MemoryProtocol((), (), (), ()),
        reset=ResetScript(hold=(), clock_step=1, n_half_cycles=0, release=()),
        registers={},
        um_per_unit=1.0,
    )


def tiny_netlist(n_nodes: int, rows: Sequence[tuple[int, int, int]], loads: Sequence[int]) -> Netlist:
    pull_up = np.zeros(n_nodes, np.bool_)
    pull_up[list(loads)] = True
    names = {f"n{node}": node for node in range(n_nodes)}
    return build_netlist(
        [f"t{k}" for k in range(len(rows))], rows, np.ones(n_nodes, np.bool_), pull_up, names, VSS, VCC
    )


def power_up(n_nodes: int, rows: Sequence[tuple[int, int, int]], loads: Sequence[int]) -> EventEngine:
    engine = EventEngine(tiny_netlist(n_nodes, rows, loads), tiny_chip(n_nodes))
    engine.reset(np.zeros(1, np.uint8))
    return engine


def clamps(engine: EventEngine, **levels: int) -> np.ndarray:
    clamp = np.zeros(engine.netlist.n_nodes, np.uint8)
    for name, level in levels.items():
        clamp[engine.netlist.node_ids[name]] = level
    return clamp


def modes(engine: EventEngine, changed: dict[int, int]) -> np.ndarray:
    row_mode = np.zeros(engine.netlist.n_rows, np.uint8)
    for row, mode in changed.items():
        row_mode[row] = mode
    return row_mode


class TestInverter:
    IN, OUT = 2, 3

    @pytest.fixture
    def engine(self) -> EventEngine:
        return power_up(4, [(self.IN, VSS, self.OUT)], loads=[self.OUT])

    def test_inverts(self, engine: EventEngine):
        for level in (0, 1, 0):
            engine.set_pin("n2", level)
            assert engine.values[self.OUT] == 1 - level

    def test_stuck_off_stays_high_and_stuck_on_stays_low(self, engine: EventEngine):
        engine.set_pin("n2", 1)
        engine.perturb(row_mode=modes(engine, {0: MODE_OFF}))
        assert engine.values[self.OUT] == 1
        engine.perturb(row_mode=modes(engine, {0: MODE_ON}))
        assert engine.values[self.OUT] == 0
        engine.set_pin("n2", 0)
        assert engine.values[self.OUT] == 0
        engine.perturb(row_mode=modes(engine, {}))
        assert engine.values[self.OUT] == 1

    def test_clamped_input_ignores_its_pin_until_released(self, engine: EventEngine):
        engine.set_pin("n2", 0)
        engine.perturb(clamp=clamps(engine, n2=CLAMP_HIGH))
        assert engine.values.tolist() == [0, 0, 1, 0]
        engine.set_pin("n2", 0)
        assert engine.values.tolist() == [0, 0, 1, 0]
        engine.perturb(clamp=clamps(engine))
        assert engine.values.tolist() == [0, 0, 0, 1]

    def test_clamped_output_beats_the_transistor(self, engine: EventEngine):
        engine.set_pin("n2", 1)
        engine.perturb(clamp=clamps(engine, n3=CLAMP_HIGH))
        assert engine.values[self.OUT] == 1
        engine.perturb(clamp=clamps(engine, n3=CLAMP_LOW))
        engine.set_pin("n2", 0)
        assert engine.values[self.OUT] == 0
        engine.perturb(clamp=clamps(engine))
        assert engine.values[self.OUT] == 1


class TestNand:
    A, B, OUT, MIDDLE = 2, 3, 4, 5

    @pytest.fixture
    def engine(self) -> EventEngine:
        return power_up(6, [(self.A, self.OUT, self.MIDDLE), (self.B, self.MIDDLE, VSS)], loads=[self.OUT])

    def truth(self, engine: EventEngine) -> list[int]:
        answers = []
        for a, b in ((0, 0), (0, 1), (1, 0), (1, 1)):
            engine.set_pin("n2", a)
            engine.set_pin("n3", b)
            answers.append(int(engine.values[self.OUT]))
        return answers

    def test_intact(self, engine: EventEngine):
        assert self.truth(engine) == [1, 1, 1, 0]

    def test_one_stuck_on_makes_an_inverter_of_the_other(self, engine: EventEngine):
        engine.perturb(row_mode=modes(engine, {0: MODE_ON}))
        assert self.truth(engine) == [1, 0, 1, 0]
        engine.perturb(row_mode=modes(engine, {1: MODE_ON}))
        assert self.truth(engine) == [1, 1, 0, 0]
        engine.perturb(row_mode=modes(engine, {1: MODE_OFF}))
        assert self.truth(engine) == [1, 1, 1, 1]

    def test_clamped_middle_is_a_ground_of_its_own(self, engine: EventEngine):
        engine.perturb(clamp=clamps(engine, n5=CLAMP_LOW))
        assert self.truth(engine) == [1, 1, 0, 0]
        engine.perturb(clamp=clamps(engine, n5=CLAMP_HIGH))
        assert self.truth(engine) == [1, 1, 1, 1]


def test_pass_gate_latch_keeps_its_charge():
    data, enable, stored = 3, 2, 4
    engine = power_up(5, [(enable, data, stored)], loads=[])
    for level in (1, 0):
        engine.set_pin("n2", 1)
        engine.set_pin("n3", level)
        engine.set_pin("n2", 0)
        engine.set_pin("n3", 1 - level)
        assert engine.values[stored] == level
    # a clamp overwrites the charge, and its release leaves what it wrote
    engine.perturb(clamp=clamps(engine, n4=CLAMP_HIGH))
    engine.perturb(clamp=clamps(engine))
    assert engine.values[stored] == 1
    # stuck on, the latch is transparent
    engine.perturb(row_mode=modes(engine, {0: MODE_ON}))
    assert engine.values[stored] == engine.values[data]
    engine.set_pin("n3", 0)
    assert engine.values[stored] == 0


def test_precharged_bus_discharges_and_keeps_what_a_clamp_left():
    precharge, discharge, bus, reader = 2, 3, 4, 5
    engine = power_up(6, [(precharge, VCC, bus), (discharge, bus, VSS), (bus, reader, VSS)], loads=[reader])
    engine.set_pin("n3", 0)
    engine.set_pin("n2", 1)
    engine.set_pin("n2", 0)
    assert (engine.values[bus], engine.values[reader]) == (1, 0)
    engine.set_pin("n3", 1)
    assert (engine.values[bus], engine.values[reader]) == (0, 1)
    # low rails beat high rails, also when both transistors conduct for good
    engine.perturb(row_mode=modes(engine, {0: MODE_ON, 1: MODE_ON}))
    assert engine.values[bus] == 0
    engine.perturb(row_mode=modes(engine, {0: MODE_ON, 1: MODE_OFF}))
    assert engine.values[bus] == 1
    engine.perturb(row_mode=modes(engine, {1: MODE_OFF}), clamp=clamps(engine, n4=CLAMP_LOW))
    assert (engine.values[bus], engine.values[reader]) == (0, 1)
    engine.perturb(clamp=clamps(engine))
    assert (engine.values[bus], engine.values[reader]) == (0, 1)


def test_parallel_rows_act_as_one_until_all_are_gone():
    gate, out = 2, 3
    engine = power_up(4, [(gate, VSS, out), (gate, out, VSS), (gate, VSS, out)], loads=[out])
    assert engine.netlist.n_transistors == 1
    assert engine.netlist.multiplicity.tolist() == [3]
    assert engine.netlist.parallel_rows(1).tolist() == [0, 1, 2]
    engine.set_pin("n2", 1)
    engine.perturb(row_mode=modes(engine, {0: MODE_OFF, 1: MODE_OFF}))
    assert engine.values[out] == 0
    engine.perturb(row_mode=modes(engine, {0: MODE_OFF, 1: MODE_OFF, 2: MODE_OFF}))
    assert engine.values[out] == 1
    engine.set_pin("n2", 0)
    engine.perturb(row_mode=modes(engine, {0: MODE_OFF, 2: MODE_ON}))
    assert engine.values[out] == 0


def test_ring_of_inverters_is_left_after_fifty_waves_and_counted():
    ring = power_up(6, [(3, 4, VSS), (4, 5, VSS), (5, 3, VSS)], loads=[3, 4, 5])
    assert ring.n_unsettled == 1
    # cut open it settles
    ring.perturb(clamp=clamps(ring, n3=CLAMP_HIGH))
    assert ring.n_unsettled == 1
    assert ring.values.tolist() == [0, 0, 0, 1, 0, 1]


def test_refusals(engine_of_inverter: EventEngine):
    engine = engine_of_inverter
    with pytest.raises(UnknownUnitError, match="supply"):
        engine.perturb(clamp=clamps(engine, n1=CLAMP_LOW))
    with pytest.raises(SubjectError, match="asked to perturb"):
        engine.perturb(clamp=np.zeros(3, np.uint8))
    with pytest.raises(SubjectError, match="outside 0 to 2"):
        engine.perturb(row_mode=np.full(1, 3, np.uint8))
    with pytest.raises(UnknownUnitError, match="pin 'n9'"):
        engine.set_pin("n9", 1)
    with pytest.raises(UnknownUnitError, match="register 'pc'"):
        engine.register("pc")


@pytest.fixture
def engine_of_inverter() -> EventEngine:
    return power_up(4, [(2, VSS, 3)], loads=[3])


class SlowChip:
    """The rules, node by node and transistor by transistor, with nothing counted, merged or precomputed.

    A rail is vss, vcc or a clamped node. A walk from a node gathers the nodes reached through conducting transistors,
    in the order of the transistors, and stops at rails; the strongest of low rail, high rail, pulled down, pulled up,
    stored 1 decides.
    """

    def __init__(self, n_nodes: int, transistors: Sequence[tuple[int, int, int]], loads: Sequence[int]) -> None:
        self.transistors = list(transistors)
        self.values = [0] * n_nodes
        self.pulled = ["up" if node in loads else None for node in range(n_nodes)]
        self.clamp = [CLAMP_NONE] * n_nodes
        self.mode = [MODE_NORMAL] * len(self.transistors)

    def rail(self, node: int) -> str | None:
        if node == VSS or self.clamp[node] == CLAMP_LOW:
            return "low"
        if node == VCC or self.clamp[node] == CLAMP_HIGH:
            return "high"
        return None

    def conducts(self, t: int) -> bool:
        gate = self.transistors[t][0]
        return self.mode[t] == MODE_ON or (self.mode[t] == MODE_NORMAL and self.values[gate] == 1)

    def walk(self, node: int, group: list[int], found: set[str]) -> None:
        rail = self.rail(node)
        if rail is not None:
            found.add(rail)
        elif node not in group:
            group.append(node)
            if self.pulled[node]:
                found.add(self.pulled[node])
            if self.values[node]:
                found.add("stored")
            for t, (_, c1, c2) in enumerate(self.transistors):
                if node in (c1, c2) and self.conducts(t):
                    self.walk(c2 if node == c1 else c1, group, found)

    def settle(self, nodes: Sequence[int]) -> None:
        waiting = list(dict.fromkeys(nodes))
        for _ in range(50):
            following: list[int] = []
            for start in waiting:
                group: list[int] = []
                found: set[str] = set()
                self.walk(start, group, found)
                strongest = next((s for s in ("low", "high", "down", "up", "stored") if s in found), "nothing")
                new = int(strongest in ("high", "up", "stored"))
                for node in group:
                    if self.values[node] != new:
                        self.values[node] = new
                        following += self.touched_by(node, rising=new == 1)
            waiting = list(dict.fromkeys(following))

    def touched_by(self, node: int, rising: bool) -> list[int]:
        touched = []
        for t, (gate, c1, c2) in enumerate(self.transistors):
            if gate == node and self.mode[t] == MODE_NORMAL:
                ends = [end for end in (c1, c2) if self.rail(end) is None]
                touched += ends[:1] if rising else ends
        return touched

    def set_pin(self, node: int, level: int) -> None:
        self.pulled[node] = "up" if level else "down"
        self.settle([node])

    def perturb(self, clamp: Sequence[int], mode: Sequence[int]) -> None:
        changed = [node for node in range(len(clamp)) if clamp[node] != self.clamp[node]]
        toggled = [n for n in changed if clamp[n] != CLAMP_NONE and self.values[n] != (clamp[n] == CLAMP_HIGH)]
        switched = [t for t in range(len(mode)) if mode[t] != self.mode[t]]
        self.clamp, self.mode = list(clamp), list(mode)
        for node in toggled:
            self.values[node] = int(clamp[node] == CLAMP_HIGH)
        touched = []
        for t, (gate, c1, c2) in enumerate(self.transistors):
            if t in switched or gate in toggled or c1 in changed or c2 in changed:
                touched += [c1, c2]
        self.settle(touched + changed)


@st.composite
def circuits(draw):
    n_nodes = draw(st.integers(4, 9))
    node = st.integers(0, n_nodes - 1)
    rows = draw(st.lists(st.tuples(node, node, node), min_size=1, max_size=14))
    loads = draw(st.sets(st.integers(2, n_nodes - 1)))
    action = st.one_of(
        st.tuples(st.just("pin"), st.integers(2, n_nodes - 1), st.integers(0, 1)),
        st.tuples(st.just("clamp"), st.integers(2, n_nodes - 1), st.integers(0, 2)),
        st.tuples(st.just("mode"), st.integers(0, len(rows) - 1), st.integers(0, 2)),
    )
    return n_nodes, rows, sorted(loads), draw(st.lists(action, min_size=1, max_size=12))


@settings(max_examples=400, deadline=None)
@given(circuits())
def test_random_circuits_follow_the_rules(circuit):
    n_nodes, rows, loads, actions = circuit
    engine = power_up(n_nodes, rows, loads)
    netlist = engine.netlist
    slow = SlowChip(n_nodes, list(zip(netlist.gate, netlist.c1, netlist.c2, strict=True)), loads)
    slow.settle(range(n_nodes))
    np.testing.assert_array_equal(engine.values, slow.values)
    clamp, row_mode = np.zeros(n_nodes, np.uint8), np.zeros(len(rows), np.uint8)
    for kind, where, what in actions:
        if kind == "pin":
            engine.set_pin(f"n{where}", what)
            slow.set_pin(where, what)
        else:
            (clamp if kind == "clamp" else row_mode)[where] = what
            engine.perturb(clamp, row_mode)
            slow.perturb(clamp.tolist(), merged_modes(netlist, row_mode))
        np.testing.assert_array_equal(engine.values, slow.values, err_msg=f"{kind} {where} {what}")
        packed = np.unpackbits(engine.circuit.packed, bitorder="little")[:n_nodes]
        np.testing.assert_array_equal(packed, slow.values)


def merged_modes(netlist: Netlist, row_mode: np.ndarray) -> list[int]:
    """On when a row is on, off when all are off."""
    merged = []
    for t in range(netlist.n_transistors):
        of_rows = set(row_mode[netlist.row_transistor == t].tolist())
        merged.append(MODE_ON if MODE_ON in of_rows else MODE_OFF if of_rows == {MODE_OFF} else MODE_NORMAL)
    return merged


PROGRAM = np.array([0xA2, 0x05, 0x8A, 0x9D, 0x00, 0x02, 0x69, 0x37, 0xCA, 0xD0, 0xF7, 0x48, 0x28, 0x4C, 0x00, 0x04])
"""LDX #5 / loop: TXA, STA $0200,X, ADC #$37, DEX, BNE loop / PHA, PLP, JMP $0400."""


def program_memory() -> np.ndarray:
    memory = np.zeros(65536, np.uint8)
    memory[0x0400 : 0x0400 + len(PROGRAM)] = PROGRAM
    memory[0xFFFC:0xFFFE] = (0x00, 0x04)
    return memory


def rows_of(engine: EventEngine, n_half_cycles: int, memory: np.ndarray) -> np.ndarray:
    rows = np.zeros((n_half_cycles, len(engine.circuit.packed)), np.uint8)
    engine.run(n_half_cycles, memory, rows)
    return rows


@pytest.mark.parametrize("seed", range(8))
def test_removed_transistors_equal_a_chip_built_without_them(mos6502: Netlist, seed: int):
    picked = np.random.default_rng(seed).choice(mos6502.n_rows, 1 + seed, replace=False)
    removed = np.unique(np.concatenate([mos6502.parallel_rows(row) for row in picked]))
    lesioned, rebuilt = EventEngine(mos6502, MOS6502), EventEngine(mos6502.without_rows(removed.tolist()), MOS6502)
    lesioned.perturb(row_mode=modes(lesioned, dict.fromkeys(removed.tolist(), MODE_OFF)))
    memories = program_memory(), program_memory()
    lesioned.reset(memories[0])
    rebuilt.reset(memories[1])
    np.testing.assert_array_equal(rows_of(lesioned, 600, memories[0]), rows_of(rebuilt, 600, memories[1]))
    np.testing.assert_array_equal(*memories)


def test_one_row_of_a_parallel_group_changes_nothing(mos6502: Netlist):
    row = int(np.flatnonzero(mos6502.multiplicity[mos6502.row_transistor] > 1)[0])
    intact, lesioned = EventEngine(mos6502, MOS6502), EventEngine(mos6502, MOS6502)
    lesioned.perturb(row_mode=modes(lesioned, {row: MODE_OFF}))
    memories = program_memory(), program_memory()
    intact.reset(memories[0])
    lesioned.reset(memories[1])
    np.testing.assert_array_equal(rows_of(intact, 300, memories[0]), rows_of(lesioned, 300, memories[1]))


def test_everything_undone_leaves_the_wiring_as_it_was(mos6502: Netlist):
    engine, rng = EventEngine(mos6502, MOS6502), np.random.default_rng(3)
    memory = program_memory()
    engine.reset(memory)
    wiring = ("gate_start", "gate_end", "pass_start", "pass_end", "rail")
    before = {name: getattr(engine.circuit, name).copy() for name in wiring}
    clamp = rng.integers(0, 3, mos6502.n_nodes).astype(np.uint8) * mos6502.node_exists
    clamp[[mos6502.vss, mos6502.vcc]] = CLAMP_NONE
    engine.perturb(clamp, rng.integers(0, 3, mos6502.n_rows))
    assert any((getattr(engine.circuit, name) != before[name]).any() for name in wiring)
    engine.perturb(np.zeros_like(clamp), np.zeros(mos6502.n_rows, np.uint8))
    n_ends, n_edges = before["gate_start"][-1], before["pass_start"][-1]
    for name in wiring:
        used = n_ends if name == "gate_end" else n_edges if name == "pass_end" else None
        np.testing.assert_array_equal(getattr(engine.circuit, name)[:used], before[name][:used], err_msg=name)


def test_counted_transistors_stay_true_while_running(mos6502: Netlist):
    engine, rng = EventEngine(mos6502, MOS6502), np.random.default_rng(5)
    memory = program_memory()
    engine.reset(memory)
    row_mode = np.where(rng.random(mos6502.n_rows) < 0.01, MODE_OFF, MODE_NORMAL)
    engine.perturb(row_mode=row_mode, clamp=clamps(engine, a3=CLAMP_HIGH, sync=CLAMP_LOW))
    engine.run(501, memory)
    drive, packed = engine.circuit.drive.copy(), engine.circuit.packed.copy()
    engine.restore(engine.snapshot())
    np.testing.assert_array_equal(engine.circuit.drive, drive)
    np.testing.assert_array_equal(engine.circuit.packed, packed)


def test_snapshot_carries_perturbations_across_engines(mos6502: Netlist):
    first = EventEngine(mos6502, MOS6502)
    memory = program_memory()
    first.reset(memory)
    first.run(401, memory)
    first.set_pin("irq", 0)
    first.perturb(
        clamp=clamps(first, x0=CLAMP_HIGH, idb3=CLAMP_LOW), row_mode=modes(first, {17: MODE_OFF, 99: MODE_ON})
    )
    first.run(50, memory)
    frozen, frozen_memory = first.snapshot().to_bytes(), memory.copy()
    expected = rows_of(first, 400, memory)

    second = EventEngine(mos6502, MOS6502)
    second.restore(EngineState.from_bytes(frozen))
    assert second.snapshot().to_bytes() == frozen
    np.testing.assert_array_equal(rows_of(second, 400, frozen_memory), expected)
    np.testing.assert_array_equal(memory, frozen_memory)
    assert second.clamp[mos6502.node_ids["x0"]] == CLAMP_HIGH
    assert second.row_mode[99] == MODE_ON


@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: b"X" + data[1:], lambda data: data[:10]])
def test_damaged_snapshot_is_refused(engine_of_inverter: EventEngine, damage):
    data = engine_of_inverter.snapshot().to_bytes()
    with pytest.raises(SubjectError, match="asked to restore"):
        EngineState.from_bytes(damage(data))


def test_snapshot_of_another_chip_is_refused(engine_of_inverter: EventEngine, mos6502: Netlist):
    with pytest.raises(SubjectError, match="use a snapshot of this chip"):
        EventEngine(mos6502, MOS6502).restore(engine_of_inverter.snapshot())
