"""The triggers that are armed, each with a button that disarms it."""

from __future__ import annotations

from PySide6.QtWidgets import QToolButton, QVBoxLayout, QWidget

from app.window.desk import Desk
from app.window.elided_label import ElidedLabel
from app.window.tools.stimulus import StimulusForm, TriggerKind, condition_text
from app.window.tools.tool_tab import caption, clear_layout, row_of
from rig.errors import SpecError
from rig.log import LogEntry, LogKind


class ArmedTriggers:
    """Armed triggers by name, with how often each has fired; fed entry by entry."""

    def __init__(self) -> None:
        self.armed: dict[str, int] = {}

    def add(self, entry: LogEntry) -> bool:
        """True when something changed."""
        if entry.kind is LogKind.RESET:
            changed = bool(self.armed)
            self.armed.clear()
            return changed
        if entry.kind is not LogKind.TRIGGER:
            return False
        name = str(entry.payload["name"])
        match entry.payload["action"]:
            case "arm":
                self.armed[name] = 0
            case "fire" if name in self.armed:
                self.armed[name] += 1
            case "disarm":
                self.armed.pop(name, None)
        return True


class ArmedList(QWidget):
    """Takes no room when nothing is armed."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.desk = desk
        self.triggers = ArmedTriggers()
        self.buttons: dict[str, QToolButton] = {}
        self._rows = QVBoxLayout(self)
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.setSpacing(2)
        desk.logged.connect(self._on_logged)
        desk.opened.connect(self._on_opened)
        desk.closed.connect(self._on_opened)
        self._on_opened()

    def free_name(self, wanted: StimulusForm) -> str:
        """What it waits for, numbered where that is armed already."""
        try:
            text = condition_text(wanted) if wanted.trigger is not TriggerKind.NOW else "trigger"
        except SpecError:
            text = str(wanted.trigger)
        name, n = text, 1
        while name in self.triggers.armed:
            n += 1
            name = f"{text} {n}"
        return name

    def _on_opened(self) -> None:
        self.triggers = ArmedTriggers()
        for entry in self.desk.entries if self.desk.client is not None else ():
            self.triggers.add(entry)
        self._show()

    def _on_logged(self, entry: LogEntry) -> None:
        if self.triggers.add(entry):
            self._show()

    def _show(self) -> None:
        clear_layout(self._rows)
        self.buttons = {}
        self.setVisible(bool(self.triggers.armed))
        if not self.triggers.armed:
            return
        self._rows.addWidget(caption("armed"))
        for name, n_fired in self.triggers.armed.items():
            button = QToolButton(self)
            button.setText("disarm")
            button.setToolTip(f"Disarm {name}")
            button.clicked.connect(lambda _=False, n=name: self.desk.do(lambda c: c.disarm(n)))
            self.buttons[name] = button
            self._rows.addLayout(row_of(ElidedLabel(f"{name} · fired {n_fired} ×", self), button))
