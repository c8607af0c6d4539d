"""A drawing of the train that the panel asks for."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.theme import DARK, Theme
from app.window.fonts import text_px
from app.window.tools.time_text import time_of_ticks
from rig.perturbation import PulseTrain
from rig.subject import SubjectInfo

MARGIN = 10.0
MAX_PULSES = 400  # as many as can be told apart


def train_ticks(train: PulseTrain) -> int:
    """From the start to the end of the last pulse, jitter apart."""
    return train.onset_ticks + (train.count - 1) * train.period_ticks + train.width_ticks


def px_per_tick(train: PulseTrain, width_px: float) -> float:
    return width_px / ((train_ticks(train) + train.jitter_ticks) * 1.04)


def pulse_spans(train: PulseTrain, width_px: float) -> list[tuple[float, float]]:
    """[x, x + width) of each pulse within width_px pixels, the start at 0; a pulse is at least a pixel wide."""
    scale = px_per_tick(train, width_px)
    n = min(train.count, MAX_PULSES)
    step = train.count / n
    spans = []
    for k in range(n):
        x = (train.onset_ticks + int(k * step) * train.period_ticks) * scale
        spans.append((x, x + max(train.width_ticks * scale, 1.0)))
    return spans


class TrainPreview(QWidget):
    """Pulses over time; the dashed line is the moment of the key press, or of the trigger."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme: Theme = DARK
        self._train: PulseTrain | None = None
        self._info: SubjectInfo | None = None
        self._origin = "now"
        self._hint = ""
        self.setMinimumHeight(56)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setToolTip("The pulses as they will be given; shading shows the jitter")

    def sizeHint(self) -> QSize:
        return QSize(280, 64)

    @property
    def train(self) -> PulseTrain | None:
        return self._train

    def show_train(self, train: PulseTrain | None, info: SubjectInfo | None, origin: str, hint: str = "") -> None:
        """Show a train, or why there is none."""
        if (train, info, origin, hint) != (self._train, self._info, self._origin, self._hint):
            self._train, self._info, self._origin, self._hint = train, info, origin, hint
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        frame = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setPen(QColor(self.theme.line))
        painter.setBrush(QColor(self.theme.field))
        painter.drawRoundedRect(frame, 4, 4)
        if self._train is None or self._info is None:
            painter.setPen(QColor(self.theme.muted))
            inner = frame.adjusted(8, 4, -8, -4)
            painter.drawText(inner, int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap), self._hint)
            return
        self._paint_train(painter, frame, self._train, self._info)

    def _paint_train(self, painter: QPainter, frame: QRectF, train: PulseTrain, info: SubjectInfo) -> None:
        small = painter.font()
        small.setPixelSize(text_px(11))
        painter.setFont(small)
        line_px = QFontMetricsF(small).height()
        left, width = frame.left() + MARGIN, frame.width() - 2 * MARGIN
        base, top = frame.bottom() - line_px - 4, frame.top() + line_px + 2
        spans, jitter = pulse_spans(train, width), train.jitter_ticks * px_per_tick(train, width)
        low = train.amplitude == 0.0
        painter.setPen(QPen(QColor(self.theme.muted), 1))
        painter.drawLine(QPointF(left, base), QPointF(left + width, base))
        colour = QColor(self.theme.stimulus)
        shade = QColor(colour)
        shade.setAlpha(60)
        for start, stop in spans:
            if jitter:
                painter.fillRect(QRectF(left + start - jitter, top, stop - start + 2 * jitter, base - top), shade)
            # a drive to low is an outline: the same place, another level
            rect = QRectF(left + start, top, stop - start, base - top)
            if low:
                painter.setPen(QPen(colour, 1))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRect(rect)
            else:
                painter.fillRect(rect, colour)
        painter.setPen(QPen(QColor(self.theme.accent), 1, Qt.PenStyle.DashLine))
        painter.drawLine(QPointF(left, frame.top() + 4), QPointF(left, base + 4))
        painter.drawText(QPointF(left + 4, frame.top() + line_px), self._origin)
        painter.setPen(QColor(self.theme.muted))
        total = train_ticks(train)
        text = time_of_ticks(total, info) or f"{total} {info.tick_name}s"
        below = QRectF(left, base + 1, width, line_px + 2)
        painter.drawText(below, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), text)
        painter.drawText(below, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), f"{train.count} ×")
