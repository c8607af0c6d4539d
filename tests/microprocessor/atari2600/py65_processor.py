"""An independent processor for the board: py65 executes instructions, this derives the cycle of each access.

py65 knows how many cycles an instruction takes, not when in them it touches the bus. On a 6502 (MCS6500 Hardware
Manual, appendix A) data is read or written in an instruction's last cycle, with three exceptions: read-modify-write
reads two cycles earlier and writes the old value back first; JSR and BRK push early; indexed addressing reads once from
an address not yet carried. RAM and ROM do not mind when they are accessed, so only TIA, timer and ports go through the
board.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray
from py65.devices.mpu6502 import MPU

from subjects.microprocessor.atari2600.board import begin_cycle, bus_cycle
from subjects.microprocessor.atari2600.registers import WSYNC
from subjects.microprocessor.atari2600.state import CYCLES_PER_LINE

READ_MODIFY_WRITE = frozenset(
    code for code, (name, mode) in enumerate(MPU.disassemble)
    if name in ("ASL", "LSR", "ROL", "ROR", "INC", "DEC") and mode != "acc"
)  # fmt: skip
STORES = frozenset(code for code, (name, _) in enumerate(MPU.disassemble) if name in ("STA", "STX", "STY"))
ZERO_PAGE_INDEXED = frozenset(code for code, (_, mode) in enumerate(MPU.disassemble) if mode in ("zpx", "zpy"))
CARRYING = frozenset(code for code, (_, mode) in enumerate(MPU.disassemble) if mode in ("abx", "aby", "iny"))
ROM = 0x1000
# Cycle, within the instruction, of its first push; the others follow
PUSH_CYCLES = {0x20: 3, 0x00: 2}


@njit
def access_at(
    board: Any, rom: Any, frames: Any, cycle: int, address: int, is_read: bool, data: int, bus: int
) -> tuple[int, int]:
    s = board[0]
    s.cycle = cycle
    s.data_bus = bus
    return bus_cycle(board, rom, frames, address, is_read, data), s.n_frames


@njit
def release_rdy_at(board: Any, cycle: int) -> int:
    board[0].cycle = cycle
    return begin_cycle(board)


class Py65Processor:
    """A 6507 at its first instruction, on `board`, with cycle 0 as its first cycle."""

    def __init__(self, image: NDArray[np.uint8], board: NDArray[np.void], frames: NDArray[np.void]) -> None:
        self._image = image
        self._board = board
        self._frames = frames
        self._rom = image.tobytes()
        self._ram = memoryview(board["ram"][0])
        self._waiting = False
        self._n_pushed = 0
        self._bus = 0
        self.cycle = 0
        self.n_frames = 0
        self._code = 0
        self._line_end = CYCLES_PER_LINE
        self._mpu = MPU(memory=self, pc=None)

    def run_frame(self) -> None:
        """Execute until the board ends a frame."""
        n = self.n_frames
        while self.n_frames == n:
            self.step()

    def step(self) -> None:
        """Execute one instruction, after RDY lets it begin."""
        if self._waiting:
            self._waiting = False
            self.cycle += -self.cycle % CYCLES_PER_LINE
            assert release_rdy_at(self._board, self.cycle) == 1
        mpu = self._mpu
        self._code = self[mpu.pc]
        self._n_pushed = 0
        mpu.step()
        self.cycle += mpu.cycletime[self._code] + mpu.excycles
        while self.cycle >= self._line_end:  # the board looks after its frames at the end of a line
            _, self.n_frames = access_at(
                self._board, self._image, self._frames, self._line_end - 1, ROM, True, 0, self._bus
            )
            self._line_end += CYCLES_PER_LINE

    def __getitem__(self, address: int) -> int:
        if address & 0x1000:
            self._bus = self._rom[address & 0xFFF]
        elif address & 0x280 == 0x80:
            self._bus = self._ram[address & 0x7F]
        else:
            self._bus = self._read_device(address)
        return self._bus

    def __setitem__(self, address: int, data: int) -> None:
        code = self._code
        pushes_early = PUSH_CYCLES.get(code)
        if pushes_early is not None:
            cycle = pushes_early + self._n_pushed
            self._n_pushed += 1
        else:
            cycle = self._last_cycle()
        if address & 0x1000:
            self._bus = data
        elif address & 0x280 == 0x80:
            self._ram[address & 0x7F] = data
        else:
            if code in READ_MODIFY_WRITE:
                self._access(cycle - 1, address, False, self._bus)
            self._access(cycle, address, False, data)
        self._bus = data

    def _last_cycle(self) -> int:
        return self._mpu.cycletime[self._code] + self._mpu.excycles - 1

    def _read_device(self, address: int) -> int:
        code = self._code
        cycle = self._last_cycle() - (2 if code in READ_MODIFY_WRITE else 0)
        early = None  # the address before it was indexed or carried
        if code in ZERO_PAGE_INDEXED:
            early = self._bus
        elif code in CARRYING:
            index = self._mpu.x if MPU.disassemble[code][1] == "abx" else self._mpu.y
            uncarried = ((address - index) & 0xFF00) | (address & 0xFF)
            if uncarried != address or code in READ_MODIFY_WRITE:
                early = uncarried
        if early is not None:
            if early & 0x1000:
                self._bus = self._rom[early & 0xFFF]
            else:
                self._bus = self._access(cycle - 1, early, True, 0)
        return self._access(cycle, address, True, 0)

    def _access(self, cycle: int, address: int, is_read: bool, data: int) -> int:
        result, self.n_frames = access_at(
            self._board, self._image, self._frames, self.cycle + cycle, address, is_read, data, self._bus
        )
        if not is_read and address & 0x10BF == WSYNC:
            self._waiting = True
        return result
