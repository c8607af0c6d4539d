"""The protocol tab by hand: build it, keep it, run it; and what the recording then holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QFileDialog, QLineEdit

from app.protocol.file import load_protocol
from app.protocol.progress import Stage
from app.protocol.steps import Do, Protocol, Step
from app.theme import DARK
from app.window.tools.protocol_tab import ProtocolTab
from app.window.tools.step_table import AFTER, DO, WHAT
from app.window.tools.tools_pane import ToolsPane
from rig.log import LogKind
from rig.process.protocol import State
from rig.storage.recording import Recording

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def planned(bench: Any, tmp_path: Path) -> tuple[Any, ToolsPane, ProtocolTab]:
    pane = ToolsPane(bench.desk)
    pane.apply_theme(DARK)
    pane.protocol.recordings_folder = tmp_path / "recordings"
    bench.put(pane, 340, 520)
    pane.show_tab("Protocol")
    return bench, pane, pane.protocol


def add(tab: ProtocolTab, do: Do) -> None:
    """From the menu of Add."""
    next(a for a in tab.editor.add_menu.actions() if a.text() == do).trigger()


def edit(bench: Any, tab: ProtocolTab, row: int, column: int, text: str) -> None:
    """Into a cell, by keyboard."""
    view = tab.editor
    view.setCurrentIndex(view.table.index(row, column))
    view.edit(view.currentIndex())
    field = view.findChild(QLineEdit)
    assert field is not None
    field.selectAll()
    QTest.keyClicks(field, text)
    QTest.keyClick(field, Qt.Key.Key_Return)
    bench.qtbot.waitUntil(lambda: view.findChild(QLineEdit) is None)


def test_a_protocol_built_by_hand_runs_and_is_recorded(planned: tuple[Any, ToolsPane, ProtocolTab]) -> None:
    bench, _, tab = planned
    assert tab.empty.isVisible()
    assert not tab.run_button.isEnabled()
    for do in (Do.RECORD, Do.PERTURB, Do.NOTE, Do.STOP_RECORDING):
        add(tab, do)
    edit(bench, tab, 0, WHAT, "train")
    edit(bench, tab, 1, WHAT, "drive cell9 for=2 every=10 times=2")
    edit(bench, tab, 1, AFTER, "20ms")
    edit(bench, tab, 2, WHAT, "halfway")
    edit(bench, tab, 2, AFTER, "5")
    edit(bench, tab, 3, AFTER, "35")
    assert [(s.after, str(s.do), s.what) for s in tab.protocol.steps] == [
        ("0", "record", "train"),
        ("20ms", "perturb", "drive cell9 for=2 every=10 times=2"),
        ("5", "note", "halfway"),
        ("35", "stop recording", ""),
    ]
    assert tab.run_button.isEnabled()
    QTest.mouseClick(tab.run_button, LEFT)
    bench.until(lambda: not tab.busy)
    assert tab.line.text() == "done: 4 steps"
    assert bench.messages == []
    with Recording.open(tab.recordings_folder / "train.rig") as recording:
        on = recording.read("spikes", 0, 60).unpacked()[:, 9]
    assert np.flatnonzero(on).tolist() == sorted({0, 11, 22, 33, 44, 55, 20, 21, 30, 31})
    assert [(e.tick, e.payload["text"]) for e in bench.told(LogKind.NOTE)] == [(25, "halfway")]


def test_it_goes_on_while_another_tab_is_in_front(planned: tuple[Any, ToolsPane, ProtocolTab]) -> None:
    bench, pane, tab = planned
    tab._edit(Protocol("p", (Step(Do.NOTE, "x", "100"),), 5), "make")
    bench.client.run()
    QTest.mouseClick(tab.run_button, LEFT)
    pane.show_tab("Inspector")
    pane.hide()
    bench.until(lambda: not tab.busy)
    ticks = [e.tick for e in bench.told(LogKind.NOTE)]
    assert np.diff(ticks).tolist() == [100] * 4
    assert bench.told(LogKind.NOTE)
    assert tab.runner is not None
    assert tab.runner.progress.stage is Stage.DONE


def test_it_leaves_the_subject_running_if_it_ran(planned: tuple[Any, ToolsPane, ProtocolTab]) -> None:
    bench, _, tab = planned
    tab._edit(Protocol("p", (Step(Do.NOTE, "x", "100"),)), "make")
    bench.client.run()
    QTest.mouseClick(tab.run_button, LEFT)
    bench.until(lambda: not tab.busy)
    assert bench.client.status.state is State.RUNNING
    bench.client.pause()


def test_it_is_stopped_by_its_button(planned: tuple[Any, ToolsPane, ProtocolTab]) -> None:
    bench, _, tab = planned
    tab._edit(Protocol("p", (Step(Do.NOTE, "x"), Step(Do.NOTE, "never", "1000000000s"))), "make")
    QTest.mouseClick(tab.run_button, LEFT)
    bench.until(lambda: tab.runner.progress.n_done == 1)
    assert tab.run_button.text() == "Stop"
    assert tab.bar.isVisible()
    edit(bench, tab, 0, WHAT, "other")  # not while it runs
    assert tab.protocol.steps[0].what == "x"
    assert "stop it first" in bench.messages[-1].line
    QTest.mouseClick(tab.run_button, LEFT)
    assert tab.run_button.text() == "Run protocol"
    assert tab.line.text() == "stopped after 1 of 2 steps"
    assert bench.client.status.state is State.PAUSED


def test_a_problem_is_shown_at_its_step_and_keeps_it_from_running(planned: tuple[Any, ToolsPane, ProtocolTab]) -> None:
    bench, _, tab = planned
    add(tab, Do.NOTE)
    add(tab, Do.CONTROL)
    edit(bench, tab, 1, WHAT, "volume=3")
    assert tab.line.text().startswith("Step 2: asked for control 'volume=3'")
    assert not tab.run_button.isEnabled()
    table = tab.editor.table
    assert "volume" in table.data(table.index(1, WHAT), Qt.ItemDataRole.ToolTipRole)
    edit(bench, tab, 1, WHAT, "gain=3")
    assert tab.run_button.isEnabled()
    assert not tab.line.isVisible()


def test_a_failure_while_it_runs_is_said_once(planned: tuple[Any, ToolsPane, ProtocolTab]) -> None:
    bench, _, tab = planned
    tab._edit(Protocol("p", (Step(Do.WAIT_UNTIL, "rise:cell9 within=5"),)), "make")
    bench.run_to(12)
    QTest.mouseClick(tab.run_button, LEFT)
    bench.until(lambda: not tab.busy)
    lines = [m.line for m in bench.messages]
    assert lines == ["the protocol ended: step 1: unit 109 rises did not happen within 5 ticks"]


def test_edits_are_undone_and_done_again(planned: tuple[Any, ToolsPane, ProtocolTab]) -> None:
    bench, _, tab = planned
    add(tab, Do.REPEAT)
    assert [s.do for s in tab.protocol.steps] == [Do.REPEAT, Do.END_REPEAT]
    tab.editor.selectRow(0)
    add(tab, Do.NOTE)
    assert [s.do for s in tab.protocol.steps] == [Do.REPEAT, Do.NOTE, Do.END_REPEAT]
    tab.editor.selectRow(1)
    tab.editor.move_selected(1)
    tab.editor.move_selected(1)  # it is the last now
    assert [s.do for s in tab.protocol.steps] == [Do.REPEAT, Do.END_REPEAT, Do.NOTE]
    tab.repeats.setFocus()
    tab.repeats.selectAll()
    QTest.keyClicks(tab.repeats, "7")
    QTest.keyClick(tab.repeats, Qt.Key.Key_Return)
    assert tab.protocol.repeats == 7
    tab.editor.selectRow(2)
    tab.editor.setFocus()
    QTest.keyClick(tab.editor, Qt.Key.Key_Delete)
    assert len(tab.protocol.steps) == 2
    while bench.desk.undo.canUndo():
        bench.desk.undo.undo()
    assert tab.protocol == Protocol()
    while bench.desk.undo.canRedo():
        bench.desk.undo.redo()
    assert (len(tab.protocol.steps), tab.protocol.repeats) == (2, 7)
    assert tab.repeats.value() == 7


def test_what_a_step_does_is_chosen_from_a_list(planned: tuple[Any, ToolsPane, ProtocolTab]) -> None:
    _, _, tab = planned
    add(tab, Do.NOTE)
    index = tab.editor.table.index(0, DO)
    tab.editor.setCurrentIndex(index)
    tab.editor.edit(index)
    box = tab.editor.findChild(QComboBox)
    assert box is not None
    box.setCurrentText("mark")
    box.activated.emit(box.currentIndex())
    assert tab.protocol.steps[0].do is Do.MARK


def test_it_is_saved_and_loaded(planned: tuple[Any, ToolsPane, ProtocolTab], tmp_path: Path) -> None:
    bench, _, tab = planned
    add(tab, Do.NOTE)
    tab.editor.table.setData(tab.editor.table.index(0, WHAT), "µ · 漢字")  # more than QTest can type
    tab.save(tmp_path / "mine")
    path = tmp_path / "mine.protocol.json"
    assert load_protocol(path).steps == (Step(Do.NOTE, "µ · 漢字"),)
    assert tab.name_label.whole == "mine"
    tab.editor.selectRow(0)
    tab.editor.remove_selected()
    tab.load(path)
    assert tab.protocol == load_protocol(path)
    path.write_text("{}")
    tab.load(path)
    assert "does not say that it is one" in bench.messages[-1].line
    assert tab.protocol.steps == (Step(Do.NOTE, "µ · 漢字"),)
    tab.save(tmp_path / "no" / "folder.protocol.json")
    assert "asked to save" in bench.messages[-1].line


def test_file_dialogs_stop_nothing(
    planned: tuple[Any, ToolsPane, ProtocolTab], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench, _, tab = planned
    add(tab, Do.NOTE)
    QTest.mouseClick(tab.save_button, LEFT)  # returns while the dialog is open
    dialog = tab.findChild(QFileDialog)
    assert dialog is not None
    assert not dialog.isModal()
    dialog.fileSelected.emit(str(tmp_path / "from dialog.protocol.json"))
    dialog.close()
    assert (tmp_path / "from dialog.protocol.json").exists()
    bench.qtbot.waitUntil(lambda: tab.findChild(QFileDialog) is None)
    QTest.mouseClick(tab.load_button, LEFT)
    dialog = tab.findChild(QFileDialog)
    assert dialog is not None
    dialog.reject()
