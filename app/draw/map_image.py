"""The map's picture: which unit is at which pixel, worked out when the view moves, and coloured anew every frame."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from app.draw.blend import Pixels
from app.draw.polygon_fill import NOTHING, View, fill_points, fill_polygons
from rig.units import Outlines, UnitTable

N_LEVELS = 256


class UnitActivity:
    """How active units look: each spike adds, and everything fades.

    Parameters
    ----------
    channel_of_unit : (n_units,) int64, the channel whose spikes are a unit's; −1 for none
    fade_s : seconds (of whatever clock `update` is given) in which activity falls to 1 / e
    """

    def __init__(self, channel_of_unit: NDArray[np.int64], fade_s: float = 0.15) -> None:
        self.channel_of_unit = np.ascontiguousarray(channel_of_unit, dtype=np.int64)
        self.fade_s = fade_s
        self.level = np.zeros(len(channel_of_unit), np.float32)
        """(n_units,) float32, 0 and up; 1 is full"""

    def update(self, counts: NDArray[np.integer[Any]], elapsed_s: float, per_spike: float = 1.0) -> None:
        """Fade by the time gone, then add.

        Parameters
        ----------
        counts : (n_channels,) spikes since the last time
        elapsed_s : since then
        per_spike : what one adds; at high rates less than 1, so that not everything glows
        """
        fade_and_add(
            self.level,
            self.channel_of_unit,
            np.ascontiguousarray(counts, dtype=np.int64),
            np.float32(np.exp(-elapsed_s / self.fade_s)),
            np.float32(per_spike),
        )

    def set_level(self, level: NDArray[np.floating[Any]]) -> None:
        """Show something else than spikes: (n_units,) values, 0 dark to 1 full."""
        self.level[:] = level


class MapImage:
    """Units in space.

    Parameters
    ----------
    units : their places; polygons where there are outlines, discs elsewhere
    width, height : device pixels
    background : opaque pixel
    point_radius_um : of the disc of a unit without outline, in the unit of space
    """

    def __init__(
        self, units: UnitTable, width: int, height: int, background: int, point_radius_um: float = 0.0
    ) -> None:
        self._points = np.stack((units.x, units.y), axis=1).astype(np.float64)
        self._point_rows = np.arange(len(units), dtype=np.int32)
        self._outlines = units.outlines
        self._radius = point_radius_um
        self._polygon_rows = np.empty(0, np.int32)
        self._order = np.empty(0, np.int64)
        if units.outlines is not None:
            self._take_outlines(units, units.outlines)
        self._background = background
        self._marked: NDArray[np.int64] = np.empty(0, np.int64)
        self._selected = np.empty(0, np.int64)
        self._mark_colour = 0
        self.resize(width, height)

    def bounds(self) -> tuple[float, float, float, float]:
        """(x_min, y_min, x_max, y_max) of everything, in space."""
        points = self._points[np.isfinite(self._points).all(axis=1)]
        if self._outlines is not None and len(self._outlines.vertices):
            points = np.concatenate((points, self._outlines.vertices))
        if not len(points):
            return 0.0, 0.0, 1.0, 1.0
        (x_min, y_min), (x_max, y_max) = points.min(axis=0), points.max(axis=0)
        return float(x_min), float(y_min), float(x_max), float(y_max)

    def resize(self, width: int, height: int) -> None:
        """Another size; `look` again."""
        self.index: NDArray[np.int32] = np.full((height, width), NOTHING, np.int32)
        """(h, w) int32, row of the unit on top, −1 for none"""
        self.pixels: Pixels = np.full((height, width), self._background, np.uint32)
        self._marked = np.empty(0, np.int64)

    def look(self, view: View, shown: NDArray[np.bool_] | None = None) -> None:
        """Work out where everything is; `colour` then paints it.

        Parameters
        ----------
        view : of space
        shown : (n_units,) which units to show; None for all
        """
        self.index.fill(NOTHING)
        if self._outlines is not None:
            order = self._order if shown is None else self._order[shown[self._polygon_rows[self._order]]]
            points = view.to_pixels(self._outlines.vertices)
            fill_polygons(self.index, points, self._outlines.start, self._polygon_rows, order)
        rows = self._point_rows if shown is None else self._point_rows[shown[self._point_rows]]
        fill_points(self.index, view.to_pixels(self._points[rows]), rows, self._radius * view.scale)
        self._mark()

    def select(self, rows: NDArray[np.int64], colour: int) -> None:
        """Draw a line of this colour round these units from now on."""
        self._selected, self._mark_colour = np.asarray(rows, np.int64), colour
        self._mark()

    def colour(self, level: NDArray[np.float32], luts: NDArray[np.uint32], lut_of_unit: NDArray[np.uint8]) -> None:
        """Paint everything.

        Parameters
        ----------
        level : (n_units,) float32, 0 to 1 and beyond
        luts : (n_luts, 256) uint32, opaque: a region's colours from still to full
        lut_of_unit : (n_units,) uint8
        """
        table = np.empty(len(level) + 1, np.uint32)
        table[0] = self._background
        unit_colours(level, luts, lut_of_unit, table[1:])
        paint_index(self.pixels, self.index, table)
        self.pixels.reshape(-1)[self._marked] = self._mark_colour

    def unit_at(self, x_px: int, y_px: int, reach_px: int = 0) -> int | None:
        """Row of the unit at a pixel, else of the nearest within reach; None where there is none."""
        height, width = self.index.shape
        x0, y0 = max(x_px - reach_px, 0), max(y_px - reach_px, 0)
        patch = self.index[y0 : min(y_px + reach_px + 1, height), x0 : min(x_px + reach_px + 1, width)]
        ys, xs = np.nonzero(patch != NOTHING)
        if not len(ys):
            return None
        nearest = int(np.argmin((ys + y0 - y_px) ** 2 + (xs + x0 - x_px) ** 2))
        return int(patch[ys[nearest], xs[nearest]])

    def units_in(self, x0: int, y0: int, x1: int, y1: int) -> NDArray[np.int64]:
        """Rows of the units that show in the pixels [x0, x1) × [y0, y1), ascending."""
        found = np.unique(self.index[max(y0, 0) : max(y1, 0), max(x0, 0) : max(x1, 0)])
        rows: NDArray[np.int64] = found[found != NOTHING].astype(np.int64)
        return rows

    def units_within(self, lasso_px: NDArray[np.float64]) -> NDArray[np.int64]:
        """Rows of the units that show inside a polygon of (n, 2) pixels, ascending."""
        inside = np.full(self.index.shape, NOTHING, np.int32)
        start, zero = np.array([0, len(lasso_px)], np.int64), np.zeros(1, np.int64)
        corners = np.ascontiguousarray(lasso_px, np.float64)
        fill_polygons(inside, corners, start, zero.astype(np.int32), zero)
        found = np.unique(self.index[inside == 0])
        rows: NDArray[np.int64] = found[found != NOTHING].astype(np.int64)
        return rows

    def _take_outlines(self, units: UnitTable, outlines: Outlines) -> None:
        rows = np.searchsorted(units.unit_id, outlines.unit_id)
        known = np.isin(outlines.unit_id, units.unit_id)
        self._polygon_rows = np.where(known, rows, 0).astype(np.int32)
        order = np.argsort(outlines.layer, kind="stable")
        self._order = order[known[order]].astype(np.int64)
        drawn = np.zeros(len(units), np.bool_)
        drawn[self._polygon_rows[self._order]] = True
        self._point_rows = np.flatnonzero(~drawn).astype(np.int32)

    def _mark(self) -> None:
        chosen = np.zeros(len(self._points) + 1, np.bool_)  # the last stands for NOTHING
        chosen[self._selected] = True
        self._marked = edge_pixels(self.index, chosen) if len(self._selected) else np.empty(0, np.int64)


def region_lut(still: int, full: int) -> NDArray[np.uint32]:
    """(256,) opaque pixels from ``0xRRGGBB`` to ``0xRRGGBB``, straight through sRGB."""
    share = np.linspace(0, 1, N_LEVELS)[:, None]
    low, high = (np.array([rgb >> 16 & 255, rgb >> 8 & 255, rgb & 255], np.float64) for rgb in (still, full))
    rgb = np.round(low + (high - low) * share).astype(np.uint32)
    return np.uint32(0xFF000000) | rgb[:, 0] << np.uint32(16) | rgb[:, 1] << np.uint32(8) | rgb[:, 2]


@njit(cache=True, nogil=True)
def fade_and_add(level: Any, channel: Any, counts: Any, keep: Any, per_spike: Any) -> None:
    """level = keep · level + per_spike · counts[channel], no more than 2, so that what is full soon fades again."""
    for u in range(len(level)):
        value = level[u] * keep
        c = channel[u]
        if 0 <= c < len(counts):
            value += per_spike * np.float32(counts[c])
        level[u] = min(value, np.float32(2))


@njit(cache=True, nogil=True, error_model="numpy")
def unit_colours(level: Any, luts: Any, lut_of_unit: Any, out: Any) -> None:
    """The colour of each unit at its level; NaN is still."""
    for u in range(len(level)):
        value = level[u]
        at = 0
        if value > 0:
            at = int(min(value, np.float32(1)) * np.float32(255) + np.float32(0.5))
        out[u] = luts[lut_of_unit[u], at]


@njit(cache=True, nogil=True)
def paint_index(pixels: Any, index: Any, table: Any) -> None:
    """pixels = table[index + 1]"""
    for y in range(index.shape[0]):
        for x in range(index.shape[1]):
            pixels[y, x] = table[index[y, x] + 1]


@njit(cache=True, nogil=True)
def edge_pixels(index: Any, chosen: Any) -> Any:
    """Flat positions of pixels of chosen units that have a neighbour, of four, that is another unit or none."""
    height, width = index.shape
    found = np.empty(height * width, np.int64)
    n = 0
    for y in range(height):
        for x in range(width):
            own = index[y, x]
            if not chosen[own]:
                continue
            if (
                (x == 0 or index[y, x - 1] != own)
                or (x == width - 1 or index[y, x + 1] != own)
                or (y == 0 or index[y - 1, x] != own)
                or (y == height - 1 or index[y + 1, x] != own)
            ):
                found[n] = y * width + x
                n += 1
    return found[:n].copy()
