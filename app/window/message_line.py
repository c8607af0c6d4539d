"""The message line: one clear line, its details on demand, and the history behind it."""

from __future__ import annotations

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

KEPT = 500


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
        self._sheet: QWidget | None = None

    @property
    def text(self) -> str:
        return self._line.text()

    def show_message(self, message: Message) -> None:
        self.history.append((datetime.now(), message))
        del self.history[:-KEPT]
        sign = {Level.NOTE: "", Level.WARNING: "⚠  ", Level.ERROR: "✕  "}[message.level]
        self._line.setText(sign + message.line)
        self._line.setToolTip(message.line)
        self._line.setProperty("level", str(message.level))
        self._line.style().unpolish(self._line)
        self._line.style().polish(self._line)
        self._details.show()

    def show_progress(self, text: str) -> None:
        """Something takes a while; "" when it is done."""
        self._progress.setText(text)

    def show_history(self) -> None:
        """Every message with its time; a click shows the details of one."""
        if self._sheet is not None:
            self._sheet.close()
            self._sheet = None
            return
        sheet = QFrame(self.window())
        sheet.setObjectName("overlay")
        names = QListWidget(sheet)
        details = QPlainTextEdit(sheet)
        details.setReadOnly(True)
        details.setPlaceholderText("Choose a message to see what is behind it.")
        for when, message in reversed(self.history):
            names.addItem(f"{when:%H:%M:%S}  {message.line}")
        names.currentRowChanged.connect(
            lambda row: details.setPlainText(
                self.history[-1 - row][1].line + "\n\n" + self.history[-1 - row][1].details if row >= 0 else ""
            )
        )
        close = QPushButton("Close", sheet)
        close.clicked.connect(self.show_history)
        layout = QVBoxLayout(sheet)
        layout.addWidget(names, 2)
        layout.addWidget(details, 1)
        layout.addWidget(close, 0, Qt.AlignmentFlag.AlignRight)
        window = self.window()
        width, height = min(900, window.width() - 80), min(420, window.height() - 120)
        sheet.setGeometry((window.width() - width) // 2, window.height() - height - 50, width, height)
        sheet.show()
        sheet.raise_()
        self._sheet = sheet
