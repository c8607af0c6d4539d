"""How a row of the watch list is painted: colour bar, name, what is done to the unit, rate, recent rate as a curve."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from app.draw.polyline import polyline
from app.theme import DARK, Theme
from app.window.activity import N_BINS
from app.window.region_tree import chosen_ground, tabular
from app.window.unit_states import STATE_WORDS, UnitState
from app.window.watch_model import Index

ROW_PX = 22
_BAR_PX = 3
_CURVE_PX = 64
_RATE_PX = 40


@dataclass(frozen=True, eq=False)
class WatchRow:
    """What a row shows.

    Attributes
    ----------
    colour : of its region
    rate : as text, without unit
    curve : (n,) float32, recent rate; empty where nothing is known
    """

    name: str
    colour: str
    rate: str
    curve: NDArray[np.float32]
    state: UnitState | None


def curve_points(curve: NDArray[np.float32], area: QRectF) -> QPolygonF:
    """The curve within the area; its own highest value at the top, 0 at the bottom, the newest right."""
    if len(curve) < 2:
        return QPolygonF()
    top = float(curve.max())
    heights = curve / top if top > 0 else np.zeros(len(curve))
    xs = area.right() - np.arange(len(curve))[::-1] * (area.width() / (N_BINS - 1))
    return polyline(xs, area.bottom() - heights * area.height())


class WatchDelegate(QStyledItemDelegate):
    """Paints the rows that can be seen.

    Parameters
    ----------
    row_at : what a row shows; asked for when it is painted
    """

    def __init__(self, parent: QWidget, row_at: Callable[[int], WatchRow | None]) -> None:
        super().__init__(parent)
        self.theme: Theme = DARK
        self._row_at = row_at

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(140, max(ROW_PX, option.fontMetrics.height() + 6))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        row, theme = self._row_at(index.row()), self.theme
        if row is None:
            return
        area = QRectF(option.rect)
        state = option.state
        painter.save()
        if state & QStyle.StateFlag.State_Selected:
            painter.fillRect(area, chosen_ground(theme))
        elif state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(area, QColor(theme.header))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(row.colour))
        painter.drawRoundedRect(QRectF(area.left() + 8, area.top() + 4, _BAR_PX, area.height() - 8), 1.5, 1.5)
        curve = QRectF(area.right() - 8 - _CURVE_PX, area.top() + 5, _CURVE_PX, area.height() - 10)
        rate = QRectF(curve.left() - 8 - _RATE_PX, area.top(), _RATE_PX, area.height())
        faint = row.state is UnitState.LESIONED
        painter.setPen(QPen(QColor(theme.muted if faint else row.colour), 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPolyline(curve_points(row.curve, curve))
        font = tabular(option.font)
        painter.setFont(font)
        painter.setPen(QColor(theme.muted))
        right = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
        painter.drawText(rate, int(right), row.rate)
        self._paint_name(
            painter, row, font, QRectF(area.left() + 18, area.top(), rate.left() - area.left() - 22, area.height())
        )
        painter.restore()

    def _paint_name(self, painter: QPainter, row: WatchRow, font: QFont, area: QRectF) -> None:
        theme, metrics = self.theme, QFontMetricsF(font)
        word = "" if row.state is None else STATE_WORDS[row.state]
        word_width = metrics.horizontalAdvance(word) + 8 if word else 0.0
        if metrics.horizontalAdvance(row.name) + word_width > area.width():
            word, word_width = "", 0.0  # the stroke and its colour say it, and the tooltip
        name = metrics.elidedText(row.name, Qt.TextElideMode.ElideRight, max(area.width() - word_width, 24))
        left = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
        painter.setPen(QColor(theme.text if row.state in (None, UnitState.DRIVEN) else theme.muted))
        painter.drawText(area, int(left), name)
        if row.state is None:
            return
        colour = {
            UnitState.DRIVEN: QColor(theme.stimulus),
            UnitState.SILENCED: QColor(theme.silence),
            UnitState.LESIONED: QColor(theme.text),
        }[row.state]
        width, middle = metrics.horizontalAdvance(name), area.center().y() + 0.5
        painter.setPen(QPen(colour, 1.2))
        if row.state is not UnitState.DRIVEN:
            painter.drawLine(QPointF(area.left() - 2, middle), QPointF(area.left() + width + 2, middle))
        painter.drawText(area.translated(width + 8, 0), int(left), word)
