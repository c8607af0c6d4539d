"""Starting the window: application, settings, the first subject, and what a screenshot needs."""

from __future__ import annotations

import logging
import logging.handlers
import sys
from collections.abc import Sequence
from pathlib import Path

import platformdirs
from PySide6.QtCore import QSettings, QTimer
from PySide6.QtWidgets import QApplication, QWidget

from app.draw.warm import start_warming
from app.window.desk import Opening
from app.window.main_window import MainWindow
from app.window.offers import offers

WARM_AFTER_MS = 3000  # when the window is up and the subject runs


def application(arguments: Sequence[str] = ()) -> QApplication:
    """The one QApplication, named so that settings and menus find their place."""
    existing = QApplication.instance()
    if isinstance(existing, QApplication):
        return existing
    made = QApplication([sys.argv[0], *arguments])
    made.setApplicationName("headstage")
    made.setOrganizationName("headstage")
    made.setApplicationDisplayName("Headstage")
    return made


def open_settings(*, reset: bool = False) -> QSettings:
    """Layout, theme, recent recordings; `reset` forgets them."""
    path = Path(platformdirs.user_config_dir("headstage", appauthor=False)) / "window.ini"
    settings = QSettings(str(path), QSettings.Format.IniFormat)
    if reset:
        settings.clear()
    return settings


def log_to_file() -> Path:
    """Tracebacks and messages of window and rig go to the log file, which never grows beyond a few megabytes."""
    path = Path(platformdirs.user_log_dir("headstage", appauthor=False)) / "headstage.log"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = logging.handlers.RotatingFileHandler(path, maxBytes=2_000_000, backupCount=2)
    except OSError:
        return path
    handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s %(message)s"))
    for name in ("rig", "app", "subjects"):
        logger = logging.getLogger(name)
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
    return path


def first_subject(settings: QSettings) -> Opening:
    """What lay on the table last, if it is still to be had; otherwise the first that is alive at once."""
    made = [o.opening for o in offers() if o.opening is not None]
    options = settings.value("options", {})
    last = Opening(str(settings.value("plugin", "")), options if isinstance(options, dict) else {})
    return last if last in made else made[0]


def show_fitting(window: QWidget) -> None:
    """Show a window as large as it is, or all over a screen that is too small for that."""
    room = window.screen().availableSize()
    if window.size().boundedTo(room) == window.size():
        window.show()
    else:
        window.resize(room)  # maximising alone does nothing where no window manager runs
        window.showMaximized()


def run_window(opening: Opening | None = None, *, session: Path | None = None, reset: bool = False) -> int:
    """Open the window and stay until it is closed. Returns the exit code.

    Parameters
    ----------
    opening, session : what is put on the table; neither: what lay there last
    """
    log_to_file()
    made = application()
    settings = open_settings(reset=reset)
    window = MainWindow(settings)
    show_fitting(window)
    chosen = opening or first_subject(settings)
    QTimer.singleShot(0, lambda: window.start_with(chosen) if session is None else window.sessions.open(session))
    warming: list[object] = []  # held until the window closes; it ends by itself
    timer = QTimer(window)
    timer.setSingleShot(True)
    timer.timeout.connect(lambda: warming.append(start_warming()))
    timer.start(WARM_AFTER_MS)
    code = made.exec()
    timer.stop()
    return code
