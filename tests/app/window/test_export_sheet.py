"""The export sheet, driven by hand; what it leaves on the disk is read back."""

from __future__ import annotations

import json
import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import h5py
import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMainWindow

from app.window.desk import Desk, Level, Opening
from app.window.export_sheet import ExportSheet
from app.window.recording_facts import RecordingOffer, free_path, offered
from app.window.recording_fields import NAMED, SELECTION, SHOWN, TYPED
from rig.session import Session
from rig.storage.recording import Recording

N_TICKS = 600
WAIT_MS = 60_000


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """A model cell, ticks 100 to 700."""
    path = tmp_path_factory.mktemp("made") / "cell.rig"
    with Session("model-cell", seed=3) as session:
        for stream in ("spikes", "charge", "frame"):
            session.watch(stream)
        session.advance(100)
        session.start_recording(path)
        session.advance(N_TICKS)
        session.stop_recording("test")
    return path


class Sitting:
    """A window with the sheet open on a recording."""

    def __init__(self, qtbot, recording, tmp_path):
        self.qtbot = qtbot
        self.window = QMainWindow()
        self.window.resize(1280, 800)
        qtbot.addWidget(self.window)
        self.desk = Desk(self.window)
        self.said = []
        self.desk.said.connect(self.said.append)
        offers = (RecordingOffer(recording, "just made", shares_time=True),)
        self.sheet = ExportSheet(self.desk, lambda: offers, self.window)
        self.window.show()
        self.sheet.open_over()
        qtbot.waitUntil(lambda: self.sheet.recording.facts is not None)
        self.target = tmp_path / "out"

    def choose_format(self, name):
        self.sheet.kind.setFocus()
        QTest.keyClicks(self.sheet.kind, name)
        assert self.sheet.format.name == name

    def type_target(self, path):
        edit = self.sheet.target.edit
        edit.setFocus()
        QTest.keyClick(edit, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
        QTest.keyClicks(edit, str(path))

    def type_stretch(self, start, stop):
        self.sheet.stretch.choose(TYPED)
        for edit, text in ((self.sheet.stretch.start, start), (self.sheet.stretch.stop, stop)):
            edit.setFocus()
            QTest.keyClick(edit, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
            QTest.keyClicks(edit, text)

    def press(self):
        QTest.mouseClick(self.sheet.go, Qt.MouseButton.LeftButton)

    def export(self):
        self.press()
        assert self.sheet.running, self.sheet.result.text()
        self.qtbot.waitUntil(lambda: not self.sheet.running, timeout=WAIT_MS)


@pytest.fixture
def sitting(qtbot, recorded, tmp_path):
    sat = Sitting(qtbot, recorded, tmp_path)
    yield sat
    sat.sheet.stop()
    sat.desk.close()


def test_what_is_typed_is_in_the_file(sitting, recorded, tmp_path):
    sitting.choose_format("hdf5")
    sitting.type_stretch("150", "0.4s")
    sitting.sheet.units.choose(NAMED)
    sitting.sheet.units.text.setFocus()
    QTest.keyClicks(sitting.sheet.units.text, "cell3,#110-111")
    assert sitting.sheet.units.count.whole == "3 units"
    streams = sitting.sheet.streams
    frame = next(streams.item(i) for i in range(streams.count()) if streams.item(i).text().startswith("frame"))
    place = streams.visualItemRect(frame)
    QTest.mouseClick(streams.viewport(), Qt.MouseButton.LeftButton, pos=place.center())
    QTest.keyClick(streams, Qt.Key.Key_Space)
    assert frame.checkState() is Qt.CheckState.Unchecked
    sitting.type_target(tmp_path / "part.h5")
    sitting.export()
    assert "validated" in sitting.sheet.result.text()
    assert sitting.sheet.progress.value() == 1000
    assert [m.level for m in sitting.said] == [Level.NOTE]
    with h5py.File(tmp_path / "part.h5") as file, Recording.open(recorded) as recording:
        found = {}
        file.visititems(lambda name, item: found.__setitem__(name, item) if isinstance(item, h5py.Dataset) else None)
        charge = next(v for k, v in found.items() if "charge" in k and v.ndim == 2)
        expected = recording.read("charge", 150, 400, [103, 110, 111])
        np.testing.assert_array_equal(charge[()], expected.data)
        assert not any("frame" in name for name in found)


def test_a_whole_export_to_the_place_that_is_proposed(sitting, recorded):
    sitting.choose_format("npz")
    target = recorded.parent / "cell.npz"
    assert sitting.sheet.target.path == target
    sitting.export()
    with np.load(target) as arrays:
        assert any(a.shape == (N_TICKS, 16) for a in arrays.values())
    assert sitting.sheet.target.path == recorded.parent / "cell-2.npz"  # the next one does not hit it


def test_the_selection_and_the_stretch_on_show(sitting, recorded, tmp_path):
    sitting.choose_format("csv")
    sitting.desk.selection.set([105, 102])
    sitting.sheet.units.choose(SELECTION)
    sitting.desk.view.look_at(300)
    sitting.desk.view.set_span(50)
    sitting.sheet.stretch.choose(SHOWN)
    sitting.type_target(tmp_path / "shown-csv")
    sitting.export()
    facts = json.loads((tmp_path / "shown-csv" / "session.json").read_text())
    assert facts["exported_ticks"] == [250, 300]
    lines = (tmp_path / "shown-csv" / "stream_charge.csv").read_text().splitlines()
    assert lines[0] == '"tick","time_s","unit_102","unit_105"'
    with Recording.open(recorded) as recording:
        expected = recording.read("charge", 250, 300, [102, 105]).data
    values = [[float(v) for v in line.split(",")[2:]] for line in lines[1:]]
    np.testing.assert_array_equal(values, expected)


@pytest.mark.parametrize(
    ("start", "stop", "units", "says"),
    [
        ("300", "200", "all", "the recording holds"),
        ("0", "200", "all", "the recording holds"),
        ("soon", "200", "all", "asked for a start 'soon'"),
        ("100", "200", "nobody", "none of the 16 units is called so"),
        ("100", "200", " ", "asked for no units"),
    ],
)
def test_what_cannot_be_done_is_one_line(sitting, tmp_path, start, stop, units, says):
    sitting.choose_format("npz")
    sitting.type_stretch(start, stop)
    sitting.sheet.units.choose(NAMED)
    QTest.keyClicks(sitting.sheet.units.text, units)
    sitting.type_target(tmp_path / "never.npz")
    sitting.press()
    assert not sitting.sheet.running
    assert says in sitting.sheet.result.text()
    assert "\n" not in sitting.sheet.result.text()
    assert list(tmp_path.iterdir()) == []


def test_a_target_that_is_there_is_not_overwritten_unasked(sitting, tmp_path):
    sitting.choose_format("npz")
    target = tmp_path / "taken.npz"
    target.write_text("mine")
    sitting.type_target(target)
    sitting.export()
    assert "it is there already" in sitting.sheet.result.text()
    assert sitting.sheet.result.property("level") == "error"
    assert [m.level for m in sitting.said] == [Level.ERROR]
    assert target.read_text() == "mine"
    QTest.keyClick(sitting.sheet.overwrite, Qt.Key.Key_Space)
    sitting.export()
    with np.load(target) as arrays:
        assert len(arrays.files) > 0


def test_cancel_leaves_nothing(sitting, tmp_path):
    sitting.choose_format("nwb")
    sitting.type_target(tmp_path / "part.nwb")
    sitting.press()
    assert sitting.sheet.cancel.isVisible()
    QTest.mouseClick(sitting.sheet.cancel, Qt.MouseButton.LeftButton)
    sitting.qtbot.waitUntil(lambda: not sitting.sheet.running, timeout=WAIT_MS)
    assert "cancelled" in sitting.sheet.result.text()
    assert list(tmp_path.iterdir()) == []
    assert sitting.said == []  # who cancels knows


def test_no_stream_and_no_recording(sitting, tmp_path):
    streams = sitting.sheet.streams
    for i in range(streams.count()):
        streams.item(i).setCheckState(Qt.CheckState.Unchecked)
    sitting.press()
    assert "tick at least one" in sitting.sheet.result.text()
    empty = ExportSheet(sitting.desk, lambda: (), sitting.window)
    empty.open_over()
    assert not empty.go.isEnabled()
    assert "record one (R)" in empty.result.text()


def test_plain_keys_stay_in_the_sheet(sitting):
    from PySide6.QtGui import QAction, QKeySequence

    pressed = []
    for keys in ("Space", "R", "Ctrl+K"):
        action = QAction(keys, sitting.window)
        action.setShortcut(QKeySequence(keys))
        action.triggered.connect(lambda _=False, k=keys: pressed.append(k))
        sitting.window.addAction(action)
    sitting.window.activateWindow()
    sitting.sheet.streams.setFocus()
    QTest.keyClick(sitting.sheet.streams, Qt.Key.Key_Space)
    QTest.keyClick(sitting.sheet.streams, Qt.Key.Key_R)
    assert pressed == []
    QTest.keyClick(sitting.sheet.streams, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    assert pressed == ["Ctrl+K"]
    QTest.keyClick(sitting.sheet.streams, Qt.Key.Key_Escape)
    assert not sitting.sheet.isVisible()


def test_a_recording_that_cannot_be_opened_is_one_line(sitting, tmp_path):
    broken = tmp_path / "broken.rig"
    broken.mkdir()
    (broken / "session.json").write_text("{")
    sitting.sheet.recording.offer((), broken)
    sitting.qtbot.waitUntil(lambda: sitting.sheet.result.property("level") == "error")
    assert "\n" not in sitting.sheet.result.text()


def test_what_is_offered(tmp_path):
    a, b, c = (tmp_path / f"{n}.rig" for n in "abc")
    for path in (a, b):
        path.mkdir()
    assert [(o.path, o.why, o.shares_time) for o in offered(a, b, [str(a), str(c)])] == [
        (a, "on playback", True),
        (b, "just made", False),
    ]
    assert [(o.path, o.shares_time) for o in offered(None, b, [str(a)])] == [(b, True), (a, False)]
    assert free_path(a, "-csv") == tmp_path / "a-csv"
    (tmp_path / "a-csv").mkdir()
    (tmp_path / "a-2-csv").mkdir()
    assert free_path(a, "-csv") == tmp_path / "a-3-csv"


def test_from_a_run_on_the_table(qtbot, tmp_path):
    """Record at the desk, then export what was just made, by the keyboard alone."""
    window = QMainWindow()
    window.resize(1280, 800)
    qtbot.addWidget(window)
    desk = Desk(window)
    path = tmp_path / "run.rig"
    sheet = ExportSheet(desk, lambda: offered(None, path, []), window)
    try:
        desk.open(Opening("model-cell", {"units": "8"}))
        qtbot.waitUntil(lambda: desk.client is not None, timeout=WAIT_MS)
        desk.do(lambda c: c.start_recording(path))
        desk.do(lambda c: c.step(200))
        qtbot.waitUntil(lambda: desk.tick == 200)
        desk.do(lambda c: c.stop_recording("test"))
        window.show()
        sheet.open_over()
        qtbot.waitUntil(lambda: sheet.recording.facts is not None)
        QTest.keyClicks(sheet.kind, "npz")
        QTest.keyClick(sheet.kind, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
        assert sheet.running, sheet.result.text()
        qtbot.waitUntil(lambda: not sheet.running, timeout=WAIT_MS)
        with np.load(tmp_path / "run.npz") as arrays:
            assert any(a.shape == (200, 8) for a in arrays.values())
    finally:
        sheet.stop()
        desk.close()
