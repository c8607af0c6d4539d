"""The watch list under a hand: what it shows, reordering, removing, watching, and how it keeps step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import QRectF, Qt
from PySide6.QtTest import QTest

from app.window.watch_list import EMPTY, WatchListPane
from app.window.watch_model import reordered, watchable
from app.window.watch_rows import curve_points
from rig.perturbation import Perturbation, PerturbationKind
from rig.units import UnitTable

if TYPE_CHECKING:
    from tests.app.window.conftest import Table

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
SHIFT, CTRL, ALT = (
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.AltModifier,
)


@pytest.fixture
def cell(cell_table: Table) -> tuple[Table, WatchListPane]:
    pane = WatchListPane(cell_table.desk)
    cell_table.lay(pane)
    return cell_table, pane


def click(pane: WatchListPane, row: int, modifiers: Qt.KeyboardModifier = NONE) -> None:
    index = pane.model.index(row)
    QTest.mouseClick(pane.list.viewport(), LEFT, modifiers, pane.list.visualRect(index).center())


def chosen_rows(pane: WatchListPane) -> list[int]:
    return sorted(i.row() for i in pane.list.selectionModel().selectedIndexes())


def test_it_begins_with_the_oscilloscopes_channels(cell: tuple[Table, WatchListPane]) -> None:
    table, pane = cell
    assert pane.model.ids == table.desk.channels.ids
    assert len(pane.model.ids) == 12
    assert pane.model.index(0).data() == "cell0"
    assert pane._detail.text() == "12 of 16 · spikes/s"


def test_a_click_selects_and_the_selection_is_followed(cell: tuple[Table, WatchListPane]) -> None:
    table, pane = cell
    click(pane, 2)
    assert table.desk.selection.ids == (pane.model.ids[2],)
    click(pane, 4, SHIFT)
    assert table.desk.selection.ids == pane.model.ids[2:5]
    table.desk.select([pane.model.ids[7], 115])
    assert chosen_rows(pane) == [7]
    table.desk.undo.undo()
    assert chosen_rows(pane) == [2, 3, 4]


def test_delete_removes_and_undo_brings_back(cell: tuple[Table, WatchListPane]) -> None:
    table, pane = cell
    before = pane.model.ids
    click(pane, 1)
    click(pane, 3, CTRL)
    QTest.keyClick(pane.list, Qt.Key.Key_Delete)
    kept = tuple(u for i, u in enumerate(before) if i not in (1, 3))
    assert table.desk.channels.ids == kept == pane.model.ids
    QTest.keyClick(pane.list, Qt.Key.Key_Delete)  # what follows is current: again and again
    assert len(table.desk.channels.ids) == 9
    while table.desk.channels.ids != before:
        assert table.desk.undo.canUndo()
        table.desk.undo.undo()
    assert pane.model.ids == before


def test_alt_and_arrows_move(cell: tuple[Table, WatchListPane]) -> None:
    table, pane = cell
    ids = list(table.desk.channels.ids)
    click(pane, 1)
    click(pane, 2, CTRL)
    QTest.keyClick(pane.list, Qt.Key.Key_Up, ALT)
    assert list(table.desk.channels.ids) == [ids[1], ids[2], ids[0], *ids[3:]]
    assert chosen_rows(pane) == [0, 1]
    QTest.keyClick(pane.list, Qt.Key.Key_Up, ALT)
    assert chosen_rows(pane) == [0, 1]
    QTest.keyClick(pane.list, Qt.Key.Key_Down, ALT)
    assert list(table.desk.channels.ids) == ids


def test_rows_dropped_elsewhere_are_reordered(cell: tuple[Table, WatchListPane]) -> None:
    table, pane = cell
    ids = list(table.desk.channels.ids)
    data = pane.model.mimeData([pane.model.index(0), pane.model.index(2)])
    accepted = pane.model.dropMimeData(data, Qt.DropAction.MoveAction, 5, 0, pane.model.index(-1))
    assert not accepted  # the view must not take the old rows away itself
    assert list(table.desk.channels.ids) == [ids[1], ids[3], ids[4], ids[0], ids[2], *ids[5:]]
    assert table.desk.undo.undoText() == "reorder channels"


def test_the_selection_is_watched_and_no_longer(cell: tuple[Table, WatchListPane]) -> None:
    table, pane = cell
    missing = [u for u in range(100, 116) if u not in table.desk.channels]
    table.desk.select([missing[0], table.desk.channels.ids[0], missing[1]])
    pane.watch_selection()
    assert table.desk.channels.ids[-2:] == (missing[0], missing[1])
    assert len(table.desk.channels) == 14
    assert pane._detail.text().startswith("14 of 16")
    pane.unwatch_selection()
    assert len(table.desk.channels) == 11


def test_nothing_selected_is_told(cell: tuple[Table, WatchListPane]) -> None:
    table, pane = cell
    table.desk.select([])
    pane.watch_selection()
    assert "select units on the map" in table.said[-1]
    table.desk.select([table.desk.channels.ids[0]])
    pane.watch_selection()
    assert "watched already" in table.said[-1]


def test_an_empty_list_says_what_to_do(cell: tuple[Table, WatchListPane]) -> None:
    table, pane = cell
    table.desk.set_channels(())
    assert pane.hint.isVisible()
    assert pane.hint.text() == EMPTY
    table.desk.undo.undo()
    assert pane.list.isVisible()


def test_rows_show_rate_and_curve_and_what_is_done(cell: tuple[Table, WatchListPane]) -> None:
    table, pane = cell
    table.desk.do(lambda c: c.perturb(Perturbation(PerturbationKind.SILENCE, (102,), 0)))
    table.desk.do(lambda c: c.perturb(Perturbation(PerturbationKind.REMOVE, (103,), 0)))
    place = {u: i for i, u in enumerate(pane.model.ids)}
    table.run_to(3000)
    table.until(lambda: pane._live.estimate is not None and pane._live.estimate.n_bins > 0)
    free, silenced, lesioned = (pane._row_at(place[u]) for u in (100, 102, 103))
    assert free is not None
    assert silenced is not None
    assert lesioned is not None
    assert (free.name, free.rate, free.state) == ("cell0", "500", None)  # a period of 2 at 1000 ticks a second
    assert free.curve[-1] == pytest.approx(0.5, abs=0.01)
    assert (silenced.rate, silenced.state and silenced.state.name) == ("0.0", "SILENCED")
    assert (lesioned.rate, lesioned.state and lesioned.state.name) == ("0.0", "LESIONED")
    image = pane.grab().toImage()
    violet = [
        image.pixelColor(x, y) for x in range(140) for y in range(image.height()) if _is_violet(image.pixelColor(x, y))
    ]
    assert len(violet) > 20


def _is_violet(colour: object) -> bool:
    hue, saturation = colour.hslHue(), colour.hslSaturation()  # type: ignore[attr-defined]
    return 250 < hue < 275 and saturation > 120


def test_channels_are_sorted_by_rate_and_name(cell: tuple[Table, WatchListPane]) -> None:
    table, pane = cell
    table.desk.set_channels([107, 100, 111, 103])
    table.run_to(2000)
    table.pull()
    pane.sort("rate")
    assert table.desk.channels.ids == (100, 103, 107, 111)
    pane.sort("name")
    assert table.desk.channels.ids == (100, 111, 103, 107)  # cell0, cell11, cell3, cell7
    pane.sort("region")
    assert table.desk.channels.ids == (100, 111, 103, 107)


def test_transistors_are_watched_by_their_gates(chip_table: Table) -> None:
    pane = WatchListPane(chip_table.desk)
    chip_table.lay(pane)
    assert chip_table.desk.description is not None
    units = chip_table.desk.description.units
    transistor = next(int(u) for u, k in zip(units.unit_id, units.kind, strict=True) if k == "transistor")
    gate = int(units.signal_id[int(units.rows([transistor])[0])])
    chip_table.desk.set_channels(())
    chip_table.desk.select([transistor])
    pane.watch_selection()
    assert chip_table.desk.channels.ids == (gate,)
    assert pane._detail.text().endswith("· spikes/ms")


# ---- parts


@pytest.mark.parametrize(
    ("moved", "before", "order"),
    [
        ([0], 3, "bcade"),
        ([3, 1], 0, "bdace"),
        ([1, 3], 5, "acebd"),
        ([2], 2, "abcde"),
        ([0, 1, 2, 3, 4], 2, "abcde"),
    ],
)
def test_reordering_keeps_everything_in_order(moved: list[int], before: int, order: str) -> None:
    ids = [ord(c) for c in "abcde"]
    assert "".join(map(chr, reordered(ids, moved, before))) == order


def test_what_carries_no_signal_is_not_watched() -> None:
    units = UnitTable.build([1, 2, 30, 31, 32], list("abtuv"), signal_id=[1, 2, 2, 77, 1])
    carried = np.array([1, 2])
    assert watchable(units, carried, [30, 2, 31, 32, 999]) == [2, 1]


def test_curves_end_at_the_right_and_stand_on_the_ground() -> None:
    area = QRectF(10, 5, 47, 20)  # a pixel a bin
    points = curve_points(np.array([0, 2, 1], np.float32), area)
    assert [v for p in points.toList() for v in (p.x(), p.y())] == pytest.approx([55, 25, 56, 5, 57, 15])
    assert curve_points(np.array([3], np.float32), area).isEmpty()
    assert [p.y() for p in curve_points(np.zeros(4, np.float32), area).toList()] == [25] * 4
