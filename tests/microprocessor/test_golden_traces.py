"""The event engine against perfect6502: every node of every half-cycle of two programs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from subjects.microprocessor.event_engine import EventEngine
from subjects.microprocessor.mos6502 import MOS6502
from subjects.microprocessor.netlist import Netlist


@pytest.fixture(params=["trace_p0.npz", "trace_p2.npz"])
def trace(request, mos6502_folder: Path) -> dict[str, np.ndarray]:
    with np.load(mos6502_folder / request.param) as file:
        return dict(file)


def memory_of(trace: dict[str, np.ndarray]) -> np.ndarray:
    memory = np.zeros(65536, np.uint8)
    memory[trace["mem_addr"]] = trace["mem_val"]
    return memory


def test_every_node_of_every_half_cycle(trace, mos6502: Netlist):
    states = np.unpackbits(trace["states"], axis=1, bitorder="little")[:, : mos6502.n_nodes]
    expected = states[:, trace["node_exists"]]
    np.testing.assert_array_equal(mos6502.node_exists, trace["node_exists"])
    np.testing.assert_array_equal(mos6502.live_nodes, trace["live"])

    engine = EventEngine(mos6502, MOS6502)
    memory = memory_of(trace)
    engine.reset(memory)
    np.testing.assert_array_equal(engine.values[mos6502.node_exists], expected[0])
    rows = np.zeros((len(expected) - 1, (expected.shape[1] + 7) // 8), np.uint8)
    engine.run(len(rows), memory, rows)

    np.testing.assert_array_equal(rows, np.packbits(expected[1:], axis=1, bitorder="little"))
    assert engine.n_unsettled == 0


def test_buses_registers_and_memory(trace, mos6502: Netlist):
    engine = EventEngine(mos6502, MOS6502)
    memory = memory_of(trace)
    engine.reset(memory)
    buses = {
        "ab": MOS6502.memory.address,
        "db": MOS6502.memory.data,
        "rw": ("rw",),
        "clk0": ("clk0",),
        "sync": ("sync",),
        **{name: MOS6502.registers[name].bits for name in ("pc", "a", "x", "y", "s")},
    }
    nodes = mos6502.nodes_named([bit for names in buses.values() for bit in names])
    first_row = engine.values[nodes]
    rows = np.zeros((20000, (len(nodes) + 7) // 8), np.uint8)
    engine.run(len(rows), memory, rows, nodes)

    bits = np.vstack([first_row, np.unpackbits(rows, axis=1, bitorder="little")[:, : len(nodes)]])
    start = 0
    for name, names in buses.items():
        number = bits[:, start : start + len(names)].astype(np.int64) @ (1 << np.arange(len(names)))
        np.testing.assert_array_equal(number, trace[name], err_msg=name)
        start += len(names)
    for name in ("pc", "a", "x", "y", "s", "sync"):
        assert engine.register(name) == trace[name][-1]
    # the memory after the run is the one at the start with every write of the trace in it
    expected = memory_of(trace)
    writes = (trace["rw"] == 0) & (trace["clk0"] == 1)
    writes[0] = False
    expected[trace["ab"][writes]] = trace["db"][writes]
    assert writes.sum() > 400
    # a later write to an address wins, as numpy's assignment does too
    np.testing.assert_array_equal(memory, expected)
