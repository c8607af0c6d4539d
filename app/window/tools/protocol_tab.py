"""Protocol: a list of timed or triggered steps, edited in a table, kept in a file, run with repeats."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QStandardPaths, Qt, Signal
from PySide6.QtWidgets import QFileDialog, QLabel, QProgressBar, QPushButton, QSpinBox, QWidget

from app.protocol.actions import Table, read_protocol
from app.protocol.file import SUFFIX, load_protocol, save_protocol
from app.protocol.progress import Progress, Stage
from app.protocol.runner import Runner
from app.protocol.steps import MAX_REPEATS, Do, Protocol, Step
from app.theme import Theme
from app.window.desk import Desk, Level
from app.window.elided_label import ElidedLabel
from app.window.tools.standing import probes_of
from app.window.tools.step_editor import StepEditor, tool
from app.window.tools.tool_tab import ToolTab, caption, hint, row_of
from rig.errors import HeadstageError
from rig.log import LogEntry, LogKind
from rig.spec import Bench

EMPTY = (
    "No steps yet. Add one below, or Add to plan under Stimulate. "
    "A step is due so long after the one before it; steps are done at their exact tick."
)


class ProtocolTab(ToolTab):
    """Edits one protocol and runs it."""

    started = Signal()  # whoever has a timer must `tend` it until it is no longer busy

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__("Protocol", desk, parent)
        self.protocol = Protocol()
        self.path: Path | None = None
        documents = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
        self.recordings_folder = Path(documents) / "Headstage"  # the window says otherwise where it is set so
        self.runner: Runner | None = None
        self._build_head()
        self._build_foot()
        desk.logged.connect(self._on_logged)
        self._show()

    # ---- building

    def _build_head(self) -> None:
        self.name_label = ElidedLabel("", self)
        self.name_label.setObjectName("toolTarget")
        self.load_button = tool("Load…", "Load a protocol from a file", self.ask_load, self)
        self.save_button = tool("Save…", "Save the protocol to a file", self.ask_save, self)
        self.rows.addLayout(row_of(self.name_label, self.load_button, self.save_button))
        self.empty = hint(EMPTY)
        self.rows.addWidget(self.empty)
        self.editor = StepEditor(self.desk, self)
        self.editor.wanted.connect(self._on_wanted)
        self.rows.addWidget(self.editor, 1)
        self.rows.addStretch(0)

    def _build_foot(self) -> None:
        self.repeats = QSpinBox(self)
        self.repeats.lineEdit().setTextMargins(6, 0, 0, 0)  # a stylesheet does not reach it
        self.repeats.setRange(1, MAX_REPEATS)
        self.repeats.setPrefix("× ")
        self.repeats.lineEdit().setTextMargins(4, 0, 0, 0)
        self.repeats.setToolTip("How many times the whole is run")
        self.repeats.valueChanged.connect(self._on_repeats)
        self.foot.addLayout(self.editor.buttons(self))
        self.line = QLabel("", self)
        self.line.setObjectName("hint")
        self.line.setWordWrap(True)
        self.bar = QProgressBar(self)
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(4)
        self.foot.addWidget(self.line)
        self.foot.addWidget(self.bar)
        self.run_button = QPushButton("Run protocol", self)
        self.run_button.clicked.connect(self.run_or_stop)
        self.foot.addLayout(row_of(self.run_button, caption("repeats"), self.repeats))

    # ---- editing

    def add_perturbation(self, text: str) -> None:
        """What the stimulate panel adds to the plan: at the end."""
        self.editor.add_step(Step(Do.PERTURB, text), at_end=True)

    def _on_wanted(self, steps: tuple[Step, ...], text: str) -> None:
        self._edit(replace(self.protocol, steps=steps), text)

    def _on_repeats(self, n: int) -> None:
        if n != self.protocol.repeats:
            self._edit(replace(self.protocol, repeats=n), "repeats")

    def _edit(self, protocol: Protocol, text: str) -> None:
        if self.runner is not None and self.runner.running:
            self.desk.say(Level.WARNING, "asked to change a protocol that is running; stop it first")
            self._show()
            return
        before = self.protocol
        self.desk.edit(text, lambda: self._set(protocol), lambda: self._set(before))

    def put(self, protocol: Protocol) -> None:
        """Replace the plan by one that was saved."""
        self.path = None
        self._set(protocol)

    def _set(self, protocol: Protocol) -> None:
        self.protocol = protocol
        self._show()

    def _show(self) -> None:
        table = self._table()
        problems: dict[int, str] = {}
        if table is not None:
            problems = {p.row: p.line for p in read_protocol(self.protocol, table)[1]}
        self.editor.show_steps(self.protocol.steps, problems)
        self.empty.setVisible(not self.protocol.steps)
        self.editor.setVisible(bool(self.protocol.steps))
        self.name_label.set_whole(self.protocol.name or "unnamed protocol")
        self.repeats.blockSignals(True)
        self.repeats.setValue(self.protocol.repeats)
        self.repeats.blockSignals(False)
        if self.runner is None or not self.runner.running:
            first = min(problems, default=None)
            self.line.setText("" if first is None else f"Step {first + 1}: {problems[first]}")
            self.bar.hide()
        self.line.setVisible(bool(self.line.text()))
        running = self.runner is not None and self.runner.running
        self.run_button.setText("Stop" if running else "Run protocol")
        self.run_button.setEnabled(running or (bool(self.protocol.steps) and not problems and table is not None))
        self.run_button.setToolTip(
            "Stop here: triggers are disarmed, its recording is closed"
            if running
            else "Run it from the present tick; the subject stops at the tick of every step"
        )

    # ---- the file

    def ask_load(self) -> None:
        """A file dialog that stops nothing."""
        dialog = QFileDialog(self, "Load a protocol", str(self.path or self.recordings_folder))
        dialog.setNameFilter(f"Protocols (*{SUFFIX});;All files (*)")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda path: self.load(Path(path)))
        dialog.show()

    def ask_save(self) -> None:
        name = (self.protocol.name or "protocol") + SUFFIX
        dialog = QFileDialog(self, "Save the protocol", str(self.path or self.recordings_folder / name))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilter(f"Protocols (*{SUFFIX});;All files (*)")
        dialog.selectFile(name)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda path: self.save(Path(path)))
        dialog.show()

    def load(self, path: Path) -> None:
        """Replace the steps by those of a file, undoably."""
        try:
            protocol = load_protocol(path)
        except HeadstageError as error:
            self.desk.say(Level.ERROR, str(error))
            return
        self.path = path
        self._edit(replace(protocol, name=protocol.name or _stem(path)), f"load {path.name}")

    def save(self, path: Path) -> None:
        """The protocol takes the file's name."""
        if not path.name.endswith(".json"):
            path = path.with_name(path.name + SUFFIX)
        named = replace(self.protocol, name=_stem(path))
        try:
            save_protocol(named, path)
        except HeadstageError as error:
            self.desk.say(Level.ERROR, str(error))
            return
        self.path = path
        self._set(named)
        self.desk.say(Level.NOTE, f"saved the protocol as {path}")

    # ---- running

    def run_or_stop(self) -> None:
        if self.runner is not None and self.runner.running:
            self.runner.stop()
            self._show_progress(self.runner.progress)
            return
        table, client = self._table(), self.desk.client
        if table is None or client is None or not self.protocol.steps:
            return
        read, problems = read_protocol(self.protocol, table)
        if problems:
            self.desk.say(Level.ERROR, f"step {problems[0].row + 1}: {problems[0].line}")
            return
        self.desk.poll()  # so that it hears only of what comes after
        self.runner = Runner(self.protocol, read, table, client, self.recordings_folder, self.desk.poll)
        self._show_progress(self.runner.progress)
        self.started.emit()

    def tend(self) -> None:
        """Take the running protocol further; called on every turn of the timer, whether the pane is seen or not."""
        if self.runner is not None and self.runner.running:
            self.runner.tend()
            self._show_progress(self.runner.progress)

    @property
    def busy(self) -> bool:
        return self.runner is not None and self.runner.running

    def _table(self) -> Table | None:
        description = self.desk.description
        if description is None:
            return None
        bench = Bench(description.info, description.units, description.streams, probes_of(self.desk.entries))
        return Table(bench, description.controls, description.perturbation_kinds, self._seed())

    def _seed(self) -> int:
        """Of the run: what it was reset with last."""
        for entry in reversed(self.desk.entries):
            if entry.kind is LogKind.RESET:
                return int(entry.payload["seed"])
        return 0 if self.desk.asked is None else self.desk.asked.seed

    def _show_progress(self, progress: Progress) -> None:
        running = progress.stage is Stage.RUNNING
        self.editor.table.show_current(progress.row if running else None)
        self.bar.setMaximum(max(progress.n_total, 1))
        self.bar.setValue(progress.n_done)
        of = f"repeat {progress.pass_number} of {progress.n_passes} · " if progress.n_passes > 1 else ""
        match progress.stage:
            case Stage.RUNNING:
                step = "the end" if progress.row is None else f"step {progress.row + 1}"
                line = f"{of}{step} at tick {progress.due_tick}"
            case Stage.DONE:
                line = f"done: {progress.n_done} steps"
            case Stage.STOPPED:
                line = f"stopped after {progress.n_done} of {progress.n_total} steps"
            case Stage.FAILED:
                line = progress.line
                self.desk.say(Level.ERROR, f"the protocol ended: {progress.line}")
        if not running:
            self._show()
        self.bar.setVisible(running)
        self.line.setText(line)
        self.line.show()
        self.run_button.setText("Stop" if running else "Run protocol")
        self.run_button.setEnabled(True)

    def _on_logged(self, entry: LogEntry) -> None:
        if self.runner is not None and self.runner.running:
            self.runner.notice(entry)

    def on_opened(self) -> None:
        self.runner = None
        self._show()

    def on_closed(self) -> None:
        self.runner = None
        self.editor.table.show_current(None)
        self._show()

    def apply_theme(self, theme: Theme) -> None:
        super().apply_theme(theme)
        self.setStyleSheet(
            self.styleSheet()
            + f"QProgressBar {{ background: {theme.line}; border: none; border-radius: 2px; }}"
            + f"QProgressBar::chunk {{ background: {theme.accent}; border-radius: 2px; }}"
        )
        self.editor.table.theme = theme
        self._show()


def _stem(path: Path) -> str:
    return path.name.removesuffix(SUFFIX).removesuffix(".json")
