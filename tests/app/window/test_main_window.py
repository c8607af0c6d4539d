"""The window as somebody who sits at it: keys and mouse in, pixels, files and one clear line out."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QPoint, QSettings, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QComboBox,
    QDockWidget,
    QLineEdit,
    QSlider,
    QTabBar,
    QToolBar,
)
from pytestqt.qtbot import QtBot

from app.window.desk import Opening
from app.window.main_window import MainWindow
from rig.log import LogKind
from rig.process.client import RigClient
from rig.process.protocol import State
from rig.storage.recording import Recording

OPEN_MS = 120_000
CELL = Opening("model-cell", {})
INNER = QComboBox | QAbstractSpinBox | QTabBar | QDockWidget | QLineEdit | QToolBar


@pytest.fixture
def settings(tmp_path: Path) -> QSettings:
    made = QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat)
    made.setValue("recordings", str(tmp_path / "recordings"))
    made.setValue("tour", "done")
    return made


@pytest.fixture
def window(qtbot: QtBot, settings: QSettings) -> Iterator[MainWindow]:
    """The window with the model cell running on it."""
    made = MainWindow(settings)
    qtbot.addWidget(made)
    made.resize(1280, 800)
    made.show()
    qtbot.waitExposed(made)
    made.activateWindow()
    made.start_with(CELL)
    qtbot.waitUntil(lambda: made.desk.tick > 0, timeout=OPEN_MS)
    yield made
    made.close()


def press(window: MainWindow, key: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    QTest.keyClick(window, key, modifier)


def test_space_pauses_and_runs_and_a_step_is_one_tick(qtbot: QtBot, window: MainWindow) -> None:
    press(window, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: window.state is State.PAUSED)
    tick = window.desk.tick
    press(window, Qt.Key.Key_Period)
    qtbot.waitUntil(lambda: window.desk.tick == tick + 1)
    press(window, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: window.desk.tick > tick + 50)
    assert window.state is State.RUNNING


def test_r_records_and_the_strip_says_so(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    before = window.grab().toImage()
    press(window, Qt.Key.Key_R)
    qtbot.waitUntil(lambda: window.transport.property("recording") is True)
    press(window, Qt.Key.Key_7)
    qtbot.waitUntil(lambda: any(e.kind is LogKind.MARK for e in window.desk.entries))
    assert window.transport.record.width() > 200
    assert window.grab().toImage() != before
    press(window, Qt.Key.Key_R)
    qtbot.waitUntil(lambda: window.transport.property("recording") is False)
    (path,) = (tmp_path / "recordings").iterdir()
    with Recording.open(path) as recording:
        assert recording.problems == ()
        assert set(recording.streams) == {"spikes", "charge", "counts", "word", "frame"}
        assert [e.payload["number"] for e in recording.log if e.kind is LogKind.MARK] == [7]
    assert window.recordings.recent() == [str(path)]
    assert path.name in window.messages.text


def test_a_note_is_in_the_log_and_on_the_timeline(qtbot: QtBot, window: MainWindow) -> None:
    press(window, Qt.Key.Key_N)
    qtbot.waitUntil(window.ask.isVisible)
    tick = window.desk.tick
    qtbot.waitUntil(lambda: window.desk.tick > tick)  # nothing is held up by the question
    QTest.keyClicks(window.ask.field, "first hit")
    QTest.keyClick(window.ask.field, Qt.Key.Key_Return)
    assert not window.ask.isVisible()
    qtbot.waitUntil(lambda: any(m.text == "first hit" for m in window.timeline.events.marks))


def test_dragging_the_timeline_looks_back_while_it_runs(qtbot: QtBot, window: MainWindow) -> None:
    qtbot.waitUntil(lambda: window.desk.tick > 2000, timeout=30_000)
    bar = window.timeline.bar
    QTest.mouseClick(bar, Qt.MouseButton.LeftButton, pos=QPoint(bar.width() // 2, bar.height() // 2))
    assert not window.desk.view.live
    looked_at = window.desk.view.bounds(window.desk.tick)[1]
    tick = window.desk.tick
    qtbot.waitUntil(lambda: window.desk.tick > tick)  # pausing a pane never pauses the subject
    assert window.desk.view.bounds(window.desk.tick)[1] == looked_at
    press(window, Qt.Key.Key_End)
    assert window.desk.view.live


def test_s_stimulates_and_x_silences_the_selection(qtbot: QtBot, window: MainWindow) -> None:
    window.desk.select([103])
    press(window, Qt.Key.Key_S)
    qtbot.waitUntil(lambda: any(s.kind == "drive" for s in window.timeline.events.spans))
    press(window, Qt.Key.Key_X)
    qtbot.waitUntil(lambda: any(s.kind == "silence" for s in window.timeline.events.spans))
    asked = {
        (e.payload["kind"], tuple(e.payload["unit_ids"])) for e in window.desk.entries if e.kind is LogKind.PERTURB
    }
    assert asked == {("drive", (103,)), ("silence", (103,))}


def test_the_twin_shows_when_they_part(qtbot: QtBot, window: MainWindow) -> None:
    press(window, Qt.Key.Key_T, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: window.transport.twin.text() == "in step")
    window.desk.select([110])
    press(window, Qt.Key.Key_S)
    qtbot.waitUntil(lambda: window.transport.twin.text().startswith("differs since"), timeout=30_000)
    press(window, Qt.Key.Key_T, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: not window.transport.twin_box.isVisible())


def test_selections_can_be_undone(window: MainWindow) -> None:
    window.desk.select([103])
    window.desk.select([104, 105])
    press(window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert window.desk.selection.ids == (103,)
    press(window, Qt.Key.Key_Y, Qt.KeyboardModifier.ControlModifier)
    assert window.desk.selection.ids == (104, 105)


def test_the_palette_runs_what_is_typed(qtbot: QtBot, window: MainWindow) -> None:
    press(window, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(window.palette_overlay.isVisible)
    QTest.keyClicks(window.palette_overlay.field, "light or")
    was_dark = window.theme.dark
    QTest.keyClick(window.palette_overlay.field, Qt.Key.Key_Return)
    assert window.theme.dark is not was_dark
    assert not window.palette_overlay.isVisible()


def test_the_key_sheet_names_every_key(qtbot: QtBot, window: MainWindow) -> None:
    press(window, Qt.Key.Key_F12)
    qtbot.waitUntil(window.key_sheet.isVisible)
    press(window, Qt.Key.Key_F12)
    assert not window.key_sheet.isVisible()


def test_every_control_has_a_tooltip_and_every_command_a_key_or_the_palette(window: MainWindow) -> None:
    window.desk.select([100, 101])
    window.tools.protocol.add_perturbation("silence cell1 for=5")
    bare = [
        f"{type(widget).__name__} in {type(widget.parent()).__name__}"
        for kind in (QAbstractButton, QComboBox, QLineEdit, QAbstractSpinBox, QSlider)
        for widget in window.findChildren(kind)
        if not widget.toolTip()
        and not isinstance(widget.parent(), INNER)  # Qt's own inner parts
        and type(widget) is not QAbstractButton  # and the corner of a table
    ]
    assert bare == []
    window.palette_overlay.open_over()
    shown = [window.palette_overlay.list.item(i).text() for i in range(window.palette_overlay.list.count())]
    for action in window.actions_by_name.values():
        assert any(text.startswith(action.text()) for text in shown) or not action.isEnabled()


def test_light_and_dark_differ_where_it_matters(window: MainWindow) -> None:
    pixels = []
    for _ in range(2):
        pixels.append(window.grab().toImage().pixelColor(640, 8).lightness())
        press(window, Qt.Key.Key_L, Qt.KeyboardModifier.ControlModifier)
    assert abs(pixels[0] - pixels[1]) > 100


def test_the_layout_is_kept_and_can_be_reset(qtbot: QtBot, window: MainWindow, settings: QSettings) -> None:
    window.docks.of["Raster"].hide()
    window.close()
    again = MainWindow(settings)
    qtbot.addWidget(again)
    again.show()
    assert again.docks.of["Raster"].isHidden()
    again.docks.reset()
    assert not again.docks.of["Raster"].isHidden()
    again.close()


def test_a_hidden_pane_is_not_pulled(qtbot: QtBot, window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    pulled: list[str] = []
    for title, pane in window.panes.items():
        monkeypatch.setattr(pane, "pull", lambda pull, title=title: pulled.append(title))
    window.docks.of["Spectrogram"].hide()
    qtbot.waitUntil(lambda: pulled.count("Oscilloscope") > 3)
    assert "Spectrogram" not in pulled


@pytest.mark.parametrize(
    ("opening", "line"),
    [
        (Opening("modelcell", {}), "did you mean model-cell"),
        (Opening("model-cell", {"units": "many"}), "units=many"),
        (Opening("playback", {"recording": "/nowhere.rig"}), "/nowhere.rig"),
    ],
)
def test_what_cannot_be_opened_is_one_line_and_the_window_lives_on(
    qtbot: QtBot, window: MainWindow, opening: Opening, line: str
) -> None:
    window.start_with(opening)
    qtbot.waitUntil(lambda: line in window.messages.text, timeout=OPEN_MS)
    window.start_with(CELL)
    qtbot.waitUntil(lambda: window.desk.tick > 0, timeout=OPEN_MS)


def test_a_subject_that_never_opens_holds_nobody_up(
    qtbot: QtBot, window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = RigClient.start

    def start_patiently(plugin: str, *args: Any, **others: Any) -> RigClient:
        return start(plugin, *args, installed_only=False, start_timeout_s=1e6, **others)

    monkeypatch.setattr(RigClient, "start", start_patiently)
    never = Opening("tests.rig.unruly_subject:PLUGIN", {"fault": "sleep at open"})
    window.start_with(never)
    window.start_with(CELL)
    qtbot.waitUntil(lambda: window.desk.tick > 0, timeout=OPEN_MS)
    window.start_with(never)
    window.close()
    assert window.desk.client is None


def test_a_crash_is_one_line_and_the_recording_is_whole(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    press(window, Qt.Key.Key_R)
    qtbot.waitUntil(lambda: (s := window.desk.status) is not None and s.recorder is not None
                    and s.recorder.durable_tick > 0)  # fmt: skip
    assert window.desk.client is not None
    assert window.desk.client.pid is not None
    os.kill(window.desk.client.pid, signal.SIGKILL)
    qtbot.waitUntil(lambda: "SIGKILL" in window.messages.text or "killed" in window.messages.text, timeout=30_000)
    assert not window.transport.run.isEnabled()
    (path,) = (tmp_path / "recordings").iterdir()
    with Recording.open(path) as recording:
        assert recording.extent("spikes").n_samples > 0
    press(window, Qt.Key.Key_R, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    qtbot.waitUntil(lambda: window.state is State.RUNNING, timeout=OPEN_MS)


def test_a_recording_plays_back_in_the_same_window(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    press(window, Qt.Key.Key_R)
    qtbot.waitUntil(lambda: window.transport.property("recording") is True)
    tick = window.desk.tick
    qtbot.waitUntil(lambda: window.desk.tick > tick + 300)
    press(window, Qt.Key.Key_R)
    qtbot.waitUntil(lambda: window.recordings.recent() != [])
    window.subject_menu.play_back(Path(window.recordings.recent()[0]))
    qtbot.waitUntil(lambda: (d := window.desk.description) is not None and d.info.end_tick is not None, timeout=OPEN_MS)
    press(window, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: window.desk.tick > tick + 100, timeout=30_000)


def test_the_tour_is_shown_once(qtbot: QtBot, settings: QSettings) -> None:
    settings.remove("tour")
    made = MainWindow(settings)
    qtbot.addWidget(made)
    made.show()
    made.start_with(CELL)
    qtbot.waitUntil(made.tour.isVisible, timeout=OPEN_MS)
    for _ in range(5):
        QTest.mouseClick(made.tour.next, Qt.MouseButton.LeftButton)
    assert not made.tour.isVisible()
    assert not made.tour.wanted(settings)
    made.close()


def test_escape_ends_the_tour_wherever_the_focus_is(qtbot: QtBot, settings: QSettings) -> None:
    settings.remove("tour")
    made = MainWindow(settings)
    qtbot.addWidget(made)
    made.show()
    made.start_with(CELL)
    qtbot.waitUntil(made.tour.isVisible, timeout=OPEN_MS)
    made.transport.speed.setFocus()
    QTest.keyClick(made.transport.speed, Qt.Key.Key_Escape)
    assert not made.tour.isVisible()
    assert not made.tour.wanted(settings)
    made.close()


def test_the_same_time_is_at_the_same_place_in_all_panes(qtbot: QtBot, window: MainWindow) -> None:
    canvases = [window.panes[name].canvas for name in ("Oscilloscope", "Raster", "Spectrogram")]
    for width in (1280, 1503, 1920):
        window.resize(width, 900)
        qtbot.waitUntil(lambda w=width: window.width() == w)
        window.pull()
        edges = {(c.mapTo(window, QPoint(0, 0)).x(), c.width(), c.n_columns) for c in canvases}
        assert len(edges) == 1, width
    window.desk.view.look_at(500)
    window.pull()
    scope = canvases[0]
    QTest.mouseMove(scope, QPoint(scope.width() // 3, 30))
    window.pull()
    assert len({window.panes[n].overlay.crosshair for n in ("Oscilloscope", "Raster", "Spectrogram")}) == 1
