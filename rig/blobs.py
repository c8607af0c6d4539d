"""Several byte strings in one, by name; what snapshots are made of. Reading it runs no code."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping

from rig.errors import FormatError

_MAGIC = b"HSBLOBS1"


def pack_blobs(blobs: Mapping[str, bytes]) -> bytes:
    """Magic, length of the index, index (names, lengths, crc32) as JSON, then the contents."""
    index = json.dumps({name: [len(blob), zlib.crc32(blob)] for name, blob in blobs.items()}).encode()
    return b"".join([_MAGIC, len(index).to_bytes(8, "little"), index, *blobs.values()])


def unpack_blobs(packed: bytes) -> dict[str, bytes]:
    """Inverse of `pack_blobs`.

    Raises
    ------
    FormatError : not such bytes, cut short, or damaged.
    """
    start = len(_MAGIC) + 8
    if packed[: len(_MAGIC)] != _MAGIC:
        raise FormatError("the snapshot is of another format")
    stop = start + int.from_bytes(packed[len(_MAGIC) : start], "little")
    try:
        index = {str(name): (int(n), int(crc)) for name, (n, crc) in json.loads(packed[start:stop]).items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise FormatError("the snapshot's index is damaged") from error
    if stop + sum(n for n, _ in index.values()) != len(packed):
        raise FormatError("the snapshot is cut short")
    blobs = {}
    for name, (n, crc) in index.items():
        blobs[name] = packed[stop : stop + n]
        if zlib.crc32(blobs[name]) != crc:
            raise FormatError(f"the snapshot's part {name!r} is damaged (checksum disagrees)")
        stop += n
    return blobs
