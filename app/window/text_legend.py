"""What the colours of a text mean: by what, and from where to where."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QLinearGradient, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.theme import DARK, Theme
from app.window.text_tints import Tints, ground_of

_BAR_PX = 96
_N_STOPS = 9


class TintLegend(QWidget):
    """A line: a name, and a bar with the values of its ends."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme: Theme = DARK
        self._name = ""
        self._ends: tuple[float, float] | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    @property
    def name(self) -> str:
        return self._name

    @property
    def ends(self) -> tuple[float, float] | None:
        return self._ends

    def sizeHint(self) -> QSize:
        return QSize(240, self.fontMetrics().height() + 6)

    def show_scale(self, name: str, tints: Tints | None) -> None:
        """Without a scale the name alone is told, muted."""
        ends = None if tints is None or tints.high <= 0 else (tints.low, tints.high)
        if (name, ends) != (self._name, self._ends):
            self._name, self._ends = name, ends
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        area = QRectF(self.rect()).adjusted(8, 0, -8, 0)
        metrics = painter.fontMetrics()
        middle = Qt.AlignmentFlag.AlignVCenter
        if self._ends is None:
            painter.setPen(QColor(self.theme.muted))
            text = metrics.elidedText(self._name, Qt.TextElideMode.ElideRight, int(area.width()))
            painter.drawText(area, int(middle | Qt.AlignmentFlag.AlignLeft), text)
            return
        low, high = (f"{v:.3g}" for v in self._ends)
        high_px, low_px = metrics.horizontalAdvance(high), metrics.horizontalAdvance(low)
        bar = QRectF(area.right() - high_px - 6 - _BAR_PX, area.top() + 5, _BAR_PX, area.height() - 10)
        gradient = QLinearGradient(QPointF(bar.left(), 0), QPointF(bar.right(), 0))
        lowest = -1.0 if self._ends[0] < 0 else 0.0
        for k in range(_N_STOPS):
            share = k / (_N_STOPS - 1)
            gradient.setColorAt(share, QColor(ground_of(lowest + (1 - lowest) * share, self.theme)))
        painter.fillRect(bar, gradient)
        painter.setPen(QColor(self.theme.line))
        painter.drawRect(bar)
        painter.setPen(QColor(self.theme.muted))
        painter.drawText(QRectF(bar.right() + 6, area.top(), high_px + 2, area.height()), int(middle), high)
        left = bar.left() - 6 - low_px
        painter.drawText(QRectF(left, area.top(), low_px + 2, area.height()), int(middle), low)
        painter.setPen(QColor(self.theme.text))
        room = int(left - 8 - area.left())
        text = metrics.elidedText(self._name, Qt.TextElideMode.ElideRight, room)
        painter.drawText(QRectF(area.left(), area.top(), room, area.height()), int(middle), text)
