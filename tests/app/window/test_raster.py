"""The raster under a hand; and its parts without a window."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest

from app.theme import DARK, LIGHT, argb
from app.window.figures import grouped
from app.window.raster import RasterPane
from app.window.raster_rows import ChannelTable, Order, Rows, blocks, correlations, ordered
from app.window.raster_spikes import Digitiser, byte_mask, spikes_by_sample
from app.window.raster_units import RasterUnits
from rig.perturbation import Perturbation, PerturbationKind
from rig.streams import StreamInfo, StreamKind
from rig.trigger import UnitRises
from rig.units import UnitTable

if TYPE_CHECKING:
    from tests.app.window.conftest import Table

LEFT, NONE, CTRL = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ControlModifier
SPAN = 200
N_UNITS = 16  # of the model cell: unit 100 + i spikes where t mod (i + 2) = 0, and even i are front/left


@pytest.fixture
def raster(cell_table: Table) -> tuple[Table, RasterPane]:
    pane = RasterPane(cell_table.desk)
    cell_table.lay(pane, 720, 280)
    cell_table.desk.view.set_span(SPAN)
    cell_table.run_to(1000)
    return cell_table, pane


def counted(pane: RasterPane, channel: int) -> list[int]:
    """Ticks of the spikes that the picture holds for a channel, by the columns in which they lie."""
    assert pane.picture is not None
    axis, columns = pane.axis, pane.picture.columns
    found = []
    for tick in range(axis.start_tick, axis.stop_tick):
        found += [tick] * int(columns.counts[channel, axis.scale.column_of(tick) % columns.n_slots])
    return found


def test_spikes_lie_where_they_are(raster: tuple[Table, RasterPane]) -> None:
    _, pane = raster
    for channel in (0, 1, 5, 15):
        assert counted(pane, channel) == [t for t in range(800, 1000) if t % (channel + 2) == 0]
    assert pane._detail.text().startswith(f"{N_UNITS} units by region · bins ")


def test_they_are_painted_in_their_regions_rows(raster: tuple[Table, RasterPane]) -> None:
    _, pane = raster
    p = pane.picture
    assert p is not None
    colour = argb(DARK.regions[0])
    for row in (0, 7, 15):
        period = int(p.rows[row]) + 2
        y = int((row + 0.4) * p.height / N_UNITS)
        for tick in (840, 901, 960):
            x = pane.axis.scale.column_of(tick) % p.columns.n_slots
            assert (int(p.image.pixels[y, x]) == colour) == (tick % period == 0)


def test_it_follows_looks_back_and_begins_again(raster: tuple[Table, RasterPane]) -> None:
    table, pane = raster
    picture = pane.picture
    table.run_to(1010)
    assert pane.picture is picture
    assert counted(pane, 3) == [t for t in range(810, 1010) if t % 5 == 0]
    table.desk.view.look_at(400)
    table.pull()
    assert counted(pane, 3) == [t for t in range(200, 400) if t % 5 == 0]
    table.desk.view.go_live()
    assert table.desk.client is not None
    table.desk.client.reset(0)
    table.run_to(50)
    assert counted(pane, 3) == [t for t in range(1, 50) if t % 5 == 0]  # the first sample is preceded by none


def test_which_rows_and_in_which_order(raster: tuple[Table, RasterPane]) -> None:
    table, pane = raster
    p = pane.picture
    assert p is not None
    pane.choose_order(Order.RATE)
    assert p.rows.tolist() == list(range(N_UNITS))  # the shorter the period, the more spikes
    table.desk.set_channels([105, 102])
    pane.choose_rows(Rows.LISTED)
    assert sorted(p.rows.tolist()) == [2, 5]
    table.desk.set_channels([107])
    assert p.rows.tolist() == [7]
    pane.choose_rows(Rows.SELECTED)
    table.pull()
    assert "Select units" in pane.overlay.hint
    table.desk.select([110, 104])
    table.pull()
    assert pane.overlay.hint == ""
    assert sorted(p.rows.tolist()) == [4, 10]
    assert [b.text for b in pane.labels.blocks] == ["cell4", "cell10"]


def test_correlation_puts_the_most_alike_first(raster: tuple[Table, RasterPane]) -> None:
    table, pane = raster
    pane.choose_order(Order.CORRELATION)
    table.pull()
    assert "select one" in pane._detail.toolTip()
    table.desk.select([104])
    table.pull()
    assert pane.picture is not None
    assert pane.picture.rows[0] == 4
    assert 10 in pane.picture.rows[:4]  # a period of 12 beside one of 6
    assert "16 units by correlation" in pane._detail.toolTip()


def test_a_click_selects_the_unit_of_the_row(raster: tuple[Table, RasterPane]) -> None:
    table, pane = raster
    pane.choose_order(Order.RATE)
    row_height = pane.canvas.height() / N_UNITS
    QTest.mouseClick(pane.canvas, LEFT, NONE, QPoint(200, round(3.5 * row_height)))
    assert table.desk.selection.ids == (103,)
    QTest.mouseClick(pane.canvas, LEFT, CTRL, QPoint(200, round(6.5 * row_height)))
    assert table.desk.selection.ids == (103, 106)
    table.desk.undo.undo()
    assert table.desk.selection.ids == (103,)


def test_a_click_on_a_name_selects_its_units(raster: tuple[Table, RasterPane]) -> None:
    table, pane = raster
    at = QPointF(40, float(pane.labels.centres()[2]))
    QTest.mouseClick(pane.labels, LEFT, NONE, at.toPoint())
    assert table.desk.selection.ids == (102,)


def test_the_crosshair_is_shared(raster: tuple[Table, RasterPane]) -> None:
    table, pane = raster
    QTest.mouseMove(pane.canvas, QPoint(pane.canvas.width() // 4, 30))
    assert table.desk.view.crosshair_tick == pytest.approx(850, abs=1)


def test_a_silence_shows_in_spikes_tint_and_name(raster: tuple[Table, RasterPane]) -> None:
    table, pane = raster
    assert table.desk.client is not None
    table.desk.client.perturb(Perturbation(PerturbationKind.SILENCE, (100,), 1050, 1150))
    table.run_to(1200)
    assert counted(pane, 0) == [t for t in range(1000, 1200) if t % 2 == 0 and not 1050 <= t < 1150]
    assert [(b.text, b.start, b.stop) for b in pane.overlay.labels] == [("cell0 silenced", 0.25, 0.75)]
    assert pane.picture is not None
    p, pixels = pane.picture, pane.picture.image.pixels
    y = p.height - 1  # below the last row's spikes
    inside, outside = (pixels[y, pane.axis.scale.column_of(t) % p.columns.n_slots] for t in (1101, 1021))
    assert inside != outside


def test_around_triggers_it_shows_trials_and_their_mean(raster: tuple[Table, RasterPane]) -> None:
    table, pane = raster
    table.desk.select([103])
    table.desk.trigger.set(on=True, condition=UnitRises("spikes", 103), name="cell3 ↑", pre_percent=50)
    assert pane.histogram.isVisibleTo(pane)
    table.until(lambda: pane.trials is not None and pane.trials.n_trials >= 4)
    t = pane.trials
    assert t is not None
    # of the unit itself: a spike at the trigger, and every five ticks before and after it
    spikes = t._spikes._sum / t.n_trials
    assert (spikes == (np.arange(-100, 100) % 5 == 0)).all()
    assert t.rates().sum() * t.bin_ticks == pytest.approx(spikes.sum(), rel=0.01)
    table.until(lambda: pane._detail.toolTip().startswith(f"cell3 around cell3 ↑ · {t.n_trials} trials"))
    assert pane.histogram.top_text == "500 spikes/s a unit"  # one in every bin of 2 ms that has one
    table.desk.trigger.set(on=False)
    table.pull()
    assert not pane.histogram.isVisibleTo(pane)
    assert counted(pane, 3) == [t for t in range(800, 1000) if t % 5 == 0]


def test_a_theme_and_another_layout_draw_anew(raster: tuple[Table, RasterPane]) -> None:
    table, pane = raster
    pane.apply_theme(LIGHT)
    table.pull()
    assert pane.picture is not None
    assert int(pane.picture.image.pixels[-1, 0]) in (argb(LIGHT.window), argb(LIGHT.panel))
    assert table.desk.client is not None
    table.desk.client.watch("spikes", [104, 105])
    table.run_to(1100)
    table.pull()
    assert pane.picture is not None
    assert len(pane.picture.rows) == 2
    table.desk.client.watch("spikes", [])
    table.pull()
    table.pull()
    assert "Nobody watches" in pane.overlay.hint


def test_the_processors_regions_are_named(chip_table: Table) -> None:
    pane = RasterPane(chip_table.desk)
    chip_table.lay(pane, 720, 280)
    chip_table.run_to(3000)
    texts = [b.text for b in pane.labels.blocks]
    assert {"ALU", "decode", "registers"} <= set(texts)
    assert len(texts) == len(set(texts))
    assert chip_table.desk.description is not None
    units = chip_table.desk.description.units
    assert pane._detail.text().startswith(f"{grouped(units.kind.count('node'))} units by region")
    place = texts.index("ALU")
    QTest.mouseClick(pane.labels, LEFT, NONE, QPoint(40, round(float(pane.labels.centres()[place]))))
    regions = {units.region[r].split("/")[0] for r in units.rows(chip_table.desk.selection.array()).tolist()}
    assert regions == {"ALU"}


# ---- parts


def table_of(n: int, regions: list[str], space: str = "um") -> ChannelTable:
    units = UnitTable.build(list(range(n)), [f"u{i}" for i in range(n)], regions, y=np.arange(n)[::-1].astype(float))
    info = StreamInfo(
        "s", "", StreamKind.UNITS, np.dtype(np.uint8), ((n + 7) // 8,), 1, unit_ids=np.arange(n), packed=True
    )
    return ChannelTable.of(units, info, space, DARK)


def test_orders() -> None:
    table = table_of(5, ["b/x", "a", "", "b/y", "a"])
    channels, counts = np.arange(5), np.zeros((5, 40), np.uint8)
    counts[3, ::2] = 1
    counts[1, ::2] = 1
    counts[1, 5] = 1
    assert ordered(Order.REGION, channels, table, counts, None).tolist() == [0, 3, 1, 4, 2]
    assert ordered(Order.DEPTH, channels, table, counts, None).tolist() == [0, 1, 2, 3, 4]
    schematic = table_of(5, ["a"] * 5, "schematic")  # y grows downwards on its map
    assert ordered(Order.DEPTH, channels, schematic, counts, None).tolist() == [4, 3, 2, 1, 0]
    assert ordered(Order.RATE, channels, table, counts, None).tolist()[:2] == [1, 3]
    assert ordered(Order.CORRELATION, channels, table, counts, 3).tolist()[:2] == [3, 1]
    assert ordered(Order.CORRELATION, channels, table, counts, None).tolist() == [0, 3, 1, 4, 2]
    expected = np.corrcoef(counts[[1, 3]])[0, 1]
    assert correlations(counts, counts[3])[1] == pytest.approx(expected, rel=1e-5)
    assert correlations(counts, counts[3])[0] == -1


def test_blocks_name_units_regions_or_ends() -> None:
    few = table_of(3, ["a", "a", "b"])
    assert [b.text for b in blocks(Order.REGION, np.arange(3), few)] == ["u0", "u1", "u2"]
    many = table_of(60, ["a"] * 20 + ["b"] * 30 + [""] * 10)
    found = blocks(Order.REGION, np.arange(60), many)
    assert [(b.text, b.start, b.stop) for b in found] == [("a", 0, 20), ("b", 20, 50), ("other", 50, 60)]
    assert [b.text for b in blocks(Order.RATE, np.arange(60), many)] == ["most spikes", "fewest"]


def test_spikes_by_sample_counts_what_rises() -> None:
    rng = np.random.default_rng(7)
    bits = rng.integers(0, 2, (50, 70)).astype(np.uint8)
    packed = np.packbits(bits, axis=1, bitorder="little")
    channels = np.array([0, 3, 64, 69])
    counts = spikes_by_sample(packed[1:], byte_mask(channels, packed.shape[1]), packed[0])
    wanted = ((bits[1:] == 1) & (bits[:-1] == 0))[:, channels].sum(axis=1)
    assert counts.tolist() == wanted.tolist()
    assert spikes_by_sample(packed, byte_mask(channels, packed.shape[1]), None)[0] == 0


def test_graded_activity_becomes_bits() -> None:
    def info(dtype: str) -> StreamInfo:
        return StreamInfo("s", "", StreamKind.UNITS, np.dtype(dtype), (3,), 1, unit_ids=np.arange(3))

    counts = Digitiser(info("<u2")).bits(np.array([[0, 1, 5], [2, 0, 0]], np.uint16))
    assert counts.tolist() == [[0b110], [0b001]]
    values = np.zeros((100, 3), np.float32)
    values[50, 1] = 10
    graded = Digitiser(info("<f4"))
    assert np.flatnonzero(graded.bits(values)[:, 0]).tolist() == [50]
    assert graded.bits(np.full((1, 3), 0.5, np.float32)).tolist() == [[0b101]]  # above what those never were
    assert graded.text


def test_units_are_found_by_their_signals() -> None:
    units = UnitTable.build([1, 2, 3], ["a", "b", "t"], ["x", "y", "y"], signal_id=[1, 2, 1])
    info = StreamInfo("s", "", StreamKind.UNITS, np.dtype(np.uint8), (1,), 1, unit_ids=np.array([1, 2]), packed=True)
    found = RasterUnits(units, info, "um", DARK)
    assert found.channels([3, 1]).tolist() == [0]
    assert found.trial_channels([]).tolist() == [0, 1]
    assert found.reference([2, 1]) == 1
    assert found.rows(Rows.LISTED, [2], []).tolist() == [1]
    assert found.colour(np.array([0]), "#123456") == DARK.regions[0]
    assert found.colour(np.array([0, 1]), "#123456") == "#123456"
