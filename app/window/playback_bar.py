"""The bar under a recording that plays back: drag to scrub; what was done to the subject; export, re-derive."""

from __future__ import annotations

import math

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.theme import Theme
from app.window.desk import Desk, Pull
from app.window.figures import span_text
from app.window.playback_log import PlaybackLog
from app.window.playback_seek import Reach, Seeker
from app.window.timeline import Events, Mark, round_step
from app.window.tools.time_text import moment

RIGHT_PX = 12
PAGE = 10  # spans


class PlaybackBar(QWidget):
    """Lies in the timeline while a recording plays back, and hides otherwise.

    Signals
    -------
    shown_changed : it came or went
    """

    shown_changed = Signal(bool)
    export_asked = Signal()
    rederive_asked = Signal()

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.desk = desk
        self.log = PlaybackLog(desk, self)
        self.seeker = Seeker(desk.do)
        self.track = ScrubTrack(self)
        self.export_button = QPushButton("Export this stretch…", self)
        self.export_button.setToolTip("Export what the panes show (Ctrl+Shift+E)")
        self.export_button.clicked.connect(self.export_asked)
        self.rederive_button = QPushButton("Re-derive…", self)
        self.rederive_button.setToolTip("Run it again and watch what was not watched (Ctrl+D)")
        self.rederive_button.clicked.connect(self.rederive_asked)
        buttons = QVBoxLayout()
        buttons.setSpacing(4)
        for button in (self.export_button, self.rederive_button):
            button.setStyleSheet("padding: 2px 8px;")
            buttons.addWidget(button)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(RIGHT_PX)
        layout.addWidget(self.track, 1)
        layout.addLayout(buttons)
        self.track.sought.connect(self.seek)
        self.track.held.connect(self.seeker.hold)
        self.log.changed.connect(self._on_changed)
        desk.closed.connect(self.seeker.forget)
        self.hide()

    @property
    def active(self) -> bool:
        """Whether a recording is on playback."""
        return self.log.played is not None

    def seek(self, tick: int) -> None:
        """Go there as soon as may be; the panes follow."""
        self.desk.view.go_live()
        self.seeker.want(tick)

    def pull(self, pull: Pull) -> None:
        """On every turn of the timer, whether it is visible or not: a seek goes on."""
        played, description = self.log.played, self.desk.description
        if played is None or description is None:
            return
        self.seeker.turn(pull.status, played.reach, self.desk.view.span_ticks)
        self.track.show_time(pull, description.info.tick_hz, description.info.tick_name)

    def detail(self, pull: Pull) -> str:
        """For the header: where playback stands."""
        description = self.desk.description
        if description is None or self.log.played is None:
            return ""
        now, end = (moment(t, description.info) for t in (pull.tick, self.log.played.reach.stop_tick))
        unit = " s" if description.info.tick_hz > 0 else ""
        return f"playback · drag to scrub · {now} of {end}{unit}"

    def apply_theme(self, theme: Theme) -> None:
        self.track.theme = theme
        self.track.update()

    def _on_changed(self) -> None:
        played = self.log.played
        self.seeker.forget()
        if played is not None:
            events = Events()
            for entry in played.entries:
                events.add(entry)
            self.track.set_recording(played.reach, events)
        self.setVisible(played is not None)
        self.shown_changed.emit(played is not None)


