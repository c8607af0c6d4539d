"""What a decoder computes besides sums of products, in loops that become vector instructions, and those products.

Loops over lanes are of blocks: arrays (…, 16), a lane a position. A lane never sees another.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from subjects.language_model.cpu.vectors import (
    BF16,
    F16,
    INT8,
    N_LANES,
    N_ROWS,
    N_TILE,
    dot_rows_bf16,
    dot_rows_f16,
    dot_rows_f32,
    dot_rows_int8,
    tile,
    widen_bf16,
    widen_f16,
    widen_f32,
    widen_int8,
)

FAST = {"contract", "reassoc", "nsz", "arcp"}  # sums in vectors; one machine, one order
SILU, GELU, GELU_TANH = range(3)

# a row of the table of matrices: where it is in the store (bytes), how far rows are apart (bytes), entries of a row,
# rows, and where among the vectors its scales and its bias are (-1: none)
AT, ROW_BYTES, N_IN, N_OUT, SCALE, BIAS = range(6)

_LOG2_E = np.float32(1.4426950408889634)
_LN2_HIGH, _LN2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)
_LOWEST, _HIGHEST = np.float32(-87.0), np.float32(88.0)
# exp(r) - 1 - r on |r| <= ln 2 / 2 by a polynomial (Cephes, expf)
_P0, _P1, _P2 = np.float32(1.9875691500e-4), np.float32(1.3981999507e-3), np.float32(8.3334519073e-3)
_P3, _P4, _P5 = np.float32(4.1665795894e-2), np.float32(1.6666665459e-1), np.float32(5.0000001201e-1)
_ONE, _HALF = np.float32(1), np.float32(0.5)
_SQRT_HALF = np.float32(math.sqrt(0.5))
_GELU_SCALE, _GELU_CUBE = np.float32(math.sqrt(2 / math.pi)), np.float32(0.044715)


# numba compiles an assignment to a slice together with the words of its error message, in seconds each: loops do not
@njit(cache=True, nogil=True)
def put(source: Any, at: int, n: int, to: Any, to_at: int) -> None:
    """to[to_at + i] = source[at + i] for n numbers."""
    for i in range(n):
        to[to_at + i] = source[at + i]


@njit(cache=True, nogil=True)
def add(x: Any, delta: Any, first: int, stop: int) -> None:
    for i in range(first, stop):
        x[i] += delta[i]


@njit(cache=True, nogil=True)
def times(x: Any, by: Any, first: int, stop: int) -> None:
    for i in range(first, stop):
        x[i] *= by[i]


@njit(cache=True, nogil=True, inline="always")
def exponential(x: Any) -> Any:
    """exp to 1 unit in the last place between -87 and 88, and no further."""
    v = min(max(x, _LOWEST), _HIGHEST)
    k = np.floor(v * _LOG2_E + _HALF)
    r = v - k * _LN2_HIGH - k * _LN2_LOW
    p = ((((_P0 * r + _P1) * r + _P2) * r + _P3) * r + _P4) * r + _P5
    power = np.int32((np.int32(k) + np.int32(127)) << np.int32(23)).view(np.float32)  # 2^k by its bits
    return (p * r * r + r + _ONE) * power


@njit(cache=True, nogil=True, fastmath={"contract"})
def activate(kind: int, x: Any, n: int) -> None:
    """The activation of x[:n] in place."""
    if kind == SILU:
        for i in range(n):
            x[i] = x[i] / (_ONE + exponential(-x[i]))
    elif kind == GELU_TANH:
        for i in range(n):
            v = x[i]
            u = _GELU_SCALE * (v + _GELU_CUBE * v * v * v)
            x[i] = v - v / (_ONE + exponential(u + u))  # v (1 + tanh u) / 2
    else:
        for i in range(n):
            x[i] = _HALF * x[i] * (_ONE + np.float32(math.erf(x[i] * _SQRT_HALF)))


@njit(cache=True, nogil=True, fastmath={"contract"})
def exponentiate(x: Any, n: int, top: Any, scale: Any) -> None:
    """x[:n] ← exp((x[:n] - top) · scale)."""
    for i in range(n):
        x[i] = exponential((x[i] - top) * scale)


@njit(cache=True, nogil=True, fastmath={"nnan", "nsz"})
def highest(x: Any, n: int) -> Any:
    found = x[0]
    for i in range(n):
        found = max(found, x[i])
    return found


@njit(cache=True, nogil=True)
def share(n: int, step: int, rank: int, n_ranks: int) -> tuple[int, int]:
    """First and stop of a rank's part of n things, which are taken `step` at a time."""
    n_steps = (n + step - 1) // step
    return n_steps * rank // n_ranks * step, min(n, n_steps * (rank + 1) // n_ranks * step)


