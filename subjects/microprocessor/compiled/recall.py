"""What a chip did before is looked up instead of computed: half-cycles of states that came up earlier.

A program spends its time in loops, and a chip in few states: of the half-cycles of a game, nine in ten begin in a state
that the whole chip was in before, to the last node, and end in the one it ended in then. So every state is kept as a
row of bits, once, and for every state what followed on which data from the bus:

    state ──(no data)──▶ state ──(data A9 read)──▶ state ──▶ ...
                               ╰─(data 4C read)──▶ state

Memoising a deterministic machine's transitions (E. Schnarr, J. Larus, Fast out-of-order processor simulation using
memoization, ASPLOS 1998) is exact: a row is compared whole, and holds everything that decides what comes next: every
word of the compiled chip, how it is driven, the step of the clock, and which perturbations there are. Rows are numbered
as they come; the oldest make room, and a number whose row is gone leads nowhere.

Where little comes up again (a program that counts through memory), looking for it would only cost; then nothing is
kept for a while.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from subjects.microprocessor.compiled.calling import call_routine, prefetch_row

N_KEPT = 1 << 18
"""States; some 90 MB when all are there. A frame of a game takes about 40,000 half-cycles, one in seven of them new."""

# `marks` of a state
MARK_NUMBER, MARK_CODE, MARK_TO, MARK_ACCESS, MARK_ADDRESS, MARK_DATA, MARK_STEP = range(7)
N_MARKS = 8  # a cache line

# Codes of what happens to a state besides a byte from the bus
CODE_NONE = -1
CODE_PIN = 256  # and the pin's level added
_CODE_UNSET = -2

# `notes`
NOTE_LAST, NOTE_PERTURBATION, NOTE_CREDIT, NOTE_ASLEEP, NOTE_COMPUTED, NOTE_NAP = range(6)
N_NOTES = 6

MOST_CREDIT = 4096
CREDIT_ON_WAKING = 1024
"""What is looked up is worth one credit, what is computed costs one; without credit recalling rests."""

SHORTEST_NAP, LONGEST_NAP = 1 << 12, 1 << 16
"""Half-cycles; twice as many every time, until there is all credit again."""


class Recall(NamedTuple):
    """States and what followed them. A state's slot is its number modulo N_KEPT.

    rows : (N_KEPT, n_words) uint64, the words of the compiled chip as bits, then step and perturbation
    row_bytes : the same as bytes
    marks : (N_KEPT, N_MARKS) int64, number (0: none), a code and the number that followed on it, access, address
        (of the next half-cycle), data (on the bus now), step of the clock
    places : (2 * N_KEPT,) int64, numbers by digest of the row
    edges : (N_KEPT, 3) int64, number, code, number that followed; for all codes but a state's first
    weights : (n_words,) uint64, odd
    notes : (N_NOTES,) int64, last number given, perturbations there are, credit, half-cycles yet to rest, how often
        what followed a state had to be computed, how long to rest the next time
    routines : (2,) int64, addresses of `pack` and `expand`
    scratch : (n_words,) uint64
    """

    rows: NDArray[np.uint64]
    row_bytes: NDArray[np.uint8]
    marks: NDArray[np.int64]
    places: NDArray[np.int64]
    edges: NDArray[np.int64]
    weights: NDArray[np.uint64]
    notes: NDArray[np.int64]
    routines: NDArray[np.int64]
    scratch: NDArray[np.uint64]


def new_recall(n_slots: int, pack: int, expand: int, n_kept: int = N_KEPT) -> Recall:
    """Nothing known yet. Memory is taken as states come.

    Parameters
    ----------
    n_slots : words of the compiled chip
    pack, expand : addresses of its functions
    n_kept : states, a power of two
    """
    n_words = n_slots // 64 + 2  # one bit at least behind the last word is 0
    rows = np.zeros((n_kept, n_words), np.uint64)
    weights = np.random.default_rng(1).integers(0, 1 << 63, n_words, np.uint64) * np.uint64(2) + np.uint64(1)
    notes = np.zeros(N_NOTES, np.int64)
    notes[NOTE_CREDIT], notes[NOTE_NAP] = MOST_CREDIT, SHORTEST_NAP
    return Recall(
        rows=rows,
        row_bytes=rows.view(np.uint8),
        marks=np.zeros((n_kept, N_MARKS), np.int64),
        places=np.zeros(2 * n_kept, np.int64),
        edges=np.zeros((n_kept, 3), np.int64),
        weights=weights,
        notes=notes,
        routines=np.array([pack, expand], np.int64),
        scratch=np.zeros(n_words, np.uint64),
    )


@njit(cache=True)
def follow(marks: NDArray[np.int64], edges: NDArray[np.int64], number: int, code: int) -> int:
    """The state that follows a known one; 0 when that is not known."""
    at = number & (len(marks) - 1)
    to = np.int64(0)
    if marks[at, MARK_CODE] == code:
        to = marks[at, MARK_TO]
    else:
        edge = _edge(number, code) & (len(edges) - 1)
        if edges[edge, 0] == number and edges[edge, 1] == code:
            to = edges[edge, 2]
    if marks[to & (len(marks) - 1), MARK_NUMBER] != to:
        to = np.int64(0)
    return int(to)


@njit(cache=True)
def credit(notes: NDArray[np.int64]) -> None:
    """For what was looked up."""
    have = notes[NOTE_CREDIT] + 1
    if have > MOST_CREDIT:
        have = MOST_CREDIT
        notes[NOTE_NAP] = SHORTEST_NAP
    notes[NOTE_CREDIT] = have


@njit(cache=True)
def debit(notes: NDArray[np.int64]) -> None:
    """For what was computed."""
    notes[NOTE_COMPUTED] += 1
    notes[NOTE_CREDIT] -= 1
    if notes[NOTE_CREDIT] <= 0:
        notes[NOTE_CREDIT], notes[NOTE_ASLEEP] = CREDIT_ON_WAKING, notes[NOTE_NAP]
        notes[NOTE_NAP] = min(2 * notes[NOTE_NAP], LONGEST_NAP)


@njit(cache=True)
def look_ahead(recall: Recall, number: int, whole: bool) -> None:
    """Fetch what probably comes next while the board has its half-cycle; `whole`: the row as well."""
    last = len(recall.marks) - 1
    at = recall.marks[number & last, MARK_TO] & last
    prefetch_row(recall.marks, at, 0)
    if whole:
        for offset in range(0, 8 * recall.rows.shape[1], 64):
            prefetch_row(recall.rows, at, offset)


@njit(cache=True)
def connect_states(recall: Recall, number: int, code: int, to: int) -> None:
    """Note what followed."""
    marks, edges = recall.marks, recall.edges
    at = number & (len(marks) - 1)
    if marks[at, MARK_NUMBER] != number:
        return
    first, then = marks[at, MARK_CODE], marks[at, MARK_TO]
    if first in (_CODE_UNSET, code) or marks[then & (len(marks) - 1), MARK_NUMBER] != then:
        marks[at, MARK_CODE], marks[at, MARK_TO] = code, to
        return
    edge = _edge(number, code) & (len(edges) - 1)
    edges[edge, 0], edges[edge, 1], edges[edge, 2] = number, code, to


@njit(cache=True)
def recognise(recall: Recall, state: NDArray[np.int32], step: int, access: int, address: int, data: int) -> int:
    """Number of the state that the chip is in, which gets one if it is new.

    Parameters
    ----------
    step : of the clock
    access, address : what the next half-cycle will ask of the memory
    data : on the bus
    """
    row, marks, places, notes = recall.scratch, recall.marks, recall.places, recall.notes
    call_routine(recall.routines[0], state, row, row)
    n_words, last = len(row), len(marks) - 1
    row[n_words - 1] = np.uint64(step) | np.uint64(notes[NOTE_PERTURBATION]) << np.uint64(8)
    digest = np.uint64(0)
    for k in range(n_words):
        digest += (row[k] ^ (row[k] >> np.uint64(32))) * recall.weights[k]
    place = np.int64((digest ^ (digest >> np.uint64(29))) >> np.uint64(8)) & (len(places) - 1)
    oldest = place
    for way in (place, place ^ 1):
        number = places[way]
        at = number & last
        if number and marks[at, MARK_NUMBER] == number:
            same = True
            for k in range(n_words):
                same &= recall.rows[at, k] == row[k]
            if same:
                return int(number)
        if number < places[oldest]:
            oldest = way
    number = notes[NOTE_LAST] + 1
    notes[NOTE_LAST] = number
    at = number & last
    for k in range(n_words):
        recall.rows[at, k] = row[k]
    marks[at, MARK_NUMBER] = number
    marks[at, MARK_CODE], marks[at, MARK_TO] = _CODE_UNSET, 0
    marks[at, MARK_ACCESS], marks[at, MARK_ADDRESS] = access, address
    marks[at, MARK_DATA], marks[at, MARK_STEP] = data, step
    places[oldest] = number
    return int(number)


@njit(cache=True)
def bring_back(recall: Recall, number: int, state: NDArray[np.int32]) -> int:
    """Put a state into the compiled chip's words; the step of the clock."""
    at = number & (len(recall.marks) - 1)
    call_routine(recall.routines[1], state, recall.rows[at], recall.scratch)
    return int(recall.marks[at, MARK_STEP])


@njit(cache=True)
def copy_row(row_bytes: NDArray[np.uint8], at: int, n: int, row: NDArray[np.uint8]) -> None:
    """The first n words' values, little-endian packed bits."""
    n_bytes = (n + 7) >> 3
    for k in range(n_bytes):
        row[k] = row_bytes[at, k]
    if n & 7:
        row[n_bytes - 1] &= np.uint8((1 << (n & 7)) - 1)


@njit(cache=True)
def copy_bits(row_bytes: NDArray[np.uint8], at: int, slots: NDArray[np.int64], row: NDArray[np.uint8]) -> None:
    """Some words' values in the order given, little-endian packed bits."""
    row[:] = 0
    for k in range(len(slots)):
        bit = (row_bytes[at, slots[k] >> 3] >> np.uint8(slots[k] & 7)) & np.uint8(1)
        row[k >> 3] |= bit << np.uint8(k & 7)


@njit(cache=True)
def _edge(number: int, code: int) -> int:
    return int((number * np.int64(0x9E3779B97F4A7C1) + code * np.int64(0x61C8864680B583)) >> np.int64(20))
