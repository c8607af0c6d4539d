"""Sound: what is rendered of spikes and waveforms, and what the control plays of a running subject."""

from __future__ import annotations

import builtins

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QSettings, Qt
from PySide6.QtTest import QTest

from app.window.desk import Pull
from app.window.loudspeaker import open_loudspeaker
from app.window.sound import SELECTED, SoundControl
from app.window.sound_wave import (
    LEAST_SAMPLES_PER_S,
    WAVE_LEVEL,
    SpikeVoice,
    WaveVoice,
    pitch_text,
    resampled,
    samples_to_play,
)
from rig.probe import Probe

RATE = 48_000.0


# ---- rendering


@settings(max_examples=50, deadline=None)
@given(
    values=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=300),
    n_frames=st.integers(1, 300),
)
def test_resampling_keeps_range_and_length(values, n_frames):
    samples = np.array(values)
    sound = resampled(samples, n_frames)
    assert sound.shape == (n_frames,)
    assert sound.min() >= samples.min() - 1e-6
    assert sound.max() <= samples.max() + 1e-6
    if len(samples) >= n_frames and len(samples) % n_frames == 0:
        np.testing.assert_allclose(sound, samples.reshape(n_frames, -1).mean(axis=1), atol=1e-6)


def test_moments_join_without_a_step():
    ramp = np.arange(40.0)
    first, second = resampled(ramp[:20], 100, 0.0), resampled(ramp[20:], 100, ramp[19])
    np.testing.assert_allclose(np.diff(np.concatenate((first, second)))[5:], 0.2, atol=1e-9)


def test_a_tone_is_shifted_by_the_ratio_of_the_rates():
    """A tone of 100 periods in 12800 samples, played in a second, sounds at 100 Hz."""
    samples = np.sin(2 * np.pi * 100 * np.arange(12_800) / 12_800)
    voice = WaveVoice()
    parts = [voice.render(samples[i : i + 128], 480) for i in range(0, 12_800, 128)]
    sound = np.concatenate(parts)
    spectrum = np.abs(np.fft.rfft(sound[-24_000:] * np.hanning(24_000)))
    assert np.argmax(spectrum) * RATE / 24_000 == pytest.approx(100, abs=2)
    assert np.abs(sound).max() == pytest.approx(WAVE_LEVEL, rel=0.3)


def test_a_level_line_is_silent():
    voice = WaveVoice()
    sound = np.concatenate([voice.render(np.full(50, 7.0), 480) for _ in range(200)])
    assert np.abs(sound[-480:]).max() < 1e-6


def test_slow_samples_are_played_again_and_faster():
    assert samples_to_play(64, 480, RATE) == (64, False)
    assert samples_to_play(2, 480, RATE) == (40, True)
    assert samples_to_play(2, 480, RATE)[0] * RATE / 480 >= LEAST_SAMPLES_PER_S
    sound = WaveVoice().render(np.sin(np.arange(40.0)), 480, again=True)
    assert np.abs(sound[[0, -1]]).max() < 0.05 * np.abs(sound).max()


def test_a_click_lies_where_the_spike_does():
    voice = SpikeVoice(RATE)
    sound = voice.render(np.array([0.5]), 480)
    assert np.flatnonzero(sound)[0] in (240, 241)
    assert np.abs(sound).max() > 0.1
    assert not np.any(voice.render(np.empty(0), 480)[200:])


def test_a_click_rings_on_in_the_next_moment():
    whole, parted = SpikeVoice(RATE), SpikeVoice(RATE)
    one = whole.render(np.array([0.49]), 960)
    two = np.concatenate((parted.render(np.array([0.98]), 480), parted.render(np.empty(0), 480)))
    np.testing.assert_allclose(one, two, atol=1e-6)
    assert np.abs(two[480:]).max() > 0.01


def test_very_many_spikes_are_not_louder_than_the_loudspeaker():
    sound = SpikeVoice(RATE).render(np.random.default_rng(1).random(1_000_000), 768)
    assert np.abs(sound).max() <= 1.0
    assert SpikeVoice(RATE).render(np.array([0.999999]), 3).shape == (3,)
    assert SpikeVoice(RATE).render(np.array([0.5]), 0).shape == (0,)


