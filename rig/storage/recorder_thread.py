"""The threads of a recorder: one encodes and writes, another waits for the disk.

A sync runs beside the writing, so that a disk that takes long to say "durable" does not hold up the samples; there is
one at a time, and while it runs the next one's files gather.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from rig.errors import StorageError
from rig.storage.background import BackgroundThread, Task
from rig.storage.gather import Frame, Gatherer
from rig.storage.recorder_status import RecorderEvent, failed_event, low_space_event, stopped_event
from rig.storage.space import Space, SpaceState, SpaceWatch
from rig.storage.store import Store, SyncRound
from rig.storage.traffic import Job, Line, Traffic

Listener = Callable[[RecorderEvent], None]


class RecorderThread:
    """Writes what comes in, until the end is asked for or the disk refuses.

    Parameters
    ----------
    store : the files; closed at the end
    traffic : what to write, and where to say how far it is
    gatherers : of the streams; what they have gathered is taken when a sync is due
    interval_s : from sync to sync
    on_event : told from these threads
    free_bytes, clock : how to measure space and time
    """

    def __init__(
        self,
        store: Store,
        traffic: Traffic,
        gatherers: Mapping[str, Gatherer],
        interval_s: float,
        on_event: Listener | None,
        free_bytes: Callable[[Path], int],
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._traffic = traffic
        self._gatherers = gatherers
        self._interval_s = interval_s
        self._on_event = on_event
        self._free_bytes = free_bytes
        self._clock = clock
        self._watch = SpaceWatch()
        self._due_s = time.monotonic() + interval_s
        self._round: Task | None = None
        self._syncer = BackgroundThread("recorder-sync")
        self._thread = threading.Thread(target=self._run, name="recorder-write", daemon=True)
        self._thread.start()

    def join(self) -> None:
        self._thread.join()

    # ---- writing

    def _run(self) -> None:
        traffic = self._traffic
        try:
            while not traffic.sealed:
                self._turn()
            event = self._finish()
        except OSError as error:
            event = self._rescue(error)
        except Exception as error:  # a fault of ours must not leave the subject waiting for a dead thread
            logging.getLogger(__name__).exception("the recorder failed")
            event = self._rescue(OSError(0, f"a fault in the recorder ({type(error).__name__}: {error})"))
        self._syncer.close()
        self._store.close()
        with traffic.changed:
            traffic.jobs.clear()
            traffic.failure = None if event is None else StorageError(event.message)
            traffic.ended = True
            traffic.changed.notify_all()
        if event is not None:
            self._tell(event)

    def _turn(self) -> None:
        """Wait for work, do all of it, and begin a sync when one is due."""
        traffic = self._traffic
        with traffic.changed:
            traffic.changed.wait_for(self._has_work, timeout=max(0.0, self._due_s - time.monotonic()))
            failed = traffic.sync_failed
            asked, ending = traffic.n_asked > traffic.n_begun, traffic.ending
            due = asked or ending or time.monotonic() >= self._due_s
            if due:  # what has waited long enough goes out in frames that are not full
                traffic.add(frame for g in self._gatherers.values() if (frame := g.take()) is not None)
            jobs, traffic.jobs = traffic.jobs, deque()
            traffic.sealed = ending
            ticket = traffic.n_begun = traffic.n_asked
        if failed and self._round is not None:
            self._round.result()
        for job in jobs:
            self._do(job)
        if due:
            self._due_s = time.monotonic() + self._interval_s
            self._begin_round(ticket, wait=asked or ending)

    def _has_work(self) -> bool:
        traffic = self._traffic
        return bool(traffic.jobs) or traffic.n_asked > traffic.n_begun or traffic.ending or traffic.sync_failed

    def _do(self, job: Job) -> None:
        if isinstance(job, Frame):
            self._store.write_frame(job)
        elif isinstance(job, Line):
            self._store.write_line(job.line)
        else:
            self._store.write_snapshot(job.tick, job.seq, job.blob)
        with self._traffic.changed:
            self._traffic.queued_bytes -= job.n_bytes
            if isinstance(job, Frame):
                self._gatherers[job.stream].recycle(job)
            self._traffic.changed.notify_all()

    def _finish(self) -> RecorderEvent | None:
        """The end that was asked for, or that little space asks for."""
        if self._round is not None:
            self._round.result()
        traffic = self._traffic
        safe_tick = max(traffic.stop_ticks.values(), default=0)
        reason = "less than a minute of space was left" if traffic.close_reason is None else traffic.close_reason
        self._store.finish(reason, safe_tick, time.time())
        if traffic.close_reason is not None:
            return None
        return stopped_event(self._store.path.name, traffic.space, safe_tick)

    def _rescue(self, error: OSError) -> RecorderEvent:
        """The disk refused: make durable what it took before, unless it was the syncing itself that failed.

        After a failed sync the next may report success although the kernel has let go of the pages, so none is tried.
        """
        traffic = self._traffic
        with suppress(OSError):
            if self._round is not None:
                self._round.result()
            if not traffic.sync_failed:
                last = self._store.begin_sync()
                self._store.finish_sync(last)
                with traffic.changed:
                    traffic.stop_ticks.update(last.stop_ticks)
        return failed_event(self._store.path, error, max(traffic.stop_ticks.values(), default=None))

    # ---- syncing

    def _begin_round(self, ticket: int, wait: bool) -> None:
        if self._round is not None:
            if not (wait or self._round.done):
                return  # the disk is slow; the frames are written, and the next round takes them along
            self._round.result()
        sync_round = self._store.begin_sync()
        self._round = self._syncer.start(lambda: self._sync(sync_round, ticket))

    def _sync(self, sync_round: SyncRound, ticket: int) -> None:
        traffic = self._traffic
        try:
            self._store.finish_sync(sync_round)
            space = self._look_at_space()
        except Exception:
            with traffic.changed:
                traffic.sync_failed = True  # the writer finds the reason in the round's result
                traffic.changed.notify_all()
            raise
        with traffic.changed:
            before, traffic.space = traffic.space, space
            traffic.out_of_space = traffic.out_of_space or (space is not None and space.state is SpaceState.OUT)
            traffic.stop_ticks.update(sync_round.stop_ticks)
            traffic.n_synced = max(traffic.n_synced, ticket)
            traffic.changed.notify_all()
        if space is not None and space.state is SpaceState.LOW and (before is None or before.state is SpaceState.AMPLE):
            self._tell(low_space_event(self._store.path.name, space))

    def _look_at_space(self) -> Space | None:
        try:
            free = self._free_bytes(self._store.path)
        except OSError:  # not every disk tells; writing will say when it is full
            return None
        return self._watch.look(self._clock(), self._store.written_bytes, free)

    def _tell(self, event: RecorderEvent) -> None:
        if self._on_event is not None:
            try:
                self._on_event(event)
            except Exception:  # the recording does not depend on who listens
                logging.getLogger(__name__).exception("whoever listens to the recorder failed")
