"""The loop: a half-cycle of all chips, the answers of their boards, and what is noted of either.

An intact chip's address and R/W are final before the edge that begins their access, so the byte is there when the
phase is computed. A lesion can make an address pad or R/W move with the edge: such a lane is *late*. Its memory is
asked as the event engine asks: after the edge, and then its chip settles once more.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from subjects.microprocessor.atari2600.state import CYCLES_PER_LINE
from subjects.microprocessor.borrowing import borrowed
from subjects.microprocessor.compiled.calling import call_routine
from subjects.microprocessor.lanes.boards import (
    A7,
    A9,
    A12,
    Boards,
    end_lane_frame,
    end_line,
    fork,
    read_device,
    write_device,
)
from subjects.microprocessor.lanes.planes import (
    BITS_PER_BYTE,
    LANES_PER_WORD,
    blend_bytes,
    bytes_from_planes,
    lowest_bit,
    word_from_bytes,
)
from subjects.microprocessor.lanes.screens import Screens

COUNT_STEP, COUNT_TICK = 0, 1
_ALL = np.uint64(0xFFFF_FFFF_FFFF_FFFF)
_ONE = np.uint64(1)
# What takes arrays every half-cycle is inlined: passing an array costs some nanoseconds of reference counting
_N_ADDRESS_BITS = 13  # as many as the board decodes
_CARTRIDGE_BIT = 12  # of A12


class Levels(NamedTuple):
    """Levels of nodes that must all hold: their slots, and 1 or 0 for each."""

    slot: NDArray[np.int64]
    level: NDArray[np.uint8]


class Lists(NamedTuple):
    """A list of numbers for each step of the clock cycle: `item[start[k]:start[k + 1]]` is step k's."""

    start: NDArray[np.int64]
    item: NDArray[np.int64]


class Chips(NamedTuple):
    """All chips' nodes, one plane each, and the compiled code that runs them.

    state : (n_slots, n_words) uint64; masks : (n_rows, n_words) uint64; unstable : (n_words,) uint64
    phases, races : addresses of routines, by step; race_guards : slots by race, one of which must be high
    access : (n_steps,) uint8, whether a step looks at the memory
    address : (16,) slots, bit 0 first; data, drive : (8,) slots, of the data lines and of what drives them from outside
    reads, writes, fetches : levels of a read, of a write, of a read that fetches an opcode
    is_racy : (256,) uint8, opcodes after which a chip's course is not promised
    late : (n_words,) uint64, lanes whose memory is asked after the edge; all have boards of their own
    ready : slot of the pin by which the board makes a chip wait
    counters : (2,) int64, index of the clock step, half-cycles done
    """

    state: NDArray[np.uint64]
    masks: NDArray[np.uint64]
    unstable: NDArray[np.uint64]
    phases: Lists
    races: Lists
    race_guards: Lists
    access: NDArray[np.uint8]
    address: NDArray[np.int64]
    data: NDArray[np.int64]
    drive: NDArray[np.int64]
    reads: Levels
    writes: Levels
    fetches: Levels
    is_racy: NDArray[np.uint8]
    late: NDArray[np.uint64]
    ready: int
    counters: NDArray[np.int64]


class Notes(NamedTuple):
    """What is noted of every lane; -1: never.

    bus_differs : (n_words,) uint64, lanes whose bus has differed from the leader's
    bus_tick : (n_lanes,) int64, when it first did
    racy_tick : (n_lanes,) int64, when it first fetched an opcode of `is_racy`
    unstable_tick : (n_lanes,) int64, when it would not settle; it was retired then
    """

    bus_differs: NDArray[np.uint64]
    bus_tick: NDArray[np.int64]
    racy_tick: NDArray[np.int64]
    unstable_tick: NDArray[np.int64]


@njit(cache=True, inline="always")
def _holds(state: Any, levels: Levels, w: int) -> Any:
    """Lanes of a word in which all levels hold."""
    held = _ALL
    for k in range(len(levels.slot)):
        plane = state[levels.slot[k], w]
        held &= plane if levels.level[k] else ~plane
    return held


@njit(cache=True, inline="always")
def _spread(bit: Any) -> Any:
    """All lanes 0 or 1, as bit 0 of a word is."""
    return _ALL if bit & _ONE else np.uint64(0)


