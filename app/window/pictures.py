"""Pictures and data of panes: a menu on every pane's header, and the same as commands.

PNG holds the pane's device pixels. SVG holds lines and text as such, and painted pixels (traces, rasters) as images.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from uuid import uuid4

from PySide6.QtCore import QObject, QPoint, QRect, QSize, Qt
from PySide6.QtGui import QPainter
from PySide6.QtSvg import QSvgGenerator
from PySide6.QtWidgets import QDockWidget, QMenu, QWidget

from app.window.desk import Desk, Level
from app.window.figures import grouped
from app.window.pane import Pane
from app.window.sheet import ask_where
from app.window.shown_data import offers_data, shown_data, write_table
from app.window.work import Progress, Work
from rig.errors import HeadstageError, StorageError

PICTURE_KINDS = "PNG, as on the screen (*.png);;SVG, lines and text (*.svg)"


class Pictures(QObject):
    """Lays the menu on the panes' headers.

    Parameters
    ----------
    panes : by title
    folder : where files are proposed
    """

    def __init__(self, panes: Mapping[str, Pane], desk: Desk, folder: Callable[[], Path], window: QWidget) -> None:
        super().__init__(window)
        self._panes, self._desk, self._folder, self._window = dict(panes), desk, folder, window
        self.work = Work(self)
        self.work.done.connect(lambda line: desk.say(Level.NOTE, str(line)))
        self.work.failed.connect(lambda line: desk.say(Level.ERROR, line))
        for pane in self._panes.values():
            header = header_of(pane)
            header.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
            header.customContextMenuRequested.connect(partial(self._pop_up, pane, header))

    def commands(self) -> list[tuple[str, str, str, Callable[[], object]]]:
        """Name, text, key and what it does: for the palette."""
        found: list[tuple[str, str, str, Callable[[], object]]] = []
        for title, pane in self._panes.items():
            found.append((f"picture {title}", f"Save a picture of {title}…", "", partial(self.ask_picture, pane)))
            if offers_data(pane):
                found.append((f"data {title}", f"Save the data of {title}…", "", partial(self.ask_data, pane)))
        return found

    def menu(self, pane: Pane) -> QMenu:
        """The menu of a pane's header."""
        menu = QMenu(self._window)
        menu.setToolTipsVisible(True)
        menu.addAction("Save picture…").triggered.connect(lambda: self.ask_picture(pane))
        data = menu.addAction("Save data…")
        data.triggered.connect(lambda: self.ask_data(pane))
        data.setEnabled(offers_data(pane))
        data.setToolTip("What is shown, as CSV" if offers_data(pane) else "This pane shows no samples")
        return menu

    def ask_picture(self, pane: Pane) -> None:
        """Ask where, then save: the suffix says how."""
        ask_where(
            self._window,
            f"Save a picture of {pane.title}",
            self._free(pane, ".png"),
            PICTURE_KINDS,
            lambda path: self.save_picture(pane, path),
        )

    def ask_data(self, pane: Pane) -> None:
        start = self._free(pane, ".csv")
        ask_where(
            self._window,
            f"Save the data of {pane.title}",
            start,
            "CSV (*.csv)",
            lambda path: self.save_data(pane, path),
        )

    def save_picture(self, pane: Pane, path: Path) -> None:
        """PNG, or SVG where the path ends so; what goes wrong becomes a message."""
        try:
            (save_svg if path.suffix.lower() == ".svg" else save_png)(framed(pane), path)
        except HeadstageError as error:
            self._desk.say(Level.ERROR, str(error))
        else:
            self._desk.say(Level.NOTE, f"saved a picture of {pane.title}: {path}")

    def save_data(self, pane: Pane, path: Path) -> None:
        """CSV of what is shown, written beside the window's thread."""
        if self.work.running:
            self._desk.say(Level.WARNING, "data of a pane are being saved; wait for the end of that")
            return
        try:
            table = shown_data(pane)
        except HeadstageError as error:
            self._desk.say(Level.ERROR, str(error))
            return
        note = f" ({table.note})" if table.note else ""

        def write(progress: Progress, cancel: object) -> str:
            n = write_table(table, path, cancel.is_set)  # type: ignore[attr-defined]
            return f"saved {grouped(n)} rows of {pane.title}{note}: {path}"

        self.work.start(write)

    def _pop_up(self, pane: Pane, header: QWidget, at: QPoint) -> None:
        menu = self.menu(pane)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(header.mapToGlobal(at))

    def _free(self, pane: Pane, suffix: str) -> Path:
        stem = pane.title.lower().replace(" ", "-")
        folder = self._folder()
        n = 1
        while (path := folder / f"{stem}-{n}{suffix}").exists():
            n += 1
        return path


def header_of(pane: Pane) -> QWidget:
    """The header, wherever it is: a dock's title bar, or over the pane."""
    dock = pane.parentWidget()
    if isinstance(dock, QDockWidget) and (title := dock.titleBarWidget()) is not None:
        return title
    return pane.findChild(QWidget, "paneHeader") or pane


def framed(pane: Pane) -> QWidget:
    """The pane with its header."""
    dock = pane.parentWidget()
    return dock if isinstance(dock, QDockWidget) else pane


def save_png(widget: QWidget, path: Path) -> None:
    """The widget's device pixels. Raises StorageError."""
    temporary = _beside(path)
    try:
        if not widget.grab().save(str(temporary), "PNG"):
            raise StorageError(f"asked to save {path}; the disk refuses: choose another folder")
        os.replace(temporary, path)
    except OSError as error:
        raise StorageError(f"asked to save {path}; the disk refuses ({error.strerror})") from error
    finally:
        temporary.unlink(missing_ok=True)


def save_svg(widget: QWidget, path: Path) -> None:
    """What the widget draws, as vectors; its painted images are embedded. Raises StorageError."""
    temporary = _beside(path)
    size = widget.size()
    generator = QSvgGenerator()
    generator.setFileName(str(temporary))
    generator.setSize(QSize(size))
    generator.setViewBox(QRect(QPoint(0, 0), size))
    generator.setTitle(widget.windowTitle() or "Headstage")
    generator.setResolution(widget.logicalDpiX())
    painter = QPainter()
    if not painter.begin(generator):
        raise StorageError(f"asked to save {path}; the disk refuses: choose another folder")
    widget.render(painter, QPoint(0, 0))
    painter.end()
    try:
        os.replace(temporary, path)
    except OSError as error:
        raise StorageError(f"asked to save {path}; the disk refuses ({error.strerror})") from error
    finally:
        temporary.unlink(missing_ok=True)


def _beside(path: Path) -> Path:
    return path.with_name(f".{uuid4().hex[:8]}.{path.name}")
