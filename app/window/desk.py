"""The desk: the client, and what the panes agree on. The only place in the window that talks to the rig."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from typing import Any, TypeVar

from PySide6.QtCore import QObject, QThread, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack

from app.window.past_view import PastView
from app.window.scope_rows import n_measures
from app.window.speeds import Speed
from app.window.trigger_choice import TriggerChoice
from app.window.twin_view import TwinChoice
from app.window.view import TimeView, UnitSet
from rig.errors import HeadstageError
from rig.log import LogEntry, LogKind
from rig.probe import Probe
from rig.process.client import RigClient
from rig.process.protocol import (
    OVER,
    Description,
    Logged,
    RecordingFailed,
    RecordingWarned,
    State,
    StateChanged,
    StreamClosed,
    StreamOpened,
    SubjectCrashed,
    SubjectFailed,
    SubjectHung,
)
from rig.process.ring_reader import RingReader
from rig.process.status import Status
from rig.streams import StreamInfo, StreamKind

FIRST_TIME = "The first time here, its code is compiled for this machine: some seconds more"
N_TRACES = 12  # that a new subject's oscilloscope shows
T = TypeVar("T")
log = logging.getLogger(__name__)


class Level(StrEnum):
    NOTE = "note"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True)
class Message:
    """One line for the strip, with what is behind it."""

    level: Level
    line: str
    details: str = ""


@dataclass(frozen=True)
class Pull:
    """What a pane is told when it may pull.

    Attributes
    ----------
    tick : ticks done: one behind the newest sample
    start_tick, stop_tick : on show
    live : the end follows the subject
    status : of the session
    elapsed_s : wall time since the last pull
    """

    tick: int
    start_tick: int
    stop_tick: int
    live: bool
    status: Status
    elapsed_s: float


@dataclass(frozen=True)
class Opening:
    """What to put on the table.

    Attributes
    ----------
    watches : stream → unit ids, None for all of them; None: everything but what is on demand
    """

    plugin: str
    options: Mapping[str, str]
    seed: int = 0
    watches: Mapping[str, tuple[int, ...] | None] | None = None
    probes: tuple[Probe, ...] = ()


class Desk(QObject):
    """Holds one client at a time. Every command goes through `do`, which turns errors into one line."""

    opening = Signal(object)  # Opening; the old subject is gone
    opened = Signal()  # `description` is new
    closed = Signal()
    speed_changed = Signal()
    state_changed = Signal(object)  # State
    stream_opened = Signal(object)  # StreamInfo: watched, or its layout is new
    stream_closed = Signal(str)
    logged = Signal(object)  # LogEntry
    said = Signal(object)  # Message

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.view = TimeView(self)
        self.selection = UnitSet(self)  # what the tools act on
        self.channels = UnitSet(self)  # what the oscilloscope shows, in its order
        self.past = PastView(self.ring, self.view)
        self.twin = TwinChoice(self)
        self.trigger = TriggerChoice(self.shown_ring)  # what scope and raster make sweeps around
        self.undo = QUndoStack(self)
        self.client: RigClient | None = None
        self.asked: Opening | None = None
        self.speed = Speed()  # asked for
        self.entries: list[LogEntry] = []
        self._starter: _Starter | None = None
        self._starters: list[_Starter] = []  # those that were given up end by themselves

    # ---- the subject

    @property
    def description(self) -> Description | None:
        return None if self.client is None else self.client.description

    @property
    def status(self) -> Status | None:
        return None if self.client is None else self.client.status

    @property
    def tick(self) -> int:
        status = self.status
        return 0 if status is None else status.tick

    @property
    def opening_words(self) -> str:
        """What panes say while a subject is being opened."""
        return "" if self.asked is None else f"{self.asked.plugin} is being opened.\n{FIRST_TIME}"

    def open(self, opening: Opening) -> None:
        """Put another subject on the table; returns at once, `opened` or `said` follows."""
        self.close()
        self.asked = opening
        self.opening.emit(opening)
        starter = _Starter(opening, self)
        starter.started_client.connect(self._on_started)
        starter.failed.connect(self._on_failed)
        starter.finished.connect(self._on_ended)
        self._starters.append(starter)
        self._starter = starter
        starter.start()

    def _on_started(self, client: RigClient) -> None:
        if self.sender() is not self._starter:
            client.close()  # given up just when it was ready
            return
        self._starter = None
        self.client = client
        self.past.open(client)
        self.entries.clear()
        self.selection.set(())
        self.channels.set(())
        self.undo.clear()
        self.trigger.forget()
        self.view.go_live()
        self._watch_as_asked(client.description)
        self.channels.set(
            first_channels(client.description, max(N_TRACES - n_measures(client.description.streams), N_TRACES // 3))
        )
        self.opened.emit()
        self.poll()

    def _watch_as_asked(self, description: Description) -> None:
        asked = self.asked
        watches = None if asked is None else asked.watches
        if watches is None:
            shown = (s for s in description.streams if s.kind is not StreamKind.FIELD and not s.on_demand)
            watches = {s.name: None for s in shown}
        for stream, ids in watches.items():
            self.do(partial(RigClient.watch, stream=stream, unit_ids=ids))
        if asked is not None and asked.probes:
            self.do(partial(RigClient.set_probes, probes=asked.probes))

    def _on_failed(self, line: str) -> None:
        if self.sender() is not self._starter:
            return
        self._starter = None
        self.say(Level.ERROR, line)
        self.closed.emit()

    def _on_ended(self) -> None:
        starter = self.sender()
        assert isinstance(starter, _Starter)
        self._starters.remove(starter)
        starter.deleteLater()

    def close_for_good(self) -> None:
        """The same as `close`; afterwards no thread of this desk runs."""
        self.close()
        for starter in self._starters:
            starter.wait()

    def close(self) -> None:
        """Take the subject off; its recording is closed cleanly."""
        if self._starter is not None:
            self._starter.abandon()
            self._starter = None
        self.past.close()
        if self.client is not None:
            client, self.client = self.client, None
            client.close()
            self.closed.emit()

    # ---- talking to it

    def do(self, act: Callable[[RigClient], T]) -> T | None:
        """Let the client do something; what it refuses becomes a message, and None is returned."""
        if self.client is None:
            self.say(Level.WARNING, "no subject is on the table; choose one at the left of the strip")
            return None
        try:
            return act(self.client)
        except HeadstageError as error:
            self.say(Level.ERROR, str(error))
            return None

    def branch(self) -> None:
        """Go back to the end of what is on show, and go on from there; what came after is undone."""
        if self.view.live:
            self.say(Level.WARNING, "asked to go on from an earlier moment; drag the timeline to it first")
            return
        _, stop = self.view.bounds(self.tick)
        if self.do(lambda c: c.rewind(stop)) is not None:
            self.view.go_live()

    def set_speed(self, speed: Speed) -> None:
        """Ask for a speed; the subject goes slower when it must."""
        if self.do(lambda c: c.set_speed(speed.ticks_per_s, times_real=speed.times_real)) is not None:
            self.speed = speed
            self.speed_changed.emit()

    def edit(self, text: str, redo: Callable[[], None], undo: Callable[[], None]) -> None:
        """Do something that can be undone."""
        self.undo.push(_Edit(text, redo, undo))

    def select(self, ids: Iterable[int], text: str = "selection") -> None:
        """Change the selection, undoably."""
        before, after = self.selection.ids, tuple(dict.fromkeys(int(i) for i in ids))
        if before != after:
            self.edit(text, lambda: self.selection.set(after), lambda: self.selection.set(before))

    def set_channels(self, ids: Iterable[int], text: str = "channels") -> None:
        """Change the oscilloscope's channel list, undoably."""
        before, after = self.channels.ids, tuple(dict.fromkeys(int(i) for i in ids))
        if before != after:
            self.edit(text, lambda: self.channels.set(after), lambda: self.channels.set(before))

    def set_trigger(self, text: str = "trigger", **changes: Any) -> None:
        """Change what sweeps are made around, undoably."""
        before = self.trigger.settings
        after = replace(before, **changes)
        if before != after:
            self.edit(text, lambda: self.trigger.use(after), lambda: self.trigger.use(before))

    def say(self, level: Level, line: str, details: str = "") -> None:
        log.log(logging.ERROR if level is Level.ERROR else logging.INFO, "%s %s", line, details)
        self.said.emit(Message(level, line, details))

    def ring(self, stream: str) -> RingReader | None:
        """The ring of a stream that is watched; None otherwise."""
        if self.client is None or stream not in self.client.watched:
            return None
        try:
            return self.client.ring(stream)
        except (HeadstageError, FileNotFoundError):
            return None  # it was closed a moment ago; the event is on its way

    def shown_ring(self, stream: str) -> RingReader | None:
        """The same for what is on show: where time stands still, one that reaches back to it once there is one."""
        return self.past.ring(stream)

    def stream(self, kind: StreamKind) -> StreamInfo | None:
        """The first stream of a kind, whole."""
        if self.description is None:
            return None
        return next((s for s in self.description.streams if s.kind is kind), None)

    @property
    def spikes_stream(self) -> StreamInfo | None:
        """The stream, whole, whose bits say when units fire; the first of units where none is made of bits."""
        streams = () if self.description is None else self.description.streams
        of_units = [s for s in streams if s.kind is StreamKind.UNITS and s.regular]
        return next((s for s in of_units if s.packed), next(iter(of_units), None))

    # ---- what it tells

    def poll(self) -> None:
        """Drain the client's events into signals; called on every turn of the pull timer."""
        if self.client is None:
            return
        for event in self.client.events():
            self._tell(event)
        self.past.turn(None if self.view.live else self.tick)

    def _tell(self, event: object) -> None:
        if isinstance(event, Logged):
            self.entries.append(event.entry)
            if event.entry.kind in (LogKind.RESET, LogKind.RESTORE, LogKind.WATCH, LogKind.TWIN):
                self.past.forget()
            if event.entry.kind is LogKind.REMARK and event.entry.payload["text"]:
                self.say(Level.WARNING, f"the subject {event.entry.payload['text']}")
            self.logged.emit(event.entry)
        elif isinstance(event, StateChanged):
            self.state_changed.emit(event.state)
        elif isinstance(event, StreamOpened):
            self.stream_opened.emit(event.info)
        elif isinstance(event, StreamClosed):
            self.stream_closed.emit(event.stream)
        elif isinstance(event, RecordingFailed):
            self.say(Level.ERROR, event.line)
        elif isinstance(event, RecordingWarned):
            self.say(Level.WARNING, event.line)
        elif isinstance(event, SubjectFailed | SubjectCrashed):
            self.say(Level.ERROR, f"{event.line} (Ctrl+Shift+R)", event.details)
            self.state_changed.emit(State.FAILED if isinstance(event, SubjectFailed) else State.CRASHED)
        elif isinstance(event, SubjectHung):
            self.say(Level.ERROR, event.line)
            self.state_changed.emit(State.HUNG)

    @property
    def alive(self) -> bool:
        status = self.status
        return status is not None and status.state not in OVER


