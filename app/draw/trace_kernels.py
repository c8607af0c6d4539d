"""Kernels that paint cached extremes as traces.

A value v of channel i lies at y = offset[i] − gain[i] v, in device pixels from the top of the image; pixel row r is
[r, r + 1). Crisp: from the row of the maximum to the row of the minimum, `thickness` rows at least. Smooth: the same
span by its exact extent, the two ends as opaque as they cover their row.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from app.draw.blend import over, scaled

_LANES = 6  # columns that one instruction paints when going by rows, about


@njit(cache=True, nogil=True, error_model="numpy")
def paint_crisp(
    pixels: Any, start: int, stop: int, lows: Any, highs: Any, offset: Any, gain: Any, colour: Any, thickness: int
) -> None:
    """Paint the slots [start, stop) of every channel.

    Parameters
    ----------
    pixels : (h, n_slots) uint32, already cleared
    lows, highs : (n, n_slots) float32, empty where low > high
    offset, gain : (n,) float32
    colour : (n,) uint32, opaque
    thickness : rows
    """
    height = pixels.shape[0]
    width = stop - start
    limit = np.float32(height + thickness)
    above, below = thickness // 2, (thickness - 1) // 2
    tops, bottoms = np.empty(width, np.int32), np.empty(width, np.int32)
    for i in range(len(offset)):
        base, slope, pixel = offset[i], gain[i], colour[i]
        row_low, row_high = lows[i, start:stop], highs[i, start:stop]
        first, last, n_pixels = height, -1, 0
        for k in range(width):
            low, high = row_low[k], row_high[k]
            one, other = base - slope * high, base - slope * low
            top = one if one <= other else other
            bottom = other if one <= other else one
            top = top if top > -limit else -limit
            bottom = bottom if bottom < limit else limit
            drawn = (low <= high) & (top <= bottom)
            t: Any = np.int32(max(math.floor(top) - above, 0)) if drawn else np.int32(height)
            b: Any = np.int32(min(math.floor(bottom) + below, height - 1)) if drawn else np.int32(-1)
            tops[k], bottoms[k] = t, b
            first, last = min(first, t), max(last, b)
            n_pixels += max(b - t + 1, 0)
        # Row by row, many columns at a time, as long as the rows are mostly full; else column by column.
        if (last - first + 1) * width < _LANES * (n_pixels + width):
            for y in range(first, last + 1):
                row = pixels[y, start:stop]
                for k in range(width):
                    row[k] = pixel if (tops[k] <= y) & (y <= bottoms[k]) else row[k]
        else:
            for k in range(width):
                for y in range(tops[k], bottoms[k] + 1):
                    pixels[y, start + k] = pixel


@njit(cache=True, nogil=True, error_model="numpy")
def paint_smooth(
    pixels: Any, start: int, stop: int, lows: Any, highs: Any, offset: Any, gain: Any, colour: Any, thickness: float
) -> None:
    """As `paint_crisp`, with soft ends; a colour may be translucent, and `thickness` a fraction."""
    height = pixels.shape[0]
    limit = np.float32(height + thickness)
    half = np.float32(thickness) / np.float32(2)
    for i in range(len(offset)):
        base, slope, pixel = offset[i], gain[i], np.int64(colour[i])
        for x in range(start, stop):
            low, high = lows[i, x], highs[i, x]
            if not low <= high:
                continue
            top, bottom = base - slope * high, base - slope * low
            if top > bottom:
                top, bottom = bottom, top
            top, bottom = max(top, -limit) - half, min(bottom, limit) + half
            if not top < bottom:
                continue
            first = max(math.floor(top), 0)
            last = min(math.ceil(bottom), height)
            for y in range(first, last):
                covered = min(bottom, np.float32(y + 1)) - max(top, np.float32(y))
                share = int(covered * np.float32(255) + np.float32(0.5))
                above = pixel if share >= 255 else scaled(pixel, share)
                pixels[y, x] = np.uint32(over(np.int64(pixels[y, x]), above))
