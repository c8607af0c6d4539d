"""What goes wrong, in the window itself: one clear line in the strip, details on demand, and the window lives on."""

from __future__ import annotations

import os
import shutil
import signal
import sys

import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtTest import QTest

from app.window.desk import Level, Opening
from app.window.main_window import MainWindow
from rig.data_folder import DATA_VARIABLE
from rig.process.protocol import State
from rig.storage.recording import Recording

WAIT_MS = 120_000
CELL = Opening("model-cell", {})


@pytest.fixture
def window(qtbot, tmp_path):
    """The window with the model cell running on it."""
    settings = QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat)
    settings.setValue("recordings", str(tmp_path / "disk" / "recordings"))
    settings.setValue("tour", "done")
    made = MainWindow(settings)
    qtbot.addWidget(made)
    made.resize(1280, 800)
    made.show()
    qtbot.waitExposed(made)
    made.activateWindow()
    made.start_with(CELL)
    qtbot.waitUntil(lambda: made.desk.tick > 0, timeout=WAIT_MS)
    yield made
    made.close()


def start_recording(qtbot, window):
    QTest.keyClick(window, Qt.Key.Key_R)
    qtbot.waitUntil(lambda: (s := window.desk.status) is not None and s.recorder is not None, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: window.transport.property("recording") is True, timeout=WAIT_MS)
    return window.recordings.made


def told(qtbot, window, words):
    """The strip says so in one line; the messages say the same, as an error."""
    qtbot.waitUntil(lambda: words in window.messages.text, timeout=WAIT_MS)
    assert "\n" not in window.messages.text
    assert "Traceback" not in window.messages.text
    message = next(m for _, m in reversed(window.messages.history) if words in m.line)
    assert message.level is Level.ERROR
    return message


def records_again(qtbot, window):
    """As if nothing had been."""
    path = start_recording(qtbot, window)
    until = window.desk.tick + 100
    qtbot.waitUntil(lambda: window.desk.tick > until, timeout=WAIT_MS)
    QTest.keyClick(window, Qt.Key.Key_R)
    qtbot.waitUntil(lambda: window.desk.status.recorder is None, timeout=WAIT_MS)
    with Recording.open(path) as recording:
        assert recording.problems == ()
        assert recording.extent("spikes").n_samples >= 100


def test_a_crash_has_its_details_on_demand(qtbot, window):
    start_recording(qtbot, window)
    os.kill(window.desk.client.pid, signal.SIGSEGV)
    message = told(qtbot, window, "SIGSEGV")
    assert "host_loop" in message.details  # where it was
    QTest.keyClick(window, Qt.Key.Key_F8)
    shown = window.messages.shown_details()
    assert message.line in shown
    assert "host_loop" in shown
    QTest.keyClick(window, Qt.Key.Key_F8)
    assert window.messages.shown_details() == ""
    QTest.keyClick(window, Qt.Key.Key_R, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    qtbot.waitUntil(lambda: window.state is State.RUNNING, timeout=WAIT_MS)
    records_again(qtbot, window)


@pytest.mark.skipif(sys.platform != "linux", reason="a running process can be given a limit on Linux alone")
def test_a_full_disk(qtbot, window):
    import resource

    path = start_recording(qtbot, window)
    pid = window.desk.client.pid
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
    message = told(qtbot, window, "has ended: a file may not grow further")
    assert path.name in message.line
    qtbot.waitUntil(lambda: window.transport.property("recording") is False, timeout=WAIT_MS)
    assert window.state is State.RUNNING  # the subject does not need the disk
    with Recording.open(path) as recording:
        assert recording.extent("spikes").n_samples > 0
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    records_again(qtbot, window)


def test_a_folder_that_is_unplugged(qtbot, window, tmp_path):
    start_recording(qtbot, window)
    shutil.rmtree(tmp_path / "disk")
    message = told(qtbot, window, "has ended")
    # which of the two is noticed first depends on what was being written
    assert "unplugged" in message.line or "the folder is not there" in message.line
    qtbot.waitUntil(lambda: window.transport.property("recording") is False, timeout=WAIT_MS)
    assert window.state is State.RUNNING
    records_again(qtbot, window)


def test_a_folder_that_cannot_be(qtbot, window, tmp_path):
    (tmp_path / "disk").write_text("a file where the disk was")
    QTest.keyClick(window, Qt.Key.Key_R)
    told(qtbot, window, "the folder cannot be made")
    assert window.transport.property("recording") is not True
    (tmp_path / "disk").unlink()
    records_again(qtbot, window)


@pytest.mark.parametrize("damage", ["no header", "half a header", "not a recording"])
def test_a_corrupt_recording(qtbot, window, tmp_path, damage):
    path = start_recording(qtbot, window)
    QTest.keyClick(window, Qt.Key.Key_R)
    qtbot.waitUntil(lambda: window.desk.status.recorder is None, timeout=WAIT_MS)
    header = path / "session.json"
    if damage == "no header":
        header.unlink()
    elif damage == "half a header":
        header.write_bytes(header.read_bytes()[: header.stat().st_size // 2])
    else:
        shutil.rmtree(path)
        path.mkdir()
    window.subject_menu.play_back(path)
    told(qtbot, window, path.name)
    assert window.desk.client is None
    window.start_with(CELL)
    qtbot.waitUntil(lambda: window.desk.tick > 0, timeout=WAIT_MS)
    records_again(qtbot, window)


def test_a_recording_that_is_damaged_inside_plays_what_is_whole_and_says_so(qtbot, window):
    path = start_recording(qtbot, window)
    until = window.desk.tick + 1500
    qtbot.waitUntil(lambda: window.desk.tick > until, timeout=WAIT_MS)
    QTest.keyClick(window, Qt.Key.Key_R)
    qtbot.waitUntil(lambda: window.desk.status.recorder is None, timeout=WAIT_MS)
    segment = next((path / "spikes").glob("*.seg"))
    os.truncate(segment, segment.stat().st_size * 2 // 3)
    window.subject_menu.play_back(path)
    qtbot.waitUntil(lambda: (d := window.desk.description) is not None and d.info.end_tick is not None, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: path.name in window.messages.text, timeout=WAIT_MS)
    assert "\n" not in window.messages.text


def test_a_chip_that_is_not_there(qtbot, window, tmp_path, monkeypatch):
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path / "nothing"))
    window.start_with(Opening("microprocessor", {"chip": "mos6502", "cartridge": "vesper"}))
    told(qtbot, window, "headstage install mos6502")
    window.start_with(CELL)
    qtbot.waitUntil(lambda: window.desk.tick > 0, timeout=WAIT_MS)
    records_again(qtbot, window)