class _Edit(QUndoCommand):
    def __init__(self, text: str, redo: Callable[[], None], undo: Callable[[], None]) -> None:
        super().__init__(text)
        self._redo, self._undo = redo, undo

    def redo(self) -> None:
        self._redo()

    def undo(self) -> None:
        self._undo()


class _Starter(QThread):
    """Starts a client beside the window's thread: opening a subject may take seconds."""

    started_client = Signal(object)  # RigClient
    failed = Signal(str)

    def __init__(self, opening: Opening, parent: QObject) -> None:
        super().__init__(parent)
        self._opening = opening
        self._abandoned = False

    def run(self) -> None:
        try:
            o = self._opening
            client = RigClient.start(o.plugin, o.options, o.seed, given_up=lambda: self._abandoned)
        except HeadstageError as error:
            if not self._abandoned:
                self.failed.emit(str(error))
            return
        if self._abandoned:
            client.close()
        else:
            self.started_client.emit(client)

    def abandon(self) -> None:
        """Nobody waits for it any more: what it has begun to start is ended."""
        self._abandoned = True


def first_channels(description: Description, n: int) -> tuple[int, ...]:
    """A channel list to begin with: named units from as many regions as may be."""
    stream = next((s for s in description.streams if s.kind is StreamKind.UNITS), None)
    if stream is None or stream.unit_ids is None:
        return ()
    rows = description.units.rows(stream.unit_ids)
    by_region: dict[str, list[int]] = {}
    for row in rows.tolist():
        name = description.units.name[row]
        plain = not (name[0] == "n" and name[1:].isdigit())  # what has only a number for a name says little
        top = description.units.region[row].split("/")[0]
        if plain and top not in ("power", ""):
            by_region.setdefault(top, []).append(int(description.units.unit_id[row]))
    chosen: list[int] = []
    while by_region and len(chosen) < n:
        for region in list(by_region):
            chosen.append(by_region[region].pop(0))
            if not by_region[region]:
                del by_region[region]
    return tuple(chosen[:n]) or tuple(int(u) for u in stream.unit_ids[:n])
