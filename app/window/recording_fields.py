"""The fields that sheets about recordings share: which one, what stretch of it, which units, where to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLineEdit, QToolButton, QVBoxLayout, QWidget

from app.window.desk import Desk
from app.window.elided_label import ElidedLabel
from app.window.figures import grouped
from app.window.recording_facts import RecordingFacts, RecordingOffer, clipped_stretch
from app.window.sheet import ask_folder, ask_where
from app.window.tools.time_edit import TimeEdit
from app.window.tools.time_text import both, read_ticks
from app.window.work import Work
from rig.errors import HeadstageError, SpecError, TickError
from rig.selection import GRAMMAR, select_units

WHOLE, SHOWN, TYPED = "the whole recording", "what the panes show", "from … to"
ALL_UNITS, SELECTION, NAMED = "all units", "the selection", "these units"


class RecordingField(QWidget):
    """A recording out of those at hand, or any other. Its facts are read beside the window's thread."""

    loaded = Signal()  # `facts` are there
    failed = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.facts: RecordingFacts | None = None
        self._offers: dict[Path, RecordingOffer] = {}
        self._work = Work(self)
        self.combo = _shrinking_combo("Which recording", self)
        self.browse = _dots("Choose another recording (a folder NAME.rig)", self._browse, self)
        _in_row(self, self.combo, self.browse)
        self.combo.activated.connect(lambda _: self._load())
        self._work.done.connect(self._on_loaded)
        self._work.failed.connect(self.failed)

    @property
    def path(self) -> Path | None:
        text = self.combo.currentData()
        return None if text is None else Path(text)

    @property
    def shares_time(self) -> bool:
        """Whether its ticks are those the panes show."""
        return self.path is not None and self._offers[self.path].shares_time

    def offer(self, offers: Sequence[RecordingOffer], chosen: Path | None = None) -> None:
        """Offer these; the one chosen before stays chosen if it is among them and no other is asked for."""
        keep = chosen or self.path
        self._offers = {o.path: o for o in offers}
        if chosen is not None and chosen not in self._offers:
            self._offers[chosen] = RecordingOffer(chosen, "chosen")
        self.combo.clear()
        for path, offered in self._offers.items():
            self.combo.addItem(offered.label, str(path))
            self.combo.setItemData(self.combo.count() - 1, str(path), Qt.ItemDataRole.ToolTipRole)
        if keep is not None and keep in self._offers:
            self.combo.setCurrentIndex(list(self._offers).index(keep))
        self._load()

    def stop(self) -> None:
        self._work.stop()

    def _load(self) -> None:
        path = self.path
        self.facts = None
        if path is not None:
            self.combo.setToolTip(f"Which recording\n{path}")
            self._work.start(lambda progress, cancel: RecordingFacts.of(path))

    def _on_loaded(self, facts: RecordingFacts) -> None:
        self.facts = facts
        self.loaded.emit()

    def _browse(self) -> None:
        start = Path.home() if self.path is None else self.path.parent
        ask_folder(self.window(), "Choose a recording (a folder NAME.rig)", start, self._choose)

    def _choose(self, path: Path) -> None:
        self.offer(tuple(self._offers.values()), path)


