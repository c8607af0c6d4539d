"""A bar for each sort of token: how a unit does there on average, with the standard error."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QLineF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.theme import DARK, Theme
from app.window.text_tints import hues

_LABEL_SHARE = 0.3  # of the width
_GAP_PX = 6
_BAR_SHARE = 0.62  # of a row's height


@dataclass(frozen=True)
class Bar:
    """One row.

    Attributes
    ----------
    mean, error : in the unit's own measure; NaN where not known
    n : moments that it is of
    """

    label: str
    mean: float
    error: float
    n: int


class TuningBars(QWidget):
    """Bars from a common zero; those below it in the other hue, as the text has them."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme: Theme = DARK
        self.bars: tuple[Bar, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setToolTip("Mean of the selected unit at tokens of each sort, its standard error, and how many there were")

    def sizeHint(self) -> QSize:
        return QSize(240, len(self.bars) * self._row_px())

    def minimumSizeHint(self) -> QSize:
        return QSize(120, self.sizeHint().height())

    def show_bars(self, bars: Sequence[Bar]) -> None:
        changed = len(bars) != len(self.bars)
        self.bars = tuple(bars)
        if changed:
            self.updateGeometry()
        self.update()

    def apply_theme(self, theme: Theme) -> None:
        self.theme = theme
        self.update()

    def _row_px(self) -> int:
        return self.fontMetrics().height() + 3

    def scale(self) -> tuple[float, float]:
        """Least and greatest value that is drawn, 0 among them."""
        ends = [(b.mean - (e := b.error if math.isfinite(b.error) else 0.0), b.mean + e) for b in self.bars]
        known = [v for pair in ends for v in pair if math.isfinite(v)]
        low, high = min(0.0, *known, 0.0), max(0.0, *known, 0.0)
        return (low, high) if high > low else (0.0, 1.0)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        metrics = painter.fontMetrics()
        low, high = self.scale()
        told = [f"{b.mean:.2f}" if math.isfinite(b.mean) else "–" for b in self.bars]
        counts = [str(b.n) for b in self.bars]
        told_px = max((metrics.horizontalAdvance(t) for t in told), default=0)
        count_px = max((metrics.horizontalAdvance(t) for t in counts), default=0)
        left = self.width() * _LABEL_SHARE
        right = self.width() - told_px - count_px - 3 * _GAP_PX
        above, below = (QColor(c) for c in hues(self.theme))
        text, muted, line = (QColor(c) for c in (self.theme.text, self.theme.muted, self.theme.line))

        def x(value: float) -> float:
            return left + (value - low) / (high - low) * (right - left)

        row_px, middle = self._row_px(), Qt.AlignmentFlag.AlignVCenter
        for i, bar in enumerate(self.bars):
            top = i * row_px
            label = metrics.elidedText(bar.label, Qt.TextElideMode.ElideRight, int(left - _GAP_PX))
            painter.setPen(text if bar.n else muted)
            painter.drawText(QRectF(0, top, left - _GAP_PX, row_px), int(middle), label)
            if math.isfinite(bar.mean):
                start, stop = sorted((x(0), x(bar.mean)))
                height = row_px * _BAR_SHARE
                area = QRectF(start, top + (row_px - height) / 2, stop - start, height)
                painter.fillRect(area, above if bar.mean >= 0 else below)
                if math.isfinite(bar.error):
                    painter.setPen(QPen(text, 1))
                    centre = top + row_px / 2
                    painter.drawLine(QLineF(x(bar.mean - bar.error), centre, x(bar.mean + bar.error), centre))
            flags = int(middle | Qt.AlignmentFlag.AlignRight)
            painter.setPen(text if bar.n else muted)
            painter.drawText(QRectF(right + _GAP_PX, top, told_px, row_px), flags, told[i])
            painter.setPen(muted)
            painter.drawText(QRectF(self.width() - count_px, top, count_px, row_px), flags, counts[i])
        painter.setPen(QPen(line, 1))
        painter.drawLine(QLineF(x(0), 0, x(0), len(self.bars) * row_px))
