"""The engine's seams: another chip's clock and bus, the njit functions a board uses, recording, and bad calls."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit

from rig.errors import AssetError, SubjectError
from subjects.microprocessor.chip import ChipDescription, ClockStep, MemoryProtocol, Register, ResetScript
from subjects.microprocessor.circuit import wire_circuit
from subjects.microprocessor.event_engine import EventEngine
from subjects.microprocessor.event_kernels import (
    NO_ACCESS,
    READ,
    WRITE,
    clock_edge,
    force_data,
    read_address,
    read_data,
    read_nodes,
    record_all,
    record_some,
    set_pin,
)
from subjects.microprocessor.mos6502 import MOS6502
from subjects.microprocessor.netlist import Netlist, build_netlist

NAMES = ("vss", "vcc", "phi1", "phi2", "a", "w", "d", "q", "stack", "nq")
VSS, VCC, PHI1, PHI2, A, W, D, Q, STACK, NQ = range(len(NAMES))


@pytest.fixture
def two_phase() -> EventEngine:
    """One bit of address and data: phi1 latches what was read, a write drives the bus low when the latch holds 1."""
    rows = [(PHI1, D, Q), (W, D, STACK), (Q, STACK, VSS), (Q, NQ, VSS)]
    pull_up = np.zeros(len(NAMES), np.bool_)
    pull_up[NQ] = True
    names = {name: node for node, name in enumerate(NAMES)}
    netlist = build_netlist(list("abcd"), rows, np.ones(len(NAMES), np.bool_), pull_up, names, VSS, VCC)
    return EventEngine(
        netlist,
        ChipDescription(
            name="two_phase",
            title="two phases, one bit",
            source="this test",
            licence="MIT",
            vss_name="vss",
            vcc_name="vcc",
            input_pins=("a", "w"),
            clock_cycle=(
                ClockStep((("phi2", 0), ("phi1", 1)), bus_access=False),
                ClockStep((("phi1", 0),), bus_access=False),
                ClockStep((("phi2", 1),), bus_access=True),
            ),
            memory=MemoryProtocol(("a",), ("d",), (("phi2", 1), ("w", 0)), (("phi2", 1), ("w", 1))),
            reset=ResetScript((("a", 0), ("w", 0), ("phi1", 0), ("phi2", 1)), 2, 3, ()),
            registers={
                "q": Register(("q",)),
                "nq": Register(("nq",), inverted=True),
                "pair": Register(("q", None, "nq")),
            },
            um_per_unit=1.0,
        ),
    )


def test_another_clock_and_bus(two_phase: EventEngine):
    memory = np.array([0, 1], np.uint8)
    two_phase.reset(memory)
    assert two_phase.register("q") == 0
    assert two_phase.register("pair") == 4
    two_phase.set_pin("a", 1)
    two_phase.run(3, memory)  # reads the 1
    assert two_phase.register("q") == 0
    two_phase.run(1, memory)  # latches it
    assert (two_phase.register("q"), two_phase.register("nq")) == (1, 1)
    two_phase.run(1, memory)
    two_phase.set_pin("w", 1)
    two_phase.run(1, memory)
    assert memory.tolist() == [0, 0]
    two_phase.set_pin("w", 0)
    memory[1] = 1
    two_phase.run(1, memory)
    assert memory.tolist() == [0, 1]
    # what was forced onto the bus stays: the stack lets go and the bus reads 1 again, into the latch
    assert two_phase.register("q") == 1


def test_memory_and_rows_of_the_wrong_shape(two_phase: EventEngine):
    with pytest.raises(SubjectError, match=r"memory of shape \(3,\) uint8, the chip addresses \(2,\) uint8"):
        two_phase.run(1, np.zeros(3, np.uint8))
    with pytest.raises(SubjectError, match=r"asked to record into \(4, 1\) uint8, \(4, 2\) uint8"):
        two_phase.run(4, np.zeros(2, np.uint8), np.zeros((4, 1), np.uint8))
    with pytest.raises(SubjectError, match=r"asked to record into \(4, 2\) uint8, \(4, 1\) uint8"):
        two_phase.run(4, np.zeros(2, np.uint8), np.zeros((4, 2), np.uint8), np.arange(3))


def test_chip_with_names_the_netlist_lacks(two_phase: EventEngine):
    with pytest.raises(AssetError, match="asked for node 'clk0'"):
        EventEngine(two_phase.netlist, MOS6502)


def test_node_with_too_many_transistors():
    n_nodes = 1030
    rows = [(gate, VSS, VCC + 1) for gate in range(3, n_nodes)]
    netlist = build_netlist(
        [f"t{k}" for k in range(len(rows))], rows, np.ones(n_nodes, np.bool_), np.zeros(n_nodes, np.bool_), {}, VSS, VCC
    )
    with pytest.raises(AssetError, match="node 2 is the end of 1027 transistors, the engine counts to 1023"):
        wire_circuit(netlist)


@njit
def board_of_ten_lines(circuit, ports, memory, nodes, accesses, addresses, all_rows, some_rows):
    for k in range(len(accesses)):
        accesses[k] = clock_edge(circuit, ports)
        addresses[k] = read_address(circuit, ports)
        if accesses[k] == READ:
            force_data(circuit, ports, memory[addresses[k]])
        elif accesses[k] == WRITE:
            memory[addresses[k]] = read_data(circuit, ports)
        record_all(circuit, all_rows[k])
        record_some(circuit, nodes, some_rows[k])


def test_a_board_of_its_own_equals_the_plain_memory(mos6502: Netlist):
    n = 800
    image = np.random.default_rng(11).integers(0, 256, 65536).astype(np.uint8)
    image[0xFFFC:0xFFFE] = (0x00, 0x10)
    plain, boarded = EventEngine(mos6502, MOS6502), EventEngine(mos6502, MOS6502)
    memories = image.copy(), image.copy()
    plain.reset(memories[0])
    boarded.reset(memories[1])
    expected = np.zeros((n, len(plain.circuit.packed)), np.uint8)
    plain.run(n, memories[0], expected)

    nodes = np.random.default_rng(12).permutation(np.flatnonzero(mos6502.node_exists))[:77]
    accesses, addresses = np.zeros(n, np.int64), np.zeros(n, np.int64)
    all_rows, some_rows = np.zeros_like(expected), np.full((n, 10), 0xFF, np.uint8)
    board_of_ten_lines(boarded.circuit, boarded.ports, memories[1], nodes, accesses, addresses, all_rows, some_rows)
    np.testing.assert_array_equal(all_rows, expected)
    np.testing.assert_array_equal(*memories)
    # clk0 is high after reset: first it falls
    assert set(accesses[::2]) == {NO_ACCESS}
    assert set(accesses[1::2]) == {READ, WRITE}
    # the vector is fetched in the seventh cycle after reset
    assert {0xFFFC, 0xFFFD, 0x1000} <= set(addresses[:40])
    bits = np.zeros((n, mos6502.n_nodes), np.uint8)
    bits[:, mos6502.node_exists] = np.unpackbits(expected, axis=1, bitorder="little")[:, : mos6502.node_exists.sum()]
    picked = np.unpackbits(some_rows, axis=1, bitorder="little")
    np.testing.assert_array_equal(picked[:, :77], bits[:, nodes])
    assert not picked[:, 77:].any()


def test_two_engines_share_nothing(mos6502: Netlist):
    first, second = EventEngine(mos6502, MOS6502), EventEngine(mos6502, MOS6502)
    memory = np.full(65536, 0xEA, np.uint8)
    first.reset(memory)
    second.reset(memory)
    before = second.snapshot().to_bytes()
    first.run(333, memory)
    assert second.snapshot().to_bytes() == before
    assert first.snapshot().to_bytes() != before


def test_running_in_pieces_is_running_at_once(mos6502: Netlist):
    whole, pieces = EventEngine(mos6502, MOS6502), EventEngine(mos6502, MOS6502)
    memory = np.full(65536, 0xEA, np.uint8)
    whole.reset(memory)
    pieces.reset(memory)
    whole.run(200, memory)
    for n in (1, 49, 0, 150):
        pieces.run(n, memory)
    assert pieces.snapshot().to_bytes() == whole.snapshot().to_bytes()


def test_pins_set_by_kernels_and_by_name_are_the_same(mos6502: Netlist):
    by_name, by_kernel = EventEngine(mos6502, MOS6502), EventEngine(mos6502, MOS6502)
    memory = np.full(65536, 0xEA, np.uint8)
    for engine in (by_name, by_kernel):
        engine.reset(memory)
        engine.run(41, memory)
    by_name.set_pin("rdy", 0)
    set_pin(by_kernel.circuit, mos6502.node_ids["rdy"], 0)
    for engine in (by_name, by_kernel):
        engine.run(21, memory)
    assert by_name.snapshot().to_bytes() == by_kernel.snapshot().to_bytes()
    stopped_at = read_nodes(by_name.circuit, by_name.ports.address)
    by_name.run(20, memory)
    assert read_nodes(by_name.circuit, by_name.ports.address) == stopped_at
    by_name.set_pin("rdy", 1)
    by_name.run(20, memory)
    assert read_nodes(by_name.circuit, by_name.ports.address) != stopped_at
