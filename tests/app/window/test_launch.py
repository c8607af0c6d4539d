"""A first start fits the screen."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.window.launch import show_fitting


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
