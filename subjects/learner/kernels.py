"""The parts of a step that are no matrix product, each in one pass over its arrays: softmax, loss, tables.

numpy goes over an array once for every operation, and these do not fit the cache. What lies above an attention
pattern's diagonal is never exponentiated.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

_FAST = {"contract", "reassoc", "nsz", "nnan"}  # sums and maxima in vectors; one machine, one order
_LOG2_E = np.float32(1.4426950408889634)
_LN2_HIGH, _LN2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)
_LOWEST = np.float32(-87.0)  # exp of less is 0 for our purpose
# exp(r) − 1 − r on |r| ≤ ln 2 / 2 by a polynomial (Cephes, expf)
_P0, _P1, _P2 = np.float32(1.9875691500e-4), np.float32(1.3981999507e-3), np.float32(8.3334519073e-3)
_P3, _P4, _P5 = np.float32(4.1665795894e-2), np.float32(1.6666665459e-1), np.float32(5.0000001201e-1)
_ONE, _HALF, _ZERO = np.float32(1), np.float32(0.5), np.float32(0)


@njit(cache=True, nogil=True, fastmath=_FAST)
def exponentiate(x: NDArray[np.float32], power: NDArray[np.int32], n: int, shift: np.float32) -> None:
    """x[:n] ← exp(x[:n] − shift) to 2 units in the last place, in loops that become vector instructions.

    `power` is scratch for n int32.
    """
    for j in range(n):
        v = max(x[j] - shift, _LOWEST)
        k = np.floor(v * _LOG2_E + _HALF)
        r = v - k * _LN2_HIGH - k * _LN2_LOW
        p = ((((_P0 * r + _P1) * r + _P2) * r + _P3) * r + _P4) * r + _P5
        x[j] = p * r * r + r + _ONE
        power[j] = (np.int32(k) + np.int32(127)) << np.int32(23)  # the bits of 2^k
    two_to_the = power.view(np.float32)
    for j in range(n):
        x[j] *= two_to_the[j]


@njit(cache=True, nogil=True, fastmath=_FAST)
def causal_softmax(scores: NDArray[np.float32], scale: np.float32) -> None:
    """scores[b, h, i, :i + 1] ← softmax(scale scores[b, h, i, :i + 1]), 0 beyond.

    Parameters
    ----------
    scores : (n_sequences, n_heads, context, context), context a multiple of 4
    """
    n_sequences, n_heads, context, _ = scores.shape
    power = np.empty(context, np.int32)
    for b in range(n_sequences):
        for h in range(n_heads):
            for i in range(context):
                row = scores[b, h, i]
                for j in range(i + 1):
                    row[j] *= scale
                n = (i + 4) // 4 * 4
                row[i + 1 : n] = row[0]
                # four maxima at a time: a single one waits for itself at every element
                m0, m1, m2, m3 = row[0], row[1], row[2], row[3]
                for j in range(4, n, 4):
                    m0, m1 = max(m0, row[j]), max(m1, row[j + 1])
                    m2, m3 = max(m2, row[j + 2]), max(m3, row[j + 3])
                exponentiate(row, power, i + 1, max(max(m0, m1), max(m2, m3)))
                total = _ZERO
                for j in range(i + 1):
                    total += row[j]
                share = _ONE / total
                for j in range(i + 1):
                    row[j] *= share
                row[i + 1 :] = _ZERO


@njit(cache=True, nogil=True, fastmath=_FAST)
def causal_softmax_back(
    pattern: NDArray[np.float32],
    z: NDArray[np.float32],
    dz: NDArray[np.float32],
    dpattern: NDArray[np.float32],
    scale: np.float32,
) -> None:
    """dpattern ← gradient of the unscaled scores, given that of the pattern; Σ_j p_j dp_j is dz · z.

    Parameters
    ----------
    pattern, dpattern : (n_sequences, n_heads, context, context)
    z, dz : (n_sequences, context, n_heads, head_width)
    """
    n_sequences, context, n_heads, width = dz.shape
    for b in range(n_sequences):
        for h in range(n_heads):
            for i in range(context):
                inner = _ZERO
                for c in range(width):
                    inner += dz[b, i, h, c] * z[b, i, h, c]
                p, dp = pattern[b, h, i], dpattern[b, h, i]
                for j in range(i + 1):
                    dp[j] = (dp[j] - inner) * p[j] * scale
                dp[i + 1 :] = _ZERO


@njit(cache=True, nogil=True, fastmath=_FAST)
def cross_entropy(
    logits: NDArray[np.float32],
    targets: NDArray[np.int64],
    n_learned: int,
    losses: NDArray[np.float32],
    right: NDArray[np.bool_],
) -> None:
    """Losses in nats and whether the likeliest token is the target; logits become the gradient of the mean loss.

    Parameters
    ----------
    logits : (n, n_tokens); the first n_learned rows become d(mean of their losses) / d logits, the rest probabilities
    targets : (n,)
    losses, right : (n,), filled
    """
    n, n_tokens = logits.shape
    power = np.empty(n_tokens, np.int32)
    share_of_mean = np.float32(1 / n_learned) if n_learned else _ZERO
    for i in range(n):
        row = logits[i]
        target = targets[i]
        highest, best = row[0], 0
        for v in range(1, n_tokens):
            if row[v] > highest:
                highest, best = row[v], v
        right[i] = best == target
        of_target = row[target] - highest
        exponentiate(row, power, n_tokens, highest)
        total = _ZERO
        for v in range(n_tokens):
            total += row[v]
        losses[i] = np.log(total) - of_target
        scale = (share_of_mean if i < n_learned else _ONE) / total
        for v in range(n_tokens):
            row[v] *= scale
        if i < n_learned:
            row[target] -= share_of_mean


@njit(cache=True, nogil=True)
def add_rows(rows: NDArray[np.float32], tokens: NDArray[np.int64], total: NDArray[np.float32]) -> None:
    """total[tokens[i]] += rows[i], in order of i."""
    for i in range(len(tokens)):
        of_token = total[tokens[i]]
        row = rows[i]
        for c in range(len(row)):
            of_token[c] += row[c]


@njit(cache=True, nogil=True)
def gather(
    table: NDArray[np.float32], by_position: NDArray[np.float32], tokens: NDArray[np.int64], out: NDArray[np.float32]
) -> None:
    """out[b, i] = table[tokens[b, i]], plus by_position[i] in the columns that it has."""
    n_sequences, context = tokens.shape
    n_shifted = by_position.shape[1]
    for b in range(n_sequences):
        for i in range(context):
            row, source, shift = out[b, i], table[tokens[b, i]], by_position[i]
            for c in range(n_shifted):
                row[c] = source[c] + shift[c]
            for c in range(n_shifted, len(row)):
                row[c] = source[c]