def test_pitch_in_words():
    assert pitch_text(1000.0, 1000.0) == "at its real pitch"
    assert pitch_text(250.0, 1000.0) == "pitch × 0.25 of real time, 2.0 octaves lower"
    assert pitch_text(4000.0, 1000.0) == "pitch × 4 of real time, 2.0 octaves higher"
    assert pitch_text(500.0, 0.0) == "500 samples a second"
    assert pitch_text(0.0, 1000.0) == "waiting for samples"


# ---- the control


class Ear:
    """A loudspeaker that keeps what it is given."""

    rate_hz = RATE

    def __init__(self):
        self.heard = []
        self.volume = None
        self.n_queued = 0
        self.closed = False

    def write(self, sound):
        self.heard.append(sound)

    def set_volume(self, volume):
        self.volume = volume

    def close(self):
        self.closed = True

    @property
    def sound(self):
        return np.concatenate(self.heard) if self.heard else np.empty(0)


@pytest.fixture
def ear():
    return Ear()


@pytest.fixture
def control(qtbot, cell_table, ear):
    made = SoundControl(cell_table.desk, None, lambda: ear)
    qtbot.addWidget(made)
    made.show()
    made.look()
    return made


def turn(table, control, tick, elapsed_s=0.01):
    """Let the subject get there in one turn of the timer."""
    table.run_to(tick)
    status = table.desk.status
    control.pull(Pull(status.tick, 0, status.tick, True, status, elapsed_s))


def test_it_is_mute_until_somebody_wants_it(cell_table, control, ear):
    cell_table.desk.select([101])
    for tick in (100, 200):
        turn(cell_table, control, tick)
    assert ear.heard == []
    assert ear.volume == 0.5


def test_the_selected_unit_clicks_when_it_spikes(cell_table, control, ear):
    cell_table.desk.select([108])  # a spike every ten ticks
    QTest.mouseClick(control.button, Qt.MouseButton.LeftButton, pos=control.button.rect().center() / 2)
    assert control.on
    turn(cell_table, control, 100)
    turn(cell_table, control, 200)
    lead, sound = ear.heard
    assert not lead.any()
    assert len(sound) == 480
    bits = cell_table.desk.ring("spikes").ticks(99, 200).copy().unpacked()[:, 8]
    rises = np.flatnonzero((bits[1:] == 1) & (bits[:-1] == 0)) + 1
    assert len(rises) == 10
    expected = SpikeVoice(RATE).render(rises / 101, 480)
    np.testing.assert_allclose(sound, expected, atol=1e-6)
    assert "pitch × 10 of real time" in control.button.toolTip()  # 100 ticks of a millisecond in 10 ms


def test_another_selection_another_sound(cell_table, control, ear):
    control.toggle()
    turn(cell_table, control, 50)
    turn(cell_table, control, 100)
    assert ear.heard == []
    assert "select a unit" in control.button.toolTip()
    cell_table.desk.select([100])
    turn(cell_table, control, 150)
    turn(cell_table, control, 200)
    quick = np.count_nonzero(ear.heard[-1])
    cell_table.desk.select([115])
    turn(cell_table, control, 300)
    turn(cell_table, control, 350)
    assert np.count_nonzero(ear.heard[-1]) != quick


def test_an_electrode_is_a_waveform(cell_table, control, ear):
    cell_table.desk.do(lambda c: c.set_probes([Probe("A", ((0.0, 0.0, 0.0), (900.0, 0.0, 0.0)), sigma=300.0)]))
    control.menu.aboutToShow.emit()
    assert [a.text() for a in control.menu.actions()] == [SELECTED, "A1", "A2"]
    control.menu.actions()[2].trigger()
    control.toggle()
    turn(cell_table, control, 100)
    turn(cell_table, control, 300)
    field = cell_table.desk.ring("electrodes").ticks(100, 300).copy().data[:, 1]
    expected = WaveVoice().render(field, 480)
    np.testing.assert_allclose(ear.heard[-1], expected, atol=1e-5)
    assert np.abs(expected).max() > 0.1


