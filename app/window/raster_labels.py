"""What is written at the left of the raster."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.window.fonts import text_px
from app.window.plot_colours import PlotColours
from app.window.raster_rows import Block
from app.window.scope_labels import WIDTH, spread

_LEAST_SPACING = 12.0


class RasterLabels(QWidget):
    """Names of blocks of rows, in their regions' colours."""

    picked = Signal(int)  # which block

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedWidth(WIDTH)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)
        self.setToolTip("Click a name to select its units in all panes")
        self.colours: PlotColours | None = None
        self._blocks: tuple[Block, ...] = ()
        self._n_rows = 0

    def sizeHint(self) -> QSize:
        return QSize(WIDTH, 100)

    def show_blocks(self, blocks: Sequence[Block], n_rows: int) -> None:
        self._blocks, self._n_rows = tuple(blocks), n_rows
        self.update()

    @property
    def blocks(self) -> tuple[Block, ...]:
        return self._blocks

    def centres(self) -> NDArray[np.float64]:
        """(n_blocks,) the middles of the names."""
        middles = np.array([(b.start + b.stop) / 2 for b in self._blocks]) / max(self._n_rows, 1) * self.height()
        spacing = min(_LEAST_SPACING, self.height() / max(len(self._blocks), 1))
        middles = np.maximum(middles, spacing / 2)  # room for the upper half of the first name
        return spread(middles, spacing, self.height())

    def draw_borders(self, painter: QPainter, area: QRectF) -> None:
        """Lines between blocks, over the plot."""
        if self.colours is None or self._n_rows == 0:
            return
        ys = [area.top() + area.height() * b.start / self._n_rows for b in self._blocks if b.start > 0]
        if len(ys) * 6 < area.height():
            for y in ys:
                painter.fillRect(0, round(y), round(area.width()), 1, self.colours.grid)

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.colours is None or not self._blocks:
            return
        painter = QPainter(self)
        font = painter.font()
        font.setPixelSize(text_px(11 if self.height() / len(self._blocks) >= _LEAST_SPACING else 10))
        painter.setFont(font)
        metrics = QFontMetricsF(font)
        # a list that is denser than its letters names every second, third … of its rows
        every = max(math.ceil(metrics.ascent() * len(self._blocks) / self.height()), 1)
        for block, y in list(zip(self._blocks, self.centres(), strict=True))[::every]:
            text = metrics.elidedText(block.text, Qt.TextElideMode.ElideRight, self.width() - 12)
            painter.setPen(QColor(block.colour))
            base = min(max(y + (metrics.ascent() - metrics.descent()) / 2, metrics.ascent()), self.height() - 2)
            painter.drawText(QPointF(self.width() - 8 - metrics.horizontalAdvance(text), base), text)
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if self._blocks:
            self.picked.emit(int(np.abs(self.centres() - event.position().y()).argmin()))


def draw_marked(painter: QPainter, area: QRectF, places: NDArray[np.int64], n_rows: int, colour: QColor) -> None:
    """Mark rows at the left border; a single one by a line all along."""
    if not len(places) or n_rows == 0:
        return
    height = area.height() / n_rows
    for y in (area.top() + places * height).tolist():
        painter.fillRect(QRectF(area.left(), y, 5, max(height, 2)), colour)
    if len(places) == 1:
        painter.setPen(QPen(colour, 1, Qt.PenStyle.DotLine))
        middle = int(area.top() + (places[0] + 0.5) * height)
        painter.drawLine(int(area.left()), middle, int(area.right()), middle)
