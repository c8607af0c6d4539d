"""The menu under the subject's name: what can be put on the table."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QFileDialog, QMenu, QPushButton, QWidget

from app.saved.session import session_name
from app.window.desk import Desk, Level, Opening
from app.window.offers import cartridge_plugins, offers
from app.window.recordings import Recordings
from app.window.sessions import Sessions
from app.window.sheet import ask_folder

PLAYBACK = "playback"


class SubjectMenu:
    """Subjects, games, sessions and recordings, the latest first.

    Parameters
    ----------
    start : puts a subject on the table and lets it run
    """

    def __init__(
        self,
        desk: Desk,
        recordings: Recordings,
        sessions: Sessions,
        start: Callable[[Opening], None],
        window: QWidget,
    ) -> None:
        self._desk, self._recordings, self._sessions = desk, recordings, sessions
        self._start, self._window = start, window

    def pop_up(self, button: QPushButton) -> None:
        menu = self.menu()
        menu.popup(button.mapToGlobal(QPoint(0, button.height())))

    def menu(self) -> QMenu:
        """Made anew every time: what there is changes."""
        menu = QMenu(self._window)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.setToolTipsVisible(True)
        menu.addSection("Subjects")
        for offer in offers():
            action = menu.addAction(offer.label)
            action.setToolTip(offer.reason)
            if offer.opening is None:
                action.triggered.connect(partial(self._desk.say, Level.WARNING, offer.reason))
            else:
                action.triggered.connect(partial(self._start, offer.opening))
        for plugin in cartridge_plugins():
            menu.addAction(f"{plugin} · cartridge from a file…", partial(self._ask_cartridge, plugin))
        menu.addSection("Sessions")
        for path in self._sessions.recent():
            action = menu.addAction(session_name(Path(path)), partial(self._sessions.open, Path(path)))
            action.setToolTip(path)
        menu.addAction("Session from a file…", self._sessions.ask_open)
        menu.addAction("Save this session…  Ctrl+S", self._sessions.ask_save)
        menu.addSection("Recordings")
        for path in self._recordings.recent():
            action = menu.addAction(Path(path).name, partial(self.play_back, Path(path)))
            action.setToolTip(path)
        menu.addAction("Recording from a folder…", self.ask_recording)
        return menu

    def play_back(self, path: Path) -> None:
        self._desk.open(Opening(PLAYBACK, {"recording": str(path)}))

    def ask_recording(self) -> None:
        """A file dialog that stops nothing."""
        ask_folder(self._window, "Open a recording (a folder NAME.rig)", self._recordings.folder(), self.play_back)

    def _ask_cartridge(self, plugin: str) -> None:
        dialog = QFileDialog(self._window, "Open a cartridge", str(Path.home()))
        dialog.setNameFilter("Cartridges (*.bin *.a26);;All files (*)")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda path: self._start(Opening(plugin, {"cartridge": path})))
        dialog.setModal(False)
        dialog.show()
