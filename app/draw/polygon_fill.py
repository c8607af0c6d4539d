"""Polygons and points into an index image: which unit is at a pixel.

Even-odd rule: a pixel is inside where an odd number of edges crosses its row's middle at or left of its own. An edge
from y0 to y1 crosses the middles in [y0, y1). So that nothing vanishes when zoomed out, a polygon between two rows'
middles is looked at along its own, and a stretch between two columns' middles gets the pixel it lies in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

NOTHING = -1


@dataclass(frozen=True)
class View:
    """From the subject's space to device pixels: x_px = (x − left) scale, y_px = (y − top) scale, or upside down.

    Attributes
    ----------
    left, top : the point of space at the image's upper left corner
    scale : pixels per unit of space
    y_up : space's y grows upwards on the screen
    """

    left: float
    top: float
    scale: float
    y_up: bool = False

    @classmethod
    def fitting(
        cls,
        bounds: tuple[float, float, float, float],
        width: int,
        height: int,
        margin_px: float = 4,
        y_up: bool = False,
    ) -> View:
        """All of (x_min, y_min, x_max, y_max) in the middle of the image."""
        x_min, y_min, x_max, y_max = bounds
        across, down = max(x_max - x_min, 1e-9), max(y_max - y_min, 1e-9)
        scale = max(min((width - 2 * margin_px) / across, (height - 2 * margin_px) / down), 1e-9)
        half_x, half_y = width / scale / 2, height / scale / 2
        middle_y = (y_min + y_max) / 2
        return cls((x_min + x_max) / 2 - half_x, middle_y + half_y if y_up else middle_y - half_y, scale, y_up)

    def to_pixels(self, points: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """(n, 2) points of space to (n, 2) pixels."""
        down = -self.scale if self.y_up else self.scale
        pixels: NDArray[np.float64] = (np.asarray(points, np.float64) - (self.left, self.top)) * (self.scale, down)
        return pixels

    def to_space(self, x_px: float, y_px: float) -> tuple[float, float]:
        """The point of space at a point of the image."""
        down = -self.scale if self.y_up else self.scale
        return self.left + x_px / self.scale, self.top + y_px / down

    def zoomed(self, factor: float, x_px: float, y_px: float) -> View:
        """Magnified by a factor about a point of the image, which stays where it is."""
        x, y = self.to_space(x_px, y_px)
        scale = self.scale * factor
        down = -scale if self.y_up else scale
        return View(x - x_px / scale, y - y_px / down, scale, self.y_up)

    def moved(self, dx_px: float, dy_px: float) -> View:
        """Dragged by so many pixels."""
        left, top = self.to_space(-dx_px, -dy_px)
        return View(left, top, self.scale, self.y_up)


def fill_polygons(
    index: NDArray[np.int32],
    points_px: NDArray[np.float64],
    start: NDArray[np.int64],
    rows: NDArray[np.int32],
    order: NDArray[np.int64],
) -> None:
    """Write the row of each polygon's unit into the pixels inside it.

    Parameters
    ----------
    index : (h, w) int32, written to
    points_px : (n_vertices, 2) float64
    start : (n_polygons + 1,) int64, polygon k is ``points_px[start[k]:start[k + 1]]``
    rows : (n_polygons,) int32, what is written
    order : (n,) int64, the polygons to fill; later ones lie above
    """
    longest = int(np.diff(start).max(initial=0))
    _fill_all(index, points_px, start, rows, order, np.empty(index.shape[0] + 2, np.int64), np.empty(longest, np.int64))


@njit(cache=True, nogil=True)
def _fill_all(index: Any, points: Any, start: Any, rows: Any, order: Any, bucket: Any, scratch: Any) -> None:
    height, width = index.shape
    crossings = np.empty(1024, np.float64)
    for position in range(len(order)):
        polygon = order[position]
        a, b = start[polygon], start[polygon + 1]
        if b - a < 3:
            continue
        x_min, x_max, y_min, y_max = points[a, 0], points[a, 0], points[a, 1], points[a, 1]
        for v in range(a + 1, b):
            x, y = points[v, 0], points[v, 1]
            x_min, x_max = min(x_min, x), max(x_max, x)
            y_min, y_max = min(y_min, y), max(y_max, y)
        if not (x_max >= 0 and y_max >= 0 and x_min < width and y_min < height):
            continue
        # rows whose middle y + ½ lies in [y_min, y_max)
        first, stop = int(np.ceil(y_min - 0.5)), int(np.ceil(y_max - 0.5))
        shift = 0.5
        if stop <= first:  # flatter than a row and between two middles
            middle = (y_min + y_max) / 2
            first = int(np.floor(middle))
            stop, shift = first + 1, middle - first
        first, stop = max(first, 0), min(stop, height)
        if stop <= first:
            continue
        # How many crossings each row has, where each row's begin, then the crossings themselves.
        bucket[: stop - first + 1] = 0
        for v in range(a, b):
            y0, y1 = points[v, 1], points[v + 1 if v + 1 < b else a, 1]
            low, high = (y0, y1) if y0 <= y1 else (y1, y0)
            for y in range(max(int(np.ceil(low - shift)), first), min(int(np.ceil(high - shift)), stop)):
                bucket[y - first + 1] += 1
        for k in range(stop - first):
            bucket[k + 1] += bucket[k]
        n = bucket[stop - first]
        if n > len(crossings):
            crossings = np.empty(2 * n, np.float64)
        for v in range(a, b):
            u = v + 1 if v + 1 < b else a
            x0, y0, x1, y1 = points[v, 0], points[v, 1], points[u, 0], points[u, 1]
            low, high = (y0, y1) if y0 <= y1 else (y1, y0)
            for y in range(max(int(np.ceil(low - shift)), first), min(int(np.ceil(high - shift)), stop)):
                crossings[bucket[y - first]] = x0 + (y + shift - y0) * (x1 - x0) / (y1 - y0)
                bucket[y - first] += 1
        begin = 0
        for y in range(first, stop):
            end = bucket[y - first]
            for k in range(begin + 1, end):  # few: insertion sort
                x, m = crossings[k], k
                while m > begin and crossings[m - 1] > x:
                    crossings[m] = crossings[m - 1]
                    m -= 1
                crossings[m] = x
            for k in range(begin, end - 1, 2):
                left, right = crossings[k], crossings[k + 1]
                x0, x1 = int(np.ceil(left - 0.5)), int(np.ceil(right - 0.5))
                if x1 <= x0:
                    x0 = int(np.floor((left + right) / 2))
                    x1 = x0 + 1
                for x in range(max(x0, 0), min(x1, width)):
                    index[y, x] = rows[polygon]
            begin = end


@njit(cache=True, nogil=True)
def fill_points(index: Any, points: Any, rows: Any, radius_px: float) -> None:
    """Write rows[k] into the disc about points[k], (n, 2) pixels: the pixels whose middle is within the radius.

    The pixel that a point lies in is always written; points that are NaN are left out.
    """
    height, width = index.shape
    for k in range(len(points)):
        x, y = points[k, 0], points[k, 1]
        if not (x + radius_px >= 0 and y + radius_px >= 0 and x - radius_px < width and y - radius_px < height):
            continue
        own_x, own_y = int(np.floor(x)), int(np.floor(y))
        if 0 <= own_x < width and 0 <= own_y < height:
            index[own_y, own_x] = rows[k]
        for py in range(max(int(np.floor(y - radius_px)), 0), min(int(np.ceil(y + radius_px)), height)):
            for px in range(max(int(np.floor(x - radius_px)), 0), min(int(np.ceil(x + radius_px)), width)):
                if (px + 0.5 - x) ** 2 + (py + 0.5 - y) ** 2 <= radius_px * radius_px:
                    index[py, px] = rows[k]
