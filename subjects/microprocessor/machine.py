"""Chip and board in one loop: a half-cycle of the netlist, the board's answer, and what somebody watches of it.

The board's time starts with the first instruction: its cycle 0 is the first fetch from the reset vector, as if the
television and the processor had been switched on at that very moment. Until then (the reset script and the cycles that
the chip takes to find its vector) the board answers the bus and draws nothing.

Whoever clamps a pin wins over the board: the chip sees the clamp. The board goes on driving underneath, and what it
drives counts again when the clamp goes. It reads address, R/W and written data from the pins, clamped or not. The
board's crystal does not stop when clk0 is clamped: half-cycles pass and the chip stands still.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from subjects.microprocessor.atari2600.board import begin_cycle, bus_cycle
from subjects.microprocessor.atari2600.state import new_board, new_frames
from subjects.microprocessor.chip import Register
from subjects.microprocessor.circuit import PULL_UP, Circuit
from subjects.microprocessor.event_engine import EventEngine
from subjects.microprocessor.event_kernels import (
    READ,
    WRITE,
    Ports,
    clock_edge,
    force_data,
    read_address,
    read_data,
    record_all,
    record_some,
    set_pin,
)

N_FRAME_SLOTS = 8
HALF_CYCLES_PER_CYCLE = 2
CYCLES_TO_FIRST_FETCH = 8
"""Bus cycles from the release of RES to the fetch of the first opcode, that fetch not counted (measured, tested)."""

NODES_NOT, NODES_ALL, NODES_SOME = 0, 1, 2


class Taps(NamedTuple):
    """What is recorded of every half-cycle, and where to.

    node_mode : NODES_*; nodes : (k,) int64, for NODES_SOME
    node_rows : (n, n_bytes) uint8 packed node values, (0, 0) for NODES_NOT
    word_start : (n_fields + 1,) int64, field f of a word is read from word_nodes[word_start[f]:word_start[f + 1]]
    word_nodes : uint16, bit 0 of each field first; the constant 0 where a field lacks a bit
    word_flips : (n_fields,) uint32, bits that the nodes hold inverted
    words : (n, n_fields) uint32, (0, 0) when nobody watches
    """

    node_mode: int
    nodes: NDArray[np.int64]
    node_rows: NDArray[np.uint8]
    word_start: NDArray[np.int64]
    word_nodes: NDArray[np.uint16]
    word_flips: NDArray[np.uint32]
    words: NDArray[np.uint32]


@njit(cache=True)
def _record_word(circuit: Circuit, taps: Taps, row: Any) -> None:
    for f in range(len(taps.word_flips)):
        number = np.uint32(0)
        first = taps.word_start[f]
        for k in range(first, taps.word_start[f + 1]):
            number |= np.uint32(circuit.values[taps.word_nodes[k]]) << np.uint32(k - first)
        row[f] = number ^ taps.word_flips[f]


@njit(cache=True, nogil=True)
def run_half_cycles(
    circuit: Circuit,
    ports: Ports,
    board: Any,
    rom: NDArray[np.uint8],
    frames: Any,
    ready_node: int,
    taps: Taps,
    frame_steps: NDArray[np.int64],
    n: int,
) -> int:
    """Run at most n half-cycles; stop early when `frames` is full. Returns how many were done.

    Parameters
    ----------
    ready_node : the pin that the board pulls low to make the chip wait
    frame_steps : (n_slots,) int64, written: the index of the half-cycle in which the k-th frame from here ended
    """
    first_frame = board[0].n_frames
    n_frames = first_frame
    for k in range(n):
        access = clock_edge(circuit, ports)
        if access == READ:
            force_data(circuit, ports, bus_cycle(board, rom, frames, read_address(circuit, ports), True, 0))
            level = int(board[0].rdy)
        elif access == WRITE:
            bus_cycle(board, rom, frames, read_address(circuit, ports), False, read_data(circuit, ports))
            level = int(board[0].rdy)
        else:
            level = begin_cycle(board)
        if level != (circuit.pull[ready_node] == PULL_UP):
            set_pin(circuit, ready_node, level)
        if taps.node_mode == NODES_ALL:
            record_all(circuit, taps.node_rows[k])
        elif taps.node_mode == NODES_SOME:
            record_some(circuit, taps.nodes, taps.node_rows[k])
        if len(taps.words):
            _record_word(circuit, taps, taps.words[k])
        if board[0].n_frames != n_frames:
            frame_steps[n_frames - first_frame] = k
            n_frames += 1
            if n_frames - first_frame == len(frames):
                return k + 1
    return n


@dataclass(frozen=True)
class Run:
    """What one run of the machine gave.

    Attributes
    ----------
    n : half-cycles done
    node_rows : (n, n_bytes) uint8, None when not asked for
    words : (n, n_fields) uint32, None when not asked for
    frame_steps : (n_frames,) int64, in which half-cycle of the run each frame ended
    frames : (n_frames,) FRAME
    """

    n: int
    node_rows: NDArray[np.uint8] | None
    words: NDArray[np.uint32] | None
    frame_steps: NDArray[np.int64]
    frames: NDArray[np.void]


class Machine:
    """A chip on the board, with a cartridge in it.

    Parameters
    ----------
    engine : the chip
    image : (4096,) uint8, the cartridge as the processor sees it
    fields : of the recorded words, by name
    n_frame_slots : a run stops early when as many frames have ended; with 1 it stops at the end of every frame

    Attributes
    ----------
    engine, board : their state is the machine's
    every_node : (n,) int64, ids of all nodes that exist
    """

    def __init__(
        self,
        engine: EventEngine,
        image: NDArray[np.uint8],
        fields: Mapping[str, Register],
        n_frame_slots: int = N_FRAME_SLOTS,
    ) -> None:
        self.engine = engine
        self.board = new_board()
        self._rom = image
        self._frames = new_frames(n_frame_slots)
        self._frame_steps = np.zeros(n_frame_slots, np.int64)
        self._ready_node = int(engine.netlist.node_ids["rdy"])
        node_ids, zero = engine.netlist.node_ids, engine.netlist.n_nodes
        bits = [[zero if b is None else node_ids[b] for b in field.bits] for field in fields.values()]
        self._word_start = np.cumsum([0, *(len(b) for b in bits)], dtype=np.int64)
        self._word_nodes = np.array([node for b in bits for node in b], dtype=np.uint16)
        self._word_flips = np.array([(1 << len(f.bits)) - 1 if f.inverted else 0 for f in fields.values()], np.uint32)
        self.every_node = np.flatnonzero(engine.netlist.node_exists).astype(np.int64)

    def power_on(self, ram: NDArray[np.uint8]) -> None:
        """Switch on with the given (128,) bytes in RAM: the reset script is done, the next half-cycle is the first."""
        self.board[:] = new_board()
        self.board["ram"][0] = ram
        script = self.engine.chip.reset
        self.board["cycle"] = -CYCLES_TO_FIRST_FETCH - script.n_half_cycles // HALF_CYCLES_PER_CYCLE
        self.engine.hold_reset()
        self.run(script.n_half_cycles)
        self.engine.release_reset()

    def run(self, n: int, nodes: NDArray[np.int64] | None = None, words: bool = False) -> Run:
        """Do n half-cycles, or fewer when as many frames have ended as there is room for.

        Parameters
        ----------
        nodes : ids to record, in this order; as many as exist must be all of them by id; None for none
        words : whether to record the fields
        """
        mode, n_bytes, chosen = NODES_NOT, 0, np.empty(0, np.int64)
        if nodes is not None:
            mode = NODES_SOME if len(nodes) < len(self.every_node) else NODES_ALL
            n_bytes = (len(nodes) + 7) // 8
            chosen = nodes
        taps = Taps(
            mode,
            chosen,
            np.empty((n, n_bytes) if mode != NODES_NOT else (0, 0), np.uint8),
            self._word_start,
            self._word_nodes,
            self._word_flips,
            np.empty((n, len(self._word_flips)) if words else (0, 0), np.uint32),
        )
        first_frame = int(self.board["n_frames"][0])
        done = run_half_cycles(
            self.engine.circuit,
            self.engine.ports,
            self.board,
            self._rom,
            self._frames,
            self._ready_node,
            taps,
            self._frame_steps,
            n,
        )
        n_frames = int(self.board["n_frames"][0]) - first_frame
        slots = (first_frame + np.arange(n_frames)) % len(self._frames)
        return Run(
            n=done,
            node_rows=taps.node_rows[:done] if mode != NODES_NOT else None,
            words=taps.words[:done] if words else None,
            frame_steps=self._frame_steps[:n_frames].copy(),
            frames=self._frames[slots],
        )
