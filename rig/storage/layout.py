"""What lies in the folder of a recording, and which streams may lie there."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np

from rig.errors import FormatError
from rig.storage.segment import MAX_SAMPLE_BYTES
from rig.streams import StreamInfo, dtype_from_json, dtype_to_json

HEADER_FILE = "session.json"
OUTLINES_FILE = "outlines.npz"
LOG_FILE = "events.jsonl"
END_FILE = "closed.json"
SNAPSHOT_FOLDER = "snapshots"
INDEX_FILE = "frames.index"

_STREAM_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
_RESERVED = frozenset({HEADER_FILE, OUTLINES_FILE, LOG_FILE, END_FILE, SNAPSHOT_FOLDER})


def check_streams(streams: Iterable[StreamInfo]) -> None:
    """Refuse layouts that cannot be recorded, or that no recorder wrote.

    Raises
    ------
    FormatError : a name that is no plain folder name, two of one name, a dtype or a shape that cannot be.
    """
    taken: set[str] = set()
    for info in streams:
        name = info.name
        if not _STREAM_NAME.fullmatch(name) or name.lower() in _RESERVED or name.endswith("."):
            raise FormatError(
                f"a stream is named {name[:120]!r}; a name is letters, digits, _, - and dots, and none of the "
                "recording's own files"
            )
        if name.lower() in taken:
            raise FormatError(f"two streams are named {name!r}; give each its own name (case does not count)")
        taken.add(name.lower())
        if info.dtype.hasobject or dtype_from_json(dtype_to_json(info.dtype)) != info.dtype:
            raise FormatError(
                f"stream {name!r} has dtype {info.dtype}; nested, padded and object dtypes are not recorded"
            )
        if any(n < 1 for n in info.shape) or not 1 <= _exact_bytes(info) <= MAX_SAMPLE_BYTES:
            raise FormatError(
                f"stream {name!r} has samples of shape {info.shape} and dtype {info.dtype}; a sample has between 1 and "
                f"{MAX_SAMPLE_BYTES} bytes"
            )
        if info.ticks_per_sample is not None and not 1 <= info.ticks_per_sample < 1 << 32:
            raise FormatError(f"stream {name!r} has {info.ticks_per_sample} ticks per sample; at least 1 is needed")
        if info.packed and (info.dtype != np.uint8 or len(info.shape) != 1):
            raise FormatError(f"stream {name!r} is packed but its samples are no row of bytes")
        if info.unit_ids is not None:
            n_rows = (len(info.unit_ids) + 7) // 8 if info.packed else len(info.unit_ids)
            if not info.shape or info.shape[0] != n_rows:
                raise FormatError(f"stream {name!r} has {len(info.unit_ids)} units but samples of shape {info.shape}")


def _exact_bytes(info: StreamInfo) -> int:
    size = info.dtype.itemsize
    for n in info.shape:
        size *= n
    return size
