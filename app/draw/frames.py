"""Frames of a screen into pixels: nearest neighbour, so that a pixel of the machine stays a rectangle."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from app.draw.blend import Pixels, pixels_of_rgb


def frame_size(
    rows: int, columns: int, pixel_aspect: float, width_px: int, height_px: int, whole: bool = True
) -> tuple[int, int]:
    """The largest (height, width) in device pixels that a frame may have in a place.

    Parameters
    ----------
    rows, columns : of the frame
    pixel_aspect : width of one of its pixels over its height (the 2600's are twice as wide, nearly)
    whole : a row of the frame takes a whole number of pixels, where the place allows it
    """
    scale = min(height_px / rows, width_px / (columns * pixel_aspect))
    if whole and scale >= 1:
        scale = float(int(scale))
    return max(round(rows * scale), 1), max(round(columns * pixel_aspect * scale), 1)


def paint_palette_frame(frame: NDArray[np.uint8], palette: NDArray[np.uint8], out: Pixels) -> None:
    """Draw a frame of colour indices.

    Parameters
    ----------
    frame : (rows, columns) uint8; an index beyond the palette shows its last colour
    palette : (n_colours, 3) uint8
    out : (h, w) uint32, written to; pixel (y, x) shows frame[y rows // h, x columns // w]
    """
    table = pixels_of_rgb(palette)
    table = np.concatenate((table, np.full(256 - len(table), table[-1], np.uint32)))
    scale_table(np.ascontiguousarray(frame), table, out)


def paint_rgb_frame(frame: NDArray[np.uint8], out: Pixels) -> None:
    """Draw a frame of (rows, columns, 3) uint8 red, green and blue."""
    pixels = pixels_of_rgb(frame)
    ys = np.arange(out.shape[0]) * frame.shape[0] // out.shape[0]
    xs = np.arange(out.shape[1]) * frame.shape[1] // out.shape[1]
    out[:] = pixels[ys[:, None], xs[None, :]]


@njit(cache=True, nogil=True)
def scale_table(frame: Any, table: Any, out: Any) -> None:
    """out[y, x] = table[frame at the same place]"""
    rows, columns = frame.shape
    height, width = out.shape
    source = np.empty(width, np.int64)
    for x in range(width):
        source[x] = x * columns // width
    before = -1
    for y in range(height):
        row = y * rows // height
        if row == before:
            out[y] = out[y - 1]
            continue
        for x in range(width):
            out[y, x] = table[frame[row, source[x]]]
        before = row
