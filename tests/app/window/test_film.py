"""Films of a screen: what is fed to ffmpeg, and, where it is there, what comes out of it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMainWindow

from app.window.desk import Desk
from app.window.film import (
    FilmRequest,
    film_command,
    film_size,
    find_ffmpeg,
    frame_rate,
    make_film,
    rgb_frames,
    shown_frames,
)
from app.window.film_sheet import FilmSheet
from app.window.recording_facts import RecordingOffer
from rig.errors import ExportError
from rig.session import Session
from rig.storage.recording import Recording
from rig.streams import StreamInfo, StreamKind

N_TICKS = 1000  # a second: a frame every 50 ticks
WAIT_MS = 60_000

STAND_IN = """#!{python}
import pathlib, sys, time
words = sys.argv[1:]
frames = sys.stdin.buffer.read()
if "{fail}":
    print("no such encoder", file=sys.stderr)
    sys.exit(3)
pathlib.Path(words[-1]).write_bytes(frames)
pathlib.Path({log!r}).write_text("\\n".join(words))
"""


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    path = tmp_path_factory.mktemp("made") / "cell.rig"
    with Session("model-cell", seed=3) as session:
        session.watch("frame")
        session.watch("spikes")
        session.start_recording(path)
        session.advance(N_TICKS)
        session.stop_recording("test")
    return path


@pytest.fixture
def stand_in(tmp_path):
    """A command that keeps what it is fed instead of encoding it."""

    def make(fail=""):
        script = tmp_path / "bin" / "ffmpeg"
        script.parent.mkdir(exist_ok=True)
        script.write_text(STAND_IN.format(python=sys.executable, log=str(tmp_path / "bin" / "words"), fail=fail))
        script.chmod(0o755)
        return str(script)

    return make


def frames_of(path, width=16, height=8):
    return np.frombuffer(path.read_bytes(), np.uint8).reshape(-1, height, width, 3)


def test_every_frame_of_the_stretch_is_fed(recorded, tmp_path, stand_in):
    out = tmp_path / "film.mp4"
    parts = []
    report = make_film(FilmRequest(recorded, out, 100, 700), parts.append, ffmpeg=stand_in())
    with Recording.open(recorded) as recording:
        samples = recording.read("frame", 100, 700)
    expected = samples.info.palette[samples.data]
    np.testing.assert_array_equal(frames_of(out), expected)
    assert (report.n_frames, report.fps, report.n_bytes) == (12, 20.0, out.stat().st_size)
    assert parts == sorted(parts)
    words = (tmp_path / "bin" / "words").read_text().split("\n")
    assert words[words.index("-s") + 1] == "16x8"
    assert words[words.index("-r") + 1] == "20"
    assert "scale=32:16:flags=neighbor" in words


def test_a_slow_film_shows_frames_longer(recorded, tmp_path, stand_in):
    make_film(FilmRequest(recorded, tmp_path / "a.gif", 0, N_TICKS, times_real=100.0), ffmpeg=stand_in())
    # 2000 frames a second are more than a GIF can show: every fortieth is
    assert len(frames_of(tmp_path / "a.gif")) == 1
    make_film(FilmRequest(recorded, tmp_path / "b.gif", 0, N_TICKS, times_real=0.1), ffmpeg=stand_in())
    assert len(frames_of(tmp_path / "b.gif")) == 20


def test_frames_keep_their_time():
    ticks = np.array([0, 50, 100, 300, 350])  # two thirds of a screen's frames are missing in between
    fps = frame_rate(ticks, 1000.0, 1.0, Fraction(60))
    assert fps == 20
    assert shown_frames(ticks, 1000.0, 1.0, fps).tolist() == [0, 1, 2, 2, 2, 2, 3, 4]
    assert frame_rate(ticks, 1000.0, 10.0, Fraction(50)) == 50
    assert shown_frames(ticks, 1000.0, 9.0, Fraction(50)).tolist() == [1, 2, 4]
    assert frame_rate(ticks, 0.0, 1.0, Fraction(50)) == 25
    assert shown_frames(ticks, 0.0, 1.0, Fraction(25)).tolist() == [0, 1, 2, 3, 4]
    assert shown_frames(np.array([7]), 1000.0, 1.0, Fraction(25)).tolist() == [0]


def image_info(shape, dtype, palette=None):
    return StreamInfo("screen", "", StreamKind.IMAGE, np.dtype(dtype), shape, None, palette=palette)


def test_pixels_of_every_kind():
    palette = np.array([[1, 2, 3], [4, 5, 6]], np.uint8)
    indices = np.array([[[0, 1]], [[1, 1]]], np.uint8)
    assert rgb_frames(image_info((1, 2), np.uint8, palette), indices).tolist() == palette[indices].tolist()
    grey = np.array([[[7, 9]]], np.uint8)
    assert rgb_frames(image_info((1, 2), np.uint8), grey).tolist() == [[[[7, 7, 7], [9, 9, 9]]]]
    rgba = np.arange(8, dtype=np.uint8).reshape(1, 1, 2, 4)
    assert rgb_frames(image_info((1, 2, 4), np.uint8), rgba).tolist() == [[[[0, 1, 2], [4, 5, 6]]]]
    graded = np.array([[[-1.0, 3.0]]], np.float32)
    assert rgb_frames(image_info((1, 2), np.float32), graded).tolist() == [[[[0, 0, 0], [255, 255, 255]]]]


def test_sizes_are_even_and_of_the_screens_shape():
    info = image_info((7, 5), np.uint8)
    assert film_size(info, 3, None) == (16, 22)
    assert film_size(image_info((210, 160), np.uint8), 2, 4 / 3) == (560, 420)


def test_words_of_the_command(tmp_path):
    words = film_command("ffmpeg", 160, 210, Fraction(30000, 1001), (560, 420), tmp_path / "a film; rm.gif")
    assert words[0] == "ffmpeg"
    assert words[-1] == str(tmp_path / "a film; rm.gif")  # one word, whatever is in it
    assert words[words.index("-r") + 1] == "30000/1001"


@pytest.mark.parametrize(
    ("name", "stretch", "says"),
    [
        ("film.avi", (0, 100), "must end in .mp4 or .gif"),
        ("film.mp4", (0, 20), "no frame is there"),
        ("gone/film.mp4", (0, 100), "there is no such folder"),
    ],
)
def test_what_cannot_be_filmed(recorded, tmp_path, stand_in, name, stretch, says):
    with pytest.raises(ExportError, match=says):
        make_film(FilmRequest(recorded, tmp_path / name, *stretch), ffmpeg=stand_in())
    assert [p.name for p in tmp_path.iterdir()] == ["bin"]


def test_no_ffmpeg_no_screen_or_a_failure(recorded, tmp_path, stand_in, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_ffmpeg() is None
    with pytest.raises(ExportError, match="ffmpeg is not on this machine"):
        make_film(FilmRequest(recorded, tmp_path / "film.mp4", 0, 500))
    with pytest.raises(ExportError, match="no such encoder"):
        make_film(FilmRequest(recorded, tmp_path / "film.mp4", 0, 500), ffmpeg=stand_in("yes"))
    with pytest.raises(ExportError, match="cancelled"):
        make_film(FilmRequest(recorded, tmp_path / "film.mp4", 0, 500), cancelled=lambda: True, ffmpeg=stand_in())
    blind = tmp_path / "blind.rig"
    with Session("model-cell") as session:
        session.watch("spikes")
        session.start_recording(blind)
        session.advance(100)
    with pytest.raises(ExportError, match="no screen was recorded"):
        make_film(FilmRequest(blind, tmp_path / "film.mp4", 0, 100), ffmpeg=stand_in())
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bin", "blind.rig"]


@pytest.mark.parametrize("suffix", [".gif", ".mp4"])
def test_a_real_film(recorded, tmp_path, suffix):
    if shutil.which("ffmpeg") is None:
        pytest.skip("ffmpeg is not on this machine")
    out = tmp_path / f"film{suffix}"
    report = make_film(FilmRequest(recorded, out, 0, N_TICKS, scale=2))
    assert report.n_frames == 20
    words = ["ffmpeg", "-v", "error", "-i", str(out), "-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1"]
    decoded = subprocess.run(words, capture_output=True, check=True).stdout
    frames = np.frombuffer(decoded, np.uint8).reshape(-1, 16, 32, 3)
    with Recording.open(recorded) as recording:
        samples = recording.read("frame")
    expected = samples.info.palette[samples.data].repeat(2, axis=1).repeat(2, axis=2)
    assert frames.shape == expected.shape
    # MP4 stores colour in blocks of two by two pixels, and not without loss
    np.testing.assert_allclose(frames.astype(int), expected.astype(int), atol=0 if suffix == ".gif" else 40)


def test_from_the_window(qtbot, recorded, tmp_path, stand_in, monkeypatch):
    stand_in()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    window = QMainWindow()
    window.resize(1280, 800)
    qtbot.addWidget(window)
    desk = Desk(window)
    said = []
    desk.said.connect(said.append)
    sheet = FilmSheet(desk, lambda: (RecordingOffer(recorded, "just made"),), window)
    window.show()
    sheet.open_over()
    qtbot.waitUntil(lambda: sheet.recording.facts is not None)
    QTest.keyClicks(sheet.kind, "gif")
    assert sheet.target.path == recorded.parent / "cell.gif"
    QTest.mouseClick(sheet.go, Qt.MouseButton.LeftButton)
    assert sheet.running, sheet.result.text()
    qtbot.waitUntil(lambda: not sheet.running, timeout=WAIT_MS)
    assert "20 frames" in sheet.result.text()
    assert len(frames_of(recorded.parent / "cell.gif")) == 20
    assert len(said) == 1
    sheet.stop()


def test_the_window_says_that_ffmpeg_is_missing(qtbot, recorded, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    window = QMainWindow()
    qtbot.addWidget(window)
    sheet = FilmSheet(Desk(window), lambda: (RecordingOffer(recorded, "just made"),), window)
    sheet.open_over()
    assert "ffmpeg is not on this machine" in sheet.result.text()
    sheet.stop()
