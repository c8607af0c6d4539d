"""The raster's picture: a ring image of spike counts, a row a unit, or as many units a pixel as there are.

With r rows on h pixels, and r ≥ h, pixel row y shows the rows [y r / h, (y + 1) r / h), together: as opaque as its
spikes are many, in the mean of their colours. With r < h, row i gets a lane of pixels, with a gap
below it when there is room.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from app.draw.blend import Pixels, over, scaled, tint_slots
from app.draw.spike_columns import SpikeColumns
from app.draw.time_scale import slot_ranges
from app.draw.trace_image import Tint

_LANE_WITH_GAP_PX = 4


@dataclass(frozen=True, eq=False)
class RasterStyle:
    """How a raster is drawn.

    Attributes
    ----------
    order : (n_rows,) int64, the channel in each row, top to bottom; a channel may be left out
    colour : (n_channels,) uint32, opaque
    alpha : (256,) uint8, opacity of a pixel by its number of spikes (`density_alpha`)
    background, unknown : (h,) uint32 a colour a row, opaque: where nothing fired, and where nothing is known
    """

    order: NDArray[np.int64]
    colour: NDArray[np.uint32]
    alpha: NDArray[np.uint8]
    background: NDArray[np.uint32]
    unknown: NDArray[np.uint32]


def density_alpha(full_at: int, faintest: float = 0.45) -> NDArray[np.uint8]:
    """Opacity by count: one spike is seen, `full_at` and more are full, in between it grows with the logarithm."""
    counts = np.arange(256)
    share = np.log1p(counts - 1.0, where=counts > 0, out=np.zeros(256)) / np.log1p(max(full_at - 1, 0) or 1e-9)
    alpha = np.where(counts >= max(full_at, 1), 1.0, faintest + (1 - faintest) * np.clip(share, 0, 1))
    alpha[0] = 0
    return np.round(alpha * 255).astype(np.uint8)


@dataclass(frozen=True, eq=False)
class Against:
    """Spikes of the same channels in another run, to compare with.

    Attributes
    ----------
    columns : on the same scale, with as many slots
    colour : (n_channels,) uint32, opaque, of what only the other run has
    alone : only what differs is painted, and nothing where the two cannot be compared
    running : the newest column may still grow, and is not compared yet
    """

    columns: SpikeColumns
    colour: NDArray[np.uint32]
    alone: bool
    running: bool = True


class RasterImage:
    """Spikes of one stream's units; `app.draw.trace_image` says how a ring image is shown."""

    def __init__(
        self, columns: SpikeColumns, style: RasterStyle, erase_gap: int = 0, against: Against | None = None
    ) -> None:
        self.columns = columns
        self._against = against
        n_scratch = columns.n_slots if against is not None else 0
        self._front = np.zeros((n_scratch, columns.n_channels), np.uint8).T
        self._behind = np.zeros((n_scratch, columns.n_channels), np.uint8).T
        self.erase_gap = erase_gap
        self.newest: int | None = None
        self._style = style
        self._tints: tuple[Tint, ...] = ()
        self.pixels: Pixels = np.empty((len(style.background), columns.n_slots), np.uint32)
        self.repaint()

    def set_style(self, style: RasterStyle) -> None:
        """Draw in another order, in other colours or denser; what has been is drawn again. The height stays."""
        self._style = style
        self.repaint()

    def set_tints(self, tints: Sequence[Tint]) -> None:
        """Show these spans behind the spikes."""
        if tuple(tints) != self._tints:
            self._tints = tuple(tints)
            self.repaint()

    def advance(self, done_tick: int | None = None) -> tuple[tuple[int, int], ...]:
        """Paint what is new; the slots [start, stop) that changed. See `TraceImage.advance`."""
        first, stop = self.columns.take_dirty()
        if self._against is not None:
            other_first, other_stop = self._against.columns.take_dirty()
            if other_stop > other_first:
                # one before: what was the newest column is complete now, and can be compared
                other_first = max(other_first - 1, other_stop - self.columns.n_slots)
                first, stop = (min(first, other_first), max(stop, other_stop)) if stop > first else (other_first, stop)
                stop = max(stop, other_stop)
        heads = [] if self.columns.newest is None else [self.columns.newest]
        if done_tick is not None:
            heads.append(self.columns.scale.last_column(done_tick))
        if not heads:
            return ()
        before, self.newest = self.newest, max(heads)
        if before is None or self.newest < before:
            return self.repaint()
        starts = ([first] if stop > first else []) + ([before + 1] if self.newest > before else [])
        if not starts:
            return ()
        changed = self._paint(max(min(starts), self._oldest()), self.newest + 1)
        gap = slot_ranges(self.newest + 1, self.newest + 1 + self.erase_gap, self.columns.n_slots)
        for start, end in gap:
            self.pixels[:, start:end] = self._style.unknown[:, None]
        return changed + gap

    def repaint(self) -> tuple[tuple[int, int], ...]:
        """Paint everything again, from what is counted."""
        self.pixels[:] = self._style.unknown[:, None]
        if self.newest is not None:
            self._paint(self._oldest(), self.newest + 1)
        return ((0, self.columns.n_slots),)

    def count_percentile(self, percent: float) -> int:
        """That percentile of the spikes in a pixel that has any: what `density_alpha` may take for full."""
        n_rows, height = len(self._style.order), len(self._style.background)
        if n_rows == 0 or not self.columns.known.any():
            return 1
        rows = np.arange(min(n_rows, height)) * max(n_rows, height) // height if n_rows >= height else np.arange(n_rows)
        sums = np.add.reduceat(self.columns.counts[self._style.order].astype(np.int64), rows, axis=0)
        sums = sums[sums > 0]
        return int(np.percentile(sums, percent)) if len(sums) else 1

    def _oldest(self) -> int:
        return (self.newest or 0) + 1 - self.columns.n_slots + self.erase_gap

    def _paint(self, first: int, stop: int) -> tuple[tuple[int, int], ...]:
        style, columns = self._style, self.columns
        n_slots = columns.n_slots
        ranges = slot_ranges(first, stop, n_slots)
        # columns beyond the newest that spikes have reached hold what was there a turn ago
        reached = stop if columns.newest is None else min(stop, columns.newest + 1)
        for start, end in ranges:
            self.pixels[:, start:end] = style.unknown[:, None]
        if columns.newest is None:
            return ranges
        held = slot_ranges(max(first, columns.newest + 1 - n_slots), reached, n_slots)
        for start, end in held:
            fill_known(self.pixels, start, end, columns.known, style.background)
        for tint in self._tints:
            last = stop - 1 if tint.stop_tick is None else columns.scale.last_column(tint.stop_tick)
            tinted = max(first, columns.scale.column_of(tint.start_tick)), min(stop, last + 1)
            for start, end in slot_ranges(*tinted, n_slots):
                tint_slots(self.pixels, start, end, tint.colour)
        column = max(first, columns.newest + 1 - n_slots)
        for start, end in held:
            counts = columns.counts
            if self._against is not None:
                self._compare(self._against, column, start, end)
                paint_raster(
                    self.pixels, start, end, self._behind, style.order, self._against.colour, style.alpha
                )  # fmt: skip
                counts = self._front
            paint_raster(self.pixels, start, end, counts, style.order, style.colour, style.alpha)
            column += end - start
        return ranges

    def _compare(self, against: Against, column: int, start: int, end: int) -> None:
        """What to paint in the slots [start, end), of the columns from `column` on: spikes of both sides alone."""
        ours, theirs = self.columns.counts[:, start:end], against.columns.counts[:, start:end]
        newest = min(self.columns.newest or 0, -1 if against.columns.newest is None else against.columns.newest)
        number = np.arange(column, column + end - start)
        both = against.columns.known[start:end] & (number < newest + (not against.running))
        both &= number > (against.columns.newest or 0) - self.columns.n_slots
        self._behind[:, start:end] = np.where(both & (theirs > ours), theirs - ours, 0)
        if against.alone:
            self._front[:, start:end] = np.where(both & (ours > theirs), ours - theirs, 0)
            for x in np.flatnonzero(~both).tolist():
                self.pixels[:, start + x] = self._style.unknown
        else:
            self._front[:, start:end] = ours


