"""Kernels that count what units do. Shapes: data (n_samples, width); before (width,); total (n_channels,) float64."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

_N_PLANES = 8
_FLUSH_SAMPLES = 252  # a multiple of 4 that eight planes can count


def count_rises(packed: NDArray[np.uint8], before: NDArray[np.uint8], total: NDArray[np.float64]) -> None:
    """Add the off→on transitions of each bit to `total`.

    Parameters
    ----------
    packed : (n_samples, n_bytes) uint8
    before : (n_bytes,) uint8, the sample before the first
    total : (n_channels,) float64, added to
    """
    if len(packed):
        planes = np.zeros((_N_PLANES, packed.shape[1]), np.uint8)
        _count_rises(np.ascontiguousarray(packed), before, planes, total)


def sum_changes(values: NDArray[Any], before: NDArray[Any], total: NDArray[np.float64]) -> None:
    """Add |x[t] − x[t − 1]| of each channel to `total`; what is no number counts nothing."""
    if len(values):
        _sum_changes(values, before, total)


@njit(cache=True, nogil=True, boundscheck=False)
def _count_rises(packed: Any, before: Any, planes: Any, total: Any) -> None:
    # A positional population count. Plane p holds bit p of 8 n_bytes counters, so one instruction counts for a whole
    # register of channels; four samples at a time go through three full adders, and only every fourth carry ripples on.
    n, width = packed.shape
    ones, twos = planes[0], planes[1]
    first = 0
    while first < n:
        stop = min(first + _FLUSH_SAMPLES, n)
        t = first
        while t + 4 <= stop:
            previous = packed[t - 1] if t else before
            s0, s1, s2, s3 = packed[t], packed[t + 1], packed[t + 2], packed[t + 3]
            for j in range(width):
                a = s0[j] & ~previous[j]
                b = s1[j] & ~s0[j]
                c = s2[j] & ~s1[j]
                d = s3[j] & ~s2[j]
                u = ones[j] ^ a
                carry_1 = (ones[j] & a) | (u & b)
                u ^= b
                v = u ^ c
                carry_2 = (u & c) | (v & d)
                ones[j] = v ^ d
                w = twos[j] ^ carry_1
                carry = (twos[j] & carry_1) | (w & carry_2)
                twos[j] = w ^ carry_2
                for p in range(2, _N_PLANES):
                    above = planes[p, j]
                    planes[p, j] = above ^ carry
                    carry &= above
            t += 4
        while t < stop:
            previous = packed[t - 1] if t else before
            for j in range(width):
                carry = packed[t, j] & ~previous[j]
                for p in range(_N_PLANES):
                    above = planes[p, j]
                    planes[p, j] = above ^ carry
                    carry &= above
            t += 1
        for channel in range(len(total)):
            count = 0
            for p in range(_N_PLANES):
                count += ((planes[p, channel >> 3] >> (channel & 7)) & 1) << p
            total[channel] += count
        planes[:] = 0
        first = stop


@njit(cache=True, nogil=True)
def _sum_changes(values: Any, before: Any, total: Any) -> None:
    for t in range(values.shape[0]):
        for c in range(values.shape[1]):
            earlier = values[t - 1, c] if t else before[c]
            change = abs(np.float64(values[t, c]) - np.float64(earlier))
            if change < np.inf:
                total[c] += change
