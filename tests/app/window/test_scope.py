"""The oscilloscope under a hand; and its parts without a window."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.theme import DARK, LIGHT, argb
from app.window.desk import Desk
from app.window.map_canvas import MapCanvas
from app.window.perturbed_spans import PerturbedSpans
from app.window.preparation_geometry import map_units
from app.window.scope import ScopePane
from app.window.scope_filters import FilterChoice, FilterKind, RunningFilter, cutoffs
from app.window.scope_labels import ScopeLabels, spread
from app.window.scope_layout import Arrangement, RowView, fitted, place, scaled_gain
from app.window.scope_rows import NOT_CARRIED, ScopeRow, unit_rows
from app.window.stream_feed import StreamFeed, samples_of
from app.window.time_axis import TimeAxis, bin_text, division_text, frequency_text, snapped_span
from app.window.time_pane import NOTHING_OPEN
from app.window.trigger_choice import TriggerChoice
from app.window.trigger_offers import first_offer, trigger_offers, with_value
from rig.field import FIELD_STREAM
from rig.log import LogEntry, LogKind
from rig.perturbation import Perturbation, PerturbationKind, perturbation_to_json
from rig.probe import Probe
from rig.streams import StreamInfo, StreamKind
from rig.trigger import FieldsMatch, FrameStarts, UnitRises
from rig.units import UnitTable

if TYPE_CHECKING:
    from tests.app.window.conftest import Table

LEFT = Qt.MouseButton.LeftButton
NONE, CTRL = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ControlModifier
SPAN = 200  # of the model cell's ticks: 20 ms a division, and three columns of pixels a tick


@pytest.fixture
def scope(cell_table: Table) -> tuple[Table, ScopePane]:
    pane = ScopePane(cell_table.desk)
    cell_table.lay(pane, 720, 340)
    cell_table.desk.set_channels([100, 101, 102])  # periods of 2, 3 and 4 ticks
    cell_table.desk.view.set_span(SPAN)
    cell_table.run_to(1000)
    return cell_table, pane


def wheel(widget: ScopeLabels, at: QPointF, steps: int) -> None:
    QApplication.sendEvent(
        widget,
        QWheelEvent(
            at, widget.mapToGlobal(at), QPoint(), QPoint(0, 120 * steps), Qt.MouseButton.NoButton, NONE,
            Qt.ScrollPhase.NoScrollPhase, False,
        ),
    )  # fmt: skip


def lit(pane: ScopePane, row: int) -> np.ndarray:
    """(n_columns,) whether the trace's own colour is where a spike's top is, by column of the window."""
    picture = pane.picture
    assert picture.traces is not None
    assert picture.placed is not None
    top = round(float(picture.placed.offset_px[row] - picture.placed.gain_px[row]))
    colour = argb(picture.rows[row].colour)
    image = picture.traces.image
    newest = pane.axis.scale.last_column(pane.axis.stop_tick)
    columns = np.arange(newest + 1 - pane.axis.n_columns, newest + 1)
    band = image.pixels[max(top - 1, 0) : top + 2][:, columns % image.n_slots]
    return (band == colour).any(axis=0)


def expected(pane: ScopePane, period: int) -> np.ndarray:
    """(n_columns,) whether a column meets a tick at which the unit of this period is on."""
    axis = pane.axis
    n = axis.n_columns
    newest = axis.scale.last_column(axis.stop_tick)
    columns = newest + 1 - n + np.arange(n)
    # a column holds the ticks that begin in it, the one that reaches into it, and the edge where the next one begins
    first = -(-columns * axis.span_ticks // n) - 1
    stop = -(-(columns + 1) * axis.span_ticks // n)
    return np.array([any(t % period == 0 for t in range(a, b)) for a, b in zip(first, stop, strict=True)])


# ---- running


def test_before_a_subject_it_says_what_to_do(qtbot: QtBot) -> None:
    pane = ScopePane(Desk())
    qtbot.addWidget(pane)
    pane.apply_theme(DARK)
    assert pane.overlay.hint == NOTHING_OPEN


def test_traces_are_the_units_samples(scope: tuple[Table, ScopePane]) -> None:
    _, pane = scope
    for row, period in ((0, 2), (1, 3), (2, 4)):
        on, wanted = lit(pane, row), expected(pane, period)
        assert (on == wanted)[2:-2].all(), row
    assert pane._detail.text() == "20 ms/div · live"


def test_it_follows_and_draws_only_what_is_new(scope: tuple[Table, ScopePane]) -> None:
    table, pane = scope
    traces = pane.picture.traces
    table.run_to(1030)
    assert pane.picture.traces is traces
    assert (lit(pane, 1) == expected(pane, 3))[2:-2].all()


def test_it_looks_back_and_comes_live_again(scope: tuple[Table, ScopePane]) -> None:
    table, pane = scope
    table.desk.view.look_at(501)
    table.pull()
    assert (lit(pane, 2) == expected(pane, 4))[2:-2].all()
    assert pane._detail.text() == "20 ms/div · looking back"
    table.desk.view.go_live()
    table.pull()
    assert pane.axis.stop_tick == 1000
    assert (lit(pane, 2) == expected(pane, 4))[2:-2].all()


def test_beyond_the_rings_memory_it_derives_and_says_so(scope: tuple[Table, ScopePane]) -> None:
    table, pane = scope
    client = table.desk.client
    assert client is not None
    client.watch("spikes", [100, 105])  # another ring: it remembers nothing of before
    table.desk.set_channels([100, 105])
    table.run_to(1100)
    table.desk.view.look_at(1050)
    table.pull()
    assert pane.overlay.notice.startswith("deriving what was then … ")
    assert pane.overlay.unknown_until == pytest.approx(0.75)
    table.until(lambda: pane.overlay.notice == "")
    assert pane.overlay.unknown_until == 0
    for row, period in ((0, 2), (1, 7)):  # unit 105 was not watched then
        assert (lit(pane, row) == expected(pane, period))[2:-2].all(), row
    table.desk.view.go_live()
    table.pull()
    assert pane.axis.stop_tick == 1100


def test_units_nobody_watches_are_said_to_be_so(scope: tuple[Table, ScopePane]) -> None:
    table, pane = scope
    assert table.desk.client is not None
    table.desk.client.watch("spikes", [101])
    table.pull()
    table.pull()
    assert [r.channel for r in pane.picture.rows] == [NOT_CARRIED, 0, NOT_CARRIED]
    table.desk.set_channels([])
    table.pull()
    assert "select units" in pane.overlay.hint


def test_a_reset_begins_again(scope: tuple[Table, ScopePane]) -> None:
    table, pane = scope
    assert table.desk.client is not None
    table.desk.client.reset(0)
    table.run_to(90)
    assert pane.axis.stop_tick == 90
    on, wanted = lit(pane, 1), expected(pane, 3)
    known = np.arange(pane.axis.n_columns) > pane.axis.n_columns * 111 / SPAN
    assert (on == wanted)[known][2:-2].all()
    assert not on[~known][:-8].any()  # tick 0 itself is one of them


def test_a_hidden_pane_shows_the_present_when_it_comes_back(scope: tuple[Table, ScopePane]) -> None:
    table, pane = scope
    pane.hide()
    table.panes.remove(pane)
    table.run_to(5000)
    assert pane.axis.stop_tick == 1000
    pane.show()
    table.panes.append(pane)
    table.pull()
    assert (lit(pane, 1) == expected(pane, 3))[2:-2].all()


def test_the_time_base_snaps_to_1_2_5(scope: tuple[Table, ScopePane]) -> None:
    table, _ = scope
    seen = []
    for _ in range(4):
        table.desk.view.set_span(table.desk.view.span_ticks * 2)
        seen.append(table.desk.view.span_ticks)
    assert seen == [500, 1000, 2000, 5000]


# ---- labels, gains, offsets


def test_a_click_on_a_name_selects_its_unit(scope: tuple[Table, ScopePane]) -> None:
    table, pane = scope
    QTest.mouseClick(pane.labels, LEFT, NONE, pane.labels.centre_of(1).toPoint())
    assert table.desk.selection.ids == (101,)
    QTest.mouseClick(pane.labels, LEFT, CTRL, pane.labels.centre_of(2).toPoint())
    assert table.desk.selection.ids == (101, 102)
    QTest.mouseClick(pane.labels, LEFT, CTRL, pane.labels.centre_of(1).toPoint())
    assert table.desk.selection.ids == (102,)
    table.desk.undo.undo()
    assert table.desk.selection.ids == (101, 102)


def test_a_click_on_a_trace_selects_its_unit(scope: tuple[Table, ScopePane]) -> None:
    table, pane = scope
    QTest.mouseClick(pane.canvas, LEFT, NONE, QPoint(100, round(pane.labels.centre_of(2).y())))
    assert table.desk.selection.ids == (102,)


def test_the_wheel_over_a_name_sets_its_gain_undoably(scope: tuple[Table, ScopePane]) -> None:
    table, pane = scope
    key = pane.picture.rows[0].key
    wheel(pane.labels, pane.labels.centre_of(0), 2)
    assert pane.picture.views[key].gain == pytest.approx(2.0)
    table.pull()
    assert pane.picture.placed is not None
    assert pane.picture.placed.gain_px[0] == pytest.approx(2 * pane.picture.placed.gain_px[1], rel=1e-5)
    table.desk.undo.undo()
    assert pane.picture.views[key].gain == 1.0


def test_dragging_a_name_moves_its_trace_undoably(scope: tuple[Table, ScopePane]) -> None:
    table, pane = scope
    at = pane.labels.centre_of(1).toPoint()
    assert pane.picture.placed is not None
    before = float(pane.picture.placed.offset_px[1])
    QTest.mousePress(pane.labels, LEFT, NONE, at)
    QTest.mouseMove(pane.labels, at - QPoint(0, 10))
    QTest.mouseMove(pane.labels, at - QPoint(0, 20))
    QTest.mouseRelease(pane.labels, LEFT, NONE, at - QPoint(0, 20))
    ratio = pane.canvas.devicePixelRatioF()
    assert float(pane.picture.placed.offset_px[1]) == pytest.approx(before - 20 * ratio, abs=0.01)
    assert table.desk.selection.ids == ()  # it was no click
    table.desk.undo.undo()
    assert float(pane.picture.placed.offset_px[1]) == pytest.approx(before)


def test_gain_of_all_and_autoscale_by_button(scope: tuple[Table, ScopePane]) -> None:
    table, pane = scope
    QTest.mouseClick(pane.controls.more, LEFT)
    QTest.mouseClick(pane.controls.more, LEFT)
    assert pane.picture.common_gain == pytest.approx(2.0)
    QTest.mouseClick(pane.controls.fit, LEFT)
    assert pane.picture.common_gain == 1.0
    table.desk.undo.undo()
    assert pane.picture.common_gain == pytest.approx(2.0)
    QTest.mouseClick(pane.controls.less, LEFT)
    assert pane.picture.common_gain == pytest.approx(2**0.5)


def test_actions_name_their_keys(scope: tuple[Table, ScopePane]) -> None:
    _, pane = scope
    assert {keys for _, _, keys, _ in pane.pane_actions()} == {"T", "A", "+", "-", "C"}


def test_analogue_signals_fill_their_lanes(scope: tuple[Table, ScopePane]) -> None:
    table, pane = scope
    pane.choose_stream("charge")
    table.pull()
    table.pull()
    view = pane.picture.views[pane.picture.rows[0].key]
    # of unit 100 at tick t: 1 + t // 2 spikes so far
    assert (view.low, view.high) == (pytest.approx(400, abs=2), pytest.approx(500, abs=2))
    assert pane.picture.traces is not None
    low, high = pane.picture.traces.extremes(3)
    assert high[1] == pytest.approx(1000 / 3, abs=1)
    assert low[1] == pytest.approx(800 / 3, abs=2)


def test_electrodes_are_appended_and_filtered(scope: tuple[Table, ScopePane]) -> None:
    table, pane = scope
    assert table.desk.client is not None
    table.desk.client.add_probe(Probe("A", ((0.0, 0.0, 0.0), (300.0, 0.0, 0.0)), sigma=100.0))
    table.run_to(1400)
    table.pull()
    assert [r.name for r in pane.picture.rows] == ["cell0", "cell1", "cell2", "LFP A1", "LFP A2"]
    assert not pane.picture.rows[3].digital
    assert pane.picture.traces is not None
    low, high = pane.picture.traces.extremes(5)
    stored = table.desk.client.ring(FIELD_STREAM).ticks(1210, 1400).copy().data
    assert (low[3], high[3]) == (
        pytest.approx(stored[:, 0].min(), rel=1e-4),
        pytest.approx(stored[:, 0].max(), rel=1e-4),
    )
    pane.filter(FilterChoice(FilterKind.HIGH_PASS, 50.0))
    table.pull()
    assert pane.picture.traces is not None
    low, high = pane.picture.traces.extremes(5)
    assert low[3] < 0 < high[3]
    assert "high-pass 50 Hz" in pane._detail.toolTip()


def test_arrangements(scope: tuple[Table, ScopePane]) -> None:
    table, pane = scope
    pane.arrange(Arrangement.BUTTERFLY)
    table.pull()
    assert pane.picture.placed is not None
    assert len(set(pane.picture.placed.offset_px.tolist())) == 1
    pane.arrange(Arrangement.STACKED)
    assert pane.picture.placed is not None
    assert len(set(pane.picture.placed.offset_px.tolist())) == 3


# ---- crosshair, cursors, spans


def test_hovering_sets_the_crosshair_for_all_panes(scope: tuple[Table, ScopePane]) -> None:
    table, pane = scope
    QTest.mouseMove(pane.canvas, QPoint(pane.canvas.width() // 2, 20))
    assert table.desk.view.crosshair_tick == pytest.approx(900, abs=1)
    table.desk.view.set_crosshair(850)
    assert pane.overlay.crosshair == pytest.approx(0.25)


def test_cursors_measure(scope: tuple[Table, ScopePane]) -> None:
    table, pane = scope
    QTest.mouseClick(pane.controls.cursors, LEFT)
    table.pull()
    width = pane.canvas.width()
    start = QPoint(round(pane.cursors.at[1] * width), 50)
    QTest.mousePress(pane.canvas, LEFT, NONE, start)
    QTest.mouseMove(pane.canvas, QPoint(round(0.75 * width), 50))
    QTest.mouseRelease(pane.canvas, LEFT, NONE, QPoint(round(0.75 * width), 50))
    assert pane.cursors.at[1] == pytest.approx(0.75, abs=0.01)
    assert table.desk.selection.ids == ()  # taking hold of a cursor selects nothing
    pane.cursors.at = [0.25, 0.75]
    assert pane.cursors.texts() == ("T", "Δ 100 ms · 10 Hz")


def test_stimuli_and_silences_are_tinted_and_named(scope: tuple[Table, ScopePane]) -> None:
    table, pane = scope
    assert table.desk.client is not None
    table.desk.client.perturb(Perturbation(PerturbationKind.SILENCE, (101,), 1020, 1060))
    table.desk.client.perturb(Perturbation(PerturbationKind.DRIVE, (100,), 1100, 1140, label="train 3"))
    table.run_to(1200)
    labels = {label.text: (label.start, label.stop) for label in pane.overlay.labels}
    assert labels == {"cell1 silenced": (0.1, 0.3), "train 3": (0.5, 0.7)}
    assert pane.picture.traces is not None
    image, axis = pane.picture.traces.image, pane.axis
    background = argb(DARK.window)
    top = image.pixels[0]
    at = {tick: int(top[axis.scale.column_of(tick) % image.n_slots]) for tick in (1010, 1040, 1080, 1120)}
    assert at[1010] == at[1080] == background
    assert len({at[1040], at[1120], background}) == 3


def test_a_release_ends_a_span_and_going_back_takes_it_away() -> None:
    spans = PerturbedSpans()

    def log(tick: int, p: Perturbation) -> None:
        numbers.append(len(numbers))
        spans.add(LogEntry(numbers[-1], tick, 0.0, LogKind.PERTURB, perturbation_to_json(p)))

    numbers: list[int] = []
    log(10, Perturbation(PerturbationKind.SILENCE, (1, 2), 10))
    log(12, Perturbation(PerturbationKind.DRIVE, (3,), 20, 30))
    log(15, Perturbation(PerturbationKind.RELEASE, (1,), 15))
    assert spans.between(100, 200)[0].stop_tick is None  # unit 2 is still silent
    log(40, Perturbation(PerturbationKind.RELEASE, (1, 2), 40))
    assert [(s.start_tick, s.stop_tick) for s in spans.all] == [(10, 40), (20, 30)]
    assert spans.between(30, 40) == (spans.all[0],)
    spans.add(LogEntry(4, 15, 0.0, LogKind.RESTORE, {"tick": 15, "from_tick": 50, "seq": 2}))
    # before the first release; what was planned by then will still come
    assert [(s.start_tick, s.stop_tick) for s in spans.all] == [(10, None), (20, 30)]
    spans.add(LogEntry(5, 0, 0.0, LogKind.RESET, {"seed": 0}))
    assert spans.all == []


# ---- triggered


def test_t_shows_sweeps_around_a_trigger(scope: tuple[Table, ScopePane]) -> None:
    table, pane = scope
    table.desk.select([102])
    QTest.mouseClick(pane.controls.trigger, LEFT)
    settings = table.desk.trigger.settings
    assert settings.condition == UnitRises("spikes", 102)
    assert pane.trigger_row.isVisibleTo(pane)
    table.run_to(3000)
    table.until(lambda: pane.picture.sweeps is not None and pane.picture.sweeps.n_sweeps >= 8)
    sweeps = pane.picture.sweeps
    assert sweeps is not None
    assert sweeps.last_trigger is not None
    assert sweeps.last_trigger % 4 == 0  # when unit 102 comes on
    assert "triggered on cell2 ↑" in pane._detail.toolTip()
    assert "pre 25 %" in pane._detail.toolTip()
    pane.trigger_row.pre.setCurrentIndex(3)
    pane.trigger_row.pre.activated.emit(3)
    assert table.desk.trigger.settings.pre_percent == 50
    QTest.mouseClick(pane.controls.trigger, LEFT)
    table.pull()
    assert pane.picture.sweeps is None
    assert (lit(pane, 1) == expected(pane, 3))[2:-2].all()


def test_sweeps_are_aligned_to_their_triggers(scope: tuple[Table, ScopePane]) -> None:
    table, pane = scope
    table.desk.trigger.set(on=True, condition=UnitRises("spikes", 102), name="cell2 ↑", pre_percent=50)
    table.until(lambda: pane.picture.sweeps is not None and pane.picture.sweeps.n_sweeps >= 4)
    sweeps = pane.picture.sweeps
    assert sweeps is not None
    mean = sweeps._means[0]._average.mean
    t = np.arange(len(mean)) - sweeps.pre_ticks
    assert (mean[:, 2] == (t % 4 == 0)).all()  # what it is triggered on is the same in every sweep


def test_frames_and_bus_words_trigger(scope: tuple[Table, ScopePane]) -> None:
    table, pane = scope
    trigger = table.desk.trigger
    trigger.set(on=True, condition=FrameStarts("frame"), name="frame")
    trigger.search(0, 1000, 10)
    assert trigger.found_since(0).tolist() == [50 * (i + 1) - 1 for i in range(20)]
    trigger.set(condition=FieldsMatch("word", (("address", 300),)), name="address")
    trigger.search(0, 1000, 10)
    assert trigger.found_since(0).tolist() == [300]
    pane.trigger_row.source.setCurrentIndex(pane.trigger_row.source.findText("word address"))
    pane.trigger_row.source.activated.emit(pane.trigger_row.source.currentIndex())
    QTest.mouseClick(pane.trigger_row.value, LEFT)
    pane.trigger_row.value.selectAll()
    QTest.keyClicks(pane.trigger_row.value, "$1F4")
    QTest.keyClick(pane.trigger_row.value, Qt.Key.Key_Return)
    assert trigger.settings.condition == FieldsMatch("word", (("address", 0x1F4),))
    assert trigger.settings.name == "address = $01F4"


def test_a_trigger_holds_off_for_a_sweep_and_a_search_costs_once(scope: tuple[Table, ScopePane]) -> None:
    table, _ = scope
    trigger = table.desk.trigger
    trigger.set(on=True, condition=UnitRises("spikes", 100), name="cell0 ↑")
    trigger.search(500, 1000, 100)
    found = trigger.found_since(0)
    assert (np.diff(found) == 100).all()
    assert len(found) == 10
    run = trigger.run
    trigger.search(500, 1000, 100)
    assert (trigger.run, trigger.n_found) == (run, 10)
    trigger.search(0, 500, 100)  # back in time
    assert trigger.run == run + 1
    assert trigger.found_since(0).max() < 500


def test_another_theme_and_another_channel_list_draw_anew(scope: tuple[Table, ScopePane]) -> None:
    table, pane = scope
    pane.apply_theme(LIGHT)
    table.pull()
    assert pane.picture.traces is not None
    assert int(pane.picture.traces.image.pixels[0, 0]) == argb(LIGHT.window)
    table.desk.set_channels([103, 100])
    table.pull()
    assert [r.name for r in pane.picture.rows] == ["cell3", "cell0"]
    assert (lit(pane, 0) == expected(pane, 5))[2:-2].all()


def test_on_the_processor_sync_triggers(chip_table: Table) -> None:
    pane = ScopePane(chip_table.desk)
    chip_table.lay(pane, 720, 340)
    assert chip_table.desk.description is not None
    ids = chip_table.desk.description.units.id_of_name
    chip_table.desk.set_channels([ids["sync"], ids["alu3"]])
    chip_table.desk.view.set_span(480)
    chip_table.run_to(4000)
    pane.toggle_trigger()
    chip_table.until(lambda: pane.picture.sweeps is not None and pane.picture.sweeps.n_sweeps >= 4)
    assert "triggered on sync ↑ · 20 µs/div · pre 25 %" in pane._detail.toolTip()


# ---- parts


def test_time_axis() -> None:
    axis = TimeAxis(1000, 200, 600)
    assert (axis.start_tick, axis.fraction(900), axis.tick_at(0.5)) == (800, 0.5, 900)
    assert sum(p.width for p in axis.pieces()) == 600
    assert snapped_span(2048, 1000.0) == 2000
    assert snapped_span(3, 1000.0) == 10
    assert snapped_span(700, 0.0) == 500
    assert division_text(477, 2386363.6, "half-cycle") == "20 µs/div"
    assert division_text(200, 0.0, "token") == "20 tokens/div"
    assert bin_text(3.123, 1e6, "tick") == "3.1 µs"
    assert frequency_text(27800, False) == "27.8 kHz"
    assert frequency_text(0.25, True) == "0.25 /tick"


def test_a_feed_takes_what_is_new_once(scope: tuple[Table, ScopePane]) -> None:
    table, _ = scope
    feed = StreamFeed(lambda: table.desk.ring("counts"))  # a sample every four ticks
    first = feed.take(10, 103)
    assert first.restarted
    assert [s.first_tick for s in first.stretches] == [12]
    assert sum(len(s.data) for s in first.stretches) == (100 - 12) // 4
    assert feed.take(10, 103).stretches == ()
    more = feed.take(20, 112)
    assert not more.restarted
    assert [(s.first_tick, len(s.data)) for s in more.stretches] == [(100, 3)]
    skipped = feed.take(900, 1000)
    assert not skipped.restarted
    assert skipped.stretches[0].first_tick == 900
    back = feed.take(10, 100)
    assert back.restarted
    assert back.stretches[0].first_tick == 12
    gone = StreamFeed(lambda: None)
    assert gone.take(0, 10).stretches == ()
    reader = table.desk.ring("counts")
    assert reader is not None
    stretch = samples_of(reader, 10, 30)
    assert stretch is not None
    assert (stretch.first_tick, len(stretch.data)) == (12, 4)
    assert samples_of(reader, 990, 1010) is None


def test_offers(scope: tuple[Table, ScopePane]) -> None:
    table, pane = scope
    assert table.desk.description is not None
    ring = table.desk.ring("spikes")
    assert ring is not None
    offers = trigger_offers(pane.picture.rows, {"spikes": ring.info}, table.desk.description.streams)
    assert [o.name for o in offers] == ["cell0 ↑", "cell1 ↑", "cell2 ↑", "word address", "frame: frame starts"]
    assert first_offer(offers, [102]) == offers[2]
    assert first_offer(offers, []) == offers[0]
    assert first_offer([], []) is None
    assert with_value(offers[3], "no number") is None
    assert with_value(offers[0], "whatever") is offers[0]
    choice = TriggerChoice(table.desk.ring)
    told = []
    choice.listen(lambda: told.append(choice.version))
    choice.set(pre_percent=50)
    choice.set(pre_percent=50)
    assert told == [1]


def test_a_running_filter_is_the_filter_of_the_whole() -> None:
    rng = np.random.default_rng(3)
    data = rng.normal(size=(500, 2)).astype(np.float32)
    choice = FilterChoice(FilterKind.LOW_PASS, 50.0)
    whole = RunningFilter(choice, 1000.0).apply(data)
    running = RunningFilter(choice, 1000.0)
    parts = np.concatenate([running.apply(part) for part in np.split(data, [7, 100, 101])])
    np.testing.assert_allclose(parts, whole, rtol=1e-5, atol=1e-6)
    level = RunningFilter(choice, 1000.0).apply(np.full((50, 1), 7.0, np.float32))
    np.testing.assert_allclose(level, 7.0, rtol=1e-5)  # settled from the beginning
    tone = np.sin(2 * np.pi * 50 * np.arange(4000) / 1000)[:, None].astype(np.float32)
    left = RunningFilter(FilterChoice(FilterKind.NOTCH, 50.0), 1000.0).apply(tone)[2000:]
    assert np.abs(left).max() < 0.01
    assert RunningFilter(FilterChoice(), 1000.0).apply(data) is data
    assert all(f < 450 for f in cutoffs(1000.0))
    assert cutoffs(1000.0)[0] == 200.0


@pytest.mark.parametrize("space", ["um", "schematic"])
def test_by_depth_lanes_follow_the_map(qtbot: QtBot, space: str) -> None:
    y = np.array([30.0, 0.0, 70.0, 20.0])
    units = UnitTable.build(np.arange(4), [f"u{i}" for i in range(4)], x=np.arange(4.0), y=y)
    info = StreamInfo("s", "", StreamKind.UNITS, np.dtype(np.uint8), (1,), 1, unit_ids=np.arange(4), packed=True)
    canvas = MapCanvas()
    qtbot.addWidget(canvas)
    canvas.resize(200, 300)
    canvas.set_units(map_units(units), space)
    assert canvas.picture is not None
    on_map = canvas.picture.view.to_pixels(np.stack([np.arange(4.0), y], axis=1))[:, 1]
    rows = unit_rows(units, range(4), info, space, DARK)
    lanes = place(rows, [RowView()] * 4, Arrangement.BY_DEPTH, 300).label_px
    assert lanes.argsort().tolist() == on_map.argsort().tolist()
    # gaps are the map's too
    assert np.corrcoef(lanes, on_map)[0, 1] == pytest.approx(1.0)


def test_lanes() -> None:
    rows = [
        ScopeRow(key=str(i), name=str(i), colour="#FFFFFF", stream="s", channel=i, digital=i < 2, depth=depth)
        for i, depth in enumerate((100.0, 0.0, float("nan")))
    ]
    views = [RowView(), RowView(gain=2.0, shift=0.5), fitted(-2.0, 2.0, RowView())]
    stacked = place(rows, views, Arrangement.STACKED, 300)
    assert stacked.label_px.tolist() == [50, 100, 250]
    # halfway between off and on lies in the middle of the lane
    assert stacked.offset_px[0] - 0.5 * stacked.gain_px[0] == pytest.approx(50)
    assert stacked.gain_px[1] == pytest.approx(2 * stacked.gain_px[0])
    assert stacked.offset_px[2] == pytest.approx(250)
    assert place(rows, views, Arrangement.BY_DEPTH, 300).label_px.tolist() == [150, 0, 250]
    assert fitted(np.inf, -np.inf, RowView()) == RowView()
    assert fitted(5.0, 5.0, RowView()) == RowView(1.0, 0.0, 4.5, 5.5)
    assert scaled_gain(1.0, 100) == 64.0
    assert place([], [], Arrangement.STACKED, 300).offset_px.shape == (0,)


def test_names_do_not_cover_one_another() -> None:
    places = spread(np.array([50.0, 51.0, 52.0, 10.0]), 13.0, 200)
    assert (np.diff(np.sort(places)) >= 13).all()
    assert np.argsort(places).tolist() == [3, 0, 1, 2]
    tight = np.array([1.0, 2.0, 3.0])
    assert spread(tight, 13.0, 20).tolist() == tight.tolist()
    low = spread(np.array([195.0, 196.0]), 13.0, 200)
    assert low.max() <= 200


def test_the_intact_twin_shows_behind_where_it_differs(cell_table: Table) -> None:
    desk = cell_table.desk
    pane = ScopePane(desk)
    cell_table.lay(pane, 700, 300)
    desk.channels.set([103])
    desk.view.set_span(500)
    desk.do(lambda c: c.set_twin(True))
    cell_table.run_to(200)
    muted = pane.colours.muted.rgba()

    def n_muted() -> int:
        assert pane.picture.traces is not None
        return int((pane.picture.traces.image.pixels == muted).sum())

    assert n_muted() == 0  # in step: the subject's own trace hides it
    desk.do(lambda c: c.perturb(Perturbation(PerturbationKind.SILENCE, (103,), 210, 300)))
    cell_table.run_to(400)
    assert n_muted() > 0
    desk.do(lambda c: c.set_twin(False))
    cell_table.run_to(410)
    assert n_muted() == 0
