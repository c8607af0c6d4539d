"""Re-deriving from the window (Ctrl+D): the same run again, with units watched that were not, or a probe put in."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from PySide6.QtWidgets import QComboBox, QLineEdit, QPushButton, QWidget

from app.window.desk import Desk, Opening
from app.window.playback_log import PLAYBACK
from app.window.recording_facts import RecordingFacts, free_path
from app.window.recording_fields import TargetField, UnitsField
from app.window.recording_sheet import Offers, RecordingSheet
from app.window.rederive_job import RederiveRequest, run_rederivation
from rig.errors import SpecError
from rig.field import FIELD_STREAM
from rig.spec import parse_probe
from rig.streams import StreamKind

NO_STREAM = "none: only the electrodes"


class RederiveSheet(RecordingSheet):
    """See the module. It runs in a process of its own; the result is a recording like any other."""

    def __init__(self, desk: Desk, offers: Offers, window: QWidget) -> None:
        super().__init__("Re-derive a recording", "Re-derive", "Run the stretch again", desk, offers, window)
        self._made: Path | None = None
        self.stream = QComboBox(self)
        self.stream.setEditable(True)
        self.stream.setToolTip("A stream of the subject, recorded or not; one that was not can be typed")
        self.stream.setAccessibleName("stream")
        self.units = UnitsField(desk, self)
        self.probe = QLineEdit(self)
        self.probe.setPlaceholderText("A x=2000 y=500..3500 n=16 sigma=300")
        self.probe.setToolTip("A probe to put in: its electrodes are derived, too. Empty for none")
        self.target = TargetField("Recording to make (a folder NAME.rig)", lambda: "Recordings (*.rig)", self)
        for text, field in (
            ("recording", self.recording),
            ("time", self.stretch),
            ("stream", self.stream),
            ("units", self.units),
            ("probe", self.probe),
            ("to", self.target),
        ):
            self.add_row(text, field)
        self.open_button = QPushButton("Put it on the table", self)
        self.open_button.setToolTip("Play the new recording back")
        self.open_button.clicked.connect(self._open_made)
        self.extra.addStretch(1)
        self.extra.addWidget(self.open_button)
        self.open_button.hide()
        self.units.changed.connect(self.fit)

    def open_over(self) -> None:
        if not self.running:
            self.open_button.hide()
        super().open_over()

    def first_field(self) -> QWidget:
        return self.stream

    def begin(self) -> None:
        facts = self.facts()
        start, stop = self.stretch.ticks()
        name = self.stream.currentText().strip()
        watches: dict[str, list[int] | None] = {}
        if name not in ("", NO_STREAM):
            ids = self.units.unit_ids()
            watches[name] = None if ids is None else ids.tolist()
        probe_text = self.probe.text().strip()
        probes = (parse_probe(probe_text),) if probe_text else ()
        if not watches and not probes:
            raise SpecError("asked to re-derive nothing; choose a stream, or type a probe")
        if FIELD_STREAM in watches:
            raise SpecError("asked for the electrodes as a stream; choose none of them, and type their probe below")
        # a bin that began before the recording may be stamped before its first tick
        start = max(start, facts.first_tick)
        request = RederiveRequest(facts.path, self.target.path, start, stop, watches, probes)
        self.open_button.hide()

        def work(progress: Callable[[float], None], cancel: threading.Event) -> Path:
            return run_rederivation(request, progress, cancel)

        self.work.start(work)

    def finished(self, result: object) -> str:
        assert isinstance(result, Path)
        self._made = result
        self.open_button.show()
        self.say(f"re-derived {result.name}")
        self._propose_anew()
        return f"re-derived {result}"

    def _open_made(self) -> None:
        if self._made is not None:
            self.hide()
            self.desk.open(Opening(PLAYBACK, {"recording": str(self._made)}))

    def show_facts(self, facts: RecordingFacts) -> None:
        self.units.show_recording(facts)
        self.stream.clear()
        kinds = (
            StreamKind.UNITS,
            StreamKind.BUS,
            StreamKind.IMAGE,
            StreamKind.TEXT,
            StreamKind.DISTRIBUTION,
            StreamKind.VALUES,
        )
        names = [s.name for kind in kinds for s in facts.streams if s.kind is kind]
        self.stream.addItems([*names, NO_STREAM])
        self._propose_anew()

    def _propose_anew(self) -> None:
        if self.recording.facts is not None:
            self.target.propose_anew(free_path(self.recording.facts.path, "-rederived.rig"))
