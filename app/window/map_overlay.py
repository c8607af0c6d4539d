"""What is drawn over the map's units: probes, the lesioned ones' strokes, the pointer's unit, selecting, a scale."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPainterPath, QPainterPathStroker, QPen, QPolygonF

from app.draw.polygon_fill import View
from app.theme import Theme
from app.window.preparation_geometry import length_text, nice_length
from rig.probe import Probe

_DOT = 2.5
_STRIKE = 2.5
_NAME_PX = 14.0
_MAX_STRIKES = 400  # beyond, black alone has to say it


def places_px(probe: Probe, view: View) -> NDArray[np.float64]:
    """(n, 2) places of the electrodes on the map, logical pixels."""
    return view.to_pixels(np.asarray(probe.electrodes, np.float64)[:, :2])


def paint_probe(painter: QPainter, probe: Probe, view: View, theme: Theme, lit: bool, reach: bool) -> None:
    """A shaft with its electrodes as dots and its name at the upper end.

    Parameters
    ----------
    view : of logical pixels
    lit : under the pointer, or being moved
    reach : show how far the electrodes see
    """
    dots = [QPointF(float(x), float(y)) for x, y in places_px(probe, view)]
    colour = QColor(theme.accent if lit else theme.text)
    edge = QColor(theme.window)
    if reach:
        # a thick line with round ends is all points within sigma of the shaft
        stroker = QPainterPathStroker()
        stroker.setWidth(2 * probe.sigma * view.scale)
        stroker.setCapStyle(Qt.PenCapStyle.RoundCap)
        line = QPainterPath(dots[0])
        line.lineTo(dots[-1] if len(dots) > 1 else dots[0] + QPointF(0.01, 0))
        faint = QColor(colour)
        faint.setAlpha(36)
        painter.setPen(QPen(colour, 1, Qt.PenStyle.DotLine))
        painter.setBrush(faint)
        painter.drawPath(stroker.createStroke(line))
    shaft = QPolygonF([dots[0], dots[-1]])
    painter.setPen(QPen(edge, 3.5))
    painter.drawPolyline(shaft)
    painter.setPen(QPen(colour, 1.2))
    painter.drawPolyline(shaft)
    painter.setPen(QPen(edge, 1))
    painter.setBrush(colour)
    for dot in dots:
        painter.drawEllipse(dot, _DOT, _DOT)
    upper = min(dots, key=lambda d: d.y())
    # a shaft that sticks out above keeps its name in sight
    paint_label(painter, QPointF(upper.x() + 6, max(upper.y() - 5, _NAME_PX)), probe.name, theme, colour)


def paint_label(painter: QPainter, at: QPointF, text: str, theme: Theme, colour: QColor) -> None:
    """Text whose base line begins here, on a ground that keeps it readable over colours."""
    metrics = QFontMetricsF(painter.font())
    box = metrics.boundingRect(text).translated(at).adjusted(-3, -1, 3, 1)
    ground = QColor(theme.window)
    ground.setAlpha(205)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(ground)
    painter.drawRoundedRect(box, 3, 3)
    painter.setPen(colour)
    painter.drawText(at, text)


def paint_strikes(painter: QPainter, places: NDArray[np.float64], theme: Theme) -> None:
    """A small cross on each lesioned unit; places are (n, 2) logical pixels."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for width, colour in ((3.0, theme.window), (1.2, theme.text)):
        painter.setPen(QPen(QColor(colour), width))
        for x, y in places[:_MAX_STRIKES].tolist():
            painter.drawLine(QPointF(x - _STRIKE, y - _STRIKE), QPointF(x + _STRIKE, y + _STRIKE))
            painter.drawLine(QPointF(x - _STRIKE, y + _STRIKE), QPointF(x + _STRIKE, y - _STRIKE))


def outline_path(polygons: Sequence[NDArray[np.float32]], view: View) -> QPainterPath:
    """Polygons of space as one path of logical pixels."""
    path = QPainterPath()
    for corners in polygons:
        path.addPolygon(QPolygonF([QPointF(float(x), float(y)) for x, y in view.to_pixels(corners)]))
        path.closeSubpath()
    return path


def paint_outline(painter: QPainter, path: QPainterPath, colour: QColor, width: float) -> None:
    """A line round units."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(colour, width))
    painter.drawPath(path)


def paint_gesture(painter: QPainter, shape: QPolygonF, theme: Theme) -> None:
    """The rectangle or lasso that is being drawn."""
    accent = QColor(theme.accent)
    faint = QColor(accent)
    faint.setAlpha(36)
    painter.setBrush(faint)
    pen = QPen(accent, 1.4, Qt.PenStyle.CustomDashLine)
    pen.setDashPattern([4, 3])
    painter.setPen(pen)
    painter.drawPolygon(shape)


def paint_scale(painter: QPainter, view: View, area: QRectF, space: str, theme: Theme) -> None:
    """A bar of a round length in the lower right corner."""
    length = nice_length(area.width() / 3.5 / view.scale)
    width = length * view.scale
    text = length_text(length, space)
    right, y = area.right() - 8, area.bottom() - 8
    metrics = QFontMetricsF(painter.font())
    left = right - width
    ground = QColor(theme.window)
    ground.setAlpha(205)
    text_width = metrics.horizontalAdvance(text)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(ground)
    box_left = min(left, right - text_width) - 4
    painter.drawRoundedRect(
        QRectF(box_left, y - metrics.height() - 3, right + 4 - box_left, metrics.height() + 8), 3, 3
    )
    painter.setPen(QPen(QColor(theme.muted), 1.5))
    painter.drawLine(QPointF(left, y), QPointF(right, y))
    painter.setPen(QColor(theme.muted))
    painter.drawText(QPointF(right - text_width, y - 4), text)


def paint_hint(painter: QPainter, area: QRectF, text: str, theme: Theme) -> None:
    """The empty state, or what a click would do."""
    painter.setPen(QColor(theme.muted))
    flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
    painter.drawText(area.adjusted(16, 8, -16, -8), int(flags), text)
