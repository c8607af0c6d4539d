"""A character 5-gram with interpolated Kneser–Ney smoothing: what the model must clearly beat.

Kneser & Ney (1995); the interpolated form as in Chen & Goodman, *An empirical study of smoothing techniques for
language modeling*, TR-10-98 (1998), section 3, with one discount an order, D = n1 / (n1 + 2 n2).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def bits_per_byte(train: bytes, test: bytes, order: int = 5) -> float:
    """Mean −log2 probability of a byte of `test` (after its first order − 1), by an n-gram of `train`."""
    n_symbols = len(set(train) | set(test))
    grams = [_windows(train, k) for k in range(1, order + 1)]
    unique, counts = np.unique(grams[-1], return_counts=True)
    tables = [(unique, counts.astype(np.float64))]
    for _ in range(order - 1):  # below the top, a gram counts once for each symbol that precedes it
        width = order - len(tables)
        shorter = tables[0][0] & np.int64((1 << (8 * width)) - 1)
        unique, counts = np.unique(shorter, return_counts=True)
        tables.insert(0, (unique, counts.astype(np.float64)))
    wanted = _windows(test, order)
    p: NDArray[np.float64] = np.full(len(wanted), 1.0 / n_symbols)
    for k, table in enumerate(tables, start=1):
        p = _interpolated(wanted & np.int64((1 << (8 * k)) - 1), table, p)
    return float(-np.log2(p).mean())


def _windows(text: bytes, n: int) -> NDArray[np.int64]:
    """Every run of n bytes as one number, the last byte lowest."""
    symbols = np.frombuffer(text, np.uint8).astype(np.int64)
    keys = np.zeros(len(symbols) - n + 1, np.int64)
    for i in range(n):
        keys = (keys << 8) | symbols[i : i + len(keys)]
    return keys


def _interpolated(
    grams: NDArray[np.int64], table: tuple[NDArray[np.int64], NDArray[np.float64]], lower: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Probability of each gram's last byte after the bytes before it, given the next shorter order's."""
    keys, counts = table
    n1, n2 = (counts == 1).sum(), (counts == 2).sum()
    discount = n1 / (n1 + 2 * n2) if n1 and n2 else 0.5
    contexts, first = np.unique(keys >> 8, return_index=True)
    total = np.add.reduceat(counts, first)
    n_followers = np.diff(np.append(first, len(keys)))
    at = np.minimum(np.searchsorted(contexts, grams >> 8), len(contexts) - 1)
    seen = contexts[at] == grams >> 8
    row = np.minimum(np.searchsorted(keys, grams), len(keys) - 1)
    count = np.where(keys[row] == grams, counts[row], 0.0)
    p = (np.maximum(count - discount, 0) + discount * n_followers[at] * lower) / total[at]
    return np.where(seen, p, lower)
