"""The menu under the subject's name: what can be put on the table."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QFileDialog, QMenu, QPushButton, QWidget

from app.window.desk import Desk, Level, Opening
from app.window.offers import offers
from app.window.recordings import Recordings

PLAYBACK = "playback"


class SubjectMenu:
    """Subjects, games, recent recordings, a file dialog."""

    def __init__(self, desk: Desk, recordings: Recordings, window: QWidget) -> None:
        self._desk, self._recordings, self._window = desk, recordings, window

    def pop_up(self, button: QPushButton) -> None:
        menu = self.menu()
        menu.popup(button.mapToGlobal(QPoint(0, button.height())))

    def menu(self) -> QMenu:
        menu = QMenu(self._window)
        for offer in offers():
            if offer.opening is None:
                action = menu.addAction(offer.label)
                action.setToolTip(offer.reason)
                action.triggered.connect(lambda _=False, o=offer: self._desk.say(Level.WARNING, o.reason))
            else:
                action = menu.addAction(offer.label)
                action.triggered.connect(lambda _=False, o=offer.opening: self._desk.open(o))
        menu.addSeparator()
        menu.addAction("Cartridge from a file…").triggered.connect(lambda: self._open_cartridge())
        menu.addAction("Recording…").triggered.connect(lambda: self._open_recording())
        recent = self._recordings.recent()
        if recent:
            menu.addSeparator()
            for path in recent:
                action = menu.addAction(Path(path).name)
                action.setToolTip(path)
                action.triggered.connect(lambda _=False, p=path: self.play_back(Path(p)))
        menu.setToolTipsVisible(True)
        return menu

    def play_back(self, path: Path) -> None:
        self._desk.open(Opening(PLAYBACK, {"recording": str(path)}))

    def _open_recording(self) -> None:
        folder = QFileDialog.getExistingDirectory(self._window, "Open a recording (a folder NAME.rig)")
        if folder:
            self.play_back(Path(folder))

    def _open_cartridge(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self._window, "Open a cartridge", "", "Cartridges (*.bin *.a26);;All (*)")
        if path:
            self._desk.open(Opening("microprocessor", {"cartridge": path}))
