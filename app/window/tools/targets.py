"""Whom a tool acts on: the selection, or what lies near an electrode."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QComboBox, QLineEdit, QVBoxLayout, QWidget

from app.window.desk import Desk
from app.window.elided_label import ElidedLabel
from app.window.tools.standing import probes_of
from app.window.tools.stimulus import Target, target_near, target_of_selection
from app.window.tools.tool_tab import caption, row_of
from app.window.tools.unit_text import describe_units
from rig.errors import HeadstageError
from rig.log import LogEntry, LogKind
from rig.spec import Bench

FROM_SELECTION = "from selection"


class TargetBox(QWidget):
    """Shows the targets; with probes in, they may be an electrode's."""

    changed = Signal()

    def __init__(self, desk: Desk, empty: str, with_electrodes: bool = True, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.desk = desk
        self._empty = empty
        self._with_electrodes = with_electrodes
        self._stale = True
        self.label = ElidedLabel("", self)
        self.label.setObjectName("toolTarget")
        self.source = QComboBox(self)
        self.source.addItem(FROM_SELECTION, "")
        self.source.setToolTip("Whom it reaches: the selection, or the units near an electrode")
        self.source.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.radius = QLineEdit("120", self)
        self.radius.setToolTip("Units within this distance of the electrode")
        self.falloff = QLineEdit("", self)
        self.falloff.setPlaceholderText("flat")
        self.falloff.setToolTip(
            "Gaussian falloff with distance: a unit that is on or off is reached where it is one half or more.\n"
            "Empty: all within the radius alike"
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        self._only = caption(FROM_SELECTION)
        self._only.setObjectName("toolSource")
        layout.addLayout(row_of(caption("targets"), QWidget(self), self._only, self.source, stretch=1))
        layout.addWidget(self.label)
        self._near = QWidget(self)
        near = row_of(caption("radius"), self.radius, caption("falloff"), self.falloff, stretch=1)
        self._near.setLayout(near)
        self._near.hide()
        layout.addWidget(self._near)
        self.source.currentIndexChanged.connect(self._on_source)
        for edit in (self.radius, self.falloff):
            edit.textEdited.connect(lambda _: self._refresh())
        desk.selection.changed.connect(self._on_selection)
        desk.opened.connect(self._on_probes)
        desk.closed.connect(self._on_probes)
        desk.logged.connect(self._on_logged)
        self._on_probes()

    def bench(self) -> Bench | None:
        """What specifications are read against; None when nothing lies on the table."""
        description = self.desk.description
        if description is None:
            return None
        return Bench(description.info, description.units, description.streams, probes_of(self.desk.entries))

    def target(self) -> Target:
        """Raises SpecError, UnknownUnitError when the electrode's fields say nothing."""
        bench = self.bench()
        if bench is None:
            return Target(())
        electrode = str(self.source.currentData() or "")
        if not electrode:
            return target_of_selection(self.desk.selection.ids, bench.units)
        return target_near(electrode, self.radius.text(), self.falloff.text(), bench)

    def _on_logged(self, entry: LogEntry) -> None:
        if entry.kind is LogKind.WATCH and "probes" in entry.payload:
            self._on_probes()

    def _on_probes(self) -> None:
        names = [n for p in probes_of(self.desk.entries) for n in p.channel_names] if self._with_electrodes else []
        chosen = self.source.currentData()
        self.source.blockSignals(True)
        self.source.clear()
        self.source.addItem(FROM_SELECTION, "")
        for name in names:
            self.source.addItem(f"near {name}", name)
        self.source.setCurrentIndex(max(self.source.findData(chosen), 0))
        self.source.blockSignals(False)
        self.source.setVisible(bool(names))
        self._only.setVisible(not names)
        self._on_source()

    def _on_source(self) -> None:
        self._near.setVisible(bool(self.source.currentData()))
        self._refresh()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._stale:
            self._refresh()

    def _on_selection(self) -> None:
        self._stale = True
        if self.isVisible():
            self._refresh()

    def _refresh(self) -> None:
        self._stale = False
        bench = self.bench()
        if bench is None:
            self.label.set_whole("no subject on the table")
        else:
            try:
                target = self.target()
                self.label.set_whole(describe_units(target.unit_ids, bench.units) if target.unit_ids else self._empty)
            except HeadstageError as error:
                self.label.set_whole(str(error))
        self.changed.emit()
