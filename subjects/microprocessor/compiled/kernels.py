"""Half-cycles of a compiled chip, and its hand-over to the event engine and back: the njit functions.

A chip that may run compiled is a pair: `Compiled` and the event engine's `Circuit`. One of the two has the chip at any
time (`event_has_it`); clock step, pulls, clamps and modes are always the circuit's, node values are where the chip is.
Races that only the event engine decides are called trips (`chip.Trips`).

    if event_has_it(compiled):
        access = clock_edge(circuit, ports) ... as with the event engine
        event_done(compiled, circuit, data of a read, or -1)
    else:
        access = edge_begins(compiled, circuit)      address and R/W are final before the edge
        put_data(compiled, data)                     after READ
        edge_ends(compiled, circuit, data of a read, or -1)
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
COUNT_EVENT_LEFT, COUNT_EVENT_ONLY, COUNT_TRIPS = 0, 1, 2


class Compiled(NamedTuple):
    """A compiled chip's state and how it is clocked. Slots are indices into `state`.

    State:

    state : (n_slots + 1,) int32, -1 for high, 0 for low; the last is 0 for good
    masks : int32, rows of perturbations; unstable : (1,) int32, not 0 once a cycle did not settle
    counters : half-cycles left to the event engine, whether it keeps the chip for good, hand-overs so far

    Constant:

    phases, races : int64 addresses
    record : (1,) int64 address
    step_start, step_phase : phases of clock step k are step_phase[step_start[k]:step_start[k + 1]]
    race_start : (n_steps + 1,) int64, race passes that precede step k
    guard_start, guard : race pass r is left out when all of guard[guard_start[r]:guard_start[r + 1]] are low
    access : (n_steps, 2) uint8, whether the clock allows a read, a write in a step
    address, data, drive : slots of the bus; drive says how a data line is driven
    read, write : (k, 2) slot and level of the conditions of an access
    trip_pin : (k, 2) slot and level of pins that keep the event engine at work
    fetch : (k, 2) slot and level of what marks an opcode
    trip_opcode : (256,) uint8
    n_trip : (1,) int64
    stored_node, stored_slot : which node each slot holds
    driven_node, driven_slot : the same for the words that say how a node is driven
    node_slot, drive_slot : (n_nodes,) int32, -1 for none
    """

    state: NDArray[np.int32]
    masks: NDArray[np.int32]
    unstable: NDArray[np.int32]
    counters: NDArray[np.int64]
    phases: NDArray[np.int64]
    races: NDArray[np.int64]
    record: NDArray[np.int64]
    step_start: NDArray[np.int64]
    step_phase: NDArray[np.int64]
    race_start: NDArray[np.int64]
    guard_start: NDArray[np.int64]
    guard: NDArray[np.int64]
    access: NDArray[np.uint8]
    address: NDArray[np.int64]
    data: NDArray[np.int64]
    drive: NDArray[np.int64]
    read: NDArray[np.int64]
    write: NDArray[np.int64]
    trip_pin: NDArray[np.int64]
    fetch: NDArray[np.int64]
    trip_opcode: NDArray[np.uint8]
    n_trip: NDArray[np.int64]
    stored_node: NDArray[np.int64]
    stored_slot: NDArray[np.int64]
    driven_node: NDArray[np.int64]
    driven_slot: NDArray[np.int64]
    node_slot: NDArray[np.int32]
    drive_slot: NDArray[np.int32]


@njit(cache=True)
def event_has_it(compiled: Compiled) -> bool:
    return bool(compiled.counters[COUNT_EVENT_LEFT] | compiled.counters[COUNT_EVENT_ONLY])


@njit(cache=True)
def to_event(compiled: Compiled, circuit: Circuit) -> None:
    """Copy node values and forced data lines to the event engine; `rewire` has to follow before it runs."""
    for k in range(len(compiled.stored_slot)):
        circuit.values[compiled.stored_node[k]] = compiled.state[compiled.stored_slot[k]] & 1
    for k in range(len(compiled.driven_slot)):
        high = compiled.state[compiled.driven_slot[k]]
        circuit.pull[compiled.driven_node[k]] = PULL_UP if high else PULL_DOWN


@njit(cache=True)
def from_event(compiled: Compiled, circuit: Circuit) -> None:
    for k in range(len(compiled.stored_slot)):
        compiled.state[compiled.stored_slot[k]] = -np.int32(circuit.values[compiled.stored_node[k]])
    for k in range(len(compiled.driven_slot)):
        compiled.state[compiled.driven_slot[k]] = -np.int32(circuit.pull[compiled.driven_node[k]] == PULL_UP)


@njit(cache=True)
def hold(compiled: Compiled, conditions: NDArray[np.int64]) -> bool:
    """Whether every slot is at its level."""
    agree = True
    for k in range(len(conditions)):
        agree &= (compiled.state[conditions[k, 0]] & 1) == conditions[k, 1]
    return agree


@njit(cache=True)
def read_slots(compiled: Compiled, slots: NDArray[np.int64]) -> int:
    """Read words as a number, bit 0 first."""
    number = np.int64(0)
    for bit in range(len(slots)):
        number |= np.int64(compiled.state[slots[bit]] & 1) << bit
    return int(number)


@njit(cache=True)
def put_data(compiled: Compiled, data: int) -> None:
    """Drive the data lines from outside, until the next time."""
    for bit in range(len(compiled.drive)):
        compiled.state[compiled.drive[bit]] = -np.int32((data >> bit) & 1)


@njit(cache=True)
def edge_begins(compiled: Compiled, circuit: Circuit) -> int:
    """Enter the next clock step; what it asks of the memory."""
    step = circuit.counters[COUNT_CLOCK_STEP] + 1
    if step == len(compiled.access):
        step = 0
    circuit.counters[COUNT_CLOCK_STEP] = step
    if compiled.access[step, 0] and hold(compiled, compiled.read):
        return READ
    if compiled.access[step, 1] and hold(compiled, compiled.write):
        return WRITE
    return NO_ACCESS


@njit(cache=True)
def edge_ends(compiled: Compiled, circuit: Circuit, rows: Rows, fetched: int) -> None:
    """Let the clock step happen. `fetched`: what was read, or -1."""
    state, masks, unstable = compiled.state, compiled.masks, compiled.unstable
    step = circuit.counters[COUNT_CLOCK_STEP]
    for r in range(compiled.race_start[step], compiled.race_start[step + 1]):
        first, beyond = compiled.guard_start[r], compiled.guard_start[r + 1]
        needed = first == beyond
        for k in range(first, beyond):
            needed |= compiled.state[compiled.guard[k]] != 0
        if needed:
            call_routine(compiled.races[r], state, masks, unstable)
    for k in range(compiled.step_start[step], compiled.step_start[step + 1]):
        call_routine(compiled.phases[compiled.step_phase[k]], state, masks, unstable)
    if fetched >= 0 and compiled.trip_opcode[fetched & 0xFF] and hold(compiled, compiled.fetch):
        begin_trip(compiled, circuit, rows)


@njit(cache=True)
def begin_trip(compiled: Compiled, circuit: Circuit, rows: Rows) -> None:
    """Leave the chip to the event engine for a while."""
    if not event_has_it(compiled):
        to_event(compiled, circuit)
        rewire(circuit, rows)
    compiled.counters[COUNT_EVENT_LEFT] = compiled.n_trip[0]
    compiled.counters[COUNT_TRIPS] += 1


@njit(cache=True)
def event_done(compiled: Compiled, circuit: Circuit, fetched: int) -> None:
    """After a half-cycle by the event engine: take the chip back when the last reason is long enough ago."""
    if compiled.counters[COUNT_EVENT_ONLY]:
        return
    from_event(compiled, circuit)
    left = compiled.counters[COUNT_EVENT_LEFT] - 1
    for k in range(len(compiled.trip_pin)):
        if (compiled.state[compiled.trip_pin[k, 0]] & 1) == compiled.trip_pin[k, 1]:
            left = compiled.n_trip[0]
    if fetched >= 0 and compiled.trip_opcode[fetched & 0xFF] and hold(compiled, compiled.fetch):
        left = compiled.n_trip[0]
    compiled.counters[COUNT_EVENT_LEFT] = max(left, 0)


@njit(cache=True)
def settle_compiled(compiled: Compiled, circuit: Circuit) -> None:
    """Let what was changed between clock edges take effect: the present phase once more, no race."""
    step = circuit.counters[COUNT_CLOCK_STEP]
    phase = compiled.step_phase[compiled.step_start[step + 1] - 1]
    call_routine(compiled.phases[phase], compiled.state, compiled.masks, compiled.unstable)


@njit(cache=True)
def set_pin(compiled: Compiled, circuit: Circuit, rows: Rows, node: int, level: int) -> None:
    """Drive a pin from outside and settle, whoever has the chip."""
    if event_has_it(compiled):
        set_event_pin(circuit, node, level)
        return
    circuit.pull[node] = PULL_UP if level else PULL_DOWN
    if circuit.clamp[node] != CLAMP_NONE:
        return
    if compiled.drive_slot[node] >= 0:
        compiled.state[compiled.drive_slot[node]] = -np.int32(level)
    else:
        slot = compiled.node_slot[node]
        if compiled.state[slot] == -np.int32(level):
            return
        for k in range(len(compiled.trip_pin)):
            if compiled.trip_pin[k, 0] == slot and compiled.trip_pin[k, 1] == level:
                begin_trip(compiled, circuit, rows)
                set_event_pin(circuit, node, level)
                return
        compiled.state[slot] = -np.int32(level)
    settle_compiled(compiled, circuit)


@njit(cache=True)
def record_promised(compiled: Compiled, row: NDArray[np.uint8]) -> None:
    """Write all live nodes and supplies in order of id, little-endian packed bits."""
    call_routine(compiled.record[0], compiled.state, row, compiled.unstable)


@njit(cache=True)
def record_slots(compiled: Compiled, slots: NDArray[np.int64], row: NDArray[np.uint8]) -> None:
    """Write some words in the order given, little-endian packed bits."""
    row[:] = 0
    for k in range(len(slots)):
        row[k >> 3] |= np.uint8(compiled.state[slots[k]] & 1) << np.uint8(k & 7)


@njit(cache=True)
def record(compiled: Compiled, circuit: Circuit, slots: NDArray[np.int64], row: NDArray[np.uint8]) -> None:
    """Write some words, or all promised nodes when `slots` is empty, whoever has the chip."""
    if compiled.counters[COUNT_EVENT_ONLY]:
        from_event(compiled, circuit)
    if len(slots):
        record_slots(compiled, slots, row)
    else:
        record_promised(compiled, row)


@njit(cache=True)
def half_cycle(compiled: Compiled, circuit: Circuit, ports: Ports, rows: Rows, memory: NDArray[np.uint8]) -> None:
    """One half-cycle on a plain memory, by whoever has the chip."""
    fetched = -1
    if event_has_it(compiled):
        access = clock_edge(circuit, ports)
        if access == READ:
            fetched = int(memory[read_nodes(circuit, ports.address)])
            force_data(circuit, ports, fetched)
        elif access == WRITE:
            memory[read_nodes(circuit, ports.address)] = read_nodes(circuit, ports.data)
        event_done(compiled, circuit, fetched)
        return
    access = edge_begins(compiled, circuit)
    address = read_slots(compiled, compiled.address) if access != NO_ACCESS else 0
    if access == READ:
        fetched = int(memory[address])
        put_data(compiled, fetched)
    edge_ends(compiled, circuit, rows, fetched)
    if access == WRITE:
        memory[address] = read_slots(compiled, compiled.data)


@njit(cache=True)
def run_half_cycles(
    compiled: Compiled, circuit: Circuit, ports: Ports, rows: Rows, memory: NDArray[np.uint8], n: int
) -> None:
    for _ in range(n):
        half_cycle(compiled, circuit, ports, rows, memory)


@njit(cache=True)
def run_recording(
    compiled: Compiled,
    circuit: Circuit,
    ports: Ports,
    rows: Rows,
    memory: NDArray[np.uint8],
    slots: NDArray[np.int64],
    samples: NDArray[np.uint8],
) -> None:
    """One half-cycle a row of `samples` (n_half_cycles, n_bytes), recorded after it; see `record`."""
    for k in range(len(samples)):
        half_cycle(compiled, circuit, ports, rows, memory)
        record(compiled, circuit, slots, samples[k])
