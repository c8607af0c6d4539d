"""Sessions in the window: kept as files of the person's, and put back on the table as they were."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QSettings, Qt
from PySide6.QtWidgets import QFileDialog, QWidget

from app.saved.session import (
    SUFFIX,
    SavedSession,
    SavedTrigger,
    load_session,
    save_session,
    session_name,
)
from app.window.ask_line import AskLine
from app.window.desk import Desk, Level, Opening
from app.window.docks import Docks
from app.window.pane import Pane
from app.window.preparation import PreparationPane
from app.window.raster import RasterPane
from app.window.recordings import Recordings
from app.window.scope import ScopePane
from app.window.spectrogram import SpectrogramPane
from app.window.tools.protocol_tab import ProtocolTab
from app.window.tools.standing import probes_of, watches_of
from app.window.tools.stimulate_tab import StimulateTab
from app.window.tools.tools_pane import ToolsPane
from rig.errors import HeadstageError

MAX_RECENT = 12
_FORBIDDEN = '<>:"/\\|?*'


@dataclass(frozen=True)
class Shown:
    """The parts of the window that a session remembers."""

    preparation: PreparationPane
    scope: ScopePane
    raster: RasterPane
    spectrogram: SpectrogramPane
    stimulate: StimulateTab
    protocol: ProtocolTab
    docks: Docks


def shown_of(panes: Mapping[str, Pane], docks: Docks) -> Shown:
    """Out of all panes, by title."""
    titles = ("Preparation", "Oscilloscope", "Raster", "Spectrogram", "Tools")
    preparation, scope, raster, spectrogram, tools = (panes[t] for t in titles)
    assert isinstance(preparation, PreparationPane)
    assert isinstance(scope, ScopePane)
    assert isinstance(raster, RasterPane)
    assert isinstance(spectrogram, SpectrogramPane)
    assert isinstance(tools, ToolsPane)
    return Shown(preparation, scope, raster, spectrogram, tools.stimulate, tools.protocol, docks)


class Sessions:
    """See the module.

    Parameters
    ----------
    shown : whose settings are kept
    settings : ``sessions`` are the paths saved or opened lately
    start : puts a subject on the table and lets it run
    """

    def __init__(
        self,
        desk: Desk,
        shown: Shown,
        recordings: Recordings,
        settings: QSettings,
        start: Callable[[Opening], None],
        ask: AskLine,
        window: QWidget,
    ) -> None:
        self._desk, self._shown, self._recordings = desk, shown, recordings
        self._settings, self._start, self._ask, self._window = settings, start, ask, window
        self._waiting: tuple[Opening, SavedSession] | None = None
        self.path: Path | None = None  # of the session on the table

    # ---- as a value

    def current(self) -> SavedSession | None:
        """As it is now; None without a subject."""
        desk, shown = self._desk, self._shown
        if desk.asked is None or desk.description is None:
            return None
        return SavedSession(
            plugin=desk.asked.plugin,
            options=dict(desk.asked.options),
            seed=desk.asked.seed,
            watches=watches_of(desk.entries),
            probes=probes_of(desk.entries),
            speed=desk.speed,
            channels=desk.channels.ids,
            selection=desk.selection.ids,
            span_ticks=desk.view.span_ticks,
            trigger=SavedTrigger.of(desk.trigger.settings),
            scope=shown.scope.settings,
            gains=shown.scope.edits.gains,
            raster=shown.raster.settings,
            spectrogram=shown.spectrogram.settings,
            map_kind=shown.preparation.kind,
            stimulus=shown.stimulate.form(),
            plan=shown.protocol.protocol,
            layout=shown.docks.used,
        )

    def wait_for(self, session: SavedSession) -> Opening:
        """How its subject is to be opened; when that is there, `put_back` does the rest."""
        opening = Opening(session.plugin, session.options, session.seed, session.watches, session.probes)
        self._waiting = opening, session
        return opening

    def put_back(self) -> SavedSession | None:
        """A subject is there: where it is a session's, everything else as it was. None where it is not."""
        waiting, self._waiting = self._waiting, None
        if waiting is None or self._desk.asked is not waiting[0]:
            return None
        session = waiting[1]
        desk, shown = self._desk, self._shown
        if session.layout and session.layout != shown.docks.used:
            shown.docks.use(session.layout)
        desk.view.set_span(session.span_ticks)
        desk.channels.set(self._known(session.channels, "channels"))
        desk.selection.set(self._known(session.selection, "selected units"))
        shown.scope.apply_settings(session.scope)
        shown.scope.edits.put_back(session.gains)
        shown.raster.apply_settings(session.raster)
        shown.spectrogram.apply_settings(session.spectrogram)
        shown.preparation.show_kind(session.map_kind)
        shown.stimulate.put(session.stimulus)
        shown.protocol.put(session.plan)
        desk.trigger.use(session.trigger.settings())
        return session

    def _known(self, ids: Sequence[int], what: str) -> list[int]:
        """Those that the subject has; the strip says how many it lacks."""
        assert self._desk.description is not None
        there = set(self._desk.description.units.unit_id.tolist())
        known = [i for i in ids if i in there]
        if len(known) < len(ids):
            name = self._desk.description.info.name
            self._desk.say(Level.WARNING, f"{len(ids) - len(known)} of the session's {what} are no units of {name}")
        return known

    # ---- as a file

    def recent(self) -> list[str]:
        """Paths, newest first; what is gone is left out."""
        value = self._settings.value("sessions", [])
        paths = [value] if isinstance(value, str) else list(value) if isinstance(value, list) else []
        return [str(p) for p in paths if Path(str(p)).is_file()]

    def ask_save(self) -> None:
        """Ask for its name, and save it beside the recordings."""
        if self.current() is None:
            self._desk.say(Level.WARNING, "there is no session to save: put a subject on the table first")
            return
        proposed = "" if self.path is None else session_name(self.path)
        self._ask.ask("Save the session as", "a name", self.save_as, proposed)

    def save_as(self, name: str) -> None:
        """Save it under a name; that of another session is refused."""
        plain = "".join("-" if c in _FORBIDDEN or not c.isprintable() else c for c in name).strip(". ") or "session"
        folder = self._recordings.folder() if self.path is None else self.path.parent
        path = folder / f"{plain}{SUFFIX}"
        if path.exists() and path != self.path:
            self._desk.say(Level.ERROR, f"asked to save the session as {path}; there is one already: take another name")
            return
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            self._desk.say(Level.ERROR, f"asked to save the session in {folder}; it cannot be made ({error.strerror})")
            return
        self.save(path)

    def save(self, path: Path) -> None:
        session = self.current()
        if session is None:
            return
        try:
            save_session(session, path)
        except HeadstageError as error:
            self._desk.say(Level.ERROR, str(error))
            return
        self._remember(path)
        self._desk.say(Level.NOTE, f"saved the session as {path}")

    def ask_open(self) -> None:
        """A file dialog that stops nothing."""
        start = self._recordings.folder() if self.path is None else self.path.parent
        dialog = QFileDialog(self._window, "Open a session", str(start))
        dialog.setNameFilter(f"Sessions (*{SUFFIX});;All files (*)")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda path: self.open(Path(path)))
        dialog.setModal(False)
        dialog.show()

    def open(self, path: Path) -> None:
        """Put a saved session on the table; what is wrong with the file is one line, and nothing changes."""
        try:
            session = load_session(path)
        except HeadstageError as error:
            self._desk.say(Level.ERROR, str(error))
            return
        self._start(self.wait_for(session))
        self._remember(path)

    def _remember(self, path: Path) -> None:
        self.path = path
        kept = [p for p in self.recent() if p != str(path)]
        self._settings.setValue("sessions", [str(path), *kept][:MAX_RECENT])
