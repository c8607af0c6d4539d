"""The outlets in the window itself: keys open them, what was recorded is offered, playback lies in the timeline."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QSettings, Qt
from PySide6.QtTest import QTest

from app.window.desk import Opening
from app.window.main_window import MainWindow
from app.window.recording_fields import SHOWN
from rig.storage.recording import Recording

WAIT_MS = 120_000
CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def window(qtbot, tmp_path):
    """The window with the model cell running on it."""
    settings = QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat)
    settings.setValue("recordings", str(tmp_path / "recordings"))
    settings.setValue("tour", "done")
    made = MainWindow(settings)
    qtbot.addWidget(made)
    made.resize(1280, 800)
    made.show()
    qtbot.waitExposed(made)
    made.activateWindow()
    made.start_with(Opening("model-cell", {}))
    qtbot.waitUntil(lambda: made.desk.tick > 0, timeout=WAIT_MS)
    yield made
    made.close()


def record(qtbot, window, n_ticks=200):
    """Press R, wait, press R; the recording."""
    QTest.keyClick(window, Qt.Key.Key_R)
    qtbot.waitUntil(lambda: window.desk.status.recorder is not None)
    until = window.desk.tick + n_ticks
    qtbot.waitUntil(lambda: window.desk.tick > until, timeout=WAIT_MS)
    QTest.keyClick(window, Qt.Key.Key_R)
    qtbot.waitUntil(lambda: window.desk.status.recorder is None)
    (path,) = window.recordings.folder().glob("*.rig")
    return path


def test_ctrl_e_exports_what_was_just_recorded_while_it_runs(qtbot, window):
    sheet = window.outlets.export
    QTest.keyClick(window, Qt.Key.Key_E, CONTROL)
    assert sheet.isVisible()
    assert "There is no recording yet" in sheet.result.text()
    QTest.keyClick(sheet, Qt.Key.Key_Escape)
    path = record(qtbot, window)
    assert window.outlets.recording() == path
    QTest.keyClick(window, Qt.Key.Key_E, CONTROL)
    qtbot.waitUntil(lambda: sheet.recording.facts is not None)
    assert sheet.recording.path == path
    QTest.keyClicks(sheet.kind, "npz")
    before = window.desk.tick
    QTest.keyClick(sheet.kind, Qt.Key.Key_Return, CONTROL)
    assert sheet.running
    qtbot.waitUntil(lambda: not sheet.running, timeout=WAIT_MS)
    assert window.desk.tick > before  # nothing stood still for it
    with Recording.open(path) as recording, np.load(path.with_suffix(".npz")) as arrays:
        n_samples = recording.extent("charge").n_samples
        assert any(a.shape == (n_samples, 16) for a in arrays.values())
    assert "exported" in window.messages.text


def test_a_recording_that_is_being_made_is_not_offered(qtbot, window):
    QTest.keyClick(window, Qt.Key.Key_R)
    qtbot.waitUntil(lambda: window.desk.status.recorder is not None)
    assert window.outlets.offers() == ()
    QTest.keyClick(window, Qt.Key.Key_R)
    qtbot.waitUntil(lambda: window.desk.status.recorder is None)
    assert [o.why for o in window.outlets.offers()] == ["just made"]


def test_playback_takes_the_timelines_place(qtbot, window):
    path = record(qtbot, window, 1500)
    timeline, bar = window.timeline, window.outlets.playback
    assert timeline.bar.isVisible()
    assert not bar.isVisible()
    window.subject_menu.play_back(path)
    qtbot.waitUntil(lambda: bar.isVisible(), timeout=WAIT_MS)
    assert not timeline.bar.isVisible()
    qtbot.waitUntil(lambda: "playback" in timeline._detail.text())
    window.desk.do(lambda c: c.pause())
    track = bar.track
    at = QPoint(track.width() // 2, 20)
    QTest.mouseClick(track, Qt.MouseButton.LeftButton, pos=at)
    qtbot.waitUntil(lambda: bar.seeker.at_rest and window.desk.tick == track.tick_at(at.x()))
    QTest.keyClick(window, Qt.Key.Key_E, CONTROL | SHIFT)
    sheet = window.outlets.export
    qtbot.waitUntil(lambda: sheet.recording.facts is not None)
    assert sheet.recording.path == path
    assert sheet.stretch.choice == SHOWN
    start, stop = sheet.stretch.ticks()
    assert stop == window.desk.tick
    assert 0 < stop - start <= window.desk.view.span_ticks
    sheet.hide()
    QTest.keyClick(window, Qt.Key.Key_D, CONTROL)
    assert window.outlets.rederive.isVisible()
    window.outlets.rederive.hide()
    window.start_with(Opening("model-cell", {}))
    qtbot.waitUntil(lambda: timeline.bar.isVisible(), timeout=WAIT_MS)
    assert not bar.isVisible()


@pytest.mark.filterwarnings("default")  # the kernel's own deprecations
def test_the_console_waits_behind_the_spectrogram(qtbot, window):
    dock = window.docks.of["Console"]
    assert not dock.isVisible()
    QTest.keyClick(window, Qt.Key.Key_J, CONTROL)
    assert dock.isVisible()
    assert window.console.started or "pip install" in window.console.hint.text()
    QTest.keyClick(window, Qt.Key.Key_J, CONTROL)
    assert not dock.isVisible()


def test_m_is_answered(window):
    QTest.keyClick(window, Qt.Key.Key_M)
    sound = window.outlets.sound
    assert sound.on or sound.reason in window.messages.text


def test_every_pane_has_a_picture_and_every_command_a_name(window, tmp_path):
    commands = window.outlets.commands()
    assert len({name for name, *_ in commands}) == len(commands)
    for title, pane in window.panes.items():
        path = tmp_path / f"{title}.png"
        window.outlets.pictures.save_picture(pane, path)
        assert (path.is_file() and path.stat().st_size > 100) or not pane.isVisible()
    names = set(window.actions_by_name)
    assert {name for name, *_ in commands} <= names


def test_closing_ends_what_runs(qtbot, window):
    path = record(qtbot, window)
    QTest.keyClick(window, Qt.Key.Key_E, CONTROL)
    sheet = window.outlets.export
    qtbot.waitUntil(lambda: sheet.recording.facts is not None)
    QTest.keyClick(sheet.kind, Qt.Key.Key_Return, CONTROL)
    assert sheet.running
    window.close()
    assert not sheet.running
    assert [p.name for p in path.parent.iterdir()] == [path.name]
