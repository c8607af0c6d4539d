"""The window: strip on top, panes in docks, one timer that lets visible panes pull, and every action with its key."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

from PySide6.QtCore import QSettings, Qt, QTimer, Slot
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QApplication, QMainWindow, QStatusBar, QVBoxLayout, QWidget

from app.saved.session import session_name
from app.theme import DARK, THEMES, Theme
from app.window.ask_line import AskLine
from app.window.commands import Command, dock_actions, make_actions, pane_commands, window_commands
from app.window.console import ConsolePane
from app.window.desk import Desk, Opening, Pull
from app.window.docks import Docks
from app.window.message_line import MessageLine
from app.window.offers import offers
from app.window.outlets import Outlets
from app.window.overlays import KeySheet, Palette, Wish
from app.window.pane import Pane
from app.window.panes import DOCKS
from app.window.recordings import Recordings
from app.window.sessions import Sessions, shown_of
from app.window.speeds import READING_SPAN_TICKS, speed_to_begin_with
from app.window.style import apply_style
from app.window.subject_menu import SubjectMenu
from app.window.timeline import TimelinePane
from app.window.tools.tools_pane import ToolsPane
from app.window.tour import Tour
from app.window.transport import Transport
from app.window.watched_streams import stream_wishes
from app.window.window_menu import Layouts, WindowMenu
from rig.log import LogEntry, LogKind
from rig.process.protocol import MOVING, State
from rig.streams import StreamKind

PULL_MS = 16


class MainWindow(QMainWindow):
    """One subject, one glance.

    Parameters
    ----------
    settings : layout, theme and recent recordings are kept in it
    """

    def __init__(self, settings: QSettings) -> None:
        super().__init__()
        self.setWindowTitle("Headstage")
        self.resize(1600, 1000)
        self.settings = settings
        self.desk = Desk(self)
        self.theme: Theme = THEMES.get(str(settings.value("theme", "dark")), DARK)
        self._run_when_open = False
        self.recordings = Recordings(self.desk, settings)

        self.transport = Transport(self.desk, self)
        self.messages = MessageLine(self)
        self.timeline = TimelinePane(self.desk)
        self.console = ConsolePane(self.desk)
        self.panes = self._make_panes()
        self.tools.protocol.recordings_folder = self.recordings.folder()
        self.docks = Docks(self, self.panes, settings)
        self.ask = AskLine(self)
        self.layouts = Layouts(self.docks, self.desk, self.ask)
        self.sessions = Sessions(
            self.desk, shown_of(self.panes, self.docks), self.recordings, settings, self.start_with, self.ask, self
        )
        self.outlets = Outlets(self, self.desk, settings, self.panes, self.timeline, self.console, self.recordings)
        self._place_bars()
        self.actions_by_name = make_actions(
            self,
            [*window_commands(self), *pane_commands(self.panes.values()), *map(Command._make, self.outlets.commands())],
        ) | dock_actions(self)
        self.statusBar().addPermanentWidget(WindowMenu(self.layouts, self.actions_by_name, self))
        self.palette_overlay = Palette(list(self.actions_by_name.values()), self._wishes, self)
        self.key_sheet = KeySheet(list(self.actions_by_name.values()), self)
        self.subject_menu = SubjectMenu(self.desk, self.recordings, self.sessions, self.start_with, self)
        self.tour = Tour(
            {
                "subject": self.transport.subject,
                "units": self.panes["Preparation"],
                "time": self.panes["Oscilloscope"],
                "tools": self.panes["Tools"],
                "record": self.transport.record,
            },
            settings,
            self,
        )
        self._connect()
        self.docks.restore()
        self.set_theme(self.theme)

        self._last_pull_s = time.perf_counter()
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self.pull)
        self._timer.start(PULL_MS)

    # ---- parts

    def _make_panes(self) -> dict[str, Pane]:
        made = [place.make(self.desk) for place in DOCKS]
        return {pane.title: pane for pane in (*made, self.console, self.timeline)}

    def _place_bars(self) -> None:
        top = QWidget(self)
        layout = QVBoxLayout(top)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.transport)
        self.setMenuWidget(top)
        status = QStatusBar(self)
        status.setSizeGripEnabled(False)
        status.addWidget(self.messages, 1)
        status.addPermanentWidget(self.outlets.sound)
        self.setStatusBar(status)

    def _wishes(self) -> list[Wish]:
        """What the palette offers beside the window's actions: all that has a name."""
        return [
            *(Wish(f"Put on the table: {o.label}", partial(self.start_with, o.opening)) for o in offers() if o.opening),
            *(Wish(f"Session: {session_name(Path(p))}", partial(self.sessions.open, Path(p)))
              for p in self.sessions.recent()),
            *(Wish(f"Play back {Path(p).name}", partial(self.subject_menu.play_back, Path(p)))
              for p in self.recordings.recent()),
            *self.layouts.wishes(),
            *stream_wishes(self.desk),
        ]  # fmt: skip

    @property
    def tools(self) -> ToolsPane:
        tools = self.panes["Tools"]
        assert isinstance(tools, ToolsPane)
        return tools

    def _connect(self) -> None:
        strip, desk = self.transport, self.desk
        strip.open_asked.connect(self.open_menu)
        strip.run_asked.connect(self.toggle_run)
        strip.step_asked.connect(self.actions_by_name["step"].trigger)
        strip.rewind_asked.connect(self.rewind)
        strip.record_asked.connect(self.toggle_record)
        desk.said.connect(self.messages.show_message)
        desk.opening.connect(self._on_opening)
        desk.opened.connect(self._on_opened)
        desk.closed.connect(self._on_closed)
        desk.state_changed.connect(self.transport.show_state)
        desk.logged.connect(self._show_twin)

    # ---- what the actions do

    @Slot()
    def toggle_run(self) -> None:
        status = self.desk.status
        if status is None:
            self.open_menu()
        elif status.state in MOVING:
            self.desk.do(lambda c: c.pause())
        else:
            self.desk.view.go_live()
            self.desk.do(lambda c: c.run())

    @Slot()
    def rewind(self) -> None:
        if self.desk.asked is not None:
            self.desk.do(lambda c: c.reset(self.desk.asked.seed if self.desk.asked else 0))
            self.desk.view.go_live()

    def raise_console(self) -> None:
        self.docks.raise_console()
        self.console.setFocus()

    @Slot()
    def restart(self) -> None:
        """The same subject afresh, whatever became of this one; watched, probed and looked at as before."""
        session = self.sessions.current()
        if session is not None:
            self.start_with(self.sessions.wait_for(session))
        elif self.desk.asked is not None:
            self.start_with(self.desk.asked)

    @Slot()
    def toggle_record(self) -> None:
        if self.recordings.running:
            self.recordings.stop()
        elif (path := self.recordings.start()) is not None:
            streams = len(self.desk.client.watched) if self.desk.client is not None else 0
            self.transport.record.show_name(path.name, f"{streams} streams")

    @Slot()
    def toggle_twin(self) -> None:
        """An unperturbed copy in lockstep, or none."""
        on = any(name.startswith("twin.") for name in (self.desk.client.watched if self.desk.client else ()))
        self.desk.do(lambda c: c.set_twin(not on))

    @Slot(object)
    def _show_twin(self, entry: LogEntry) -> None:
        """The strip says how the twin fares."""
        if entry.kind is LogKind.TWIN:
            self.transport.show_twin(entry.payload.get("action"), entry.payload.get("tick"))
        elif entry.kind in (LogKind.RESET, LogKind.RESTORE) and self.transport.twin_box.isVisible():
            self.transport.show_twin("on", None)

    def mark(self, number: int) -> None:
        self.desk.do(lambda c: c.mark(number))

    @Slot()
    def write_note(self) -> None:
        self.ask.ask(
            "Note",
            "what happens; it is stamped when you press Return",
            lambda text: self.desk.do(lambda c: c.note(text)),
        )

    def scale_span(self, factor: float) -> None:
        self.desk.view.set_span(round(self.desk.view.span_ticks * factor))

    @Slot()
    def open_menu(self) -> None:
        self.subject_menu.pop_up(self.transport.subject)

    @Slot()
    def toggle_theme(self) -> None:
        self.set_theme(THEMES["light" if self.theme.dark else "dark"])

    def set_theme(self, theme: Theme) -> None:
        self.theme = theme
        self.settings.setValue("theme", theme.name)
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        apply_style(application, theme)
        for pane in self.panes.values():
            apply = getattr(pane, "apply_theme", None)
            if apply is not None:
                apply(theme)
        self.outlets.apply_theme(theme)

    # ---- the subject comes and goes

    def start_with(self, opening: Opening) -> None:
        """Put a subject on the table and let it run as soon as it is there: something alive within seconds."""
        self._run_when_open = True
        self.desk.open(opening)

    @Slot(object)
    def _on_opening(self, opening: Opening) -> None:
        self.transport.show_subject(f"{opening.plugin} …")
        self.messages.settle()
        self.messages.show_progress(f"opening {opening.plugin} …")
        self.transport.show_state(None)

    @Slot()
    def _on_opened(self) -> None:
        description, status = self.desk.description, self.desk.status
        assert description is not None
        assert status is not None
        self.transport.show_subject(description.info.name)
        self.setWindowTitle(description.info.name)  # Qt adds the application's own where that is the custom
        self.messages.show_progress("")
        self.transport.show_state(status.state)
        if self.desk.asked is not None and self.desk.asked.plugin != "playback":
            self.settings.setValue("plugin", self.desk.asked.plugin)
            self.settings.setValue("options", dict(self.desk.asked.options))
        elif self.desk.asked is not None:
            self.recordings.remember(Path(self.desk.asked.options["recording"]).absolute())
        session = self.sessions.put_back()
        end = description.info.end_tick
        left = None if end is None else end - status.tick
        if session is not None:
            self.desk.set_speed(session.speed)
        else:
            writes = self.desk.stream(StreamKind.TEXT) is not None
            self.desk.set_speed(speed_to_begin_with(description.info.tick_hz, left, writes))
            if writes:
                self.desk.view.set_span(READING_SPAN_TICKS)
                self.docks.make_room_for_text()
        if self._run_when_open:
            self._run_when_open = False
            self.desk.do(lambda c: c.run())
            if Tour.wanted(self.settings):
                self.tour.begin()
        for pane in self.panes.values():
            apply = getattr(pane, "apply_theme", None)
            if apply is not None:  # regions, and so colours, are the new subject's
                apply(self.theme)

    @Slot()
    def _on_closed(self) -> None:
        self.transport.show_twin("off", None)
        self.transport.show_subject("Choose a subject")
        self.setWindowTitle("Headstage")
        self.messages.show_progress("")
        self.transport.show_state(None)

    # ---- pulling

    @Slot()
    def pull(self) -> None:
        """One turn: events into signals, then every visible pane pulls."""
        now_s = time.perf_counter()
        elapsed_s, self._last_pull_s = now_s - self._last_pull_s, now_s
        self.desk.poll()
        status = self.desk.status
        if status is None:
            return
        start, stop = self.desk.view.bounds(status.tick)
        pull = Pull(status.tick, start, stop, self.desk.view.live, status, elapsed_s)
        self.transport.pull(pull)
        recording = status.recorder is not None
        if self.transport.property("recording") != recording:
            self.transport.setProperty("recording", recording)
            self.transport.style().unpolish(self.transport)
            self.transport.style().polish(self.transport)
        if recording:
            self.transport.record.show_clock(self.recordings.clock())
        for pane in self.panes.values():
            if pane.isVisible():
                pane.pull(pull)
        self.outlets.pull(pull)

    def closeEvent(self, event: QCloseEvent) -> None:
        self._timer.stop()
        self.docks.keep()
        self.outlets.close()
        self.desk.close_for_good()
        super().closeEvent(event)

    @property
    def state(self) -> State | None:
        return None if self.desk.status is None else self.desk.status.state
