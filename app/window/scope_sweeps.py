"""The oscilloscope's triggered picture: sweeps laid over one another, and their average. Free of Qt."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.draw.blend import Pixels
from app.draw.sweeps import SweepAverage, SweepOverlay
from app.draw.time_scale import TimeScale
from app.draw.trace_columns import TraceColumns, TraceForm
from app.draw.trace_image import TraceImage, TraceStyle
from app.window.due_sweeps import PAINT_EVERY, DueSweeps
from app.window.pair_feed import samples_less
from app.window.scope_filters import FilterChoice, RunningFilter
from app.window.scope_traces import DrawnGroups, FindRing, RowGroup, rate_of
from app.window.trigger_choice import TriggerChoice, channel_values

GHOST, FAINTEST = 0.4, 0.1
"""Opacity of the newest sweep but one and of the oldest: the newest is read, the others are its spread."""


class ScopeSweeps:
    """Sweeps of the rows of several streams.

    Parameters
    ----------
    drawn : which rows, and how; of those behind, a sweep that is not there is left out
    trigger : tells the triggers, and how much lies before them
    span_ticks : of a sweep
    n_columns : of the picture
    overlaid, averaged : what is shown
    text_pixel : the colour of text

    Attributes
    ----------
    n_sweeps : shown or averaged since the search began
    last_trigger : tick of the newest sweep's trigger
    """

    def __init__(
        self,
        drawn: DrawnGroups,
        find_ring: FindRing,
        trigger: TriggerChoice,
        span_ticks: int,
        n_columns: int,
        background: NDArray[np.uint32],
        choice: FilterChoice,
        tick_hz: float,
        overlaid: bool = True,
        averaged: bool = True,
        text_pixel: int = 0xFFFFFFFF,
    ) -> None:
        settings = trigger.settings
        self.pre_ticks, self.post_ticks = settings.bounds(span_ticks)
        self.span_ticks = span_ticks
        self.n_columns = n_columns
        self.overlaid, self.averaged = overlaid, averaged
        self._text_pixel = text_pixel
        self.n_sweeps = 0
        self.last_trigger: int | None = None
        self._groups, self._n_behind, self._less = drawn.groups, drawn.n_behind, drawn.less
        self._find_ring = find_ring
        self._n_unpainted, self._n_pulls = 0, PAINT_EVERY
        self._choice, self._tick_hz = choice, tick_hz
        clear = np.zeros(len(background), np.uint32)
        self._overlays = [
            SweepOverlay(
                self.pre_ticks,
                self.post_ticks,
                n_columns,
                background if i == 0 else clear,
                _channels(group),
                style,
                group.form,
                settings.n_kept,
                faintest=FAINTEST,
                ghost=GHOST,
            )
            for i, (group, style) in enumerate(zip(self._groups, drawn.styles, strict=True))
        ]
        self._means = [_Mean(group, span_ticks, n_columns, settings.n_kept) for group in self._groups]
        self._mean_image = TraceImage(
            TimeScale(span_ticks, n_columns), n_columns, clear, self._mean_layers(drawn.styles)
        )
        self._due = DueSweeps(trigger, self.pre_ticks, self.post_ticks)

    def layers(self) -> list[tuple[Pixels, None, bool]]:
        """Images for the canvas, the first at the bottom."""
        shown: list[tuple[Pixels, None, bool]] = [(o.pixels, None, i == 0) for i, o in enumerate(self._overlays)]
        return [*shown, (self._mean_image.pixels, None, False)] if self.averaged else shown

    def pull(self, stop_tick: int) -> bool:
        """Add the sweeps that are complete; whether the picture changed."""
        changed = self._due.has_begun_again()
        if changed:
            self.clear()
        self._n_unpainted += sum(self._add(tick) for tick in self._due.take(stop_tick))
        self._n_pulls += 1
        if self._n_unpainted and (self._n_pulls >= PAINT_EVERY or self.n_sweeps == self._n_unpainted):
            self._n_unpainted = self._n_pulls = 0
            self._paint()
            return True
        return changed

    def clear(self) -> None:
        self.n_sweeps = 0
        self.last_trigger = None
        self._n_unpainted = 0
        self._n_pulls = PAINT_EVERY
        for overlay in self._overlays:
            overlay.clear()
        for mean in self._means:
            mean.clear()
        self._mean_image.newest = None
        self._mean_image.repaint()

    def set_styles(self, styles: Sequence[TraceStyle]) -> None:
        for overlay, style in zip(self._overlays, styles, strict=True):
            overlay.set_style(style)
        self._mean_image.set_layers(self._mean_layers(styles))

    def extremes(self, n_rows: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(n_rows,) lowest and highest value of the sweeps that are kept; infinite where there is none."""
        low, high = np.full(n_rows, np.inf), np.full(n_rows, -np.inf)
        for group, mean in zip(self._groups, self._means, strict=True):
            if mean.ranges:
                low[group.members] = np.min([r[0] for r in mean.ranges], axis=0)
                high[group.members] = np.max([r[1] for r in mean.ranges], axis=0)
        return low, high

    def _add(self, trigger: int) -> bool:
        """Add one sweep of every stream; not where the ring no longer holds it."""
        start, stop = trigger - self.pre_ticks, trigger + self.post_ticks
        sweeps = [samples_less(self._find_ring, g.info.name, self._less, start, stop) for g in self._groups]
        if any(sweep is None for sweep in sweeps[self._n_behind :]):
            return False
        for group, overlay, mean, sweep in zip(self._groups, self._overlays, self._means, sweeps, strict=True):
            if sweep is None:
                continue
            k = group.info.ticks_per_sample or 1
            if group.info.packed:
                overlay.add(trigger, sweep.first_tick, k, sweep.data, True)
                mean.add(channel_values(group.info, sweep.data, group.channels))
            else:
                values = group.values(sweep.data)
                values = RunningFilter(self._choice, rate_of(group.info, self._tick_hz)).apply(values)
                overlay.add(trigger, sweep.first_tick, k, values, False)
                mean.add(values)
        self.n_sweeps += 1
        self.last_trigger = trigger
        return True

    def _paint(self) -> None:
        if self.overlaid:
            for overlay in self._overlays:
                overlay.repaint()
        if self.averaged:
            for mean in self._means:
                mean.show()
            self._mean_image.newest = None
            self._mean_image.advance(self.span_ticks)

    def _mean_layers(self, styles: Sequence[TraceStyle]) -> list[tuple[TraceColumns, TraceStyle]]:
        """The average is smooth, thicker than what it is the average of, and nearer to the colour of text.

        That of rows behind keeps their colour.
        """
        layers = []
        for i, (mean, style) in enumerate(zip(self._means, styles, strict=True)):
            colour = style.colour
            if i >= self._n_behind:
                colour = np.array([halfway(int(c), self._text_pixel) for c in colour], np.uint32)
            thick = replace(style, thickness_px=style.thickness_px + 1, smooth=True, colour=colour)
            layers.append((mean.columns, thick))
        return layers


