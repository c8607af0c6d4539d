"""Cycles in which only what is stale is computed again, against computing everything in every sweep."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

from subjects.microprocessor.compiled import sweeps
from subjects.microprocessor.compiled.compiled_chip import CompiledChip, load_chip
from subjects.microprocessor.compiled.emission import lanes
from subjects.microprocessor.compiled.expressions import Kind
from subjects.microprocessor.compiled.maskable import maskable
from subjects.microprocessor.compiled.masks import MaskPlan
from subjects.microprocessor.compiled.program import Program, compile_program
from subjects.microprocessor.compiled.sweeps import cycle_parts
from subjects.microprocessor.drawn_chip import shipped_chip
from subjects.microprocessor.hs6502 import FILE_NAME, HS6502
from subjects.microprocessor.lanes.lanes import aligned_zeros
from subjects.microprocessor.netlist import Netlist

N_MASKED, N_WORDS, N_TURNS = 60, 8, 6
EVERYTHING = 1 << 30


@pytest.fixture(scope="module")
def netlist() -> Netlist:
    return shipped_chip(HS6502, FILE_NAME).netlist


@pytest.fixture(scope="module")
def masks(netlist: Netlist) -> MaskPlan:
    """Transistors that join what the clock separates: nearly the whole chip is one cycle with them."""
    joined = sorted(maskable(netlist, HS6502).joined_on)
    return MaskPlan(on=tuple(sorted(np.random.default_rng(8).choice(joined, N_MASKED, replace=False).tolist())))


@pytest.fixture(scope="module")
def program(netlist: Netlist, masks: MaskPlan) -> Program:
    return compile_program(netlist, HS6502, masks)


def test_parts_hold_a_cycle_in_order_and_name_all_that_read_them(program: Program) -> None:
    expressions = program.expressions
    for phase in program.phases:
        block = max(phase.blocks, key=lambda b: len(b.cut))
        parts = cycle_parts(block, expressions)
        assert len(parts) > 4
        assert [r for part in parts for r in part.components] == list(block.components)
        place = {node: k for k, part in enumerate(parts) for results in part.components for node in results}
        for reader, part in enumerate(parts):
            read = {n for r in part.components for x in r.values() for n in expressions.read(x, Kind.GATE)}
            for node in read & place.keys():
                if place[node] != reader or node in block.cut:
                    of = parts[place[node]]
                    assert node in of.cut + of.shown
                    assert of.readers >> reader & 1


def test_what_is_left_out_would_have_changed_nothing(
    netlist: Netlist, masks: MaskPlan, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """From random states, which no chip is ever in, under random lesions: every word, and who would not settle."""
    found = []
    for n_operations in (sweeps.PART_OPERATIONS, EVERYTHING):
        monkeypatch.setattr(sweeps, "PART_OPERATIONS", n_operations)
        monkeypatch.setenv("HEADSTAGE_CODE_CACHE", str(tmp_path_factory.mktemp("code")))
        found.append(states(load_chip(netlist, HS6502, lanes(N_WORDS), masks)))
    for swept, whole in zip(*found, strict=True):
        np.testing.assert_array_equal(swept, whole)
    assert len({state.tobytes() for state in found[0]}) == N_TURNS
    assert any(state[-1].any() for state in found[0])


def states(code: CompiledChip) -> list[np.ndarray]:
    """(n_slots + 1, N_WORDS) after each phase, the lanes that did not settle last."""
    rng = np.random.default_rng(3)
    state = aligned_zeros(code.n_slots, N_WORDS)
    rows = aligned_zeros(code.masks.n_rows, N_WORDS)
    unstable = aligned_zeros(1, N_WORDS)[0]
    state[:] = rng.integers(0, 1 << 64, state.shape, np.uint64)
    rows[:] = rng.integers(0, 1 << 64, rows.shape, np.uint64) & rng.integers(0, 1 << 64, rows.shape, np.uint64)
    kept = []
    for turn in range(N_TURNS):
        address = int(code.phases[turn % len(code.phases)])
        ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 3)(address)(*(a.ctypes.data for a in (state, rows, unstable)))
        kept.append(np.vstack([state, unstable[None]]))
    return kept
