"""The recorder: samples, log and snapshots of a run to the disk, append-only.

    subject's thread          writer thread                       sync thread
    write() ─ copies into ─►  frames ─ encode, append ─►  files   every 100 ms: fdatasync, look for the
              a frame         (bounded queue)                     folder and the free space ─► durable tick

The subject waits for the recorder; nothing is dropped. Compressing, writing and syncing let go of the interpreter.
"""

from __future__ import annotations

import atexit
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from rig.errors import ContractError, StorageError
from rig.header import SessionHeader
from rig.log import LogEntry, entry_to_line
from rig.storage import disk
from rig.storage.gather import Gatherer
from rig.storage.recorder_status import RecorderEvent, RecorderStatus, durable_tick
from rig.storage.recorder_thread import RecorderThread
from rig.storage.segment import SEGMENT_BYTES
from rig.storage.store import Store
from rig.storage.traffic import Line, SnapshotBlob, Traffic
from rig.streams import Chunk


class Recorder:
    """A recording being made. One thread writes samples; any thread may look at `status`, `log` or `sync`.

    Parameters
    ----------
    path : folder to make, ``NAME.rig``; an existing recording is never overwritten
    header : what is known beforehand; on the disk when the constructor returns
    sync_interval_s : what was written longer ago is durable
    on_event : told of little space and of failures, from a thread of the recorder; it must not call the recorder
    segment_bytes : size of a segment file
    free_bytes : measures the free space

    Raises
    ------
    RecordingError : something is there already. FormatError : a stream that cannot be recorded. StorageError : the disk
        refuses.
    """

    def __init__(
        self,
        path: Path,
        header: SessionHeader,
        *,
        sync_interval_s: float = 0.1,
        on_event: Callable[[RecorderEvent], None] | None = None,
        segment_bytes: int = SEGMENT_BYTES,
        free_bytes: Callable[[Path], int] = disk.free_bytes,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.path = Path(path).absolute()
        self._streams = header.streams
        self._raw_bytes = 0
        self._store = Store(self.path, header, segment_bytes)
        self._traffic = Traffic(self.path.name)
        self._gatherers = {info.name: Gatherer(info) for info in header.streams}
        self._thread = RecorderThread(
            self._store, self._traffic, self._gatherers, sync_interval_s, on_event, free_bytes, clock
        )
        atexit.register(self._close_at_exit)

    # ---- what the session calls

    def write(self, chunk: Chunk) -> None:
        """Record a chunk; waits when the disk is behind. A regular one that begins later than expected leaves a gap.

        Raises
        ------
        ContractError : no such stream, or not its layout. TickError : it goes back in time.
        StorageError : the disk refused (perhaps an earlier chunk); the recording has ended.
        """
        gatherer = self._gatherers.get(chunk.stream)
        if gatherer is None:
            raise ContractError(
                f"got a chunk of stream {chunk.stream!r}; recorded are {', '.join(self._gatherers) or 'no streams'}"
            )
        if len(chunk) == 0:
            return
        with self._traffic.changed:
            self._traffic.check_open()
            gatherer.accept(chunk)
            self._raw_bytes += chunk.data.nbytes
            for frame in gatherer.add(chunk):
                self._traffic.put(frame)

    def log(self, entry: LogEntry) -> None:
        """Record an entry of the command log, before the samples that come after it. Raises StorageError."""
        line = entry_to_line(entry).encode() + b"\n"
        self._put(Line(line))

    def snapshot(self, tick: int, seq: int, blob: bytes) -> None:
        """Record a snapshot of the subject.

        Parameters
        ----------
        tick : the subject's at that moment
        seq : of the first entry of the command log that is not in it
        blob : from `Subject.snapshot`

        Raises
        ------
        StorageError
        """
        self._put(SnapshotBlob(tick, seq, blob))

    def _put(self, job: Line | SnapshotBlob) -> None:
        with self._traffic.changed:
            self._traffic.check_open()
            self._traffic.put(job)

    def sync(self) -> None:
        """Everything recorded so far is durable on return. Raises StorageError."""
        traffic = self._traffic
        with traffic.changed:
            traffic.check_open()
            traffic.n_asked += 1
            ticket = traffic.n_asked
            traffic.changed.notify_all()
            traffic.changed.wait_for(lambda: traffic.n_synced >= ticket or traffic.ended)
            if traffic.n_synced < ticket:
                traffic.check_open()

    def close(self, reason: str = "") -> None:
        """Finish what is queued, sync, and end the recording; calling it again does nothing.

        Raises
        ------
        StorageError : the disk refused, and no other call has said so yet.
        """
        traffic = self._traffic
        with traffic.changed:
            if traffic.close_reason is None:
                traffic.close_reason = reason
            traffic.changed.notify_all()
        self._thread.join()
        atexit.unregister(self._close_at_exit)
        if traffic.failure is not None and not traffic.told:
            traffic.told = True
            raise traffic.failure

    def _close_at_exit(self) -> None:
        with suppress(StorageError):  # the listener was told
            self.close("the program ended")

    def __enter__(self) -> Recorder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close("" if error is None else f"{type(error).__name__}: {error}")

    @property
    def status(self) -> RecorderStatus:
        traffic = self._traffic
        with traffic.changed:
            space = traffic.space
            return RecorderStatus(
                raw_bytes=self._raw_bytes,
                written_bytes=self._store.written_bytes,
                bytes_per_s=0.0 if space is None else space.bytes_per_s,
                free_bytes=None if space is None else space.free_bytes,
                seconds_left=None if space is None else space.seconds_left,
                durable_ticks=dict(traffic.stop_ticks),
                durable_tick=durable_tick(self._streams, traffic.stop_ticks),
                n_frames=self._store.n_frames,
                failure=None if traffic.failure is None else str(traffic.failure),
            )
