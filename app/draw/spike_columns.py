"""Spikes of every unit in every column of pixels: all that a raster is, in whatever order it is drawn."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from app.draw.time_scale import TimeScale, slot_ranges

_NEVER = -(1 << 62)

# The place of a lone bit, by a product whose six highest bits are different for each: Leiserson, Prokop & Randall,
# "Using de Bruijn Sequences to Index a 1 in a Computer Word", MIT 1998.
_DE_BRUIJN = np.uint64(0x03F79D71B4CB0A89)
_BIT_OF_PRODUCT = np.zeros(64, np.int64)
_BIT_OF_PRODUCT[[((int(_DE_BRUIJN) << bit) & (1 << 64) - 1) >> 58 for bit in range(64)]] = np.arange(64)


class SpikeColumns:
    """Counts spikes by unit and column.

    A unit spikes at the sample in which it is on and in the one before it was off; a sample that nothing precedes (the
    first, the first after a gap) holds no spike, as in `rig.spikes`. The spike lies where its sample's tick begins.

    Parameters
    ----------
    scale : ticks to columns
    n_slots : columns kept
    n_channels : of the stream
    """

    def __init__(self, scale: TimeScale, n_slots: int, n_channels: int) -> None:
        self.scale = scale
        self.n_slots = n_slots
        self.n_channels = n_channels
        # a column's channels lie side by side: what is new is cleared and counted in a few cache lines
        self.counts = np.zeros((n_slots, n_channels), np.uint8).T
        """(n_channels, n_slots) uint8, 255 for more"""
        self.known = np.zeros(n_slots, np.bool_)
        """(n_slots,) whether anything was heard of the column: no spikes, or no data"""
        self._n_words = (n_channels + 63) // 64
        self._spare = np.uint64((1 << 64) - 1 >> (-n_channels % 64))
        self.reset()

    @property
    def newest(self) -> int | None:
        """The newest column that was reached; it may still grow."""
        return None if self._newest == _NEVER else self._newest

    def reset(self) -> None:
        """Forget everything; what comes next may carry any tick."""
        self._newest = _NEVER
        self._edge = _NEVER
        self._last: NDArray[np.uint64] | None = None
        self._dirty_from: int | None = None
        self.counts.fill(0)
        self.known.fill(False)

    def append_bits(self, first_tick: int, ticks_per_sample: int, packed: NDArray[np.uint8]) -> None:
        """Find the spikes of the next samples of a regular stream.

        Parameters
        ----------
        first_tick : stamp of the first sample
        packed : (n_samples, n_bytes) uint8, channel c is bit ``c % 8`` of byte ``c // 8``

        Raises
        ------
        ValueError : the samples lie before others that were taken; `reset` first.
        """
        if not len(packed):
            return
        if first_tick < self._edge:
            raise ValueError(f"samples from tick {first_tick} come after those up to tick {self._edge}: reset first")
        words = self._words(packed)
        before = self._last if self._last is not None and first_tick == self._edge else words[0]
        stop_tick = first_tick + ticks_per_sample * len(packed)
        first = self.scale.column_of(first_tick)
        self._reach(first, self.scale.last_column(stop_tick) + 1)
        columns = self.scale.columns_of(first_tick + ticks_per_sample * np.arange(len(packed), dtype=np.int64))
        oldest = self._newest + 1 - self.n_slots
        count_rises(words, before, columns, oldest, self.n_slots, self.counts)
        self._last, self._edge = words[-1].copy(), stop_tick

    def append_spikes(
        self, ticks: NDArray[np.int64], channels: NDArray[np.integer[Any]], start_tick: int, stop_tick: int
    ) -> None:
        """Take spikes found elsewhere.

        Parameters
        ----------
        ticks : (n_spikes,) int64, in any order; those older than the ring are dropped
        channels : (n_spikes,)
        start_tick, stop_tick : all spikes in [start, stop) are among them
        """
        if stop_tick > start_tick:
            self._reach(self.scale.column_of(start_tick), self.scale.last_column(stop_tick) + 1)
        if not len(ticks):
            return
        columns = self.scale.columns_of(np.asarray(ticks, np.int64))
        self._reach(int(columns.min()), int(columns.max()) + 1)
        oldest = self._newest + 1 - self.n_slots
        add_spikes(columns, np.asarray(channels, np.int64), oldest, self.n_slots, self.counts)

    def take_dirty(self) -> tuple[int, int]:
        """Columns [first, stop) that changed since this was asked last."""
        if self._dirty_from is None or self._newest == _NEVER:
            return 0, 0
        first, self._dirty_from = self._dirty_from, None
        return max(first, self._newest + 1 - self.n_slots), self._newest + 1

    def _reach(self, first: int, stop: int) -> None:
        since = first
        if self._newest != _NEVER and stop - 1 > self._newest:
            since = min(first, self._newest + 1)
            for start, end in slot_ranges(self._newest + 1, stop, self.n_slots):
                self.counts[:, start:end] = 0
                self.known[start:end] = False
        self._newest = max(stop - 1, self._newest)
        for start, end in slot_ranges(max(first, self._newest + 1 - self.n_slots), stop, self.n_slots):
            self.known[start:end] = True
        self._dirty_from = since if self._dirty_from is None else min(self._dirty_from, since)

    def _words(self, packed: NDArray[np.uint8]) -> NDArray[np.uint64]:
        return words_of(packed, self._n_words, self._spare)


def words_of(packed: NDArray[np.uint8], n_words: int, last_word_mask: np.uint64) -> NDArray[np.uint64]:
    """(n_samples, n_words) uint64 of rows of packed bits; bits beyond the channels are cleared."""
    words = np.zeros((len(packed), n_words), "<u8")
    words.view(np.uint8)[:, : packed.shape[1]] = packed
    if n_words:
        words[:, -1] &= last_word_mask
    return words.view(np.uint64)


@njit(cache=True, nogil=True)
def count_rises(words: Any, before: Any, columns: Any, oldest: int, n_slots: int, counts: Any) -> None:
    """Count bits that are on and were off in the row before.

    Parameters
    ----------
    words : (n_samples, n_words) uint64
    before : (n_words,) uint64, the row before the first
    columns : (n_samples,) int64, ascending; those before `oldest` are left out
    counts : (n_channels, n_slots) uint8, added to, saturating
    """
    for j in range(words.shape[0]):
        if columns[j] < oldest:
            continue
        slot = columns[j] % n_slots
        previous = words[j - 1] if j > 0 else before
        for w in range(words.shape[1]):
            rises = words[j, w] & ~previous[w]
            while rises != 0:
                lowest = rises & (~rises + np.uint64(1))
                channel = w * 64 + _BIT_OF_PRODUCT[(lowest * _DE_BRUIJN) >> np.uint64(58)]
                n = counts[channel, slot]
                if n < 255:
                    counts[channel, slot] = n + 1
                rises ^= lowest


@njit(cache=True, nogil=True)
def add_spikes(columns: Any, channels: Any, oldest: int, n_slots: int, counts: Any) -> None:
    """Count spikes given one by one; as `count_rises`."""
    for k in range(len(columns)):
        if columns[k] >= oldest:
            slot = columns[k] % n_slots
            if counts[channels[k], slot] < 255:
                counts[channels[k], slot] += 1
