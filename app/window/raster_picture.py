"""The raster's running picture: spikes of a stream's units. Free of Qt."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from app.draw.raster_image import Against, RasterImage, RasterStyle, density_alpha
from app.draw.spike_columns import SpikeColumns
from app.draw.trace_image import Tint
from app.theme import argb
from app.window.plot_colours import PlotColours
from app.window.raster_rows import ChannelTable, Order, ordered
from app.window.raster_spikes import Digitiser
from app.window.scope_traces import FindRing
from app.window.stream_feed import StreamFeed, Take
from app.window.time_axis import TimeAxis
from app.window.twin_view import TwinView
from rig.streams import StreamInfo
from rig.twin import PREFIX

_LOOK_EVERY = 60  # pulls between looks at how dense the spikes are
_DENSE_PERCENT = 90
_STRIDE = 16
_ROOMY_PX = 4


class RasterPicture:
    """Running spikes.

    Parameters
    ----------
    info : of the stream, as it is watched
    channels : rows, in any order
    height : device pixels
    twin_view : how the intact twin is shown; SUBJECT where there is none

    Attributes
    ----------
    rows : (n_rows,) channels top to bottom
    """

    def __init__(
        self,
        info: StreamInfo,
        table: ChannelTable,
        channels: NDArray[np.int64],
        find_ring: FindRing,
        axis: TimeAxis,
        height: int,
        colours: PlotColours,
        twin_view: TwinView = TwinView.SUBJECT,
    ) -> None:
        self.info, self.twin_view = info, twin_view
        self.span_ticks, self.n_columns, self.height = axis.span_ticks, axis.n_columns, height
        self.held_from_tick: int | None = None
        self.digitiser = Digitiser(info)
        self._table, self._colours = table, colours
        twin = PREFIX + info.name
        name = twin if twin_view is TwinView.TWIN else info.name
        self._feed = StreamFeed(lambda: find_ring(name), info)
        self.columns = SpikeColumns(axis.scale, axis.n_slots, info.n_channels)
        self._pixels = table.pixels()
        self._channels = channels
        self.rows = channels
        self._full_at = 1
        self._twin: tuple[StreamFeed, SpikeColumns] | None = None
        against = None
        if twin_view in (TwinView.OVERLAY, TwinView.DIFFERENCE):
            feed = StreamFeed(lambda: find_ring(twin), info)
            self._twin = feed, SpikeColumns(axis.scale, axis.n_slots, info.n_channels)
            grey = np.full(info.n_channels, argb(colours.theme.muted), np.uint32)
            against = Against(self._twin[1], grey, twin_view is TwinView.DIFFERENCE)
        self.image = RasterImage(self.columns, self._style(), against=against)
        self._n_pulls = 0

    def pull(self, axis: TimeAxis) -> bool:
        """Take what is new of the window; whether the picture changed."""
        k = self.info.ticks_per_sample or 1
        taken = self._take(self._feed, self.columns, axis, k)
        self.held_from_tick = taken.held_from_tick
        if self._twin is not None:
            self._take(*self._twin, axis, k)
        changed = bool(self.image.advance(axis.stop_tick))
        if taken.stretches:
            self._n_pulls += 1
            if self._n_pulls in (1, 4, 16) or self._n_pulls % _LOOK_EVERY == 0:
                self._look()
        return changed

    def _take(self, feed: StreamFeed, columns: SpikeColumns, axis: TimeAxis, k: int) -> Take:
        """Take what is new of a stream into its columns."""
        taken = feed.take(axis.start_tick - k, axis.stop_tick)  # what is on at the border may have been on before
        if taken.restarted:
            columns.reset()
            self.image.newest = None
        for stretch in taken.stretches:
            columns.append_bits(stretch.first_tick, k, self.digitiser.bits(stretch.data))
        if not taken.intact:
            feed.forget()
        return taken

    def order(self, order: Order, reference: int | None) -> None:
        """Put the rows in order, by what is on show."""
        rows = ordered(order, self._channels, self._table, self.columns.counts, reference)
        if not np.array_equal(rows, self.rows):
            self.rows = rows
            self.image.set_style(self._style())

    def show(self, channels: NDArray[np.int64]) -> None:
        """Show other rows; `order` puts them in order."""
        self._channels = self.rows = channels
        self._full_at = self._density()
        self.image.set_style(self._style())

    def set_tints(self, tints: Sequence[Tint]) -> None:
        self.image.set_tints(tints)

    def row_at(self, fraction: float) -> int | None:
        """The channel of the row at a fraction of the height."""
        n = len(self.rows)
        return int(self.rows[min(int(fraction * n), n - 1)]) if n else None

    def _style(self) -> RasterStyle:
        c = self._colours
        return RasterStyle(
            self.rows,
            self._pixels,
            density_alpha(self._full_at),
            c.rows(self.height),
            c.unknown_rows(self.height),
        )

    def _look(self) -> None:
        """Follow the density, so that neither few spikes fade nor many become a wall; not for every small change."""
        full_at = self._density()
        if not 0.6 < full_at / self._full_at < 1.7:
            self._full_at = full_at
            self.image.set_style(self._style())

    def _density(self) -> int:
        """Spikes in a pixel that has many; of some columns, a look at all would cost a frame."""
        n = len(self.rows)
        if n * _ROOMY_PX <= self.height:
            return 1  # a row that has room shows each spike in full
        some = self.columns.counts[:, ::_STRIDE][self.rows].astype(np.int32)
        if n > self.height:
            some = np.add.reduceat(some, np.arange(self.height) * n // self.height, axis=0)
        found = some[some > 0]
        return max(int(np.percentile(found, _DENSE_PERCENT)), 1) if len(found) else self._full_at
