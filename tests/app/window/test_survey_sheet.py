"""The survey as a person does it: from the command line and from the window, down to the tables and the map."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.csv
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMainWindow

from app.draw.survey_picture import BACKGROUND, NO_EFFECT, survey_pixels
from app.window.desk import Desk, Opening
from app.window.survey_sheet import SurveySheet
from rig.units import UnitTable
from subjects.microprocessor.atari2600.cartridge import own_cartridge
from subjects.microprocessor.atari2600.tia import N_LINES_AT_MOST
from subjects.microprocessor.circuit import MODE_ON
from subjects.microprocessor.event_engine import EventEngine
from subjects.microprocessor.machine import Machine
from subjects.microprocessor.opening import CHIPS, open_chip
from subjects.microprocessor.stream_layouts import word_fields
from tests.app.test_cli import done, headstage

UNITS = "t12,t1000,t2000"
N_FRAMES = 2
N_TICKS = 80_000  # as long, and a little more
WAIT_MS = 240_000


@pytest.fixture(scope="module")
def surveyed(installed_chip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three transistors stuck on for two frames of our game."""
    folder = tmp_path_factory.mktemp("survey")
    summary = json.loads(
        done(
            "survey",
            "lesions",
            "--games",
            "vesper",
            "--units",
            UNITS,
            "--frames",
            N_FRAMES,
            "--out",
            "a.survey",
            "--set",
            "chip=mos6502",
            "--json",
            cwd=folder,
        )
    )
    assert summary["n_lesions"] == 3
    assert sum(summary["lesions_by_n_failing"]) == 3
    return folder / "a.survey"


def test_the_table_says_what_the_event_engine_does(surveyed: Path) -> None:
    table = pyarrow.csv.read_csv(surveyed / "outcomes.csv").to_pydict()
    assert table["unit"] == UNITS.split(",")
    rows = [int(name[1:]) for name in table["unit"]]  # as the netlist's file numbers them
    intact, _ = event_by_event(None)
    parted, pictured = [], []
    for row in rows:
        bus, picture_ticks = event_by_event(row)
        differs = (bus != intact).any(axis=1)
        parted.append(int(differs.argmax()) * 2 + 1 if differs.any() else -1)
        pictured.append(picture_ticks[0] if picture_ticks else -1)
    assert table["bus_differs_tick"] == parted
    assert table["first_picture_tick"] == pictured
    assert len(set(parted)) > 1, "it must tell lesions apart, or this proves little"


def event_by_event(row: int | None) -> tuple[NDArray[np.uint32], list[int]]:
    """Two frames of vesper with a transistor stuck on before power-on.

    Returns
    -------
    memory accesses, and the ticks at which the program ended a frame with more than one colour
    """
    chip = CHIPS["mos6502"]
    engine = EventEngine(open_chip(chip, "").netlist, chip)
    machine = Machine(engine, own_cartridge("vesper").image, word_fields(chip))
    if row is not None:
        modes = np.zeros(engine.netlist.n_rows, np.uint8)
        modes[row] = MODE_ON
        engine.perturb(row_mode=modes)
    machine.power_on(np.zeros(128, np.uint8))
    runs, picture_ticks, n = [], [], 0
    while n < N_TICKS:
        run = machine.run(N_TICKS - n, words=True)
        assert run.words is not None
        runs.append(run.words)
        for step, frame in zip(run.frame_steps.tolist(), run.frames, strict=True):
            if frame["n_lines"] < N_LINES_AT_MOST and len(np.unique(frame["screen"])) > 1:
                picture_ticks.append(n + step)
        n += run.n
    names = list(word_fields(chip))
    bus = np.concatenate(runs)[1::2][:, [names.index(name) for name in ("address", "data", "rw")]]
    bus[:, 0] &= 0x1FFF  # the board has thirteen address lines
    return bus, picture_ticks