@njit(cache=True)
def _note_bus(chips: Chips, boards: Boards, screens: Screens, notes: Notes, w: int, differ: Any) -> None:
    """Note lanes whose bus differs, and give those that had none a board of their own."""
    differ &= ~notes.bus_differs[w]
    notes.bus_differs[w] |= differ
    while differ:
        index = lowest_bit(differ)
        differ &= differ - _ONE
        lane = LANES_PER_WORD * w + index
        notes.bus_tick[lane] = chips.counters[COUNT_TICK]
        if not boards.own[w] >> np.uint64(index) & _ONE:
            fork(boards, screens, lane)
            boards.own[w] |= _ONE << np.uint64(index)


@njit(cache=True, inline="always")
def _compare_accesses(chips: Chips, boards: Boards, screens: Screens, notes: Notes, late: bool) -> None:
    """Compare address, read and write of the lanes that are late, or of those that are not, with the leader's."""
    state = chips.state
    leader_reads = _spread(_holds(state, chips.reads, 0))
    leader_writes = _spread(_holds(state, chips.writes, 0))
    for w in range(state.shape[1]):
        differ = (_holds(state, chips.reads, w) ^ leader_reads) | (_holds(state, chips.writes, w) ^ leader_writes)
        for k in range(_N_ADDRESS_BITS):
            differ |= state[chips.address[k], w] ^ _spread(state[chips.address[k], 0])
        differ &= chips.late[w] if late else ~chips.late[w]
        if differ & ~notes.bus_differs[w]:
            _note_bus(chips, boards, screens, notes, w, differ)


class Scratch(NamedTuple):
    """What one half-cycle needs.

    low, high, data : (64 * n_words,) uint8, address bytes and data of lanes with boards of their own
    accesses : (_N_ADDRESS_BITS + 1, n_words) uint64, planes of the address, then which lanes read, as memory was asked
    moved : (n_words,) uint64, lanes that asked before the edge, and would ask something else after it
    """

    low: NDArray[np.uint8]
    high: NDArray[np.uint8]
    data: NDArray[np.uint8]
    accesses: NDArray[np.uint64]
    moved: NDArray[np.uint64]


def new_scratch(n_words: int) -> Scratch:
    """Room for 64 * n_words lanes."""
    low, high, data = (np.zeros(LANES_PER_WORD * n_words, np.uint8) for _ in range(3))
    accesses = np.zeros((_N_ADDRESS_BITS + 1, n_words), np.uint64)
    return Scratch(low, high, data, accesses, np.zeros(n_words, np.uint64))


@njit(cache=True, inline="always")
def _keep_accesses(chips: Chips, scratch: Scratch) -> None:
    """Keep what all lanes ask of the memory."""
    for w in range(chips.state.shape[1]):
        for k in range(_N_ADDRESS_BITS):
            scratch.accesses[k, w] = chips.state[chips.address[k], w]
        scratch.accesses[_N_ADDRESS_BITS, w] = _holds(chips.state, chips.reads, w)


@njit(cache=True, inline="always")
def _find_moved(chips: Chips, scratch: Scratch) -> bool:
    """Find the lanes that are not known to be late, and now ask something else of the memory than they did."""
    any_moved = np.uint64(0)
    for w in range(chips.state.shape[1]):
        moved = scratch.accesses[_N_ADDRESS_BITS, w] ^ _holds(chips.state, chips.reads, w)
        for k in range(_N_ADDRESS_BITS):
            moved |= scratch.accesses[k, w] ^ chips.state[chips.address[k], w]
        scratch.moved[w] = moved & ~chips.late[w]
        any_moved |= scratch.moved[w]
    return bool(any_moved)


@njit(cache=True)
def note_late(chips: Chips, boards: Boards, screens: Screens, late: NDArray[np.uint64]) -> None:
    """From now on these lanes are late."""
    for w in range(len(chips.late)):
        left = late[w] & ~boards.own[w]
        chips.late[w] |= late[w]
        while left:
            index = lowest_bit(left)
            left &= left - _ONE
            fork(boards, screens, LANES_PER_WORD * w + index)
            boards.own[w] |= _ONE << np.uint64(index)


