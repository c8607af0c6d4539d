"""Spikes in bins, rates of regions, and fields, from where a chip went: streams that are computed inside the subject.

A bin is under way at most ticks, and how far it has come is part of the chip's state, whoever watches: so that watching
can begin at any tick and every bin be whole. While nobody watches, only the bin that is under way at the end of a run
is gone through.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numba import njit
from numpy.typing import NDArray

from subjects.microprocessor.compiled.tally_code import N_DIGITS, N_PLANES, load_tally_code
from subjects.microprocessor.compiled.traces import N_AHEAD, Counters, Scales, Trace, sum_changes, tally
from subjects.microprocessor.compiled.weigh_code import N_SIDE_BY_SIDE, VECTOR, load_weigh_code

MOST_BIN_TICKS = 1 << 16
"""A node spikes at most every second half-cycle, and counts are 16 bits wide."""

_KEPT_BYTES = 1 << 24
_MOST_KEPT = 1 << 18


class SpikeBins:
    """Spikes of every node in bins: transitions from low to high, as `rig.spikes` defines them.

    Parameters
    ----------
    n_nodes : of a row
    bin_ticks : half-cycles of a bin

    Attributes
    ----------
    bin_ticks : as given
    so_far : (n_nodes,) uint16, spikes in the bin that is under way
    """

    def __init__(self, n_nodes: int, bin_ticks: int) -> None:
        n_words = (n_nodes + 63) // 64
        self.bin_ticks = bin_ticks
        self.so_far = np.zeros(n_nodes, np.uint16)
        self._totals = np.empty((0, 64 * n_words), np.uint16)
        self._code = load_tally_code(n_words)
        self._counters = Counters(
            routines=np.array([self._code.addresses[name] for name in ("count", "add", "flush")], np.int64),
            number=np.zeros((N_DIGITS, n_words), np.uint64),
            planes=np.zeros((N_PLANES, n_words), np.uint64),
        )

    def follow(self, trace: Trace, before: NDArray[np.uint64], start: int) -> NDArray[np.uint16]:
        """Count.

        Parameters
        ----------
        trace : half-cycles from tick start on
        before : the row before them

        Returns
        -------
        (n_bins, n_nodes), the bins that ended; good until the next time
        """
        n, k = len(trace.numbers), self.bin_ticks
        n_nodes, first = len(self.so_far), start // k
        n_bins = (start + n - 1) // k + 1 - first
        if n_bins > len(self._totals):
            self._totals = np.empty((n_bins, 64 * trace.rows.shape[1]), np.uint16)
        totals = self._totals[:n_bins]
        totals[:] = 0
        tally(trace, _addresses(trace), before, self._counters, totals, k - start % k, k)
        totals[0, :n_nodes] += self.so_far
        n_ended = (start + n) // k - first
        self.so_far = totals[n_ended, :n_nodes].copy() if n_ended < n_bins else np.zeros(n_nodes, np.uint16)
        return totals[:n_ended, :n_nodes]


def _addresses(trace: Trace) -> NDArray[np.int64]:
    return np.array([trace.states.ctypes.data, trace.rows.ctypes.data], np.int64)


class RegionRates:
    """Mean rate of each region's nodes.

    Parameters
    ----------
    regions : of each node

    Attributes
    ----------
    names : of the regions, in order of channels
    """

    def __init__(self, regions: Sequence[str]) -> None:
        names, of_node = np.unique(np.array(regions), return_inverse=True)
        self.names = tuple(str(name) for name in names)
        order = np.argsort(of_node, kind="stable")
        self._start = np.searchsorted(of_node[order], np.arange(len(names) + 1))
        self._order = order.astype(np.uint64)  # unsigned: numba need not ask whether an index counts from the end

    def of(self, counts: NDArray[np.uint16], bin_ticks: int) -> NDArray[np.float32]:
        """(n_bins, n_regions) spikes of a node in a half-cycle, from (n_bins, n_nodes) spikes of a bin."""
        rates = np.empty((len(counts), len(self.names)), np.float32)
        _mean_of_each(counts, self._order, self._start, float(bin_ticks), rates)
        return rates


@njit(cache=True)
def _mean_of_each(counts, order, start, bin_ticks, rates):  # type: ignore[no-untyped-def]
    """Four bins at a time: looking up where a node's count lies costs as much as adding it."""
    last = len(counts) - 1
    for k in range(0, len(counts), 4):
        k1, k2, k3 = min(k + 1, last), min(k + 2, last), min(k + 3, last)
        for region in range(len(start) - 1):
            n0 = n1 = n2 = n3 = np.int64(0)
            for at in range(start[region], start[region + 1]):
                node = order[at]
                n0 += counts[k, node]
                n1 += counts[k1, node]
                n2 += counts[k2, node]
                n3 += counts[k3, node]
            of_one = 1 / ((start[region + 1] - start[region]) * bin_ticks)
            rates[k3, region], rates[k2, region] = n3 * of_one, n2 * of_one
            rates[k1, region], rates[k, region] = n1 * of_one, n0 * of_one


