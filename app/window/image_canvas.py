"""A widget that shows painted pixels: a ring image in two draws, other images over it, then what is drawn by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.draw.blend import Pixels
from app.draw.canvas import draw_pieces, image_over
from app.draw.time_scale import Piece

Overlay = Callable[[QPainter, QRectF], None]
"""Draws into the plot's rectangle, in the widget's own units."""


class ImageCanvas(QWidget):
    """The plot of a pane. What it shows is set from outside; it asks for nothing.

    Signals carry fractions of the plot's width and height; positions outside are clipped to it.
    """

    resized = Signal()
    hovered = Signal(float, float)
    left = Signal()
    clicked = Signal(float, float, object)  # and Qt.KeyboardModifiers
    released = Signal()
    double_clicked = Signal(float, float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMouseTracking(True)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(80, 32)
        self.overlays: list[Overlay] = []
        self.frame_colour = QColor()
        self.back_colour = QColor()
        self._layers: list[tuple[QImage, tuple[Piece, ...], Pixels]] = []

    def sizeHint(self) -> QSize:
        return QSize(400, 160)

    # ---- geometry

    @property
    def n_columns(self) -> int:
        """Device pixels of the plot's width."""
        return max(round(self.width() * self.devicePixelRatioF()), 1)

    @property
    def n_rows(self) -> int:
        return max(round(self.height() * self.devicePixelRatioF()), 1)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.resized.emit()

    # ---- what is shown

    def show_images(self, layers: Sequence[tuple[Pixels, tuple[Piece, ...] | None, bool]]) -> None:
        """Show images from now on, the first at the bottom.

        Parameters
        ----------
        layers : pixels, what of them lies where (None: the whole, from the left), and whether they are opaque
        """
        kept = {id(pixels): image for image, _, pixels in self._layers}
        shown = []
        for pixels, pieces, opaque in layers:
            image = kept.get(id(pixels)) or image_over(pixels, opaque)
            shown.append((image, pieces or (Piece(0, 0, pixels.shape[1]),), pixels))
        self._layers = shown
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        if not self._layers:
            painter.fillRect(self.rect(), self.back_colour)
        for image, pieces, _ in self._layers:
            draw_pieces(painter, image, pieces, self.devicePixelRatioF())
        area = QRectF(self.rect())
        for overlay in self.overlays:
            overlay(painter, area)
        painter.setPen(QPen(self.frame_colour))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(area.adjusted(0, 0, -1, -1))
        painter.end()

    # ---- the mouse

    def fraction(self, at: QPointF) -> tuple[float, float]:
        """Where in the plot, 0 to 1 each."""
        x, y = at.x() / max(self.width(), 1), at.y() / max(self.height(), 1)
        return min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self.hovered.emit(*self.fraction(event.position()))

    def leaveEvent(self, event: QEvent) -> None:
        self.left.emit()
        super().leaveEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton:
            self.clicked.emit(*self.fraction(event.position()), event.modifiers())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self.released.emit()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.double_clicked.emit(*self.fraction(event.position()))
