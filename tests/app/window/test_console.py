"""The console: its names, typed into by hand where qtconsole is installed; a hint where it is not."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

import rig
from app.theme import LIGHT
from app.window import console
from app.window.console import ConsolePane
from rig.session import Session


@pytest.fixture
def recorded(tmp_path):
    path = tmp_path / "cell.rig"
    with Session("model-cell") as session:
        session.watch("spikes")
        session.start_recording(path)
        session.advance(100)
    return path


def test_without_qtconsole_it_says_what_to_install(cell_table, monkeypatch):
    monkeypatch.setattr(console, "find_spec", lambda name: None)
    pane = ConsolePane(cell_table.desk)
    cell_table.lay(pane, 600, 200)
    assert not pane.started
    assert "pip install 'headstage[console]'" in pane.hint.text()
    assert pane.hint.isVisible()
    pane.refresh()
    pane.stop()


def test_an_extra_that_is_broken_is_one_line(cell_table, monkeypatch):
    def broken(name):
        raise ImportError(f"no module {name}")

    monkeypatch.setattr(console, "find_spec", lambda name: object())
    monkeypatch.setattr(console.importlib, "import_module", broken)
    pane = ConsolePane(cell_table.desk)
    cell_table.lay(pane, 600, 200)
    assert not pane.started
    assert "no module qtconsole.inprocess" in pane.hint.text()
    assert "cannot start" in cell_table.said[-1]


def test_what_is_at_hand(cell_table, recorded):
    where = [None]
    pane = ConsolePane(cell_table.desk, lambda: where[0])
    cell_table.desk.select([103, 101])
    names = pane.names()
    assert names["rig"] is rig
    assert names["session"] is cell_table.desk.client
    assert names["selection"].tolist() == [103, 101]
    assert names["recording"] is None
    where[0] = recorded
    assert pane.names()["recording"].read("spikes").unpacked().shape == (100, 16)
    assert pane.names()["recording"] is pane.names()["recording"]  # opened once
    where[0] = recorded.parent / "gone.rig"
    assert pane.names()["recording"] is None
    pane.stop()


def test_a_hidden_console_starts_nothing(cell_table):
    pane = ConsolePane(cell_table.desk)
    pane.refresh()
    assert not pane.started
    assert pane.hint.text() == ""


# what the kernel's libraries do at import and at the end of a loop is theirs
@pytest.mark.filterwarnings("default")
def test_typed_by_hand(qtbot, cell_table, recorded):
    if importlib.util.find_spec("qtconsole") is None:
        pytest.skip("qtconsole is not installed (extra console)")
    pane = ConsolePane(cell_table.desk, lambda: recorded)
    cell_table.lay(pane, 600, 300)
    assert pane.started
    control = pane.widget._control

    def type_line(text):
        control.setFocus()
        QTest.keyClicks(control, text)
        QTest.keyClick(control, Qt.Key.Key_Return)

    qtbot.waitUntil(lambda: "In [1]" in control.toPlainText(), timeout=30_000)
    type_line("a = session.status.tick, recording.stop_tick, selection.tolist()")
    qtbot.waitUntil(lambda: "a" in pane._kernel.shell.user_ns, timeout=30_000)
    assert pane._kernel.shell.user_ns["a"] == (0, 100, [])
    cell_table.desk.select([105])
    type_line("selection")
    qtbot.waitUntil(lambda: "array([105])" in control.toPlainText(), timeout=30_000)
    qtbot.waitUntil(lambda: "In [3]" in control.toPlainText(), timeout=30_000)
    type_line("session.step(25)")
    qtbot.waitUntil(lambda: cell_table.desk.tick == 25, timeout=30_000)
    assert np.array_equal(pane._kernel.shell.user_ns["selection"], [105])
    pane.apply_theme(LIGHT)
    assert LIGHT.window in pane.widget.style_sheet
    pane.stop()
    assert not pane.started
