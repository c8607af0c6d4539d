"""What passes between those who record and the threads that write: a bounded queue, and how far things are."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from rig.errors import RecordingError, StorageError
from rig.storage.gather import Frame
from rig.storage.space import Space

QUEUE_BYTES = 16 << 20


@dataclass(frozen=True)
class Line:
    """A line of the command log on its way to the disk."""

    line: bytes

    @property
    def n_bytes(self) -> int:
        return len(self.line)


@dataclass(frozen=True)
class SnapshotBlob:
    """A snapshot on its way to the disk."""

    tick: int
    seq: int
    blob: bytes

    @property
    def n_bytes(self) -> int:
        return len(self.blob)


Job = Frame | Line | SnapshotBlob


class Traffic:
    """Shared state of a recorder. Every attribute and method but the condition itself needs `changed` to be held.

    Attributes
    ----------
    changed : told whenever anything here changes
    jobs, queued_bytes : what is to be written, also what the writer has taken but not finished
    n_asked, n_begun, n_synced : number of the latest sync asked for, begun, and finished
    stop_ticks : stream → the tick up to which it is durable
    space : the latest look at the disk
    close_reason : once somebody asked for the end
    out_of_space, sync_failed : the disk asks for the end
    sealed : the writer has taken its last jobs
    ended : everything is over, `failure` says how
    told : the failure has been raised to whoever records
    """

    def __init__(self, name: str) -> None:
        self.changed = threading.Condition()
        self.jobs: deque[Job] = deque()
        self.queued_bytes = 0
        self.n_asked = self.n_begun = self.n_synced = 0
        self.stop_ticks: dict[str, int] = {}
        self.space: Space | None = None
        self.close_reason: str | None = None
        self.out_of_space = False
        self.sync_failed = False
        self.sealed = False
        self.ended = False
        self.failure: StorageError | None = None
        self.told = False
        self._name = name

    @property
    def ending(self) -> bool:
        return self.close_reason is not None or self.out_of_space

    def check_open(self) -> None:
        """Raises StorageError when the recording has failed, RecordingError when it is closed."""
        if self.sealed or self.out_of_space:  # the writer is finishing; how it ends decides what to say
            self.changed.wait_for(lambda: self.ended)
        if self.failure is not None:
            self.told = True
            raise StorageError(str(self.failure))
        if self.close_reason is not None:
            raise RecordingError(f"asked to record to {self._name}; this recording is closed: start another")

    def put(self, job: Job) -> None:
        """Queue a job, and wait until the queue is short again. Raises as `check_open`.

        The job goes in first: whoever interrupts the waiting loses nothing.
        """
        if self.sealed or self.ended:
            self.check_open()
        self.add([job])
        self.changed.wait_for(lambda: self.queued_bytes <= QUEUE_BYTES or self.sealed or self.ended)
        if self.failure is not None:
            self.check_open()

    def add(self, jobs: Iterable[Job]) -> None:
        for job in jobs:
            self.jobs.append(job)
            self.queued_bytes += job.n_bytes
        self.changed.notify_all()
