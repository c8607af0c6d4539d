"""Stimulate: a train on the targets, now, when something happens, or in the plan."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QComboBox, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from app.theme import Theme
from app.window.desk import Desk, Level
from app.window.elided_label import ElidedLabel
from app.window.tools.armed_list import ArmedList
from app.window.tools.field_grid import FieldGrid
from app.window.tools.given_stimuli import GivenStimuli
from app.window.tools.stimulus import (
    STIMULI,
    TRIGGER_HINT,
    TRIGGER_TEXT,
    Mode,
    StimulusForm,
    TriggerKind,
    possible_modes,
    possible_triggers,
    read_train,
    read_trigger,
    spec_text,
)
from app.window.tools.targets import TargetBox
from app.window.tools.time_edit import TimeEdit
from app.window.tools.time_text import moment
from app.window.tools.tool_tab import ToolTab, caption, clear_layout, row_of
from app.window.tools.train_preview import TrainPreview
from rig.errors import HeadstageError
from rig.log import LogEntry
from rig.perturbation import PerturbationKind

N_LISTED = 5
TALL_PX = 470  # from here on one column of fields, the preview and the list have room


class StimulateTab(ToolTab):
    """The stimulator's panel."""

    planned = Signal(str)  # a perturbation as `rig.spec` writes it

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__("Stimulate", desk, parent)
        self.given = GivenStimuli()
        self._n_armed = 0
        self.targets = TargetBox(desk, "nothing: select units on the map or in a list", parent=self)
        self.rows.addWidget(self.targets)
        self._build_form()
        self.preview = TrainPreview(self)
        self.rows.addWidget(self.preview)
        self.armed = ArmedList(desk, self)
        self.rows.addWidget(self.armed)
        self.rows.addWidget(caption("last stimuli"))
        self._list = QVBoxLayout()
        self._list.setSpacing(2)
        self.rows.addLayout(self._list)
        self.rows.addStretch(1)
        self._build_buttons()
        self.targets.changed.connect(self._refresh)
        desk.logged.connect(self._on_logged)
        self.on_opened() if desk.description is not None else self.on_closed()

    # ---- building

    def _build_form(self) -> None:
        self.mode = QComboBox(self)
        for mode in Mode:
            self.mode.addItem(str(mode), mode)
        self.mode.setToolTip("What is done to the units while a pulse lasts")
        self.amplitude = QLineEdit("1", self)
        self.amplitude.setToolTip("In the unit's own measure")
        self.amplitude.setMaximumWidth(72)
        self.trigger = QComboBox(self)
        self.trigger.setToolTip("What the onset is counted from: the key press, or something that happens")
        self.condition = QLineEdit(self)
        self.condition.setToolTip("What fires: rise:UNIT, rate:UNITS:COUNT/WINDOW, frame or bus:ADDRESS")
        self.onset = TimeEdit("onset", "0", "From the key press or the trigger to the first pulse", parent=self)
        self.pulse_width = TimeEdit("width", "5", "How long a pulse lasts", least=1, parent=self)
        self.period = TimeEdit("period", "30", "From pulse to pulse", least=1, parent=self)
        self.count = QLineEdit("1", self)
        self.count.setToolTip("How many pulses")
        self.jitter = TimeEdit("jitter", "0", "Each pulse is shifted at random by up to so much", parent=self)
        self.holdoff = TimeEdit("holdoff", "0", "After a trigger it stays silent so long", parent=self)
        self.max_count = QLineEdit(self)
        self.max_count.setPlaceholderText("any number")
        self.max_count.setToolTip("It disarms itself after so many triggers; empty: never")
        level = QWidget(self)
        level.setLayout(row_of(self.mode, self.amplitude))
        self.fields = FieldGrid(self)
        for caption_text, widget in (
            ("mode", level),
            ("start", self.trigger),
            ("when", self.condition),
            ("onset", self.onset),
            ("width", self.pulse_width),
            ("period", self.period),
            ("count", self.count),
            ("jitter", self.jitter),
            ("holdoff", self.holdoff),
            ("times", self.max_count),
        ):
            self.fields.add(caption_text, widget, whole_row=widget is self.condition)
        for box in (self.mode, self.trigger):
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.setMinimumContentsLength(8)
        self.rows.addWidget(self.fields)
        self.mode.currentIndexChanged.connect(self._refresh)
        self.trigger.currentIndexChanged.connect(self._refresh)
        for edit in (self.amplitude, self.condition, self.count, self.max_count):
            edit.textEdited.connect(self._refresh)
        for time in (self.onset, self.pulse_width, self.period, self.jitter, self.holdoff):
            time.typed.connect(self._refresh)

    def _build_buttons(self) -> None:
        self.now = QPushButton("Stimulate now  S", self)
        self.now.setProperty("role", "stimulus")
        self.now.setToolTip("Give the train at once, counted from now (S)")
        self.now.clicked.connect(self.stimulate_now)
        self.arm = QPushButton("Arm trigger", self)
        self.arm.setToolTip("Give the train whenever the trigger happens, until disarmed")
        self.arm.clicked.connect(self.arm_trigger)
        self.plan = QPushButton("Add to plan", self)
        self.plan.setToolTip("Append it as a step of the protocol")
        self.plan.clicked.connect(self.add_to_plan)
        for button in (self.now, self.arm, self.plan):
            button.setMinimumWidth(0)
        self.foot.addLayout(row_of(self.now, self.arm, self.plan))

    # ---- the form

    def form(self) -> StimulusForm:
        """The fields as they stand."""
        return StimulusForm(
            mode=Mode(self.mode.currentData()),
            amplitude=self.amplitude.text(),
            trigger=TriggerKind(self.trigger.currentData() or TriggerKind.NOW),
            condition=self.condition.text(),
            onset=self.onset.value,
            width=self.pulse_width.value,
            period=self.period.value,
            count=self.count.text(),
            jitter=self.jitter.value,
            holdoff=self.holdoff.value,
            max_count=self.max_count.text(),
        )

    def put(self, form: StimulusForm) -> None:
        """Fill the fields; a trigger that the subject lacks becomes "now", and the strip says so."""
        trigger = self.trigger.findData(form.trigger)
        if trigger < 0:
            self.desk.say(
                Level.WARNING, f"asked to stimulate when {TRIGGER_TEXT[form.trigger]}; the subject has no such trigger"
            )
        self.mode.setCurrentIndex(max(self.mode.findData(form.mode), 0))
        self.trigger.setCurrentIndex(max(trigger, 0))
        for line, text in (
            (self.amplitude, form.amplitude),
            (self.condition, form.condition),
            (self.count, form.count),
            (self.max_count, form.max_count),
        ):
            line.setText(text)
        for time, text in (
            (self.onset, form.onset),
            (self.pulse_width, form.width),
            (self.period, form.period),
            (self.jitter, form.jitter),
            (self.holdoff, form.holdoff),
        ):
            time.set_value(text)
        self._refresh()

    def _refresh(self) -> None:
        """Show what is asked for, or what is wrong with it."""
        if self.trigger.count() == 0:
            return
        wanted = self.form()
        triggered = wanted.trigger is not TriggerKind.NOW
        self.amplitude.setVisible(wanted.mode.takes_amplitude)
        needs_more = wanted.trigger in TRIGGER_HINT
        self.fields.show_field(self.condition, needs_more)
        self.fields.show_field(self.holdoff, triggered)
        self.fields.show_field(self.max_count, triggered)
        bench = self.targets.bench()
        if bench is None:
            self._show_problem("Put a subject on the table: the button at the left of the strip.", ready=False)
            return
        if not self._kinds() & STIMULI:
            self._show_problem(f"{bench.info.name} cannot be stimulated: it has no such perturbation.", ready=False)
            return
        if needs_more:
            unit = bench.units.name[0] if len(bench.units) else "unit"
            self.condition.setPlaceholderText(TRIGGER_HINT[wanted.trigger].format(unit=unit))
            self.condition.setToolTip(TRIGGER_HINT[wanted.trigger].format(unit=unit))
        try:
            target = self.targets.target()
            train = read_train(wanted, target, bench)
        except HeadstageError as error:
            self._show_problem(str(error), ready=False)
            return
        problem = ""
        if triggered:
            try:
                read_trigger(wanted, target, bench, "preview")
            except HeadstageError as error:
                problem = str(error)
        origin = TRIGGER_TEXT[wanted.trigger].replace("unit rises", f"{wanted.condition or 'unit'} ↑")
        self.preview.show_train(train, bench.info, origin)
        self.preview.setToolTip(problem or "The pulses as they will be given; shading shows the jitter")
        self.now.setEnabled(True)
        self.arm.setEnabled(triggered and not problem)
        self.arm.setToolTip(
            problem or ("Give the train whenever the trigger happens" if triggered else "Choose a trigger under start")
        )
        self.plan.setEnabled(not problem)

    def _show_problem(self, line: str, ready: bool) -> None:
        self.preview.show_train(None, None, "", line)
        self.preview.setToolTip(line)
        for button in (self.now, self.arm, self.plan):
            button.setEnabled(ready)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.fields.set_columns(1 if event.size().height() >= TALL_PX else 2)

    # ---- doing it

    def stimulate_now(self) -> None:
        """Give the train, counted from the tick at which the session hears of it (S)."""
        bench = self.targets.bench()
        if bench is None or not self._kinds() & STIMULI:
            self.desk.say(Level.WARNING, "asked to stimulate; there is no subject that can be driven on the table")
            return
        try:
            train = read_train(self.form(), self.targets.target(), bench)
        except HeadstageError as error:
            self.desk.say(Level.ERROR, str(error))
            return
        label = f"stimulus {self.given.n_given + 1}"
        self.desk.do(lambda c: c.train(train, label))

    def arm_trigger(self) -> None:
        bench = self.targets.bench()
        if bench is None:
            return
        try:
            trigger = read_trigger(self.form(), self.targets.target(), bench, self.armed.free_name(self.form()))
        except HeadstageError as error:
            self.desk.say(Level.ERROR, str(error))
            return
        self.desk.do(lambda c: c.arm(trigger))

    def add_to_plan(self) -> None:
        bench = self.targets.bench()
        if bench is None:
            return
        try:
            self.planned.emit(spec_text(self.form(), self.targets.target(), bench))
        except HeadstageError as error:
            self.desk.say(Level.ERROR, str(error))

    def _kinds(self) -> frozenset[PerturbationKind]:
        return frozenset() if self.desk.description is None else self.desk.description.perturbation_kinds

    # ---- what was given

    def on_opened(self) -> None:
        description, bench = self.desk.description, self.targets.bench()
        if description is None or bench is None:
            return
        for time in (self.onset, self.pulse_width, self.period, self.jitter, self.holdoff):
            time.set_subject(description.info)
        self._fill_modes()
        chosen = self.trigger.currentData()
        self.trigger.blockSignals(True)
        self.trigger.clear()
        for kind in possible_triggers(bench):
            self.trigger.addItem(TRIGGER_TEXT[kind] if kind is TriggerKind.NOW else f"when {TRIGGER_TEXT[kind]}", kind)
        self.trigger.setCurrentIndex(max(self.trigger.findData(chosen), 0))
        self.trigger.blockSignals(False)
        self.given = GivenStimuli()
        for entry in self.desk.entries:
            self.given.add(entry)
        self._show_given()
        self._refresh()

    def _fill_modes(self) -> None:
        """Those of the subject; the one that was chosen stays where it has it."""
        chosen = self.mode.currentData()
        self.mode.blockSignals(True)
        self.mode.clear()
        for mode in possible_modes(self._kinds()) or Mode:
            self.mode.addItem(str(mode), mode)
        self.mode.setCurrentIndex(max(self.mode.findData(chosen), 0))
        self.mode.blockSignals(False)

    def on_closed(self) -> None:
        if self.trigger.count() == 0:
            self.trigger.addItem(TRIGGER_TEXT[TriggerKind.NOW], TriggerKind.NOW)
        self.given = GivenStimuli()
        self._show_given()
        self._refresh()

    def _on_logged(self, entry: LogEntry) -> None:
        if self.given.add(entry):
            self._show_given()

    def _show_given(self) -> None:
        clear_layout(self._list)
        description = self.desk.description
        newest = self.given.given[-N_LISTED:][::-1]
        if description is None or not newest:
            none = QLabel("none yet", self)
            none.setObjectName("hint")
            self._list.addWidget(none)
            return
        for stimulus in newest:
            when = QLabel(moment(stimulus.start_tick, description.info), self)
            when.setObjectName("caption")
            when.setTextInteractionFlags(Qt.TextInteractionFlag.NoTextInteraction)
            kind = description.units.kind[0] if len(set(description.units.kind)) == 1 else "unit"
            self._list.addLayout(row_of(when, ElidedLabel(stimulus.text(kind), self), stretch=1))

    def apply_theme(self, theme: Theme) -> None:
        super().apply_theme(theme)
        self.preview.theme = theme
        self.preview.update()
