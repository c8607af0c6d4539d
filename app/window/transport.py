"""The transport strip: subject, run, speed, recording, clock and lamps. Always in view."""

from __future__ import annotations

import math
from functools import partial

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.window.desk import Desk, Pull
from app.window.figure_label import FigureLabel
from app.window.figures import bytes_text, clock_text, duration_text, grouped, speed_text
from app.window.giving_way import GivingWay, Optional
from app.window.speeds import SPEEDS
from app.window.twin_view import TwinView
from rig.process.protocol import MOVING, OVER, State

LEAST_PX = 940  # with what never gives way: subject, run, speed, clock, twin, that it is recorded
REFRESH_S = 0.05  # digits that change more often cannot be read
LAMP_WORDS = {"off": "idle", "good": "well", "poor": "strained", "bad": "failed"}


class Transport(QFrame):
    """The strip. Buttons tell the main window what is wanted; it owns the actions and their keys."""

    open_asked = Signal()
    run_asked = Signal()
    step_asked = Signal()
    rewind_asked = Signal()
    record_asked = Signal()

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("transport")
        self.desk = desk
        layout = QHBoxLayout(self)
        layout.setContentsMargins(8, 6, 8, 6)
        layout.setSpacing(8)

        self.subject = ElidedButton("Choose a subject", self)
        self.subject.setObjectName("subjectButton")
        self.subject.clicked.connect(self.open_asked)
        layout.addWidget(self.subject)

        self.run = _tool("▶", "Run or pause (Space)", self.run_asked, self)
        self.step = _tool("▶❘", "Step one tick (.)", self.step_asked, self)
        self.rewind = _tool("⟲", "Back to tick 0 (Ctrl+R)", self.rewind_asked, self)
        for button in (self.run, self.step, self.rewind):
            layout.addWidget(button)

        self.speed = QComboBox(self)
        self.speed.setToolTip("Speed asked for; the subject goes slower when it must, and never skips")
        self.speed.addItems([s.text for s in SPEEDS])
        self.speed.activated.connect(lambda i: desk.set_speed(SPEEDS[i]))
        desk.speed_changed.connect(self._show_speed)
        self.speed.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.speed.setMinimumContentsLength(12)
        speed_box, self.achieved = _captioned("speed", self.speed, self)
        self.achieved.setMinimumWidth(self.achieved.fontMetrics().horizontalAdvance("0.000 00 × real"))
        self.achieved.setAlignment(Qt.AlignmentFlag.AlignRight)
        layout.addWidget(speed_box)
        self._clock_box, self.clock = _figure("subject time", "0.000 000 s", self)
        layout.addWidget(self._clock_box)
        self._tick_box, self.tick = _figure("tick", "0", self)
        layout.addWidget(self._tick_box)
        twin_box, self.twin = _figure("intact twin", "off", self)
        layout.addWidget(twin_box)
        self.twin_view = QToolButton(self)
        self.twin_view.setObjectName("twinView")
        self.twin_view.setStyleSheet("#twinView::menu-indicator { image: none; width: 0; }")
        self.twin_view.setText(f"{desk.twin.view} ▾")
        self.twin_view.setToolTip("How all panes show the intact twin (Ctrl+Shift+T: the next way)")
        self.twin_view.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self.twin_view)
        for view in TwinView:
            menu.addAction(str(view), partial(desk.twin.set, view))
        self.twin_view.setMenu(menu)
        desk.twin.changed.connect(lambda: self.twin_view.setText(f"{desk.twin.view} ▾"))
        layout.addWidget(self.twin_view)
        self.twin_view.hide()
        self.twin_box = twin_box
        twin_box.hide()
        layout.addStretch(1)

        self.record = RecordButton(self)
        self.record.clicked.connect(self.record_asked)
        layout.addWidget(self.record)
        self.lamps = {name: _Lamp(name, self) for name in ("subject", "ring", "disk", "screen")}
        for lamp in self.lamps.values():
            layout.addWidget(lamp)
        self._clocked, self._twinned = True, False
        self._room = GivingWay(
            self,
            (
                Optional(tuple(lamp.label for lamp in self.lamps.values()), lambda: True),
                Optional((self._tick_box,), lambda: self._clocked),
                Optional((self.twin_view,), lambda: self._twinned),
                Optional((self.record.rate_and_left,), lambda: self.record.recording),
                Optional((self.record.name_and_detail,), lambda: self.record.recording),
                Optional((self.step, self.rewind), lambda: True),  # they have keys
            ),
        )
        self._slow_s = 0.0
        self._age_s = REFRESH_S
        self.show_state(None)

    def sizeHint(self) -> QSize:
        return QSize(1200, 56)

    def minimumSizeHint(self) -> QSize:
        return QSize(LEAST_PX, 56)  # the window can be that narrow whatever is to be shown: some of it gives way

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._fit_subject()
        self._room.fit()
        super().resizeEvent(event)

    def event(self, event: QEvent) -> bool:
        done = super().event(event)
        if event.type() is QEvent.Type.LayoutRequest:  # something in it takes more or less room than before
            self._room.fit()
        return done

    def show_subject(self, text: str) -> None:
        """Its name, on the button that puts another in its place."""
        self.subject.show_text(text)
        self._fit_subject()

    def _fit_subject(self) -> None:
        self.subject.setFixedWidth(max(self.subject.least_px, min(360, self.width() * 14 // 100)))

    def show_state(self, state: State | None) -> None:
        """Which buttons can be pressed, and what they show."""
        moving = state in MOVING
        alive = state is not None and state not in OVER
        self.run.setText("❚❚" if moving else "▶")
        self.run.setChecked(moving)
        for button in (self.run, self.step, self.rewind):
            button.setEnabled(alive)
        self.record.setEnabled(alive)
        self.lamps["subject"].show_level("off" if state is None else "good" if alive else "bad")

    def _show_speed(self) -> None:
        """What is asked for; one that nobody can choose stands for itself."""
        text = self.desk.speed.text
        if self.speed.findText(text) < 0:
            self.speed.setPlaceholderText(text)
        self.speed.setCurrentIndex(self.speed.findText(text))

    def show_twin(self, action: str | None, tick: int | None) -> None:
        """``on``, ``off`` or ``differs`` since a tick."""
        self._twinned = action != "off"
        self.twin_box.setVisible(self._twinned)
        self.twin.setText("in step" if action != "differs" or tick is None else f"differs since {grouped(tick)}")
        self._room.fit()

    def pull(self, pull: Pull) -> None:
        """Figures only; they are cheap, and the only thing here that moves."""
        description = self.desk.description
        if description is None:
            return
        status, info = pull.status, description.info
        # the screen is late when two turns of the timer in a row took three frames each
        self._slow_s = 0.7 * self._slow_s + 0.3 * pull.elapsed_s
        self._age_s += pull.elapsed_s
        if self._age_s < REFRESH_S and status.state in MOVING:
            return
        self._age_s = 0.0
        self.tick.setText(grouped(pull.tick))
        self.clock.setText(clock_text(pull.tick, info.tick_hz))
        self._clocked = info.tick_hz > 0
        self._clock_box.setVisible(self._clocked)
        self.achieved.setText(speed_text(status, info.tick_name))
        figures = status.recorder
        self.record.show_recording(figures is not None)
        if figures is not None:
            left = "" if math.isnan(figures.seconds_left) else f"{duration_text(figures.seconds_left)} left"
            ratio = figures.raw_bytes / max(figures.disk_bytes, 1)
            self.record.show_figures(f"{bytes_text(figures.bytes_per_s)}/s · {ratio:.1f} : 1", left)
            low = not math.isnan(figures.seconds_left) and figures.seconds_left < 600
            self.lamps["disk"].show_level("poor" if low else "good")
        else:
            self.lamps["disk"].show_level("off")
        self.lamps["screen"].show_level("poor" if self._slow_s > 0.05 else "good")
        client = self.desk.client
        self.lamps["ring"].show_level("good" if client is not None and self.desk.alive and client.watched else "off")


_BUTTON_MARGIN_PX = 44
_NAME_LEAST_PX, _NAME_MOST_PX = 120, 260  # a recording's name has date and time in it


class ElidedButton(QPushButton):
    """A button whose text gives way in the middle when there is no room for it; the tooltip has all of it."""

    def __init__(self, text: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.show_text(text)

    def show_text(self, text: str) -> None:
        self._whole = text
        needed = self.fontMetrics().horizontalAdvance(text.split(" · ")[-1]) + _BUTTON_MARGIN_PX
        self.least_px = max(_NAME_LEAST_PX, min(needed, _NAME_MOST_PX))
        self.setToolTip(f"{text}: put another subject on the table, or open a recording (Ctrl+O)")
        self._elide()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._elide()
        super().resizeEvent(event)

    def _elide(self) -> None:
        room, metrics = max(self.width() - _BUTTON_MARGIN_PX, 60), self.fontMetrics()
        text = self._whole
        if metrics.horizontalAdvance(text) > room:
            text = text.split(" · ")[-1]  # the game says more than the machine
        self.setText(metrics.elidedText(text, Qt.TextElideMode.ElideMiddle, room) + "  ▾")


class RecordButton(QPushButton):
    """Unmissable while recording: red, with a clock that counts, the name, the rate and the time left."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("recordButton")
        self.setToolTip("Record what is watched (R)")
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)
        self._dot = QLabel("●", self)
        self._dot.setObjectName("recordDot")
        self._clock = QLabel("REC", self)
        self._clock.setObjectName("recordClock")
        self._name = QLabel("", self)
        self._name.setObjectName("recordName")
        self._detail = QLabel("", self)
        self._rate = QLabel("", self)
        self._left = QLabel("", self)
        for label in (self._detail, self._rate, self._left):
            label.setObjectName("recordDetail")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(10, 2, 10, 2)
        layout.setSpacing(8)
        layout.addWidget(self._dot)
        layout.addWidget(self._clock)
        self.name_and_detail = _column(self._name, self._detail, self)
        self.rate_and_left = _column(self._rate, self._left, self)
        layout.addWidget(self.name_and_detail)
        layout.addWidget(self.rate_and_left)
        for child in self.findChildren(QWidget):
            child.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._recording: bool | None = None
        self._what = ""
        self.show_recording(False)

    @property
    def recording(self) -> bool:
        return bool(self._recording)

    def sizeHint(self) -> QSize:
        layout = self.layout()
        return QSize(80, 40) if layout is None else layout.sizeHint().expandedTo(QSize(80, 40))

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()  # what says that something is recorded is never clipped

    def show_recording(self, recording: bool) -> None:
        if recording == self._recording:
            return
        self._recording = recording
        self.setProperty("recording", recording)
        for column in (self.name_and_detail, self.rate_and_left):
            column.setVisible(recording)
        self.updateGeometry()
        if not recording:
            self._clock.setText("REC")
            self._what = ""
        self._tell()
        style = self.style()
        for widget in (self, self._dot, self._clock):
            style.unpolish(widget)
            style.polish(widget)

    def show_name(self, name: str, detail: str) -> None:
        self._name.setText(self._name.fontMetrics().elidedText(name, Qt.TextElideMode.ElideMiddle, 150))
        self._detail.setText(detail)
        self._what = f"{name}, {detail}"
        self._tell()

    def show_clock(self, text: str) -> None:
        if len(text) != len(self._clock.text()):
            self.updateGeometry()
        self._clock.setText(text)

    def show_figures(self, rate: str, left: str) -> None:
        if (self._rate.text(), self._left.text()) != (rate, left):
            self._rate.setText(rate)
            self._left.setText(left)
            self.updateGeometry()
            self._tell()

    def _tell(self) -> None:
        """All of it, for where not all of it has room."""
        if not self.recording:
            self.setToolTip("Record what is watched (R)")
            return
        lines = (self._what, f"{self._rate.text()}, {self._left.text()}", "Stop recording (R)")
        self.setToolTip("\n".join(line for line in lines if line.strip(", ")))


class _Lamp(QWidget):
    """A dot and its name; the colour says how it goes, the tooltip says it in words."""

    def __init__(self, name: str, parent: QWidget) -> None:
        super().__init__(parent)
        self._name = name
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        self._dot = QLabel("●", self)
        self._dot.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self._dot.setObjectName("lamp")
        self.label = QLabel(name, self)
        self.label.setObjectName("caption")
        self.label.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        layout.addWidget(self._dot)
        layout.addWidget(self.label)
        self.level = ""
        self.show_level("off")

    def show_level(self, level: str) -> None:
        if level == self.level:
            return
        self.level = level
        self._dot.setProperty("level", level)
        self._dot.style().unpolish(self._dot)
        self._dot.style().polish(self._dot)
        self.setToolTip(f"{self._name}: {LAMP_WORDS[level]}")


def _column(upper: QWidget, lower: QWidget, parent: QWidget) -> QWidget:
    column = QWidget(parent)
    layout = QVBoxLayout(column)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(0)
    layout.addWidget(upper)
    layout.addWidget(lower)
    return column


def _tool(text: str, tip: str, signal: object, parent: QWidget) -> QToolButton:
    button = QToolButton(parent)
    button.setText(text)
    button.setToolTip(tip)
    button.setFixedSize(36, 36)
    button.clicked.connect(lambda: signal.emit())  # type: ignore[attr-defined]
    return button


def _captioned(caption: str, widget: QWidget, parent: QWidget) -> tuple[QWidget, QLabel]:
    """A widget with a caption over it and a figure beside the caption."""
    box = QWidget(parent)
    layout = QVBoxLayout(box)
    layout.setContentsMargins(4, 0, 4, 0)
    layout.setSpacing(1)
    line = QHBoxLayout()
    label = QLabel(caption, box)
    label.setObjectName("caption")
    figure = FigureLabel("", box)
    figure.setObjectName("captionFigure")
    line.addWidget(label)
    line.addStretch(1)
    line.addWidget(figure)
    layout.addLayout(line)
    layout.addWidget(widget)
    return box, figure


def _figure(caption: str, text: str, parent: QWidget) -> tuple[QWidget, QLabel]:
    box = QWidget(parent)
    layout = QVBoxLayout(box)
    layout.setContentsMargins(4, 0, 4, 0)
    layout.setSpacing(1)
    label = QLabel(caption, box)
    label.setObjectName("caption")
    figure = FigureLabel(text, box)
    figure.setObjectName("figure")
    layout.addWidget(label)
    layout.addWidget(figure)
    return box, figure
