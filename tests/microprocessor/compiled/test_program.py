"""The compiler on the 6502: what it finds, and that what it emits does what perfect6502 does."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from subjects.microprocessor.compiled.compiled_chip import load_chip
from subjects.microprocessor.compiled.constants import phase_constants
from subjects.microprocessor.compiled.emission import WordShape, lanes, one_chip
from subjects.microprocessor.compiled.maskable import maskable
from subjects.microprocessor.compiled.masks import INTACT, MaskPlan
from subjects.microprocessor.compiled.program import compile_program
from subjects.microprocessor.compiled.wiring import wiring
from subjects.microprocessor.mos6502 import MOS6502
from subjects.microprocessor.netlist import Netlist

# pytest's importlib mode does not make other tests' folders importable
sys.path.insert(0, str(Path(__file__).parent))
from runner import run_compiled

TRANSISTORS = (17, 404, 1000, 2222)


def test_what_the_compiler_finds(mos6502: Netlist):
    """Figures of the design measurements: switches, constants of both phases, cycles, maskable transistors."""
    wires = wiring(mos6502, MOS6502)
    assert len(wires.switches) == 3220
    assert [len(phase_constants(wires, levels)) for levels in wires.clock] == [51, 84]
    assert wires.schedule == ((0,), (1,))
    program = compile_program(mos6502, MOS6502)
    assert [sum(bool(block.cut) for block in phase.blocks) for phase in program.phases] == [13, 56]
    promised = [*np.flatnonzero(mos6502.live_nodes).tolist(), mos6502.vss, mos6502.vcc]
    assert program.stored[: len(promised)] == tuple(sorted(promised))
    assert len(promised) == 1312 + 2
    assert len(maskable(mos6502, MOS6502).off) == 2977


@pytest.mark.parametrize("trace", ["trace_p0.npz", "trace_p2.npz"])
@pytest.mark.parametrize(
    ("shape", "masks", "n"),
    [
        (one_chip(), INTACT, 20_000),
        (lanes(4), INTACT, 4_000),
        (lanes(8), MaskPlan(off=TRANSISTORS), 2_000),
    ],
    ids=["one chip", "256 lanes", "512 lanes with masks"],
)
def test_every_live_node_of_every_half_cycle(
    trace: str, shape: WordShape, masks: MaskPlan, n: int, mos6502: Netlist, mos6502_folder: Path, code_cache: Path
):
    with np.load(mos6502_folder / trace) as file:
        golden = dict(file)
    memory = np.zeros(65536, np.uint8)
    memory[golden["mem_addr"]] = golden["mem_val"]
    expected = np.unpackbits(golden["states"][: n + 1], axis=1, bitorder="little")[:, : mos6502.n_nodes]
    live = golden["live"]
    compiled = load_chip(mos6502, MOS6502, shape, masks)
    found, unstable = run_compiled(compiled, mos6502, MOS6502, expected[0], memory, n, lane_byte=shape.n_bytes - 1)
    np.testing.assert_array_equal(found[:, live], expected[1:, live])
    assert not unstable.any()
    # every write of the trace, the last to an address, is in the memory
    left = np.zeros(65536, np.uint8)
    left[golden["mem_addr"]] = golden["mem_val"]
    written = (golden["rw"][: n + 1] == 0) & (golden["clk0"][: n + 1] == 1)
    written[0] = False
    left[golden["ab"][: n + 1][written]] = golden["db"][: n + 1][written]
    np.testing.assert_array_equal(memory, left)