@njit(cache=True, inline="always")
def _answer_reads(chips: Chips, boards: Boards, screens: Screens, notes: Notes, scratch: Scratch, late: bool) -> bool:
    """Read for the lanes that read and are late, or are not, and drive their data lines.

    Returns whether one may have fetched a racy opcode.
    """
    state = chips.state
    low, high, data, rom, ram = scratch.low, scratch.high, scratch.data, boards.rom, boards.ram
    records, bus, is_racy, cycle = boards.boards, boards.bus, chips.is_racy, boards.cycle[0]
    may_race = False
    for w in range(state.shape[1]):
        first = LANES_PER_WORD * w
        own = boards.own[w]
        reading = _holds(state, chips.reads, w) & (chips.late[w] if late else ~chips.late[w])
        if late and not reading:
            continue
        if own:
            bytes_from_planes(state, chips.address, w, low, first)
            bytes_from_planes(state, chips.address[BITS_PER_BYTE:], w, high, first)
            in_rom = own & reading & state[chips.address[_CARTRIDGE_BIT], w]
            if in_rom:
                for lane in range(first, first + LANES_PER_WORD):  # without a branch: whoever asks
                    data[lane] = rom[(int(low[lane]) | int(high[lane]) << 8) & 0xFFF]
                    may_race |= is_racy[data[lane]] != 0
                blend_bytes(bus, first, data, in_rom)
            waiting = own & reading & ~in_rom
            while waiting:
                lane = first + lowest_bit(waiting)
                waiting &= waiting - _ONE
                address = int(low[lane]) | int(high[lane]) << 8
                if address & A7 and not address & A9:
                    found = ram[lane, address & 0x7F]
                else:
                    found = np.uint8(read_device(records[lane], cycle, address, int(bus[lane])))
                bus[lane] = found
                data[lane] = found
                may_race |= is_racy[found] != 0
        leader = np.uint64(boards.bus[0])
        differ = np.uint64(0)
        for k in range(BITS_PER_BYTE):
            spread = _spread(leader >> np.uint64(k))
            plane = spread
            if own:
                plane = (word_from_bytes(data, first, np.uint8(1 << k)) & own) | (spread & ~own)
            differ |= plane ^ spread
            slot = chips.drive[k]
            state[slot, w] = (state[slot, w] & ~reading) | (plane & reading)
        differ &= reading
        if differ & ~notes.bus_differs[w]:
            _note_bus(chips, boards, screens, notes, w, differ)
    return may_race


@njit(cache=True, inline="always")
def _writing(chips: Chips, scratch: Scratch, w: int) -> Any:
    """Lanes of a word that write; a late one that has read in this half-cycle does not, whatever became of its R/W."""
    return _holds(chips.state, chips.writes, w) & ~(chips.late[w] & scratch.accesses[_N_ADDRESS_BITS, w])


@njit(cache=True, inline="always")
def _take_writes(chips: Chips, boards: Boards, screens: Screens, notes: Notes, scratch: Scratch) -> bool:
    """Take what all lanes write. Returns whether RDY of any has gone low."""
    state = chips.state
    low, high, data = scratch.low, scratch.high, scratch.data
    records, bus, ram, cycle = boards.boards, boards.bus, boards.ram, boards.cycle[0]
    n_words = state.shape[1]
    any_writing = np.uint64(0)
    for w in range(n_words):
        writing = _writing(chips, scratch, w)
        any_writing |= writing
        differ = np.uint64(0)
        for k in range(BITS_PER_BYTE):
            differ |= state[chips.data[k], w] ^ _spread(state[chips.data[k], 0])
        if differ & writing & ~notes.bus_differs[w]:
            _note_bus(chips, boards, screens, notes, w, differ & writing)
    if not any_writing:
        return False
    goes_low = False
    for w in range(n_words):
        first = LANES_PER_WORD * w
        waiting = _writing(chips, scratch, w) & boards.own[w]
        if waiting:
            bytes_from_planes(state, chips.address, w, low, first)
            bytes_from_planes(state, chips.address[BITS_PER_BYTE:], w, high, first)
            bytes_from_planes(state, chips.data, w, data, first)
        while waiting:
            index = lowest_bit(waiting)
            lane = first + index
            waiting &= waiting - _ONE
            address = int(low[lane]) | int(high[lane]) << 8
            bus[lane] = data[lane]
            if address & A12:
                continue
            if address & A7 and not address & A9:
                ram[lane, address & 0x7F] = data[lane]
                continue
            s = records[lane]
            write_device(s, cycle, address, int(data[lane]))
            if s.frame_done:
                end_lane_frame(boards, screens, lane)
            if s.rdy == 0:
                s.rdy = 1
                goes_low = True
                if lane == 0:
                    for other in range(n_words):
                        boards.waiting[other] |= ~boards.own[other]
                boards.waiting[w] |= _ONE << np.uint64(index)
    return goes_low


@njit(cache=True)
def _note_races(chips: Chips, boards: Boards, notes: Notes) -> None:
    for w in range(chips.state.shape[1]):
        fetching = _holds(chips.state, chips.reads, w) & _holds(chips.state, chips.fetches, w) & boards.own[w]
        while fetching:
            lane = LANES_PER_WORD * w + lowest_bit(fetching)
            fetching &= fetching - _ONE
            if chips.is_racy[boards.bus[lane]] and notes.racy_tick[lane] < 0:
                notes.racy_tick[lane] = chips.counters[COUNT_TICK]


