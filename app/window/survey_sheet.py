"""A lesion survey from the window: which games, which lesions, how long; progress, cancel, and the coloured map."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QComboBox, QLabel, QLineEdit, QListWidget, QListWidgetItem, QSpinBox, QWidget

from app.survey import PICTURE, SurveyRequest, plan_survey, write_results
from app.window.desk import Desk
from app.window.recording_fields import TargetField
from app.window.sheet import MARGIN_PX, WIDTH_PX, Sheet
from rig.errors import HeadstageError, SpecError
from rig.registry import find_plugin
from rig.subject import SubjectPlugin
from rig.survey.journal import SurveyJournal
from rig.survey.run import lesion_survey, run_survey
from rig.survey.summary import failure_counts

MAX_ROWS = 5
DEFAULT_FRAMES, MAX_FRAMES = 60, 100_000
PICTURE_HEIGHT_PX = 340


@dataclass(frozen=True)
class Surveyed:
    """What was found: lesions that make 0, 1, … of the games fail. None where it was stopped before the end."""

    folder: Path
    counts: tuple[int, ...] | None


class SurveySheet(Sheet):
    """See the module. The lesions run in processes of their own; what is done is kept, and gone on with."""

    def __init__(self, desk: Desk, folder: Callable[[], Path], window: QWidget) -> None:
        super().__init__("Lesion survey", "Survey", "Lesion every unit in turn", desk, window)
        self._folder = folder
        self._plugin: SubjectPlugin | None = None
        self._options: Mapping[str, str] = {}
        self.games = QListWidget(self)
        self.games.setToolTip("In which games; Space ticks and unticks")
        self.games.setAccessibleName("games")
        self.kind = QComboBox(self)
        self.kind.setToolTip("What the lesion does to a unit")
        self.kind.setAccessibleName("kind of lesion")
        self.frames = QSpinBox(self)
        self.frames.lineEdit().setTextMargins(6, 0, 0, 0)  # a stylesheet does not reach it
        self.frames.setRange(1, MAX_FRAMES)
        self.frames.setValue(DEFAULT_FRAMES)
        self.frames.setSuffix(" frames")
        self.frames.setToolTip("How long each lesioned subject is watched")
        self.units = QLineEdit(self)
        self.units.setPlaceholderText("all; or such as region:alu")
        self.units.setToolTip("Which units are lesioned, one at a time")
        self.units.setAccessibleName("units")
        self.target = TargetField("Folder for journal, tables and map", lambda: "Surveys (*.survey)", self)
        self.picture = QLabel(self)
        self.picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.picture.setAccessibleName("map of the survey")
        self.picture.hide()
        for text, field in (
            ("games", self.games),
            ("lesion", self.kind),
            ("for", self.frames),
            ("units", self.units),
            ("to", self.target),
        ):
            self.add_row(text, field)
        self.extra.addWidget(self.picture, 1)
        self.cancel.setToolTip("Stop; what is done is kept, and gone on with another time")

    def open_over(self) -> None:
        if not self.running:
            self.progress.setValue(0)
            self.picture.hide()
            self.say("")
            self._offer()
            self.target.propose(self._folder() / "lesions.survey")
        super().open_over()
        self.games.setFocus()

    def begin(self) -> None:
        if self._plugin is None:
            raise SpecError("this subject offers no lesion survey; put a processor on the table")
        items = [self.games.item(row) for row in range(self.games.count())]
        asked = SurveyRequest(
            subject=self._plugin.name,
            games=tuple(i.text() for i in items if i.checkState() is Qt.CheckState.Checked),
            kind=self.kind.currentData(),
            n_frames=self.frames.value(),
            units=self.units.text().strip(),
            options=self._options,
        )
        folder = self.target.path
        self.picture.hide()
        self.say("")

        def work(progress: Callable[[float], None], cancel: threading.Event) -> Surveyed:
            return _survey(asked, folder, progress, cancel)

        self.work.start(work)

    def finished(self, result: object) -> str:
        assert isinstance(result, Surveyed)
        if result.counts is None:
            line = f"stopped; what is done is in {result.folder.name}, Survey goes on from there"
            self.say(line)
            return line
        n, total = len(result.counts) - 1, sum(result.counts)
        parts = [f"{result.counts[n]:,} stop {'every game' if n > 1 else 'the game'}"]
        if n > 1:
            parts.append(f"{sum(result.counts[1:n]):,} some")
        parts.append(f"{result.counts[0]:,} none")
        line = f"{total:,} lesions: {', '.join(parts)}"
        self._show_picture(result.folder / PICTURE)
        self.say(line, notes=f"Bright: much of the picture is lost; grey: nothing. Tables and map: {result.folder}")
        return line

    def _show_picture(self, path: Path) -> None:
        ratio = self.devicePixelRatioF()
        pixmap = QPixmap(str(path))
        room = (WIDTH_PX - 2 * MARGIN_PX) * ratio, PICTURE_HEIGHT_PX * ratio
        pixmap = pixmap.scaled(
            round(room[0]),
            round(room[1]),
            Qt.AspectRatioMode.KeepAspectRatio,
            Qt.TransformationMode.SmoothTransformation,
        )
        pixmap.setDevicePixelRatio(ratio)
        self.picture.setPixmap(pixmap)
        self.picture.show()

    def _offer(self) -> None:
        """What the subject on the table can be surveyed for."""
        self._plugin = None
        self.games.clear()
        self.kind.clear()
        description, asked = self.desk.description, self.desk.asked
        try:
            plugin = None if asked is None else find_plugin(asked.plugin)
        except HeadstageError:
            plugin = None
        self.go.setEnabled(plugin is not None and plugin.lesion_survey is not None)
        if plugin is None or plugin.lesion_survey is None or description is None:
            self.say("This subject offers no lesion survey. Put a processor on the table (subject menu, top left)")
            return
        self._plugin = plugin
        assert asked is not None
        survey = plugin.lesion_survey()
        option = next(o for o in plugin.options if o.name == survey.varied_option)
        self._options = {name: value for name, value in asked.options.items() if name != option.name}
        current = description.info.options.get(option.name, option.default)
        for name in dict.fromkeys((current, *map(str, option.offered))):
            item = QListWidgetItem(name, self.games)
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
            item.setCheckState(Qt.CheckState.Checked if name == current else Qt.CheckState.Unchecked)
        rows = min(max(self.games.count(), 1), MAX_ROWS)
        self.games.setFixedHeight(rows * max(self.games.sizeHintForRow(0), 20) + 12)
        for kind in sorted(survey.kinds):
            self.kind.addItem(str(kind).replace("_", " "), str(kind))
        self.kind.setCurrentIndex(max(self.kind.findData("stuck_on"), 0))


def _survey(asked: SurveyRequest, folder: Path, progress: Callable[[float], None], cancel: threading.Event) -> Surveyed:
    survey = lesion_survey(asked.subject)
    plan, units = plan_survey(survey, asked)
    journal = SurveyJournal.create_or_resume(folder, plan, survey.columns)
    done = run_survey(journal, progress=lambda n, total: progress(n / total), cancelled=cancel.is_set)
    if not done:
        return Surveyed(folder, None)
    write_results(journal, survey, units)
    return Surveyed(folder, tuple(failure_counts(journal).tolist()))
