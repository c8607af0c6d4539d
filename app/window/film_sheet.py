"""A film of the screen from the window: which recording, what stretch, how large, how fast, where to."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from PySide6.QtWidgets import QComboBox, QWidget

from app.window.behaviour_frame import display_aspect
from app.window.desk import Desk
from app.window.figures import bytes_text, grouped
from app.window.film import NO_FFMPEG, SUFFIXES, FilmReport, FilmRequest, find_ffmpeg, make_film
from app.window.recording_facts import RecordingFacts, free_path
from app.window.recording_fields import TargetField
from app.window.recording_sheet import Offers, RecordingSheet
from rig.errors import SpecError
from rig.storage.recording import Recording
from rig.streams import StreamKind

SCALES = (1, 2, 3, 4)
SPEEDS = (1.0, 0.5, 0.1, 2.0, 10.0)


class FilmSheet(RecordingSheet):
    """See the module."""

    def __init__(self, desk: Desk, offers: Offers, window: QWidget) -> None:
        super().__init__("Film of the screen", "Make the film", "Write the film with ffmpeg", desk, offers, window)
        self.kind = _choice([s[1:] for s in SUFFIXES], "MP4 for players, GIF for pages", self)
        self.scale = _choice([f"{n} ×" for n in SCALES], "Pixels of the film for a line of the screen", self)
        self.scale.setCurrentIndex(1)
        self.speed = _choice([f"{s:g} × real time" for s in SPEEDS], "How fast the film goes", self)
        self.target = TargetField("File to make", lambda: f"Film (*.{self.kind.currentText()})", self)
        for text, field in (
            ("recording", self.recording),
            ("time", self.stretch),
            ("format", self.kind),
            ("size", self.scale),
            ("speed", self.speed),
            ("to", self.target),
        ):
            self.add_row(text, field)
        self.kind.currentIndexChanged.connect(lambda _: self._propose_anew())

    def warning(self) -> str:
        return NO_FFMPEG if find_ffmpeg() is None else ""

    def begin(self) -> None:
        facts = self.facts()
        if facts.stream_of(StreamKind.IMAGE) is None:
            raise SpecError(f"asked for a film of {facts.path.name}; no screen was recorded: choose another recording")
        start, stop = self.stretch.ticks()
        target, path = self.target.path, facts.path
        scale, speed = SCALES[self.scale.currentIndex()], SPEEDS[self.speed.currentIndex()]

        def work(progress: Callable[[float], None], cancel: threading.Event) -> FilmReport:
            request = FilmRequest(path, target, start, stop, scale, speed, _aspect(path))
            return make_film(request, progress, cancel.is_set)

        self.work.start(work)

    def finished(self, result: object) -> str:
        assert isinstance(result, FilmReport)
        line = f"made {result.path.name}: {grouped(result.n_frames)} frames, {bytes_text(result.n_bytes)}"
        self.say(line)
        self._propose_anew()
        return f"{line} — {result.path}"

    def show_facts(self, facts: RecordingFacts) -> None:
        self._propose_anew()

    def _propose_anew(self) -> None:
        if self.recording.facts is not None:
            self.target.propose_anew(free_path(self.recording.facts.path, f".{self.kind.currentText()}"))


def _aspect(path: Path) -> float:
    """As the behaviour pane shows it."""
    with Recording.open(path) as recording:
        return display_aspect(next(s for s in recording.streams.values() if s.kind is StreamKind.IMAGE))


def _choice(texts: list[str], tip: str, parent: QWidget) -> QComboBox:
    combo = QComboBox(parent)
    combo.addItems(texts)
    combo.setToolTip(tip)
    return combo
