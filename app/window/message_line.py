"""The message line: one clear line, its details on demand, and the history behind it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.window.desk import Level, Message
from app.window.overlays import Overlay

KEPT = 500
HINT = "Ctrl+K  all commands    F12  all keys    F8  messages"
SIGNS = {Level.NOTE: "", Level.WARNING: "⚠  ", Level.ERROR: "✕  "}


class MessageLine(QFrame):
    """At the bottom of the window. Nothing in it is modal."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("message")
        self.history: list[tuple[datetime, Message]] = []
        self._line = QLabel("", self)
        self._line.setObjectName("messageLine")
        self._line.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._line.setMinimumWidth(1)
        self._progress = QLabel("", self)
        self._progress.setObjectName("caption")
        self._details = QPushButton("Details…", self)
        self._details.setToolTip("All messages, and what is behind them (F8)")
        self._details.clicked.connect(self.show_history)
        self._details.hide()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(8, 2, 8, 2)
        layout.addWidget(self._line, 1)
        layout.addWidget(self._progress)
        layout.addWidget(self._details)
        self.setFixedHeight(30)
        self._history = History(parent)
        self.settle()

    @property
    def text(self) -> str:
        """What was said last; "" where the line only gives a hint."""
        return "" if self._line.property("level") == "hint" else self._line.text()

    def show_message(self, message: Message) -> None:
        self.history.append((datetime.now(), message))
        del self.history[:-KEPT]
        self._show(SIGNS[message.level] + message.line, str(message.level))
        self._line.setToolTip(message.line)
        self._details.show()

    def settle(self) -> None:
        """What was said last is of the past; the history keeps it."""
        self._show(HINT, "hint")
        self._line.setToolTip("")

    def _show(self, text: str, level: str) -> None:
        self._line.setText(text)
        self._line.setProperty("level", level)
        self._line.style().unpolish(self._line)
        self._line.style().polish(self._line)

    def show_progress(self, text: str) -> None:
        """Something takes a while; "" when it is done."""
        self._progress.setText(text)

    def shown_details(self) -> str:
        """What the history shows of the message chosen in it; "" while it is put away."""
        return self._history.details.toPlainText() if self._history.isVisible() else ""

    def show_history(self) -> None:
        """Every message with its time; a choice shows what is behind it."""
        if not self._history.isVisible():
            self._history.show_messages(self.history)
        self._history.open_over()


class History(Overlay):
    """The messages so far, the newest first, and the details of one of them."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._messages: list[tuple[datetime, Message]] = []
        heading = QLabel("Messages", self)
        heading.setObjectName("paneTitle")
        self.names = QListWidget(self)
        self.names.setAccessibleName("Messages")
        self.names.setToolTip("Choose a message to see what is behind it")
        self.details = QPlainTextEdit(self)
        self.details.setReadOnly(True)
        self.details.setAccessibleName("Details of the message")
        self.details.setPlaceholderText("Choose a message to see what is behind it.")
        self.setFocusProxy(self.names)
        close = QPushButton("Close", self)
        close.setToolTip("Put the messages away (Esc, F8)")
        close.clicked.connect(self.hide)
        head = QHBoxLayout()
        head.addWidget(heading, 1)
        head.addWidget(close)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 12, 16, 16)
        layout.addLayout(head)
        layout.addWidget(self.names, 2)
        layout.addWidget(self.details, 1)
        self.names.currentRowChanged.connect(self._show_details)

    def show_messages(self, messages: Sequence[tuple[datetime, Message]]) -> None:
        self._messages = list(reversed(messages))
        self.names.clear()
        for when, message in self._messages:
            self.names.addItem(f"{when:%H:%M:%S}  {SIGNS[message.level]}{message.line}")
        self.names.setCurrentRow(0)

    def _show_details(self, row: int) -> None:
        message = None if row < 0 else self._messages[row][1]
        self.details.setPlainText("" if message is None else f"{message.line}\n\n{message.details}".strip())

    def place(self) -> None:
        window = self.window()
        width, height = min(900, window.width() - 80), min(420, window.height() - 120)
        self.setGeometry((window.width() - width) // 2, window.height() - height - 50, width, height)
