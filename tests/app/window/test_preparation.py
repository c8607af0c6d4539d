"""The preparation pane under a hand: picking, panning, searching, probes; and its parts without a window."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QAction, QKeySequence, QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.theme import DARK, LIGHT
from app.window.map_kernels import halve
from app.window.map_picture import MapPicture
from app.window.preparation import CAPTION, PreparationPane
from app.window.preparation_geometry import (
    length_text,
    map_units,
    nice_length,
    rows_in_box,
    rows_within,
    typical_pitch,
)
from app.window.preparation_search import find_units
from app.window.probes import Shaft, free_name, moved, nearest_probe, shaft_of
from app.window.region_model import RegionForest
from rig.errors import SpecError, UnknownUnitError
from rig.field import FIELD_STREAM
from rig.perturbation import Perturbation, PerturbationKind
from rig.probe import Probe
from rig.units import Outlines, UnitTable

if TYPE_CHECKING:
    from tests.app.window.conftest import Table

LEFT, RIGHT, MIDDLE = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton, Qt.MouseButton.MiddleButton
SHIFT, CTRL, ALT = (
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.AltModifier,
)
NONE = Qt.KeyboardModifier.NoModifier


@pytest.fixture
def cell(cell_table: Table) -> tuple[Table, PreparationPane]:
    pane = PreparationPane(cell_table.desk)
    cell_table.lay(pane)
    return cell_table, pane


def place(pane: PreparationPane, unit_id: int) -> QPoint:
    """Where a unit lies on the map."""
    picture = pane.map.picture
    assert picture is not None
    units = picture.shown.units
    row = int(units.rows([unit_id])[0])
    x, y = picture.view.to_pixels(np.array([[units.x[row], units.y[row]]]))[0]
    return QPoint(math.floor(x + 0.5), math.floor(y + 0.5))  # halves always up: differences stay what they are


def drag(
    pane: PreparationPane,
    path: list[QPoint],
    button: Qt.MouseButton = LEFT,
    modifiers: Qt.KeyboardModifier = NONE,
    release: bool = True,
) -> None:
    """Press at the first point, move through the others, release at the last."""
    QTest.mousePress(pane.map, button, modifiers, path[0])
    for point in path[1:]:
        # QTest moves the pointer without its buttons
        QApplication.sendEvent(
            pane.map,
            QMouseEvent(
                QMouseEvent.Type.MouseMove,
                QPointF(point),
                pane.map.mapToGlobal(QPointF(point)),
                Qt.MouseButton.NoButton,
                button,
                modifiers,
            ),
        )
    if release:
        QTest.mouseRelease(pane.map, button, modifiers, path[-1])


# ---- picking


def test_header_says_how_many_units_and_how_many_are_selected(cell: tuple[Table, PreparationPane]) -> None:
    table, pane = cell
    assert pane._detail.text() == "16 units"
    table.desk.select([101, 102])
    assert pane._detail.text() == "2 of 16 selected"


def test_a_click_selects_shift_adds_control_turns_and_nothing_empties(cell: tuple[Table, PreparationPane]) -> None:
    table, pane = cell
    QTest.mouseClick(pane.map, LEFT, NONE, place(pane, 103))
    assert table.desk.selection.ids == (103,)
    QTest.mouseClick(pane.map, LEFT, SHIFT, place(pane, 105))
    assert table.desk.selection.ids == (103, 105)
    QTest.mouseClick(pane.map, LEFT, CTRL, place(pane, 103))
    assert table.desk.selection.ids == (105,)
    QTest.mouseClick(pane.map, LEFT, NONE, QPoint(pane.map.width() // 2, 4))
    assert table.desk.selection.ids == ()
    table.desk.undo.undo()
    assert table.desk.selection.ids == (105,)


def test_a_drag_selects_what_lies_in_its_rectangle(cell: tuple[Table, PreparationPane]) -> None:
    table, pane = cell
    first, last = place(pane, 104), place(pane, 107)
    drag(pane, [first - QPoint(3, 30), first, last + QPoint(3, 30)])
    assert table.desk.selection.ids == (104, 105, 106, 107)


def test_alt_and_a_drag_is_a_lasso(cell: tuple[Table, PreparationPane]) -> None:
    table, pane = cell
    a, b = place(pane, 108), place(pane, 110)
    path = [a + QPoint(-4, 30), b + QPoint(4, 30), b + QPoint(4, -30), a + QPoint(-4, -30)]
    drag(pane, path, modifiers=ALT)
    assert table.desk.selection.ids == (108, 109, 110)


@pytest.mark.parametrize("button", [MIDDLE, RIGHT])
def test_another_button_pans(cell: tuple[Table, PreparationPane], button: Qt.MouseButton) -> None:
    table, pane = cell
    before = place(pane, 103)
    drag(pane, [QPoint(50, 50), QPoint(60, 55), QPoint(80, 65)], button)
    assert place(pane, 103) - before == QPoint(30, 15)
    assert table.desk.selection.ids == ()


def test_space_alone_is_what_it_is_everywhere(cell: tuple[Table, PreparationPane]) -> None:
    _, pane = cell
    action = QAction(pane)
    action.setShortcut(QKeySequence(Qt.Key.Key_Space))
    pane.addAction(action)
    pressed: list[bool] = []
    action.triggered.connect(lambda: pressed.append(True))
    pane.map.setFocus()
    QTest.keyClick(pane.map, Qt.Key.Key_Space)
    assert pressed == [True]


def test_space_and_a_drag_pans(cell: tuple[Table, PreparationPane]) -> None:
    _, pane = cell
    before = place(pane, 103)
    pane.map.setFocus()
    QTest.keyPress(pane.map, Qt.Key.Key_Space)
    drag(pane, [QPoint(50, 50), QPoint(60, 50), QPoint(70, 50)])
    QTest.keyRelease(pane.map, Qt.Key.Key_Space)
    assert place(pane, 103) - before == QPoint(20, 0)


def test_the_wheel_zooms_about_the_pointer_and_a_double_click_fits(cell: tuple[Table, PreparationPane]) -> None:
    _, pane = cell
    assert pane.map.picture is not None
    at, other = place(pane, 104), place(pane, 110)
    scale = pane.map.picture.view.scale
    wheel = QWheelEvent(
        QPointF(at), pane.map.mapToGlobal(QPointF(at)), QPoint(), QPoint(0, 240),
        Qt.MouseButton.NoButton, NONE, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(pane.map, wheel)
    assert pane.map.picture.view.scale == pytest.approx(scale * 1.25**2)
    assert (place(pane, 104) - at).manhattanLength() <= 1
    assert (place(pane, 110) - other).x() > 20
    QTest.mouseDClick(pane.map, LEFT, NONE, QPoint(20, 8))
    assert pane.map.picture.view.scale == scale


def test_the_pointer_names_the_unit_its_rate_and_region(cell: tuple[Table, PreparationPane]) -> None:
    table, pane = cell
    table.run_to(400)
    table.pull()
    assert pane.caption.text() == CAPTION
    QTest.mouseMove(pane.map, place(pane, 102))
    assert pane.caption.text().startswith("cell2 · 2")  # 250 spikes a second: period 4 of a millisecond each
    assert "/s" in pane.caption.text()


# ---- what the map shows


def pixel_at(pane: PreparationPane, unit_id: int) -> str:
    picture = pane.map.picture
    assert picture is not None
    return picture.image().pixelColor(place(pane, unit_id)).name()


def test_active_units_glow(cell: tuple[Table, PreparationPane]) -> None:
    table, pane = cell
    still = pixel_at(pane, 100)
    assert still == pixel_at(pane, 115)
    table.run_to(500)
    table.pull()
    table.pull()  # every second turn paints

    def brightness(unit_id: int) -> int:
        name = pixel_at(pane, unit_id)
        return sum(int(name[i : i + 2], 16) for i in (1, 3, 5))

    assert pixel_at(pane, 100) != still
    assert brightness(100) > brightness(107) > brightness(115)  # periods 2, 9, 17


def test_held_and_lesioned_units_wear_their_colours(cell: tuple[Table, PreparationPane]) -> None:
    table, pane = cell
    for kind, unit in (
        (PerturbationKind.DRIVE, 101),
        (PerturbationKind.SILENCE, 104),
        (PerturbationKind.REMOVE, 107),
    ):
        table.desk.do(lambda c, k=kind, u=unit: c.perturb(Perturbation(k, (u,), 0)))
    table.run_to(50)
    table.until(lambda: len(pane._live.states.of) == 3)
    assert pixel_at(pane, 101) == DARK.stimulus.lower()
    assert pixel_at(pane, 104) == DARK.silence.lower()
    assert pixel_at(pane, 107) == "#000000"
    assert len(pane.map.layers.struck) == 1


def test_a_theme_changes_the_ground(cell: tuple[Table, PreparationPane]) -> None:
    _, pane = cell
    assert pane.map.picture is not None
    pane.apply_theme(LIGHT)
    assert pane.map.picture.image().pixelColor(2, 2).name() == LIGHT.window.lower()


def test_names_appear_when_there_is_room_for_them(cell: tuple[Table, PreparationPane]) -> None:
    _, pane = cell
    assert pane.map.picture is not None
    at = place(pane, 104)

    def n_bright() -> int:
        image = pane.map.grab().toImage()
        area = [(x, y) for x in range(at.x() - 20, at.x() + 20) for y in range(at.y() - 8, at.y() + 8)]
        return sum(image.pixelColor(x, y).lightness() > 130 for x, y in area)

    assert n_bright() == 0  # cells that stand still are dark
    pane.map.picture.zoom(6, at.x(), at.y())
    assert n_bright() > 20


def test_without_a_subject_the_pane_says_what_to_do(cell: tuple[Table, PreparationPane]) -> None:
    table, pane = cell
    table.desk.close()
    assert pane.map.picture is None
    assert pane._detail.text() == ""
    assert not pane.search.field.isEnabled()
    assert not pane.probe_button.isEnabled()
    pane.grab()


# ---- search and regions


def test_typing_narrows_and_enter_selects(cell: tuple[Table, PreparationPane]) -> None:
    table, pane = cell
    {n: act for n, _, _, act in pane.pane_actions()}["find"]()
    QTest.keyClicks(pane.search.field, "cell1*")
    assert "7 units" in pane.search.line.text()
    tree = pane.tree
    assert tree.counts == [7, 3, 4]  # front; left: 10, 12, 14; right: 1, 11, 13, 15
    assert table.desk.selection.ids == ()
    QTest.keyClick(pane.search.field, Qt.Key.Key_Return)
    assert table.desk.selection.ids == (101, 110, 111, 112, 113, 114, 115)
    assert pane.search.field.text() == ""
    assert tree.counts == [16, 8, 8]


def test_a_search_that_finds_nothing_says_so_in_one_line(cell: tuple[Table, PreparationPane]) -> None:
    table, pane = cell
    QTest.keyClicks(pane.search.field, "zebra")
    assert pane.search.line.isVisible()
    assert "zebra" in pane.search.line.text()
    assert "\n" not in pane.search.line.text()
    QTest.keyClick(pane.search.field, Qt.Key.Key_Return)
    assert table.desk.selection.ids == ()
    QTest.keyClick(pane.search.field, Qt.Key.Key_Escape)
    assert not pane.search.line.isVisible()


def test_a_region_that_lacks_what_is_sought_is_hidden(cell: tuple[Table, PreparationPane]) -> None:
    _, pane = cell
    front = pane.tree.model().index(0, 0)
    pane.tree.collapse(front)
    pane.search.field.setText("region:front/left")
    assert pane.tree.isExpanded(front)
    assert [pane.tree.isRowHidden(k, front) for k in (0, 1)] == [False, True]
    pane.search.field.clear()
    assert [pane.tree.isRowHidden(k, front) for k in (0, 1)] == [False, False]
    assert not pane.tree.isExpanded(front)


def test_a_click_on_a_region_selects_it_and_control_adds(cell: tuple[Table, PreparationPane]) -> None:
    table, pane = cell
    front = pane.tree.model().index(0, 0)
    left, right = (pane.tree.model().index(k, 0, front) for k in (0, 1))
    pane.tree.expandAll()
    QTest.mouseClick(pane.tree.viewport(), LEFT, NONE, pane.tree.visualRect(left).center())
    assert table.desk.selection.ids == tuple(range(100, 116, 2))
    QTest.mouseClick(pane.tree.viewport(), LEFT, CTRL, pane.tree.visualRect(right).center())
    assert set(table.desk.selection.ids) == set(range(100, 116))
    table.desk.select([100])
    assert pane.tree.selectionModel().selectedIndexes() == []


def test_a_double_click_on_a_region_looks_at_it(cell: tuple[Table, PreparationPane]) -> None:
    _, pane = cell
    assert pane.map.picture is not None
    pane.map.picture.zoom(8, 10, 10)
    pane.tree.looked_at.emit(pane.tree.region_at(pane.tree.model().index(0, 0)))
    assert 0 <= place(pane, 100).x() < place(pane, 115).x() < pane.map.width()


def test_bars_tell_regions_apart(cell: tuple[Table, PreparationPane]) -> None:
    table, pane = cell
    table.run_to(2000)
    table.until(lambda: bool(pane.tree.levels.any()) or bool(table.run_to(table.desk.tick + 50)))
    front, left, right = pane.tree.levels.tolist()
    assert left == 1.0  # even cells have the shorter periods
    assert 0 < right < front < left


# ---- probes


def test_a_probe_is_dropped_where_the_map_is_clicked(cell: tuple[Table, PreparationPane], qtbot: QtBot) -> None:
    table, pane = cell
    {n: act for n, _, _, act in pane.pane_actions()}["probe"]()
    assert pane.map.layers.ghost is not None
    QTest.mouseClick(pane.map, LEFT, NONE, place(pane, 105))
    table.until(lambda: len(pane.probes.placed.probes) == 1)
    (probe,) = pane.probes.placed.probes
    assert (probe.name, len(probe.electrodes), probe.sigma) == ("A", 8, 300.0)
    x, y, _ = np.mean(probe.electrodes, axis=0)
    assert x == pytest.approx(500, abs=10)
    assert y == pytest.approx(0, abs=10)
    assert probe.electrodes[0][1] > probe.electrodes[-1][1]  # electrode 1 is the upper one
    assert table.desk.selection.ids == ()
    assert pane.map.layers.ghost is None
    # and its field can be seen
    assert table.desk.client is not None
    table.run_to(64)
    field = table.desk.client.ring(FIELD_STREAM).ticks(0, 64).copy().data
    assert field.shape == (64, 8)
    assert field.any()


def test_escape_drops_no_probe(cell: tuple[Table, PreparationPane]) -> None:
    table, pane = cell
    pane.probe_button.click()
    QTest.keyClick(pane.map, Qt.Key.Key_Escape)
    QTest.mouseClick(pane.map, LEFT, NONE, place(pane, 105))
    assert pane.probes.placed.probes == ()
    assert table.desk.selection.ids == (105,)


def put_probe(table: Table, pane: PreparationPane, unit_id: int, n: int = 1) -> Probe:
    pane.probe_button.click()
    QTest.mouseClick(pane.map, LEFT, NONE, place(pane, unit_id))
    table.until(lambda: len(pane.probes.placed.probes) == n)
    return pane.probes.placed.probes[-1]


def test_a_probe_is_dragged(cell: tuple[Table, PreparationPane]) -> None:
    table, pane = cell
    before = put_probe(table, pane, 105)
    start, stop = place(pane, 105), place(pane, 109)
    drag(pane, [start, start + QPoint(10, 0), stop])
    table.until(lambda: pane.probes.placed.probes[0] != before)
    shift = np.array(pane.probes.placed.probes[0].electrodes) - np.array(before.electrodes)
    np.testing.assert_allclose(shift[:, 0], 400, atol=12)
    np.testing.assert_allclose(shift[:, 1:], 0, atol=1e-9)


def test_a_probe_is_set_by_its_form(cell: tuple[Table, PreparationPane]) -> None:
    table, pane = cell
    put_probe(table, pane, 105)
    QTest.mouseClick(pane.map, LEFT, NONE, place(pane, 105))
    form = pane.probes.form
    assert form.isVisible()
    form.n.setValue(3)
    form.pitch.setValue(50)
    form.sigma.setValue(120)
    form.name.setText("deep")
    form.name.editingFinished.emit()
    table.until(lambda: pane.probes.placed.probes[0].name == "deep")
    (probe,) = pane.probes.placed.probes
    assert probe.sigma == 120
    assert probe.channel_names == ("deep1", "deep2", "deep3")
    assert np.diff(np.array(probe.electrodes)[:, 1]).tolist() == pytest.approx([-50, -50])
    form.removed.emit()
    table.until(lambda: pane.probes.placed.probes == ())
    assert not form.isVisible()


def test_a_name_that_cannot_be_is_refused_in_the_form(cell: tuple[Table, PreparationPane]) -> None:
    table, pane = cell
    put_probe(table, pane, 103)
    put_probe(table, pane, 110, n=2)
    assert [p.name for p in pane.probes.placed.probes] == ["A", "B"]
    pane.probes.open_form(1)
    for name, why in (("A", "there is a probe A"), ("no good", "letters, digits")):
        pane.probes.form.name.setText(name)
        pane.probes.form.name.editingFinished.emit()
        assert why in pane.probes.form.error.text()
    table.pull()
    assert [p.name for p in pane.probes.placed.probes] == ["A", "B"]


def test_while_recording_probes_stay_and_the_desk_says_why(
    cell: tuple[Table, PreparationPane], tmp_path_factory: pytest.TempPathFactory
) -> None:
    table, pane = cell
    before = put_probe(table, pane, 105)
    folder = tmp_path_factory.mktemp("run") / "a.rig"
    table.desk.do(lambda c: c.start_recording(folder))
    start = place(pane, 105)
    drag(pane, [start, start + QPoint(20, 0), start + QPoint(40, 0)])
    table.desk.do(lambda c: c.stop_recording())
    table.pull()
    assert pane.probes.placed.probes == (before,)
    assert any("record" in line for line in table.said)


def test_time_turned_back_starts_the_estimate_anew(cell: tuple[Table, PreparationPane]) -> None:
    table, pane = cell
    table.run_to(500)
    estimate = pane._live.estimate
    assert estimate is not None
    assert estimate.rate.any()
    table.desk.do(lambda c: c.reset(0))
    table.run_to(1)
    assert pane._live.estimate is estimate
    assert not estimate.rate.any()  # one sample of the new time says nothing yet


def test_looking_back_shows_the_stretch_on_show(cell: tuple[Table, PreparationPane]) -> None:
    table, pane = cell
    table.desk.do(lambda c: c.perturb(Perturbation(PerturbationKind.SILENCE, (100,), 1000, 2000)))
    table.run_to(4000)
    now = pane._live.estimate
    assert now is not None
    table.desk.view.set_span(400)
    rates = {}
    for stop_tick in (900, 1800, 2200):
        table.desk.view.look_at(stop_tick)
        table.pull()
        estimate = pane._live.estimate
        assert estimate is not None
        assert estimate is not now
        rates[stop_tick] = estimate.rate[:2].tolist()
    # cell 0 spikes every second tick, cell 1 every third; 399 of 400 ticks have one before them on show
    assert rates[900] == pytest.approx([0.5, 1 / 3], abs=2 / 399)
    assert rates[1800] == pytest.approx([0, 1 / 3], abs=2 / 399)
    assert rates[2200] == pytest.approx([0.25, 1 / 3], abs=2 / 399)
    curve = estimate.curve(0)
    assert curve[:23].tolist() == [0] * 23
    assert (curve[25:] > 0.3).all()
    table.desk.view.go_live()
    table.pull()
    assert pane._live.estimate is now


def test_looking_back_further_than_the_ring_reaches_shows_what_there_is(cell: tuple[Table, PreparationPane]) -> None:
    table, pane = cell
    table.run_to(100)
    table.desk.view.set_span(1000)
    table.desk.view.look_at(50)
    table.pull()
    estimate = pane._live.estimate
    assert estimate is not None
    assert estimate.rate[0] == pytest.approx(0.5, abs=0.02)


# ---- the chip


def test_the_chip_is_drawn_as_its_mask_and_a_region_selects_nodes(chip_table: Table) -> None:
    pane = PreparationPane(chip_table.desk)
    chip_table.lay(pane)
    picture = pane.map.picture
    assert picture is not None
    assert len(picture.shown.units) > 5000
    chip_table.run_to(4000)
    chip_table.pull()
    image = picture.image()
    colours = {image.pixelColor(x, y).name() for x in range(0, image.width(), 3) for y in range(0, image.height(), 3)}
    assert len(colours) > 100
    pane.search.field.setText("region:alu")
    QTest.keyClick(pane.search.field, Qt.Key.Key_Return)
    units = picture.shown.units
    kinds = {units.kind[r] for r in units.rows(chip_table.desk.selection.ids).tolist()}
    assert kinds == {"node", "transistor"}
    alu = next(i for i in range(pane.tree.model().rowCount()) if pane.tree.model().index(i, 0).data() == "ALU")
    index = pane.tree.model().index(alu, 0)
    pane.tree.scrollTo(index)
    QTest.mouseClick(pane.tree.viewport(), LEFT, NONE, pane.tree.visualRect(index).center())
    kinds = {units.kind[r] for r in units.rows(chip_table.desk.selection.ids).tolist()}
    assert kinds == {"node"}  # those that can be recorded


def test_kinds_can_be_taken_off_the_map(chip_table: Table) -> None:
    pane = PreparationPane(chip_table.desk)
    chip_table.lay(pane)
    pane.show_kind("transistor")
    drag(pane, [QPoint(20, 20), QPoint(60, 60), QPoint(220, 200)])
    picture = pane.map.picture
    assert picture is not None
    ids = chip_table.desk.selection.ids
    assert len(ids) > 500
    assert {picture.shown.units.kind[r] for r in picture.shown.units.rows(ids).tolist()} == {"transistor"}


# ---- parts


def grid(nx: int, ny: int, dx: float, dy: float) -> UnitTable:
    x, y = np.meshgrid(np.arange(nx) * dx, np.arange(ny) * dy)
    n = nx * ny
    return UnitTable.build(np.arange(n), [f"u{i}" for i in range(n)], x=x.ravel(), y=y.ravel())


def test_units_without_outline_become_boxes_sized_to_the_spacing() -> None:
    shown = map_units(grid(4, 3, 10, 50))
    assert shown.pitch == (10, 50)
    assert shown.bounds == pytest.approx((-4.2, -21, 34.2, 121), abs=0.01)
    assert shown.real_space


def test_a_row_of_units_gets_a_height() -> None:
    assert typical_pitch(np.stack([np.arange(16) * 100.0, np.zeros(16)], axis=1)) == pytest.approx((100, 210))
    assert typical_pitch(np.zeros((5, 2))) == (1.0, 1.0)


def test_scattered_units_are_spaced_by_their_neighbours() -> None:
    points = np.random.default_rng(1).random((400, 2)) * 1000
    across, down = typical_pitch(points)
    assert across == down
    assert 15 < across < 40


def test_units_without_a_place_are_laid_out_and_take_no_probe() -> None:
    units = UnitTable.build(np.arange(9), [f"u{i}" for i in range(9)], region=["b", "a"] * 4 + ["a"])
    shown = map_units(units)
    assert not shown.real_space
    assert len(np.unique(np.stack([shown.units.x, shown.units.y]), axis=1).T) == 9


def test_own_outlines_stay_and_others_are_added() -> None:
    square = np.array([[0, 0], [4, 0], [4, 4], [0, 4]], np.float32)
    own = Outlines(square, np.array([0, 4]), np.array([1]), np.array([0], np.uint8))
    units = UnitTable.build([1, 2, 3], ["a", "b", "c"], x=[2, 10, np.nan], y=[2, 2, np.nan], outlines=own)
    shown = map_units(units)
    assert shown.units.outlines is not None
    assert shown.units.outlines.unit_id.tolist() == [1, 2]
    assert shown.placed.tolist() == [True, True, False]


def test_box_and_lasso_choose_by_place() -> None:
    units = grid(5, 5, 1, 1)
    assert rows_in_box(units, 3.5, 1.5, 0.5, 0.5).tolist() == [6, 7, 8]
    triangle = np.array([[-0.5, -0.5], [4.6, -0.5], [-0.5, 4.6]])
    inside = rows_within(units, triangle)
    assert inside.tolist() == [r for r in range(25) if r % 5 + r // 5 <= 4]


@pytest.mark.parametrize(("most", "nice"), [(0.7, 0.5), (1, 1), (4.99, 2), (512, 500), (3e-3, 2e-3)])
def test_scales_are_round(most: float, nice: float) -> None:
    assert nice_length(most) == pytest.approx(nice)


def test_lengths_are_told_in_the_space_they_are_of() -> None:
    assert [length_text(v, "um") for v in (20, 500, 2000)] == ["20 µm", "500 µm", "2 mm"]
    assert length_text(5, "schematic") == "5"


def test_search_knows_grammar_names_aliases_and_regions() -> None:
    units = UnitTable.build(
        [1, 2, 3, 4],
        ["alu3", "sync", "t1", "T2"],
        region=["ALU/output", "pads", "ALU/logic", ""],
        kind=["node", "node", "transistor", "transistor"],
        extra={"aliases": np.array(["", "fetch cycle", "", ""])},
    )
    for text, ids in {
        "alu3": [1],
        "ALU": [1, 3],
        "fetch": [2],
        "Sync, t1": [2, 3],
        "kind:transistor": [3, 4],
        "region:alu/logic": [3],
        "t?": [3],
        "#2-3": [2, 3],
        "all": [1, 2, 3, 4],
    }.items():
        assert find_units(text, units).tolist() == ids, text
    with pytest.raises(UnknownUnitError, match="zzz"):
        find_units("alu3, zzz", units)
    with pytest.raises(SpecError):
        find_units(" , ", units)


def test_regions_gather_what_lies_below_them() -> None:
    units = UnitTable.build([1, 2, 3, 4], list("abcd"), region=["x/p", "", "x", "x/q"])
    forest = RegionForest(units)
    assert [r.path for r in forest.all] == ["x", "x/p", "no region", "x/q"]
    assert [r.rows.tolist() for r in forest.all] == [[0, 2, 3], [0], [1], [3]]
    assert [r.label for r in forest.tops] == ["x", "no region"]
    forest.set_carried(np.array([True, False, True, True]))
    assert forest.mean_levels(np.array([1, 9, 2, 6], np.float32)).tolist() == [3, 1, 0, 6]
    assert forest.counts(np.array([True, True, False, False])) == [1, 1, 1, 0]


def test_a_shaft_and_its_probe_are_each_others_inverse() -> None:
    shaft = Shaft("A", 10, 20, 0, 5, 7.5, 300, (0.6, -0.8, 0.0))
    again = shaft_of(shaft.to_probe(), 1.0, (0, -1, 0))
    assert (again.name, again.n, again.sigma) == ("A", 5, 300)
    np.testing.assert_allclose((again.x, again.y, again.pitch, *again.along), (10, 20, 7.5, 0.6, -0.8, 0), atol=1e-12)
    one = Shaft("B", 1, 2, 3, 1, 9, 5, (0, -1, 0))
    assert shaft_of(one.to_probe(), 9, (0, -1, 0)) == one


def test_probes_move_are_found_and_named() -> None:
    probe = Probe("A", ((0, 0, 1), (0, 10, 1)))
    assert moved(probe, 2, -3).electrodes == ((2, -3, 1), (2, 7, 1))
    shafts = [np.array([[0.0, 0.0], [0.0, 50.0]]), np.array([[30.0, 0.0], [30.0, 50.0]])]
    assert nearest_probe(shafts, 3, 25, 5) == 0
    assert nearest_probe(shafts, 29, 53, 5) == 1
    assert nearest_probe(shafts, 15, 25, 5) is None
    assert free_name(()) == "A"
    assert free_name(["A", "C"]) == "B"
    letters = [chr(ord("A") + k) for k in range(26)]
    assert free_name(letters) == "A2"


def test_halving_means_four_pixels() -> None:
    pixels = np.random.default_rng(0).integers(0, 1 << 24, (6, 8)).astype(np.uint32) | np.uint32(0xFF000000)
    out = np.empty((3, 4), np.uint32)
    halve(pixels, out)
    parts = pixels.view(np.uint8).reshape(3, 2, 4, 2, 4).astype(int).sum(axis=(1, 3)) // 4
    assert (out.view(np.uint8).reshape(3, 4, 4) == parts).all()


def test_many_selected_units_stand_out_by_the_others_stepping_back() -> None:
    picture = MapPicture(map_units(grid(20, 20, 10, 10)), DARK, y_up=True)
    picture.set_size(200, 200, 2.0)
    picture.set_levels(np.ones(400, np.float32))
    before = picture.image().copy()
    picture.set_selected(np.arange(200))
    after = picture.image()
    units = picture.shown.units
    places = picture.view.to_pixels(np.stack([units.x[[150, 250]], units.y[[150, 250]]], axis=1)) * 2
    chosen, other = (QPoint(round(x), round(y)) for x, y in places)
    assert after.pixelColor(chosen) == before.pixelColor(chosen)
    assert after.pixelColor(other).lightness() < before.pixelColor(other).lightness() / 2


def test_a_map_keeps_its_middle_when_it_grows() -> None:
    picture = MapPicture(map_units(grid(10, 10, 10, 10)), DARK, y_up=True)
    picture.set_size(100, 100, 1.0)
    picture.zoom(3, 20, 20)
    middle = picture.view.to_space(50, 50)
    picture.set_size(300, 200, 1.0)
    assert picture.view.to_space(150, 100) == pytest.approx(middle)
    picture.fit()
    picture.set_size(200, 300, 1.0)
    x0, y0, x1, y1 = picture.shown.bounds
    corners = picture.view.to_pixels(np.array([[x0, y0], [x1, y1]]))
    assert (corners >= 0).all()
    assert (corners <= [200, 300]).all()
