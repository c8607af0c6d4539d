"""Looking after a recording from outside: its figures, and whether it still lives."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable

from rig.errors import HeadstageError
from rig.protocol import Event, RecordingFailed, RecordingWarned
from rig.session import Session
from rig.status import RecorderFigures

LOOK_S = 0.25
LOW_S = 600.0  # of space left


class RecordingWatch:
    """Tells once of every recording that failed, and once of little space."""

    def __init__(self, session: Session, tell: Callable[[Event], None]) -> None:
        self.figures: RecorderFigures | None = None
        self._session = session
        self._tell = tell
        self._next_look_s = 0.0
        self._warned = False
        self._told: HeadstageError | None = None

    def look(self) -> None:
        """Cheap when called often."""
        recorder = self._session.recorder
        if recorder is None:
            failure = self._session.recording_failure
            if failure is not None and failure is not self._told:
                self._tell(RecordingFailed(str(failure)))
            self._told = failure
            self.figures = None
            return
        now = time.monotonic()
        if self.figures is not None and now < self._next_look_s:
            return
        self._next_look_s = now + LOOK_S
        status = recorder.status
        self.figures = RecorderFigures(
            raw_bytes=status.raw_bytes,
            disk_bytes=status.written_bytes,
            bytes_per_s=status.bytes_per_s,
            seconds_left=math.nan if status.seconds_left is None else status.seconds_left,
            durable_tick=-1 if status.durable_tick is None else status.durable_tick,
        )
        if status.failure is not None:
            self.close("")
            return
        low = status.seconds_left is not None and status.seconds_left < LOW_S
        if low and not self._warned and status.seconds_left is not None:
            minutes = status.seconds_left / 60
            self._tell(
                RecordingWarned(
                    f"the disk has space for {minutes:.0f} more minutes of this recording; it ends by itself a minute "
                    "before: make space, or record fewer units"
                )
            )
        self._warned = low

    def close(self, reason: str) -> None:
        """Close the recording whatever happens, and tell when the disk refuses."""
        try:
            self._session.stop_recording(reason)
        except HeadstageError as error:
            self._tell(RecordingFailed(str(error)))
        except Exception:  # a subject beyond its mind cannot even say its tick: close without a last entry
            logging.getLogger(__name__).exception("stopping the recording")
            if self._session.recorder is not None:
                self._session.recorder.close(reason)
