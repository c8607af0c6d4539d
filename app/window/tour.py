"""Five hints for a newcomer, on the window itself. Nothing waits for an answer; Escape ends them for good."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from PySide6.QtCore import QPoint, QSettings, Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

STRIP_PX = 80


@dataclass(frozen=True)
class Hint:
    """What to say beside which part of the window."""

    part: str
    title: str
    text: str


HINTS = (
    Hint(
        "subject",
        "A subject lies on the table",
        "It runs already. Choose another one here: a processor with a game, or a recording of yours.",
    ),
    Hint(
        "units",
        "Its units",
        "The map shows what they do right now. Click one, or drag over some; W puts them on the oscilloscope.",
    ),
    Hint(
        "time",
        "What they do over time",
        "[ and ] change the time per division, T lays sweeps over each other. Space pauses: the subject waits.",
    ),
    Hint(
        "tools",
        "Do something to it",
        "S stimulates the selection, X silences it; amber and violet show what lasts. Ctrl+T puts an intact twin "
        "beside it.",
    ),
    Hint(
        "record",
        "Keep it",
        "R records all that is watched; no sample is ever dropped. F12 shows all keys, Ctrl+K all commands.",
    ),
)


class Tour(QFrame):
    """One hint at a time, beside what it is about."""

    def __init__(self, parts: Mapping[str, QWidget], settings: QSettings, window: QWidget) -> None:
        super().__init__(window)
        self.setObjectName("overlay")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._parts, self._settings, self._at = parts, settings, 0
        self._title = QLabel(self)
        self._title.setObjectName("paneTitle")
        self._text = QLabel(self)
        self._text.setWordWrap(True)
        self._count = QLabel(self)
        self._count.setObjectName("caption")
        self.next = QPushButton("Next", self)
        self.next.setToolTip("The next hint (Return)")
        self.next.clicked.connect(self._go_on)
        self.skip = QPushButton("Skip the tour", self)
        self.skip.setToolTip("Never again (Esc); Ctrl+K, tour brings it back")
        self.skip.clicked.connect(self.end)
        # wherever the focus is; a shortcut of what is hidden does nothing
        QShortcut(QKeySequence(Qt.Key.Key_Escape), self).activated.connect(self.end)
        buttons = QHBoxLayout()
        buttons.addWidget(self._count, 1)
        buttons.addWidget(self.skip)
        buttons.addWidget(self.next)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 10, 12, 10)
        layout.addWidget(self._title)
        layout.addWidget(self._text)
        layout.addLayout(buttons)
        self.setFixedWidth(320)
        self.hide()

    @staticmethod
    def wanted(settings: QSettings) -> bool:
        return str(settings.value("tour", "")) != "done"

    def begin(self) -> None:
        self._at = 0
        self._show_hint()

    def _show_hint(self) -> None:
        hint = HINTS[self._at]
        self._title.setText(hint.title)
        self._text.setText(hint.text)
        self._count.setText(f"{self._at + 1} of {len(HINTS)}")
        last = self._at == len(HINTS) - 1
        self.next.setText("Done" if last else "Next")
        self.skip.setVisible(not last)
        self.adjustSize()
        self.show()
        self.raise_()
        self.move(self._place(self._parts[hint.part]))

    def _place(self, widget: QWidget) -> QPoint:
        """Beside the widget: right of it, left of it, or below, wherever there is room; never off the window."""
        window = self.parentWidget()
        assert window is not None
        corner = widget.mapTo(window, QPoint(0, 0))
        gap = 8
        strip = corner.y() + widget.height() < STRIP_PX  # what lies beside it there is the strip's, too
        if strip:
            place = QPoint(corner.x(), corner.y() + widget.height() + 2 * gap)
        elif corner.x() + widget.width() + gap + self.width() <= window.width():
            place = QPoint(corner.x() + widget.width() + gap, corner.y() + gap)
        elif corner.x() - gap - self.width() >= 0:
            place = QPoint(corner.x() - gap - self.width(), corner.y() + gap)
        else:
            place = QPoint(corner.x() + widget.width() // 2 - self.width() // 2, corner.y() + widget.height() + gap)
        x = max(gap, min(place.x(), window.width() - self.width() - gap))
        y = max(gap, min(place.y(), window.height() - self.height() - gap))
        return QPoint(x, y)

    def _go_on(self) -> None:
        self._at += 1
        if self._at == len(HINTS):
            self.end()
        else:
            self._show_hint()

    def end(self) -> None:
        """Not again."""
        self._settings.setValue("tour", "done")
        self.hide()
