"""Exporting a recording from the window (Ctrl+E): what of it, in which format, where to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QComboBox, QListWidget, QListWidgetItem, QWidget

from app.window.desk import Desk
from app.window.elided_label import ElidedLabel
from app.window.figures import bytes_text
from app.window.recording_facts import RecordingFacts, free_path
from app.window.recording_fields import SHOWN, TargetField, UnitsField
from app.window.recording_sheet import Offers, RecordingSheet
from app.window.work import Doing
from rig.errors import SpecError
from rig.export.formats import FORMATS, ExportFormat
from rig.export.job import ExportReport, export

MAX_ROWS = 6  # streams on show at once; the rest scrolls


class ExportSheet(RecordingSheet):
    """See the module. The export itself runs in a process of its own (`rig.export.job`)."""

    def __init__(self, desk: Desk, offers: Offers, window: QWidget) -> None:
        super().__init__("Export a recording", "Export", "Write the file, and check it", desk, offers, window)
        self.kind = QComboBox(self)
        self.kind.setToolTip("Which format")
        for kind in FORMATS.values():
            self.kind.addItem(kind.name, kind.name)
            self.kind.setItemData(self.kind.count() - 1, kind.summary, Qt.ItemDataRole.ToolTipRole)
        self.summary = ElidedLabel("", self)
        self.summary.setObjectName("caption")
        self.units = UnitsField(desk, self)
        self.streams = QListWidget(self)
        self.streams.setToolTip("Which streams; Space ticks and unticks")
        self.target = TargetField("File or folder to make", lambda: f"*{self.format.suffix}", self)
        self.overwrite = QCheckBox("replace an earlier export there", self)
        self.overwrite.setToolTip("An export may be replaced; anything else never is")
        for text, field in (
            ("recording", self.recording),
            ("format", self.kind),
            ("", self.summary),
            ("time", self.stretch),
            ("units", self.units),
            ("streams", self.streams),
            ("to", self.target),
            ("", self.overwrite),
        ):
            self.add_row(text, field)
        self.kind.currentIndexChanged.connect(lambda _: self._on_format())
        self._on_format()
        self.units.changed.connect(self.fit)

    @property
    def format(self) -> ExportFormat:
        return FORMATS[self.kind.currentData()]

    def first_field(self) -> QWidget:
        return self.kind

    def open_for_shown(self) -> None:
        """Open with the stretch that the panes show."""
        self.stretch.choose(SHOWN)
        self.open_over()

    # ---- what it makes

    def begin(self) -> None:
        facts = self.facts()
        start, stop = self.stretch.ticks()
        ids = self.units.unit_ids()
        chosen = self._chosen_streams()
        if not chosen:
            raise SpecError("asked for no stream; tick at least one")
        streams = None if len(chosen) == self.streams.count() else chosen
        source, target, name = facts.path, self.target.path, self.format.name
        overwrite = self.overwrite.isChecked()
        unit_ids = None if ids is None else ids.tolist()

        def work(progress: Callable[[float], None], cancel: object) -> ExportReport:
            return export(
                source,
                name,
                target,
                start_tick=start,
                stop_tick=stop,
                streams=streams,
                unit_ids=unit_ids,
                overwrite=overwrite,
                progress=progress,
                cancel=cancel,  # type: ignore[arg-type]
            )

        self.start_work(work)

    def start_work(self, work: Doing) -> None:
        self.work.start(work)

    def finished(self, result: object) -> str:
        assert isinstance(result, ExportReport)
        line = f"exported {result.path.name}: {bytes_text(result.n_bytes)} in {result.wall_s:.1f} s, validated"
        self.say(line, "", "\n".join(f"· {note}" for note in result.notes))
        self.result.setToolTip(str(result.path))
        self._propose_anew()
        return f"{line} — {result.path}"

    def _chosen_streams(self) -> list[str]:
        items = [self.streams.item(i) for i in range(self.streams.count())]
        return [i.data(Qt.ItemDataRole.UserRole) for i in items if i.checkState() is Qt.CheckState.Checked]

    # ---- what depends on the recording

    def show_facts(self, facts: RecordingFacts) -> None:
        self.units.show_recording(facts)
        self.streams.clear()
        for stream in facts.streams:
            item = QListWidgetItem(stream.label, self.streams)
            item.setData(Qt.ItemDataRole.UserRole, stream.name)
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
            item.setCheckState(Qt.CheckState.Checked)
        rows = min(max(len(facts.streams), 1), MAX_ROWS)
        self.streams.setFixedHeight(rows * (self.streams.sizeHintForRow(0) if facts.streams else 16) + 12)
        self._propose_anew()

    def _on_format(self) -> None:
        self.summary.set_whole(self.format.summary)
        self._propose()

    def _proposal(self) -> Path | None:
        facts = self.recording.facts
        return None if facts is None else free_path(facts.path, self.format.suffix)

    def _propose(self) -> None:
        if (path := self._proposal()) is not None:
            self.target.propose(path)

    def _propose_anew(self) -> None:
        if (path := self._proposal()) is not None:
            self.target.propose_anew(path)
