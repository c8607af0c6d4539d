"""A hand on the timeline drags back beyond the rings while the subject runs and is recorded."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

import app.window.desk
from app.theme import DARK
from app.window.behaviour import BehaviourPane
from app.window.desk import Opening
from app.window.raster import RasterPane
from app.window.scope import ScopePane
from app.window.shown_data import shown_data
from app.window.spectrogram import SpectrogramPane
from app.window.timeline import TimelinePane
from rig.perturbation import Perturbation, PerturbationKind
from rig.process.client import RigClient
from rig.process.protocol import State
from rig.storage.recording import Recording
from tests.app.window.conftest import Table

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
SPAN = 200


@pytest.fixture
def rig(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> Table:
    """Panes over rings that hold a quarter of a million ticks."""
    monkeypatch.setattr(app.window.desk.RigClient, "start", partial(RigClient.start, ring_bytes=1 << 20))
    table = Table(qtbot, Opening("model-cell", {}))
    for make in (ScopePane, RasterPane, SpectrogramPane, BehaviourPane, TimelinePane):
        table.lay(make(table.desk), 720, 300)
    table.desk.set_channels([100, 101, 103])
    table.desk.view.set_span(SPAN)
    yield table
    table.desk.close()


def drag(bar: object, from_tick: int, to_tick: int) -> None:
    """By the left button, over the timeline."""
    places = [QPoint(bar._x(t), 20) for t in (from_tick, (from_tick + to_tick) // 2, to_tick)]
    QTest.mousePress(bar, LEFT, NONE, places[0])
    for place in places[1:]:
        QTest.mouseMove(bar, place)
    QTest.mouseRelease(bar, LEFT, NONE, places[-1])


def test_dragging_back_shows_every_pane_as_it_was(rig: Table, tmp_path: Path) -> None:
    table, desk = rig, rig.desk
    scope, raster, spectrogram, behaviour, timeline = table.panes
    client = desk.client
    assert client is not None
    client.start_recording(tmp_path / "run.rig")
    client.perturb(Perturbation(PerturbationKind.SILENCE, (103,), 20_000, 20_500))
    client.set_speed(200_000)
    client.run()
    table.until(lambda: client.ring("spikes").span().first_tick > 30_000, 60_000)
    drag(timeline.bar, desk.tick, 20_300)
    at = desk.view.bounds(0)[1]
    assert at < 30_000  # as near as a pixel of the timeline takes one
    table.pull()
    assert scope.overlay.notice.startswith("deriving")
    assert "deriving" in timeline._detail.text()
    desk.view.look_at(20_300)
    table.until(lambda: desk.past.notice == "" and scope.overlay.notice == "")
    assert client.status.state is State.RUNNING
    assert client.status.recorder is not None
    # raster
    p = raster.picture
    found = [
        t
        for t in range(20_100, 20_300)
        for _ in range(int(p.columns.counts[1, raster.axis.scale.column_of(t) % p.columns.n_slots]))
    ]
    assert found == [t for t in range(20_100, 20_300) if t % 3 == 0]
    silenced = p.columns.counts[3, [raster.axis.scale.column_of(t) % p.columns.n_slots for t in range(20_100, 20_300)]]
    assert not silenced.any()
    # screen, and what a file of the scope's samples holds
    image = behaviour.picture.image
    rows = [row for block in shown_data(scope).blocks() for row in block]
    n_spectra = len(list(shown_data(spectrogram).blocks()))
    client.stop_recording()
    client.pause()
    assert image is not None
    with Recording.open(tmp_path / "run.rig") as recording:
        assert recording.gaps("spikes") == ()
        frame = recording.read("frame", 20_200, 20_300).data[-1]
        bits = recording.read("spikes", 20_100, 20_300).unpacked()[:, [0, 1, 3]]
    height, width = frame.shape[:2]
    grey = [[image.pixelColor(x, y).red() for x in range(width)] for y in range(height)]
    shown = np.array(grey)
    assert (shown > shown.min()).tolist() == (frame > frame.min()).tolist()
    assert [row[0] for row in rows] == list(range(20_100, 20_300))
    assert [list(row[-3:]) for row in rows] == bits.tolist()
    assert n_spectra > 0
    assert any("snapshots of this run are kept" in timeline.bar.toolTip() for _ in (0,))


def test_going_live_again_and_rewinding_forget_it(rig: Table) -> None:
    table, desk = rig, rig.desk
    scope = table.panes[0]
    client = desk.client
    assert client is not None
    table.run_to(1000)
    client.perturb(Perturbation(PerturbationKind.STUCK_ON, (100,), 1000))
    table.run_to(1400)
    client.watch("spikes", [100, 101, 103])
    table.run_to(1500)
    desk.view.look_at(1300)
    table.until(lambda: desk.past.notice == "" and desk.shown_ring("spikes") is not desk.ring("spikes"))
    lesioned = desk.shown_ring("spikes").ticks(1100, 1300).copy().unpacked()
    assert lesioned[:, 0].all()
    desk.view.go_live()
    table.pull()
    assert desk.shown_ring("spikes") is desk.ring("spikes")
    client.rewind(900)
    client.watch("spikes", [100, 101])
    table.run_to(1500)
    desk.view.look_at(1300)
    table.until(lambda: desk.past.notice == "" and scope.overlay.notice == "")
    intact = desk.shown_ring("spikes").ticks(1100, 1300).copy()
    assert (intact.unpacked()[:, 0] == (intact.ticks % 2 == 0)).all()


def test_a_theme_changes_nothing_of_it(rig: Table) -> None:
    table = rig
    table.run_to(500)
    table.desk.client.watch("spikes", [101])
    table.run_to(600)
    table.desk.view.look_at(400)
    for pane in table.panes:
        if hasattr(pane, "apply_theme"):
            pane.apply_theme(DARK)
    table.until(lambda: table.desk.past.notice == "")
    assert table.panes[0].overlay.notice == ""