def test_a_slow_waveform_is_played_faster_and_says_so(cell_table, control, ear):
    cell_table.desk.do(lambda c: c.set_probes([Probe("A", ((0.0, 0.0, 0.0),), sigma=300.0)]))
    control.choose("A1")
    control.toggle()
    turn(cell_table, control, 200)
    turn(cell_table, control, 205)  # five samples in 10 ms: 500 a second
    field = cell_table.desk.ring("electrodes").ticks(165, 205).copy().data[:, 0]
    np.testing.assert_allclose(ear.heard[-1], WaveVoice().render(field, 480, again=True), atol=1e-5)
    assert "pitch × 4 of real time" in control.button.toolTip()


def test_nothing_new_is_silence(cell_table, control, ear):
    cell_table.desk.select([100])
    control.toggle()
    turn(cell_table, control, 100)
    turn(cell_table, control, 200)
    status = cell_table.desk.status
    for _ in range(5):
        control.pull(Pull(status.tick, 0, status.tick, True, status, 0.01))
    n = len(ear.heard)
    control.pull(Pull(status.tick, 0, status.tick, True, status, 0.01))
    assert len(ear.heard) == n


def test_what_would_lag_is_left_out(cell_table, control, ear):
    cell_table.desk.select([100])
    control.toggle()
    turn(cell_table, control, 100)
    ear.n_queued = int(0.2 * RATE)
    turn(cell_table, control, 200)
    assert ear.heard == []
    ear.n_queued = 100
    turn(cell_table, control, 300)
    assert len(ear.heard) == 1  # and no lead: something is still to be heard


def test_time_that_goes_back_begins_anew(cell_table, control, ear):
    cell_table.desk.select([100])
    control.toggle()
    turn(cell_table, control, 300)
    cell_table.desk.do(lambda c: c.rewind(100))
    turn(cell_table, control, 150)
    assert ear.heard == []
    turn(cell_table, control, 250)
    assert len(ear.heard) == 2


def test_volume_and_mute_are_kept(qtbot, cell_table, ear, tmp_path):
    store = QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat)
    first = SoundControl(cell_table.desk, store, lambda: ear)
    qtbot.addWidget(first)
    first.show()
    first.look()
    assert not first.on
    first.volume.setFocus()
    QTest.keyClick(first.volume, Qt.Key.Key_Home)
    assert ear.volume == 0.0
    QTest.keyClick(first.volume, Qt.Key.Key_PageUp)
    first.toggle()
    second = SoundControl(cell_table.desk, store, lambda: ear)
    qtbot.addWidget(second)
    second.show()
    qtbot.waitUntil(lambda: second.on)  # it looks by itself, when the window is there
    assert second.volume.value() == first.volume.value() > 0
    assert ear.volume == second.volume.value() / 100
    second.close_speaker()
    assert ear.closed
    assert not second.isEnabled()


def test_a_machine_without_sound_is_silent(qtbot, cell_table):
    control = SoundControl(cell_table.desk, None, lambda: "no sound: this machine has no audio device")
    qtbot.addWidget(control)
    control.show()
    assert control.button.isEnabled()  # nobody has looked yet
    control.commands()[0][3]()
    assert cell_table.said == ["no sound: this machine has no audio device"]
    assert not control.button.isEnabled()
    assert not control.volume.isVisible()
    assert control.button.toolTip() == "no sound: this machine has no audio device"
    cell_table.desk.select([100])
    for tick in (100, 200):
        turn(cell_table, control, tick)
    control.commands()[0][3]()
    assert cell_table.said == ["no sound: this machine has no audio device"] * 2
    assert not control.on


def test_a_backend_that_cannot_be_loaded_is_a_reason(monkeypatch):
    real = builtins.__import__

    def refuse(name, *args, **kwargs):
        if name == "PySide6" and "QtMultimedia" in (args[2] or () if len(args) > 2 else kwargs.get("fromlist", ())):
            raise ImportError("libpulse.so.0: cannot open shared object file: No such file or directory")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    assert open_loudspeaker() == "no sound: QtMultimedia cannot load its backend (libpulse.so.0)"
