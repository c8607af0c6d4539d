"""The spectrogram's picture: a ring image whose columns are spectra, its rows frequencies, linear or logarithmic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from app.draw.blend import Pixels
from app.draw.spectrum import Spectra, SpectrumPlan
from app.draw.time_scale import TimeScale, slot_ranges

_NEVER = -(1 << 62)


@dataclass(frozen=True, eq=False)
class FrequencyRows:
    """Which frequencies a row of pixels shows: a sparse matrix, row by row.

    Bin k is taken for the level everywhere in [k − ½, k + ½] bin widths; a row is the mean level over its interval.

    Attributes
    ----------
    edges_hz : (h + 1,) float64, descending: row r shows [edges[r + 1], edges[r]]
    start : (h + 1,) int64, row r has the entries [start[r], start[r + 1])
    bins : (n_entries,) int64
    weights : (n_entries,) float64, a row's sum is 1 (0 for a row beyond the highest frequency)
    """

    edges_hz: NDArray[np.float64]
    start: NDArray[np.int64]
    bins: NDArray[np.int64]
    weights: NDArray[np.float64]

    @classmethod
    def between(
        cls, plan: SpectrumPlan, height: int, low_hz: float, high_hz: float, logarithmic: bool = False
    ) -> FrequencyRows:
        """Rows from `high_hz` at the top to `low_hz` at the bottom.

        Raises
        ------
        ValueError : the range is empty, or logarithmic from 0.
        """
        if not low_hz < high_hz or (logarithmic and low_hz <= 0):
            raise ValueError(f"asked for frequencies from {low_hz:g} to {high_hz:g} Hz; they must rise, from above 0")
        edges = np.geomspace(high_hz, low_hz, height + 1) if logarithmic else np.linspace(high_hz, low_hz, height + 1)
        width_hz = plan.rate_hz / plan.length
        n_bins = plan.length // 2 + 1
        start, bins, weights = [0], [], []
        for high, low in zip(edges[:-1] / width_hz, edges[1:] / width_hz, strict=True):
            k = np.arange(max(int(np.floor(low + 0.5)), 0), min(int(np.ceil(high + 0.5)), n_bins))
            share = (np.minimum(high, k + 0.5) - np.maximum(low, k - 0.5)) / (high - low)
            k, share = k[share > 0], share[share > 0]
            bins.append(k)
            weights.append(share / share.sum() if len(share) else share)
            start.append(start[-1] + len(k))
        return cls(edges, np.array(start, np.int64), np.concatenate(bins).astype(np.int64), np.concatenate(weights))

    def row_of(self, frequency_hz: float) -> int | None:
        """The row that shows a frequency; None where it is not shown."""
        row = int(np.searchsorted(-self.edges_hz, -frequency_hz, "right")) - 1
        return row if 0 <= row < len(self.edges_hz) - 1 else None


@dataclass(frozen=True, eq=False)
class SpectrogramStyle:
    """How levels become colours: `low_db` and below is the first of the (256,) uint32 colours, `high_db` the last."""

    rows: FrequencyRows
    colours: NDArray[np.uint32]
    low_db: float
    high_db: float
    unknown: int


class SpectrogramImage:
    """Spectra of one channel.

    Spectrum i stands for the hop about its middle, [run + (i hop + (length − hop) / 2) k, … + hop k) ticks. A column
    shows the mean density of the spectra whose hops reach into it.

    Parameters
    ----------
    scale : ticks to columns
    n_slots : columns of the image
    plan : of the spectra
    ticks_per_sample : of the channel
    """

    def __init__(
        self, scale: TimeScale, n_slots: int, plan: SpectrumPlan, ticks_per_sample: int, style: SpectrogramStyle
    ) -> None:
        self.scale = scale
        self.n_slots = n_slots
        self.plan = plan
        self.ticks_per_sample = ticks_per_sample
        self.newest: int | None = None
        self.reference: SpectrogramImage | None = None
        """spectra of another run on the same scale: levels are told against them, and nothing where there are none"""
        self._style = style
        self._density = np.zeros((n_slots, plan.length // 2 + 1), np.float64)
        self._n = np.zeros(n_slots, np.int64)  # spectra in each column's mean
        self._reached: int = _NEVER
        self.pixels: Pixels = np.empty((len(style.rows.start) - 1, n_slots), np.uint32)
        self.repaint()

    @property
    def style(self) -> SpectrogramStyle:
        return self._style

    def reset(self) -> None:
        """Forget everything; what comes next may carry any tick."""
        self._n.fill(0)
        self._reached = _NEVER
        self.newest = None
        self.repaint()

    def set_style(self, style: SpectrogramStyle) -> None:
        """Other frequencies, levels or colours; what has been is drawn again. The height stays."""
        self._style = style
        self.repaint()

    def append(self, spectra: Spectra) -> tuple[tuple[int, int], ...]:
        """Paint further spectra; the slots [start, stop) that changed.

        Raises
        ------
        ValueError : they lie before others that were taken; `reset` first.
        """
        k, hop = self.ticks_per_sample, self.plan.hop
        first_dirty: int | None = None
        for i, density in enumerate(spectra.density, start=spectra.first):
            start_tick = spectra.run_tick + (i * hop + (self.plan.length - hop) // 2) * k
            first, last = self.scale.column_of(start_tick), self.scale.last_column(start_tick + hop * k)
            if last < self._reached:
                raise ValueError(f"a spectrum at tick {start_tick} comes after later ones: reset first")
            oldest, reached = max(first, last + 1 - self.n_slots), self._reached
            self._make_room(last)
            for start, stop in slot_ranges(max(oldest, reached + 1), last + 1, self.n_slots):
                self._n[start:stop] = 1
                self._density[start:stop] = density
            for column in range(oldest, min(last, reached) + 1):
                slot = column % self.n_slots
                self._n[slot] += 1
                self._density[slot] += (density - self._density[slot]) / self._n[slot]
            first_dirty = first if first_dirty is None else min(first, first_dirty)
        return () if first_dirty is None else self._show(first_dirty)

    def advance(self, done_tick: int) -> tuple[tuple[int, int], ...]:
        """Let the time axis go on though no spectra came; the slots that changed."""
        column = self.scale.last_column(done_tick)
        return self._show(column) if self.newest is None or column > self.newest else ()

    def repaint(self) -> tuple[tuple[int, int], ...]:
        """Paint everything again, from the spectra kept."""
        self.pixels.fill(self._style.unknown)
        if self.newest is not None:
            self._paint(self.newest + 1 - self.n_slots, self.newest + 1)
        return ((0, self.n_slots),)

    def level_percentiles(self, percents: Sequence[float]) -> NDArray[np.float64] | None:
        """Percentiles of the levels kept, in dB: for an automatic scale. None while there is nothing."""
        known = self._density[self._n > 0]
        return None if not len(known) else 10 * np.log10(np.maximum(np.percentile(known, percents), 1e-30))

    def _make_room(self, last: int) -> None:
        if self._reached != _NEVER:
            for start, stop in slot_ranges(self._reached + 1, last + 1, self.n_slots):
                self._n[start:stop] = 0
                self._density[start:stop] = 0
        self._reached = max(last, self._reached)

    def _show(self, first: int) -> tuple[tuple[int, int], ...]:
        before, self.newest = self.newest, max(self._reached, first if self.newest is None else max(self.newest, first))
        if before is None:
            return self.repaint()
        return self._paint(max(min(first, before + 1), self.newest + 1 - self.n_slots), self.newest + 1)

    def _paint(self, first: int, stop: int) -> tuple[tuple[int, int], ...]:
        style, rows = self._style, self._style.rows
        ranges = slot_ranges(first, stop, self.n_slots)
        for start, end in ranges:
            self.pixels[:, start:end] = style.unknown
        per_db = 255 / max(style.high_db - style.low_db, 1e-9)
        if self.reference is not None:
            self._paint_against(self.reference, first, stop, per_db)
            return ranges
        for start, end in slot_ranges(first, min(stop, self._reached + 1), self.n_slots):
            paint_spectra(
                self.pixels,
                start,
                end,
                self._density,
                self._n,
                rows.start,
                rows.bins,
                rows.weights,
                style.colours,
                style.low_db,
                per_db,
            )
        return ranges

    def _paint_against(self, reference: SpectrogramImage, first: int, stop: int, per_db: float) -> None:
        """Paint how many decibels more there are than in the reference, in the columns [first, stop)."""
        style, rows = self._style, self._style.rows
        if reference._reached == _NEVER:
            return
        # what either holds of a column a turn ago is none of this column's
        reached = min(self._reached, reference._reached)
        first = max(first, max(self._reached, reference._reached) + 1 - self.n_slots)
        for start, end in slot_ranges(first, min(stop, reached + 1), self.n_slots):
            for x in range(start, end):
                if self._n[x] and reference._n[x]:
                    more = decibels_of_rows(self._density[x], rows) - decibels_of_rows(reference._density[x], rows)
                    level = np.clip((more - style.low_db) * per_db + 0.5, 0, 255)
                    known = np.isfinite(level)
                    self.pixels[known, x] = style.colours[level[known].astype(np.int64)]


def decibels_of_rows(density: NDArray[np.float64], rows: FrequencyRows) -> NDArray[np.float64]:
    """(h,) level of each row of pixels, NaN for a row without bins.

    Parameters
    ----------
    density : (n_bins,)
    """
    sums = np.add.reduceat(np.append(density[rows.bins] * rows.weights, 0.0), rows.start[:-1])
    levels: NDArray[np.float64] = 10 * np.log10(np.maximum(sums, 1e-30))
    levels[rows.start[:-1] == rows.start[1:]] = np.nan
    return levels


@njit(cache=True, nogil=True, error_model="numpy")
def paint_spectra(
    pixels: Any,
    start: int,
    stop: int,
    density: Any,
    n: Any,
    row_start: Any,
    bins: Any,
    weights: Any,
    colours: Any,
    low_db: float,
    per_db: float,
) -> None:
    """Colour the slots [start, stop) by level; slots without spectra, and rows without bins, stay as they are."""
    for x in range(start, stop):
        if n[x] == 0:
            continue
        if x > start and n[x] == 1 and n[x - 1] == 1 and np.array_equal(density[x], density[x - 1]):
            pixels[:, x] = pixels[:, x - 1]  # a spectrum that is many columns wide
            continue
        for y in range(pixels.shape[0]):
            if row_start[y] == row_start[y + 1]:
                continue
            power = 0.0
            for e in range(row_start[y], row_start[y + 1]):
                power += weights[e] * density[x, bins[e]]
            level = (10 * np.log10(max(power, 1e-30)) - low_db) * per_db
            if level == level:
                pixels[y, x] = colours[int(min(max(level + 0.5, 0.0), 255.0))]
