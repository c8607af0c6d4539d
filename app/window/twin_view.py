"""How the panes show the intact twin beside the subject: one choice for all of them."""

from __future__ import annotations

from enum import StrEnum

from PySide6.QtCore import QObject, Signal


class TwinView(StrEnum):
    """What is seen where there is a twin; where there is none, the subject."""

    OVERLAY = "overlay"  # what only the twin does, in grey behind
    DIFFERENCE = "difference"  # only what differs
    TWIN = "twin alone"
    SUBJECT = "subject alone"


WORDS = {
    TwinView.OVERLAY: "grey: only the intact twin",
    TwinView.DIFFERENCE: "only what differs from the intact twin (grey: only it)",
    TwinView.TWIN: "the intact twin",
    TwinView.SUBJECT: "",
}


class TwinChoice(QObject):
    """The choice."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._view = TwinView.OVERLAY

    @property
    def view(self) -> TwinView:
        return self._view

    def set(self, view: TwinView) -> None:
        if view is not self._view:
            self._view = view
            self.changed.emit()

    def next(self) -> None:
        """The next one, and after the last the first."""
        views = list(TwinView)
        self.set(views[(views.index(self._view) + 1) % len(views)])