@njit(cache=True, nogil=True)
def fill_known(pixels: Any, start: int, stop: int, known: Any, background: Any) -> None:
    """Set the known slots of [start, stop) to the background."""
    for y in range(pixels.shape[0]):
        for x in range(start, stop):
            if known[x]:
                pixels[y, x] = background[y]


@njit(cache=True, nogil=True)
def paint_raster(pixels: Any, start: int, stop: int, counts: Any, order: Any, colour: Any, alpha: Any) -> None:
    """Blend the slots [start, stop) of the raster over what is there; see `RasterStyle` for the shapes."""
    height, n_rows = pixels.shape[0], len(order)
    if n_rows == 0:
        return
    # of each slot: spikes, and spikes times red, green and blue
    total, sums = np.zeros(stop - start, np.int64), np.zeros((3, stop - start), np.int64)
    for y in range(height):
        first = y * n_rows // height
        end = max((y + 1) * n_rows // height, first + 1)
        if height >= _LANE_WITH_GAP_PX * n_rows and (y + 1) * n_rows // height != first:
            continue
        total[:] = 0
        alike = True
        for i in range(first + 1, end):
            alike &= colour[order[i]] == colour[order[first]]
        if alike:  # the rule where rows go by region: a plain sum, many columns at a time
            for i in range(first, end):
                row = counts[order[i]]
                for k in range(stop - start):
                    total[k] += row[start + k]
            pixel = np.int64(colour[order[first]])
            for k in range(stop - start):
                if total[k] != 0:
                    above = scaled(pixel, np.int64(alpha[min(total[k], 255)]))
                    pixels[y, start + k] = np.uint32(over(np.int64(pixels[y, start + k]), above))
            continue
        any_spike = False
        for i in range(first, end):
            channel = order[i]
            pixel = np.int64(colour[channel])
            red, green, blue = pixel >> 16 & 0xFF, pixel >> 8 & 0xFF, pixel & 0xFF
            for x in range(start, stop):
                n = np.int64(counts[channel, x])
                if n != 0:
                    k = x - start
                    if total[k] == 0:
                        sums[0, k] = sums[1, k] = sums[2, k] = 0
                    total[k] += n
                    sums[0, k] += n * red
                    sums[1, k] += n * green
                    sums[2, k] += n * blue
                    any_spike = True
        if not any_spike:
            continue
        for x in range(start, stop):
            k = x - start
            n = total[k]
            if n != 0:
                half = n // 2
                red, green, blue = (sums[0, k] + half) // n, (sums[1, k] + half) // n, (sums[2, k] + half) // n
                pixel = 0xFF000000 | red << 16 | green << 8 | blue
                above = scaled(pixel, np.int64(alpha[min(n, 255)]))
                pixels[y, x] = np.uint32(over(np.int64(pixels[y, x]), above))
