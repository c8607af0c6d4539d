"""ale-py with one of our games, which it runs when it lies under a supported game's name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from random_cartridge import store, wait_lines

from subjects.microprocessor.atari2600 import registers as reg
from subjects.microprocessor.atari2600.cartridge import own_cartridge
from subjects.microprocessor.cartridges.variables import read_variables


def open_ale(image: NDArray[np.uint8], folder: Path) -> Any:
    """An ale-py interface with a (4096,) uint8 cartridge, loaded."""
    ale_py = pytest.importorskip("ale_py", reason="the second opinion comes from ale-py, which is not installed")
    path = folder / "donkey_kong.bin"
    image.tofile(path)
    ale_py.ALEInterface.setLoggerMode(ale_py.LoggerMode.Error)
    ale = ale_py.ALEInterface()
    ale.setInt("random_seed", 0)
    ale.setBool("color_averaging", False)
    ale.setFloat("repeat_action_probability", 0.0)
    ale.loadROM(str(path))
    return ale


def ram_at_power_on(folder: Path) -> NDArray[np.uint8]:
    """(128,) what ale-py's RAM holds before a game touches it, seen by a cartridge that never does."""
    image = np.zeros(4096, np.uint8)
    frame = store(reg.VSYNC, 2) + wait_lines(3) + store(reg.VSYNC, 0) + wait_lines(255) + bytes([0x4C, 0x00, 0xF0])
    image[: len(frame)] = np.frombuffer(frame, np.uint8)
    image[0xFFC:0xFFE] = 0x00, 0xF0
    return np.array(open_ale(image, folder).getRAM(), np.uint8)


class AleRun:
    """One of our games in ale-py, after it has pressed reset: thousands of frames a second."""

    def __init__(self, name: str, folder: Path) -> None:
        cartridge = own_cartridge(name)
        self._variables = cartridge.variables
        self.ale = open_ale(cartridge.image, folder)

    def variables(self) -> dict[str, int]:
        values = read_variables(self._variables, np.array(self.ale.getRAM(), np.uint8)[None])[0]
        return {variable.name: int(value) for variable, value in zip(self._variables, values, strict=True)}

    def frame(self, action: int = 0) -> dict[str, int]:
        self.ale.act(action)
        return self.variables()
