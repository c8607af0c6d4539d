"""Chip and board in one loop, for either engine: a half-cycle of the netlist, the board's answer, and the taps.

A loop runs at most n half-cycles and stops early when `frames` is full; it returns how many were done, and writes into
`frame_steps` the index of the half-cycle in which the k-th frame from here ended.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from subjects.microprocessor.atari2600.board import begin_cycle, bus_cycle
from subjects.microprocessor.circuit import PULL_UP, Circuit, Rows
from subjects.microprocessor.compiled import kernels
from subjects.microprocessor.compiled.kernels import Compiled, Transfer
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

NODES_NOT, NODES_ALL, NODES_SOME = 0, 1, 2


class Taps(NamedTuple):
    """What is recorded of every half-cycle, and where to. A place is a node's id, or its word in a compiled chip.

    node_mode : NODES_*; nodes : (k,) int64 places, for NODES_SOME
    node_rows : (n, n_bytes) uint8 packed node values, (0, 0) for NODES_NOT
    word_start : (n_fields + 1,) int64, field f of a word is read from word_nodes[word_start[f]:word_start[f + 1]]
    word_nodes : int64 places, bit 0 of each field first; a constant 0 where a field lacks a bit
    word_flips : (n_fields,) uint32, bits that the nodes hold inverted
    words : (n, n_fields) uint32, (0, 0) when nobody watches
    """

    node_mode: int
    nodes: NDArray[np.int64]
    node_rows: NDArray[np.uint8]
    word_start: NDArray[np.int64]
    word_nodes: NDArray[np.int64]
    word_flips: NDArray[np.uint32]
    words: NDArray[np.uint32]


@njit(cache=True)
def _record_word(values: Any, taps: Taps, row: Any) -> None:
    for f in range(len(taps.word_flips)):
        number = np.uint32(0)
        first = taps.word_start[f]
        for k in range(first, taps.word_start[f + 1]):
            number |= np.uint32(values[taps.word_nodes[k]] & 1) << np.uint32(k - first)
        row[f] = number ^ taps.word_flips[f]


@njit(cache=True)
def _event_half_cycle(circuit: Circuit, ports: Ports, board: Any, rom: Any, frames: Any, ready_node: int) -> int:
    """One half-cycle by the event engine; what was read, or -1."""
    fetched = -1
    access = clock_edge(circuit, ports)
    if access == READ:
        fetched = bus_cycle(board, rom, frames, read_address(circuit, ports), True, 0)
        force_data(circuit, ports, fetched)
        level = int(board[0].rdy)
    elif access == WRITE:
        bus_cycle(board, rom, frames, read_address(circuit, ports), False, read_data(circuit, ports))
        level = int(board[0].rdy)
    else:
        level = begin_cycle(board)
    if level != (circuit.pull[ready_node] == PULL_UP):
        set_pin(circuit, ready_node, level)
    return fetched


@njit(cache=True, nogil=True)
def run_event(
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
    """See the module. `ready_node`: the pin that the board pulls low to make the chip wait."""
    first_frame = board[0].n_frames
    n_frames = first_frame
    for k in range(n):
        _event_half_cycle(circuit, ports, board, rom, frames, ready_node)
        if taps.node_mode == NODES_ALL:
            record_all(circuit, taps.node_rows[k])
        elif taps.node_mode == NODES_SOME:
            record_some(circuit, taps.nodes, taps.node_rows[k])
        if len(taps.words):
            _record_word(circuit.values, taps, taps.words[k])
        if board[0].n_frames != n_frames:
            frame_steps[n_frames - first_frame] = k
            n_frames += 1
            if n_frames - first_frame == len(frames):
                return k + 1
    return n


@njit(cache=True, nogil=True)
def run_compiled(
    compiled: Compiled,
    transfer: Transfer,
    circuit: Circuit,
    ports: Ports,
    rows: Rows,
    board: Any,
    rom: NDArray[np.uint8],
    frames: Any,
    ready_node: int,
    taps: Taps,
    frame_steps: NDArray[np.int64],
    n: int,
) -> int:
    """See the module; whoever has the chip runs it."""
    state, detours, unstable = compiled.state, compiled.detours, compiled.unstable
    counters, table = compiled.counters, compiled.table
    first_frame = board[0].n_frames
    n_frames = first_frame
    ready = int(circuit.pull[ready_node] == PULL_UP)
    for k in range(n):
        if counters[kernels.COUNT_EVENT_LEFT] | counters[kernels.COUNT_EVENT_ONLY]:
            fetched = _event_half_cycle(circuit, ports, board, rom, frames, ready_node)
            kernels.event_done(compiled, transfer, circuit, fetched)
            ready = int(board[0].rdy)
            if len(taps.words) or taps.node_mode != NODES_NOT:
                kernels.from_event(compiled, transfer, circuit)
        else:
            access = kernels.edge_begins(state, counters, table)
            if access == READ:
                data = bus_cycle(board, rom, frames, kernels.read_slots(state, table, kernels.ADDRESS), True, 0)
                kernels.put_data(state, table, data)
                trip = kernels.edge_ends(state, detours, unstable, counters, table, data)
            elif access == WRITE:
                address = kernels.read_slots(state, table, kernels.ADDRESS)
                trip = kernels.edge_ends(state, detours, unstable, counters, table, -1)
                bus_cycle(board, rom, frames, address, False, kernels.read_slots(state, table, kernels.DATA))
            else:
                trip = kernels.edge_ends(state, detours, unstable, counters, table, -1)
                begin_cycle(board)
            if trip:
                kernels.begin_trip(compiled, transfer, circuit, rows)
            if board[0].rdy != ready:
                ready = int(board[0].rdy)
                kernels.set_pin(compiled, transfer, circuit, rows, ready_node, ready)
        if taps.node_mode == NODES_ALL:
            kernels.record_promised(state, table, taps.node_rows[k])
        elif taps.node_mode == NODES_SOME:
            kernels.record_slots(state, taps.nodes, taps.node_rows[k])
        if len(taps.words):
            _record_word(state, taps, taps.words[k])
        if board[0].n_frames != n_frames:
            frame_steps[n_frames - first_frame] = k
            n_frames += 1
            if n_frames - first_frame == len(frames):
                return k + 1
    return n