@njit(cache=True, nogil=True, fastmath=FAST)
def norm(x: Any, n: int, eps: Any, vectors: Any, weight: int, bias: int, out: Any) -> None:
    """RMSNorm of x[:n] where bias is -1, LayerNorm otherwise."""
    mean = np.float32(0)
    if bias >= 0:
        for i in range(n):
            mean += x[i]
        mean /= np.float32(n)
    square = np.float32(0)
    for i in range(n):
        square += (x[i] - mean) * (x[i] - mean)
    scale = _ONE / np.sqrt(square / np.float32(n) + eps)
    if bias >= 0:
        for i in range(n):
            out[i] = (x[i] - mean) * scale * vectors[weight + i] + vectors[bias + i]
    else:
        for i in range(n):
            out[i] = x[i] * scale * vectors[weight + i]


@njit(cache=True, nogil=True, fastmath={"contract"})
def norm_lanes(x: Any, n: int, eps: Any, vectors: Any, weight: int, bias: int, out: Any) -> None:
    """`norm` of each lane of x[:n]."""
    mean, scale = np.zeros(N_LANES, np.float32), np.zeros(N_LANES, np.float32)
    if bias >= 0:
        for i in range(n):
            for lane in range(N_LANES):
                mean[lane] += x[i, lane]
        for lane in range(N_LANES):
            mean[lane] /= np.float32(n)
    for i in range(n):
        for lane in range(N_LANES):
            scale[lane] += (x[i, lane] - mean[lane]) * (x[i, lane] - mean[lane])
    for lane in range(N_LANES):
        scale[lane] = _ONE / np.sqrt(scale[lane] / np.float32(n) + eps)
    for i in range(n):
        shift = vectors[bias + i] if bias >= 0 else np.float32(0)
        for lane in range(N_LANES):
            out[i, lane] = (x[i, lane] - mean[lane]) * scale[lane] * vectors[weight + i] + shift


@njit(cache=True, nogil=True)
def _four(kind: int, store: Any, at: int, row_bytes: int, x: Any, n: int) -> Any:
    if kind == INT8:
        return dot_rows_int8(store, at, row_bytes, x, 0, n)
    if kind == F16:
        return dot_rows_f16(store, at, row_bytes, x, 0, n)
    if kind == BF16:
        return dot_rows_bf16(store, at, row_bytes, x, 0, n)
    return dot_rows_f32(store, at, row_bytes, x, 0, n)


@njit(cache=True, nogil=True)
def multiply(kind: int, store: Any, vectors: Any, m: Any, x: Any, first: int, stop: int, y: Any) -> None:
    """y[first:stop] = W x + b.

    Parameters
    ----------
    kind : of the stored weights
    m : the matrix's row of the table
    x : its entries, zeros up to a multiple of N_STEP
    first, stop : rows; first a multiple of N_ROWS
    """
    at, row_bytes, n = m[AT], m[ROW_BYTES], m[N_IN]
    for row in range(first, stop, N_ROWS):
        a, b, c, d = _four(kind, store, at + row * row_bytes, row_bytes, x, n)
        y[row] = a
        if row + 1 < stop:
            y[row + 1] = b
        if row + 2 < stop:
            y[row + 2] = c
        if row + 3 < stop:
            y[row + 3] = d
    if m[SCALE] >= 0:
        for row in range(first, stop):
            y[row] *= vectors[m[SCALE] + row]
    if m[BIAS] >= 0:
        for row in range(first, stop):
            y[row] += vectors[m[BIAS] + row]


@njit(cache=True, nogil=True)
def widen(kind: int, store: Any, at: int, out: Any, out_at: int, n: int) -> None:
    """n stored numbers as float32."""
    if kind == INT8:
        widen_int8(store, at, out, out_at, n)
    elif kind == F16:
        widen_f16(store, at, out, out_at, n)
    elif kind == BF16:
        widen_bf16(store, at, out, out_at, n)
    else:
        widen_f32(store, at, out, out_at, n)


@njit(cache=True, nogil=True)
def multiply_lanes(
    kind: int, store: Any, vectors: Any, m: Any, x: Any, first: int, stop: int, y: Any, panel: Any
) -> None:
    """`multiply` for each lane: x and y are (…, 16); first is a multiple of N_TILE and y has room up to one."""
    at, row_bytes, n = m[AT], m[ROW_BYTES], m[N_IN]
    for row in range(first, stop, N_TILE):
        for r in range(N_TILE):
            widen(kind, store, at + (row + r) * row_bytes, panel, r * n, n)
        tile(panel, 0, n, 1, x, 0, n, y, row)
        for r in range(row, row + N_TILE):
            scale = vectors[m[SCALE] + r] if m[SCALE] >= 0 else _ONE
            bias = vectors[m[BIAS] + r] if m[BIAS] >= 0 else np.float32(0)
            for lane in range(N_LANES):
                y[r, lane] = y[r, lane] * scale + bias
