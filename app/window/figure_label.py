"""A label for a figure that changes all the time: its place stays, and only it is painted anew."""

from __future__ import annotations

from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel, QWidget


class FigureLabel(QLabel):
    """Shows a text as `QLabel` does, but asks for room only when it needs more than ever before.

    A `QLabel` has the whole window laid out anew for every digit.
    """

    def __init__(self, text: str, parent: QWidget) -> None:
        super().__init__(text, parent)
        self._shown = text

    def text(self) -> str:
        return self._shown

    def setText(self, text: str) -> None:
        if text == self._shown:
            return
        self._shown = text
        if len(text) > len(super().text()):
            super().setText(text)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setPen(self.palette().color(self.foregroundRole()))
        painter.drawText(self.contentsRect(), int(self.alignment()), self._shown)
        painter.end()
