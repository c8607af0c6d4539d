"""The spectrogram's picture and its mean spectrum, for one channel. Free of Qt."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from app.draw.colour_maps import colour_map, diverging_map
from app.draw.spectrogram_image import FrequencyRows, SpectrogramImage, SpectrogramStyle
from app.draw.spectrum import SpectrumAverage, SpectrumPlan, SpectrumStream, decibels
from app.window.plot_colours import PlotColours
from app.window.scope_traces import FindRing, rate_of
from app.window.spectrogram_source import Source, SourceValues
from app.window.stream_feed import StreamFeed
from app.window.time_axis import TimeAxis
from app.window.twin_view import TwinView
from rig.streams import StreamInfo
from rig.twin import PREFIX

LENGTHS = (64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384)
OVERLAPS = (0, 25, 50, 75)
RANGES_DB = (0, 20, 40, 60, 80)  # 0: as the levels are
DIFFERENCE_DB = 12.0
LESS, MORE = 0x4C9BE8, 0xE6C700  # than the intact twin: blue and yellow, which all eyes tell apart
_WINDOWS_ON_SHOW = 24  # that an automatic length aims at
_SPECTRA_IN_MEAN = 64
_RESCALE_DB = 3.0


class Scale(StrEnum):
    """Of frequency."""

    LOG = "log f"
    LINEAR = "linear f"


@dataclass(frozen=True)
class SpectrogramChoice:
    """How a spectrogram is made.

    Attributes
    ----------
    length : samples of a window; 0: what suits the time on show
    overlap_percent : of neighbouring windows
    range_db : from the first colour to the last; 0: what suits the levels
    """

    scale: Scale = Scale.LOG
    length: int = 0
    overlap_percent: int = 50
    range_db: int = 0

    def samples(self, span_samples: int) -> int:
        """Samples of a window when so many are on show."""
        if self.length:
            return self.length
        fitting = 1 << round(math.log2(max(span_samples / _WINDOWS_ON_SHOW, 1)))
        return min(max(fitting, LENGTHS[0]), LENGTHS[-1])


class SpectrogramPicture:
    """One channel's running spectra.

    Attributes
    ----------
    plan : of the spectra
    rows : frequencies of the rows of pixels
    low_db, high_db : first and last colour
    """

    def __init__(
        self,
        source: Source,
        info: StreamInfo,
        find_ring: FindRing,
        choice: SpectrogramChoice,
        axis: TimeAxis,
        height: int,
        colours: PlotColours,
        tick_hz: float,
        twin_view: TwinView = TwinView.SUBJECT,
    ) -> None:
        self.source, self.choice, self.twin_view = source, choice, twin_view
        self.span_ticks, self.n_columns, self.height = axis.span_ticks, axis.n_columns, height
        self.k = info.ticks_per_sample or 1
        length = choice.samples(axis.span_ticks // self.k)
        hop = max(length * (100 - choice.overlap_percent) // 100, 1)
        self.plan = SpectrumPlan(rate_of(info, tick_hz), length, hop)
        low_hz, high_hz = self.plan.rate_hz / length, self.plan.rate_hz / 2
        logarithmic = choice.scale is Scale.LOG
        self.rows = FrequencyRows.between(self.plan, height, low_hz if logarithmic else 0.0, high_hz, logarithmic)
        self.low_db, self.high_db = 0.0, 1.0
        self.held_from_tick: int | None = None
        self.n_spectra = 0
        self._rescale_at = 1
        self.info, self._colours = info, colours
        self._values = SourceValues(source, info)
        self._stream = SpectrumStream(self.plan, self.k)
        name = PREFIX + info.name if twin_view is TwinView.TWIN else info.name
        self._feed = StreamFeed(lambda: find_ring(name), info)
        self.mean = SpectrumAverage(length // 2 + 1, _SPECTRA_IN_MEAN)
        self.image = SpectrogramImage(axis.scale, axis.n_slots, self.plan, self.k, self._style())
        self.twin: SpectrogramPicture | None = None
        if twin_view in (TwinView.OVERLAY, TwinView.DIFFERENCE):
            self.twin = SpectrogramPicture(
                source, info, find_ring, choice, axis, height, colours, tick_hz, TwinView.TWIN
            )
        if self.twin is not None and twin_view is TwinView.DIFFERENCE:
            self.image.reference = self.twin.image

    def pull(self, axis: TimeAxis) -> bool:
        """Take what is new of the window; whether the picture changed."""
        twins = self.twin is not None and self.twin.pull(axis)
        changed = self._pull(axis)
        if twins and self.image.reference is not None:
            self.image.repaint()  # what was painted before the twin's came is to be told against them
        return changed or twins

    def _pull(self, axis: TimeAxis) -> bool:
        # the spectra at the left border are of samples before it
        taken = self._feed.take(axis.start_tick - self.plan.length * self.k, axis.stop_tick)
        self.held_from_tick = taken.held_from_tick
        changed = taken.restarted
        if taken.restarted:
            self.n_spectra, self._rescale_at = 0, 1
            self._stream.reset()
            self.image.reset()
            self.mean = SpectrumAverage(self.plan.length // 2 + 1, _SPECTRA_IN_MEAN)
            self._values = SourceValues(self.source, self.info)
        for stretch in taken.stretches:
            spectra = self._stream.append(stretch.first_tick, self._values.take(stretch.first_tick, stretch.data))
            if len(spectra.density):
                self.mean.add(spectra.density[-_SPECTRA_IN_MEAN:])
                self.n_spectra += len(spectra.density)
                if self.n_spectra >= self._rescale_at:
                    self._rescale_at = self.n_spectra + min(self.n_spectra, _SPECTRA_IN_MEAN // 2)
                    self._rescale()
                self.image.append(spectra)
                changed = True
        if not taken.intact:
            self._feed.forget()
        return bool(self.image.advance(axis.stop_tick)) or changed

    def levels_db(self) -> NDArray[np.float64]:
        """(height,) mean level by row of pixels, NaN where a row has none."""
        density, start = self.mean.density, self.rows.start
        weighted = np.append(density[self.rows.bins] * self.rows.weights, 0.0)
        sums = np.add.reduceat(weighted, start[:-1])
        levels = decibels(sums)
        levels[start[:-1] == start[1:]] = np.nan
        if not self.mean.n:
            levels[:] = np.nan
        return levels

    def _rescale(self) -> None:
        """Follow the levels, in steps that the eye does not take for the signal."""
        levels = decibels(self.mean.density[1:])
        high = float(levels.max()) + _RESCALE_DB
        low = high - self.choice.range_db if self.choice.range_db else float(np.percentile(levels, 5)) - 2 * _RESCALE_DB
        low = max(low, high - 100.0)  # a level line has no spectrum but rounding errors
        if abs(low - self.low_db) > _RESCALE_DB or abs(high - self.high_db) > _RESCALE_DB:
            self.low_db, self.high_db = low, high
            self.image.set_style(self._style())

    def _style(self) -> SpectrogramStyle:
        theme = self._colours.theme
        if self.twin_view is TwinView.DIFFERENCE:
            half = self.choice.range_db / 2 or DIFFERENCE_DB
            map_ = diverging_map(LESS, self._colours.background & 0xFFFFFF, MORE)
            return SpectrogramStyle(self.rows, map_, -half, half, self._colours.unknown)
        map_ = colour_map("magma", reverse=not theme.dark)
        return SpectrogramStyle(self.rows, map_, self.low_db, self.high_db, self._colours.unknown)


def frequency_marks(rows: FrequencyRows, n_most: int) -> tuple[float, ...]:
    """Frequencies to name at the side: powers of ten, with 2 and 5 if there is room; linear: even steps."""
    high, low = float(rows.edges_hz[0]), float(rows.edges_hz[-1])
    if low > 0:
        powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        for factors in ((1, 2, 5), (1,)):
            marks = [f * 10.0**p for p in powers for f in factors if low <= f * 10.0**p <= high]
            if len(marks) <= n_most:
                return tuple(marks)
        return tuple(marks[:: -(-len(marks) // max(n_most, 1))])
    power = 10.0 ** math.floor(math.log10(high))
    for step in (power / 10 * f for f in (1, 2, 5, 10, 20, 50, 100)):
        if high / step <= n_most:
            return tuple(step * i for i in range(int(high / step) + 1))
    return (0.0,)
