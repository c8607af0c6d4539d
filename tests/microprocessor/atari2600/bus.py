"""A hand on the board's bus: single reads and writes at chosen cycles, as a processor would make them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from subjects.microprocessor.atari2600.board import begin_cycle, bus_cycle
from subjects.microprocessor.atari2600.state import CYCLES_PER_LINE, FIRST_LINE, new_board, new_frames

ROM = 0x1000


class Bus:
    """A board with an empty cartridge. `write` and `read` take one cycle each; RDY is not obeyed."""

    def __init__(self) -> None:
        self.board = new_board()
        self.frames = new_frames(4)
        self.rom = np.zeros(4096, np.uint8)

    @property
    def cycle(self) -> int:
        return int(self.board["cycle"][0])

    @property
    def line(self) -> int:
        return int(self.board["line"][0])

    @property
    def n_frames(self) -> int:
        return int(self.board["n_frames"][0])

    def write(self, address: int, value: int = 0) -> None:
        begin_cycle(self.board)
        bus_cycle(self.board, self.rom, self.frames, address, False, value)

    def read(self, address: int) -> int:
        begin_cycle(self.board)
        return bus_cycle(self.board, self.rom, self.frames, address, True, 0)

    def idle(self, n_cycles: int) -> None:
        for _ in range(n_cycles):
            self.read(ROM)

    def go_to(self, cycle_of_line: int) -> None:
        """Idle until the next cycle is this one of its line."""
        self.idle((cycle_of_line - self.cycle) % CYCLES_PER_LINE)

    def write_at(self, cycle_of_line: int, address: int, value: int = 0) -> None:
        """Write in this cycle of the line: seen at colour clock 3 (cycle_of_line + 1)."""
        self.go_to(cycle_of_line)
        self.write(address, value)

    def start_line(self) -> None:
        """Go to the start of the next line."""
        self.idle(CYCLES_PER_LINE - self.cycle % CYCLES_PER_LINE)

    def show_lines(self) -> None:
        """Go to the start of the first line that is kept in the picture."""
        while self.line < FIRST_LINE:
            self.start_line()

    def draw_line(self) -> NDArray[np.uint8]:
        """Let the beam run to the end of this line and return its 160 pixels."""
        row = self.line - FIRST_LINE
        assert row >= 0, "this line is above the part of the picture that is kept"
        self.start_line()
        return self.board["screen"][0, row].copy()


def lit(pixels: NDArray[np.uint8], color: int) -> list[int]:
    """Where on a line a colour shows."""
    return [int(x) for x in np.flatnonzero(pixels == color)]
