"""The recorder: samples, log and snapshots of a run to the disk, append-only.

    subject's thread          writer thread                       sync thread
    write() ─ copies into ─►  frames ─ encode, append ─►  files   every 100 ms: fdatasync, look for the
              a frame         (bounded queue)                     folder and the free space ─► durable tick

The subject waits for the recorder; nothing is dropped. Compressing, writing and syncing let go of the interpreter.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from rig import disk
from rig.errors import ContractError, RecordingError, StorageError
from rig.gather import Frame, Gatherer
from rig.header import SessionHeader
from rig.log import LogEntry, entry_to_line
from rig.recorder_status import (
    RecorderEvent,
    RecorderStatus,
    durable_tick,
    failed_event,
    low_space_event,
    stopped_event,
)
from rig.segment import SEGMENT_BYTES
from rig.space import Space, SpaceState, SpaceWatch
from rig.store import Store, SyncRound
from rig.streams import Chunk

QUEUE_BYTES = 16 << 20


@dataclass(frozen=True)
class _Line:
    line: bytes

    @property
    def n_bytes(self) -> int:
        return len(self.line)


@dataclass(frozen=True)
class _Snapshot:
    tick: int
    seq: int
    blob: bytes

    @property
    def n_bytes(self) -> int:
        return len(self.blob)


_Job = Frame | _Line | _Snapshot


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
        self._store = Store(self.path, header, segment_bytes)
        self._streams = header.streams
        self._interval_s = sync_interval_s
        self._on_event = on_event
        self._free_bytes = free_bytes
        self._clock = clock
        self._gatherers = {info.name: Gatherer(info) for info in header.streams}
        # everything below is guarded by the condition
        self._changed = threading.Condition()
        self._jobs: deque[_Job] = deque()
        self._queued_bytes = 0
        self._raw_bytes = 0
        self._asked = self._begun = self._synced = 0  # numbers of syncs
        self._stop_tick: dict[str, int] = {}  # durable, by stream
        self._space: Space | None = None
        self._closing: str | None = None  # the reason, once the end is asked for
        self._sealed = False  # nothing more is taken
        self._ended = False
        self._out_of_space = False
        self._failure: StorageError | None = None
        self._told = False  # the failure has been raised to whoever writes
        # the writer thread's own
        self._watch = SpaceWatch()
        self._round: Future[None] | None = None
        self._sync_failed = False
        self._due_s = time.monotonic() + sync_interval_s
        self._syncer = ThreadPoolExecutor(1, thread_name_prefix="recorder-sync")
        self._writer = threading.Thread(target=self._run, name="recorder-write", daemon=True)
        self._writer.start()

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
        with self._changed:
            self._check_open()
            gatherer.accept(chunk)
            self._raw_bytes += chunk.data.nbytes
            for frame in gatherer.add(chunk):
                self._put(frame)

    def log(self, entry: LogEntry) -> None:
        """Record an entry of the command log, before the samples that come after it. Raises StorageError."""
        line = entry_to_line(entry).encode() + b"\n"
        with self._changed:
            self._check_open()
            self._put(_Line(line))

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
        with self._changed:
            self._check_open()
            self._put(_Snapshot(tick, seq, blob))

    def sync(self) -> None:
        """Everything recorded so far is durable on return. Raises StorageError."""
        with self._changed:
            self._check_open()
            self._asked += 1
            ticket = self._asked
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._synced >= ticket or self._ended)
            if self._synced < ticket:
                self._check_open()

    def close(self, reason: str = "") -> None:
        """Finish what is queued, sync, and end the recording; calling it again does nothing.

        Raises
        ------
        StorageError : the disk refused, and no other call has said so yet.
        """
        with self._changed:
            if self._closing is None:
                self._closing = reason
            self._changed.notify_all()
        self._writer.join()
        with self._changed:
            if self._failure is not None and not self._told:
                self._told = True
                raise self._failure

    def __enter__(self) -> Recorder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close("" if error is None else f"{type(error).__name__}: {error}")

    @property
    def status(self) -> RecorderStatus:
        with self._changed:
            space = self._space
            return RecorderStatus(
                raw_bytes=self._raw_bytes,
                written_bytes=self._store.written_bytes,
                bytes_per_s=0.0 if space is None else space.bytes_per_s,
                free_bytes=None if space is None else space.free_bytes,
                seconds_left=None if space is None else space.seconds_left,
                durable_ticks=dict(self._stop_tick),
                durable_tick=durable_tick(self._streams, self._stop_tick),
                n_frames=self._store.n_frames,
                failure=None if self._failure is None else str(self._failure),
            )

    def _check_open(self) -> None:
        if self._sealed or self._out_of_space:  # the writer is finishing; how it ends decides what to say
            self._changed.wait_for(lambda: self._ended)
        if self._failure is not None:
            self._told = True
            raise StorageError(str(self._failure))
        if self._closing is not None:
            raise RecordingError(f"asked to record to {self.path.name}; this recording is closed: start another")

    def _put(self, job: _Job) -> None:
        self._changed.wait_for(
            lambda: (
                self._ended or self._sealed or not self._queued_bytes or self._queued_bytes + job.n_bytes <= QUEUE_BYTES
            )
        )
        if self._ended or self._sealed:
            self._check_open()
        self._jobs.append(job)
        self._queued_bytes += job.n_bytes
        self._changed.notify_all()

    # ---- the writer thread

    def _run(self) -> None:
        try:
            while not self._sealed:
                self._turn()
            event = self._finish()
        except OSError as error:
            event = self._rescue(error)
        except Exception as error:  # a fault of ours must not leave the subject waiting for a dead thread
            logging.getLogger(__name__).exception("the recorder failed")
            event = self._rescue(OSError(0, f"a fault in the recorder ({type(error).__name__}: {error})"))
        self._syncer.shutdown(wait=True)
        self._store.close()
        with self._changed:
            self._jobs.clear()
            self._failure = None if event is None else StorageError(event.message)
            self._ended = True
            self._changed.notify_all()
        if event is not None:
            self._tell(event)

    def _turn(self) -> None:
        """Wait for work, do all of it, and begin a sync when one is due."""
        with self._changed:
            self._changed.wait_for(self._has_work, timeout=max(0.0, self._due_s - time.monotonic()))
            if self._sync_failed and self._round is not None:
                self._round.result()
            asked, ending = self._asked > self._begun, self._closing is not None or self._out_of_space
            due = asked or ending or time.monotonic() >= self._due_s
            jobs, self._jobs = self._jobs, deque()
            if due:  # what has waited long enough goes out in frames that are not full
                frames = [frame for g in self._gatherers.values() if (frame := g.take()) is not None]
                self._queued_bytes += sum(frame.n_bytes for frame in frames)
                jobs.extend(frames)
            self._sealed = ending
            ticket = self._begun = self._asked
        for job in jobs:
            self._do(job)
        if due:
            self._due_s = time.monotonic() + self._interval_s
            self._sync(ticket, wait=asked or ending)

    def _has_work(self) -> bool:
        ending = self._closing is not None or self._out_of_space
        return bool(self._jobs) or self._asked > self._begun or ending or self._sync_failed

    def _do(self, job: _Job) -> None:
        if isinstance(job, Frame):
            self._store.write_frame(job)
        elif isinstance(job, _Line):
            self._store.write_line(job.line)
        else:
            self._store.write_snapshot(job.tick, job.seq, job.blob)
        with self._changed:
            self._queued_bytes -= job.n_bytes
            if isinstance(job, Frame):
                self._gatherers[job.stream].recycle(job)
            self._changed.notify_all()

    def _sync(self, ticket: int, wait: bool) -> None:
        if self._round is not None:
            if not (wait or self._round.done()):
                return  # the disk is slow; the frames are written, and the next round takes them along
            self._round.result()
        self._round = self._syncer.submit(self._sync_round, self._store.begin_sync(), ticket)

    def _finish(self) -> RecorderEvent | None:
        """The end that was asked for, or that little space asks for."""
        if self._round is not None:
            self._round.result()
        safe = max(self._stop_tick.values(), default=0)
        stopped = self._closing is None
        self._store.finish(
            "less than a minute of space was left" if stopped else self._closing or "", safe, time.time()
        )
        if not stopped:
            return None
        return stopped_event(self.path.name, self._space, safe)

    def _rescue(self, error: OSError) -> RecorderEvent:
        """The disk refused: make durable what it took before, unless it was the syncing itself that failed."""
        with suppress(OSError):
            if self._round is not None:
                self._round.result()
            if not self._sync_failed:
                last = self._store.begin_sync()
                self._store.finish_sync(last)
                with self._changed:
                    self._stop_tick.update(last.stop_ticks)
        return failed_event(self.path, error, max(self._stop_tick.values(), default=None))

    # ---- the sync thread

    def _sync_round(self, sync_round: SyncRound, ticket: int) -> None:
        try:
            self._store.finish_sync(sync_round)
            space = self._look_at_space()
        except Exception:
            with self._changed:
                self._sync_failed = True  # the writer thread finds the reason in the round's result
                self._changed.notify_all()
            raise
        with self._changed:
            before, self._space = self._space, space
            self._out_of_space = self._out_of_space or (space is not None and space.state is SpaceState.OUT)
            self._stop_tick.update(sync_round.stop_ticks)
            self._synced = max(self._synced, ticket)
            self._changed.notify_all()
        if space is not None and space.state is SpaceState.LOW and (before is None or before.state is SpaceState.AMPLE):
            self._tell(low_space_event(self.path.name, space))

    def _look_at_space(self) -> Space | None:
        try:
            free = self._free_bytes(self.path)
        except OSError:  # not every disk tells; writing will say when it is full
            return None
        return self._watch.look(self._clock(), self._store.written_bytes, free)

    def _tell(self, event: RecorderEvent) -> None:
        if self._on_event is not None:
            try:
                self._on_event(event)
            except Exception:  # the recording does not depend on who listens
                logging.getLogger(__name__).exception("whoever listens to the recorder failed")
