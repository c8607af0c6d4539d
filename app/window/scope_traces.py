"""The oscilloscope's running picture: rows of several streams on one ring image. Free of Qt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.draw.time_scale import TimeScale
from app.draw.trace_columns import TraceColumns, TraceForm
from app.draw.trace_image import Tint, TraceImage, TraceStyle
from app.theme import argb
from app.window.pair_feed import PairFeed
from app.window.scope_filters import FilterChoice, RunningFilter
from app.window.scope_layout import Placed
from app.window.scope_rows import NOT_CARRIED, ScopeRow
from app.window.stream_feed import StreamFeed
from app.window.time_axis import SPARE_COLUMNS, TimeAxis
from app.window.trigger_choice import channel_values
from rig.process.ring_reader import RingReader
from rig.streams import StreamInfo

FindRing = Callable[[str], RingReader | None]


@dataclass(frozen=True, eq=False)
class RowGroup:
    """The rows of one stream.

    Attributes
    ----------
    info : the stream's layout
    members : (n,) int64, which rows
    channels : (n,) int64, their channels
    """

    info: StreamInfo
    members: NDArray[np.int64]
    channels: NDArray[np.int64]

    @property
    def form(self) -> TraceForm:
        """Between samples, potentials go straight and counts stand still."""
        return TraceForm.LINES if self.info.dtype.kind == "f" else TraceForm.STEPS

    def values(self, data: NDArray[Any]) -> NDArray[Any]:
        """(n_samples, n) float32 of these rows alone, for a stream of numbers."""
        return channel_values(self.info, data, self.channels).astype(np.float32)

    def style(self, placed: Placed, colours: NDArray[np.uint32], thickness_px: int) -> TraceStyle:
        m = self.members
        return TraceStyle(placed.offset_px[m], placed.gain_px[m], colours[m], thickness_px, smooth=not self.info.packed)


def twin_groups(groups: Sequence[RowGroup], twins: dict[str, StreamInfo]) -> tuple[RowGroup, ...]:
    """The same rows in the intact twin's streams.

    Parameters
    ----------
    twins : stream → layout of the twin's, which carries the same channels
    """
    return tuple(replace(g, info=twins[g.info.name]) for g in groups if g.info.name in twins)


def group_rows(rows: Sequence[ScopeRow], infos: dict[str, StreamInfo]) -> tuple[RowGroup, ...]:
    """Rows by stream, those left out whose samples nobody watches."""
    groups = []
    for stream, info in infos.items():
        members = [i for i, r in enumerate(rows) if r.stream == stream and r.channel != NOT_CARRIED]
        if members and info.regular:
            channels = np.array([rows[i].channel for i in members], np.int64)
            groups.append(RowGroup(info, np.array(members, np.int64), channels))
    return tuple(groups)


@dataclass(frozen=True, eq=False)
class DrawnGroups:
    """What is drawn, the first behind, and how.

    Attributes
    ----------
    groups, styles : of the same length
    n_behind : of the first groups, those that are only to compare with: the picture is made without them, too
    less : prefix of the streams that are subtracted; "" for none
    """

    groups: tuple[RowGroup, ...]
    styles: tuple[TraceStyle, ...]
    n_behind: int = 0
    less: str = ""


class ScopeTraces:
    """Running traces.

    Parameters
    ----------
    axis : how long and how wide the window is; where it ends is told at each pull
    tick_hz : ticks a second, for the filter
    """

    def __init__(
        self,
        drawn: DrawnGroups,
        find_ring: FindRing,
        axis: TimeAxis,
        background: NDArray[np.uint32],
        choice: FilterChoice,
        tick_hz: float,
    ) -> None:
        self.groups, less = drawn.groups, drawn.less
        self.span_ticks, self.n_columns = axis.span_ticks, axis.n_columns
        scale = TimeScale(axis.span_ticks, axis.n_columns)
        n_slots = axis.n_columns + SPARE_COLUMNS
        self._feeds: list[StreamFeed | PairFeed] = [
            PairFeed(find_ring, g.info.name, less + g.info.name, g.info)
            if less
            else StreamFeed(partial(find_ring, g.info.name), g.info)
            for g in self.groups
        ]
        self._columns = [self._columns_for(g, scale, n_slots) for g in self.groups]
        self._filters = [RunningFilter(choice, rate_of(g.info, tick_hz)) for g in self.groups]
        self._next_tick = [-1] * len(self.groups)
        self.image = TraceImage(scale, n_slots, background, list(zip(self._columns, drawn.styles, strict=True)))
        self.held_from_tick: int | None = None
        """where the ring's memory begins, if that is within the window"""

    @staticmethod
    def _columns_for(group: RowGroup, scale: TimeScale, n_slots: int) -> TraceColumns:
        channels = group.channels if group.info.packed else np.arange(len(group.channels))
        return TraceColumns(scale, n_slots, channels, group.form)

    def pull(self, axis: TimeAxis) -> bool:
        """Take what is new of the window; whether the picture changed."""
        restarted = False
        self.held_from_tick = None
        for i, feed in enumerate(self._feeds):
            taken = feed.take(axis.start_tick, axis.stop_tick)
            if taken.restarted:
                self._columns[i].reset()
                self._next_tick[i] = -1
                restarted = True
            for stretch in taken.stretches:
                self._append(i, stretch.first_tick, stretch.data)
            if not taken.intact:
                feed.forget()
            if taken.held_from_tick is not None:
                self.held_from_tick = max(taken.held_from_tick, self.held_from_tick or 0)
        if restarted:
            self.image.newest = None
        return bool(self.image.advance(axis.stop_tick))

    def _append(self, i: int, first_tick: int, data: NDArray[Any]) -> None:
        group, columns = self.groups[i], self._columns[i]
        k = group.info.ticks_per_sample or 1
        if group.info.packed:
            columns.append_bits(first_tick, k, data)
            return
        if first_tick != self._next_tick[i]:
            self._filters[i].reset()
        self._next_tick[i] = first_tick + k * len(data)
        columns.append(first_tick, k, self._filters[i].apply(group.values(data)))

    def set_styles(self, styles: Sequence[TraceStyle]) -> None:
        """Other gains, offsets or colours."""
        self.image.set_layers(list(zip(self._columns, styles, strict=True)))

    def set_tints(self, tints: Sequence[Tint]) -> None:
        self.image.set_tints(tints)

    def extremes(self, n_rows: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(n_rows,) lowest and highest value on show; infinite where there is none."""
        low, high = np.full(n_rows, np.inf), np.full(n_rows, -np.inf)
        for group, columns in zip(self.groups, self._columns, strict=True):
            low[group.members] = columns.low.min(axis=1)
            high[group.members] = columns.high.max(axis=1)
        return low, high


def rate_of(info: StreamInfo, tick_hz: float) -> float:
    """Samples a second of the subject's time; a tick where it has no clock."""
    return (tick_hz if tick_hz > 0 else 1.0) / (info.ticks_per_sample or 1)


def row_colours(rows: Sequence[ScopeRow]) -> NDArray[np.uint32]:
    """(n,) opaque pixels."""
    return np.array([argb(r.colour) for r in rows], np.uint32)