def halfway(a: int, b: int) -> int:
    """The opaque pixel between two."""
    return 0xFF000000 | sum(((a >> s & 255) + (b >> s & 255)) // 2 << s for s in (0, 8, 16))


class _Mean:
    """The average sweep of one stream's rows, and the ranges of those that are kept."""

    def __init__(self, group: RowGroup, span_ticks: int, n_columns: int, n_kept: int) -> None:
        self._k = group.info.ticks_per_sample or 1
        self._n_samples = max(span_ticks // self._k - 1, 1)  # a trigger may lie anywhere within a sample
        self._average = SweepAverage(self._n_samples, len(group.members), n_most=256)
        self.ranges: deque[tuple[NDArray[np.float32], NDArray[np.float32]]] = deque(maxlen=n_kept)
        self.columns = TraceColumns(
            TimeScale(span_ticks, n_columns), n_columns, np.arange(len(group.members)), TraceForm.LINES
        )

    def add(self, values: NDArray[Any]) -> None:
        if len(values) >= self._n_samples:
            self._average.add(values[: self._n_samples])
            self.ranges.append((values.min(axis=0), values.max(axis=0)))

    def show(self) -> None:
        self.columns.reset()
        if self._average.n:
            self.columns.append(0, self._k, self._average.mean)

    def clear(self) -> None:
        self._average.clear()
        self.ranges.clear()
        self.columns.reset()


def _channels(group: RowGroup) -> NDArray[np.int64]:
    return group.channels if group.info.packed else np.arange(len(group.channels))
