"""A Python console on the window's own objects (extra ``console``); without qtconsole, what it takes to have one.

The kernel runs in the window's process, so that everything is at hand as it is. While a line of yours is busy, the
window waits; the subject, in its own process, does not.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontDatabase, QShowEvent
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

import rig
from app.theme import DARK, Theme
from app.window.desk import Desk, Level
from app.window.pane import Pane
from rig.errors import HeadstageError
from rig.storage.recording import Recording

HOW_TO = "The Python console is not installed:\n\npip install 'headstage[console]'\n\nthen start Headstage again."
BANNER = """\
rig        the package            desk       subject, view, selection of this window
session    the client             selection  ids of the selected units
recording  the last recording     np         numpy
"""


class ConsolePane(Pane):
    """The kernel starts when the pane is first seen.

    Parameters
    ----------
    find_recording : where the recording lies that `recording` is to be; None where there is none
    """

    def __init__(
        self, desk: Desk, find_recording: Callable[[], Path | None] = lambda: None, parent: QWidget | None = None
    ) -> None:
        super().__init__("Console", desk, parent)
        self.find_recording = find_recording
        self._recording: Recording | None = None
        self.theme: Theme = DARK
        self.widget: Any = None
        self._kernel: Any = None
        self.hint = QLabel("", self.body)
        self.hint.setObjectName("hint")
        self.hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.hint.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        layout = QVBoxLayout(self.body)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.hint)
        desk.opened.connect(self.refresh)
        desk.closed.connect(self.refresh)
        desk.selection.changed.connect(self.refresh)

    @property
    def started(self) -> bool:
        return self.widget is not None

    def names(self) -> dict[str, object]:
        """What is at hand."""
        import numpy as np

        return {
            "rig": rig,
            "desk": self.desk,
            "session": self.desk.client,
            "selection": self.desk.selection.array(),
            "recording": self._open_recording(),
            "np": np,
        }

    def refresh(self) -> None:
        """Give the console what is there now; a name of the person's own stays."""
        if self._kernel is not None:
            self._kernel.shell.push(self.names())

    def apply_theme(self, theme: Theme) -> None:
        self.theme = theme
        if self.widget is not None:
            self._colour()

    def stop(self) -> None:
        """End the kernel."""
        if self.widget is not None:
            self.widget.kernel_client.stop_channels()
            self.widget.kernel_manager.shutdown_kernel()
            self.widget = self._kernel = None
        if self._recording is not None:
            self._recording.close()
            self._recording = None

    # ---- starting

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if not self.started:
            self._start()

    def _start(self) -> None:
        if find_spec("qtconsole") is None:
            self.hint.setText(HOW_TO)
            return
        os.environ.setdefault("QT_API", "pyside6")
        try:
            in_process = importlib.import_module("qtconsole.inprocess")
            widgets = importlib.import_module("qtconsole.rich_jupyter_widget")
            manager = in_process.QtInProcessKernelManager()
            manager.start_kernel(show_banner=False)
            client = manager.client()
            client.start_channels()
            widget = widgets.RichJupyterWidget()
        except Exception as error:  # whatever a half-installed extra raises, the window goes on
            self.hint.setText(f"The Python console cannot start:\n\n{error}\n\n{HOW_TO.splitlines()[2]}")
            self.desk.say(Level.WARNING, f"the Python console cannot start ({error})")
            return
        widget.kernel_manager, widget.kernel_client = manager, client
        widget.banner = BANNER
        widget.setObjectName("console")
        self._kernel, self.widget = manager.kernel, widget
        self.hint.hide()
        layout = self.body.layout()
        assert layout is not None
        layout.addWidget(widget)
        self.setFocusProxy(widget)
        self._colour()
        self.refresh()

    def _colour(self) -> None:
        t = self.theme
        fixed = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont).family()
        self.widget.syntax_style = "monokai" if t.dark else "default"
        self.widget.style_sheet = (
            f'QPlainTextEdit, QTextEdit {{ font-family: "{fixed}"; border: none;'
            f" background: {t.window}; color: {t.text};"
            f" selection-background-color: {t.accent}; selection-color: {t.on_accent}; }}"
            f".in-prompt {{ color: {t.accent}; }} .out-prompt {{ color: {t.muted}; }} .error {{ color: {t.poor}; }}"
        )

    def _open_recording(self) -> Recording | None:
        path = self.find_recording()
        if self._recording is not None and self._recording.path == path:
            return self._recording
        if self._recording is not None:
            self._recording.close()
            self._recording = None
        if path is not None and path.is_dir():
            try:
                self._recording = Recording.open(path)
            except HeadstageError as error:
                self.desk.say(Level.WARNING, str(error))
        return self._recording
