"""Half-cycles of a compiled chip, and its hand-over to the event engine and back: the njit functions.

A chip that may run compiled is a `Compiled` beside the event engine's `Circuit`. One of the two has the chip at any
time (`event_has_it`); pulls, clamps and modes are always the circuit's, node values and the clock step are where the
chip is. Races that only the event engine decides are called trips (`chip.Trips`).

    if event_has_it(compiled):
        access = clock_edge(circuit, ports) ... as with the event engine
        event_done(compiled, transfer, circuit, data of a read, or -1)
    else:
        access = edge_begins(state, counters, table)      address and R/W are final before the edge
        put_data(state, table, data)                      after READ
        if edge_ends(state, detours, unstable, counters, table, data of a read, or -1):
            begin_trip(compiled, transfer, circuit, rows)

What runs in every half-cycle takes its arrays one by one: passing a tuple of many arrays costs more than the chip does.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from subjects.microprocessor.circuit import (
    CLAMP_NONE,
    COUNT_CLOCK_STEP,
    PULL_DOWN,
    PULL_UP,
    Circuit,
    Rows,
    rewire,
)
from subjects.microprocessor.compiled.calling import call_routine
from subjects.microprocessor.event_kernels import (
    NO_ACCESS,
    READ,
    WRITE,
    Ports,
    clock_edge,
    force_data,
    read_nodes,
)
from subjects.microprocessor.event_kernels import set_pin as set_event_pin

# `counters`
COUNT_STEP, COUNT_EVENT_LEFT, COUNT_EVENT_ONLY, COUNT_TRIPS = 0, 1, 2, 3
N_COUNTERS = 4

# Sections of `table`: section s is table[table[s]:table[s + 1]]
PHASES = 0  # addresses
STEP_START = 1  # phases of clock step k are STEP_PHASE[STEP_START[k]:STEP_START[k + 1]]
STEP_PHASE = 2
RACES = 3  # addresses
RACE_START = 4  # race passes that precede step k, as with phases
GUARD_START = 5  # race pass r is left out when all of GUARD[GUARD_START[r]:GUARD_START[r + 1]] are low
GUARD = 6
ACCESS = 7  # two a step: whether the clock allows a read, a write
ADDRESS = 8  # slots of the bus
DATA = 9
DRIVE = 10  # slots that say how the data lines are driven
READ_WHEN = 11  # slot, level, slot, level ... of conditions
WRITE_WHEN = 12
TRIP_WHILE = 13
FETCH_WHEN = 14
TRIP_OPCODES = 15  # 256 times whether
TRIP_LENGTH = 16  # half-cycles
RECORD = 17  # address
N_SECTIONS = 18


class Compiled(NamedTuple):
    """A compiled chip's state and how it is clocked. Slots are indices into `state`.

    state : (n_slots + 1,) int32, -1 for high, 0 for low; the last is 0 for good
    detours : (n_groups,) int64, what replaces groups of blocks because of perturbations; 0: nothing
    unstable : (1,) int32, not 0 once a cycle did not settle
    counters : (N_COUNTERS,) int64, clock step, half-cycles left to the event engine, whether it keeps the chip for
        good, hand-overs so far
    table : int64, everything constant, in sections
    """

    state: NDArray[np.int32]
    detours: NDArray[np.int64]
    unstable: NDArray[np.int32]
    counters: NDArray[np.int64]
    table: NDArray[np.int64]


class Transfer(NamedTuple):
    """What lies where, for handing the chip over.

    stored_node, stored_slot : which node each slot holds
    driven_node, driven_slot : the same for the words that say how a node is driven
    node_slot, drive_slot : (n_nodes,) int64, -1 for none
    """

    stored_node: NDArray[np.int64]
    stored_slot: NDArray[np.int64]
    driven_node: NDArray[np.int64]
    driven_slot: NDArray[np.int64]
    node_slot: NDArray[np.int64]
    drive_slot: NDArray[np.int64]


@njit(cache=True)
def event_has_it(compiled: Compiled) -> bool:
    return bool(compiled.counters[COUNT_EVENT_LEFT] | compiled.counters[COUNT_EVENT_ONLY])


@njit(cache=True)
def to_event(compiled: Compiled, transfer: Transfer, circuit: Circuit) -> None:
    """Copy the chip to the event engine; `rewire` has to follow before it runs."""
    for k in range(len(transfer.stored_slot)):
        circuit.values[transfer.stored_node[k]] = compiled.state[transfer.stored_slot[k]] & 1
    for k in range(len(transfer.driven_slot)):
        high = compiled.state[transfer.driven_slot[k]]
        circuit.pull[transfer.driven_node[k]] = PULL_UP if high else PULL_DOWN
    circuit.counters[COUNT_CLOCK_STEP] = compiled.counters[COUNT_STEP]


@njit(cache=True)
def from_event(compiled: Compiled, transfer: Transfer, circuit: Circuit) -> None:
    for k in range(len(transfer.stored_slot)):
        compiled.state[transfer.stored_slot[k]] = -np.int32(circuit.values[transfer.stored_node[k]])
    for k in range(len(transfer.driven_slot)):
        compiled.state[transfer.driven_slot[k]] = -np.int32(circuit.pull[transfer.driven_node[k]] == PULL_UP)
    compiled.counters[COUNT_STEP] = circuit.counters[COUNT_CLOCK_STEP]


@njit(cache=True)
def hold(state: NDArray[np.int32], table: NDArray[np.int64], section: int) -> bool:
    """Whether every slot of a section of conditions is at its level."""
    agree = True
    for k in range(table[section], table[section + 1], 2):
        agree &= (state[table[k]] & 1) == table[k + 1]
    return agree


@njit(cache=True)
def read_slots(state: NDArray[np.int32], table: NDArray[np.int64], section: int) -> int:
    """Read a section of slots as a number, bit 0 first."""
    number = np.int64(0)
    first = table[section]
    for k in range(first, table[section + 1]):
        number |= np.int64(state[table[k]] & 1) << (k - first)
    return int(number)


@njit(cache=True)
def put_data(state: NDArray[np.int32], table: NDArray[np.int64], data: int) -> None:
    """Drive the data lines from outside, until the next time."""
    first = table[DRIVE]
    for k in range(first, table[DRIVE + 1]):
        state[table[k]] = -np.int32((data >> (k - first)) & 1)


@njit(cache=True)
def edge_begins(state: NDArray[np.int32], counters: NDArray[np.int64], table: NDArray[np.int64]) -> int:
    """Enter the next clock step; what it asks of the memory."""
    step = counters[COUNT_STEP] + 1
    if 2 * step == table[ACCESS + 1] - table[ACCESS]:
        step = np.int64(0)
    counters[COUNT_STEP] = step
    allowed = table[ACCESS] + 2 * step
    if table[allowed] and hold(state, table, READ_WHEN):
        return READ
    if table[allowed + 1] and hold(state, table, WRITE_WHEN):
        return WRITE
    return NO_ACCESS


@njit(cache=True)
def edge_ends(
    state: NDArray[np.int32],
    detours: NDArray[np.int64],
    unstable: NDArray[np.int32],
    counters: NDArray[np.int64],
    table: NDArray[np.int64],
    fetched: int,
) -> bool:
    """Let the clock step happen; whether a trip begins. `fetched`: what was read, or -1."""
    step = counters[COUNT_STEP]
    race = table[RACE_START] + step
    for r in range(table[race], table[race + 1]):
        guards = table[GUARD_START] + r
        needed = np.int32(table[guards] == table[guards + 1])
        for k in range(table[guards], table[guards + 1]):
            needed |= state[table[table[GUARD] + k]]
        if needed:
            call_routine(table[table[RACES] + r], state, detours, unstable)
    phases = table[STEP_START] + step
    for k in range(table[phases], table[phases + 1]):
        call_routine(table[table[PHASES] + table[table[STEP_PHASE] + k]], state, detours, unstable)
    return bool(fetched >= 0 and table[table[TRIP_OPCODES] + fetched] and hold(state, table, FETCH_WHEN))


@njit(cache=True)
def begin_trip(compiled: Compiled, transfer: Transfer, circuit: Circuit, rows: Rows) -> None:
    """Leave the chip to the event engine for a while."""
    if not event_has_it(compiled):
        to_event(compiled, transfer, circuit)
        rewire(circuit, rows)
    compiled.counters[COUNT_EVENT_LEFT] = compiled.table[compiled.table[TRIP_LENGTH]]
    compiled.counters[COUNT_TRIPS] += 1


@njit(cache=True)
def event_done(compiled: Compiled, transfer: Transfer, circuit: Circuit, fetched: int) -> None:
    """After a half-cycle by the event engine: take the chip back when the last reason is long enough ago."""
    if compiled.counters[COUNT_EVENT_ONLY]:
        return
    from_event(compiled, transfer, circuit)
    state, table = compiled.state, compiled.table
    left = compiled.counters[COUNT_EVENT_LEFT] - 1
    called = fetched >= 0 and table[table[TRIP_OPCODES] + fetched] and hold(state, table, FETCH_WHEN)
    for k in range(table[TRIP_WHILE], table[TRIP_WHILE + 1], 2):
        called |= (state[table[k]] & 1) == table[k + 1]
    if called:
        left = table[table[TRIP_LENGTH]]
    compiled.counters[COUNT_EVENT_LEFT] = max(left, 0)


@njit(cache=True)
def settle_compiled(compiled: Compiled) -> None:
    """Let what was changed between clock edges take effect: the present phase once more, no race."""
    table = compiled.table
    beyond = table[table[STEP_START] + compiled.counters[COUNT_STEP] + 1]
    phase = table[table[STEP_PHASE] + beyond - 1]
    call_routine(table[table[PHASES] + phase], compiled.state, compiled.detours, compiled.unstable)


@njit(cache=True)
def set_pin(compiled: Compiled, transfer: Transfer, circuit: Circuit, rows: Rows, node: int, level: int) -> None:
    """Drive a pin from outside and settle, whoever has the chip."""
    if event_has_it(compiled):
        set_event_pin(circuit, node, level)
        return
    state, table = compiled.state, compiled.table
    circuit.pull[node] = PULL_UP if level else PULL_DOWN
    if transfer.drive_slot[node] >= 0:
        state[transfer.drive_slot[node]] = -np.int32(level)
    else:
        slot = transfer.node_slot[node]
        if circuit.clamp[node] != CLAMP_NONE or state[slot] == -np.int32(level):
            return
        for k in range(table[TRIP_WHILE], table[TRIP_WHILE + 1], 2):
            if table[k] == slot and table[k + 1] == level:
                begin_trip(compiled, transfer, circuit, rows)
                set_event_pin(circuit, node, level)
                return
        state[slot] = -np.int32(level)
    settle_compiled(compiled)


@njit(cache=True)
def record_promised(state: NDArray[np.int32], table: NDArray[np.int64], row: NDArray[np.uint8]) -> None:
    """Write all live nodes and supplies in order of id, little-endian packed bits."""
    call_routine(table[table[RECORD]], state, row, row)


@njit(cache=True)
def record_slots(state: NDArray[np.int32], slots: NDArray[np.int64], row: NDArray[np.uint8]) -> None:
    """Write some words in the order given, little-endian packed bits."""
    row[:] = 0
    for k in range(len(slots)):
        row[k >> 3] |= np.uint8(state[slots[k]] & 1) << np.uint8(k & 7)


@njit(cache=True)
def event_half_cycle(
    compiled: Compiled, transfer: Transfer, circuit: Circuit, ports: Ports, memory: NDArray[np.uint8]
) -> None:
    """One half-cycle on a plain memory by the event engine, which has the chip."""
    fetched = -1
    access = clock_edge(circuit, ports)
    if access == READ:
        fetched = int(memory[read_nodes(circuit, ports.address)])
        force_data(circuit, ports, fetched)
    elif access == WRITE:
        memory[read_nodes(circuit, ports.address)] = read_nodes(circuit, ports.data)
    event_done(compiled, transfer, circuit, fetched)


@njit(cache=True)
def run_half_cycles(
    compiled: Compiled,
    transfer: Transfer,
    circuit: Circuit,
    ports: Ports,
    rows: Rows,
    memory: NDArray[np.uint8],
    slots: NDArray[np.int64],
    samples: NDArray[np.uint8],
    n: int,
) -> None:
    """Run on a plain memory, by whoever has the chip; record into `samples` (n, n_bytes), or nothing if it is (0, 0).

    `slots` : what to record, in this order; empty for everything promised
    """
    state, detours, unstable = compiled.state, compiled.detours, compiled.unstable
    counters, table = compiled.counters, compiled.table
    for k in range(n):
        if counters[COUNT_EVENT_LEFT] | counters[COUNT_EVENT_ONLY]:
            event_half_cycle(compiled, transfer, circuit, ports, memory)
            if len(samples):
                from_event(compiled, transfer, circuit)
        else:
            fetched = -1
            access = edge_begins(state, counters, table)
            address = read_slots(state, table, ADDRESS) if access != NO_ACCESS else 0
            if access == READ:
                fetched = int(memory[address])
                put_data(state, table, fetched)
            trip = edge_ends(state, detours, unstable, counters, table, fetched)
            if access == WRITE:
                memory[address] = read_slots(state, table, DATA)
            if trip:
                begin_trip(compiled, transfer, circuit, rows)
        if len(samples):
            if len(slots):
                record_slots(state, slots, samples[k])
            else:
                record_promised(state, table, samples[k])
