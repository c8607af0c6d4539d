"""Spikes: one definition for every subject.

A unit spikes at the sample in which it is on and in the one before it was not. A binary unit is on at 1, a graded one
at or above its threshold. The transition off → on of a binary unit is the spike of Jonas & Kording, PLoS Comput Biol
13(1): e1005268 (2017). A sample that nothing precedes (the first of all, the first after a gap) holds no spike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from rig.errors import SpecError
from rig.streams import Samples, StreamInfo, StreamKind


@dataclass(frozen=True, eq=False)
class Spikes:
    """Spikes in order of (tick, channel).

    Attributes
    ----------
    ticks : (n_spikes,) int64
    channels : (n_spikes,) int32, of the stream they were found in
    """

    ticks: NDArray[np.int64]
    channels: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.ticks)


@dataclass(frozen=True, eq=False)
class ChannelSpikes:
    """Spikes in order of (channel, tick): channel c's are `ticks[start[c]:start[c + 1]]`.

    Attributes
    ----------
    ticks : (n_spikes,) int64
    start : (n_channels + 1,) int64
    """

    ticks: NDArray[np.int64]
    start: NDArray[np.int64]


def has_spikes(info: StreamInfo, threshold: float | None = None) -> bool:
    """Whether the definition says what a spike of this stream is."""
    if info.kind is not StreamKind.UNITS or info.unit_ids is None:
        return False
    return info.packed or (len(info.shape) == 1 and (info.dtype == np.bool_ or threshold is not None))


def spike_definition(info: StreamInfo, threshold: float | None = None) -> str:
    """One sentence for whoever opens the file."""
    if info.packed or info.dtype == np.bool_:
        what = "a unit's transition from off to on, at the first sample that is on"
    else:
        what = f"a unit's first sample at or above {threshold:g} {info.physical_unit}".rstrip()
        what += " after one that was not"
    return f"{what}; a sample that nothing precedes (the first of all, the first after a gap) holds none"


class SpikeDetector:
    """Finds the spikes of one stream, block after block.

    Parameters
    ----------
    info : the stream; packed, bool, or with a threshold
    threshold : for a graded stream, in its physical unit
    breaks : ticks before which continuity ends: of two consecutive samples on either side of one, the second has no
        predecessor. A regular stream needs none, its gaps show in its ticks.

    Raises
    ------
    SpecError : what a spike is does not follow from the stream and the threshold.
    """

    def __init__(self, info: StreamInfo, threshold: float | None = None, breaks: Sequence[int] = ()) -> None:
        if not has_spikes(info, threshold):
            raise SpecError(
                f"asked for spikes of stream {info.name!r}, {info.kind} of {info.dtype} {info.shape}; "
                "spikes are of units that are binary, or graded with a threshold: give one"
            )
        self.info = info
        self.threshold = threshold
        self.definition = spike_definition(info, threshold)
        self._breaks = np.unique(np.asarray(breaks, dtype=np.int64))
        self._n_words = (info.n_channels + 63) // 64
        self._last_row = np.zeros(self._n_words, np.uint64)
        self._last_tick: int | None = None

    def spikes(self, samples: Samples) -> Spikes:
        """Spikes of the next samples, in order of (tick, channel)."""
        words, fresh = self._take(samples)
        n_spikes = int(_count_all(words, fresh))
        rows, channels = np.empty(n_spikes, np.int64), np.empty(n_spikes, np.int32)
        _list_rises(words, fresh, rows, channels)
        return Spikes(samples.ticks[rows], channels)

    def spikes_by_channel(self, samples: Samples) -> ChannelSpikes:
        """Spikes of the next samples, in order of (channel, tick)."""
        words, fresh = self._take(samples)
        counts = np.zeros(self._n_words * 64, np.int64)
        _count_rises(words, fresh, counts)
        start = np.zeros(self.info.n_channels + 1, np.int64)
        np.cumsum(counts[: self.info.n_channels], out=start[1:])
        ticks = np.empty(start[-1], np.int64)
        _scatter_rises(words, fresh, np.ascontiguousarray(samples.ticks), start[:-1].copy(), ticks)
        return ChannelSpikes(ticks, start)

    def counts(self, samples: Samples) -> NDArray[np.int64]:
        """(n_channels,) spikes of each channel in the next samples."""
        words, fresh = self._take(samples)
        counts = np.zeros(self._n_words * 64, np.int64)
        _count_rises(words, fresh, counts)
        return counts[: self.info.n_channels]

    def _take(self, samples: Samples) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
        """(n + 1, n_words) rows of bits, the last row before these first; (n,) whether a row has no predecessor."""
        n = len(samples)
        words = np.zeros((n + 1, self._n_words), "<u8")
        words[0] = self._last_row
        bits = self._bits(samples)
        words.view(np.uint8)[1:, : bits.shape[1]] = bits
        n_spare_bits = -self.info.n_channels % 64
        if n_spare_bits and n:  # what a packer left in the last byte is no channel
            words[1:, -1] &= np.uint64(0xFFFFFFFFFFFFFFFF >> n_spare_bits)
        fresh = np.zeros(n, np.bool_)
        if n:
            fresh[1:] = self._apart(samples.ticks[:-1], samples.ticks[1:])
            before = self._last_tick
            fresh[0] = before is None or bool(self._apart(np.array([before]), samples.ticks[:1])[0])
            self._last_row, self._last_tick = words[-1].copy(), int(samples.ticks[-1])
        return words.view(np.uint64), fresh

    def _bits(self, samples: Samples) -> NDArray[np.uint8]:
        if self.info.packed:
            return samples.data
        on = samples.data if self.threshold is None else samples.data >= self.threshold
        return np.packbits(on, axis=1, bitorder="little")

    def _apart(self, before: NDArray[np.int64], after: NDArray[np.int64]) -> NDArray[np.bool_]:
        k = self.info.ticks_per_sample
        apart: NDArray[np.bool_] = (after <= before) if k is None else (after - before != k)
        if len(self._breaks):
            apart = apart | (
                np.searchsorted(self._breaks, before, "right") < np.searchsorted(self._breaks, after, "right")
            )
        return apart


def breaks_of(gaps: Sequence[tuple[int, int]]) -> tuple[int, ...]:
    """Gaps [(start_tick, stop_tick), …] as the `breaks` of a detector."""
    return tuple(stop for _, stop in gaps)


# Number of trailing zeros of a word with one bit, by a de Bruijn sequence (Leiserson, Prokop & Randall, 1998).
_DE_BRUIJN = 0x03F79D71B4CB0A89
_BIT_OF = np.zeros(64, np.int64)
for _bit in range(64):
    _BIT_OF[((_DE_BRUIJN << _bit) & 0xFFFFFFFFFFFFFFFF) >> 58] = _bit
_FACTOR, _SHIFT, _ONE, _ZERO = np.uint64(_DE_BRUIJN), np.uint64(58), np.uint64(1), np.uint64(0)


@numba.njit(cache=True, inline="always")
def _lowest_bit(word: np.uint64) -> int:
    lowest = word & (~word + _ONE)
    return _BIT_OF[(lowest * _FACTOR) >> _SHIFT]  # type: ignore[no-any-return]


@numba.njit(cache=True)
def _count_all(words: NDArray[np.uint64], fresh: NDArray[np.bool_]) -> int:
    n_spikes = 0
    for i in range(len(fresh)):
        if not fresh[i]:
            for w in range(words.shape[1]):
                rises = words[i + 1, w] & ~words[i, w]
                while rises != _ZERO:
                    n_spikes += 1
                    rises &= rises - _ONE
    return n_spikes


@numba.njit(cache=True)
def _count_rises(words: NDArray[np.uint64], fresh: NDArray[np.bool_], counts: NDArray[np.int64]) -> None:
    for i in range(len(fresh)):
        if not fresh[i]:
            for w in range(words.shape[1]):
                rises = words[i + 1, w] & ~words[i, w]
                while rises != _ZERO:
                    counts[w * 64 + _lowest_bit(rises)] += 1
                    rises &= rises - _ONE


@numba.njit(cache=True)
def _list_rises(
    words: NDArray[np.uint64], fresh: NDArray[np.bool_], rows: NDArray[np.int64], channels: NDArray[np.int32]
) -> None:
    k = 0
    for i in range(len(fresh)):
        if not fresh[i]:
            for w in range(words.shape[1]):
                rises = words[i + 1, w] & ~words[i, w]
                while rises != _ZERO:
                    rows[k] = i
                    channels[k] = w * 64 + _lowest_bit(rises)
                    k += 1
                    rises &= rises - _ONE


@numba.njit(cache=True)
def _scatter_rises(
    words: NDArray[np.uint64],
    fresh: NDArray[np.bool_],
    sample_ticks: NDArray[np.int64],
    cursor: NDArray[np.int64],
    ticks: NDArray[np.int64],
) -> None:
    for i in range(len(fresh)):
        if not fresh[i]:
            for w in range(words.shape[1]):
                rises = words[i + 1, w] & ~words[i, w]
                while rises != _ZERO:
                    channel = w * 64 + _lowest_bit(rises)
                    ticks[cursor[channel]] = sample_ticks[i]
                    cursor[channel] += 1
                    rises &= rises - _ONE
