"""The spectrogram under a hand; and its parts without a window."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest

from app.draw.spectrogram_image import FrequencyRows
from app.draw.spectrum import SpectrumPlan
from app.theme import DARK, LIGHT
from app.window.spectrogram import SpectrogramPane
from app.window.spectrogram_picture import Scale, SpectrogramChoice, frequency_marks
from app.window.spectrogram_source import Of, SourceValues, chosen, sources
from rig.perturbation import Perturbation, PerturbationKind
from rig.probe import Probe

if TYPE_CHECKING:
    from tests.app.window.conftest import Table

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def spectrogram(cell_table: Table) -> tuple[Table, SpectrogramPane]:
    pane = SpectrogramPane(cell_table.desk)
    cell_table.lay(pane, 720, 220)
    cell_table.desk.view.set_span(2000)
    cell_table.run_to(4000)
    return cell_table, pane


def peak_hz(pane: SpectrogramPane) -> float:
    """Where the mean spectrum is highest, 0 Hz left out."""
    assert pane.picture is not None
    return float(pane.picture.plan.frequencies_hz[1:][pane.picture.mean.density[1:].argmax()])


def test_it_begins_with_the_rate_of_all_units(spectrogram: tuple[Table, SpectrogramPane]) -> None:
    table, pane = spectrogram
    assert pane.picture is not None
    assert pane.picture.source.of is Of.POPULATION
    assert pane._detail.toolTip().startswith("population rate · Hann 64 · 50 % · log f")
    assert pane.picture.n_spectra > 50
    ring = table.desk.ring("spikes")
    assert ring is not None
    bits = ring.ticks(2000, 3000).copy().unpacked().astype(int)
    rises = ((bits[1:] == 1) & (bits[:-1] == 0)).sum(axis=1)
    values = SourceValues(pane.picture.source, ring.info)
    taken = np.concatenate(
        [values.take(2000 + a, ring.ticks(2000 + a, 2000 + b).copy().data) for a, b in ((0, 7), (7, 1000))]
    )
    assert taken[1:].tolist() == rises.tolist()


def test_a_selected_units_line_lies_at_its_frequency(spectrogram: tuple[Table, SpectrogramPane]) -> None:
    table, pane = spectrogram
    table.desk.select([108])  # once in ten ticks of a millisecond
    pane.choose_source(str(Of.UNIT))
    pane.choose(length=256)
    table.pull()
    assert pane.picture is not None
    assert pane.picture.source.name == "cell8"
    assert peak_hz(pane) % 100 == pytest.approx(0, abs=4) or peak_hz(pane) % 100 == pytest.approx(100, abs=4)
    row = pane.picture.rows.row_of(100.0)
    other = pane.picture.rows.row_of(150.0)
    assert row is not None
    assert other is not None
    levels = pane.picture.levels_db()
    assert levels[row] > levels[other] + 20
    table.desk.select([106])  # the choice follows the selection
    table.pull()
    assert pane.picture is not None
    assert pane.picture.source.name == "cell6"
    table.desk.select([])  # and falls back to what there always is
    table.pull()
    assert pane.picture is not None
    assert pane.picture.source.of is Of.POPULATION


def test_electrodes_come_first(spectrogram: tuple[Table, SpectrogramPane]) -> None:
    table, pane = spectrogram
    assert table.desk.client is not None
    table.desk.client.add_probe(Probe("A", ((0.0, 0.0, 0.0), (300.0, 0.0, 0.0)), sigma=100.0))
    table.desk.select([103])
    table.run_to(8000)
    table.pull()
    assert [s.name for s in pane.offered] == ["LFP A1", "LFP A2", "cell3", "population rate"]
    assert [a.text() for a in pane.source_menu.actions()] == [s.name for s in pane.offered]
    pane.source_menu.actions()[0].trigger()
    table.pull()
    assert pane.picture is not None
    assert pane.picture.source.name == "LFP A1"
    assert pane.source_button.text() == "LFP A1 ▾"
    assert pane.picture.n_spectra > 0


def test_scales_windows_overlap_and_levels(spectrogram: tuple[Table, SpectrogramPane]) -> None:
    table, pane = spectrogram
    pane.choose(scale=Scale.LINEAR, length=512, overlap_percent=75, range_db=40)
    table.pull()
    p = pane.picture
    assert p is not None
    assert (p.plan.length, p.plan.hop) == (512, 128)
    assert (p.rows.edges_hz[0], p.rows.edges_hz[-1]) == (500, 0)
    assert p.high_db - p.low_db == pytest.approx(40)
    assert "Hann 512 · 75 % · linear f" in pane._detail.toolTip()
    assert pane.frequency_at(0.5) == pytest.approx(250, abs=5)
    pane.choose(length=4096)
    table.pull()
    assert "longer than the time on show" in pane._detail.toolTip()


def test_spectra_lie_in_time_where_their_samples_are(spectrogram: tuple[Table, SpectrogramPane]) -> None:
    table, pane = spectrogram
    assert table.desk.client is not None
    table.desk.select([100])
    pane.choose_source(str(Of.UNIT))
    table.desk.client.perturb(Perturbation(PerturbationKind.SILENCE, (100,), 5000, 6000))
    table.run_to(6000)
    table.pull()
    p = pane.picture
    assert p is not None
    levels = p.image._density[:, -1]
    newest = pane.axis.scale.last_column(6000)

    def level(tick: int) -> float:
        column = pane.axis.scale.column_of(tick)
        assert column <= newest
        return float(levels[column % p.image.n_slots])

    assert level(4800) > 1e6 * max(level(5200), 1e-12)  # half the rate of samples is where it fires
    assert [b.text for b in pane.overlay.labels] == ["cell0 silenced"]


def test_looking_back_reads_the_ring_again(spectrogram: tuple[Table, SpectrogramPane]) -> None:
    table, pane = spectrogram
    p = pane.picture
    assert p is not None
    table.desk.view.look_at(3000)
    table.pull()
    assert pane.picture is p
    assert p.image.newest == pane.axis.scale.last_column(3000)
    left = p.image.pixels[:, pane.axis.scale.column_of(1000) % p.image.n_slots]
    assert (left != pane.colours.unknown).any()  # spectra of samples before the border reach into the window
    assert table.desk.client is not None
    table.desk.view.go_live()
    table.desk.client.reset(0)
    table.run_to(600)
    assert p.image.newest == pane.axis.scale.last_column(600)


def test_the_crosshair_and_the_frequency_under_the_pointer(spectrogram: tuple[Table, SpectrogramPane]) -> None:
    table, pane = spectrogram
    QTest.mouseMove(pane.canvas, QPoint(pane.canvas.width() // 2, pane.canvas.height() // 2))
    assert table.desk.view.crosshair_tick == pytest.approx(3000, abs=4)
    found = pane.frequency_at(0.5)
    assert found == pytest.approx(np.sqrt(1000 / 64 * 500), rel=0.05)  # the middle of a logarithmic scale
    assert not pane.grab().isNull()


def test_the_mean_spectrum_is_at_the_side(spectrogram: tuple[Table, SpectrogramPane]) -> None:
    table, pane = spectrogram
    pane.choose(length=128)
    table.pull()
    p = pane.picture
    assert p is not None
    levels = p.levels_db()
    np.testing.assert_array_equal(pane.side.levels_db, levels)
    points = pane.side.curve(levels).toList()
    assert len(points) == np.isfinite(levels).sum()
    # the highest level reaches furthest to the left, at the height of its row
    loudest = int(np.nanargmax(levels))
    leftmost = min(points, key=lambda at: at.x())
    assert leftmost.y() == pytest.approx((loudest + 0.5) / len(levels) * pane.side.height())
    shown = pane.side.grab().toImage()
    accent = QColor(DARK.accent)
    y = round(leftmost.y())
    assert any(shown.pixelColor(x, y) == accent for x in range(round(leftmost.x()) - 1, round(leftmost.x()) + 2))
    pane.apply_theme(LIGHT)
    table.pull()
    assert pane.picture is not p


def test_on_the_processor_frequencies_are_in_its_own_time(chip_table: Table) -> None:
    pane = SpectrogramPane(chip_table.desk)
    chip_table.lay(pane, 720, 220)
    assert chip_table.desk.description is not None
    units = chip_table.desk.description.units
    chip_table.desk.select([units.id_of_name["clk2out"]])
    pane.choose_source(str(Of.UNIT))
    chip_table.desk.view.set_span(4800)
    chip_table.run_to(6000)
    chip_table.pull()
    # a clock is on in every other half-cycle
    assert peak_hz(pane) == pytest.approx(chip_table.desk.description.info.tick_hz / 2, rel=0.01)


# ---- parts


def test_marks_are_round_and_few() -> None:
    plan = SpectrumPlan(1000.0, 256, 128)
    log = FrequencyRows.between(plan, 100, 4.0, 500.0, True)
    assert frequency_marks(log, 10) == (5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0)
    assert frequency_marks(log, 3) == (10.0, 100.0)
    linear = FrequencyRows.between(plan, 100, 0.0, 500.0)
    assert frequency_marks(linear, 6) == (0.0, 100.0, 200.0, 300.0, 400.0, 500.0)
    assert frequency_marks(linear, 3) == (0.0, 200.0, 400.0)


def test_an_automatic_window_suits_the_time_on_show() -> None:
    choice = SpectrogramChoice()
    assert choice.samples(100) == 64
    assert choice.samples(2386) == 128
    assert choice.samples(24 * 2048) == 2048
    assert choice.samples(1 << 30) == 16384
    assert SpectrogramChoice(length=512).samples(100) == 512


def test_there_is_always_a_source_while_units_are_watched(spectrogram: tuple[Table, SpectrogramPane]) -> None:
    table, _ = spectrogram
    assert table.desk.description is not None
    units = table.desk.description.units
    assert sources(units, None, None, None, [100]) == ()
    assert chosen((), "population") is None
    ring = table.desk.ring("spikes")
    assert ring is not None
    offered = sources(units, ring.info, ring.info, None, [101, 102])
    assert [s.name for s in offered] == ["cell1", "population rate"]
    assert chosen(offered, "LFP A1") == offered[-1]
    counts = table.desk.ring("counts")
    assert counts is not None
    mean = SourceValues(offered[-1], counts.info).take(0, np.arange(32, dtype=np.uint16).reshape(2, 16))
    assert mean.tolist() == [7.5, 23.5]
