"""The compiled engine against perfect6502's traces, and against the event engine, which equals perfect6502 everywhere.

`HEADSTAGE_FUZZ_HALF_CYCLES` makes the random programs longer than the slice that every run does.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from rig.errors import SubjectError, UnknownUnitError
from subjects.microprocessor.chip import ChipDescription, ClockStep, MemoryProtocol, Register, ResetScript
from subjects.microprocessor.circuit import CLAMP_HIGH, CLAMP_LOW, MODE_OFF, MODE_ON
from subjects.microprocessor.compiled import trial
from subjects.microprocessor.compiled.comparison import Comparison
from subjects.microprocessor.compiled.compiled_engine import CompiledEngine
from subjects.microprocessor.engine import EngineState
from subjects.microprocessor.event_engine import EventEngine
from subjects.microprocessor.mos6502 import MOS6502
from subjects.microprocessor.netlist import Netlist, build_netlist

N_FUZZ = int(os.environ.get("HEADSTAGE_FUZZ_HALF_CYCLES", "3000"))
N_FUZZ_PROGRAMS = 4


@pytest.fixture(scope="module")
def both(mos6502: Netlist, code_cache: Path) -> tuple[CompiledEngine, EventEngine]:
    return CompiledEngine(mos6502, MOS6502), EventEngine(mos6502, MOS6502)


def run_both(both: tuple[CompiledEngine, EventEngine], n: int, memories: list[np.ndarray]) -> list[np.ndarray]:
    """Packed live nodes of each."""
    compiled, event = both
    rows = [np.zeros((n, (len(compiled.promised) + 7) // 8), np.uint8) for _ in both]
    compiled.run(n, memories[0], rows[0])
    event.run(n, memories[1], rows[1], compiled.promised)
    return rows


def assert_same(both: tuple[CompiledEngine, EventEngine], n: int, memories: list[np.ndarray], told: str = "") -> None:
    found, expected = run_both(both, n, memories)
    if not np.array_equal(found, expected):
        step = int(np.flatnonzero((found != expected).any(axis=1))[0])
        bits = np.unpackbits(found[step] ^ expected[step], bitorder="little")
        raise AssertionError(f"{told}: half-cycle {step}, nodes {both[0].promised[np.flatnonzero(bits)][:8]}")
    np.testing.assert_array_equal(*memories)


def start(both: tuple[CompiledEngine, EventEngine], image: np.ndarray) -> list[np.ndarray]:
    memories = [image.copy(), image.copy()]
    for engine, memory in zip(both, memories, strict=True):
        engine.perturb(np.zeros(engine.netlist.n_nodes, np.uint8), np.zeros(engine.netlist.n_rows, np.uint8))
        engine.reset(memory)
    return memories


def random_image(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, 65536).astype(np.uint8)


@pytest.mark.parametrize("name", ["trace_p0.npz", "trace_p2.npz"])
def test_every_live_node_of_the_golden_traces(name: str, both, mos6502_folder: Path):
    with np.load(mos6502_folder / name) as file:
        trace = dict(file)
    memory = np.zeros(65536, np.uint8)
    memory[trace["mem_addr"]] = trace["mem_val"]
    engine = both[0]
    engine.perturb(np.zeros(engine.netlist.n_nodes, np.uint8))
    engine.reset(memory)
    rows = np.zeros((20_000, (len(engine.promised) + 7) // 8), np.uint8)
    engine.run(len(rows), memory, rows)
    states = np.unpackbits(trace["states"][1:], axis=1, bitorder="little")[:, engine.promised]
    np.testing.assert_array_equal(rows, np.packbits(states, axis=1, bitorder="little"))
    assert engine.n_unsettled == 0
    assert [engine.register(r) for r in ("pc", "a", "x", "y", "s")] == [
        trace[r][-1] for r in ("pc", "a", "x", "y", "s")
    ]


@pytest.mark.parametrize("seed", range(N_FUZZ_PROGRAMS))
def test_random_programs(seed: int, both):
    memories = start(both, random_image(seed))
    for _ in range(0, N_FUZZ, 20_000):
        assert_same(both, min(N_FUZZ, 20_000), memories, f"program {seed}")


def test_all_opcodes(both):
    """Each opcode after random registers and flags; those that need the event engine make a trip."""
    rng = np.random.default_rng(7)
    n_trips = both[0].n_trips
    for opcode in range(256):
        s, p, a, x, y, *operands = rng.integers(0, 256, 7).tolist()
        image = rng.integers(0, 256, 65536).astype(np.uint8)
        program = [0xA2, s, 0x9A, 0xA9, p, 0x48, 0x28, 0xA9, a, 0xA2, x, 0xA0, y, opcode, *operands, 0xEA, 0xEA]
        image[0x0400 : 0x0400 + len(program)] = program
        image[0xFFFC:0xFFFE] = (0x00, 0x04)
        memories = start(both, image)
        assert_same(both, 90, memories, f"opcode {opcode:02x}")
    assert both[0].n_trips >= n_trips + 3


@pytest.mark.parametrize("seed", range(3))
def test_random_pins_at_random_times(seed: int, both):
    rng = np.random.default_rng(100 + seed)
    memories = start(both, random_image(200 + seed))
    pins = ("irq", "nmi", "rdy", "so", "res")
    for _ in range(max(N_FUZZ // 20, 100)):
        pin = pins[rng.choice(5, p=(0.24, 0.24, 0.24, 0.24, 0.04))]
        level = int(rng.integers(2)) if pin != "rdy" else int(rng.random() < 0.8)
        for engine in both:
            engine.set_pin(pin, level)
        np.testing.assert_array_equal(both[0].values[both[0].promised], both[1].values[both[0].promised])
        assert_same(both, int(rng.integers(1, 40)), memories, f"after {pin}={level}")
        for engine in both:
            engine.set_pin("res", 1)


def test_handed_over_at_random_times(both):
    """Through a snapshot into the event engine and back, also in the middle of writes."""
    rng = np.random.default_rng(5)
    compiled, event = both
    image = random_image(11)
    image[np.isin(image, list(MOS6502.trips.opcodes))] = 0xEA
    memories = start(both, image)
    other = EventEngine(event.netlist, event.chip)
    for _ in range(150):
        assert_same(both, int(rng.integers(1, 30)), memories)
        other.restore(compiled.snapshot())
        n = int(rng.integers(1, 30))
        other.run(n, memories[0])
        event.run(n, memories[1])
        compiled.restore(other.snapshot())
    assert_same(both, 500, memories)


def test_a_snapshot_continues_as_if_nothing_had_happened(both):
    compiled = both[0]
    memory = start(both, random_image(3))[0]
    rng = np.random.default_rng(1)
    again = CompiledEngine(compiled.netlist, compiled.chip)
    for _ in range(40):
        compiled.run(int(rng.integers(1, 60)), memory)
        state = EngineState.from_bytes(compiled.snapshot().to_bytes())
        again.restore(state)
        copies = [memory.copy(), memory.copy()]
        compiled.run(100, copies[0])
        again.run(40, copies[1])
        again.run(60, copies[1])
        assert again.snapshot().to_bytes() == compiled.snapshot().to_bytes()
        np.testing.assert_array_equal(*copies)


def nothing(netlist: Netlist) -> tuple[np.ndarray, np.ndarray]:
    return np.zeros(netlist.n_nodes, np.uint8), np.zeros(netlist.n_rows, np.uint8)


def perturbation(netlist: Netlist, clamps: dict[str, int], modes: dict[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Clamps by node name and modes by merged transistor, as an engine takes them."""
    clamp, row_mode = nothing(netlist)
    for node, level in clamps.items():
        clamp[netlist.node_ids[node]] = level
    for transistor, mode in modes.items():
        row_mode[netlist.row_transistor == transistor] = mode
    return clamp, row_mode


