"""A sheet that makes something of a recording: which one, what stretch of it, and what there is of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtWidgets import QWidget

from app.window.desk import Desk
from app.window.recording_facts import RecordingFacts, RecordingOffer
from app.window.recording_fields import RecordingField, StretchField
from app.window.sheet import Sheet
from rig.errors import SpecError

NO_RECORDING = "There is no recording yet: record one (R), or choose one at … above"

Offers = Callable[[], Sequence[RecordingOffer]]


class RecordingSheet(Sheet):
    """Base of the sheets for exports, films and re-derivations.

    Parameters
    ----------
    offers : recordings at hand

    Attributes
    ----------
    recording, stretch : the first fields; subclasses add theirs, and lay all out by `add_row`
    """

    def __init__(self, title: str, verb: str, tip: str, desk: Desk, offers: Offers, window: QWidget) -> None:
        super().__init__(title, verb, tip, desk, window)
        self._offers = offers
        self.recording = RecordingField(self)
        self.stretch = StretchField(desk, self)
        self.recording.loaded.connect(self._on_loaded)
        self.recording.failed.connect(lambda line: self.say(line, "error"))

    # ---- what subclasses say

    def show_facts(self, facts: RecordingFacts) -> None:
        """Another recording was read: show what depends on it, and propose where to."""

    def warning(self) -> str:
        """What stands against it from the beginning; "" for nothing."""
        return ""

    def first_field(self) -> QWidget:
        """Which has the focus when the sheet opens."""
        return self.stretch.combo

    # ---- shared

    def facts(self) -> RecordingFacts:
        """Raises SpecError: no recording was read."""
        if self.recording.facts is None:
            raise SpecError("no recording is read yet: choose one above")
        return self.recording.facts

    def open_over(self) -> None:
        """Open; while one is being made it is shown as it is."""
        if not self.running:
            self.say("")
            self.progress.setValue(0)
            offers = self._offers()
            self.recording.offer(offers, offers[0].path if offers else self.recording.path)
            self.go.setEnabled(bool(offers))
            if warning := self.warning():
                self.say(warning, "warning")
            elif not offers:
                self.say(NO_RECORDING)
        super().open_over()
        self.first_field().setFocus()

    def stop(self) -> None:
        self.recording.stop()
        super().stop()

    def _on_loaded(self) -> None:
        facts = self.facts()
        self.stretch.show_recording(facts, self.recording.shares_time)
        self.show_facts(facts)
        self.go.setEnabled(not self.running)
        self.fit()
