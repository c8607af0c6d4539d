"""Left of the spectrogram: names of frequencies, and behind them the mean spectrum on the same rows.

It lies where the other panes have the names of their rows, so that the same time is at the same place in all of them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.draw.polyline import polyline
from app.draw.spectrogram_image import FrequencyRows
from app.window.fonts import text_px
from app.window.plot_colours import PlotColours
from app.window.scope_labels import WIDTH
from app.window.spectrogram_picture import frequency_marks
from app.window.time_axis import frequency_text

TIP = (
    "Frequencies, and the power spectral density of the same channel: the mean of about the last 64 windows, "
    "low levels at the right, high ones at the left; grey: the intact twin's"
)
_FOOT_PX, _FILL_ALPHA = 5, 56


class FrequencySide(QWidget):
    """Levels to the left, frequencies upwards as in the spectrogram beside it.

    Attributes
    ----------
    levels_db, twin_db : (height,) mean level by row of the spectrogram's pixels, the top one first; NaN where unknown
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedWidth(WIDTH)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)
        self.setToolTip(TIP)
        self.colours: PlotColours | None = None
        self.levels_db = self.twin_db = np.empty(0)
        self._low_db, self._high_db = 0.0, 1.0
        self._rows: FrequencyRows | None = None
        self._of_ticks = False

    def sizeHint(self) -> QSize:
        return QSize(WIDTH, 100)

    def show_rows(self, rows: FrequencyRows | None, of_ticks: bool) -> None:
        self._rows, self._of_ticks = rows, of_ticks
        self.levels_db = self.twin_db = np.empty(0)
        self.update()

    def show_levels(
        self, levels_db: NDArray[np.float64], twin_db: NDArray[np.float64], low_db: float, high_db: float
    ) -> None:
        """Show mean spectra; the twin's is empty where there is none."""
        self.levels_db, self.twin_db = levels_db, twin_db
        self._low_db, self._high_db = low_db, max(high_db, low_db + 1)
        self.update()

    def curve(self, levels_db: NDArray[np.float64]) -> QPolygonF:
        """Known levels as points of this widget, the top row first."""
        known = np.flatnonzero(np.isfinite(levels_db))
        share = np.clip((levels_db[known] - self._low_db) / (self._high_db - self._low_db), 0, 1)
        foot = self.width() - _FOOT_PX
        return polyline(foot - share * foot, (known + 0.5) / max(len(levels_db), 1) * self.height())

    def paintEvent(self, event: QPaintEvent) -> None:
        c = self.colours
        if c is None or self._rows is None:
            return
        painter = QPainter(self)
        self._draw_spectra(painter, c)
        font = painter.font()
        font.setPixelSize(text_px(11))
        painter.setFont(font)
        self._draw_names(painter, QFontMetricsF(font), c, self._rows)
        painter.end()

    def _draw_spectra(self, painter: QPainter, c: PlotColours) -> None:
        curve = self.curve(self.levels_db)
        if curve.isEmpty():
            return
        foot = self.width() - _FOOT_PX
        area = QPolygonF(curve)
        area.append(QPointF(foot, curve.last().y()))
        area.append(QPointF(foot, curve.first().y()))
        fill = QColor(c.accent)
        fill.setAlpha(_FILL_ALPHA)
        painter.setPen(QPen(QColor(0, 0, 0, 0)))
        painter.setBrush(fill)
        painter.drawPolygon(area)
        painter.setPen(QPen(c.muted))
        painter.drawPolyline(self.curve(self.twin_db))
        painter.setPen(QPen(c.accent))
        painter.drawPolyline(curve)

    def _draw_names(self, painter: QPainter, metrics: QFontMetricsF, c: PlotColours, rows: FrequencyRows) -> None:
        n_rows = len(rows.edges_hz) - 1
        for hz in frequency_marks(rows, max(int(self.height() / (metrics.height() + 8)), 1)):
            row = rows.row_of(hz)
            if row is None:
                row = n_rows if hz <= rows.edges_hz[-1] else 0
            y = row / n_rows * self.height()
            text = frequency_text(hz, self._of_ticks)
            painter.setPen(QPen(c.frame))
            painter.drawLine(QPointF(self.width() - 4, y), QPointF(self.width(), y))
            base = min(max(y + metrics.ascent() / 2 - 1, metrics.ascent()), self.height() - metrics.descent())
            x, width = self.width() - 8 - metrics.horizontalAdvance(text), metrics.horizontalAdvance(text)
            painter.fillRect(QRectF(x - 2, base - metrics.ascent() + 1, width + 4, metrics.ascent() + 1), c.backing)
            painter.setPen(c.words)
            painter.drawText(QPointF(x, base), text)
