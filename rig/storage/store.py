"""The files of a recording while it is written. Knows disks and layouts, and nothing of queues and threads."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rig.errors import RecordingError
from rig.header import SessionHeader
from rig.storage import disk
from rig.storage.codec import Encoder, codec_of
from rig.storage.disk import storage_error
from rig.storage.gather import Frame
from rig.storage.header_file import write_end, write_header
from rig.storage.layout import LOG_FILE, SNAPSHOT_FOLDER, check_streams
from rig.storage.segment import stream_tag
from rig.storage.segment_writer import SegmentWriter, Unsynced
from rig.storage.snapshot_file import write_snapshot


@dataclass(frozen=True)
class SyncRound:
    """What one sync makes durable.

    Attributes
    ----------
    files : in the order to sync them: the log before the samples, so that no sample outlives what caused it
    stop_ticks : stream → the tick up to which its samples are durable afterwards
    """

    files: tuple[Unsynced, ...]
    stop_ticks: Mapping[str, int]


class Store:
    """A new folder ``NAME.rig`` with its header on the disk, ready for frames.

    Raises
    ------
    RecordingError : something is there already. FormatError : a stream that cannot be recorded. StorageError : the disk
        refuses.
    """

    def __init__(self, path: Path, header: SessionHeader, segment_bytes: int) -> None:
        check_streams(header.streams)
        self.path = path
        self.written_bytes = 0
        self._streams = {info.name: info for info in header.streams}
        self._encoder = Encoder()
        self._log: Unsynced | None = None
        self._log_bytes = 0
        self._log_dirty = False
        try:
            self._create(header)
            self._identity = disk.identity(path)
        except OSError as error:
            raise storage_error(f"asked to record to {path}", error) from error
        self._writers = {
            info.name: SegmentWriter(path / info.name, stream_tag(info.name, header.created_s), segment_bytes)
            for info in header.streams
        }

    def _create(self, header: SessionHeader) -> None:
        path = self.path
        if path.is_symlink() or (path.exists() and not (path.is_dir() and not any(path.iterdir()))):
            raise RecordingError(f"asked to record to {path}; it is there already: choose another name or remove it")
        existed = path.exists()
        path.mkdir(exist_ok=True)
        try:
            for name in (SNAPSHOT_FOLDER, *self._streams):
                (path / name).mkdir()
            file = disk.create_file(path / LOG_FILE)
            self._log = Unsynced(file, path / LOG_FILE, disk.identity(path / LOG_FILE), False, False)
            write_header(path, header)  # last, and it syncs the folder: what has a header is a recording
            disk.sync_folder(path.parent)
        except BaseException:
            self._close_log()
            if not existed:
                shutil.rmtree(path, ignore_errors=True)
            raise

    @property
    def n_frames(self) -> int:
        return sum(writer.n_frames for writer in self._writers.values())

    @property
    def stop_ticks(self) -> dict[str, int]:
        """Stream → the tick up to which it has been written."""
        return {
            name: writer.last_tick + (self._streams[name].ticks_per_sample or 1)
            for name, writer in self._writers.items()
            if writer.last_tick is not None
        }

    def write_frame(self, frame: Frame) -> None:
        """Encode and append a frame. Raises OSError."""
        codec = codec_of(self._streams[frame.stream])
        payload = self._encoder.encode(codec, frame.rows, frame.ticks)
        self.written_bytes += self._writers[frame.stream].append(
            frame.first_tick, frame.last_tick, len(frame.rows), codec, payload
        )

    def write_line(self, line: bytes) -> None:
        """Append to the command log. Raises OSError; a part of a line is taken back where that is possible."""
        assert self._log is not None
        try:
            disk.write_all(self._log.file, [memoryview(line)])
        except OSError:
            with suppress(OSError):
                self._log.file.truncate(self._log_bytes)
            raise
        self._log_bytes += len(line)
        self.written_bytes += len(line)
        self._log_dirty = True

    def write_snapshot(self, tick: int, seq: int, blob: bytes) -> None:
        """Write a snapshot, durably. Raises OSError."""
        self.written_bytes += write_snapshot(self.path, tick, seq, blob)

    def begin_sync(self) -> SyncRound:
        """Name what has been written since the last one; `finish_sync` may then run beside further writing."""
        files: list[Unsynced] = []
        if self._log_dirty and self._log is not None:
            files.append(self._log)
            self._log_dirty = False
        for writer in self._writers.values():
            files += writer.take_unsynced()
        return SyncRound(tuple(files), self.stop_ticks)

    def finish_sync(self, sync_round: SyncRound) -> None:
        """Make it durable, and make sure that it lies where it will be looked for.

        Raises
        ------
        OSError : the disk refuses, or the folder was moved, deleted or unplugged.
        """
        try:
            for entry in sync_round.files:
                disk.sync_file(entry.file)
            for folder in {entry.path.parent for entry in sync_round.files if entry.is_new}:
                disk.sync_folder(folder)
            # bytes written to a deleted file, or to one carried elsewhere, sync without complaint
            for path, expected in [(self.path, self._identity), *((e.path, e.identity) for e in sync_round.files)]:
                if _identity_or_none(path) != expected:
                    raise OSError(0, "its folder was moved, deleted or unplugged")
        finally:
            for entry in sync_round.files:
                if entry.is_full:
                    entry.file.close()

    def finish(self, reason: str, stop_tick: int, wall_time_s: float) -> None:
        """Write the indices and the note of a clean end, after the last sync. Raises OSError."""
        for writer in self._writers.values():
            writer.finish()
        write_end(self.path, reason, stop_tick, wall_time_s)

    def close(self) -> None:
        """Close all files, whatever state they are in."""
        for writer in self._writers.values():
            writer.close()
        self._close_log()

    def _close_log(self) -> None:
        if self._log is not None:
            with suppress(OSError):
                self._log.file.close()
            self._log = None


def _identity_or_none(path: Path) -> tuple[int, int] | None:
    try:
        return disk.identity(path)
    except OSError:
        return None
