"""At the sides of the spectrogram: names of frequencies, and the mean spectrum on the same rows."""

from __future__ import annotations

import numpy as np
import pyqtgraph  # type: ignore[import-untyped]
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QSize
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QLabel, QSizePolicy, QVBoxLayout, QWidget

from app.draw.spectrogram_image import FrequencyRows
from app.window.plot_colours import PlotColours
from app.window.scope_labels import WIDTH
from app.window.spectrogram_picture import frequency_marks
from app.window.time_axis import frequency_text

PSD_WIDTH = 128


class FrequencyNames(QWidget):
    """Frequencies at the left."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedWidth(WIDTH)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)
        self.colours: PlotColours | None = None
        self._rows: FrequencyRows | None = None
        self._of_ticks = False

    def sizeHint(self) -> QSize:
        return QSize(WIDTH, 100)

    def show_rows(self, rows: FrequencyRows | None, of_ticks: bool) -> None:
        self._rows, self._of_ticks = rows, of_ticks
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.colours is None or self._rows is None:
            return
        painter = QPainter(self)
        font = painter.font()
        font.setPixelSize(11)
        painter.setFont(font)
        metrics = QFontMetricsF(font)
        n_rows = len(self._rows.edges_hz) - 1
        for hz in frequency_marks(self._rows, max(int(self.height() / (metrics.height() + 8)), 1)):
            row = self._rows.row_of(hz)
            if row is None:
                row = n_rows if hz <= self._rows.edges_hz[-1] else 0
            y = row / n_rows * self.height()
            text = frequency_text(hz, self._of_ticks)
            painter.setPen(QPen(self.colours.frame))
            painter.drawLine(QPointF(self.width() - 4, y), QPointF(self.width(), y))
            painter.setPen(self.colours.muted)
            base = min(max(y + metrics.ascent() / 2 - 1, metrics.ascent()), self.height() - metrics.descent())
            painter.drawText(QPointF(self.width() - 8 - metrics.horizontalAdvance(text), base), text)
        painter.end()


class Psd(QWidget):
    """Mean power spectral density: levels to the right, frequencies upwards as in the spectrogram beside it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedWidth(PSD_WIDTH)
        self._frame = QColor()
        self.plot = pyqtgraph.PlotWidget(self)
        self.plot.setToolTip("Power spectral density of the same channel, the mean of about the last 64 windows")
        self.plot.hideAxis("left")
        self.plot.hideAxis("bottom")
        self.plot.setMouseEnabled(False, False)
        self.plot.setMenuEnabled(False)
        self.plot.hideButtons()
        self.plot.getPlotItem().layout.setContentsMargins(0, 0, 0, 0)
        self.plot.getViewBox().setDefaultPadding(0)
        self.plot.setFrameShape(self.plot.Shape.NoFrame)
        self.plot.setYRange(0, 1, padding=0)
        self.curve = self.plot.plot([], [])
        self.caption = QLabel("PSD", self)
        self.caption.setObjectName("caption")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(9, 1, 1, 1)
        layout.addWidget(self.plot)

    def resizeEvent(self, event: object) -> None:
        self._place_words()

    def _place_words(self) -> None:
        self.caption.adjustSize()
        self.caption.move(self.width() - self.caption.width() - 8, 4)

    def apply(self, colours: PlotColours) -> None:
        self.plot.setBackground(QColor(colours.theme.window))
        self.curve.setPen(pyqtgraph.mkPen(colours.accent, width=1))
        self._frame = colours.frame
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setPen(QPen(self._frame))
        painter.drawRect(self.plot.geometry().adjusted(-1, -1, 0, 0))
        painter.end()

    def show_levels(self, levels_db: NDArray[np.float64], low_db: float, high_db: float) -> None:
        """Show levels by row of the spectrogram's pixels, the top one first."""
        known = np.isfinite(levels_db)
        n = len(levels_db)
        at = 1 - (np.arange(n) + 0.5) / max(n, 1)
        self.plot.setXRange(low_db, max(high_db, low_db + 1), padding=0)
        self.curve.setData(levels_db[known], at[known])
