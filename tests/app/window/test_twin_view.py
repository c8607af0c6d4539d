"""The intact twin beside the subject in every pane, overlaid or subtracted; pictures against a naive drawing."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.theme import DARK, argb
from app.window.behaviour import BehaviourPane
from app.window.raster import RasterPane
from app.window.scope import ScopePane
from app.window.spectrogram import SpectrogramPane
from app.window.transport import Transport
from app.window.twin_view import TwinView
from rig.perturbation import Perturbation, PerturbationKind
from rig.trigger import UnitRises
from tests.app.window.conftest import Table

SPAN = 200
ON_TICK, SILENCED, DRIVEN = 900, (1000, 1060), (1020, 1080)


@pytest.fixture
def lesioned(cell_table: Table) -> Table:
    """Cell 1 (period 3) silenced and cell 5 (period 7) driven for a while, after a twin was put beside them."""
    table = cell_table
    for make in (ScopePane, RasterPane, SpectrogramPane, BehaviourPane):
        table.lay(make(table.desk), 720, 280)
    table.desk.set_channels([101, 105])
    table.desk.view.set_span(SPAN)
    client = table.desk.client
    assert client is not None
    table.run_to(ON_TICK)
    client.set_twin(True)
    client.perturb(Perturbation(PerturbationKind.SILENCE, (101,), *SILENCED))
    client.perturb(Perturbation(PerturbationKind.DRIVE, (105,), *DRIVEN))
    for tick in (980, 1013, 1050, 1100):
        table.run_to(tick)
    table.pull()
    return table


def rises(table: Table, stream: str, channel: int, start: int, stop: int) -> set[int]:
    assert table.desk.client is not None
    samples = table.desk.client.ring(stream).ticks(start - 1, stop).copy()
    on = samples.unpacked()[:, channel].astype(int)
    return set(samples.ticks[1:][np.diff(on) > 0].tolist())


def row_pixels(pane: RasterPane, channel: int, tick: int) -> int:
    p = pane.picture
    assert p is not None
    row = int(np.flatnonzero(p.rows == channel)[0])
    y = int((row + 0.4) * p.height / len(p.rows))
    return int(p.image.pixels[y, pane.axis.scale.column_of(tick) % p.columns.n_slots])


@pytest.mark.parametrize("view", list(TwinView))
def test_the_raster_shows_what_only_one_of_them_does(lesioned: Table, view: TwinView) -> None:
    table, pane = lesioned, lesioned.panes[1]
    table.desk.twin.set(view)
    table.pull()
    grey = argb(DARK.muted)
    p = pane.picture
    assert p is not None
    for channel in (0, 1, 5):
        ours = rises(table, "spikes", channel, 901, 1098)
        theirs = rises(table, "twin.spikes", channel, 901, 1098)
        colour = int(p._pixels[channel])
        expected = {
            TwinView.SUBJECT: (ours, set()),
            TwinView.TWIN: (theirs, set()),
            TwinView.OVERLAY: (ours, theirs - ours),
            TwinView.DIFFERENCE: (ours - theirs, theirs - ours),
        }[view]
        for tick in range(901, 1098):  # three columns of pixels a tick
            pixel = row_pixels(pane, channel, tick)
            assert (pixel == colour) == (tick in expected[0]), (channel, tick)
            assert (pixel == grey) == (tick in expected[1]), (channel, tick)
    # it came in pieces: the same as painted at once
    before = p.image.pixels.copy()
    p.image.repaint()
    newest = p.image.newest
    assert newest is not None
    shown = np.arange(newest + 1 - pane.axis.n_columns, newest + 1) % p.columns.n_slots
    np.testing.assert_array_equal(before[:, shown], p.image.pixels[:, shown])


def test_the_scope_subtracts(lesioned: Table) -> None:
    table, pane = lesioned, lesioned.panes[0]
    table.desk.twin.set(TwinView.DIFFERENCE)
    table.pull()
    traces, columns = pane.picture.traces, pane.picture.traces._columns[0]
    client = table.desk.client
    assert client is not None
    ours, theirs = (client.ring(n).ticks(900, 1100).copy().unpacked()[:, [1, 5]] for n in ("spikes", "twin.spikes"))
    apart = ours != theirs
    assert apart.any(axis=0).all()
    for row in (0, 1):
        for tick in range(905, 1095):
            middle = (pane.axis.scale.column_of(tick) + 1) % traces.image.n_slots  # the second of a tick's columns
            assert columns.high[row, middle] == apart[tick - 900, row], tick
    assert "only what differs" in pane._detail.toolTip()
    pane.choose_stream("charge")
    for _ in range(3):
        table.pull()
    low, high = pane.picture.traces.extremes(2)
    ours, theirs = (client.ring(n).ticks(900, 1100).copy().data[:, [1, 5]] for n in ("charge", "twin.charge"))
    less = ours.astype(float) - theirs.astype(float)
    assert (low.tolist(), high.tolist()) == (less.min(axis=0).tolist(), less.max(axis=0).tolist())


@pytest.fixture
def triggered(lesioned: Table) -> Table:
    """Sweeps of 200 ticks around cell 2, which nobody disturbs; a twin is there for the last of them only."""
    table = lesioned
    table.desk.select([101])
    table.desk.trigger.set(on=True, condition=UnitRises("spikes", 102), name="cell2 ↑", pre_percent=25)
    for tick in (1150, 1200):
        table.run_to(tick)
    raster = table.panes[1]
    table.until(lambda: raster.trials is not None and raster.trials.n_trials >= 5)
    return table


def trials_of(table: Table) -> list[int]:
    """Where the trials that are complete begin, by the rule of the trigger."""
    found = list(range(4, 1050, 4))
    taken = [found[0]]
    for t in found:
        taken += [t] if t - taken[-1] >= SPAN else []
    return [t - SPAN // 4 for t in taken if t >= SPAN // 4]


@pytest.mark.parametrize("view", list(TwinView))
def test_trials_show_what_only_one_of_them_does(triggered: Table, view: TwinView) -> None:
    table, pane = triggered, triggered.panes[1]
    starts = trials_of(table)
    ours = [{t - s for t in rises(table, "spikes", 1, s, s + SPAN)} for s in starts]
    theirs = [{t - s for t in rises(table, "twin.spikes", 1, s, s + SPAN)} if s >= ON_TICK else None for s in starts]
    paired = [(o, t) for o, t in zip(ours, theirs, strict=True) if t is not None]
    assert 0 < len(paired) < len(starts)
    grey = argb(DARK.muted)
    expected = {
        TwinView.SUBJECT: [(o, set()) for o in ours],
        TwinView.TWIN: [(t, set()) for _, t in paired],
        TwinView.OVERLAY: [(o, (t or set()) - o) for o, t in zip(ours, theirs, strict=True)],
        TwinView.DIFFERENCE: [(o - t, t - o) for o, t in paired],
    }[view]
    table.desk.twin.set(view)
    table.pull()
    table.until(
        lambda: pane.trials is not None and pane.trials.n_trials == len(expected) and not pane.trials._n_unpainted
    )
    trials = pane.trials
    assert trials is not None
    colour = int(trials._pixels[0])
    for row, (fore, behind) in enumerate(expected):
        y = int((row + 0.4) * trials.height / len(expected))
        for tick in range(SPAN):
            pixel = int(trials.image.pixels[y, trials.image.columns.scale.column_of(tick)])
            assert (pixel == colour) == (tick in fore), (row, tick)
            assert (pixel == grey) == (tick in behind), (row, tick)
    rates, twin = trials.rates() * trials.bin_ticks, trials.twin_rates()
    n_fore = sum(len(o) for o, _ in expected) / len(expected)
    if view is TwinView.DIFFERENCE:
        n_behind = sum(len(t) for _, t in expected) / len(expected)
        assert rates.sum() == pytest.approx(n_fore - n_behind, abs=1e-9)
        assert pane.histogram.top_text.startswith("±")
    else:
        assert rates.sum() == pytest.approx(n_fore)
    assert (twin is not None) == (view in (TwinView.OVERLAY, TwinView.DIFFERENCE))
    if twin is not None:
        assert twin.sum() * trials.bin_ticks == pytest.approx(sum(len(t) for _, t in paired) / len(paired))
    table.until(lambda: ("twin" in pane._detail.toolTip()) == (view is not TwinView.SUBJECT))


@pytest.mark.parametrize("view", list(TwinView))
def test_sweeps_show_the_twin(triggered: Table, view: TwinView) -> None:
    table, pane = triggered, triggered.panes[0]
    table.desk.twin.set(view)
    table.pull()
    n_paired = sum(s >= ON_TICK for s in trials_of(table))
    n = n_paired if view in (TwinView.TWIN, TwinView.DIFFERENCE) else len(trials_of(table))
    table.until(lambda: pane.picture.sweeps is not None and pane.picture.sweeps.n_sweeps == n)
    for _ in range(4):
        table.pull()  # the last are painted
    sweeps, client = pane.picture.sweeps, table.desk.client
    assert sweeps is not None
    assert client is not None

    def sweeps_of(stream: str, first_tick: int) -> NDArray[np.int64]:
        spans = [(s, s + SPAN) for s in trials_of(table) if s >= first_tick]
        return np.array([client.ring(stream).ticks(*s).copy().unpacked()[:, [1, 5]] for s in spans], np.int64)

    paired, twins = sweeps_of("spikes", ON_TICK), sweeps_of("twin.spikes", ON_TICK)
    expected = {
        TwinView.SUBJECT: [sweeps_of("spikes", 0)],
        TwinView.TWIN: [twins],
        TwinView.OVERLAY: [twins, sweeps_of("spikes", 0)],
        TwinView.DIFFERENCE: [paired ^ twins],
    }[view]
    assert len(sweeps._means) == len(expected)
    for found, wanted in zip(sweeps._means, expected, strict=True):
        np.testing.assert_allclose(found._average.mean, wanted.mean(axis=0)[: SPAN - 1])
    grey = pane.colours.muted.rgba()
    assert any((layer[0] == grey).any() for layer in sweeps.layers()) == (view is TwinView.OVERLAY)
    assert ("twin" in pane._detail.toolTip()) == (view is not TwinView.SUBJECT)


def test_the_spectrogram_tells_decibels_against_the_twin(lesioned: Table) -> None:
    table, pane = lesioned, lesioned.panes[2]
    table.desk.twin.set(TwinView.DIFFERENCE)
    table.pull()
    p = pane.picture
    assert p is not None
    assert p.twin is not None
    image, twin, rows = p.image, p.twin.image, p.rows
    assert image.newest is not None
    n_known = 0
    for column in range(image.newest - 500, image.newest + 1):
        x = column % image.n_slots
        for y in range(0, p.height, 7):
            entries = slice(rows.start[y], rows.start[y + 1])
            pixel = int(image.pixels[y, x])
            if not (image._n[x] and twin._n[x] and column <= min(image._reached, twin._reached)):
                assert pixel == image.style.unknown
                continue
            ours, theirs = (
                10 * np.log10(max(float((rows.weights[entries] * i._density[x, rows.bins[entries]]).sum()), 1e-30))
                for i in (image, twin)
            )
            share = (ours - theirs - image.style.low_db) / (image.style.high_db - image.style.low_db)
            level = int(np.clip(share * 255 + 0.5, 0, 255))
            assert pixel in {int(image.style.colours[min(max(level + d, 0), 255)]) for d in (-1, 0, 1)}
            n_known += 1
    assert n_known > 1000
    assert "more than the twin" in pane._detail.toolTip()
    table.desk.twin.set(TwinView.OVERLAY)
    pane.side.grab()
    table.run_to(1130)
    for _ in range(3):
        table.pull()
    assert len(pane.side.twin_db) == pane.picture.height


def test_the_choice_is_one_for_all(lesioned: Table) -> None:
    table, pane = lesioned, lesioned.panes[3]
    strip = Transport(table.desk)
    try:
        seen = []
        for _ in range(4):
            table.pull()
            seen.append(pane.twin_button.text())
            QTest.mouseClick(pane.twin_button, Qt.MouseButton.LeftButton)
        assert seen == [str(v) for v in TwinView]
        strip.twin_view.menu().actions()[1].trigger()
        assert table.desk.twin.view is TwinView.DIFFERENCE
        assert pane.twin_button.text() == "difference"
        assert strip.twin_view.text() == "difference ▾"
    finally:
        strip.deleteLater()


def test_without_the_twin_the_panes_show_the_subject(lesioned: Table) -> None:
    table = lesioned
    table.desk.twin.set(TwinView.DIFFERENCE)
    table.pull()
    assert table.desk.client is not None
    table.desk.client.set_twin(False)
    table.run_to(1160)
    table.pull()
    raster, spectrogram = table.panes[1], table.panes[2]
    assert raster.picture.twin_view is TwinView.SUBJECT
    assert spectrogram.picture.twin_view is TwinView.SUBJECT
    assert "twin" not in raster._detail.toolTip()
    for tick in range(1100, 1158):
        assert (row_pixels(raster, 1, tick) == int(raster.picture._pixels[1])) == (tick % 3 == 0), tick