class ScrubTrack(QWidget):
    """The recording from its first tick to its last; the playhead is where the hand puts it."""

    sought = Signal(object)  # tick: Python's int, not C's
    held = Signal(bool)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setMinimumSize(120, 44)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setToolTip(
            "The whole recording. Drag to go anywhere; ← → by what the panes show, Page ten times as far, Home, End"
        )
        self.setAccessibleName("Playback position")
        self.theme: Theme | None = None
        self._reach = Reach(0, 1)
        self._events = Events()
        self._pull: Pull | None = None
        self._hz, self._tick_name = 0.0, "tick"
        self._drawn: tuple[object, ...] = ()

    def set_recording(self, reach: Reach, events: Events) -> None:
        self._reach, self._events = reach, events
        self._drawn = ()
        self.update()

    def show_time(self, pull: Pull, tick_hz: float, tick_name: str) -> None:
        self._pull, self._hz, self._tick_name = pull, tick_hz, tick_name
        key = (self.x_of(pull.tick), self.x_of(pull.start_tick), self.x_of(pull.stop_tick), self.size())
        if key != self._drawn:
            self._drawn = key
            self.update()

    # ---- geometry

    def x_of(self, tick: float) -> float:
        """Where a tick lies; ticks outside lie at the ends."""
        first, stop = self._reach.first_tick, self._reach.stop_tick
        part = (tick - first) / max(stop - first, 1)
        return round(2 + min(max(part, 0.0), 1.0) * (self.width() - 4), 1)

    def tick_at(self, x: float) -> int:
        first, stop = self._reach.first_tick, self._reach.stop_tick
        return self._reach.clipped(first + round((x - 2) / max(self.width() - 4, 1) * (stop - first)))

    # ---- the hand

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton:
            self.held.emit(True)
            self.sought.emit(self.tick_at(event.position().x()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            self.sought.emit(self.tick_at(event.position().x()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton:
            self.held.emit(False)

    def event(self, event: QEvent) -> bool:
        # Home and End are the window's, too; with the focus here they are meant for the bar
        if event.type() is QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and self._key_tick(event):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        target = self._key_tick(event)
        if target is None:
            super().keyPressEvent(event)
        else:
            self.sought.emit(target[0])

    def _key_tick(self, event: QKeyEvent) -> tuple[int] | None:
        """Where a key leads; None for keys that lead nowhere."""
        if self._pull is None or event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
            return None
        span = self._pull.stop_tick - self._pull.start_tick
        now = self._pull.tick
        places = {
            Qt.Key.Key_Left: now - span,
            Qt.Key.Key_Right: now + span,
            Qt.Key.Key_PageUp: now - PAGE * span,
            Qt.Key.Key_PageDown: now + PAGE * span,
            Qt.Key.Key_Home: self._reach.first_tick,
            Qt.Key.Key_End: self._reach.stop_tick,
        }
        place = places.get(Qt.Key(event.key()))
        return None if place is None else (self._reach.clipped(place),)

    # ---- the picture

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.theme is None or self._pull is None:
            return
        theme, pull = self.theme, self._pull
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(0.5, 0.5, self.width() - 1, self.height() - 1)
        painter.setPen(QPen(QColor(theme.accent if self.hasFocus() else theme.line)))
        painter.setBrush(QColor(theme.window))
        painter.drawRoundedRect(area, 4, 4)
        painter.setClipRect(area)
        played = QColor(theme.accent)
        played.setAlpha(18)
        painter.fillRect(QRectF(area.topLeft(), QPointF(self.x_of(pull.tick), area.bottom())), played)
        self._draw_scale(painter, area)
        for span in self._events.spans:
            row, colour = {"drive": (0, theme.stimulus), "silence": (1, theme.silence)}.get(span.kind, (0, theme.muted))
            stop = self._reach.stop_tick if span.stop_tick is None else span.stop_tick
            x0, x1 = self.x_of(span.start_tick), self.x_of(stop)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colour))
            painter.drawRoundedRect(QRectF(x0, 14 + 7 * row, max(x1 - x0, 3), 5), 1.5, 1.5)
        for mark in self._events.marks:
            self._draw_mark(painter, mark)
        self._draw_playhead(painter, area)
        painter.end()

    def _draw_scale(self, painter: QPainter, area: QRectF) -> None:
        assert self.theme is not None
        reach, metrics = self._reach, QFontMetricsF(painter.font())
        unit = self._hz if self._hz > 0 else 1.0
        step = round_step(max(reach.stop_tick - reach.first_tick, 1), max(int(area.width() // 110), 2), self._hz)
        for k in range(math.ceil(reach.first_tick / unit / step), math.ceil(reach.stop_tick / unit / step)):
            x = self.x_of(k * step * unit)
            painter.setPen(QPen(QColor(self.theme.line)))
            painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
            text = span_text(k * step * unit, self._hz, self._tick_name)
            if x - metrics.horizontalAdvance(text) > 4:
                painter.setPen(QColor(self.theme.muted))
                painter.drawText(QPointF(x - metrics.horizontalAdvance(text) - 4, area.bottom() - 4), text)

    def _draw_mark(self, painter: QPainter, mark: Mark) -> None:
        assert self.theme is not None
        x = self.x_of(mark.tick)
        if mark.kind == "trigger":
            painter.setPen(QPen(QColor(self.theme.muted)))
            painter.drawLine(QPointF(x, self.height() - 6), QPointF(x, self.height() - 2))
            return
        painter.setPen(QPen(QColor(self.theme.text), 1, Qt.PenStyle.DotLine))
        painter.drawLine(QPointF(x, 2), QPointF(x, self.height() - 2))
        painter.setPen(QColor(self.theme.text))
        painter.drawText(QPointF(x + 3, 12), mark.text[:24])

    def _draw_playhead(self, painter: QPainter, area: QRectF) -> None:
        assert self.theme is not None
        assert self._pull is not None
        accent = QColor(self.theme.accent)
        x0, x1 = self.x_of(self._pull.start_tick), self.x_of(self._pull.stop_tick)
        window = QColor(accent)
        window.setAlpha(60)
        painter.fillRect(QRectF(QPointF(x0, area.top()), QPointF(x1, area.bottom())), window)
        x = self.x_of(self._pull.tick)
        painter.setPen(QPen(accent, 2))
        painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(accent)
        painter.drawEllipse(QPointF(x, area.top() + 4), 4, 4)
