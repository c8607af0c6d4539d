"""Kernels that reduce samples to the minimum and maximum of each column; `app.draw.column_plan` says which meet which.

Shapes: data (n_samples, n_stream_channels); low, high (n,) what the first column holds already, and what the last one
holds afterwards; lows, highs (n, n_slots); slots (n_columns,) where each column lies.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit


@njit(cache=True, nogil=True, error_model="numpy")
def step_columns(
    data: Any,
    channels: Any,
    in_a_row: bool,
    start: Any,
    stop: Any,
    slots: Any,
    low: Any,
    high: Any,
    lows: Any,
    highs: Any,
) -> None:
    n = len(channels)
    for i in range(len(slots)):
        if i > 0:
            low[:] = np.inf
            high[:] = -np.inf
        for j in range(start[i], stop[i]):
            if in_a_row:  # the loop that vectorises
                row = data[j, channels[0] : channels[0] + n]
                for k in range(n):
                    value = row[k]
                    low[k] = value if value < low[k] else low[k]
                    high[k] = value if value > high[k] else high[k]
            else:
                for k in range(n):
                    value = data[j, channels[k]]
                    low[k] = value if value < low[k] else low[k]
                    high[k] = value if value > high[k] else high[k]
        for k in range(n):
            lows[k, slots[i]] = low[k]
            highs[k, slots[i]] = high[k]


@njit(cache=True, nogil=True, error_model="numpy")
def line_columns(
    data: Any, channels: Any, start: Any, left: Any, slots: Any, last: Any, low: Any, high: Any, lows: Any, highs: Any
) -> None:
    n, n_columns = len(channels), len(slots)
    at_border = np.empty(n, np.float32)
    for i in range(n_columns):
        if i > 0:
            low[:] = at_border
            high[:] = at_border
            for k in range(n):
                if at_border[k] != at_border[k]:
                    low[k], high[k] = np.inf, -np.inf
        for j in range(start[i], start[i + 1]):
            for k in range(n):
                value = data[j, channels[k]]
                low[k] = value if value < low[k] else low[k]
                high[k] = value if value > high[k] else high[k]
        if i + 1 < n_columns:
            j = start[i + 1]
            for k in range(n):
                before = data[j - 1, channels[k]] if j > 0 else last[channels[k]]
                value = before + (data[j, channels[k]] - before) * left[i + 1]
                at_border[k] = value
                low[k] = value if value < low[k] else low[k]
                high[k] = value if value > high[k] else high[k]
        for k in range(n):
            lows[k, slots[i]] = low[k]
            highs[k, slots[i]] = high[k]


@njit(cache=True, nogil=True)
def bit_columns(
    data: Any,
    first_byte: int,
    start: Any,
    stop: Any,
    slots: Any,
    low: Any,
    high: Any,
    channels: Any,
    lows: Any,
    highs: Any,
) -> None:
    # The minimum of bits is their AND, the maximum their OR: eight channels an operation and more.
    n = len(low)
    for i in range(len(slots)):
        if i > 0:
            low[:] = 255
            high[:] = 0
        for j in range(start[i], stop[i]):
            row = data[j, first_byte : first_byte + n]
            for k in range(n):
                low[k] &= row[k]
                high[k] |= row[k]
        for k in range(len(channels)):
            byte, bit = (channels[k] >> 3) - first_byte, channels[k] & 7
            lows[k, slots[i]] = (low[byte] >> bit) & 1
            highs[k, slots[i]] = (high[byte] >> bit) & 1
