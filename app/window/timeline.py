"""The timeline: the whole run, what was done to the subject, where the panes look. Drag to look back."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.theme import Theme
from app.window.desk import Desk, Pull
from app.window.figures import span_text
from app.window.pane import Pane
from app.window.pane_header import header_button
from app.window.tools.standing import StandingLog
from rig.log import LogEntry, LogKind
from rig.perturbation import SILENCING, TIMED
from rig.process.protocol import MOVING

LEFT, RIGHT, FOOT = 64, 12, 16  # px: row names, margin, the scale's figures
EMPTY = "The whole run, what is done to the subject, and your notes will lie here"
N_TEXT_ROWS, MAX_MARK_CHARACTERS = 3, 24
MAX_MARKS = 2000  # newest kept for drawing; the log keeps all
PLATE_ALPHA = 215
REFRESH_S = 0.1  # while it runs
TIP = "The whole run. Drag to look back while it runs; double click to go live (End)"


@dataclass(frozen=True)
class Span:
    """Something that lasted."""

    kind: str  # record, drive, silence
    start_tick: int
    stop_tick: int | None  # None: still on


@dataclass(frozen=True)
class Mark:
    """Something that happened."""

    kind: str  # note, mark, lesion, trigger
    tick: int
    text: str


class Events:
    """What the timeline shows of a log; fed entry by entry."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.marks: list[Mark] = []
        self._past = StandingLog()

    def add(self, entry: LogEntry) -> None:
        """Take an entry in; where it takes time back, what was undone goes."""
        if not self._past.add(entry):
            self._take(entry)
            return
        self.spans.clear()
        self.marks.clear()
        for standing in self._past.line:
            self._take(standing)

    def _take(self, entry: LogEntry) -> None:
        payload = entry.payload
        if entry.kind is LogKind.NOTE:
            self._mark("note", entry.tick, str(payload["text"]))
        elif entry.kind is LogKind.MARK:
            self._mark("mark", entry.tick, str(payload["number"]))
        elif entry.kind is LogKind.TRIGGER and payload.get("action") == "fire":
            self._mark("trigger", int(payload["tick"]), str(payload["name"]))
        elif entry.kind is LogKind.RECORD:
            self._end("record", entry.tick)
            if payload["action"] == "start":
                self.spans.append(Span("record", entry.tick, None))
        elif entry.kind is LogKind.PERTURB:
            self._perturb(entry)
        elif entry.kind is LogKind.RESTORE:
            self._mark("mark", entry.tick, "rewound")
        elif entry.kind is LogKind.TWIN and payload.get("action") == "differs":
            self._mark("mark", int(payload["tick"]), "twin differs")

    def _perturb(self, entry: LogEntry) -> None:
        kind, start, stop = entry.payload["kind"], entry.payload["start_tick"], entry.payload["stop_tick"]
        if kind in TIMED:
            self.spans.append(Span("silence" if kind in SILENCING else "drive", start, stop))
            del self.spans[:-MAX_MARKS]
        elif kind == "release":
            for k in ("drive", "silence"):
                self._end(k, start)
        else:
            self._mark("lesion", start, kind.replace("_", " "))

    def _mark(self, kind: str, tick: int, text: str) -> None:
        self.marks.append(Mark(kind, tick, text))
        del self.marks[:-MAX_MARKS]

    def _end(self, kind: str, tick: int) -> None:
        """What of a kind is still on ends here."""
        self.spans = [
            Span(s.kind, s.start_tick, tick) if s.kind == kind and s.stop_tick is None else s for s in self.spans
        ]


