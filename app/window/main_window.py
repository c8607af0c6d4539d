"""The window: strip on top, panes in docks, one timer that lets visible panes pull, and every action with its key."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path

from PySide6.QtCore import QByteArray, QSettings, QStandardPaths, Qt, QTimer, Slot
from PySide6.QtGui import QAction, QCloseEvent, QKeySequence
from PySide6.QtWidgets import (
    QApplication,
    QDockWidget,
    QInputDialog,
    QMainWindow,
    QSizePolicy,
    QStatusBar,
    QToolBar,
    QVBoxLayout,
    QWidget,
)

from app.theme import DARK, THEMES, Theme
from app.window.console import ConsolePane
from app.window.desk import Desk, Level, Opening, Pull
from app.window.figures import clock_text
from app.window.message_line import MessageLine
from app.window.outlets import Outlets
from app.window.overlays import KeySheet, Palette
from app.window.pane import Pane
from app.window.panes import DOCKS
from app.window.style import apply_style
from app.window.subject_menu import SubjectMenu
from app.window.timeline import TimelinePane
from app.window.tools.tools_pane import ToolsPane
from app.window.tour import Tour
from app.window.transport import SPEEDS, Transport
from rig.log import LogEntry, LogKind
from rig.process.protocol import MOVING, Description, State

PULL_MS = 16
STATE_VERSION = 1
SHORTEST_PLAYBACK_S = 20.0
TIMELINE_PX = 112  # more height would show no more


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
        self._recording: Path | None = None
        self._run_when_open = False
        self._recording_since_tick = 0

        self.transport = Transport(self.desk, self)
        self.messages = MessageLine(self)
        self.timeline = TimelinePane(self.desk)
        self.panes: dict[str, Pane] = {}
        self._place()
        self.outlets = Outlets(
            self,
            self.desk,
            settings,
            self.panes,
            self.timeline,
            self.console,
            made=lambda: self._recording,
            recent=lambda: self.subject_menu.recent_recordings(),
            folder=self.recordings_folder,
        )
        self.statusBar().addPermanentWidget(self.outlets.sound)
        self.actions_by_name = self._make_actions()
        self.palette_overlay = Palette(list(self.actions_by_name.values()), self)
        self.key_sheet = KeySheet(list(self.actions_by_name.values()), self)
        self.subject_menu = SubjectMenu(self.desk, settings, self)
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
        self._restore_layout()
        self.set_theme(self.theme)

        self._last_pull_s = time.perf_counter()
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self.pull)
        self._timer.start(PULL_MS)

    # ---- layout

    def _place(self) -> None:
        top = QWidget(self)
        layout = QVBoxLayout(top)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.transport)
        self.setMenuWidget(top)
        status = QStatusBar(self)
        status.setSizeGripEnabled(False)
        status.addWidget(self.messages, 1)
        self.setStatusBar(status)
        self.setDockNestingEnabled(True)
        # docks alone fill the window: the centre is nothing
        centre = QWidget(self)
        centre.setMaximumSize(0, 0)
        self.setCentralWidget(centre)
        self.docks: dict[str, QDockWidget] = {}
        for place in DOCKS:
            pane = place.make(self.desk)
            self.panes[pane.title] = pane
            self._dock(pane, place.area)
        self.console = ConsolePane(self.desk)
        self.panes[self.console.title] = self.console
        self._dock(self.console, Qt.DockWidgetArea.LeftDockWidgetArea)
        self.panes[self.timeline.title] = self.timeline
        # a bar and not a dock: its height is its own, and the docks share the rest
        self._bar = QToolBar("Timeline", self)
        self._bar.setObjectName("timelineBar")
        self._bar.setMovable(False)
        self.timeline.setFixedHeight(TIMELINE_PX)
        self.timeline.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._bar.addWidget(self.timeline)
        self.addToolBar(Qt.ToolBarArea.BottomToolBarArea, self._bar)
        self._arrange()
        self._default_state = self.saveState(STATE_VERSION)

    def _dock(self, pane: Pane, area: Qt.DockWidgetArea) -> None:
        dock = PaneDock(pane, self)
        self.docks[pane.title] = dock
        self.addDockWidget(area, dock)

    def _arrange(self) -> None:
        """The layout of the design: left the preparation, middle time, right behaviour and tools."""
        for place in DOCKS:
            dock = self.docks[place.title]
            if place.below is not None:
                self.splitDockWidget(self.docks[place.below], dock, Qt.Orientation.Vertical)
            elif place.right_of is not None:
                self.splitDockWidget(self.docks[place.right_of], dock, Qt.Orientation.Horizontal)
        # the console is not for everybody: it waits behind the spectrogram
        self.tabifyDockWidget(self.docks["Spectrogram"], self.docks[self.console.title])
        self.docks[self.console.title].hide()
        columns = [p for p in DOCKS if p.below is None]
        self.resizeDocks([self.docks[p.title] for p in columns], [p.width for p in columns], Qt.Orientation.Horizontal)
        self.resizeDocks([self.docks[p.title] for p in DOCKS], [p.height for p in DOCKS], Qt.Orientation.Vertical)

    def reset_layout(self) -> None:
        self.restoreState(self._default_state, STATE_VERSION)
        for dock in self.docks.values():
            dock.setFloating(False)
            dock.show()
        self._bar.show()
        self._arrange()

    def _restore_layout(self) -> None:
        geometry, state = self.settings.value("geometry"), self.settings.value("state")
        if isinstance(geometry, QByteArray):
            self.restoreGeometry(geometry)
        if isinstance(state, QByteArray) and not self.restoreState(state, STATE_VERSION):
            self._arrange()

    # ---- actions

    def _make_actions(self) -> dict[str, QAction]:
        """Name → action. Panes add theirs by offering `pane_actions()`."""
        actions: dict[str, QAction] = {}

        def add(name: str, text: str, keys: str | list[str], act: Callable[[], object]) -> None:
            action = QAction(text, self)
            action.setShortcuts([QKeySequence(k) for k in ([keys] if isinstance(keys, str) else keys) if k])
            action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
            action.triggered.connect(lambda: act())
            self.addAction(action)
            actions[name] = action

        add("run", "Run or pause", "Space", self.toggle_run)
        add("step", "Step one tick", ".", lambda: self.desk.do(lambda c: c.step(1)))
        add("rewind", "Back to tick 0", "Ctrl+R", self.rewind)
        add("restart", "Restart the subject", "Ctrl+Shift+R", self.restart)
        add("record", "Record or stop recording", "R", self.toggle_record)
        add("twin", "Intact twin beside the subject", "Ctrl+T", self.toggle_twin)
        add("note", "Write a note", "N", self.write_note)
        tools = self.panes["Tools"]
        assert isinstance(tools, ToolsPane)
        tools.protocol.recordings_folder = self.recordings_folder()
        add("stimulate", "Stimulate now", "S", tools.stimulate_now)
        add("silence", "Silence the selection", "X", tools.silence_selection)
        add("live", "Follow the live edge", "End", self.desk.view.go_live)
        add("shorter", "Less time per division", "]", lambda: self._scale_span(0.5))
        add("longer", "More time per division", "[", lambda: self._scale_span(2.0))
        add("undo", "Undo", "Ctrl+Z", self.desk.undo.undo)
        add("redo", "Redo", ["Ctrl+Shift+Z", "Ctrl+Y"], self.desk.undo.redo)
        add("open", "Choose a subject, open a recording", "Ctrl+O", self.open_menu)
        add("palette", "All commands", "Ctrl+K", lambda: self.palette_overlay.open_over())
        add("keys", "All keys", "F12", lambda: self.key_sheet.open_over())
        add("layout", "Reset the layout", "Ctrl+0", self.reset_layout)
        add("theme", "Light or dark", "Ctrl+L", self.toggle_theme)
        add("tour", "Tour of the window", "", lambda: self.tour.begin())
        add("details", "Details of the last message", "F8", lambda: self.messages.show_history())
        for n in range(1, 10):
            add(f"mark{n}", f"Event mark {n}", str(n), partial(self._mark, n))
        for pane in self.panes.values():
            for name, text, keys, act in getattr(pane, "pane_actions", list)():
                add(name, text, keys, act)
        for name, text, keys, act in self.outlets.commands():
            add(name, text, keys, act)
        for title, dock in self.docks.items():
            action = dock.toggleViewAction()
            action.setText(f"Show or hide {title}")
            actions[f"dock {title}"] = action
        self.addAction(actions["dock Console"])
        actions["dock Console"].setShortcut(QKeySequence("Ctrl+J"))
        actions["dock Console"].triggered.connect(lambda shown: self._raise_console() if shown else None)
        timeline = self._bar.toggleViewAction()
        timeline.setText("Show or hide Timeline")
        actions["dock Timeline"] = timeline
        return actions

    def _connect(self) -> None:
        strip, desk = self.transport, self.desk
        strip.open_asked.connect(self.open_menu)
        strip.run_asked.connect(self.toggle_run)
        strip.step_asked.connect(self.actions_by_name["step"].trigger)
        strip.rewind_asked.connect(self.rewind)
        strip.record_asked.connect(self.toggle_record)
        strip.speed_asked.connect(self._set_speed)
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

    def _raise_console(self) -> None:
        self.docks[self.console.title].raise_()
        self.console.setFocus()

    @Slot()
    def restart(self) -> None:
        """The same subject afresh, whatever became of this one."""
        if self.desk.asked is not None:
            self.start_with(self.desk.asked)

    @Slot()
    def toggle_record(self) -> None:
        status = self.desk.status
        if status is not None and status.recorder is not None:
            self.desk.do(lambda c: c.stop_recording("stopped at the rig"))
            if self._recording is not None:
                self.desk.say(Level.NOTE, f"recorded {self._recording}")
                self._remember(self._recording)
            return
        if self.desk.description is None:
            return
        path = self.next_recording_path()
        if self.desk.do(lambda c: c.start_recording(path)) is not None:
            self._recording, self._recording_since_tick = path, self.desk.tick
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

    def _mark(self, number: int) -> None:
        self.desk.do(lambda c: c.mark(number))

    def recordings_folder(self) -> Path:
        """Where recordings go: a folder of the person's documents, or what the settings say."""
        documents = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
        return Path(str(self.settings.value("recordings", str(Path(documents) / "Headstage"))))

    def next_recording_path(self) -> Path:
        folder = self.recordings_folder()
        folder.mkdir(parents=True, exist_ok=True)
        description = self.desk.description
        stem = "run" if description is None else description.info.name.split(" · ")[-1]
        stem = "".join(c if c.isalnum() else "-" for c in stem.lower()).strip("-")
        stamp = datetime.now().strftime("%Y-%m-%d-%H%M%S")
        path = folder / f"{stem}-{stamp}.rig"
        n = 2
        while path.exists():
            path = folder / f"{stem}-{stamp}-{n}.rig"
            n += 1
        return path

    def _remember(self, path: Path) -> None:
        recent = [str(path), *(r for r in self.subject_menu.recent_recordings() if r != str(path))]
        self.settings.setValue("recent", recent[:12])

    @Slot()
    def write_note(self) -> None:
        tick = self.desk.tick
        text, given = QInputDialog.getText(self, "Note", f"Note at tick {tick}:")
        if given and text.strip():
            self.desk.do(lambda c: c.note(text.strip()))

    @Slot(object, object)
    def _set_speed(self, ticks_per_s: float | None, times_real: float | None) -> None:
        self.desk.do(lambda c: c.set_speed(ticks_per_s, times_real=times_real))

    def _scale_span(self, factor: float) -> None:
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
        self.transport.subject.show_text(f"{opening.plugin} …")
        self.messages.show_progress(f"opening {opening.plugin}; the first time takes a few seconds more")
        self.transport.show_state(None)

    @Slot()
    def _on_opened(self) -> None:
        description, status = self.desk.description, self.desk.status
        assert description is not None
        assert status is not None
        self.transport.subject.show_text(description.info.name)
        self.setWindowTitle(f"Headstage — {description.info.name}")
        self.messages.show_progress("")
        self.transport.show_state(status.state)
        if self.desk.asked is not None and self.desk.asked.plugin != "playback":
            self.settings.setValue("plugin", self.desk.asked.plugin)
            self.settings.setValue("cartridge", self.desk.asked.options.get("cartridge", ""))
        self._ask_speed(description)
        if self._run_when_open:
            self._run_when_open = False
            self.desk.do(lambda c: c.run())
            if Tour.wanted(self.settings):
                self.tour.begin()
        for pane in self.panes.values():
            apply = getattr(pane, "apply_theme", None)
            if apply is not None:  # regions, and so colours, are the new subject's
                apply(self.theme)

    def _ask_speed(self, description: Description) -> None:
        """A speed at which one sees something: real time, and a recording not faster than in twenty seconds."""
        hz = description.info.tick_hz
        if hz <= 0:
            return
        end = description.info.end_tick
        fit = 1.0 if end is None else (end - self.desk.tick) / hz / SHORTEST_PLAYBACK_S
        label, ticks_per_s, times_real = next(s for s in SPEEDS if s[2] is not None and s[2] <= max(fit, 0.001))
        self.transport.show_speed(label)
        self._set_speed(ticks_per_s, times_real)

    @Slot()
    def _on_closed(self) -> None:
        self.transport.show_twin("off", None)
        self.transport.subject.show_text("Choose a subject")
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
        if recording and self.desk.description is not None:
            hz = self.desk.description.info.tick_hz
            done = status.tick - self._recording_since_tick
            self.transport.record.show_clock(clock_text(done, hz)[:12] if hz > 0 else f"{done} ticks")
        for pane in self.panes.values():
            if pane.isVisible():
                pane.pull(pull)
        self.outlets.pull(pull)

    def closeEvent(self, event: QCloseEvent) -> None:
        self._timer.stop()
        self.settings.setValue("geometry", self.saveGeometry())
        self.settings.setValue("state", self.saveState(STATE_VERSION))
        self.outlets.close()
        self.desk.close()
        super().closeEvent(event)

    @property
    def state(self) -> State | None:
        return None if self.desk.status is None else self.desk.status.state


class PaneDock(QDockWidget):
    """A dock whose title bar is the pane's own header: nothing is said twice."""

    def __init__(self, pane: Pane, parent: QWidget) -> None:
        super().__init__(pane.title, parent)
        self.setObjectName(pane.title)
        self.setTitleBarWidget(pane.take_header())
        self.setWidget(pane)
