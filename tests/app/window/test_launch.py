"""A first start fits the screen."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QSettings, QSize
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.window import launch
from app.window.desk import Opening
from app.window.launch import show_fitting
from app.window.main_window import MainWindow
from rig.session import Session


def test_a_window_larger_than_the_screen_fills_it(qtbot: QtBot) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    room = window.screen().availableSize()
    window.resize(room + QSize(300, 1))
    show_fitting(window)
    qtbot.waitUntil(lambda: window.size().boundedTo(room) == window.size())
    assert window.isMaximized()


def test_one_that_has_room_keeps_its_size(qtbot: QtBot) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    size = window.screen().availableSize() - QSize(200, 300)
    window.resize(size)
    show_fitting(window)
    assert window.size() == size
    assert not window.isMaximized()


def test_a_recording_named_at_the_command_line_lies_on_the_table(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Session("model-cell") as session:
        session.watch("spikes")
        session.start_recording(tmp_path / "cell.rig")
        session.advance(200)
    settings = QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat)
    settings.setValue("tour", "done")
    monkeypatch.setattr(launch, "open_settings", lambda reset: settings)
    monkeypatch.setattr(launch, "log_to_file", lambda: None)
    monkeypatch.setattr(launch, "start_warming", lambda: None)
    seen = []

    def look(application: QApplication) -> int:
        (window,) = (w for w in application.topLevelWidgets() if isinstance(w, MainWindow) and w.isVisible())
        qtbot.waitUntil(lambda: window.desk.description is not None, timeout=60_000)
        seen.append((window.desk.asked.plugin, window.desk.description.info.end_tick))
        window.close()
        return 0

    monkeypatch.setattr(QApplication, "exec", look)
    assert launch.run_window(Opening("playback", {"recording": str(tmp_path / "cell.rig")})) == 0
    assert seen == [("playback", 200)]