class FieldSums:
    """How much each electrode sees change, half-cycle by half-cycle.

    Parameters
    ----------
    weights : (n_nodes, n_electrodes) float32, such that their sums are exact
    """

    def __init__(self, weights: NDArray[np.float32]) -> None:
        n_nodes, self._n_electrodes = weights.shape
        n_columns = -(-self._n_electrodes // VECTOR) * VECTOR
        n_words = (n_nodes + 63) // 64
        padded = np.zeros((64 * n_words + 1, n_columns), np.float32)
        padded[:n_nodes, : self._n_electrodes] = weights
        seen = np.zeros(64 * n_words, np.uint8)
        seen[:n_nodes] = (weights != 0).any(axis=1)
        n_kept = _MOST_KEPT
        while n_kept * n_columns * padded.itemsize > _KEPT_BYTES:
            n_kept //= 2
        self._code = load_weigh_code(n_columns)
        self._scales = Scales(
            weights=padded,
            seen=np.packbits(seen, bitorder="little").view(np.uint64),
            chosen=np.zeros(64 * n_words + N_AHEAD + N_SIDE_BY_SIDE, np.int64),
            routine=np.array([self._code.addresses["weigh"]], np.int64),
            kept_of=np.zeros((n_kept, 2), np.int64),
            kept=np.zeros((n_kept, n_columns), np.float32),
        )

    def follow(self, trace: Trace, before: NDArray[np.uint64]) -> NDArray[np.float32]:
        """(n, n_electrodes) sums of a trace; `before` is the row before it."""
        raw = np.empty((len(trace.numbers), self._scales.weights.shape[1]), np.float32)
        sum_changes(trace, before, self._scales, raw)
        return raw if raw.shape[1] == self._n_electrodes else np.ascontiguousarray(raw[:, : self._n_electrodes])


class Digest:
    """All three, and where they stand.

    Parameters
    ----------
    regions : of each node that the engine promises
    bin_ticks : half-cycles of a bin

    Attributes
    ----------
    bins, rates : of the streams ``counts`` and ``rates``
    field : sums of changes under some weights; None when nobody wants them
    counting : whether somebody watches counts or rates
    """

    def __init__(self, regions: Sequence[str], bin_ticks: int) -> None:
        self.bins = SpikeBins(len(regions), bin_ticks)
        self.rates = RegionRates(regions)
        self.field: FieldSums | None = None
        self.counting = False
        self._row: NDArray[np.uint64] | None = None

    def restart(self, levels: NDArray[np.uint8] | None, so_far: NDArray[np.uint16] | None = None) -> None:
        """The chip is put somewhere else.

        Parameters
        ----------
        levels : (n_nodes,) of the last sample; None: nothing came before
        so_far : spikes in the bin that is under way; None: none
        """
        n_words = (len(self.bins.so_far) + 63) // 64
        self._row = None
        if levels is not None:
            bits = np.zeros(64 * n_words, np.uint8)
            bits[: len(levels)] = levels
            self._row = np.packbits(bits, bitorder="little").view(np.uint64)
        self.bins.so_far = np.zeros_like(self.bins.so_far) if so_far is None else so_far

    def n_not_needed(self, start: int, n: int) -> int:
        """How many of the next n half-cycles need leave no trace: all before the last sample of the last bin to end."""
        if self.counting or self.field is not None:
            return 0
        end = (start + n) // self.bins.bin_ticks * self.bins.bin_ticks
        return max(end - 1 - start, 0)

    def miss(self) -> None:
        """Half-cycles went by without a trace."""
        self._row = None

    def follow(self, trace: Trace, start: int) -> tuple[NDArray[np.uint16], NDArray[np.float32] | None]:
        """Go through the half-cycles from tick `start` on: spikes of the bins that ended, and the field's sums.

        Nothing changes in the first of them when what came before is not known.
        """
        before = row_at(trace, 0) if self._row is None else self._row
        raw = None if self.field is None else self.field.follow(trace, before)
        counts = self.bins.follow(trace, before, start)
        self._row = row_at(trace, -1)
        return counts, raw


def row_at(trace: Trace, k: int) -> NDArray[np.uint64]:
    """(n_words,), the row of half-cycle k; negative: from the end."""
    number = trace.numbers[k]
    row: NDArray[np.uint64] = trace.states[number & (len(trace.states) - 1)] if number else trace.rows[k]
    return row[: trace.rows.shape[1]].copy()
