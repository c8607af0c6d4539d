"""Kernels on packed bits: channel c of a sample is bit ``c % 8`` of byte ``c // 8``."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]


def select_bits(packed: Bytes, channels: NDArray[np.int64]) -> Bytes:
    """Repack a subset of channels.

    Parameters
    ----------
    packed : (n_samples, n_bytes) uint8
    channels : (k,) int64, in the order they shall have; ascending order is the fast one

    Returns
    -------
    (n_samples, ceil(k / 8)) uint8, bits beyond channel k − 1 are 0

    Raises
    ------
    ValueError : a channel lies outside the bytes.
    """
    channels = np.ascontiguousarray(channels, dtype=np.int64)
    n_samples, n_bytes = packed.shape
    if len(channels) and (channels.min() < 0 or channels.max() >= 8 * n_bytes):
        raise ValueError(f"channels must lie in [0, {8 * n_bytes}), got {channels.min()} to {channels.max()}")
    out = np.zeros((n_samples, (len(channels) + 7) // 8), np.uint8)
    if not len(channels) or not n_samples:
        return out
    packed = np.ascontiguousarray(packed)
    if (np.diff(channels) > 0).all():
        sources, first = np.unique(channels >> 3, return_index=True)
        bits = (1 << (channels & 7)).astype(np.int64)
        masks = np.add.reduceat(bits, first)
        counts = np.diff(np.append(first, len(channels)))
        _select_ascending(packed, sources, masks, counts, _compaction_table(), out)
    else:
        _select_any(packed, channels, out)
    return out


def unpack(packed: Bytes, n_channels: int) -> Bytes:
    """(n_samples, n_channels) uint8 of 0 and 1."""
    return np.unpackbits(packed, axis=1, count=n_channels, bitorder="little")


def toggles(packed: Bytes, before: Bytes | None = None) -> Bytes:
    """Bits that differ from the sample before.

    Parameters
    ----------
    packed : (n_samples, n_bytes) uint8
    before : (n_bytes,) uint8, the sample before the first; None: the first sample counts as unchanged

    Returns
    -------
    (n_samples, n_bytes) uint8; ``toggles & packed`` are the rises, ``toggles & ~packed`` the falls
    """
    out = np.zeros_like(packed)
    if len(packed):
        np.bitwise_xor(packed[1:], packed[:-1], out=out[1:])
        if before is not None:
            np.bitwise_xor(packed[0], before, out=out[0])
    return out


def xor_previous(rows: Bytes, out: Bytes) -> None:
    """XOR every row but the first with the row before; the inverse of `xor_accumulate`.

    Parameters
    ----------
    rows, out : (n_samples, n_bytes) uint8, C-contiguous, not overlapping
    """
    out[:1] = rows[:1]
    width = rows.shape[1]
    flat = rows.reshape(-1)
    np.bitwise_xor(flat[width:], flat[: flat.size - width], out=out.reshape(-1)[width:])


@njit(cache=True, nogil=True, boundscheck=False)
def xor_accumulate(rows: Any) -> None:
    """Undo `xor_previous` in place: every row becomes the XOR of all rows up to it."""
    n, width = rows.shape
    flat = rows.reshape(n * width)
    if width >= 16:
        for i in range(width, n * width, width):
            here = flat[i : i + width]
            before = flat[i - width : i]
            for j in range(width):
                here[j] ^= before[j]
    else:
        for i in range(width, n * width):
            flat[i] ^= flat[i - width]


@njit(cache=True, nogil=True, boundscheck=False)
def _select_ascending(packed: Any, sources: Any, masks: Any, counts: Any, table: Any, out: Any) -> None:
    # Ascending channels: what is kept of one source byte stays together, so each source byte costs one look-up.
    n_sources = len(sources)
    for i in range(packed.shape[0]):
        word = np.uint32(0)
        fill = 0
        at = 0
        for k in range(n_sources):
            word |= np.uint32(table[masks[k], packed[i, sources[k]]]) << np.uint32(fill)
            fill += counts[k]
            if fill >= 8:
                out[i, at] = np.uint8(word & np.uint32(0xFF))
                word >>= np.uint32(8)
                fill -= 8
                at += 1
        if fill:
            out[i, at] = np.uint8(word)


@njit(cache=True, nogil=True, boundscheck=False)
def _select_any(packed: Any, channels: Any, out: Any) -> None:
    for i in range(packed.shape[0]):
        for k in range(len(channels)):
            c = channels[k]
            out[i, k >> 3] |= np.uint8(((packed[i, c >> 3] >> (c & 7)) & 1) << (k & 7))


@cache
def _compaction_table() -> Bytes:
    """(256, 256) uint8: [mask, byte] → the byte's bits under the mask, moved together at the low end."""
    table = np.zeros((256, 256), np.uint8)
    mask = np.arange(256)[:, None]
    byte = np.arange(256)[None, :]
    kept = np.zeros((256, 1), np.int64)
    for bit in range(8):
        chosen = (mask >> bit) & 1
        table |= ((((byte >> bit) & 1) * chosen) << kept).astype(np.uint8)
        kept = kept + chosen
    return table
