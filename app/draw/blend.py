"""Pixels: premultiplied ARGB in 32 bits, as Qt's ``Format_ARGB32_Premultiplied`` on any byte order.

Compositing is *over* of Porter & Duff, SIGGRAPH 1984. Products of two bytes are divided by 255 with exact rounding.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Pixels = NDArray[np.uint32]


def premultiplied(rgb: int, alpha: float = 1.0) -> int:
    """``0xRRGGBB`` and an opacity of 0 to 1 as one premultiplied pixel."""
    a = round(alpha * 255)
    red, green, blue = ((rgb >> shift & 0xFF) * a for shift in (16, 8, 0))
    return a << 24 | _by_255(red) << 16 | _by_255(green) << 8 | _by_255(blue)


def pixels_of_rgb(rgb: NDArray[np.uint8]) -> Pixels:
    """Opaque pixels of (..., 3) uint8 red, green and blue."""
    wide = rgb.astype(np.uint32)
    return np.uint32(0xFF000000) | wide[..., 0] << np.uint32(16) | wide[..., 1] << np.uint32(8) | wide[..., 2]


def _by_255(product: int) -> int:
    return (2 * product + 255) // 510


@njit(cache=True, nogil=True, inline="always")
def scaled(pixel: Any, alpha: Any) -> Any:
    """A pixel made as much more transparent as alpha, 0 to 255, is below 255; int64 in and out."""
    # Two bytes at a time, 16 bits apart; x / 255 rounded is (x + 128 + (x + 128 >> 8)) >> 8 for x up to 255².
    red_blue = (pixel & 0xFF00FF) * alpha + 0x800080
    red_blue = ((red_blue + ((red_blue >> 8) & 0xFF00FF)) >> 8) & 0xFF00FF
    alpha_green = ((pixel >> 8) & 0xFF00FF) * alpha + 0x800080
    alpha_green = (alpha_green + ((alpha_green >> 8) & 0xFF00FF)) & 0xFF00FF00
    return red_blue | alpha_green


@njit(cache=True, nogil=True, inline="always")
def over(below: Any, above: Any) -> Any:
    """One premultiplied pixel over another; int64 in and out."""
    return above + scaled(below, 255 - (above >> 24))


@njit(cache=True, nogil=True)
def clear_slots(pixels: Any, start: int, stop: int, background: Any) -> None:
    """Set the columns [start, stop) to the background: (h,) uint32, a colour a row."""
    for y in range(pixels.shape[0]):
        colour = background[y]
        for x in range(start, stop):
            pixels[y, x] = colour


@njit(cache=True, nogil=True)
def tint_slots(pixels: Any, start: int, stop: int, colour: int) -> None:
    """Lay a premultiplied colour over the columns [start, stop)."""
    above = np.int64(colour)
    for y in range(pixels.shape[0]):
        for x in range(start, stop):
            pixels[y, x] = np.uint32(over(np.int64(pixels[y, x]), above))