def test_the_same_words_go_on_and_others_are_refused(surveyed: Path) -> None:
    words = ("survey", "lesions", "--games", "vesper", "--units", UNITS, "--out", surveyed, "--set", "chip=mos6502")
    before = (surveyed / "journal.jsonl").read_bytes()
    assert "all 1" in done(*words, "--frames", N_FRAMES, cwd=surveyed.parent)
    assert (surveyed / "journal.jsonl").read_bytes() == before
    refused = headstage(*words, "--frames", 3, cwd=surveyed.parent)
    assert refused.returncode == 1
    assert refused.stderr.startswith("headstage: asked for a survey in a.survey; another one is there")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--games", "vesper", "--kind", "tired"), "asked for lesions of kind 'tired'"),
        (("--games", ","), "asked for a survey without a cartridge"),
        (("--games", "nix.bin"), "nix.bin"),
        (("--games", "vesper", "--subject", "model-cell"), "it offers none"),
        (("--games", "vesper", "--pairs", "none.txt"), "none.txt; it cannot be read"),
        (("--games", "vesper", "--units", "t99999"), "t99999"),
    ],
)
def test_bad_words_are_one_line(installed_chip: Path, tmp_path: Path, words: tuple[str, ...], line: str) -> None:
    result = headstage("survey", "lesions", *words, "--set", "chip=mos6502", "--out", "b.survey", cwd=tmp_path)
    assert result.returncode == 1
    assert line in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "b.survey").exists()


def test_picture_of_known_severities() -> None:
    units = UnitTable.build([1, 2, 3], ["a", "b", "c"], x=[0, 100, 200], y=[0, 100, 200])
    pixels = survey_pixels(units, np.array([0, 1, np.nan], np.float32), 101)
    assert pixels.shape == (101, 101)
    assert pixels[96, 4] == NO_EFFECT
    assert pixels[4, 96] != BACKGROUND
    assert pixels[50, 50] not in (BACKGROUND, NO_EFFECT)
    assert pixels[50, 4] == BACKGROUND


def test_the_sheet_driven_by_hand(qtbot, installed_chip: Path, tmp_path: Path) -> None:
    window, desk = QMainWindow(), Desk()
    window.resize(1280, 800)
    qtbot.addWidget(window)
    with qtbot.waitSignal(desk.opened, timeout=WAIT_MS):
        desk.open(Opening("microprocessor", {"chip": "mos6502", "cartridge": "vesper"}))
    window.show()
    try:
        sheet = SurveySheet(desk, lambda: tmp_path, window)
        sheet.open_over()
        assert sheet.games.item(0).text() == "vesper"
        assert sheet.games.item(0).checkState() is Qt.CheckState.Checked
        sheet.frames.setFocus()
        sheet.frames.selectAll()
        QTest.keyClicks(sheet.frames, "1")
        QTest.mouseClick(sheet.units, Qt.MouseButton.LeftButton)
        QTest.keyClicks(sheet.units, "t12")
        QTest.mouseClick(sheet.go, Qt.MouseButton.LeftButton)
        assert sheet.running
        qtbot.waitUntil(lambda: not sheet.running, timeout=WAIT_MS)
        assert sheet.result.text().startswith("1 lesions:"), sheet.result.text()
        assert sheet.picture.isVisible()
        assert not QImage(str(tmp_path / "lesions.survey" / "map.png")).isNull()
        sheet.units.clear()
        QTest.keyClicks(sheet.units, "nonsense")
        QTest.mouseClick(sheet.go, Qt.MouseButton.LeftButton)
        qtbot.waitUntil(lambda: not sheet.running, timeout=WAIT_MS)
        assert "nonsense" in sheet.result.text()
    finally:
        sheet.stop()
        desk.close()


def test_the_sheet_says_where_nothing_can_be_surveyed(qtbot, cell_desk: Desk, tmp_path: Path) -> None:
    window = QMainWindow()
    qtbot.addWidget(window)
    sheet = SurveySheet(cell_desk, lambda: tmp_path, window)
    window.show()
    sheet.open_over()
    assert "offers no lesion survey" in sheet.result.text()
    assert not sheet.go.isEnabled()


@pytest.fixture
def cell_desk(qtbot):
    desk = Desk()
    with qtbot.waitSignal(desk.opened, timeout=WAIT_MS):
        desk.open(Opening("model-cell", {}))
    yield desk
    desk.close()
