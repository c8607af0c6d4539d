"""A plot the size of a thumb: bars or a line, one caption, no handles."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyqtgraph as pg  # type: ignore[import-untyped]
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont
from PySide6.QtWidgets import QWidget

from app.theme import DARK, Theme
from app.window.fonts import text_px

HEIGHT_PX = 104


class SmallPlot(pg.PlotWidget):  # type: ignore[misc]
    """Shows one curve; what its axes mean stands in the caption above it."""

    def __init__(self, tooltip: str, parent: QWidget | None = None) -> None:
        super().__init__(parent, background=None)
        self.setToolTip(tooltip)
        self.setFixedHeight(HEIGHT_PX)
        self.setMinimumWidth(80)
        self.setFrameShape(pg.PlotWidget.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setMenuEnabled(False)
        self.setMouseEnabled(x=False, y=False)
        self.hideButtons()
        item = self.getPlotItem()
        item.setContentsMargins(0, 0, 4, 0)
        font = QFont(self.font())
        font.setPixelSize(text_px(10))
        for name in ("left", "bottom"):
            axis = item.getAxis(name)
            axis.setStyle(tickFont=font, tickLength=-3, tickTextOffset=2, maxTickLevel=0)
            axis.enableAutoSIPrefix(False)
        item.getAxis("left").setWidth(30)
        item.getAxis("bottom").setHeight(16)
        self._curve: Any = item.plot([], [])
        self._level: Any = pg.InfiniteLine(angle=0, pos=1.0)
        self._level.setVisible(False)
        item.addItem(self._level)
        self._colour = DARK.accent
        self.apply_theme(DARK)

    def apply_theme(self, theme: Theme) -> None:
        for name in ("left", "bottom"):
            axis = self.getPlotItem().getAxis(name)
            axis.setPen(pg.mkPen(theme.line))
            axis.setTextPen(pg.mkPen(theme.muted))
        self._level.setPen(pg.mkPen(theme.muted, style=Qt.PenStyle.DashLine))

    def show_bars(
        self, edges: NDArray[np.float64], counts: NDArray[Any], colour: str, level: float | None = None
    ) -> None:
        """Bars between (k + 1,) edges, (k,) high; with a dashed level where one is given."""
        self._level.setVisible(level is not None and len(counts) > 0)
        if level is not None:
            self._level.setPos(level)
        if len(counts) == 0:
            self._curve.setData([], [], stepMode=None)
            return
        fill = QColor(colour)
        fill.setAlpha(140)
        self._curve.setData(
            np.asarray(edges, np.float64),
            np.asarray(counts, np.float64),
            stepMode="center",
            fillLevel=0,
            brush=pg.mkBrush(fill),
            pen=pg.mkPen(colour, width=1),
        )
        top = max(float(np.max(counts)), level or 0.0, 1e-12) * 1.08
        bottom = min(float(np.min(counts)), 0.0) * 1.08
        self.getPlotItem().setRange(xRange=(edges[0], edges[-1]), yRange=(bottom, top), padding=0)
