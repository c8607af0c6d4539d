"""The stimulate and silence tabs by hand; what they did is read off the session's samples and log."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QLineEdit
from pytestqt.qtbot import QtBot

from app.theme import DARK, LIGHT
from app.window.desk import Desk
from app.window.tools.stimulate_tab import StimulateTab
from app.window.tools.stimulus import Mode, StimulusForm, TriggerKind
from app.window.tools.time_edit import TimeEdit
from app.window.tools.tools_pane import ToolsPane
from rig.log import LogKind
from rig.probe import Probe
from rig.storage.recording import Recording

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def tools(bench: Any) -> tuple[Any, ToolsPane]:
    pane = ToolsPane(bench.desk)
    pane.apply_theme(DARK)
    bench.put(pane, 340, 520)
    pane.show_tab("Stimulate")
    return bench, pane


def type_in(field: QLineEdit, text: str) -> None:
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, text)
    QTest.keyClick(field, Qt.Key.Key_Tab)


def choose(box: QComboBox, text: str) -> None:
    """As the wheel and the arrow keys do."""
    box.setFocus()
    QTest.keyClick(box, Qt.Key.Key_Home)
    while box.currentText() != text:
        before = box.currentIndex()
        QTest.keyClick(box, Qt.Key.Key_Down)
        assert box.currentIndex() != before, f"{text} is not among {[box.itemText(i) for i in range(box.count())]}"


def spikes(bench: Any, unit: int, start: int, stop: int) -> list[int]:
    """Ticks at which a unit of the model cell is on."""
    samples = bench.desk.ring("spikes").ticks(start, stop).copy()
    return (start + np.flatnonzero(samples.unpacked()[:, unit])).tolist()


def free(unit: int, start: int, stop: int) -> set[int]:
    """Where it would be on by itself, at seed 0."""
    return {t for t in range(start, stop) if t % (unit + 2) == 0}


# ---- stimulate


def test_a_trigger_that_the_subject_lacks_is_put_back_as_now_and_said(qtbot: QtBot) -> None:
    desk = Desk()
    tab = StimulateTab(desk)  # without a subject nothing can trigger
    qtbot.addWidget(tab)
    said: list[str] = []
    desk.said.connect(lambda message: said.append(message.line))
    tab.put(StimulusForm(Mode.LOW, trigger=TriggerKind.RATE, condition="1:2/3", count="3"))
    assert tab.form() == StimulusForm(Mode.LOW, condition="1:2/3", count="3")
    assert said == ["asked to stimulate when rate reaches; the subject has no such trigger"]


def test_a_train_is_given_from_the_tick_of_the_click(tools: tuple[Any, ToolsPane]) -> None:
    bench, pane = tools
    tab = pane.stimulate
    bench.run_to(100)
    bench.desk.select([109])
    type_in(tab.pulse_width, "2")
    type_in(tab.period, "10ms")
    type_in(tab.count, "3")
    type_in(tab.onset, "5")
    QTest.mouseClick(tab.now, LEFT)
    bench.run_to(160)
    assert set(spikes(bench, 9, 100, 160)) == free(9, 100, 160) | {105, 106, 115, 116, 125, 126}
    assert [e.payload["label"] for e in bench.told(LogKind.PERTURB)] == ["stimulus 1"] * 3
    assert [g.text("cell") for g in tab.given.given] == ["drive high · 1 cell · 3 ×"]


def test_driving_low_holds_low(tools: tuple[Any, ToolsPane]) -> None:
    bench, pane = tools
    bench.desk.select([100])
    choose(pane.stimulate.mode, "drive low")
    type_in(pane.stimulate.pulse_width, "50ms")
    pane.stimulate_now()
    bench.run_to(100)
    assert spikes(bench, 0, 0, 100) == list(range(50, 100, 2))


def test_times_show_in_both_measures_until_one_types(tools: tuple[Any, ToolsPane]) -> None:
    _, pane = tools
    width = pane.stimulate.pulse_width
    type_in(width, "20 ms")
    assert width.text() == "20.0 ms · 20 ticks"
    width.setFocus()
    assert width.text() == "20 ms"
    type_in(width, "whenever")
    assert width.text() == "whenever"


def test_a_narrow_time_shows_what_fits(qtbot: QtBot, bench: Any) -> None:
    edit = TimeEdit("jitter", "200", "")
    qtbot.addWidget(edit)
    edit.set_subject(bench.desk.description.info)
    edit.resize(300, 26)
    edit.show()
    assert edit.text() == "200 ms · 200 ticks"
    edit.resize(edit.fontMetrics().horizontalAdvance("200 ms · 200") + 24, 26)
    assert edit.text() == "200 ms · 200"
    edit.resize(50, 26)
    assert edit.text() == "200 ms"
    assert "200 ticks" in edit.toolTip()


def test_the_preview_draws_the_pulses_in_amber(tools: tuple[Any, ToolsPane]) -> None:
    bench, pane = tools
    tab = pane.stimulate

    def amber() -> int:
        image = tab.preview.grab().toImage()
        colour = QColor(DARK.stimulus)
        return sum(image.pixelColor(x, y) == colour for x in range(image.width()) for y in range(image.height()))

    assert amber() == 0
    assert not tab.now.isEnabled()
    bench.desk.select([100])
    type_in(tab.count, "4")
    four = amber()
    assert four > 20
    assert tab.now.isEnabled()
    type_in(tab.count, "1")
    assert amber() != four
    type_in(tab.count, "none")
    assert amber() == 0
    assert "count" in tab.preview._hint
    assert not tab.now.isEnabled()


def test_an_armed_trigger_fires_in_the_loop_and_is_disarmed_by_its_button(tools: tuple[Any, ToolsPane]) -> None:
    bench, pane = tools
    tab = pane.stimulate
    bench.desk.select([100])
    choose(tab.trigger, "when unit rises")
    assert not tab.arm.isEnabled()
    type_in(tab.condition, "cell9")
    type_in(tab.pulse_width, "1")
    type_in(tab.onset, "2")
    QTest.mouseClick(tab.arm, LEFT)
    bench.run_to(30)
    # cell9 rises at 11 and 22, the onset is counted from the tick after
    assert set(spikes(bench, 0, 0, 30)) == free(0, 0, 30) | {14, 25}
    assert tab.armed.triggers.armed == {"rise:cell9": 2}
    assert tab.armed.isVisible()
    assert tab.armed.free_name(tab.form()) == "rise:cell9 2"
    QTest.mouseClick(tab.armed.buttons["rise:cell9"], LEFT)
    bench.hear()
    bench.run_to(60)
    assert set(spikes(bench, 0, 30, 60)) == free(0, 30, 60)
    assert not tab.armed.isVisible()


@pytest.mark.parametrize(
    ("start", "condition", "ticks"),
    [
        ("when frame starts", "", [50, 100]),
        ("when bus address", "0x20:write", [33]),
        ("when rate reaches", "cell14:2/20", [33, 49]),
    ],
)
def test_every_trigger_of_the_subject_fires(
    tools: tuple[Any, ToolsPane], start: str, condition: str, ticks: list[int]
) -> None:
    bench, pane = tools
    tab = pane.stimulate
    bench.desk.select([115])
    choose(tab.trigger, start)
    if condition:
        type_in(tab.condition, condition)
    type_in(tab.pulse_width, "1")
    QTest.mouseClick(tab.arm, LEFT)
    bench.run_to(120)
    assert [m.line for m in bench.messages] == []
    fired = [e.payload["tick"] + 1 for e in bench.told(LogKind.TRIGGER) if e.payload["action"] == "fire"]
    assert [t for t in fired if t <= 130][: len(ticks)] == ticks


def test_a_stimulus_goes_into_the_plan(tools: tuple[Any, ToolsPane]) -> None:
    bench, pane = tools
    bench.desk.select([100, 101])
    type_in(pane.stimulate.count, "3")
    QTest.mouseClick(pane.stimulate.plan, LEFT)
    assert [s.what for s in pane.protocol.protocol.steps] == ["drive cell0,cell1 for=5 every=30 times=3"]
    bench.desk.undo.undo()
    assert pane.protocol.protocol.steps == ()


def test_an_electrode_may_be_the_target(tools: tuple[Any, ToolsPane]) -> None:
    bench, pane = tools
    tab = pane.stimulate
    assert not tab.targets.source.isVisible()
    bench.client.add_probe(Probe("A", ((300.0, 0.0, 0.0),), 100.0))
    bench.hear()
    assert tab.targets.source.isVisible()
    choose(tab.targets.source, "near A1")
    assert tab.targets.label.whole == "cell2, cell3, cell4"
    type_in(tab.targets.falloff, "80")  # one half at 94: the neighbours at 100 are not reached
    type_in(tab.pulse_width, "20")
    QTest.mouseClick(tab.now, LEFT)
    bench.run_to(20)
    assert spikes(bench, 3, 0, 20) == list(range(20))
    assert set(spikes(bench, 2, 0, 20)) == free(2, 0, 20)
    type_in(tab.targets.radius, "nothing")
    assert "radius" in tab.targets.label.whole
    assert not tab.now.isEnabled()
    bench.client.set_probes(())
    bench.hear()
    assert not tab.targets.source.isVisible()
    assert tab.targets.label.whole == "nothing: select units on the map or in a list"


def test_stimulating_nothing_is_one_line(tools: tuple[Any, ToolsPane]) -> None:
    bench, pane = tools
    pane.stimulate_now()
    assert [m.line for m in bench.messages] == ["asked for a stimulus of nothing; select units on the map or in a list"]


def test_without_a_subject_the_tools_say_what_to_do(empty_desk: Desk, qtbot: QtBot) -> None:
    pane = ToolsPane(empty_desk)
    qtbot.addWidget(pane)
    pane.apply_theme(LIGHT)
    pane.show()
    for name in ("Inspector", "Stimulate", "Silence", "Protocol"):
        pane.show_tab(name)
        assert pane.pages.currentWidget().isVisible()
    assert not pane.stimulate.now.isEnabled()
    assert not pane.silence.button.isEnabled()
    assert not pane.protocol.run_button.isEnabled()
    assert "Put a subject on the table" in pane.stimulate.preview._hint


def test_a_low_pane_has_its_fields_side_by_side(tools: tuple[Any, ToolsPane]) -> None:
    _, pane = tools
    tab = pane.stimulate
    pane.resize(340, 620)
    assert tab.fields.n_columns == 1
    assert tab.onset.y() < tab.pulse_width.y()
    pane.resize(340, 360)
    assert tab.fields.n_columns == 2
    choose(tab.trigger, "when unit rises")
    tab.fields.layout().activate()
    assert tab.onset.y() == tab.pulse_width.y()
    assert tab.condition.width() > tab.onset.width()


# ---- silence


@pytest.fixture
def silence(tools: tuple[Any, ToolsPane]) -> tuple[Any, ToolsPane]:
    tools[1].show_tab("Silence")
    return tools


def test_silencing_until_released_by_its_button(silence: tuple[Any, ToolsPane]) -> None:
    bench, pane = silence
    tab = pane.silence
    bench.desk.select([100, 101])
    bench.run_to(10)
    QTest.mouseClick(tab.button, LEFT)
    bench.run_to(30)
    pane.pull(bench.pull())
    assert [line.text for line in tab._shown] == ["cell0, cell1 — low since 0.010\u202f000"]
    QTest.mouseClick(tab.releases[0], LEFT)
    bench.run_to(50)
    pane.pull(bench.pull())
    assert tab.releases == []
    assert spikes(bench, 0, 0, 50) == [*range(0, 10, 2), *range(30, 50, 2)]


def test_silencing_for_a_while_at_a_level(silence: tuple[Any, ToolsPane]) -> None:
    bench, pane = silence
    tab = pane.silence
    bench.desk.select([109])
    choose(tab.level, "high (1)")
    choose(tab.lasting, "for")
    assert tab.duration.isVisible()
    type_in(tab.duration, "4ms")
    pane.silence_selection()
    pane.pull(bench.pull())
    bench.step(1)
    pane.pull(bench.pull())
    assert [line.text for line in tab._shown] == ["cell9 — high since 0.000\u202f000 until 0.004\u202f000"]
    bench.run_to(20)
    pane.pull(bench.pull())
    assert tab._shown == ()
    assert spikes(bench, 9, 0, 20) == [0, 1, 2, 3, 11]


def test_an_amplitude_that_is_none_is_one_line(silence: tuple[Any, ToolsPane]) -> None:
    bench, pane = silence
    bench.desk.select([100])
    choose(pane.silence.level, "at amplitude")
    type_in(pane.silence.amplitude, "loud")
    pane.silence_selection()
    assert bench.messages[-1].line == "asked for amplitude 'loud'; type a number"
    assert bench.told(LogKind.PERTURB) == []


def test_releasing_the_targets_ends_drives_too(silence: tuple[Any, ToolsPane]) -> None:
    bench, pane = silence
    bench.desk.select([109])
    pane.silence_selection()
    type_in(pane.stimulate.pulse_width, "100")
    pane.stimulate_now()
    bench.run_to(20)
    QTest.mouseClick(pane.silence.release, LEFT)
    bench.run_to(40)
    assert spikes(bench, 9, 0, 40) == [*range(20), 22, 33]


def test_a_lesion_says_that_it_stays_and_stays(silence: tuple[Any, ToolsPane], tmp_path: Path) -> None:
    bench, pane = silence
    tab = pane.silence
    assert not tab.lesion_button.isEnabled()
    bench.desk.select([100])
    assert "Permanent until reset or rewind" in tab.lesion_hint.text()
    choose(tab.lesion_kind, "stuck on")
    bench.client.start_recording(tmp_path / "lesion.rig")
    bench.run_to(4)
    QTest.mouseClick(tab.lesion_button, LEFT)
    bench.run_to(30)
    pane.pull(bench.pull())
    assert [(line.text, line.lesion) for line in tab._shown] == [("cell0 — stuck on since 0.004\u202f000", True)]
    assert tab.releases == []
    QTest.mouseClick(tab.release, LEFT)
    bench.run_to(40)
    bench.client.stop_recording()
    with Recording.open(tmp_path / "lesion.rig") as recording:
        on = recording.read("spikes", 0, 40).unpacked()[:, 0]
    assert np.flatnonzero(on).tolist() == [0, 2, *range(4, 40)]
    bench.client.reset(0)
    bench.hear()
    pane.pull(bench.pull())
    assert tab._shown == ()


def test_a_rewind_takes_the_silencing_back(silence: tuple[Any, ToolsPane]) -> None:
    bench, pane = silence
    bench.run_to(10)
    snapshot = bench.client.snapshot()
    bench.run_to(12)
    bench.desk.select([100])
    pane.silence_selection()
    bench.run_to(20)
    pane.pull(bench.pull())
    assert len(pane.silence.releases) == 1
    bench.client.restore(snapshot)
    bench.hear()
    pane.pull(bench.pull())
    assert pane.silence.releases == []


def test_silence_and_stimulate_buttons_have_their_colours(tools: tuple[Any, ToolsPane]) -> None:
    bench, pane = tools
    bench.desk.select([100])
    assert colour_at_edge(pane.stimulate.now) == QColor(DARK.stimulus)
    pane.show_tab("Silence")
    assert colour_at_edge(pane.silence.button) == QColor(DARK.silence)


def colour_at_edge(button: Any) -> QColor:
    image = button.grab().toImage()
    return image.pixelColor(8, image.height() // 2)


# ---- a chip's nodes and transistors


def test_lesions_of_a_chip_are_of_its_transistors(
    open_bench: Callable[..., Any], shared_data: Path, tmp_path: Path
) -> None:
    pytest.importorskip("ale_py", reason="the cartridge is ale-py's")
    folder = next((p.parent for p in shared_data.rglob("segdefs.js")), None)
    if folder is None:
        pytest.skip("no netlist in the reference data")
    bench = open_bench("microprocessor", chip_dir=str(folder), cartridge="space_invaders")
    pane = ToolsPane(bench.desk)
    bench.put(pane)
    pane.show_tab("Silence")
    units = bench.desk.description.units
    bench.desk.select([units.id_of_name["alu3"]])
    assert not pane.silence.lesion_button.isEnabled()
    assert "Lesions are of transistors" in pane.silence.lesion_hint.text()
    pane.show_tab("Inspector")
    through = pane.inspector.links["through 3"]
    through.linkActivated.emit("all")
    assert len(bench.desk.selection) == 3
    pane.show_tab("Silence")
    QTest.mouseClick(pane.silence.lesion_button, LEFT)
    bench.step(2)
    lesioned = [e.payload["unit_ids"] for e in bench.told(LogKind.PERTURB)]
    assert lesioned == [sorted(bench.desk.selection.ids)]
    assert bench.messages == []


# ---- a model's graded units


def test_a_models_neuron_is_added_to_scaled_and_held_at_its_mean(open_bench: Callable[..., Any]) -> None:
    bench = open_bench("subjects.language_model:PLUGIN", threads="1")
    pane = ToolsPane(bench.desk)
    pane.apply_theme(DARK)
    bench.put(pane, 340, 520)
    tab = pane.stimulate
    unit = bench.desk.description.units.id_of_name["L2N7"]
    bench.desk.select([unit])
    bench.run_to(20)
    pane.show_tab("Stimulate")
    choose(tab.mode, "add")
    type_in(tab.amplitude, "2.5")
    type_in(tab.pulse_width, "3")
    QTest.mouseClick(tab.now, LEFT)
    choose(tab.mode, "multiply by")
    type_in(tab.amplitude, "3")
    type_in(tab.onset, "10")
    QTest.mouseClick(tab.now, LEFT)
    pane.show_tab("Silence")
    choose(pane.silence.level, "at amplitude")
    assert pane.silence.amplitude.isVisible()
    choose(pane.silence.level, "at its mean")
    assert not pane.silence.amplitude.isVisible()
    bench.run_to(40)
    QTest.mouseClick(pane.silence.button, LEFT)
    bench.run_to(60)
    given = [(e.payload["kind"], e.payload["start_tick"], e.payload["amplitude"]) for e in bench.told(LogKind.PERTURB)]
    assert given == [("add", 20, 2.5), ("scale", 30, 3.0), ("mean", 40, None)]
    texts = [g.text("neuron") for g in tab.given.given]
    assert texts == ["add 2.5 · 1 neuron", "× 3 · 1 neuron"]
    activity = bench.desk.ring("activity").ticks(0, 60).copy().data[:, unit]
    assert np.ptp(activity[40:]) < 1e-6  # held
    assert np.ptp(activity[:20]) > 0.01
    pane.pull(bench.pull())
    assert "at its mean since" in pane.silence._shown[0].text
    assert bench.messages == []
