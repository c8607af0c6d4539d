"""A pane: one header line (name left, what is shown right) over its content. It pulls when it is visible."""

from __future__ import annotations

from typing import Protocol

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.window.desk import Desk, Pull
from app.window.elided_label import ElidedLabel


class Pulls(Protocol):
    """What the pull timer calls."""

    def pull(self, pull: Pull) -> None: ...
    def isVisible(self) -> bool: ...


class Pane(QWidget):
    """Base of the panes: header, content, and an empty state that says what to do.

    Parameters
    ----------
    title : in the header
    desk : shared by all
    """

    def __init__(self, title: str, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.desk = desk
        self.title = title
        self.setObjectName(title)
        self._header = QWidget(self)
        self._header.setObjectName("paneHeader")
        name = QLabel(title, self._header)
        name.setObjectName("paneTitle")
        self._detail = ElidedLabel("", self._header)
        self._detail.setObjectName("paneDetail")
        self._detail.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.header_layout = QHBoxLayout(self._header)
        self.header_layout.setContentsMargins(8, 4, 8, 4)
        self.header_layout.addWidget(name)
        self.header_layout.addWidget(self._detail, 1)
        self.body = QWidget(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._header)
        layout.addWidget(self.body, 1)

    def take_header(self) -> QWidget:
        """The header, to be a dock's title bar: dragging it drags the pane."""
        layout = self.layout()
        if layout is not None:
            layout.removeWidget(self._header)
        return self._header

    def set_detail(self, text: str) -> None:
        """What is shown right in the header."""
        self._detail.set_whole(text)

    def pull(self, pull: Pull) -> None:
        """Take what is new from the rings; called some sixty times a second while visible."""
