"""Deflate streams for HDF5 chunks, made faster than the filter makes them.

HDF5's shuffle filter puts the first bytes of all elements first, then the second ones, and so on: byte planes. Of
spike times and floats, the high planes are nearly constant and the low ones are noise. The filter pipeline runs one
slow search over all of it; here each plane that does not repeat goes into stored blocks (RFC 1951, 3.2.4) and only the
others are searched. The result is an ordinary zlib stream (RFC 1950): any reader's gzip filter inflates it.
"""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

_HEADER = b"\x78\x01"
_MAX_STORED_BYTES = 65535
_PROBE_BYTES = 1024


def deflate(data: bytes | memoryview, level: int = 1) -> bytes:
    """A zlib stream of bytes as they are."""
    return zlib.compress(data, level)


def shuffle_deflate(values: NDArray[Any]) -> bytes:
    """Shuffle and deflate the elements of an array, as HDF5's shuffle and gzip filters in this order would.

    Parameters
    ----------
    values : any shape, numeric, C-contiguous; its item size is the shuffle's

    Returns
    -------
    zlib stream of the shuffled bytes
    """
    item_bytes = values.dtype.itemsize
    raw = values.reshape(-1).view(np.uint8).reshape(-1, item_bytes)
    if item_bytes == 1:
        return deflate(raw.data)
    planes = np.ascontiguousarray(raw.T)
    n = min(planes.shape[1] - 1, _PROBE_BYTES)
    # a plane repeats if half of its bytes equal the one before; the middle is probed, edges may be fill
    middle = (planes.shape[1] - n) // 2
    repeats = (planes[:, middle : middle + n - 1] == planes[:, middle + 1 : middle + n]).sum(axis=1) * 2 > n
    parts = [_HEADER]
    k = 0
    while k < item_bytes:
        stop = k + 1
        while stop < item_bytes and repeats[stop] == repeats[k]:
            stop += 1
        parts += _searched(planes[k:stop]) if repeats[k] else _stored(planes[k:stop])
        k = stop
    # an empty last block, then the checksum of all
    parts += [b"\x01\x00\x00\xff\xff", zlib.adler32(planes.data).to_bytes(4, "big")]
    return b"".join(parts)


def _searched(planes: NDArray[np.uint8]) -> list[bytes]:
    search = zlib.compressobj(1, zlib.DEFLATED, -15, 9, zlib.Z_DEFAULT_STRATEGY)
    # a full flush ends at a byte, so that blocks of any kind may follow
    return [search.compress(planes.data), search.flush(zlib.Z_FULL_FLUSH)]


def _stored(planes: NDArray[np.uint8]) -> list[bytes]:
    data = planes.tobytes()
    parts = []
    for i in range(0, len(data), _MAX_STORED_BYTES):
        block = data[i : i + _MAX_STORED_BYTES]
        n = len(block)
        parts += [b"\x00", n.to_bytes(2, "little"), (n ^ 0xFFFF).to_bytes(2, "little"), block]
    return parts
