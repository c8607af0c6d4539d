"""Appending the frames of one stream to its segments, and telling which files are not on the disk yet."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rig.storage import disk
from rig.storage.disk import AppendFile
from rig.storage.layout import INDEX_FILE
from rig.storage.segment import HEADER_BYTES, FrameHeader, crc32_of, pack_header, pack_index, pack_row, segment_name


@dataclass(frozen=True)
class Unsynced:
    """A file with bytes that a sync has yet to make durable.

    Attributes
    ----------
    file, path : the open file and where it should be
    identity : device and inode of the file, so that a folder moved away is noticed
    is_new : its name is not durable either
    is_full : nothing more is written to it; whoever syncs it closes it
    """

    file: AppendFile
    path: Path
    identity: tuple[int, int]
    is_new: bool
    is_full: bool


class SegmentWriter:
    """Segments of one stream.

    Parameters
    ----------
    folder : the stream's, existing and empty
    tag : see `rig.storage.segment.stream_tag`
    segment_bytes : a segment is closed before it grows beyond
    """

    def __init__(self, folder: Path, tag: int, segment_bytes: int) -> None:
        self.folder = folder
        self.n_frames = 0
        self.last_tick: int | None = None
        self._tag = tag
        self._segment_bytes = segment_bytes
        self._number = -1
        self._open: Unsynced | None = None
        self._size = 0
        self._dirty = False
        self._full: list[Unsynced] = []
        self._rows = bytearray()

    def append(self, first_tick: int, last_tick: int, n_samples: int, codec: int, payload: Sequence[memoryview]) -> int:
        """Write one frame; returns its bytes.

        Raises
        ------
        OSError : the disk refuses; what was written of the frame is taken back where that is possible.
        """
        length = sum(piece.nbytes for piece in payload)
        header = FrameHeader(codec, first_tick, last_tick, n_samples, length, crc32_of(payload))
        current = self._segment_for(HEADER_BYTES + length)
        try:
            disk.write_all(current.file, [memoryview(pack_header(header, self._tag)), *payload])
        except OSError:
            with suppress(OSError):
                current.file.truncate(self._size)
            raise
        self._rows += pack_row(self._number, self._size, header)
        self._size += HEADER_BYTES + length
        self._dirty = True
        self.n_frames += 1
        self.last_tick = last_tick
        return HEADER_BYTES + length

    def _segment_for(self, n_bytes: int) -> Unsynced:
        current = self._open
        if current is not None and self._size + n_bytes <= self._segment_bytes:
            return current
        if current is not None:
            self._full.append(Unsynced(current.file, current.path, current.identity, current.is_new, True))
            self._open = None
        path = self.folder / segment_name(self._number + 1)
        file = disk.create_file(path)
        self._number += 1
        self._open = Unsynced(file, path, disk.identity(path), True, False)
        self._size = 0
        return self._open

    def take_unsynced(self) -> list[Unsynced]:
        """Files to sync, in the order they were written; the caller owns the full ones from now on."""
        taken, self._full = self._full, []
        if self._open is not None and self._dirty:
            current = self._open
            taken.append(current)
            self._open = Unsynced(current.file, current.path, current.identity, False, False)
            self._dirty = False
        return taken

    def finish(self) -> None:
        """Write the index that spares readers the scan. The segments must have been synced."""
        if self.n_frames:
            disk.write_durably(self.folder / INDEX_FILE, pack_index(bytes(self._rows), self._tag))

    def close(self) -> None:
        """Close what is open, synced or not."""
        for entry in [*self._full, *([self._open] if self._open else [])]:
            with suppress(OSError):
                entry.file.close()
        self._full = []
        self._open = None
