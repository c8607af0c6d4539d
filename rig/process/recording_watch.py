"""Looking after a recording from outside: its figures, and an end to it that cannot fail."""

from __future__ import annotations

import logging
import math
import time

from rig.errors import StorageError
from rig.process.protocol import RecordingFailed, RecordingWarned
from rig.process.status import RecorderFigures
from rig.session import Session
from rig.storage.recorder_status import RecorderEvent, RecorderEventKind

LOOK_S = 0.25

_log = logging.getLogger(__name__)


class RecordingWatch:
    """Watches the recordings of a session."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._figures: RecorderFigures | None = None
        self._next_look_s = 0.0

    def figures(self) -> RecorderFigures | None:
        """How the recording goes, looked up now and then; None when there is none, and for one that ended by itself."""
        recorder = self._session.recorder
        now = time.monotonic()
        if recorder is None:
            self._figures = None
        elif self._figures is None or now >= self._next_look_s:
            self._next_look_s = now + LOOK_S
            status = recorder.status
            self._figures = RecorderFigures(
                raw_bytes=status.raw_bytes,
                disk_bytes=status.written_bytes,
                bytes_per_s=status.bytes_per_s,
                seconds_left=math.nan if status.seconds_left is None else status.seconds_left,
                durable_tick=-1 if status.durable_tick is None else status.durable_tick,
            )
            if status.failure is not None:  # found out while nothing was written: let go of it
                self.close("")
                self._figures = None
        return self._figures

    def close(self, reason: str) -> None:
        """Close the recording whatever happens."""
        try:
            self._session.stop_recording(reason)
        except StorageError:
            pass  # the recorder has told it
        except Exception:  # a subject too far gone cannot even say its tick: close without a last entry
            _log.exception("stopping the recording")
            if self._session.recorder is not None:
                self._session.recorder.close(reason)


def event_of(event: RecorderEvent) -> RecordingFailed | RecordingWarned:
    """What the recorder tells, for the client."""
    if event.kind is RecorderEventKind.SPACE_LOW:
        return RecordingWarned(event.message)
    return RecordingFailed(event.message)
