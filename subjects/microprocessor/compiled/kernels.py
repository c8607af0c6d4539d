"""Half-cycles of a compiled chip, and its hand-over to the event engine and back: the njit functions.

A chip that may run compiled is a `Compiled` beside the event engine's `Circuit`. One of the two has the chip at any
time (`event_has_it`); pulls, clamps and modes are always the circuit's, node values and the clock step are where the
chip is. Races that only the event engine decides are called trips (`chip.Trips`).

    if event_has_it(compiled):
        access = clock_edge(circuit, ports) ... as with the event engine
        event_done(compiled, transfer, circuit, data of a read, or -1)
    else:
        access = next_access(state, counters, table)      address and R/W are final before the edge
        if compute_edge(compiled, data of a read, or -1):
            begin_trip(compiled, transfer, circuit, rows)
        taken = read_slots(state, table, DATA)            of a WRITE

or, where what follows is known already (`recall`), not even that; `chip_loops` has it all.
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
from subjects.microprocessor.compiled.recall import (
    CODE_PIN,
    NOTE_ASLEEP,
    Recall,
    bring_back,
    connect_states,
    debit,
    follow,
    recognise,
)
from subjects.microprocessor.event_kernels import NO_ACCESS, READ, WRITE
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
def next_step(counters: NDArray[np.int64], table: NDArray[np.int64]) -> int:
    """The clock step that comes."""
    step = counters[COUNT_STEP] + 1
    return int(step) if 2 * step < table[ACCESS + 1] - table[ACCESS] else 0


@njit(cache=True)
def next_access(state: NDArray[np.int32], counters: NDArray[np.int64], table: NDArray[np.int64]) -> int:
    """What the clock step that comes will ask of the memory."""
    allowed = table[ACCESS] + 2 * next_step(counters, table)
    if table[allowed] and hold(state, table, READ_WHEN):
        return READ
    if table[allowed + 1] and hold(state, table, WRITE_WHEN):
        return WRITE
    return NO_ACCESS


@njit(cache=True)
def compute_edge(compiled: Compiled, fetched: int) -> bool:
    """Let the next clock step happen; whether a trip begins. `fetched`: what was read, or -1."""
    if fetched >= 0:
        put_data(compiled.state, compiled.table, fetched)
    compiled.counters[COUNT_STEP] = next_step(compiled.counters, compiled.table)
    return edge_ends(compiled.state, compiled.detours, compiled.unstable, compiled.counters, compiled.table, fetched)


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
def awake(compiled: Compiled, recall: Recall) -> bool:
    """Whether states are looked for. A chip that did not settle may count so twice: it is always computed."""
    return bool(recall.notes[NOTE_ASLEEP] <= 0 and compiled.unstable[0] == 0)


@njit(cache=True)
def recognise_chip(compiled: Compiled, recall: Recall) -> int:
    """Number of the state that the compiled chip is in."""
    state, counters, table = compiled.state, compiled.counters, compiled.table
    access = next_access(state, counters, table)
    address = read_slots(state, table, ADDRESS) if access != NO_ACCESS else 0
    return recognise(recall, state, counters[COUNT_STEP], access, address, read_slots(state, table, DATA))


@njit(cache=True)
def bring_back_chip(compiled: Compiled, recall: Recall, number: int) -> None:
    """Put the compiled chip into a known state."""
    compiled.counters[COUNT_STEP] = bring_back(recall, number, compiled.state)


@njit(cache=True)
def learn(compiled: Compiled, recall: Recall, number: int, code: int) -> int:
    """Note what a state led to; the number of that, or 0 when recalling rests."""
    debit(recall.notes)
    if not awake(compiled, recall):
        return 0
    to = recognise_chip(compiled, recall)
    connect_states(recall, number, code, to)
    return to


@njit(cache=True)
def set_pin_recalled(
    compiled: Compiled,
    transfer: Transfer,
    circuit: Circuit,
    rows: Rows,
    recall: Recall,
    number: int,
    stale: bool,
    node: int,
    level: int,
) -> tuple[int, bool]:
    """As `set_pin`, for a chip in a known state (0: not known); its next state, and whether the words are stale."""
    code = CODE_PIN + 2 * node + level
    if number and circuit.clamp[node] == CLAMP_NONE:
        to = follow(recall.marks, recall.edges, number, code)
        if to:
            circuit.pull[node] = PULL_UP if level else PULL_DOWN
            return to, True
    if stale:
        bring_back_chip(compiled, recall, number)
    set_pin(compiled, transfer, circuit, rows, node, level)
    if not number or event_has_it(compiled) or circuit.clamp[node] != CLAMP_NONE:
        return 0, False
    return learn(compiled, recall, number, code), False
