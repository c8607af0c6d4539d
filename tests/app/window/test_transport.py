"""The strip at the top shows what matters whole, however narrow the window."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QApplication, QLabel, QWidget
from pytestqt.qtbot import QtBot

from app.theme import DARK
from app.window.desk import Desk
from app.window.speeds import FASTEST, SPEEDS, speed_to_begin_with
from app.window.style import apply_style
from app.window.transport import LEAST_PX, Transport

RECORDING = "vesper-2026-11-25-112640.rig"


@pytest.fixture
def strip(qtbot: QtBot, qapp: QApplication) -> Iterator[Transport]:
    apply_style(qapp, DARK)
    window = QWidget()  # a window of its own would grow with what is in it
    qtbot.addWidget(window)
    window.resize(1920, 100)
    made = Transport(Desk(), window)
    made.resize(1920, 60)
    window.show()
    made.clock.setText("00:00:28.741 562")
    made.tick.setText("68 587 809")
    yield made
    del window


def record_beside_a_twin(strip: Transport) -> None:
    strip.show_twin("differs", 12_667_643)
    strip.record.show_recording(True)
    strip.record.show_name(RECORDING, "5 streams")
    strip.record.show_clock("00:00:05.029")
    strip.record.show_figures("21.3 MB/s · 6.1 : 1", "1 h 57 min left")


def clipped(strip: Transport) -> list[str]:
    """Texts that have less room than they need."""
    return [
        label.text()
        for label in strip.findChildren(QLabel)
        if label.isVisible() and label.width() < label.minimumSizeHint().width()
    ]


def fits(qtbot: QtBot, strip: Transport) -> None:
    """Wait until nothing is clipped."""
    qtbot.waitUntil(lambda: strip.layout().minimumSize().width() <= strip.width() and not clipped(strip), timeout=2000)


@pytest.mark.parametrize("width", [LEAST_PX, 1100, 1280, 1366, 1600, 1920])
def test_nothing_is_clipped(qtbot: QtBot, strip: Transport, width: int) -> None:
    strip.resize(width, 60)
    record_beside_a_twin(strip)
    fits(qtbot, strip)
    assert strip.record.isVisible()
    assert strip.twin.isVisible()
    assert all(lamp.isVisible() for lamp in strip.lamps.values())


def test_what_matters_least_gives_way_first(qtbot: QtBot, strip: Transport) -> None:
    record_beside_a_twin(strip)
    shown = []
    for width in (1920, 1280, LEAST_PX):
        strip.resize(width, 60)
        fits(qtbot, strip)
        shown.append(
            (strip.lamps["disk"].label.isVisible(), strip.tick.isVisible(), strip.record.name_and_detail.isVisible())
        )
    assert shown == [(True, True, True), (False, False, True), (False, False, False)]
    assert not strip.step.isVisible()
    assert strip.run.isVisible()
    assert RECORDING in strip.record.toolTip()
    assert "1 h 57 min left" in strip.record.toolTip()


def test_it_comes_back_when_there_is_room_again(qtbot: QtBot, strip: Transport) -> None:
    strip.resize(1280, 60)
    record_beside_a_twin(strip)
    fits(qtbot, strip)
    strip.record.show_recording(False)
    strip.show_twin("off", None)
    qtbot.waitUntil(lambda: strip.tick.isVisible() and strip.lamps["disk"].label.isVisible())
    assert not strip.record.name_and_detail.isVisible()


def test_a_subject_begins_at_a_speed_at_which_one_sees_something() -> None:
    assert speed_to_begin_with(0.0, None, writes=False) == FASTEST
    text = speed_to_begin_with(0.0, None, writes=True)
    assert text in SPEEDS
    assert text.ticks_per_s is not None
    assert 5 <= text.ticks_per_s <= 60  # it can be followed
    assert speed_to_begin_with(2.4e6, None, writes=False).times_real == 1.0
    assert speed_to_begin_with(2.4e6, 480_000, writes=True).times_real == 0.01  # a fifth of a second in twenty
