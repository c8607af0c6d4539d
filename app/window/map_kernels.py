"""Halving an image: a map drawn at twice the size shows wires thinner than a pixel."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray


def halve(pixels: NDArray[np.uint32], out: NDArray[np.uint32]) -> None:
    """Mean of each 2 × 2 pixels.

    Parameters
    ----------
    pixels : (2 h, 2 w) uint32, opaque
    out : (h, w) uint32, written to
    """
    _halve(pixels, out)


@njit(cache=True, nogil=True, boundscheck=False)
def _halve(pixels: Any, out: Any) -> None:
    # two bytes at a time, 16 bits apart: four of them sum to 1020 at most
    mask = np.uint32(0xFF00FF)
    eight, two = np.uint32(8), np.uint32(2)
    for y in range(out.shape[0]):
        upper, lower = pixels[2 * y], pixels[2 * y + 1]
        for x in range(out.shape[1]):
            a, b, c, d = upper[2 * x], upper[2 * x + 1], lower[2 * x], lower[2 * x + 1]
            odd = (a & mask) + (b & mask) + (c & mask) + (d & mask)
            even = ((a >> eight) & mask) + ((b >> eight) & mask) + ((c >> eight) & mask) + ((d >> eight) & mask)
            out[y, x] = ((odd >> two) & mask) | (((even >> two) & mask) << eight)
