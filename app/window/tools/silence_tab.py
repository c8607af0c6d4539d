"""Silence: hold units at a level, for a while or until released; and lesions, which stay."""

from __future__ import annotations

from PySide6.QtWidgets import QComboBox, QFrame, QLabel, QLineEdit, QPushButton, QToolButton, QVBoxLayout, QWidget

from app.theme import Theme
from app.window.desk import Desk, Level, Pull
from app.window.elided_label import ElidedLabel
from app.window.tools.silencing import LESION_TEXT, Hold, HoldLine, hold_line, lesionable
from app.window.tools.standing import Holdings
from app.window.tools.targets import TargetBox
from app.window.tools.time_edit import TimeEdit
from app.window.tools.time_text import read_ticks
from app.window.tools.tool_tab import ToolTab, caption, clear_layout, field_caption, form, hint, row_of
from app.window.tools.unit_text import count_text, short_name
from rig.errors import HeadstageError, SpecError
from rig.log import LogEntry
from rig.perturbation import LESIONS, SILENCING, Perturbation, PerturbationKind

MAX_LINES = 40
LOOK_S = 0.25


class SilenceTab(ToolTab):
    """Clamps and lesions."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__("Silence", desk, parent)
        self.holdings = Holdings()
        self._since_look_s = LOOK_S
        self._shown: tuple[HoldLine, ...] | None = None
        self.releases: list[QToolButton] = []
        self.targets = TargetBox(desk, "nothing: select units on the map or in a list", parent=self)
        self.rows.addWidget(self.targets)
        self._build_form()
        self.rows.addWidget(caption("held now"))
        self._list = QVBoxLayout()
        self._list.setSpacing(4)
        self.rows.addLayout(self._list)
        self._build_lesions()
        self.rows.addStretch(1)
        self.button = QPushButton("Silence  X", self)
        self.button.setProperty("role", "silence")
        self.button.setToolTip("Hold the targets from now on (X)")
        self.button.clicked.connect(self.silence_selection)
        self.release = QPushButton("Release targets", self)
        self.release.setToolTip("End every silencing and drive of the targets")
        self.release.clicked.connect(self.release_targets)
        self.foot.addLayout(row_of(self.button, self.release))
        self.targets.changed.connect(self._refresh)
        desk.logged.connect(self._on_logged)
        self.on_opened() if desk.description is not None else self.on_closed()

    # ---- building

    def _build_form(self) -> None:
        self.level = QComboBox(self)
        self._fill_levels(frozenset())
        self.level.setToolTip("What the units are held at")
        self.amplitude = QLineEdit("0.5", self)
        self.amplitude.setToolTip("In the unit's own measure")
        self.amplitude.setMaximumWidth(72)
        self.amplitude.hide()
        self.lasting = QComboBox(self)
        self.lasting.addItem("until released", False)
        self.lasting.addItem("for", True)
        self.lasting.setToolTip("How long")
        self.duration = TimeEdit("duration", "1000", "How long they are held", least=1, parent=self)
        self.duration.hide()
        fields = form()
        fields.addRow(field_caption("hold"), row_of(self.level, self.amplitude))
        fields.addRow(field_caption("how long"), row_of(self.lasting, self.duration, stretch=None))
        self.rows.addLayout(fields)
        self.level.currentIndexChanged.connect(
            lambda: self.amplitude.setVisible(self.level.currentData() == Hold.AMPLITUDE)
        )
        self.lasting.currentIndexChanged.connect(lambda: self.duration.setVisible(bool(self.lasting.currentData())))

    def _fill_levels(self, kinds: frozenset[PerturbationKind]) -> None:
        """Those of the subject; the one that was chosen stays where it has it."""
        chosen = self.level.currentData()
        self.level.clear()
        for hold in Hold:
            if hold.kind is PerturbationKind.SILENCE or hold.kind in kinds:
                self.level.addItem(str(hold), hold)
        self.level.setCurrentIndex(max(self.level.findData(chosen), 0))

    def _build_lesions(self) -> None:
        line = QFrame(self)
        line.setFrameShape(QFrame.Shape.HLine)
        line.setObjectName("toolRule")
        self.rows.addWidget(line)
        self.lesion_kind = QComboBox(self)
        self.lesion_kind.setToolTip("Stuck off: never active. Stuck on: always active. Remove: taken out")
        self.lesion_button = QPushButton("Lesion", self)
        self.lesion_button.clicked.connect(self.lesion_targets)
        self.lesion_hint = hint("")
        self._lesion_row = QWidget(self)
        self._lesion_row.setLayout(row_of(caption("lesion"), self.lesion_kind, self.lesion_button, stretch=1))
        self.rows.addWidget(self._lesion_row)
        self.rows.addWidget(self.lesion_hint)

    # ---- doing it

    def silence_selection(self) -> None:
        """Hold the targets from the tick at which the session hears of it (X)."""
        try:
            perturbation = self.asked()
        except HeadstageError as error:
            self.desk.say(Level.ERROR, str(error))
            return
        self.desk.do(lambda c: c.perturb(perturbation, from_now=True))

    def asked(self) -> Perturbation:
        """What the form asks for, counted from now. Raises SpecError, UnknownUnitError."""
        target = self.targets.target()
        description = self.desk.description
        if description is None or not target.unit_ids:
            raise SpecError("asked to silence nothing; select units on the map or in a list")
        hold = Hold(self.level.currentData())
        level = hold.level
        if hold is Hold.AMPLITUDE:
            try:
                level = float(self.amplitude.text())
            except ValueError:
                raise SpecError(f"asked for amplitude {self.amplitude.text()!r}; type a number") from None
        stop = None
        if self.lasting.currentData():
            stop = read_ticks(self.duration.value, description.info, what="duration", least=1)
        label = f"{short_name(target.unit_ids, description.units)} silenced"
        return Perturbation(hold.kind, target.unit_ids, 0, stop, level, target.weights, label)

    def release_targets(self) -> None:
        try:
            ids = self.targets.target().unit_ids
        except HeadstageError as error:
            self.desk.say(Level.ERROR, str(error))
            return
        self._release(ids)

    def _release(self, unit_ids: tuple[int, ...]) -> None:
        if not unit_ids:
            self.desk.say(Level.WARNING, "asked to release nothing; select units that are held")
            return
        release = Perturbation(PerturbationKind.RELEASE, unit_ids, 0, label="released by hand")
        self.desk.do(lambda c: c.perturb(release, from_now=True))

    def lesion_targets(self) -> None:
        """Lesion those of the selection that can be."""
        description = self.desk.description
        if description is None or self.lesion_kind.currentData() is None:
            return
        ids = lesionable(self.desk.selection.ids, description.units)
        if not ids:
            self.desk.say(Level.WARNING, "asked for a lesion of nothing; " + self.lesion_hint.text())
            return
        lesion = Perturbation(PerturbationKind(self.lesion_kind.currentData()), ids, 0, label="lesioned by hand")
        self.desk.do(lambda c: c.perturb(lesion, from_now=True))

    # ---- what is held

    def on_opened(self) -> None:
        description = self.desk.description
        if description is None:
            return
        self.duration.set_subject(description.info)
        self.holdings = Holdings()
        for entry in self.desk.entries:
            self.holdings.add(entry)
        self._fill_levels(description.perturbation_kinds)
        self.lesion_kind.clear()
        for kind in sorted(description.perturbation_kinds & LESIONS, key=list(LESION_TEXT).index):
            self.lesion_kind.addItem(LESION_TEXT[kind].replace("removed", "remove"), kind)
        self._lesion_row.setVisible(self.lesion_kind.count() > 0)
        self._shown = None
        self._show_held(0)
        self._refresh()

    def on_closed(self) -> None:
        self.holdings = Holdings()
        self.lesion_kind.clear()
        self._lesion_row.hide()
        self._show_lines(())
        self._refresh()

    def _on_logged(self, entry: LogEntry) -> None:
        self.holdings.add(entry)
        self._since_look_s = LOOK_S

    def pull(self, pull: Pull) -> None:
        self._since_look_s += pull.elapsed_s
        if self._since_look_s >= LOOK_S:
            self._since_look_s = 0.0
            self._show_held(pull.tick)

    def _show_held(self, tick: int) -> None:
        description = self.desk.description
        if description is None:
            return
        # a drive in a train passes; what the list is for is what somebody holds
        held = [p for p in self.holdings.at(tick) if p.kind in SILENCING]
        held += self.holdings.lesions_at(tick)
        self._show_lines(tuple(hold_line(p, description.units, description.info) for p in held[-MAX_LINES:][::-1]))

    def _show_lines(self, lines: tuple[HoldLine, ...]) -> None:
        if lines == self._shown:
            return
        self._shown = lines
        clear_layout(self._list)
        self.releases = []
        if not lines:
            self._list.addWidget(hint("Nothing. Select units, then X."))
        for line in lines:
            label = ElidedLabel(line.text, self)
            if line.lesion:
                font = label.font()
                font.setStrikeOut(True)
                label.setFont(font)
                self._list.addWidget(label)
                continue
            mark = QLabel("▌", self)
            mark.setObjectName("silenceMark")
            button = QToolButton(self)
            button.setText("release")
            button.setToolTip("End what holds these units")
            button.clicked.connect(lambda _=False, ids=line.unit_ids: self._release(ids))
            self.releases.append(button)
            self._list.addLayout(row_of(mark, label, button, stretch=1))

    def _refresh(self) -> None:
        description = self.desk.description
        try:
            n_targets = len(self.targets.target().unit_ids)
        except HeadstageError:
            n_targets = 0
        able = description is not None and PerturbationKind.SILENCE in description.perturbation_kinds
        self.button.setEnabled(n_targets > 0 and able)
        self.button.setToolTip("Hold the targets from now on (X)" if able else "This subject cannot be silenced")
        self.release.setEnabled(n_targets > 0 and able)
        if description is None or self.lesion_kind.count() == 0:
            self.lesion_hint.hide()
            self.lesion_button.setEnabled(False)
            return
        chosen = self.desk.selection.ids
        n = len(lesionable(chosen, description.units))
        self.lesion_button.setEnabled(n > 0)
        self.lesion_hint.show()
        self.lesion_hint.setText(_lesion_hint(n, len(chosen), "gate" in description.units.extra))
        self.lesion_button.setToolTip(f"Permanent until reset or rewind: {self.lesion_hint.text()}")

    def apply_theme(self, theme: Theme) -> None:
        super().apply_theme(theme)
        self.setStyleSheet(
            self.styleSheet() + f"#silenceMark {{ color: {theme.silence}; }} #toolRule {{ color: {theme.line}; }}"
        )


def _lesion_hint(n: int, n_selected: int, switches_only: bool) -> str:
    what = "transistor" if switches_only else "unit"
    if n == 0 and switches_only and n_selected:
        return "Lesions are of transistors, and none is selected: the inspector lists those of a node."
    if n == 0:
        return f"Select the {what}s to lesion. A lesion is permanent until reset or rewind."
    of = f" of the {n_selected} selected" if n < n_selected else ""
    return f"{count_text(n, what)}{of}. Permanent until reset or rewind; it cannot be undone."