class StretchField(QWidget):
    """All of a recording, what the panes show of it, or from one tick to another."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._facts: RecordingFacts | None = None
        self._shares_time = False
        self.combo = _shrinking_combo("Which stretch of time", self)
        self.combo.addItems([WHOLE, SHOWN, TYPED])
        self.start = TimeEdit("the start", "0", "The first tick of the stretch", parent=self)
        self.stop = TimeEdit("the end", "0", "The tick behind the last", parent=self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.combo)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.start)
        row.addWidget(self.stop)
        layout.addLayout(row)
        self.combo.currentIndexChanged.connect(lambda _: self.refresh())

    @property
    def choice(self) -> str:
        return self.combo.currentText()

    def choose(self, choice: str) -> None:
        self.combo.setCurrentText(choice)

    def show_recording(self, facts: RecordingFacts, shares_time: bool) -> None:
        """Offer what can be had of this recording."""
        self._facts, self._shares_time = facts, shares_time
        item = self.combo.model().item(1)  # type: ignore[attr-defined]
        item.setEnabled(shares_time)
        item.setToolTip("" if shares_time else "The panes show another run than this recording's")
        if not shares_time and self.choice == SHOWN:
            self.choose(WHOLE)
        self.refresh()

    def refresh(self) -> None:
        """Show the bounds of the choice; they can be typed where that is the choice."""
        facts = self._facts
        for edit in (self.start, self.stop):
            edit.setEnabled(self.choice == TYPED)
            edit.set_subject(None if facts is None else facts.info)
        if facts is None or self.choice == TYPED:
            return
        stretch: tuple[int, int] | None = (facts.start_tick, facts.stop_tick)
        if self.choice == SHOWN:
            stretch = clipped_stretch(*self._desk.view.bounds(self._desk.tick), facts)
        if stretch is not None:
            self.start.set_value(str(stretch[0]))
            self.stop.set_value(str(stretch[1]))

    def ticks(self) -> tuple[int, int]:
        """[start, stop). Raises SpecError, TickError: no such stretch."""
        facts = self._facts
        if facts is None:
            raise SpecError("no recording is chosen: record one (R), or choose one at …")
        if self.choice == WHOLE:
            return facts.start_tick, facts.stop_tick
        holds = f"the recording holds {both(facts.start_tick, facts.info)} to {both(facts.stop_tick, facts.info)}"
        if self.choice == SHOWN:
            shown = self._desk.view.bounds(self._desk.tick)
            stretch = clipped_stretch(*shown, facts)
            if stretch is None:
                raise TickError(f"asked for what the panes show, ticks [{shown[0]}, {shown[1]}); {holds}")
            return stretch
        start = read_ticks(self.start.value, facts.info, what="a start")
        stop = read_ticks(self.stop.value, facts.info, what="an end")
        if not facts.start_tick <= start < stop <= facts.stop_tick:
            raise TickError(f"asked for ticks [{start}, {stop}); {holds}")
        return start, stop


class UnitsField(QWidget):
    """All units, the selection, or those that a text names (see `rig.selection`)."""

    changed = Signal()

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._facts: RecordingFacts | None = None
        self.combo = _shrinking_combo("Which units", self)
        self.combo.addItems([ALL_UNITS, SELECTION, NAMED])
        self.text = QLineEdit(self)
        self.text.setPlaceholderText("alu*, region:registers, #100-120")
        self.text.setToolTip(GRAMMAR)
        self.text.setAccessibleName("units by name")
        self.count = ElidedLabel("", self)
        self.count.setObjectName("caption")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.combo)
        layout.addWidget(self.text)
        layout.addWidget(self.count)
        self.combo.currentIndexChanged.connect(lambda _: self.refresh())
        self.text.textEdited.connect(lambda _: self.refresh())
        desk.selection.changed.connect(self.refresh)
        self.text.hide()
        self.count.hide()

    @property
    def choice(self) -> str:
        return self.combo.currentText()

    def choose(self, choice: str) -> None:
        self.combo.setCurrentText(choice)

    def show_recording(self, facts: RecordingFacts) -> None:
        self._facts = facts
        self.refresh()

    def refresh(self) -> None:
        """Say how many units that is."""
        self.text.setVisible(self.choice == NAMED)
        self.count.set_whole(self._count())
        self.count.setVisible(bool(self.count.whole))
        self.changed.emit()

    def _count(self) -> str:
        facts = self._facts
        if facts is None:
            return ""
        if self.choice == NAMED and not self.text.text().strip():
            return "type names, patterns, regions or numbers; hover for the grammar"
        try:
            ids = self.unit_ids()
        except HeadstageError as error:
            return str(error)
        n = len(facts.units) if ids is None else len(ids)
        n_fresh = sum(int(u) not in facts.recorded_ids for u in (facts.units.unit_id if ids is None else ids))
        text = f"{grouped(n)} unit" if n == 1 else f"{grouped(n)} units"
        return f"{text}, {grouped(n_fresh)} of them not recorded" if n_fresh else text

    def unit_ids(self) -> NDArray[np.int64] | None:
        """Ids, ascending; None for all. Raises UnknownUnitError, SpecError: the text names nothing."""
        facts = self._facts
        if facts is None or self.choice == ALL_UNITS:
            return None
        if self.choice == NAMED:
            if not self.text.text().strip():
                raise SpecError("asked for no units; type names such as alu*, region:registers, #100-120")
            return select_units(self.text.text(), facts.units, probes=facts.probes)
        ids = np.unique(self._desk.selection.array())
        if not len(ids):
            raise SpecError("asked for the selection; nothing is selected: select units on the map, or choose all")
        facts.units.rows(ids)  # the selection is of the subject on the table, which may be another
        return ids


class TargetField(QWidget):
    """Where to; proposed until somebody types."""

    def __init__(self, tip: str, kinds: Callable[[], str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._kinds = kinds
        self._own = False
        self.edit = QLineEdit(self)
        self.edit.setToolTip(tip)
        self.edit.setAccessibleName(tip)
        self.browse = _dots("Choose a place", self._browse, self)
        _in_row(self, self.edit, self.browse)
        self.edit.textEdited.connect(self._on_edited)

    @property
    def path(self) -> Path:
        """Raises SpecError: none is given."""
        text = self.edit.text().strip()
        if not text:
            raise SpecError("asked for no target; type where to, or choose a place at …")
        return Path(text).expanduser()

    def propose(self, path: Path) -> None:
        """Unless somebody has typed another."""
        if not self._own:
            self._show(path)

    def propose_anew(self, path: Path) -> None:
        self._own = False
        self._show(path)

    def _show(self, path: Path) -> None:
        self.edit.setText(str(path))

    def _on_edited(self, text: str) -> None:
        self._own = bool(text)

    def _browse(self) -> None:
        start = Path(self.edit.text() or Path.home() / "untitled")
        ask_where(self.window(), "Where to", start, self._kinds(), self._choose)

    def _choose(self, path: Path) -> None:
        self._own = True
        self._show(path)


def _shrinking_combo(tip: str, parent: QWidget) -> QComboBox:
    combo = QComboBox(parent)
    combo.setToolTip(tip)
    combo.setAccessibleName(tip)
    combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    combo.setMinimumContentsLength(10)
    return combo


def _dots(tip: str, act: Callable[[], None], parent: QWidget) -> QToolButton:
    button = QToolButton(parent)
    button.setText("…")
    button.setToolTip(tip)
    button.setAccessibleName(tip)
    button.clicked.connect(lambda: act())
    return button


def _in_row(field: QWidget, main: QWidget, button: QWidget) -> None:
    layout = QHBoxLayout(field)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(6)
    layout.addWidget(main, 1)
    layout.addWidget(button)
