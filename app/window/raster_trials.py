"""Spikes around triggers: a row a trial, and their average over trials. Free of Qt."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.draw.raster_image import RasterImage, RasterStyle, density_alpha
from app.draw.spike_columns import SpikeColumns
from app.draw.time_scale import TimeScale
from app.window.due_sweeps import PAINT_EVERY, DueSweeps
from app.window.plot_colours import PlotColours
from app.window.raster_spikes import Digitiser, byte_mask, spikes_by_sample
from app.window.scope_traces import FindRing
from app.window.stream_feed import samples_of
from app.window.trigger_choice import TriggerChoice
from rig.streams import StreamInfo

N_TRIALS = 48
N_BINS = 100


class TrialRaster:
    """Trials of some units together.

    Parameters
    ----------
    channels : whose spikes count
    colour : opaque pixel

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
    ) -> None:
        self.info, self.span_ticks, self.n_columns, self.height = info, span_ticks, n_columns, height
        self.n_units = len(channels)
        self.pre_ticks, self.post_ticks = trigger.settings.bounds(span_ticks)
        self._find_ring = find_ring
        self._due = DueSweeps(trigger, self.pre_ticks, self.post_ticks)
        self._digitiser = Digitiser(info)
        self._mask = byte_mask(channels, (info.n_channels + 7) // 8)
        self._scale = TimeScale(span_ticks, n_columns)
        self._columns = SpikeColumns(self._scale, n_columns, N_TRIALS)
        self._colours = colours
        self._pixels = np.full(N_TRIALS, colour, np.uint32)
        self.image = RasterImage(self._columns, self._style(np.empty(0, np.int64), 1))
        self.clear()

    def clear(self) -> None:
        self.n_trials = 0
        self.last_trigger: int | None = None
        self._n_unpainted, self._n_pulls = 0, PAINT_EVERY
        self._sum = np.zeros(self.span_ticks, np.float64)
        self._columns.reset()
        nothing = np.empty(0, np.int64)
        self._columns.append_spikes(nothing, nothing, 0, self.span_ticks)
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
        """(n_bins,) spikes a unit, a trial and a tick, from −pre to +post."""
        edges = np.linspace(0, self.span_ticks, min(N_BINS, self.span_ticks) + 1).round().astype(np.int64)
        sums = np.add.reduceat(self._sum, edges[:-1])
        rates: NDArray[np.float64] = sums / np.diff(edges) / max(self.n_trials, 1) / max(self.n_units, 1)
        return rates

    @property
    def bin_ticks(self) -> float:
        return self.span_ticks / min(N_BINS, self.span_ticks)

    def _add(self, trigger: int) -> bool:
        reader = self._find_ring(self.info.name)
        start, k = trigger - self.pre_ticks, self.info.ticks_per_sample or 1
        # with the sample before, to know what begins with the first
        sweep = None if reader is None else samples_of(reader, start - k, trigger + self.post_ticks)
        if sweep is None or len(sweep.data) < 2:
            return False
        counts = spikes_by_sample(self._digitiser.bits(sweep.data), self._mask, None)[1:]
        at = sweep.first_tick + k - start + k * np.arange(len(counts))
        self._sum[at] += counts
        row = self.n_trials % N_TRIALS
        columns = self._scale.columns_of(at)
        in_columns = np.bincount(columns, counts, self.n_columns)[: self.n_columns]
        self._columns.counts[row] = np.minimum(in_columns, 255).astype(np.uint8)
        self.n_trials += 1
        self.last_trigger = trigger
        return True

    def _show(self) -> None:
        """The newest trial at the bottom, as on paper."""
        n = min(self.n_trials, N_TRIALS)
        rows = (self.n_trials - n + np.arange(n)) % N_TRIALS
        some = self._columns.counts[rows, ::8]
        found = some[some > 0]
        self.image.set_style(self._style(rows, int(np.percentile(found, 90)) if len(found) else 1))

    def _style(self, rows: NDArray[np.int64], full_at: int) -> RasterStyle:
        c = self._colours
        return RasterStyle(rows, self._pixels, density_alpha(full_at), c.rows(self.height), c.unknown_rows(self.height))
