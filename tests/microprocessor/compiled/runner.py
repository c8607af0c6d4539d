"""Runs compiled routines on a plain memory, half-cycle by half-cycle, as `compiled_chip` says it is to be done."""

from __future__ import annotations

import numpy as np
from numba import njit

from subjects.microprocessor.chip import ChipDescription
from subjects.microprocessor.compiled.calling import call_routine
from subjects.microprocessor.compiled.compiled_chip import CompiledChip
from subjects.microprocessor.netlist import Netlist


@njit
def run_6502(phases, races, state, masks, unstable, memory, clock, address, data, drive, rw, guard, lane_byte, rows):
    """From clock high on; writes the value of every word's `lane_byte` into `rows` (n, n_slots)."""
    for k in range(len(rows)):
        if state[clock, 0]:
            call_routine(phases[0], state, masks, unstable)
        else:
            a = 0
            for bit in range(16):
                a |= (state[address[bit], 0] & 1) << bit
            reads = state[rw, 0] & 1
            if reads:
                for bit in range(8):
                    state[drive[bit], :] = 0xFF if (memory[a] >> bit) & 1 else 0
            if state[guard[0], 0] or state[guard[1], 0] or state[guard[2], 0]:
                call_routine(races[0], state, masks, unstable)
            call_routine(phases[1], state, masks, unstable)
            if not reads:
                written = 0
                for bit in range(8):
                    written |= (state[data[bit], 0] & 1) << bit
                memory[a] = written
        rows[k] = state[:, lane_byte] & 1


def run_compiled(
    compiled: CompiledChip,
    netlist: Netlist,
    chip: ChipDescription,
    values: np.ndarray,
    memory: np.ndarray,
    n_half_cycles: int,
    lane_byte: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """Live nodes (n_half_cycles, n_nodes), others 0, and the word of unstable lanes.

    Parameters
    ----------
    values : (n_nodes,) 0 or 1 to start from, the clock high
    """

    def slots(names) -> np.ndarray:
        return compiled.node_slot[netlist.nodes_named(names)].astype(np.int64)

    state, unstable = compiled.new_state(), compiled.new_word()
    stored = np.flatnonzero(compiled.node_slot >= 0)
    state[compiled.node_slot[stored]] = 255 * values[stored, None].astype(np.uint8)
    data = netlist.nodes_named(chip.memory.data)
    state[compiled.drive_slot[data]] = 255 * values[data, None].astype(np.uint8)
    rows = np.zeros((n_half_cycles, compiled.n_slots), np.uint8)
    run_6502(
        compiled.phases,
        compiled.races,
        state,
        compiled.new_masks(),
        unstable,
        memory,
        slots(("clk0",))[0],
        slots(chip.memory.address),
        slots(chip.memory.data),
        compiled.drive_slot[data].astype(np.int64),
        slots(("rw",))[0],
        slots(chip.race_passes[0].unless_low),
        lane_byte,
        rows,
    )
    nodes = np.zeros((n_half_cycles, netlist.n_nodes), np.uint8)
    live = np.flatnonzero(netlist.live_nodes)
    nodes[:, live] = rows[:, compiled.node_slot[live]]
    return nodes, unstable
