"""The screen in the behaviour pane."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.theme import DARK, Theme
from app.window.behaviour_frame import fitted


class Screen(QWidget):
    """Shows one picture as large as it fits, pixels sharp; a ring says that the keyboard plays."""

    pressed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme: Theme = DARK
        self._image: QImage | None = None
        self._scaled: QPixmap | None = None
        self._aspect = 4 / 3
        self._line = ""
        self._playing = False
        self.setMinimumSize(120, 90)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def sizeHint(self) -> QSize:
        return QSize(320, 240)

    @property
    def image(self) -> QImage | None:
        return self._image

    def show_image(self, image: QImage | None, aspect: float) -> None:
        self._image, self._aspect, self._scaled = image, aspect, None
        self.update()

    def show_line(self, line: str) -> None:
        """In place of a picture."""
        if line != self._line:
            self._line = line
            self.update()

    def show_playing(self, playing: bool) -> None:
        """Whether the keyboard is this subject's."""
        if playing != self._playing:
            self._playing = playing
            self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.pressed.emit()

    def resizeEvent(self, event: object) -> None:
        self._scaled = None

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        area = QRectF(self.rect())
        painter.fillRect(area, QColor(self.theme.window))
        if self._image is None:
            painter.setPen(QColor(self.theme.muted))
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(area.adjusted(16, 8, -16, -8), int(flags), self._line)
            return
        x, y, width, height = fitted(area.width(), area.height(), self._aspect)
        target = QRectF(x, y, width, height)
        if self._scaled is None:
            self._scaled = self._scale(width, height)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawPixmap(target, self._scaled, QRectF(self._scaled.rect()))
        if self._playing:
            painter.setPen(QPen(QColor(self.theme.accent), 2))
            painter.drawRect(target.adjusted(1, 1, -1, -1))

    def _scale(self, width: float, height: float) -> QPixmap:
        """Whole multiples first, the rest smoothly: sharp pixels of even size at any size."""
        assert self._image is not None
        ratio = self.devicePixelRatioF()
        times_x = max(1, -(-int(width * ratio) // self._image.width()))
        times_y = max(1, -(-int(height * ratio) // self._image.height()))
        size = QSize(self._image.width() * times_x, self._image.height() * times_y)
        return QPixmap.fromImage(self._image.scaled(size))
