"""A game on the board, played frame by frame: py65 as its processor, its variables by name."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from py65_processor import Py65Processor

from subjects.microprocessor.atari2600.cartridge import own_cartridge
from subjects.microprocessor.atari2600.console import ConsoleInputs, Stick, apply_inputs
from subjects.microprocessor.atari2600.state import new_board, new_frames
from subjects.microprocessor.cartridges.variables import read_variables

TITLE, PLAY, SELF_PLAY, GAME_OVER = range(4)


class ConsoleRun:
    """A console with one of our games in it, switched on."""

    def __init__(self, name: str, ram: NDArray[np.uint8] | None = None) -> None:
        cartridge = own_cartridge(name)
        self._variables = cartridge.variables
        self.board, self.frames = new_board(), new_frames(1)
        if ram is not None:
            self.board["ram"][0] = ram
        self._processor = Py65Processor(cartridge.image, self.board, self.frames)
        self.n_frames = 0

    def frame(self, inputs: ConsoleInputs | None = None) -> dict[str, int]:
        """One more frame; returns the game's variables at its end."""
        if inputs is not None:
            apply_inputs(self.board, inputs)
        self._processor.run_frame()
        self.n_frames += 1
        values = read_variables(self._variables, self.frames["ram"])[0]
        return {variable.name: int(value) for variable, value in zip(self._variables, values, strict=True)}

    def until(self, name: str, value: int, at_most: int) -> dict[str, int]:
        """Frames with nothing changed until a variable has a value."""
        for _ in range(at_most):
            if (found := self.frame())[name] == value:
                return found
        raise AssertionError(f"{name} was not {value} within {at_most} frames, but {found[name]}")

    @property
    def n_lines(self) -> int:
        return int(self.frames["n_lines"][0])

    @property
    def screen(self) -> NDArray[np.uint8]:
        """(210, 160)."""
        return self.frames["screen"][0].copy()


def restless_hands(seed: int, every: int = 7) -> Iterator[ConsoleInputs]:
    """A stick, a button and now and then a switch at random, held for some frames."""
    rng = np.random.default_rng(seed)
    while True:
        left, right, up, down, fire, switch = rng.random(6)
        stick = Stick(left=left < 0.35, right=right < 0.35, up=up < 0.25, down=down < 0.15, fire=fire < 0.4)
        inputs = ConsoleInputs(stick0=stick, reset=switch < 0.004, select=switch > 0.996)
        for _ in range(every):
            yield inputs