PERTURBED = {
    "node held high": ({"a6": CLAMP_HIGH}, {}),
    "node held low": ({"idb3": CLAMP_LOW}, {}),
    "inside the ALU": ({"alub5": CLAMP_LOW, "alu3": CLAMP_HIGH}, {}),
    "pin held": ({"rdy": CLAMP_LOW}, {}),
    "stuck off": ({}, {700: MODE_OFF}),
    "stuck on": ({}, {700: MODE_ON}),
    "several": ({"x3": CLAMP_HIGH, "pcl0": CLAMP_LOW}, {700: MODE_OFF, 1500: MODE_ON}),
}


@pytest.mark.parametrize("name", PERTURBED)
def test_a_perturbed_chip_runs_compiled_and_exact(name: str, both, mos6502: Netlist):
    compiled = both[0]
    clamp, row_mode = perturbation(mos6502, *PERTURBED[name])
    assert compiled.is_exact(clamp, row_mode)
    image = random_image(21)
    image[np.isin(image, list(MOS6502.trips.opcodes))] = 0xEA
    memories = start(both, image)
    assert_same(both, 301, memories)
    for held in ((clamp, row_mode), nothing(mos6502), (clamp, row_mode)):
        for engine in both:
            engine.perturb(*held)
        np.testing.assert_array_equal(compiled.values[compiled.promised], both[1].values[compiled.promised])
        assert not compiled.event_only
        assert_same(both, 401, memories)
    # a snapshot has the perturbation in it
    again = CompiledEngine(mos6502, MOS6502)
    again.restore(compiled.snapshot())
    rows = [np.zeros((300, (len(compiled.promised) + 7) // 8), np.uint8) for _ in both]
    again.run(300, memories[0], rows[0])
    both[1].run(300, memories[1], rows[1], compiled.promised)
    np.testing.assert_array_equal(*rows)


ROUTED = {
    "clock line held": ({"cclk": CLAMP_HIGH}, {}, False),
    # cp1 falls before cclk rises: alua2 pulls the special bus up in between, and x2, which listens, takes it over
    "both sides of the adder": ({"alua2": CLAMP_HIGH, "alub5": CLAMP_LOW}, {}, True),
    # without it a driver of the internal data bus lets go too late in that same moment
    "stuck off": ({}, {1414: MODE_OFF}, True),
}
"""Clamps, modes, and whether they can be compiled, though not exactly."""


@pytest.mark.parametrize("name", ROUTED)
def test_what_would_come_out_different_goes_to_the_event_engine_and_comes_back(name: str, both, mos6502: Netlist):
    compiled = both[0]
    clamps, modes, can_be_compiled = ROUTED[name]
    held = perturbation(mos6502, clamps, modes)
    assert not compiled.is_exact(*held)
    trusting = CompiledEngine(mos6502, MOS6502, trusting=True)
    assert trusting.is_exact(*held) == can_be_compiled
    if can_be_compiled:  # it really differs, and no longer does where the event engine has the chip
        assert Comparison(trusting, trial.COURSE).parting(*held) is not None
        assert Comparison(CompiledEngine(mos6502, MOS6502), trial.COURSE).parting(*held) is None
    memories = start(both, random_image(22))
    assert_same(both, 301, memories)
    for now, by_events in ((held, True), (nothing(mos6502), False)):
        for engine in both:
            engine.perturb(*now)
        assert compiled.event_only == by_events
        assert_same(both, 501, memories)


def test_some_nodes_in_any_order(both):
    compiled = both[0]
    memories = start(both, random_image(31))
    nodes = np.random.default_rng(2).permutation(compiled.promised)[:77]
    rows = [np.zeros((400, 10), np.uint8) for _ in both]
    for engine, memory, recorded in zip(both, memories, rows, strict=True):
        engine.run(400, memory, recorded, nodes)
    np.testing.assert_array_equal(*rows)


def test_what_it_cannot_do_it_says(both, mos6502: Netlist):
    compiled = both[0]
    dead = np.flatnonzero(mos6502.node_exists & ~mos6502.live_nodes)[-1:]
    with pytest.raises(SubjectError, match=f"node {dead[0]}, which gates nothing"):
        compiled.run(1, np.zeros(65536, np.uint8), np.zeros((1, 1), np.uint8), dead)
    with pytest.raises(SubjectError, match=r"memory of shape \(3,\)"):
        compiled.run(1, np.zeros(3, np.uint8))
    with pytest.raises(UnknownUnitError, match="pin 'phi'"):
        compiled.set_pin("phi", 1)


def test_another_clock_and_bus(code_cache: Path):
    """Two phases that never overlap, one bit of address and data, a channel between the data line and a latch."""
    names = ("vss", "vcc", "phi1", "phi2", "a", "w", "d", "q", "stack", "nq")
    vss, vcc, phi1, _, _, w, d, q, stack, nq = range(len(names))
    rows = [(phi1, d, q), (w, d, stack), (q, stack, vss), (q, nq, vss)]
    pull_up = np.zeros(len(names), np.bool_)
    pull_up[nq] = True
    ids = {name: node for node, name in enumerate(names)}
    netlist = build_netlist(list("abcd"), rows, np.ones(len(names), np.bool_), pull_up, ids, vss, vcc)
    chip = ChipDescription(
        name="two_phase",
        title="two phases, one bit",
        source="this test",
        licence="MIT",
        vss_name="vss",
        vcc_name="vcc",
        input_pins=("a", "w", "phi1", "phi2"),
        clock_cycle=(
            ClockStep((("phi2", 0), ("phi1", 1)), bus_access=False),
            ClockStep((("phi1", 0),), bus_access=False),
            ClockStep((("phi2", 1),), bus_access=True),
        ),
        memory=MemoryProtocol(("a",), ("d",), (("phi2", 1), ("w", 0)), (("phi2", 1), ("w", 1))),
        reset=ResetScript((("a", 0), ("w", 0), ("phi1", 0), ("phi2", 1)), 2, 3, ()),
        registers={"q": Register(("q",))},
        um_per_unit=1.0,
    )
    both = CompiledEngine(netlist, chip), EventEngine(netlist, chip)
    memories = start(both, np.array([0, 1], np.uint8))
    rng = np.random.default_rng(9)
    memory_seen = set()
    for _ in range(200):
        assert_same(both, 2, memories)
        address, writes, written = rng.integers(2, size=3).tolist()
        for memory in memories:
            memory[address] = written
        for engine in both:  # phi1 is low: here the address may change, and a write may be asked for
            engine.set_pin("a", address)
            engine.set_pin("w", writes)
        assert_same(both, 1, memories, f"a={address} w={writes}")
        for engine in both:
            engine.set_pin("w", 0)
        memory_seen.add((writes, int(both[0].register("q")), int(memories[0][address])))
    assert both[0].n_trips == 0
    assert len(memory_seen) > 3
