"""Sessions, layouts and undo in the window itself, by hand: what was left is found again."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtTest import QTest

from app.protocol.steps import Do
from app.saved.session import load_session
from app.window.desk import Opening
from app.window.main_window import MainWindow
from app.window.raster_rows import Order
from app.window.scope_filters import FilterChoice, FilterKind
from app.window.scope_layout import Arrangement
from app.window.spectrogram_picture import Scale
from app.window.speeds import Speed
from app.window.tools.standing import probes_of, watches_of
from app.window.tools.stimulus import Mode, StimulusForm, TriggerKind
from rig.probe import Probe
from rig.process.protocol import State

WAIT_MS = 120_000
CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
PROBE = Probe("A", ((0.0, 0.0, 0.0),), sigma=300.0)


@pytest.fixture
def settings(tmp_path):
    made = QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat)
    made.setValue("recordings", str(tmp_path / "recordings"))
    made.setValue("tour", "done")
    return made


@pytest.fixture
def window(qtbot, settings):
    """The window with the model cell running on it."""
    made = MainWindow(settings)
    qtbot.addWidget(made)
    made.resize(1280, 800)
    made.show()
    qtbot.waitExposed(made)
    made.activateWindow()
    made.start_with(Opening("model-cell", {}, seed=5))
    qtbot.waitUntil(lambda: made.desk.tick > 0, timeout=WAIT_MS)
    yield made
    made.close()


def set_up(window):
    """Leave nothing as it was."""
    desk = window.desk
    desk.do(lambda c: c.watch("spikes", [100, 103, 104]))
    desk.do(lambda c: c.watch("counts", []))
    desk.do(lambda c: c.set_probes([PROBE]))
    desk.set_speed(Speed(ticks_per_s=100.0))
    desk.set_channels([103, 100])
    desk.select([104])
    desk.view.set_span(500)
    window.panes["Oscilloscope"].arrange(Arrangement.BUTTERFLY)
    window.panes["Oscilloscope"].filter(FilterChoice(FilterKind.LOW_PASS, 50.0))
    window.panes["Oscilloscope"].edits.change_common_gain(2)
    window.panes["Raster"].choose_order(Order.RATE)
    window.panes["Spectrogram"].choose(scale=Scale.LINEAR)
    window.panes["Oscilloscope"].toggle_trigger()
    window.tools.protocol.add_perturbation("silence cell3 for=5")
    menu = window.panes["Preparation"].kinds.menu()
    next(a for a in menu.actions() if a.text() == "cells").trigger()
    fill_stimulator(window.tools)
    desk.poll()


def fill_stimulator(tools):
    """Every field another than at first, by keys."""
    tools.show_tab("Stimulate")
    tab = tools.stimulate
    for _ in Mode:
        QTest.keyClick(tab.mode, Qt.Key.Key_Down)
    QTest.keyClick(tab.trigger, Qt.Key.Key_Down)
    for n, field in enumerate(
        (tab.amplitude, tab.condition, tab.onset, tab.pulse_width, tab.period, tab.count, tab.jitter, tab.holdoff)
    ):
        field.selectAll()
        QTest.keyClicks(field, f"{n + 2}")
    QTest.keyClicks(tab.max_count, "11")


def as_it_is(window):
    session = window.sessions.current()
    assert session is not None
    return session


def reopened(qtbot, window, before):
    """Wait for another process; then everything is as it was."""
    qtbot.waitUntil(lambda: window.desk.client is not None and window.desk.client.pid != before, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: window.state is State.RUNNING, timeout=WAIT_MS)
    window.desk.poll()


def test_a_restart_keeps_watches_probes_speed_and_views(qtbot, window):
    set_up(window)
    before, pid = as_it_is(window), window.desk.client.pid
    assert before.watches["spikes"] == (100, 103, 104)
    assert "counts" not in before.watches
    QTest.keyClick(window, Qt.Key.Key_R, CONTROL | SHIFT)
    reopened(qtbot, window, pid)
    assert as_it_is(window) == before
    assert watches_of(window.desk.entries) == before.watches
    assert probes_of(window.desk.entries) == (PROBE,)
    assert window.desk.status.asked_hz == 100.0
    assert window.transport.speed.currentText() == "100 ticks/s"


def test_so_does_one_after_a_crash(qtbot, window):
    set_up(window)
    before, pid = as_it_is(window), window.desk.client.pid
    os.kill(pid, signal.SIGKILL)
    qtbot.waitUntil(lambda: window.state is State.CRASHED, timeout=WAIT_MS)
    QTest.keyClick(window, Qt.Key.Key_R, CONTROL | SHIFT)
    reopened(qtbot, window, pid)
    assert as_it_is(window) == before


def test_a_session_is_saved_by_name_and_opened_from_palette_and_menu(qtbot, window, tmp_path):
    set_up(window)
    before, pid = as_it_is(window), window.desk.client.pid
    QTest.keyClick(window, Qt.Key.Key_S, CONTROL)
    qtbot.waitUntil(window.ask.isVisible)
    QTest.keyClicks(window.ask.field, "first try")
    QTest.keyClick(window.ask.field, Qt.Key.Key_Return)
    path = tmp_path / "recordings" / "first try.session.json"
    assert load_session(path) == before
    assert str(path) in window.messages.text
    window.start_with(Opening("model-cell", {"units": "8"}))
    reopened(qtbot, window, pid)
    assert as_it_is(window).channels != before.channels
    assert as_it_is(window).map_kind == ""
    window.tools.stimulate.put(StimulusForm())
    pid = window.desk.client.pid
    QTest.keyClick(window, Qt.Key.Key_K, CONTROL)
    qtbot.waitUntil(window.palette_overlay.isVisible)
    QTest.keyClicks(window.palette_overlay.field, "first try")
    QTest.keyClick(window.palette_overlay.field, Qt.Key.Key_Return)
    reopened(qtbot, window, pid)
    assert as_it_is(window) == before
    assert before.map_kind == "cell"
    assert before.stimulus == StimulusForm(
        Mode.AMPLITUDE, "2", TriggerKind.RISE, "3", "4", "5", "6", "7", "8", "9", "11"
    )
    assert [s.what for s in window.tools.protocol.protocol.steps if s.do is Do.PERTURB] == ["silence cell3 for=5"]
    menu = window.subject_menu.menu()
    assert "first try" in [action.text() for action in menu.actions()]
    menu.deleteLater()


def test_another_sessions_name_is_not_taken(window, tmp_path):
    folder = tmp_path / "recordings"
    folder.mkdir()
    (folder / "mine.session.json").write_text("not mine")
    window.sessions.save_as("mine")
    assert "take another name" in window.messages.text
    assert (folder / "mine.session.json").read_text() == "not mine"
    window.sessions.save_as("a/b: c")
    assert (folder / "a-b- c.session.json").is_file()
    window.sessions.save_as("a-b- c")  # its own is replaced
    assert "saved the session" in window.messages.text


def test_a_session_that_is_none_is_one_line_and_nothing_changes(window, tmp_path):
    path = tmp_path / "bad.session.json"
    path.write_text('{"format": "headstage-session", "version": 1, "session": {"plugin": 7}}')
    pid = window.desk.client.pid
    window.sessions.open(path)
    assert "bad.session.json" in window.messages.text
    assert "\n" not in window.messages.text
    assert window.desk.client.pid == pid


def test_a_session_of_units_that_are_not_there_says_so(qtbot, window, tmp_path):
    window.desk.set_channels([100, 101])
    session = as_it_is(window)
    pid = window.desk.client.pid
    window.start_with(window.sessions.wait_for(type(session)(**{**session.__dict__, "channels": (100, 9999)})))
    reopened(qtbot, window, pid)
    assert window.desk.channels.ids == (100,)
    assert "1 of the session's channels" in window.messages.text


def test_a_session_of_a_kind_that_is_not_there_says_so(qtbot, window):
    session, said = as_it_is(window), []
    window.desk.said.connect(lambda message: said.append(message.line))
    pid = window.desk.client.pid
    wrong = {**session.__dict__, "map_kind": "transistor"}
    window.start_with(window.sessions.wait_for(type(session)(**wrong)))
    reopened(qtbot, window, pid)
    assert as_it_is(window).map_kind == ""
    assert any("asked for transistors on the map; there are cell" in line for line in said)


def test_layouts_have_names(qtbot, window, settings):
    QTest.keyClick(window, Qt.Key.Key_L, CONTROL | SHIFT)
    qtbot.waitUntil(window.ask.isVisible)
    window.docks.of["Raster"].hide()
    QTest.keyClicks(window.ask.field, "no raster")
    QTest.keyClick(window.ask.field, Qt.Key.Key_Return)
    QTest.keyClick(window, Qt.Key.Key_0, CONTROL)
    assert window.docks.of["Raster"].isVisible()
    assert not window.console.started  # what is not shown does not start
    QTest.keyClick(window, Qt.Key.Key_K, CONTROL)
    QTest.keyClicks(window.palette_overlay.field, "layout: no")
    QTest.keyClick(window.palette_overlay.field, Qt.Key.Key_Return)
    assert not window.docks.of["Raster"].isVisible()
    assert window.docks.names() == ["no raster"]
    window.docks.forget("no raster")
    assert window.docks.names() == []
    settings.setValue("layouts/broken", "nonsense")
    window.layouts.use("broken")
    assert "cannot be read" in window.messages.text


@pytest.mark.parametrize("what", ["filter", "arrange", "signal", "trigger", "pre", "shown", "rows", "spectra", "plan"])
def test_what_a_hand_chose_can_be_undone_and_redone(qtbot, window, what):
    scope, raster, spectrogram = (window.panes[t] for t in ("Oscilloscope", "Raster", "Spectrogram"))
    window.desk.select([103])
    act = {
        "filter": lambda: scope.filter(FilterChoice(FilterKind.HIGH_PASS, 20.0)),
        "arrange": lambda: scope.arrange(Arrangement.BY_DEPTH),
        "signal": lambda: scope.choose_stream("charge"),
        "trigger": lambda: QTest.keyClick(window, Qt.Key.Key_T),
        "pre": lambda: scope.trigger_row.pre.activated.emit(0),
        "shown": lambda: scope.trigger_row.shown.activated.emit(2),
        "rows": lambda: raster.choose_order(Order.RATE),
        "spectra": lambda: spectrogram.choose(length=256),
        "plan": lambda: window.tools.protocol.add_perturbation("silence cell3 for=5"),
    }[what]
    before = as_it_is(window)
    act()
    after = as_it_is(window)
    assert after != before
    QTest.keyClick(window, Qt.Key.Key_Z, CONTROL)
    assert as_it_is(window) == before
    QTest.keyClick(window, Qt.Key.Key_Y, CONTROL)
    assert as_it_is(window) == after


def test_reset_forgets(tmp_path, monkeypatch):
    import platformdirs

    from app.window.launch import open_settings

    monkeypatch.setattr(platformdirs, "user_config_dir", lambda *_, **__: str(tmp_path))
    settings = open_settings()
    settings.setValue("theme", "light")
    settings.setValue("layouts/mine", "x")
    settings.sync()
    assert open_settings().value("theme") == "light"
    assert open_settings(reset=True).allKeys() == []
    assert Path(tmp_path / "window.ini").exists()
