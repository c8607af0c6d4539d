"""What was done while a recording was made, told again while it plays back: so that panes tint and mark it.

The session that plays back has a log of its own, with nothing in it but its comings and goings in time. After each of
them whoever listens forgets what lies ahead, and is told again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from app.window.desk import Desk
from app.window.playback_seek import Reach, bytes_per_tick
from app.window.work import Work
from rig.lineage import lineage
from rig.log import LogEntry, LogKind
from rig.recording import Recording
from rig.streams import StreamKind

PLAYBACK = "playback"
FIRST_SEQ = 1 << 40  # of what is told: apart from the session's own entries, and never twice the same
TOLD = frozenset({LogKind.PERTURB, LogKind.TRIGGER, LogKind.NOTE, LogKind.MARK})


@dataclass(frozen=True, eq=False)
class Played:
    """A recording on playback."""

    path: Path
    reach: Reach
    entries: tuple[LogEntry, ...]


def read_played(path: Path) -> Played:
    """Raises FormatError, StorageError."""
    with Recording.open(path) as recording:
        streams = recording.streams
        frames = next((s.name for s in streams.values() if s.kind is StreamKind.IMAGE), None)
        frame_ticks = 0
        if frames is not None:
            extent = recording.extent(frames)
            if extent.n_samples > 1:
                frame_ticks = round(1.05 * (extent.stop_tick - extent.start_tick) / (extent.n_samples - 1)) + 1
        start = recording.header.start_tick
        reach = Reach(start, recording.stop_tick, bytes_per_tick(streams.values()), frame_ticks)
        return Played(path, reach, during(recording.log, start))


def during(log: Sequence[LogEntry], start_tick: int) -> tuple[LogEntry, ...]:
    """What is told again: of what led to the recording and what was done in it; notes of earlier are left out."""
    return tuple(
        e
        for e in lineage(log)
        if e.kind in TOLD and not (e.kind in (LogKind.NOTE, LogKind.MARK) and e.tick < start_tick)
    )


class PlaybackLog(QObject):
    """Reads the log of the recording that is put on the table, and tells it to the desk's listeners."""

    changed = Signal()  # `played` is another

    def __init__(self, desk: Desk, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.played: Played | None = None
        self._desk = desk
        self._work = Work(self)
        self._seqs = count(FIRST_SEQ)
        self._forgotten_after: int | None = None  # by the listeners; -1 for everything
        # all listeners have heard of a return in time before the first is told again
        self._telling = QTimer(self)
        self._telling.setSingleShot(True)
        self._telling.timeout.connect(self._tell_again)
        self._work.done.connect(self._on_read)
        self._work.failed.connect(lambda line: None)  # the subject itself could be opened; its bar stays away
        desk.opened.connect(self._on_opened)
        desk.closed.connect(self._on_closed)
        desk.logged.connect(self._on_logged)

    def stop(self) -> None:
        self._work.stop()

    def _on_opened(self) -> None:
        description, asked = self._desk.description, self._desk.asked
        if description is None or asked is None or description.info.end_tick is None or asked.plugin != PLAYBACK:
            return
        for info in description.streams:
            if info.kind is StreamKind.FIELD:  # recorded potentials need no probe to be put in
                self._desk.do(lambda c, name=info.name: c.watch(name, None))  # type: ignore[misc]
        path = Path(asked.options["recording"])
        self._work.start(lambda progress, cancel: read_played(path))

    def _on_closed(self) -> None:
        self._work.stop()
        if self.played is not None:
            self.played = None
            self.changed.emit()

    def _on_read(self, played: Played) -> None:
        self.played = played
        self._forgotten_after = -1
        self._tell_again()
        self.changed.emit()

    def _on_logged(self, entry: LogEntry) -> None:
        if self.played is None or entry.kind not in (LogKind.RESET, LogKind.RESTORE):
            return
        tick = -1 if entry.kind is LogKind.RESET else entry.tick
        before = self._forgotten_after
        self._forgotten_after = tick if before is None else min(before, tick)
        self._telling.start(0)

    def _tell_again(self) -> None:
        """What lies ahead of where the listeners' memory ends."""
        tick, self._forgotten_after = self._forgotten_after, None
        if self.played is None or tick is None:
            return
        for entry in self.played.entries:
            if lies_ahead(entry, tick):
                told = replace(entry, seq=next(self._seqs))
                self._desk.entries.append(told)
                self._desk.logged.emit(told)


def lies_ahead(entry: LogEntry, tick: int) -> bool:
    """Whether those who go back to a tick have forgotten this."""
    return entry.tick > tick or (entry.kind is LogKind.PERTURB and int(entry.payload["start_tick"]) >= tick)
