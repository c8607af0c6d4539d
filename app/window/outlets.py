"""What leaves the window: exports, films, pictures, sound, the console; and the bar of a recording on playback.

Made once by the main window, which gives its panes, docks and recordings, takes the commands, and pulls.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QWidget

from app.theme import Theme
from app.window.console import ConsolePane
from app.window.desk import Desk, Pull
from app.window.export_sheet import ExportSheet
from app.window.film_sheet import FilmSheet
from app.window.pane import Pane
from app.window.pictures import Pictures
from app.window.playback_bar import PlaybackBar
from app.window.recording_facts import RecordingOffer, offered
from app.window.recordings import Recordings
from app.window.rederive_sheet import RederiveSheet
from app.window.sound import SoundControl
from app.window.survey_sheet import SurveySheet
from app.window.timeline import TimelinePane

Commands = list[tuple[str, str, str, Callable[[], object]]]


class Outlets:
    """See the module.

    Parameters
    ----------
    window : sheets lie over it
    panes : by title, the timeline among them
    console : in its dock
    recordings : what exports are made of, and where pictures are proposed
    """

    def __init__(
        self,
        window: QWidget,
        desk: Desk,
        settings: QSettings,
        panes: Mapping[str, Pane],
        timeline: TimelinePane,
        console: ConsolePane,
        recordings: Recordings,
    ) -> None:
        self._desk, self._recordings, self._timeline = desk, recordings, timeline
        self.console = console
        self.console.find_recording = self.recording
        self.export = ExportSheet(desk, self.offers, window)
        self.film = FilmSheet(desk, self.offers, window)
        self.rederive = RederiveSheet(desk, self.offers, window)
        self.survey = SurveySheet(desk, recordings.folder, window)
        self.pictures = Pictures(panes, desk, recordings.folder, window)
        self.sound = SoundControl(desk, settings, parent=window)
        self.playback = PlaybackBar(desk, timeline.body)
        layout = timeline.body.layout()
        assert layout is not None
        layout.addWidget(self.playback)
        self.playback.shown_changed.connect(lambda shown: timeline.bar.setVisible(not shown))
        self.playback.export_asked.connect(self.export.open_for_shown)
        self.playback.rederive_asked.connect(self.rederive.open_over)

    def commands(self) -> Commands:
        """Name, text, key and what it does: for keys and palette."""
        return [
            ("export", "Export a recording…", "Ctrl+E", self.export.open_over),
            ("export shown", "Export the stretch on show…", "Ctrl+Shift+E", self.export.open_for_shown),
            ("film", "Film of the screen…", "Ctrl+Shift+F", self.film.open_over),
            ("rederive", "Re-derive: watch what was not watched…", "Ctrl+D", self.rederive.open_over),
            ("survey", "Lesion survey: every unit in turn…", "Ctrl+U", self.survey.open_over),
            *self.sound.commands(),
            *self.pictures.commands(),
        ]

    @property
    def playing(self) -> Path | None:
        """The recording on playback."""
        played = self.playback.log.played
        return None if played is None else played.path

    def recording(self) -> Path | None:
        """The recording that is meant when none is named: on playback, or just made."""
        offers = self.offers()
        return offers[0].path if offers and offers[0].shares_time else None

    def offers(self) -> tuple[RecordingOffer, ...]:
        """Recordings at hand; one that is still being made is not."""
        made, running = self._recordings.made, self._recordings.running
        offers = offered(self.playing, None if running else made, self._recordings.recent())
        return tuple(o for o in offers if not (running and o.path == made))

    def pull(self, pull: Pull) -> None:
        """On every turn of the timer."""
        self.sound.pull(pull)
        if self.playback.active:
            self.playback.pull(pull)
            self._timeline.set_detail(self.playback.detail(pull))

    def apply_theme(self, theme: Theme) -> None:
        self.playback.apply_theme(theme)

    def close(self) -> None:
        """Nothing runs on, nothing half-made is left."""
        for sheet in (self.export, self.film, self.rederive, self.survey):
            sheet.stop()
        self.pictures.work.stop()
        self.playback.log.stop()
        self.sound.close_speaker()
        self.console.stop()
