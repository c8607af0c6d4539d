"""The histogram above the raster's trials."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from app.window.plot_colours import PlotColours

HEIGHT, _HEADROOM = 64, 16


class Histogram(QWidget):
    """Rates around the trigger, over the trials: bars, and an intact twin's as a line in grey.

    Attributes
    ----------
    colour : of the bars
    zero : where the trigger lies, a fraction of the width
    top_text : what the top is
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedHeight(HEIGHT)
        self.setToolTip("Peri-stimulus time histogram: mean rate around the trigger, over all trials")
        self.colours: PlotColours | None = None
        self.colour = QColor()
        self.zero = 0.0
        self.top_text = ""
        self._rates: NDArray[np.float64] = np.empty(0)
        self._twin: NDArray[np.float64] | None = None
        self._signed = False

    def show_rates(
        self, rates: NDArray[np.float64], twin: NDArray[np.float64] | None = None, signed: bool = False
    ) -> None:
        """Show mean rates.

        Parameters
        ----------
        rates : (n_bins,)
        twin : (n_bins,) the intact twin's
        signed : the rates are differences from the twin's: they go up and, in grey, down from the middle
        """
        self._rates, self._signed = rates, signed
        self._twin = None if signed else twin
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        c = self.colours
        if c is None:
            return
        painter = QPainter(self)
        area = QRectF(self.rect())
        painter.fillRect(area, QColor(c.theme.window))
        self._draw_rates(painter, area, c)
        x = round(self.zero * area.width())
        painter.setPen(QPen(c.accent, 1, Qt.PenStyle.DashLine))
        painter.drawLine(QPointF(x, 0), QPointF(x, area.height()))
        painter.setPen(c.muted)
        metrics = QFontMetricsF(painter.font())
        painter.drawText(QPointF(4, metrics.ascent() + 1), self.top_text)
        painter.setPen(QPen(c.frame))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(area.adjusted(0, 0, -1, -1))
        painter.end()

    def _draw_rates(self, painter: QPainter, area: QRectF, c: PlotColours) -> None:
        shown = self._rates if self._twin is None else np.concatenate((self._rates, self._twin))
        top = float(np.abs(shown).max()) if len(shown) else 0.0
        if top <= 0:
            return
        base = area.height() / 2 if self._signed else area.height()
        scale = (area.height() - _HEADROOM) / top / (2 if self._signed else 1)
        edges = np.linspace(0, area.width(), len(self._rates) + 1)
        painter.setPen(Qt.PenStyle.NoPen)
        for sign, colour in ((1, self.colour), (-1, c.muted)):
            heights = np.maximum(sign * self._rates, 0) * scale
            painter.setBrush(colour)
            bars = zip(edges[:-1].tolist(), np.diff(edges).tolist(), heights.tolist(), strict=True)
            painter.drawRects(
                [QRectF(left, base - h if sign > 0 else base, max(width, 1), h) for left, width, h in bars if h > 0]
            )
        if self._twin is not None:
            painter.setPen(QPen(c.muted, 1))
            xs, ys = np.repeat(edges, 2)[1:-1], np.repeat(base - self._twin * scale, 2)
            painter.drawPolyline([QPointF(x, y) for x, y in zip(xs.tolist(), ys.tolist(), strict=True)])
