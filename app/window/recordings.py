"""The recordings of the window: where they go, the one being made, the ones made lately."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from PySide6.QtCore import QSettings, QStandardPaths

from app.window.desk import Desk, Level
from app.window.figures import clock_text
from rig.errors import StorageError

MAX_RECENT = 12


class Recordings:
    """Starts and stops recording as the person asks, and remembers what was made.

    Parameters
    ----------
    settings : ``recordings`` is the folder, ``recent`` the paths made or opened lately

    Attributes
    ----------
    made : the recording made last, or being made; None where there is none
    """

    def __init__(self, desk: Desk, settings: QSettings) -> None:
        self._desk, self._settings = desk, settings
        self.made: Path | None = None
        self._since_tick = 0

    # ---- where

    def folder(self) -> Path:
        """Where recordings go: a folder of the person's documents, or what the settings say."""
        documents = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
        return Path(str(self._settings.value("recordings", str(Path(documents) / "Headstage"))))

    def next_path(self) -> Path:
        """A name that says what and when, and is not there yet. Raises StorageError: the folder cannot be made."""
        folder = self.folder()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(
                f"asked to record into {folder}; the folder cannot be made ({error.strerror or error}): "
                "plug its disk in, or set another folder"
            ) from error
        description = self._desk.description
        stem = "run" if description is None else description.info.name.split(" · ")[-1]
        stem = "".join(c if c.isalnum() else "-" for c in stem.lower()).strip("-")
        stamp = datetime.now().strftime("%Y-%m-%d-%H%M%S")
        path, n = folder / f"{stem}-{stamp}.rig", 2
        while path.exists():
            path, n = folder / f"{stem}-{stamp}-{n}.rig", n + 1
        return path

    # ---- recording

    @property
    def running(self) -> bool:
        status = self._desk.status
        return status is not None and status.recorder is not None

    def start(self) -> Path | None:
        """Record what is watched; None where that was refused, and the strip says why."""
        if self._desk.description is None:
            return None
        try:
            path = self.next_path()
        except StorageError as error:
            self._desk.say(Level.ERROR, str(error))
            return None
        if self._desk.do(lambda c: c.start_recording(path)) is None:
            return None
        self.made, self._since_tick = path, self._desk.tick
        return path

    def stop(self) -> None:
        """Close it, and remember it."""
        if self._desk.do(lambda c: c.stop_recording("stopped at the rig")) is not None and self.made is not None:
            self._desk.say(Level.NOTE, f"recorded {self.made}")
            self.remember(self.made)

    def clock(self) -> str:
        """How long it has been going, in the subject's time."""
        description = self._desk.description
        hz = 0.0 if description is None else description.info.tick_hz
        done = self._desk.tick - self._since_tick
        return clock_text(done, hz)[:12] if hz > 0 else f"{done} ticks"

    # ---- lately

    def remember(self, path: Path) -> None:
        """Made or opened just now."""
        kept = [r for r in self.recent() if r != str(path)]
        self._settings.setValue("recent", [str(path), *kept][:MAX_RECENT])

    def recent(self) -> list[str]:
        """Paths, newest first; what is gone is left out."""
        value = self._settings.value("recent", [])
        paths = [value] if isinstance(value, str) else list(value) if isinstance(value, list) else []
        return [str(p) for p in paths if Path(str(p)).is_dir()]
