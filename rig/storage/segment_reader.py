"""Reading segments: finding the frames of a stream, and fetching one of them.

Files are read at positions, not mapped: a mapped file that is truncated, or whose disk is unplugged, kills the process
that touches it (SIGBUS), where a read raises an error that can be told.
"""

from __future__ import annotations

import re
import threading
import zlib
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from rig.storage.segment import HEADER_BYTES, MAGIC, FrameHeader, parse_header, segment_name
from rig.streams import StreamInfo

_OPEN_FILES = 8  # a long recording has more segments than a process may have files
_SEARCH_BYTES = 1 << 20
_SEGMENT_NAME = re.compile(r"[0-9]{6}\.seg")


@dataclass(frozen=True)
class Found:
    """A frame, and where its header lies."""

    segment: int
    offset: int
    header: FrameHeader

    @property
    def end(self) -> int:
        return self.offset + HEADER_BYTES + self.header.length_bytes


@dataclass(frozen=True)
class Lost:
    """Bytes of a segment that are no intact frame.

    Attributes
    ----------
    segment, start, stop : where
    header : of the frame that they were, where it could be read
    torn : they are the end of the segment, as a process that dies leaves it
    """

    segment: int
    start: int
    stop: int
    header: FrameHeader | None
    torn: bool


class SegmentFiles:
    """The segments of one stream, opened when they are needed.

    Parameters
    ----------
    folder : the stream's; may be missing
    info, tag : what its frames must agree with
    """

    def __init__(self, folder: Path, info: StreamInfo, tag: int) -> None:
        self.folder = folder
        self._info = info
        self._tag = tag
        self._lock = threading.Lock()
        self._files: OrderedDict[int, BinaryIO] = OrderedDict()

    def sizes_bytes(self) -> dict[int, int]:
        """Segment number → size, ascending."""
        found: dict[int, int] = {}
        if self.folder.is_dir() and not self.folder.is_symlink():
            for path in self.folder.iterdir():
                if _SEGMENT_NAME.fullmatch(path.name) and path.is_file() and not path.is_symlink():
                    found[int(path.stem)] = path.stat().st_size
        return dict(sorted(found.items()))

    def read(self, segment: int, offset: int, n_bytes: int) -> bytes:
        """At most n_bytes; fewer where the segment ends. Raises OSError."""
        with self._lock:
            file = self._files.get(segment)
            if file is None:
                if len(self._files) >= _OPEN_FILES:
                    self._files.popitem(last=False)[1].close()
                file = open(self.folder / segment_name(segment), "rb", buffering=0)  # noqa: SIM115
                self._files[segment] = file
            self._files.move_to_end(segment)
            file.seek(offset)
            pieces: list[bytes] = []
            while n_bytes > 0 and (piece := file.read(n_bytes)):
                pieces.append(piece)
                n_bytes -= len(piece)
            return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def header_at(self, segment: int, offset: int) -> FrameHeader | None:
        """The frame's header at a place; None where there is none."""
        return parse_header(self.read(segment, offset, HEADER_BYTES), self._tag, self._info)

    def payload(self, found: Found) -> memoryview | None:
        """A frame's payload; None where the frame is not there as promised or is damaged. Raises OSError."""
        data = self.read(found.segment, found.offset, HEADER_BYTES + found.header.length_bytes)
        payload = memoryview(data)[HEADER_BYTES:]
        intact = (
            parse_header(data[:HEADER_BYTES], self._tag, self._info) == found.header
            and len(payload) == found.header.length_bytes
            and zlib.crc32(payload) == found.header.payload_crc32
        )
        return payload if intact else None

    def scan(self, segment: int, size_bytes: int, thorough: bool) -> Iterator[Found | Lost]:
        """Walk over the frames of a segment; after damage, go on at the next frame.

        Parameters
        ----------
        thorough : check payloads too; otherwise only that of a frame with damage behind it
        """
        offset = 0
        unchecked: Found | None = None  # held back until what follows it is known
        while offset < size_bytes:
            header = self.header_at(segment, offset)
            found = None if header is None else Found(segment, offset, header)
            if found is not None and found.end <= size_bytes and (not thorough or self.payload(found) is not None):
                if unchecked is not None:
                    yield unchecked
                unchecked, offset = found, found.end
                continue
            start = offset
            if unchecked is not None:
                if thorough or self.payload(unchecked) is not None:
                    yield unchecked
                else:  # its length led here, so the next frame may begin inside of it
                    start, header = unchecked.offset, unchecked.header
                unchecked = None
            offset = self._next_frame(segment, start + 1, size_bytes)
            whole = header is not None and start + HEADER_BYTES + header.length_bytes <= size_bytes
            yield Lost(segment, start, offset, header, torn=offset >= size_bytes and not whole)
        if unchecked is not None:
            yield unchecked

    def _next_frame(self, segment: int, offset: int, size_bytes: int) -> int:
        """Where the next header lies; the segment's end where there is none."""
        while offset < size_bytes:
            data = self.read(segment, offset, _SEARCH_BYTES + len(MAGIC) - 1)
            at = data.find(MAGIC)
            while at >= 0:
                if self.header_at(segment, offset + at) is not None:
                    return offset + at
                at = data.find(MAGIC, at + 1)
            offset += _SEARCH_BYTES
        return size_bytes

    def close(self) -> None:
        with self._lock:
            for file in self._files.values():
                file.close()
            self._files.clear()
