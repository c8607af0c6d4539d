"""Spikes around triggers: a row a trial, and their average over trials. Free of Qt."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.draw.raster_image import Against, RasterImage, RasterStyle, density_alpha
from app.draw.spike_columns import SpikeColumns
from app.draw.time_scale import TimeScale
from app.theme import argb
from app.window.due_sweeps import PAINT_EVERY, DueSweeps
from app.window.plot_colours import PlotColours
from app.window.raster_spikes import Digitiser, byte_mask, spikes_by_sample
from app.window.scope_traces import FindRing
from app.window.stream_feed import samples_of
from app.window.trigger_choice import TriggerChoice
from app.window.twin_view import TwinView
from rig.streams import StreamInfo
from rig.twin import PREFIX

N_TRIALS = 48
N_BINS = 100


class _Spikes:
    """Spikes of one run, of some units together, in trials.

    Attributes
    ----------
    columns : a row a trial, those of the oldest used again
    """

    def __init__(self, scale: TimeScale, n_columns: int) -> None:
        self.columns = SpikeColumns(scale, n_columns, N_TRIALS)
        self.clear()

    def clear(self) -> None:
        self.n_trials = 0
        self._sum = np.zeros(self.columns.scale.span_ticks, np.float64)
        self.columns.reset()
        nothing = np.empty(0, np.int64)
        self.columns.append_spikes(nothing, nothing, 0, self.columns.scale.span_ticks)

    def set_row(self, row: int, at: NDArray[np.int64], counts: NDArray[np.int64]) -> None:
        """Spikes of a trial, by ticks since it began."""
        self.n_trials += 1
        self._sum[at] += counts
        n_columns = self.columns.n_slots
        in_columns = np.bincount(self.columns.scale.columns_of(at), counts, n_columns)[:n_columns]
        self.columns.counts[row] = np.minimum(in_columns, 255).astype(np.uint8)

    def rates(self) -> NDArray[np.float64]:
        """(n_bins,) spikes a trial and a tick."""
        span = len(self._sum)
        edges = np.linspace(0, span, min(N_BINS, span) + 1).round().astype(np.int64)
        rates: NDArray[np.float64] = np.add.reduceat(self._sum, edges[:-1]) / np.diff(edges) / max(self.n_trials, 1)
        return rates


class TrialRaster:
    """Trials of some units together.

    Parameters
    ----------
    channels : whose spikes count
    colour : opaque pixel
    twin_view : how the intact twin is shown; SUBJECT where there is none

    Attributes
    ----------
    n_trials : since the search began
    last_trigger : tick of the newest trial's trigger
    """

    def __init__(
        self,
        info: StreamInfo,
        channels: NDArray[np.int64],
        find_ring: FindRing,
        trigger: TriggerChoice,
        span_ticks: int,
        n_columns: int,
        height: int,
        colours: PlotColours,
        colour: int,
        twin_view: TwinView = TwinView.SUBJECT,
    ) -> None:
        self.twin_view = twin_view
        self.info, self.span_ticks, self.n_columns, self.height = info, span_ticks, n_columns, height
        self.n_units = len(channels)
        self.pre_ticks, self.post_ticks = trigger.settings.bounds(span_ticks)
        self._find_ring = find_ring
        self._due = DueSweeps(trigger, self.pre_ticks, self.post_ticks)
        self._digitiser = Digitiser(info)
        self._mask = byte_mask(channels, (info.n_channels + 7) // 8)
        scale = TimeScale(span_ticks, n_columns)
        self._name = PREFIX + info.name if twin_view is TwinView.TWIN else info.name
        self._spikes = _Spikes(scale, n_columns)
        self._twin = _Spikes(scale, n_columns) if twin_view in (TwinView.OVERLAY, TwinView.DIFFERENCE) else None
        self._colours = colours
        self._pixels = np.full(N_TRIALS, colour, np.uint32)
        against = None
        if self._twin is not None:
            grey = np.full(N_TRIALS, argb(colours.theme.muted), np.uint32)
            against = Against(self._twin.columns, grey, twin_view is TwinView.DIFFERENCE, running=False)
        self.image = RasterImage(self._spikes.columns, self._style(np.empty(0, np.int64), 1), against=against)
        self.clear()

    def clear(self) -> None:
        self.n_trials = 0
        self.last_trigger: int | None = None
        self._n_unpainted, self._n_pulls = 0, PAINT_EVERY
        for spikes in (self._spikes, self._twin):
            if spikes is not None:
                spikes.clear()
        self.image.newest = None
        self.image.advance()

    def pull(self, stop_tick: int) -> bool:
        """Add the trials that are complete; whether the picture changed."""
        changed = self._due.has_begun_again()
        if changed:
            self.clear()
        self._n_unpainted += sum(self._add(t) for t in self._due.take(stop_tick))
        self._n_pulls += 1
        if self._n_unpainted and (self._n_pulls >= PAINT_EVERY or self.n_trials == self._n_unpainted):
            self._n_unpainted = self._n_pulls = 0
            self._show()
            return True
        return changed

    def rates(self) -> NDArray[np.float64]:
        """(n_bins,) spikes a unit, a trial and a tick, from −pre to +post; less the twin's where that is shown."""
        rates = self._spikes.rates() / max(self.n_units, 1)
        twin = self.twin_rates() if self.twin_view is TwinView.DIFFERENCE else None
        return rates if twin is None else rates - twin

    def twin_rates(self) -> NDArray[np.float64] | None:
        """The same of the intact twin beside it; None where there is none, or not with these trials."""
        if self._twin is None or not self._twin.n_trials:
            return None
        return self._twin.rates() / max(self.n_units, 1)

    @property
    def bin_ticks(self) -> float:
        return self.span_ticks / min(N_BINS, self.span_ticks)

    def _add(self, trigger: int) -> bool:
        ours = self._spikes_around(self._name, trigger)
        theirs = None if self._twin is None else self._spikes_around(PREFIX + self._name, trigger)
        if ours is None or (theirs is None and self.twin_view is TwinView.DIFFERENCE):
            return False
        row = self.n_trials % N_TRIALS
        self._spikes.set_row(row, *ours)
        if self._twin is not None:
            self._twin.columns.counts[row] = 0
            if theirs is not None:
                self._twin.set_row(row, *theirs)
        self.n_trials += 1
        self.last_trigger = trigger
        return True

    def _spikes_around(self, stream: str, trigger: int) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
        """Ticks since the trial began, and the spikes at each; None where the ring does not hold it."""
        reader = self._find_ring(stream)
        start, k = trigger - self.pre_ticks, self.info.ticks_per_sample or 1
        # with the sample before, to know what begins with the first
        sweep = None if reader is None else samples_of(reader, start - k, trigger + self.post_ticks)
        if sweep is None or len(sweep.data) < 2:
            return None
        counts = spikes_by_sample(self._digitiser.bits(sweep.data), self._mask, None)[1:]
        return sweep.first_tick + k - start + k * np.arange(len(counts)), counts

    def _show(self) -> None:
        """The newest trial at the bottom, as on paper."""
        n = min(self.n_trials, N_TRIALS)
        rows = (self.n_trials - n + np.arange(n)) % N_TRIALS
        some = self._spikes.columns.counts[rows, ::8]
        found = some[some > 0]
        self.image.set_style(self._style(rows, int(np.percentile(found, 90)) if len(found) else 1))

    def _style(self, rows: NDArray[np.int64], full_at: int) -> RasterStyle:
        c = self._colours
        return RasterStyle(rows, self._pixels, density_alpha(full_at), c.rows(self.height), c.unknown_rows(self.height))
