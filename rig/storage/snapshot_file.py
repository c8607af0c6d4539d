"""``snapshots/TICK.snap``: when the subject was snapshotted."""

from __future__ import annotations

import os
import re
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import zstandard

from rig.errors import FormatError
from rig.storage.disk import write_durably
from rig.storage.layout import SNAPSHOT_FOLDER

_NAME = re.compile(r"(\d{1,19})\.snap")
_HEAD = struct.Struct("<8sqqQQI")  # magic, tick, seq, raw bytes, stored bytes, crc32 of all that and the payload
_MAGIC = b"\xc5HsSn\r\n\x01"


@dataclass(frozen=True)
class StoredSnapshot:
    """A snapshot read back.

    Attributes
    ----------
    tick : the subject's tick when it was taken; ``restore`` goes back to it
    seq : of the first entry of the command log that it does not contain
    blob : for `Subject.restore`
    """

    tick: int
    seq: int
    blob: bytes


def write_snapshot(folder: Path, tick: int, seq: int, blob: bytes) -> int:
    """Write ``snapshots/TICK.snap``; a later one of the same tick takes its place. Returns the bytes written."""
    payload = zstandard.ZstdCompressor(level=1).compress(blob)
    head = _HEAD.pack(_MAGIC, tick, seq, len(blob), len(payload), 0)[:-4]
    head += struct.pack("<I", zlib.crc32(payload, zlib.crc32(head)))
    return write_durably(folder / SNAPSHOT_FOLDER / f"{tick}.snap", [head, payload])


def snapshot_ticks(folder: Path) -> tuple[int, ...]:
    """Ticks of the snapshots that are there, ascending."""
    place = folder / SNAPSHOT_FOLDER
    names = os.listdir(place) if place.is_dir() else []
    return tuple(sorted(int(m[1]) for m in map(_NAME.fullmatch, names) if m and str(int(m[1])) == m[1]))


def read_snapshot(folder: Path, tick: int) -> StoredSnapshot:
    """Read one snapshot.

    Raises
    ------
    FormatError : damaged.
    """
    path = folder / SNAPSHOT_FOLDER / f"{tick}.snap"
    try:
        if path.is_symlink() or not path.is_file():
            raise ValueError("not a file")
        data = path.read_bytes()
        head, payload = data[: _HEAD.size], data[_HEAD.size :]
        magic, stored_tick, seq, raw_bytes, stored_bytes, crc = _HEAD.unpack(head)
        if magic != _MAGIC or stored_tick != tick or stored_bytes != len(payload):
            raise ValueError("its head is wrong")
        if crc != zlib.crc32(payload, zlib.crc32(head[:-4])):
            raise ValueError("checksum disagrees")
        return StoredSnapshot(tick, seq, _decompress_bounded(payload, raw_bytes))
    except (OSError, ValueError, struct.error, zstandard.ZstdError, MemoryError) as error:
        raise FormatError(f"the snapshot of tick {tick} is damaged ({error})") from error


def _decompress_bounded(payload: bytes, raw_bytes: int) -> bytes:
    # grows with what is really there, so a claim of terabytes costs nothing
    blob = bytearray()
    with zstandard.ZstdDecompressor().stream_reader(payload) as reader:
        while piece := reader.read(1 << 20):
            blob += piece
            if len(blob) > raw_bytes:
                break
    if len(blob) != raw_bytes:
        raise ValueError("it is not as long as it says")
    return bytes(blob)