class TimelinePane(Pane):
    """The strip at the bottom."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__("Timeline", desk, parent)
        self.events = Events()
        self.branch = header_button(
            "go on from here", "Go back to what is on show, and go on from there (B)", None, self
        )
        self.branch.clicked.connect(desk.branch)
        self.branch.setFixedHeight(self.branch.fontMetrics().height() + 2)  # the header stays as low as without it
        self.branch.hide()
        self.header_layout.insertWidget(1, self.branch)
        self.bar = TimelineBar(self.events, self.body)
        layout = QVBoxLayout(self.body)
        layout.setContentsMargins(8, 4, 8, 4)
        layout.addWidget(self.bar)
        desk.logged.connect(self._on_logged)
        desk.opened.connect(self._on_opened)
        self._age_s = REFRESH_S
        self.bar.looked_at.connect(desk.view.look_at)
        self.bar.went_live.connect(desk.view.go_live)

    def apply_theme(self, theme: Theme) -> None:
        self.bar.theme = theme
        self.bar.update()

    def _on_opened(self) -> None:
        self.bar.events = self.events = Events()

    def _on_logged(self, entry: LogEntry) -> None:
        self.events.add(entry)

    def pull(self, pull: Pull) -> None:
        description = self.desk.description
        if description is None or self.bar.isHidden():  # the bar of a recording on playback lies in its place
            return
        self._age_s += pull.elapsed_s
        if pull.live and pull.status.state in MOVING and self._age_s < REFRESH_S:
            return
        self._age_s = 0.0
        self.bar.show_time(pull, description.info.tick_hz, description.info.tick_name)
        notice = self.desk.past.notice
        back = f"looking back · {notice}" if notice else "looking back · double click for live"
        self.set_detail("← drag to look back · live" if pull.live else back)
        self.branch.setVisible(not pull.live)
        kept = self.desk.past.kept
        self.bar.setToolTip(f"{TIP}\n{kept}" if kept else TIP)


class TimelineBar(QWidget):
    """Draws it; its mouse moves the view."""

    looked_at = Signal(object)  # stop tick: Python's int, not C's
    went_live = Signal()

    def __init__(self, events: Events, parent: QWidget) -> None:
        super().__init__(parent)
        self.setMinimumHeight(44)
        self.setToolTip(TIP)
        self.theme: Theme | None = None
        self.events = events
        self._pull: Pull | None = None
        self._hz, self._tick_name = 0.0, "tick"
        self._drawn: tuple[object, ...] = ()

    def show_time(self, pull: Pull, tick_hz: float, tick_name: str) -> None:
        self._pull, self._hz, self._tick_name = pull, tick_hz, tick_name
        # drawn anew when something moved by a pixel: the scale shrinks as the run grows, so that now stays in place
        scale = int(math.log(self._end) * self.width())
        key = (
            scale, self._x(pull.tick), self._x(pull.start_tick), pull.live,
            len(self.events.spans), len(self.events.marks),
        )  # fmt: skip
        if key != self._drawn:
            self._drawn = key
            self.update()

    @property
    def _end(self) -> int:
        """The tick at the right edge: a little beyond now, so that now can be seen to move."""
        tick = self._pull.tick if self._pull is not None else 0
        return max(int(tick * 1.04), 1000)

    def _x(self, tick: float) -> int:
        return LEFT + round(max(tick, 0) / self._end * (self.width() - LEFT - RIGHT))

    def tick_at(self, x: float) -> int:
        """The tick under a pixel."""
        return max(round((x - LEFT) / max(self.width() - LEFT - RIGHT, 1) * self._end), 0)

    @property
    def _row_px(self) -> float:
        return (self.height() - FOOT - 4) / 3

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.theme is None:
            return
        if self._pull is None:
            painter = QPainter(self)
            painter.setPen(QColor(self.theme.muted))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, EMPTY)
            painter.end()
            return
        theme, pull = self.theme, self._pull
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        metrics = QFontMetricsF(painter.font())
        area = QRectF(LEFT, 1, self.width() - LEFT - RIGHT, self.height() - FOOT)
        painter.setPen(QPen(QColor(theme.line)))
        painter.setBrush(QColor(theme.window))
        painter.drawRoundedRect(area, 4, 4)
        for row, (text, colour) in enumerate(
            (("REC", theme.record), ("stim", theme.stimulus), ("silence", theme.silence))
        ):
            painter.setPen(QColor(colour))
            painter.drawText(QPointF(0, 3 + (row + 0.75) * self._row_px), text)
        self._draw_scale(painter, area, metrics)
        painter.setClipRect(area)
        for span in self.events.spans:
            self._draw_span(painter, span, pull.tick)
        taken_px = [0.0] * N_TEXT_ROWS
        for mark in self.events.marks:
            self._draw_mark(painter, mark, metrics, taken_px)
        window = QRectF(QPointF(self._x(pull.start_tick), area.top()), QPointF(self._x(pull.stop_tick), area.bottom()))
        accent = QColor(theme.accent)
        painter.setPen(QPen(accent, 2))
        painter.drawLine(window.topRight(), window.bottomRight())
        accent.setAlpha(50)
        painter.fillRect(window, accent)
        painter.end()

    def _draw_scale(self, painter: QPainter, area: QRectF, metrics: QFontMetricsF) -> None:
        assert self.theme is not None
        unit = self._hz if self._hz > 0 else 1.0
        step = round_step(self._end, max(int(area.width() // 110), 2), self._hz)
        for k in range(1, math.ceil(self._end / unit / step)):
            x = self._x(k * step * unit)
            painter.setPen(QPen(QColor(self.theme.line)))
            painter.drawLine(x, int(area.top()), x, int(area.bottom()))
            painter.setPen(QColor(self.theme.muted))
            text = span_text(k * step * unit, self._hz, self._tick_name)
            half_px = metrics.horizontalAdvance(text) / 2
            if x + half_px < self.width():
                painter.drawText(QPointF(x - half_px, self.height() - 3), text)

    def _draw_span(self, painter: QPainter, span: Span, now: int) -> None:
        assert self.theme is not None
        row, colour = {
            "record": (0, self.theme.record),
            "drive": (1, self.theme.stimulus),
            "silence": (2, self.theme.silence),
        }[span.kind]
        stop = now if span.stop_tick is None else min(span.stop_tick, max(now, span.start_tick))
        x0, x1 = self._x(span.start_tick), self._x(stop)
        height = 3 if span.kind == "record" else self._row_px * 0.6
        y = 3 + (row + 0.5) * self._row_px - height / 2
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colour))
        painter.drawRoundedRect(QRectF(x0, y, max(x1 - x0, 3), height), 1.5, 1.5)

    def _draw_mark(self, painter: QPainter, mark: Mark, metrics: QFontMetricsF, taken_px: list[float]) -> None:
        """A line with its words on the first of the rows where they have room; without them where none has.

        Parameters
        ----------
        taken_px : up to where each row is full
        """
        assert self.theme is not None
        x = self._x(mark.tick)
        if mark.kind == "trigger":
            painter.setPen(QPen(QColor(self.theme.muted)))
            painter.drawLine(x, self.height() - FOOT - 5, x, self.height() - FOOT)
            return
        painter.setPen(QPen(QColor(self.theme.text), 1, Qt.PenStyle.DotLine))
        painter.drawLine(x, 2, x, self.height() - FOOT)
        painter.setPen(QColor(self.theme.text))
        painter.setBrush(QColor(self.theme.text))
        if mark.kind == "lesion":
            painter.drawPolygon(QPolygonF([QPointF(x - 3, 2), QPointF(x + 3, 2), QPointF(x, 8)]))
        row = next((r for r, right in enumerate(taken_px) if x >= right), None)
        if row is not None:
            text = mark.text[:MAX_MARK_CHARACTERS]
            at = QPointF(x + 3, 2 + metrics.ascent() + row * metrics.height())
            plate = QColor(self.theme.window)
            plate.setAlpha(PLATE_ALPHA)  # spans lie behind words, and words must be read
            painter.fillRect(metrics.boundingRect(text).translated(at).adjusted(-2, 0, 2, 0), plate)
            painter.drawText(at, text)
            taken_px[row] = x + metrics.horizontalAdvance(text) + 8

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._look(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._look(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.went_live.emit()

    def _look(self, event: QMouseEvent) -> None:
        if self._pull is None or event.button() == Qt.MouseButton.RightButton:
            return
        tick = self.tick_at(event.position().x())
        if tick >= self._pull.tick:
            self.went_live.emit()
        else:
            self.looked_at.emit(tick)


def round_step(end_tick: int, n_at_most: int, tick_hz: float) -> float:
    """Seconds between lines of the scale, or ticks where the subject has no clock: 1, 2 or 5 × a power of ten."""
    unit = tick_hz if tick_hz > 0 else 1.0
    least = end_tick / n_at_most / unit
    exponent = -12
    while True:
        power = 10.0**exponent
        for factor in (1, 2, 5):
            if factor * power >= least and factor * power * unit >= 1:
                return factor * power
        exponent += 1
