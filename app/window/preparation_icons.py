"""Small icons, drawn in the theme's colours: no files, any size."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPen, QPixmap

_SIZE_PX = 16
_RATIO = 3  # drawn finer than any screen needs


def probe_icon(colour: str) -> QIcon:
    """A shaft with three electrodes."""
    pixmap, painter = _begin(colour)
    painter.drawLine(QPointF(8, 1.5), QPointF(8, 12.5))
    painter.setBrush(QColor(colour))
    for y in (3.0, 7.0, 11.0):
        painter.drawEllipse(QPointF(8, y), 1.7, 1.7)
    painter.drawLine(QPointF(8, 12.5), QPointF(8, 15))
    return _end(pixmap, painter)


def kinds_icon(colour: str) -> QIcon:
    """Layers that can be taken off."""
    pixmap, painter = _begin(colour)
    for y in (4.0, 8.0, 12.0):
        painter.drawRoundedRect(QRectF(2.5 + (12 - y) / 4, y - 2, 11 - (12 - y) / 2, 3), 1, 1)
    return _end(pixmap, painter)


def _begin(colour: str) -> tuple[QPixmap, QPainter]:
    pixmap = QPixmap(_SIZE_PX * _RATIO, _SIZE_PX * _RATIO)
    pixmap.setDevicePixelRatio(_RATIO)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor(colour), 1.3))
    return pixmap, painter


def _end(pixmap: QPixmap, painter: QPainter) -> QIcon:
    painter.end()
    return QIcon(pixmap)
