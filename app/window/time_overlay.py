"""What lies over the pixels of every pane with a time axis: divisions, labels of spans, the crosshair, one line."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPen

from app.window.plot_colours import PlotColours
from app.window.time_axis import N_DIVISIONS
from rig.perturbation import PerturbationKind


@dataclass(frozen=True)
class SpanLabel:
    """A label over a span of the plot; fractions of its width. Filled where the pixels know nothing of the span."""

    kind: PerturbationKind
    start: float
    stop: float
    text: str
    filled: bool = False


@dataclass
class TimeOverlay:
    """Drawn by `ImageCanvas`; set its fields and update the canvas.

    Attributes
    ----------
    crosshair : fraction of the width, None for none
    labels : of stimuli and silencings on show
    unknown_until : the ring reaches back to this fraction of the width only; 0 for all of it
    notice : one line about that, at the left
    hint : what to do where there is nothing to show
    divided : divisions of time
    """

    colours: PlotColours | None = None
    crosshair: float | None = None
    labels: tuple[SpanLabel, ...] = ()
    unknown_until: float = 0.0
    notice: str = ""
    hint: str = ""
    divided: bool = True

    def __call__(self, painter: QPainter, area: QRectF) -> None:
        c = self.colours
        if c is None:
            return
        metrics = QFontMetricsF(painter.font())
        if self.hint:
            painter.setPen(c.muted)
            painter.drawText(area, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self.hint)
            return
        if self.divided:
            height = round(area.height())
            for i in range(1, N_DIVISIONS):  # rectangles: translucent lines take ten times as long
                painter.fillRect(round(area.left() + area.width() * i / N_DIVISIONS), 0, 1, height, c.grid)
        self._draw_labels(painter, area, metrics, c)
        if self.notice:
            self._draw_notice(painter, area, metrics, c)
        if self.crosshair is not None and 0 <= self.crosshair <= 1:
            x = round(area.left() + self.crosshair * (area.width() - 1))
            painter.setPen(QPen(c.accent))
            painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))

    def _draw_labels(self, painter: QPainter, area: QRectF, metrics: QFontMetricsF, c: PlotColours) -> None:
        free_from = area.left()
        for label in self.labels:
            left = area.left() + max(label.start, 0.0) * area.width()
            right = area.left() + min(label.stop, 1.0) * area.width()
            if label.filled:
                colour = c.tint_text(label.kind)
                painter.save()
                painter.setOpacity(0.15)
                painter.fillRect(QRectF(left, area.top(), max(right - left, 1), area.height()), colour)
                painter.restore()
            width = metrics.horizontalAdvance(label.text)
            x = min(max((left + right - width) / 2, area.left() + 4), area.right() - width - 4)
            if not label.text or x < free_from:  # of a train's pulses the first is named, and the next that has room
                continue
            free_from = x + width + 8
            painter.fillRect(QRectF(x - 3, area.top() + 1, width + 6, metrics.height() + 1), c.backing)
            painter.setPen(c.tint_text(label.kind))
            painter.drawText(QPointF(x, area.top() + metrics.ascent() + 2), label.text)

    def _draw_notice(self, painter: QPainter, area: QRectF, metrics: QFontMetricsF, c: PlotColours) -> None:
        edge = area.left() + min(self.unknown_until, 1.0) * area.width()
        text = metrics.elidedText(self.notice, Qt.TextElideMode.ElideRight, area.width() - 16)
        width = metrics.horizontalAdvance(text)
        x = max(min(edge - width - 8, area.right() - width - 8), area.left() + 8)
        y = area.bottom() - metrics.height() - 8
        painter.fillRect(QRectF(x - 4, y, width + 8, metrics.height() + 4), c.backing)
        painter.setPen(c.words)
        painter.drawText(QPointF(x, y + metrics.ascent() + 2), text)
        if 0 < self.unknown_until < 1:
            painter.setPen(QPen(c.muted, 1, Qt.PenStyle.DotLine))
            painter.drawLine(QPointF(edge, area.top()), QPointF(edge, area.bottom()))
