"""A recording on playback: scrubbed by hand, its log told again, re-derived from the window."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMainWindow

from app.theme import DARK
from app.window.desk import Desk, Opening, Pull
from app.window.perturbed_spans import PerturbedSpans
from app.window.playback_bar import PlaybackBar
from app.window.playback_log import during, read_played
from app.window.playback_seek import LEAD_BYTES, Reach
from app.window.recording_facts import offered
from app.window.recording_fields import NAMED, TYPED
from app.window.rederive_sheet import RederiveSheet
from app.window.rederive_worker import carriers
from app.window.unit_states import UnitState, UnitStates
from rig.errors import UnknownUnitError
from rig.log import LogEntry, LogKind
from rig.perturbation import Perturbation, PerturbationKind
from rig.probe import Probe
from rig.process.protocol import State
from rig.session import Session
from rig.storage.recording import Recording
from rig.streams import StreamInfo, StreamKind
from rig.units import UnitTable

START, N_TICKS = 100, 2000
WAIT_MS = 60_000
SILENCED = 107


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """A model cell, ticks 100 to 2100: units 100 to 103, a probe, a silencing and a note."""
    path = tmp_path_factory.mktemp("made") / "cell.rig"
    with Session("model-cell", seed=3) as session:
        session.watch("spikes", [100, 101, 102, 103])
        session.watch("frame")
        session.add_probe(Probe("A", ((200.0, 0.0, 0.0),), sigma=300.0))
        session.advance(START)
        session.start_recording(path)
        session.advance(400)
        session.perturb(Perturbation(PerturbationKind.SILENCE, (SILENCED,), 600, 1200))
        session.advance(500)
        session.note("half way")
        session.advance(N_TICKS - 900)
        session.stop_recording("test")
    return path


class Player:
    """A desk with the recording on it, and the bar."""

    def __init__(self, qtbot, path):
        self.qtbot = qtbot
        self.desk = Desk()
        self.bar = PlaybackBar(self.desk)
        qtbot.addWidget(self.bar)
        self.bar.apply_theme(DARK)
        self.bar.resize(900, 60)
        self.entries = []
        self.desk.logged.connect(self.entries.append)
        with qtbot.waitSignal(self.bar.log.changed, timeout=WAIT_MS):
            self.desk.open(Opening("playback", {"recording": str(path)}))
        self.bar.show()
        qtbot.waitExposed(self.bar)
        self.pull()

    def pull(self):
        self.desk.poll()
        status = self.desk.status
        if status is None:  # the next subject is being opened
            return
        start, stop = self.desk.view.bounds(status.tick)
        self.bar.pull(Pull(status.tick, start, stop, self.desk.view.live, status, 0.016))

    def until(self, condition):
        def turn():
            self.pull()
            return condition()

        self.qtbot.waitUntil(turn, timeout=WAIT_MS)

    def rest(self):
        self.until(lambda: self.bar.seeker.at_rest)

    def at(self, tick):
        return QPoint(round(self.bar.track.x_of(tick)), 20)


@pytest.fixture
def player(qtbot, recorded):
    playing = Player(qtbot, recorded)
    yield playing
    playing.bar.log.stop()
    playing.desk.close()


def test_a_click_goes_there_and_the_rings_hold_what_was_recorded(player, recorded):
    player.desk.view.set_span(200)
    track = player.bar.track
    for tick in (1500, 700, 2000, 350):
        QTest.mouseClick(track, Qt.MouseButton.LeftButton, pos=player.at(tick))
        player.rest()
        now = player.desk.tick
        assert now == track.tick_at(player.at(tick).x())
        assert abs(now - tick) <= 2  # a pixel is two ticks wide
        view = player.desk.ring("spikes").ticks(now - 200, now).copy()
        with Recording.open(recorded) as recording:
            np.testing.assert_array_equal(view.data, recording.read("spikes", now - 200, now).data)
        assert player.desk.status.state is State.PAUSED


def test_a_drag_seeks_both_ways_and_ends_where_the_hand_ends(player):
    track = player.bar.track
    player.desk.view.look_at(300)
    QTest.mousePress(track, Qt.MouseButton.LeftButton, pos=player.at(200))
    for tick in (*range(300, 1900, 100), *range(1800, 500, -100)):
        QTest.mouseMove(track, player.at(tick))
        player.pull()
    QTest.mouseRelease(track, Qt.MouseButton.LeftButton, pos=player.at(600))
    player.rest()
    assert player.desk.tick == track.tick_at(player.at(600).x())
    assert player.desk.view.live  # the panes follow
    assert player.bar.seeker.n_seeks <= 31  # never more than one a move


def test_playing_goes_on_where_the_hand_lets_go(player):
    player.desk.do(lambda c: c.set_speed(200.0))
    player.desk.do(lambda c: c.run())
    player.until(lambda: player.desk.tick > START)
    QTest.mousePress(player.bar.track, Qt.MouseButton.LeftButton, pos=player.at(1000))
    player.until(lambda: player.desk.status.state is State.PAUSED and player.desk.tick >= 990)
    held_at = player.desk.tick
    player.pull()
    assert player.desk.tick == held_at  # while the hand is on it, it stands
    QTest.mouseRelease(player.bar.track, Qt.MouseButton.LeftButton, pos=player.at(1000))
    player.until(lambda: player.desk.status.state is State.RUNNING)
    player.until(lambda: player.desk.tick > held_at)


def test_keys(player):
    track = player.bar.track
    player.desk.view.set_span(100)
    track.setFocus()
    QTest.mouseClick(track, Qt.MouseButton.LeftButton, pos=player.at(1000))
    player.rest()
    here = player.desk.tick
    for key, expected in (
        (Qt.Key.Key_Right, here + 100),
        (Qt.Key.Key_Left, here),
        (Qt.Key.Key_PageUp, START),
        (Qt.Key.Key_End, START + N_TICKS),
        (Qt.Key.Key_PageDown, START + N_TICKS),
        (Qt.Key.Key_Home, START),
    ):
        QTest.keyClick(track, key)
        player.until(lambda expected=expected: player.bar.seeker.at_rest and player.desk.tick == expected)


def test_what_was_done_is_told_again_after_every_seek(player):
    def spans():
        heard = PerturbedSpans()
        for entry in player.entries:
            heard.add(entry)
        return [(s.kind, s.start_tick, s.stop_tick, set(s.unit_ids)) for s in heard.all]

    def state(tick):
        heard = UnitStates()
        for entry in player.entries:
            heard.add(entry)
        heard.update(tick)
        heard.update(tick)  # what passed before the first look shows in it for once
        return heard.of.get(SILENCED)

    once = [(PerturbationKind.SILENCE, 600, 1200, {SILENCED})]
    assert spans() == once
    player.desk.view.set_span(100)
    for tick in (1500, 300, 800, 600, 1250, 1900, START):
        player.bar.seek(tick)
        begin = max(tick - 100, START)
        player.until(lambda tick=tick: player.bar.seeker.at_rest and player.desk.tick == tick)
        # what was over before the stretch that can be looked at is not told
        player.until(lambda begin=begin: spans() == (once if begin < 1200 else []))
        assert (state(tick) is UnitState.SILENCED) == (600 < tick <= 1200)
    n_entries = len(player.desk.entries)
    player.desk.do(lambda c: c.reset(0))
    player.until(lambda: player.desk.tick == START and spans() == once)
    assert len(player.desk.entries) <= n_entries + 2  # telling again does not grow the log
    assert [e.payload["text"] for e in player.bar.log.played.entries if e.kind is LogKind.NOTE] == ["half way"]


def test_recorded_electrodes_are_watched(player, recorded):
    player.bar.seek(900)
    player.rest()
    samples = player.desk.ring("electrodes").latest(50).copy()
    with Recording.open(recorded) as recording:
        expected = recording.read("electrodes", int(samples.ticks[0]), int(samples.ticks[-1]) + 1)
    np.testing.assert_array_equal(samples.data, expected.data)


def test_the_bar_is_there_for_recordings_alone(qtbot, player):
    assert player.bar.isVisible()
    assert "playback" in player.bar.detail(Pull(200, 0, 200, True, player.desk.status, 0.016))
    with qtbot.waitSignal(player.desk.opened, timeout=WAIT_MS):
        player.desk.open(Opening("model-cell", {}))
    assert not player.bar.isVisible()
    assert not player.bar.active


def test_what_is_drawn_moves_with_the_playhead(player):
    def image():
        player.pull()
        return player.bar.track.grab().toImage()

    player.desk.view.set_span(100)
    player.bar.seek(400)
    player.rest()
    before = image()
    player.bar.seek(1700)
    player.rest()
    after = image()
    assert before != after
    x = round(player.bar.track.x_of(player.desk.tick))
    assert after.pixelColor(x, 40).name().upper() == DARK.accent.upper()
    silenced = round(player.bar.track.x_of(900))
    assert after.pixelColor(silenced, 23).name().upper() == DARK.silence.upper()


def test_how_far_before_a_tick_one_begins():
    assert Reach(0, 10**9).lead_ticks(500) == 500
    assert Reach(0, 10**9, 1.0, 4000).lead_ticks(500) == 4000
    assert Reach(0, 10**9, 1024.0, 4000).lead_ticks(10**8) == LEAD_BYTES // 1024
    assert Reach(0, 10**9, 1e12, 0).lead_ticks(10**8) == 1
    assert Reach(10, 20).clipped(5) == 10
    assert Reach(10, 20).clipped(25) == 20


def test_what_was_undone_is_not_told():
    def entry(number, at, kind, /, **payload):
        return LogEntry(number, at, 0.0, kind, payload)

    log = (
        entry(0, 0, LogKind.NOTE, text="another run"),
        entry(1, 0, LogKind.RESET, seed=0),
        entry(2, 5, LogKind.NOTE, text="before the recording"),
        entry(3, 50, LogKind.MARK, number=1),
        entry(4, 80, LogKind.MARK, number=2),
        entry(5, 60, LogKind.RESTORE, tick=60, from_tick=85, seq=4),
        entry(6, 70, LogKind.CONTROL, name="gain", value=1),
        entry(7, 90, LogKind.MARK, number=3),
    )
    told = during(log, 10)
    assert [e.payload["number"] for e in told] == [1, 3]
    assert min(e.seq for e in told) > 10**9  # apart from what the session numbers itself


def test_read_played(recorded):
    played = read_played(recorded)
    assert (played.reach.first_tick, played.reach.stop_tick) == (START, START + N_TICKS)
    assert 50 < played.reach.frame_ticks < 60  # a frame every 50 ticks
    assert played.reach.bytes_per_tick == 1 + 4  # four units packed, an electrode


# ---- re-deriving


class Rederiving:
    """The sheet, open on the recording that plays back."""

    def __init__(self, qtbot, player, recorded, tmp_path):
        self.qtbot = qtbot
        self.window = QMainWindow()
        self.window.resize(1280, 800)
        qtbot.addWidget(self.window)
        self.sheet = RederiveSheet(player.desk, lambda: offered(recorded, None, []), self.window)
        self.window.show()
        self.sheet.open_over()
        qtbot.waitUntil(lambda: self.sheet.recording.facts is not None)
        self.out = tmp_path / "more.rig"
        self.type_in(self.sheet.target.edit, str(self.out))

    def type_in(self, edit, text):
        edit.setFocus()
        QTest.keyClick(edit, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
        QTest.keyClicks(edit, text)

    def press(self):
        QTest.mouseClick(self.sheet.go, Qt.MouseButton.LeftButton)

    def wait(self):
        self.qtbot.waitUntil(lambda: not self.sheet.running, timeout=WAIT_MS)


@pytest.fixture
def rederiving(qtbot, player, recorded, tmp_path):
    sat = Rederiving(qtbot, player, recorded, tmp_path)
    yield sat
    sat.sheet.stop()


def test_units_that_were_not_watched(rederiving, player, recorded):
    sheet = rederiving.sheet
    sheet.stretch.choose(TYPED)
    rederiving.type_in(sheet.stretch.start, "500")
    rederiving.type_in(sheet.stretch.stop, "1.5s")
    sheet.units.choose(NAMED)
    rederiving.type_in(sheet.units.text, "cell2,cell7")
    assert sheet.units.count.whole == "2 units, 1 of them not recorded"
    rederiving.type_in(sheet.probe, "B x=500 y=0 sigma=200")
    rederiving.press()
    assert sheet.running, sheet.result.text()
    rederiving.wait()
    assert sheet.result.text() == "re-derived more.rig"
    with Recording.open(rederiving.out) as new, Recording.open(recorded) as old:
        assert (new.start_tick, new.stop_tick) == (500, 1500)
        assert new.streams["spikes"].unit_ids.tolist() == [102, SILENCED]
        np.testing.assert_array_equal(
            new.read("spikes", 500, 1500, [102]).data, old.read("spikes", 500, 1500, [102]).data
        )
        silent = new.read("spikes", 600, 1200, [SILENCED]).unpacked()
        assert silent.sum() == 0  # what was done to it is done again
        assert new.read("spikes", 500, 600, [SILENCED]).unpacked().sum() > 0
        assert new.streams["electrodes"].channel_names == ("B1",)
    assert [p.name for p in rederiving.out.parent.iterdir()] == ["more.rig"]
    assert sheet.open_button.isVisible()
    with rederiving.qtbot.waitSignal(player.bar.log.changed, timeout=WAIT_MS):
        QTest.mouseClick(sheet.open_button, Qt.MouseButton.LeftButton)
    player.until(lambda: player.bar.log.played is not None and player.bar.log.played.path == rederiving.out)


def test_a_stream_that_was_not_recorded_can_be_typed(rederiving):
    rederiving.type_in(rederiving.sheet.stream.lineEdit(), "charge")
    rederiving.press()
    rederiving.wait()
    with Recording.open(rederiving.out) as new:
        assert list(new.streams) == ["charge"]
        assert new.extent("charge").n_samples == N_TICKS


@pytest.mark.parametrize(
    ("stream", "probe", "says"),
    [
        ("none: only the electrodes", "", "asked to re-derive nothing"),
        ("none: only the electrodes", "A x=1", "it needs x= and y="),
        ("voltage", "", "asked to re-derive stream 'voltage'; there are spikes"),
    ],
)
def test_what_cannot_be_derived_is_one_line(rederiving, stream, probe, says):
    rederiving.type_in(rederiving.sheet.stream.lineEdit(), stream)
    rederiving.type_in(rederiving.sheet.probe, probe)
    rederiving.press()
    rederiving.wait()
    assert says in rederiving.sheet.result.text()
    assert "\n" not in rederiving.sheet.result.text()
    assert list(rederiving.out.parent.iterdir()) == []


def test_a_cancelled_derivation_leaves_nothing(rederiving, player):
    rederiving.press()
    QTest.mouseClick(rederiving.sheet.cancel, Qt.MouseButton.LeftButton)
    rederiving.wait()
    assert "cancelled" in rederiving.sheet.result.text()
    assert list(rederiving.out.parent.iterdir()) == []


def test_what_is_there_is_not_overwritten(rederiving):
    rederiving.out.mkdir()
    rederiving.press()
    rederiving.wait()
    assert "it is there already" in rederiving.sheet.result.text()
    assert list(rederiving.out.iterdir()) == []


def test_a_unit_is_shown_by_what_carries_its_signal():
    units = UnitTable.build([1, 2, 3], ["gate", "t1", "t2"], signal_id=[1, 1, 9])
    stream = StreamInfo("nodes", "", StreamKind.UNITS, np.dtype(np.uint8), (1,), 1, np.array([1]), packed=True)
    assert carriers(units, stream, np.array([1, 2, 3])).tolist() == [1]
    with pytest.raises(UnknownUnitError, match="carries none of them"):
        carriers(units, stream, np.array([3]))
