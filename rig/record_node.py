"""The session's record node: at most one recording at a time, and what becomes of it when the disk refuses."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Concatenate, ParamSpec

from rig.errors import SessionError, StorageError
from rig.header import SessionHeader
from rig.log import LogEntry
from rig.storage.recorder import Recorder
from rig.storage.recorder_status import RecorderEvent
from rig.streams import Chunk

P = ParamSpec("P")

SNAPSHOT_INTERVAL_S = 5.0  # of wall time while recording: a re-derivation starts at most this much work too early


class RecordNode:
    """Passes what happens on to a recorder, when there is one.

    When the disk refuses, the recording ends there (the recorder has closed what it could) and the subject goes on;
    `failure` says why.

    Parameters
    ----------
    on_event : told by the recorder of little space and of failures, from a thread of its own
    """

    def __init__(self, on_event: Callable[[RecorderEvent], None] | None = None) -> None:
        self.recorder: Recorder | None = None
        self.failure: StorageError | None = None
        self._streams: frozenset[str] = frozenset()
        self._on_event = on_event
        self._next_snapshot_s = 0.0

    @property
    def recording(self) -> bool:
        return self.recorder is not None

    def records(self, stream: str) -> bool:
        return self.recorder is not None and stream in self._streams

    def refuse_while_recording(self, what: str) -> None:
        """Raises SessionError."""
        if self.recorder is not None:
            raise SessionError(f"asked to {what} while recording; stop the recording first, or re-derive afterwards")

    def start(self, path: Path, header: SessionHeader, log: Sequence[LogEntry]) -> None:
        """Begin a recording with the log so far. Raises RecordingError, StorageError."""
        recorder = Recorder(path, header, on_event=self._on_event)
        self.failure = None
        self.recorder = recorder
        self._streams = frozenset(s.name for s in header.streams)
        for entry in log:
            self.log(entry)

    def stop(self, reason: str) -> None:
        """Close the recording. Raises StorageError when the disk refuses the last of it."""
        recorder, self.recorder = self.recorder, None
        if recorder is not None:
            recorder.close(reason)

    def write(self, chunk: Chunk) -> None:
        if len(chunk) and self.records(chunk.stream):
            self._try(Recorder.write, chunk)

    def log(self, entry: LogEntry) -> None:
        self._try(Recorder.log, entry)

    @property
    def wants_snapshot(self) -> bool:
        return self.recorder is not None and time.monotonic() >= self._next_snapshot_s

    def snapshot(self, tick: int, seq: int, blob: bytes) -> None:
        self._try(Recorder.snapshot, tick, seq, blob)
        self._next_snapshot_s = time.monotonic() + SNAPSHOT_INTERVAL_S

    def _try(self, act: Callable[Concatenate[Recorder, P], None], *args: P.args, **kwargs: P.kwargs) -> None:
        if self.recorder is None:
            return
        try:
            act(self.recorder, *args, **kwargs)
        except StorageError as error:
            self.recorder = None
            self.failure = error
