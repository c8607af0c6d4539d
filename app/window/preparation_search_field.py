"""The search field: what is typed narrows the tree and the map; Enter selects it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QLabel, QLineEdit, QSizePolicy, QWidget

from app.window.figures import grouped
from app.window.preparation_search import find_units
from rig.errors import HeadstageError
from rig.probe import Probe
from rig.selection import GRAMMAR
from rig.units import UnitTable

PLACEHOLDER = "find a unit or region…"
KEY = "/"


class SearchField(QObject):
    """A field and one line under it, which is hidden while there is nothing to say."""

    found = Signal(object)  # (n_units,) bool, or None: no search
    taken = Signal(object)  # ids: select them

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.field = _Field(parent)
        self.field.setPlaceholderText(PLACEHOLDER)
        self.field.setClearButtonEnabled(True)
        self.field.setTextMargins(0, 0, 8, 0)
        self.field.setAccessibleName("Find a unit or region")
        self.field.setToolTip(f"Find (/), Enter selects, Esc clears.\nPart of a name or region, or {GRAMMAR}")
        self.line = QLabel("", parent)
        self.line.setObjectName("messageLine")
        self.line.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.line.hide()
        self._units: UnitTable | None = None
        self._probes: Callable[[], Sequence[Probe]] = tuple
        self._ids = np.empty(0, np.int64)
        self.field.textChanged.connect(self._on_typed)
        self.field.returnPressed.connect(self._on_enter)

    def set_units(self, units: UnitTable | None, probes: Callable[[], Sequence[Probe]] | tuple[()]) -> None:
        """Another subject; None for none."""
        self._units = units
        self._probes = probes if callable(probes) else tuple
        self.field.setEnabled(units is not None)
        self.field.clear()

    def focus(self) -> None:
        self.field.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.field.selectAll()

    def _on_typed(self, text: str) -> None:
        self._ids = np.empty(0, np.int64)
        if self._units is None or not text.strip(" ,"):
            self._say("", "note")
            self.found.emit(None)
            return
        try:
            self._ids = find_units(text, self._units, self._probes())
        except HeadstageError as error:
            self._say(str(error).splitlines()[0], "warning")
            self.found.emit(None)
            return
        n = len(self._ids)
        self._say(f"{grouped(n)} unit{'s' if n != 1 else ''} · Enter selects", "note")
        self.found.emit(np.isin(self._units.unit_id, self._ids))

    def _on_enter(self) -> None:
        if len(self._ids):
            ids = self._ids
            self.field.clear()
            self.taken.emit(ids)

    def _say(self, line: str, level: str) -> None:
        self.line.setText(line)
        self.line.setToolTip(line)
        self.line.setVisible(bool(line))
        if self.line.property("level") != level:
            self.line.setProperty("level", level)
            self.line.style().unpolish(self.line)
            self.line.style().polish(self.line)


class _Field(QLineEdit):
    """Escape clears, and a second time leaves. At rest it shows the key that leads into it."""

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self.text() and not self.hasFocus():
            painter = QPainter(self)
            painter.setPen(self.palette().color(QPalette.ColorRole.PlaceholderText))
            flags = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
            painter.drawText(self.rect().adjusted(0, 0, -10, 0), int(flags), KEY)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            if self.text():
                self.clear()
            else:
                self.clearFocus()
            return
        super().keyPressEvent(event)
