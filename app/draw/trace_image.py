"""The oscilloscope's picture: a ring image in which only what is new is painted.

Column c lies in slot ``c % n_slots``. Drawn as it is, with an erase gap ahead of the newest column, it is a sweep;
drawn from the slot after the newest, it scrolls::

    slots    │ 8 │ 9 │10 │ 3 │ 4 │ 5 │ 6 │ 7 │     newest column 10, `scroll_pieces` puts 3 … 7 before 8 … 10
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.draw.blend import Pixels, clear_slots, tint_slots
from app.draw.time_scale import TimeScale, slot_ranges
from app.draw.trace_columns import TraceColumns
from app.draw.trace_kernels import paint_crisp, paint_smooth


@dataclass(frozen=True, eq=False)
class TraceStyle:
    """How the channels of a `TraceColumns` are drawn.

    Attributes
    ----------
    offset_px : (n,) float32, device pixels from the top to where a value of 0 lies
    gain_px : (n,) float32, device pixels upwards per unit of the stream
    colour : (n,) uint32 premultiplied; opaque unless smooth
    thickness_px : of a level line
    smooth : soft edges, for waves in lanes of their own; crisp is faster and right for digital traces
    """

    offset_px: NDArray[np.float32]
    gain_px: NDArray[np.float32]
    colour: NDArray[np.uint32]
    thickness_px: int = 1
    smooth: bool = False


@dataclass(frozen=True)
class Tint:
    """A span of time to colour behind the traces: a stimulus, a silencing.

    Attributes
    ----------
    start_tick, stop_tick : [start, stop); None while it lasts
    colour : premultiplied, translucent
    """

    start_tick: int
    stop_tick: int | None
    colour: int


class TraceImage:
    """Traces of any number of streams on one time axis.

    Parameters
    ----------
    scale : that of all the layers
    n_slots : columns of the image, those of all the layers
    background : (h,) uint32, a colour a row (lanes, base lines)
    layers : what is drawn, in this order, and how
    erase_gap : empty columns ahead of the newest, for a sweep; 0 to scroll
    """

    def __init__(
        self,
        scale: TimeScale,
        n_slots: int,
        background: NDArray[np.uint32],
        layers: Sequence[tuple[TraceColumns, TraceStyle]],
        erase_gap: int = 0,
    ) -> None:
        self.scale = scale
        self.n_slots = n_slots
        self.erase_gap = erase_gap
        self.pixels: Pixels = np.empty((len(background), n_slots), np.uint32)
        self.newest: int | None = None
        """the newest column that is shown"""
        self._background = background
        self._layers = list(layers)
        self._tints: tuple[Tint, ...] = ()
        self.repaint()

    def set_layers(self, layers: Sequence[tuple[TraceColumns, TraceStyle]]) -> None:
        """Draw other channels, or the same in another way; everything is painted again, from what is cached."""
        self._layers = list(layers)
        self.repaint()

    def set_background(self, background: NDArray[np.uint32]) -> None:
        """Change the rows' colours; the height stays."""
        self._background = background
        self.repaint()

    def set_tints(self, tints: Sequence[Tint]) -> tuple[tuple[int, int], ...]:
        """Show these spans; the slots that changed."""
        new = tuple(tints)
        changed = set(self._tints) ^ set(new)
        self._tints = new
        if self.newest is None or not changed:
            return ()
        last = self.newest
        ends = [last if t.stop_tick is None else self.scale.last_column(t.stop_tick) for t in changed]
        first = max(min(self.scale.column_of(t.start_tick) for t in changed), self._oldest())
        return self._paint(first, min(max(ends), last) + 1)

    def advance(self, done_tick: int | None = None) -> tuple[tuple[int, int], ...]:
        """Paint what the layers took in since the last time.

        Parameters
        ----------
        done_tick : ticks done, where the time axis shall go on though no samples came

        Returns
        -------
        slots [start, stop) that changed, for a partial repaint
        """
        heads = [columns.newest for columns, _ in self._layers if columns.newest is not None]
        if done_tick is not None:
            heads.append(self.scale.last_column(done_tick))
        dirty = [columns.take_dirty() for columns, _ in self._layers]
        if not heads:
            return ()
        before, newest = self.newest, max(heads)
        if before is not None and newest < before:  # the layers were reset: another stretch of time
            self.newest = newest
            return self.repaint()
        self.newest = newest
        starts = [first for first, stop in dirty if stop > first]
        if before is None:
            return self.repaint()
        if newest > before:
            starts.append(before + 1)
        if not starts:
            return ()
        first = max(min(starts), self._oldest())
        changed = self._paint(first, newest + 1)
        gap = slot_ranges(newest + 1, newest + 1 + self.erase_gap, self.n_slots)
        for start, stop in gap:
            clear_slots(self.pixels, start, stop, self._background)
        return changed + gap

    def repaint(self) -> tuple[tuple[int, int], ...]:
        """Paint everything again, from what is cached."""
        clear_slots(self.pixels, 0, self.n_slots, self._background)
        if self.newest is not None:
            self._paint(self._oldest(), self.newest + 1)
        return ((0, self.n_slots),)

    def _oldest(self) -> int:
        return (self.newest or 0) + 1 - self.n_slots + self.erase_gap

    def _paint(self, first: int, stop: int) -> tuple[tuple[int, int], ...]:
        """Paint the columns [first, stop), all within the ring."""
        ranges = slot_ranges(first, stop, self.n_slots)
        for start, end in ranges:
            clear_slots(self.pixels, start, end, self._background)
        for tint in self._tints:
            last = stop - 1 if tint.stop_tick is None else self.scale.last_column(tint.stop_tick)
            tinted = max(first, self.scale.column_of(tint.start_tick)), min(stop, last + 1)
            for start, end in slot_ranges(*tinted, self.n_slots):
                tint_slots(self.pixels, start, end, tint.colour)
        for columns, style in self._layers:
            if columns.newest is None:
                continue
            # a stream that lags has still its old columns where the newest ones will be
            held = max(first, columns.newest + 1 - self.n_slots), min(stop, columns.newest + 1)
            paint = paint_smooth if style.smooth else paint_crisp
            for start, end in slot_ranges(*held, self.n_slots):
                paint(
                    self.pixels,
                    start,
                    end,
                    columns.low,
                    columns.high,
                    style.offset_px,
                    style.gain_px,
                    style.colour,
                    style.thickness_px,
                )
        return ranges
