"""Cartridges of our own on the board and in ale-py: the same picture, the same collisions, and the palette."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from py65_processor import Py65Processor
from random_cartridge import ORIGIN, Ingredients, random_cartridge

from subjects.microprocessor.atari2600 import registers as reg
from subjects.microprocessor.atari2600.palette import NTSC
from subjects.microprocessor.atari2600.state import new_board, new_frames

ale_py = pytest.importorskip("ale_py", reason="the second opinion comes from ale-py, which is not installed")

PLAYERS = (reg.GRP0, reg.GRP1, reg.REFP0, reg.REFP1, reg.VDELP0, reg.VDELP1, reg.COLUP0, reg.COLUP1)
DOTS = (reg.ENAM0, reg.ENAM1, reg.ENABL, reg.VDELBL)
MOTION = (reg.HMP0, reg.HMP1, reg.HMM0, reg.HMM1, reg.HMBL, reg.HMCLR)
PLAYFIELD = (reg.PF0, reg.PF1, reg.PF2, reg.CTRLPF, reg.COLUPF, reg.COLUBK, reg.COLUP0, reg.COLUP1)
RESETS = (reg.RESP0, reg.RESP1, reg.RESM0, reg.RESM1, reg.RESBL)

MIXTURES = {
    "playfield": Ingredients(PLAYFIELD),
    "players": Ingredients(PLAYERS, RESETS[:2]),
    "missiles and ball": Ingredients((*DOTS, reg.GRP1), RESETS[2:]),
    "copies and sizes": Ingredients((*PLAYERS, *DOTS), (*RESETS, reg.NUSIZ0, reg.NUSIZ1)),
    "motion": Ingredients((*MOTION, *PLAYERS, *DOTS), moves=True),
    "all": Ingredients((*PLAYFIELD[:3], *PLAYFIELD[4:], *PLAYERS, *DOTS, *MOTION), RESETS, moves=True),
}


def run_in_ale(
    image: NDArray[np.uint8], folder: Path
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
    """Screen, RAM and RGB picture of a frame."""
    path = folder / "skiing.bin"
    image.tofile(path)
    ale_py.ALEInterface.setLoggerMode(ale_py.LoggerMode.Error)
    ale = ale_py.ALEInterface()
    ale.setBool("color_averaging", False)
    ale.setFloat("repeat_action_probability", 0.0)
    ale.loadROM(str(path))
    for _ in range(3):
        ale.act(0)
    return ale.getScreen(), ale.getRAM(), ale.getScreenRGB()


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("mixture", MIXTURES)
def test_random_cartridge_equals_ale(mixture: str, seed: int, tmp_path: Path) -> None:
    image = random_cartridge(MIXTURES[mixture], seed)
    screen, ram, _ = run_in_ale(image, tmp_path)
    board, frames = new_board(), new_frames(1)
    processor = Py65Processor(image, board, frames)
    for _ in range(4):
        processor.run_frame()
    assert len(np.unique(screen)) > 3
    # ale-py does nothing above the picture, so its first line does not know of an HMOVE just before
    np.testing.assert_array_equal(frames["screen"][0, 1:], screen[1:])
    np.testing.assert_array_equal(frames["ram"][0, :8], ram[:8])


def test_palette_equals_ale(tmp_path: Path) -> None:
    """A cartridge that shows every value of COLUBK on two lines of every frame."""
    code = bytes([0x78, 0xD8, 0xA2, 0xFF, 0x9A])
    frame = ORIGIN + len(code)
    code += bytes([0xA9, 2, 0x85, 0, 0x85, 2, 0x85, 2, 0x85, 2, 0xA9, 0, 0x85, 0, 0x85, 1])
    code += bytes([0xA2, 0, 0x85, 2, 0x86, 9, 0xE8, 0xE8, 0xD0, 0xF8]) * 2
    code += bytes([0x4C, frame & 0xFF, frame >> 8])
    image = np.zeros(4096, np.uint8)
    image[: len(code)] = np.frombuffer(code, np.uint8)
    image[0xFFC:0xFFE] = 0, ORIGIN >> 8
    screen, _, rgb = run_in_ale(image, tmp_path)
    assert len(np.unique(screen)) == 128
    np.testing.assert_array_equal(NTSC[screen], rgb)
