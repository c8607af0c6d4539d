"""What a person's hands do: two sticks and the console's switches.

All are active low but the colour and difficulty switches (Stella Programmer's Guide, "The I-O ports", "Console
switches"; 2k6specs, "Controllers: Joysticks", "Controllers: Console Switches"):

    SWCHA   7 right  6 left  5 down  4 up  (stick 0)   3 right  2 left  1 down  0 up  (stick 1)
    SWCHB   7 difficulty 1 (A)  6 difficulty 0 (A)  3 colour  1 select  0 reset
    INPT4, INPT5   7 fire of stick 0, 1
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from subjects.microprocessor.atari2600.tia import latch_fire


@dataclass(frozen=True)
class Stick:
    """A joystick: which of its contacts are closed."""

    up: bool = False
    down: bool = False
    left: bool = False
    right: bool = False
    fire: bool = False

    @property
    def directions(self) -> int:
        """Closed contacts as a nibble: up in bit 0, down, left, right in bit 3."""
        return self.up | self.down << 1 | self.left << 2 | self.right << 3


@dataclass(frozen=True)
class ConsoleInputs:
    """Everything the person holds or has set."""

    stick0: Stick = field(default_factory=Stick)
    stick1: Stick = field(default_factory=Stick)
    reset: bool = False
    select: bool = False
    color: bool = True
    difficulty0_a: bool = False
    difficulty1_a: bool = False

    @property
    def swcha(self) -> int:
        """Levels on port A."""
        return 0xFF & ~(self.stick0.directions << 4 | self.stick1.directions)

    @property
    def swchb(self) -> int:
        """Levels on port B; unconnected bits read high."""
        released = (not self.reset) | (not self.select) << 1
        return 0x34 | released | self.color << 3 | self.difficulty0_a << 6 | self.difficulty1_a << 7


def apply_inputs(board: NDArray[np.void], inputs: ConsoleInputs) -> None:
    """Put the levels of `inputs` on the board's pins, from its next bus cycle on.

    Parameters
    ----------
    board : (1,) BOARD, changed in place
    inputs : what is held and set
    """
    board["port_in"][0] = (inputs.swcha, inputs.swchb)
    board["fire"][0] = (not inputs.stick0.fire, not inputs.stick1.fire)
    latch_fire(board[0])
