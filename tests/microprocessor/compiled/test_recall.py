"""States that are looked up instead of computed: the same half-cycles as on the event engine, whatever happens."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from subjects.microprocessor.circuit import CLAMP_HIGH, CLAMP_LOW
from subjects.microprocessor.compiled.compiled_engine import CompiledEngine
from subjects.microprocessor.compiled.recall import (
    NOTE_ASLEEP,
    NOTE_COMPUTED,
    NOTE_CREDIT,
    NOTE_LAST,
    Recall,
    new_recall,
)
from subjects.microprocessor.drawn_chip import shipped_chip
from subjects.microprocessor.event_engine import EventEngine
from subjects.microprocessor.hs6502 import FILE_NAME, HS6502
from subjects.microprocessor.netlist import Netlist

# outer: INC 10 / LDX #7 / inner: LDA 20,X / STA 30 / DEX / BNE inner / JMP outer
LOOP = bytes.fromhex("e610 a207 b520 8530 ca d0f9 4c0002".replace(" ", ""))


@pytest.fixture(scope="module")
def netlist() -> Netlist:
    return shipped_chip(HS6502, FILE_NAME).netlist


@pytest.fixture
def engines(netlist: Netlist, code_cache: Path) -> tuple[CompiledEngine, EventEngine]:
    return CompiledEngine(netlist, HS6502), EventEngine(netlist, HS6502)


def image() -> np.ndarray:
    memory = np.arange(65536, dtype=np.uint32).astype(np.uint8)
    memory[0x0200 : 0x0200 + len(LOOP)] = np.frombuffer(LOOP, np.uint8)
    memory[0xFFFA:] = (0x00, 0x02) * 3
    return memory


def forget_all_but(engine: CompiledEngine, n_kept: int) -> Recall:
    """Give an engine a memory for so few states."""
    engine.recall = new_recall(engine.code.n_slots, engine.code.pack, engine.code.expand, n_kept)
    return engine.recall


def compare(engines: tuple[CompiledEngine, EventEngine], memories: list[np.ndarray], n: int) -> None:
    compiled, event = engines
    rows = [np.zeros((n, (len(compiled.promised) + 7) // 8), np.uint8) for _ in engines]
    compiled.run(n, memories[0], rows[0])
    event.run(n, memories[1], rows[1], compiled.promised)
    np.testing.assert_array_equal(*rows)
    np.testing.assert_array_equal(*memories)


@pytest.mark.parametrize("n_kept", [1 << 14, 256], ids=["all kept", "few kept"])
def test_a_loop_is_looked_up_and_the_same(engines: tuple[CompiledEngine, EventEngine], n_kept: int):
    recall = forget_all_but(engines[0], n_kept)
    memories = [image(), image()]
    for engine, memory in zip(engines, memories, strict=True):
        engine.reset(memory)
    compare(engines, memories, 12_000)
    assert 0 < recall.notes[NOTE_LAST] < (6_000 if n_kept > 256 else 12_000)
    some = engines[0].promised[::7]
    samples = [np.zeros((500, (len(some) + 7) // 8), np.uint8) for _ in engines]
    for engine, memory, rows in zip(engines, memories, samples, strict=True):
        engine.run(500, memory, rows, some)
    np.testing.assert_array_equal(*samples)


def test_pins_and_held_nodes_are_kept_apart(engines: tuple[CompiledEngine, EventEngine], netlist: Netlist):
    rng = np.random.default_rng(5)
    memories = [image(), image()]
    for engine, memory in zip(engines, memories, strict=True):
        engine.reset(memory)
    for _ in range(60):
        pin, level = str(rng.choice(["irq", "nmi", "rdy", "so"])), int(rng.integers(2))
        clamps = np.zeros(netlist.n_nodes, np.uint8)
        held = rng.integers(3)
        if held:
            clamps[netlist.node_ids["sb3"]] = (CLAMP_LOW, CLAMP_HIGH)[held - 1]
        for engine in engines:
            engine.set_pin(pin, level)
            engine.perturb(clamps)
        compare(engines, memories, int(rng.integers(1, 200)))


def test_a_state_taken_back_is_the_one_that_was_left(engines: tuple[CompiledEngine, EventEngine]):
    memories = [image(), image()]
    for engine, memory in zip(engines, memories, strict=True):
        engine.reset(memory)
        engine.run(5_000, memory)
    kept = engines[0].snapshot()
    assert kept.to_bytes()[:40] == engines[1].snapshot().to_bytes()[:40]
    memory = memories[0].copy()
    engines[0].run(777, memories[0])
    engines[0].restore(kept)
    compare(engines, [memory, memories[1]], 3_000)


def test_what_never_comes_again_is_not_looked_for(engines: tuple[CompiledEngine, EventEngine]):
    compiled = engines[0]
    memory = np.full(65536, 0xEA, np.uint8)  # NOP without end: the program counter never comes back so soon
    compiled.reset(memory)
    asleep = 0
    for _ in range(40):
        compiled.run(1_000, memory)
        asleep += compiled.recall.notes[NOTE_ASLEEP] > 0
        assert compiled.recall.notes[NOTE_CREDIT] > 0
    assert asleep > 20
    event = engines[1]
    event.reset(memory)
    event.run(40_000, memory)
    np.testing.assert_array_equal(compiled.values, event.values)


def test_one_that_follows_another_looks_up_what_that_computed(netlist: Netlist, code_cache: Path):
    first, second = (CompiledEngine(netlist, HS6502, sharing=True) for _ in range(2))
    assert first.recall is second.recall
    memories = [image(), image()]
    n_computed = []
    for engine, memory in zip((first, second), memories, strict=True):
        before = int(engine.recall.notes[NOTE_COMPUTED])
        engine.reset(memory)
        engine.run(3_000, memory)
        n_computed.append(int(engine.recall.notes[NOTE_COMPUTED]) - before)
    assert n_computed[0] > 100
    assert n_computed[1] < n_computed[0] / 10
    np.testing.assert_array_equal(*memories)
    np.testing.assert_array_equal(first.values, second.values)


def test_a_perturbed_chip_and_its_twin_do_not_take_each_others_states(netlist: Netlist, code_cache: Path):
    rng = np.random.default_rng(9)
    sharing = [CompiledEngine(netlist, HS6502, sharing=True) for _ in range(2)]
    pairs = [(engine, EventEngine(netlist, HS6502)) for engine in sharing]
    memories = [[image(), image()] for _ in pairs]
    for pair, pair_memories in zip(pairs, memories, strict=True):
        for engine, memory in zip(pair, pair_memories, strict=True):
            engine.reset(memory)
    for _ in range(30):
        clamps = np.zeros(netlist.n_nodes, np.uint8)
        clamps[netlist.node_ids["sb3"]] = rng.choice([0, CLAMP_LOW, CLAMP_HIGH])
        for engine in pairs[0]:
            engine.perturb(clamps)
        n = int(rng.integers(1, 300))
        for pair, pair_memories in zip(pairs, memories, strict=True):
            compare(pair, pair_memories, n)