@njit(cache=True, inline="always")
def settle(chips: Chips) -> None:
    """Settle after a pin, a mask or a state has changed: the current phase once more."""
    phases = chips.phases
    last = phases.start[chips.counters[COUNT_STEP] + 1] - 1
    call_routine(phases.item[last], chips.state, chips.masks, chips.unstable)


@njit(cache=True, inline="always")
def enter_step(chips: Chips, step: int) -> None:
    state = chips.state
    for r in range(chips.races.start[step], chips.races.start[step + 1]):
        guards = chips.race_guards
        needed = guards.start[r] == guards.start[r + 1]
        for k in range(guards.start[r], guards.start[r + 1]):
            for w in range(state.shape[1]):
                needed |= state[guards.item[k], w] != 0
        if needed:
            call_routine(chips.races.item[r], state, chips.masks, chips.unstable)
    for p in range(chips.phases.start[step], chips.phases.start[step + 1]):
        call_routine(chips.phases.item[p], state, chips.masks, chips.unstable)


@njit(cache=True, inline="always")
def _follow_ready(chips: Chips, boards: Boards) -> None:
    """Put RDY of all lanes on their pins and settle."""
    for w in range(chips.state.shape[1]):
        chips.state[chips.ready, w] = ~boards.waiting[w]
    settle(chips)


@njit(cache=True)
def retire(chips: Chips, boards: Boards, screens: Screens, lane: int) -> None:
    """Make a lane a follower again: unlesioned, with the leader's state. What was noted of it stays."""
    w, bit = lane // LANES_PER_WORD, _ONE << np.uint64(lane % LANES_PER_WORD)
    for row in range(len(chips.masks)):
        chips.masks[row, w] &= ~bit
    for slot in range(len(chips.state)):
        chips.state[slot, w] = (chips.state[slot, w] & ~bit) | (_spread(chips.state[slot, 0]) & bit)
    if not boards.own[w] & bit:
        fork(boards, screens, lane)
    boards.own[w] &= ~bit
    chips.late[w] &= ~bit
    boards.waiting[w] = (boards.waiting[w] & ~bit) | (_spread(boards.waiting[0]) & bit)


@njit(cache=True)
def _retire_unstable(chips: Chips, boards: Boards, screens: Screens, notes: Notes) -> None:
    for w in range(len(chips.unstable)):
        left = chips.unstable[w]
        chips.unstable[w] = 0
        while left:
            lane = LANES_PER_WORD * w + lowest_bit(left)
            left &= left - _ONE
            notes.unstable_tick[lane] = chips.counters[COUNT_TICK]
            if lane > 0:
                retire(chips, boards, screens, lane)


@njit(cache=True, nogil=True)
def run_half_cycles(chips: Chips, boards: Boards, screens: Screens, notes: Notes, scratch: Scratch, n: int) -> None:
    """Run all lanes for n half-cycles."""
    chips, boards, screens, notes, scratch = borrowed((chips, boards, screens, notes, scratch))
    counters = chips.counters
    for _ in range(n):
        step = (counters[COUNT_STEP] + 1) % len(chips.access)
        counters[COUNT_STEP] = step
        if chips.access[step]:
            _keep_accesses(chips, scratch)
            _compare_accesses(chips, boards, screens, notes, False)
            may_race = _answer_reads(chips, boards, screens, notes, scratch, False)
            enter_step(chips, step)
            if _find_moved(chips, scratch):
                note_late(chips, boards, screens, scratch.moved)
            if chips.late.any():
                _keep_accesses(chips, scratch)
                _compare_accesses(chips, boards, screens, notes, True)
                may_race |= _answer_reads(chips, boards, screens, notes, scratch, True)
                settle(chips)
            if may_race:
                _note_races(chips, boards, notes)
            if _take_writes(chips, boards, screens, notes, scratch):
                _follow_ready(chips, boards)
            if boards.cycle[0] % CYCLES_PER_LINE == CYCLES_PER_LINE - 1:
                end_line(boards, screens)
            boards.cycle[0] += 1
        else:
            enter_step(chips, step)
            if boards.cycle[0] % CYCLES_PER_LINE == 0 and boards.waiting.any():
                boards.waiting[:] = 0
                _follow_ready(chips, boards)
        if chips.unstable.any():
            _retire_unstable(chips, boards, screens, notes)
        counters[COUNT_TICK] += 1
