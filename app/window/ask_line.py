"""Asking for one line of text without holding anything up: the run goes on, Escape takes the question back."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QLabel, QLineEdit, QVBoxLayout, QWidget

from app.window.overlays import Overlay

MAX_CHARACTERS = 500


class AskLine(Overlay):
    """One question at a time; a new one takes the place of the last."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._then: Callable[[str], object] = lambda text: None
        self.question = QLabel(self)
        self.question.setObjectName("paneTitle")
        self.field = QLineEdit(self)
        self.field.setMinimumWidth(380)
        self.field.setMaxLength(MAX_CHARACTERS)
        self.field.setToolTip("Return takes it, Esc takes the question back")
        self.field.returnPressed.connect(self._answer)
        self.setFocusProxy(self.field)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 12, 16, 16)
        layout.setSpacing(8)
        layout.addWidget(self.question)
        layout.addWidget(self.field)

    def ask(self, question: str, hint: str, then: Callable[[str], object], proposed: str = "") -> None:
        """Ask.

        Parameters
        ----------
        hint : in the empty field
        then : given what was typed, stripped; not called for nothing
        proposed : in the field, selected
        """
        self._then = then
        self.question.setText(question)
        self.field.setPlaceholderText(hint)
        self.field.setAccessibleName(question)
        self.field.setText(proposed)
        self.field.selectAll()
        self.hide()
        self.open_over()

    def _answer(self) -> None:
        text = self.field.text().strip()
        self.hide()
        if text:
            self._then(text)
