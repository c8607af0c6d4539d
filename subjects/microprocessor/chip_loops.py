"""Chip and surroundings in one loop, for either engine: a half-cycle of the netlist, the bus's answer, and the taps.

A loop runs at most n half-cycles and stops early when as many frames have ended as there is room for, or when it leaves
a trace and many states were new; it returns how many were done.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from subjects.microprocessor.borrowing import borrowed
from subjects.microprocessor.circuit import PULL_UP, Circuit, Rows
from subjects.microprocessor.compiled import kernels
from subjects.microprocessor.compiled.kernels import Compiled, Transfer
from subjects.microprocessor.compiled.recall import (
    CODE_NONE,
    MARK_ACCESS,
    MARK_ADDRESS,
    MARK_DATA,
    NOTE_ASLEEP,
    NOTE_LAST,
    Recall,
    copy_bits,
    copy_row,
    credit,
    follow,
    look_ahead,
)
from subjects.microprocessor.event_kernels import (
    NO_ACCESS,
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
from subjects.microprocessor.plain import plain
from subjects.microprocessor.surroundings import frame_ended, idle_bus, pin_level, read_bus, write_bus

MOST_NEW_STATES = 1 << 12
"""A run that leaves a trace stops after so many: more might take the rows of states in the trace."""

NODES_NOT, NODES_ALL, NODES_SOME = 0, 1, 2


class Taps(NamedTuple):
    """What is recorded of every half-cycle, and where to. A place is a node's id, or its word in a compiled chip.

    node_mode : NODES_*; nodes : (k,) int64 places, for NODES_SOME
    node_rows : (n, n_bytes) uint8 packed node values, (0, 0) for NODES_NOT
    word_start : (n_fields + 1,) int64, field f of a word is read from word_nodes[word_start[f]:word_start[f + 1]]
    word_nodes : int64 places, bit 0 of each field first; a constant 0 where a field lacks a bit
    word_flips : (n_fields,) uint32, bits that the nodes hold inverted
    words : (n, n_fields) uint32, (0, 0) when nobody watches
    kept_words, kept_of : (n_states, n_fields) uint32 and (n_states,) int64, the words of states that are recalled and
        their numbers; (0, 0) and (0,) when there are none
    trace : (n,) int64, which of the recalled states each half-cycle ended in, or 0; (0,) when nobody wants to know.
        What is computed of all nodes (`compiled.traces`) is computed from it after the run
    trace_rows : (n, n_bytes) uint8, packed values of all nodes where the trace says 0, else not written
    """

    node_mode: int
    nodes: NDArray[np.int64]
    node_rows: NDArray[np.uint8]
    word_start: NDArray[np.int64]
    word_nodes: NDArray[np.int64]
    word_flips: NDArray[np.uint32]
    words: NDArray[np.uint32]
    kept_words: NDArray[np.uint32]
    kept_of: NDArray[np.int64]
    trace: NDArray[np.int64]
    trace_rows: NDArray[np.uint8]


def node_taps(rows: NDArray[np.uint8] | None, places: NDArray[np.int64] | None) -> Taps:
    """Nodes only: all of them, those at some places, or (rows is None) none."""
    mode = NODES_NOT if rows is None else NODES_ALL if places is None else NODES_SOME
    empty, none = np.empty((0, 0), np.uint8), np.empty(0, np.int64)
    rows = empty if rows is None else rows
    places = none if places is None else places
    words = np.empty((0, 0), np.uint32)
    return Taps(
        mode, places, rows, np.zeros(1, np.int64), none, np.empty(0, np.uint32), words, words, none, none, empty
    )


@njit(cache=True)
def _record_word(values: Any, taps: Taps, row: Any) -> None:
    for f in range(len(taps.word_flips)):
        number = np.uint32(0)
        first = taps.word_start[f]
        for k in range(first, taps.word_start[f + 1]):
            number |= np.uint32(values[taps.word_nodes[k]] & 1) << np.uint32(k - first)
        row[f] = number ^ taps.word_flips[f]


@njit(cache=True)
def _copy_word(row_bytes: Any, number: int, taps: Taps, row: Any) -> None:
    """The words of a known state, put together when it is first met."""
    at = number & (len(taps.kept_of) - 1)
    kept = taps.kept_words[at]
    if taps.kept_of[at] != number:
        taps.kept_of[at] = number
        for f in range(len(taps.word_flips)):
            bits = np.uint32(0)
            first = taps.word_start[f]
            for k in range(first, taps.word_start[f + 1]):
                place = taps.word_nodes[k]
                bits |= np.uint32((row_bytes[at, place >> 3] >> np.uint8(place & 7)) & 1) << np.uint32(k - first)
            kept[f] = bits ^ taps.word_flips[f]
    for f in range(len(taps.word_flips)):
        row[f] = kept[f]


@njit(cache=True)
def _event_half_cycle(circuit: Circuit, ports: Ports, around: Any) -> int:
    """One half-cycle by the event engine; what was read, or -1."""
    fetched = -1
    access = clock_edge(circuit, ports)
    if access == READ:
        fetched = read_bus(around, read_address(circuit, ports))
        force_data(circuit, ports, fetched)
    elif access == WRITE:
        write_bus(around, read_address(circuit, ports), read_data(circuit, ports))
    else:
        idle_bus(around)
    level = pin_level(around)
    if level >= 0 and level != (circuit.pull[around.pin] == PULL_UP):
        set_pin(circuit, around.pin, plain(level))
    return fetched


@njit(cache=True, nogil=True)
def run_event(circuit: Circuit, ports: Ports, around: Any, taps: Taps, n: int) -> int:
    """See the module."""
    circuit, ports, around, taps = borrowed((circuit, ports, around, taps))
    for k in range(n):
        _event_half_cycle(circuit, ports, around)
        if taps.node_mode == NODES_ALL:
            record_all(circuit, taps.node_rows[k])
        elif taps.node_mode == NODES_SOME:
            record_some(circuit, taps.nodes, taps.node_rows[k])
        if len(taps.words):
            _record_word(circuit.values, taps, taps.words[k])
        if len(taps.trace):
            taps.trace[k] = 0
            record_all(circuit, taps.trace_rows[k])
        if frame_ended(around, k):
            return k + 1
    return n


@njit(cache=True, nogil=True)
def run_compiled(
    compiled: Compiled,
    transfer: Transfer,
    circuit: Circuit,
    ports: Ports,
    rows: Rows,
    recall: Recall,
    around: Any,
    taps: Taps,
    n_promised: int,
    n: int,
) -> int:
    """See the module; whoever has the chip runs it, and what a known state leads to is looked up.

    `number` is the state's, 0 when it is not known; `stale`, whether the compiled chip's words are of an earlier one.
    """
    compiled, transfer, circuit, ports, rows, recall, around, taps = borrowed(
        (compiled, transfer, circuit, ports, rows, recall, around, taps)
    )
    state, counters, table = compiled.state, compiled.counters, compiled.table
    marks, edges, notes, row_bytes = recall.marks, recall.edges, recall.notes, recall.row_bytes
    last = len(marks) - 1
    level = int(circuit.pull[around.pin] == PULL_UP) if around.pin >= 0 else -1
    number, stale, done = 0, False, n
    last_before = notes[NOTE_LAST]
    for k in range(n):
        if counters[kernels.COUNT_EVENT_LEFT] | counters[kernels.COUNT_EVENT_ONLY]:
            number = 0
            fetched = _event_half_cycle(circuit, ports, around)
            kernels.event_done(compiled, transfer, circuit, fetched)
            level = pin_level(around)
            if len(taps.words) or taps.node_mode != NODES_NOT or len(taps.trace):
                kernels.from_event(compiled, transfer, circuit)
        else:
            if not number and kernels.awake(compiled, recall):
                number = kernels.recognise_chip(compiled, recall)
            if number:
                access, address = marks[number & last, MARK_ACCESS], marks[number & last, MARK_ADDRESS]
            else:
                notes[NOTE_ASLEEP] -= 1
                access = kernels.next_access(state, counters, table)
                address = kernels.read_slots(state, table, kernels.ADDRESS) if access != NO_ACCESS else 0
            data = read_bus(around, address) if access == READ else CODE_NONE
            to = follow(marks, edges, number, data) if number else 0
            if to:
                number, stale = to, True
                credit(notes)
                look_ahead(recall, number, taps.node_mode == NODES_ALL)
                if access == WRITE:
                    write_bus(around, address, marks[number & last, MARK_DATA])
            else:
                if stale:
                    kernels.bring_back_chip(compiled, recall, number)
                    stale = False
                trip = kernels.compute_edge(compiled, data)
                if access == WRITE:
                    write_bus(around, address, kernels.read_slots(state, table, kernels.DATA))
                if trip:
                    kernels.begin_trip(compiled, transfer, circuit, rows)
                    number = 0
                elif number:
                    number = kernels.learn(compiled, recall, number, data)
            if access == NO_ACCESS:
                idle_bus(around)
            if pin_level(around) != level:
                level = pin_level(around)
                number, stale = kernels.set_pin_recalled(
                    compiled, transfer, circuit, rows, recall, number, stale, around.pin, level
                )
        if taps.node_mode == NODES_ALL:
            if number:
                copy_row(row_bytes, number & last, n_promised, taps.node_rows[k])
            else:
                kernels.record_promised(state, table, taps.node_rows[k])
        elif taps.node_mode == NODES_SOME:
            if number:
                copy_bits(row_bytes, number & last, taps.nodes, taps.node_rows[k])
            else:
                kernels.record_slots(state, taps.nodes, taps.node_rows[k])
        if len(taps.words):
            if number:
                _copy_word(row_bytes, number, taps, taps.words[k])
            else:
                _record_word(state, taps, taps.words[k])
        if len(taps.trace):
            taps.trace[k] = number
            if not number:
                kernels.record_promised(state, table, taps.trace_rows[k])
            elif notes[NOTE_LAST] - number > len(marks) - 2 * MOST_NEW_STATES:
                # so old that its row may be another's before it is read
                taps.trace[k] = 0
                copy_row(row_bytes, number & last, n_promised, taps.trace_rows[k])
            if notes[NOTE_LAST] - last_before > MOST_NEW_STATES:
                done = k + 1
                break
        if frame_ended(around, k):
            done = k + 1
            break
    if stale:
        kernels.bring_back_chip(compiled, recall, number)
    return done
