"""A line to type a time in: shows it in the original system's time and in ticks until one types."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QFocusEvent, QResizeEvent
from PySide6.QtWidgets import QLineEdit, QWidget

from app.window.figures import grouped
from app.window.tools.time_text import both, read_ticks, time_of_ticks
from rig.errors import SpecError
from rig.subject import SubjectInfo

MARGINS_PX = 20  # of a line's frame, padding and cursor


class TimeEdit(QLineEdit):
    """While it has the focus it holds what was typed; else ``2.10 µs · 5 half-cycles``."""

    typed = Signal()  # the text changed by hand

    def __init__(self, what: str, text: str, tooltip: str, least: int = 0, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.what = what
        self._least = least
        self._typed = text
        self._info: SubjectInfo | None = None
        self.setText(text)
        self._help = f"{tooltip}\nTicks, or 20us, 1.5ms, 2s"
        self.setToolTip(self._help)
        self.setAccessibleName(what)
        self.textEdited.connect(self._on_edited)
        self.returnPressed.connect(self._on_return)

    @property
    def value(self) -> str:
        """What was typed."""
        return self._typed

    def set_value(self, text: str) -> None:
        self._typed = text
        self._show()

    def set_subject(self, info: SubjectInfo | None) -> None:
        self._info = info
        self._show()

    def focusInEvent(self, event: QFocusEvent) -> None:
        self.setText(self._typed)
        super().focusInEvent(event)
        self.selectAll()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._show()

    def _on_edited(self, text: str) -> None:
        self._typed = text
        self.typed.emit()

    def _on_return(self) -> None:
        self.clearFocus()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._show()

    def _show(self) -> None:
        if self.hasFocus():
            return
        text = self._typed
        if self._info is not None:
            try:
                ticks = read_ticks(text, self._info, what=self.what, least=self._least)
            except SpecError:
                pass  # as it is; whoever uses it says what is wrong
            else:
                text = both(ticks, self._info)
                self.setToolTip(f"{text}\n{self._help}")
                time = time_of_ticks(ticks, self._info)
                shorter = (text, f"{time} · {grouped(ticks)}", time) if time and ticks else (text, grouped(ticks))
                text = next((t for t in shorter if self._fits(t)), shorter[-1])
        self.setText(text)
        self.setCursorPosition(0)

    def _fits(self, text: str) -> bool:
        return self.fontMetrics().horizontalAdvance(text) <= self.width() - MARGINS_PX
