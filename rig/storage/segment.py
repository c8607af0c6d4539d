"""The frame, the atom of a recording on disk, and what a segment file is.

A stream's folder holds ``000000.seg``, ``000001.seg`` …, each a run of frames and nothing else::

    0        8     12     16          24         32   36      40           44          48        48 + length
    ┌────────┬─────┬──────┬───────────┬──────────┬────┬───────┬────────────┬───────────┬─────────────┐
    │ magic  │ tag │codec │first tick │last tick │ n  │length │payload crc │header crc │ payload     │
    └────────┴─────┴──────┴───────────┴──────────┴────┴───────┴────────────┴───────────┴─────────────┘

Little-endian. The header has a checksum of its own (of its first 44 bytes, the payload's checksum among them), so that
opening a recording walks from header to header without reading the samples, and a length is never believed unchecked.
The tag ties a frame to its stream and its recording: what a disk left behind of an older file is never taken for data.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rig.storage.codec import TICK_DTYPE
from rig.streams import StreamInfo

MAGIC = b"\xc5HsFr\r\n\x01"
SEGMENT_BYTES = 64 << 20
FRAME_BYTES = 1 << 20  # raw; a single sample may be larger
MAX_FRAME_BYTES = 64 << 20  # raw, believed when reading; a single sample may be larger
MAX_SAMPLE_BYTES = 1 << 30
MAX_TICK = 1 << 62

_HEADER = struct.Struct("<8sIIqqIIII")
HEADER_BYTES = _HEADER.size
_CRC_COVERS = HEADER_BYTES - 4


@dataclass(frozen=True)
class FrameHeader:
    """One frame's header.

    Attributes
    ----------
    codec : see `rig.storage.codec.Codec`
    first_tick, last_tick : stamps of the first and the last sample
    n_samples : at least 1
    length_bytes : of the payload
    payload_crc32 : of the payload as it lies on disk
    """

    codec: int
    first_tick: int
    last_tick: int
    n_samples: int
    length_bytes: int
    payload_crc32: int


def stream_tag(name: str, created_s: float) -> int:
    """crc32 that ties frames to a stream of a recording."""
    return zlib.crc32(f"{name}\n{created_s!r}".encode())


def pack_header(header: FrameHeader, tag: int) -> bytes:
    """The header's 48 bytes."""
    body = _HEADER.pack(
        MAGIC,
        tag,
        header.codec,
        header.first_tick,
        header.last_tick,
        header.n_samples,
        header.length_bytes,
        header.payload_crc32,
        0,
    )[:_CRC_COVERS]
    return body + struct.pack("<I", zlib.crc32(body))


def parse_header(data: bytes, tag: int, info: StreamInfo) -> FrameHeader | None:
    """Read a header; None where there is none, or one that cannot be of this stream."""
    if len(data) < HEADER_BYTES or not data.startswith(MAGIC):
        return None
    _, found_tag, codec, first, last, n, length, payload_crc, crc = _HEADER.unpack_from(data)
    if crc != zlib.crc32(data[:_CRC_COVERS]) or found_tag != tag:
        return None
    header = FrameHeader(codec, first, last, n, length, payload_crc)
    return header if plausible(header, info) else None


def plausible(header: FrameHeader, info: StreamInfo) -> bool:
    """Whether a frame can be of this stream: nothing is allocated for one that cannot."""
    if not (header.n_samples >= 1 and 0 <= header.first_tick <= header.last_tick < MAX_TICK):
        return False
    step = info.ticks_per_sample
    if step is not None and header.last_tick - header.first_tick != (header.n_samples - 1) * step:
        return False
    raw_bytes = raw_frame_bytes(info, header.n_samples)
    # zstd never grows what it cannot shrink by more than 1/256 and a little
    return (header.n_samples == 1 or raw_bytes <= MAX_FRAME_BYTES) and header.length_bytes <= raw_bytes + (
        raw_bytes >> 7
    ) + 1024


def plausible_rows(rows: NDArray[Any], info: StreamInfo) -> bool:
    """`plausible` for all rows of an index at once."""
    n, first, last = rows["n_samples"].astype(np.int64), rows["first_tick"], rows["last_tick"]
    raw_bytes = n * raw_frame_bytes(info, 1)
    fits = (n >= 1) & (first >= 0) & (first <= last) & (last < MAX_TICK)
    fits &= (n == 1) | (raw_bytes <= MAX_FRAME_BYTES)
    fits &= rows["length_bytes"] <= raw_bytes + (raw_bytes >> 7) + 1024
    if info.ticks_per_sample is not None:
        fits &= last - first == (n - 1) * info.ticks_per_sample
    return bool(fits.all())


def raw_frame_bytes(info: StreamInfo, n_samples: int) -> int:
    """Bytes of n samples before compression, with their ticks where they carry them."""
    return n_samples * (info.sample_bytes + (0 if info.regular else TICK_DTYPE.itemsize))


def samples_per_frame(info: StreamInfo) -> int:
    """How many samples a full frame gathers."""
    return max(1, FRAME_BYTES // raw_frame_bytes(info, 1))


def crc32_of(pieces: Sequence[memoryview]) -> int:
    crc = 0
    for piece in pieces:
        crc = zlib.crc32(piece, crc)
    return crc


def segment_name(number: int) -> str:
    return f"{number:06d}.seg"


# One row a frame, in order: the index of a stream, in memory and in its sidecar.
ROW_DTYPE = np.dtype(
    [
        ("segment", "<u4"),
        ("codec", "<u4"),
        ("offset", "<u8"),  # of the header, in its segment
        ("first_tick", "<i8"),
        ("last_tick", "<i8"),
        ("n_samples", "<u4"),
        ("length_bytes", "<u4"),
        ("payload_crc32", "<u4"),
        ("reserved", "<u4"),
    ]
)
_ROW = struct.Struct("<IIQqqIIII")
assert _ROW.size == ROW_DTYPE.itemsize


def pack_row(segment: int, offset: int, header: FrameHeader) -> bytes:
    """One row of `ROW_DTYPE`."""
    return _ROW.pack(
        segment,
        header.codec,
        offset,
        header.first_tick,
        header.last_tick,
        header.n_samples,
        header.length_bytes,
        header.payload_crc32,
        0,
    )


def header_of_row(row: Any) -> FrameHeader:
    """The header that a row of `ROW_DTYPE` stands for."""
    return FrameHeader(
        int(row["codec"]),
        int(row["first_tick"]),
        int(row["last_tick"]),
        int(row["n_samples"]),
        int(row["length_bytes"]),
        int(row["payload_crc32"]),
    )


_INDEX_MAGIC = b"\xc5HsIx\r\n\x01"
_INDEX_HEAD = struct.Struct("<8sIIQ")  # magic, tag, crc32 of the rows, number of rows


def pack_index(rows: bytes, tag: int) -> list[bytes]:
    """The index of a stream as it lies beside its segments."""
    return [_INDEX_HEAD.pack(_INDEX_MAGIC, tag, zlib.crc32(rows), len(rows) // _ROW.size), rows]


def parse_index(data: bytes, tag: int) -> NDArray[Any] | None:
    """(n_frames,) `ROW_DTYPE`; None where the bytes are no index of this stream."""
    if len(data) < _INDEX_HEAD.size:
        return None
    magic, found_tag, crc, n_rows = _INDEX_HEAD.unpack_from(data)
    rows = data[_INDEX_HEAD.size :]
    if (magic, found_tag) != (_INDEX_MAGIC, tag) or len(rows) != n_rows * _ROW.size or crc != zlib.crc32(rows):
        return None
    return np.frombuffer(rows, ROW_DTYPE)
