"""What is computed from the states that a compiled chip went through: spikes of all nodes in bins, and fields.

A run leaves a trace: the number of the state that each half-cycle ended in, where states are recalled (`recall`), else
the row of its nodes. It is gone through after the run, while all of it is still there. That costs a fraction of writing
rows out: thirty rows are counted in one go (`tally_code`), their fetching from memory overlaps, and what a field
changes by from one state to the next is looked up where the chip went that way before.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic
from numpy.typing import NDArray

from subjects.microprocessor.borrowing import borrowed
from subjects.microprocessor.compiled.calling import call_routine
from subjects.microprocessor.compiled.tally_code import MOST_ROWS, N_ROWS
from subjects.microprocessor.compiled.weigh_code import N_SIDE_BY_SIDE


class Trace(NamedTuple):
    """Where a chip went. A row is its nodes' bits in 64-bit words; bits behind the last node mean nothing.

    numbers : (n,) int64, states, or 0
    rows : (n, n_words) uint64, where there is no number
    states : (n_states, at least n_words) uint64, the row of number k is states[k & (n_states - 1)]
    """

    numbers: NDArray[np.int64]
    rows: NDArray[np.uint64]
    states: NDArray[np.uint64]


class Counters(NamedTuple):
    """For spikes in bins.

    routines : (3,) int64, addresses of `count`, `add` and `flush`
    number : (N_DIGITS, n_words) uint64
    planes : (N_PLANES, n_words) uint64, all zero before and after
    """

    routines: NDArray[np.int64]
    number: NDArray[np.uint64]
    planes: NDArray[np.uint64]


@njit(cache=True, nogil=True)
def tally(
    trace: Trace,
    addresses: NDArray[np.int64],
    before: NDArray[np.uint64],
    counters: Counters,
    totals: NDArray[np.uint16],
    n_to_end: int,
    bin_ticks: int,
) -> None:
    """Add the spikes of a trace to totals, a row of them for each bin that it touches.

    Parameters
    ----------
    addresses : (2,) int64, of trace.states and trace.rows
    before : (n_words,) uint64, the row before the first
    totals : (n_bins, 64 n_words) uint16
    n_to_end : half-cycles up to the end of the first bin
    """
    trace, counters = borrowed((trace, counters))
    numbers, last = trace.numbers, len(trace.states) - 1
    state_bytes, row_bytes = 8 * trace.states.shape[1], 8 * trace.rows.shape[1]
    routines, number, planes = counters.routines, counters.number, counters.planes
    of_row = np.empty(N_ROWS + 1, np.int64)
    of_row[0] = before.ctypes.data
    n = len(numbers)
    k, at_bin, end, n_waiting = 0, 0, n_to_end, 0
    while k < n:
        left = min(end, n) - k
        n_more = -(-left // (-(-left // N_ROWS)))  # as many each time, up to the end of the bin
        for j in range(n_more):
            state = numbers[k + j]
            of_row[1 + j] = addresses[0] + (state & last) * state_bytes if state else addresses[1] + (k + j) * row_bytes
        for j in range(n_more, N_ROWS):  # nothing spikes in a row that is the one before
            of_row[1 + j] = of_row[n_more]
        call_routine(routines[0], of_row, number, number)
        call_routine(routines[1], number, planes, planes)
        of_row[0] = of_row[n_more]
        k += n_more
        n_waiting += n_more + 1
        if k in (end, n) or n_waiting + N_ROWS + 1 > MOST_ROWS:
            call_routine(routines[2], planes, totals[at_bin], planes)
            n_waiting = 0
        if k == end:
            at_bin += 1
            end += bin_ticks


class Scales(NamedTuple):
    """For fields.

    weights : (64 n_words + 1, n_columns) float32, of the nodes, and a row of zeros; sums of them are exact in any order
    seen : (n_words,) uint64, which nodes weigh anything
    chosen : (64 n_words + N_AHEAD + N_SIDE_BY_SIDE,) int64, numbers of nodes, see `weigh_code`
    routine : (1,) int64, address of `weigh`
    kept_of, kept : (n_kept, 2) int64 and (n_kept, n_columns) float32, sums of ways that were gone before: from which
        state to which
    """

    weights: NDArray[np.float32]
    seen: NDArray[np.uint64]
    chosen: NDArray[np.int64]
    routine: NDArray[np.int64]
    kept_of: NDArray[np.int64]
    kept: NDArray[np.float32]


@njit(cache=True, nogil=True)
def sum_changes(trace: Trace, before: NDArray[np.uint64], scales: Scales, raw: NDArray[np.float32]) -> None:
    """Sum of the weights of the nodes that changed, for each half-cycle of a trace.

    Parameters
    ----------
    before : (n_words,) uint64, the row before the first
    raw : (n, n_columns) float32, written
    """
    trace, scales = borrowed((trace, scales))
    numbers, kept_of, kept = trace.numbers, scales.kept_of, scales.kept
    last_kept, n_columns = len(kept) - 1, raw.shape[1]
    number = np.int64(0)
    for k in range(len(numbers)):
        came_from, number = number, numbers[k]
        at = number & last_kept
        if came_from and number and kept_of[at, 0] == came_from and kept_of[at, 1] == number:
            for e in range(n_columns):
                raw[k, e] = kept[at, e]
            continue
        choose_changed(trace, before, scales.seen, k, came_from, scales.chosen)
        call_routine(scales.routine[0], scales.chosen, scales.weights, raw[k])
        if came_from and number:
            kept_of[at, 0], kept_of[at, 1] = came_from, number
            for e in range(n_columns):
                kept[at, e] = raw[k, e]


N_AHEAD = 8
"""Bits of a word are looked for so many at a time, whether they are there or not: a wrong guess of how many there are
costs more than they do."""


@njit(cache=True)
def choose_changed(
    trace: Trace,
    before: NDArray[np.uint64],
    seen: NDArray[np.uint64],
    k: int,
    came_from: np.int64,
    chosen: NDArray[np.int64],
) -> None:
    """Which of the nodes seen changed: how many, then their numbers, filled up with that of the row of zeros."""
    number, last, n_words = trace.numbers[k], len(trace.states) - 1, len(before)
    n = np.int64(1)
    for w in range(n_words):
        now = trace.states[number & last, w] if number else trace.rows[k, w]
        if came_from:
            then = trace.states[came_from & last, w]
        else:
            then = trace.rows[k - 1, w] if k else before[w]
        changed = (now ^ then) & seen[w]
        n_changed = n_bits(changed)
        at = n
        while at < n + n_changed:
            for j in range(N_AHEAD):
                chosen[at + j] = 64 * w + lowest_bit(changed)
                changed &= changed - np.uint64(1)
            at += N_AHEAD
        n += n_changed
    while (n - 1) % N_SIDE_BY_SIDE:
        chosen[n] = 64 * n_words
        n += 1
    chosen[0] = n - 1


def _lowest_bit(typingctx: Any, bits: Any) -> Any:
    """Number of the lowest bit of a uint64 that is set; 64 if none is."""
    del typingctx, bits
    signature = types.int64(types.uint64)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        del context, signature
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 0))

    return signature, codegen


lowest_bit: Any = intrinsic(_lowest_bit)


def _n_bits(typingctx: Any, bits: Any) -> Any:
    """How many bits of a uint64 are set."""
    del typingctx, bits
    signature = types.int64(types.uint64)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        del context, signature
        return builder.ctpop(args[0])

    return signature, codegen


n_bits: Any = intrinsic(_n_bits)
