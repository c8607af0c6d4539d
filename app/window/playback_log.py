"""What was done while a recording was made, told again while it plays back: so that panes tint and mark it.

The session that plays back has a log of its own, with nothing in it but its comings and goings in time. After each of
them whoever listens is told to forget everything, and then what counts at the tick where it came to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from app.window.desk import Desk, Level
from app.window.playback_seek import Reach, bytes_per_tick
from app.window.work import Work
from rig.lineage import lineage
from rig.log import LogEntry, LogKind
from rig.storage.recording import Recording
from rig.streams import StreamKind

PLAYBACK = "playback"
FORGET = LogEntry(1 << 40, 0, 0.0, LogKind.RESET, {"seed": 0})
TOLD = frozenset({LogKind.PERTURB, LogKind.TRIGGER, LogKind.NOTE, LogKind.MARK})


@dataclass(frozen=True, eq=False)
class Played:
    """A recording on playback; `problems` are what is wrong with it, a line each."""

    path: Path
    reach: Reach
    entries: tuple[LogEntry, ...]
    problems: tuple[str, ...] = ()


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
        return Played(path, reach, during(recording.log, start), tuple(recording.problems))


def during(log: Sequence[LogEntry], start_tick: int) -> tuple[LogEntry, ...]:
    """What is told again: of what led to the recording and what was done in it; notes of earlier are left out.

    Numbered apart from the session's own entries.
    """
    found = [
        e
        for e in lineage(log)
        if e.kind in TOLD and not (e.kind in (LogKind.NOTE, LogKind.MARK) and e.tick < start_tick)
    ]
    return tuple(replace(e, seq=FORGET.seq + 1 + i) for i, e in enumerate(found))


def counts_at(entry: LogEntry, tick: int) -> bool:
    """Whether those who came to a tick must know of it: not of what was over before."""
    stop_tick = entry.payload.get("stop_tick") if entry.kind is LogKind.PERTURB else None
    return stop_tick is None or int(stop_tick) > tick


class PlaybackLog(QObject):
    """Reads the log of the recording that is put on the table, and tells it to the desk's listeners."""

    changed = Signal()  # `played` is another

    def __init__(self, desk: Desk, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.played: Played | None = None
        self._desk = desk
        self._work = Work(self)
        self._came_to = 0
        # all listeners have heard of a return in time before the first is told again
        self._telling = QTimer(self)
        self._telling.setSingleShot(True)
        self._telling.timeout.connect(self._tell)
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
        self._came_to = self._desk.tick
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
        if played.problems:
            more = f", and {len(played.problems) - 1} more" if len(played.problems) > 1 else ""
            self._desk.say(Level.WARNING, f"{played.path.name}: {played.problems[0]}{more}", "\n".join(played.problems))
        self._desk.entries += played.entries
        self._tell()
        self.changed.emit()

    def _on_logged(self, entry: LogEntry) -> None:
        if self.played is not None and entry is not FORGET and entry.kind in (LogKind.RESET, LogKind.RESTORE):
            self._came_to = entry.tick
            self._telling.start(0)

    def _tell(self) -> None:
        """What counts from where the playback came to."""
        if self.played is None:
            return
        self._desk.logged.emit(FORGET)
        for entry in self.played.entries:
            if counts_at(entry, self._came_to):
                self._desk.logged.emit(entry)
