"""The Atari 2600 board: what the processor's pins are connected to, one bus cycle at a time.

The processor drives it; everything below runs inside another `@njit` loop without touching Python:

    data = bus_cycle(board, rom, frames, address, is_read, data)   # once per CPU cycle, while CLK0 is high
    rdy = begin_cycle(board)                                       # once per CPU cycle, after CLK0 has fallen

    board   (1,) BOARD from `new_board()`; all state, copied by copying its bytes
    rom     (4096,) uint8, `Cartridge.image`
    frames  (n_slots,) FRAME from `new_frames(n_slots)`; frame k goes to slot k % n_slots, `board["n_frames"]` counts.
            Read them out before n_slots more have ended.
    address 16 bits as on the pins; the board uses A0-A12, as a 6507 has no more
    data    on a write what the processor drives; ignored on a read. The result of a read is what the processor finds on
            the bus, bits that nobody drives included; the board remembers the bus itself.

Timing. An access of cycle i takes effect at its end, colour clock 3(i+1). WSYNC pulls RDY low during its write's phi2;
the line's start releases it after CLK0 has fallen, so that cycle 76n is the first that proceeds:

    CLK0    ‾‾\\__/‾‾\\__/‾‾\\__/ ... \\__/‾‾\\__/‾‾
    cycle        i     i+1              76n
    access       STA WSYNC   stalled     proceeds
    RDY     ‾‾‾‾‾‾‾‾\\_______________________/‾‾‾‾
                                           ^ begin_cycle(board)

A chip-level loop, with the njit functions of an engine (`..event_kernels`; `..machine` has the real one):

    @njit
    def run(circuit, ports, rdy_pin, board, rom, frames, n_half_cycles):
        level = 1
        for _ in range(n_half_cycles):
            access = clock_edge(circuit, ports)
            if access == READ:
                data = bus_cycle(board, rom, frames, read_address(circuit, ports), True, 0)
                force_data(circuit, ports, data)
            elif access == WRITE:
                bus_cycle(board, rom, frames, read_address(circuit, ports), False, read_data(circuit, ports))
            else:                                       # CLK0 has fallen
                begin_cycle(board)
            if board[0].rdy != level:
                level = board[0].rdy
                set_pin(circuit, rdy_pin, level)

Cycle 0 of a new board is best the fetch of the first opcode: then frames end where ale-py's do, from the first.

Numba caches these kernels per file and does not see a change in a file they call: after editing one, touch the callers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from subjects.microprocessor.atari2600 import riot, tia
from subjects.microprocessor.atari2600.state import BOARD, CLOCKS_PER_CYCLE, CYCLES_PER_LINE, RAM_BYTES

_A12, _A9, _A7 = 0x1000, 0x0200, 0x0080


@njit(cache=True)
def bus_cycle(board: Any, rom: Any, frames: Any, address: int, is_read: int, data: int) -> int:
    """Do one CPU cycle's access. Returns what the data bus carries at its end (0..255)."""
    s = board[0]
    if address & _A12:
        if is_read:
            data = rom[address & 0xFFF]
    elif not address & _A7:
        tia.catch_up(s, CLOCKS_PER_CYCLE * (s.cycle + 1))
        if is_read:
            data = tia.read(s, address & 0x0F)
        else:
            tia.write(s, address & 0x3F, data)
    elif address & _A9:
        if is_read:
            data = riot.read(s, address)
        else:
            riot.write(s, address, data)
    elif is_read:
        data = s.ram[address & 0x7F]
    else:
        s.ram[address & 0x7F] = data
    s.data_bus = data
    if s.cycle % CYCLES_PER_LINE == CYCLES_PER_LINE - 1:
        tia.catch_up(s, CLOCKS_PER_CYCLE * (s.cycle + 1))
    if s.frame_done:
        _end_frame(s, frames)
    s.cycle += 1
    return int(data)


@njit(cache=True)
def begin_cycle(board: Any) -> int:
    """Start a CPU cycle, after CLK0 has fallen. Returns the level of RDY (0 or 1) for the cycle."""
    s = board[0]
    if s.cycle % CYCLES_PER_LINE == 0:
        s.rdy = 1
    return int(s.rdy)


@njit(cache=True)
def _end_frame(s: Any, frames: Any) -> None:
    """Hand out the frame and begin the next one on the line where the beam is."""
    slot = s.n_frames % len(frames)
    f = frames[slot]
    f.cycle = s.cycle
    f.n_lines = s.line
    for i in range(RAM_BYTES):
        f.ram[i] = s.ram[i]
    for y in range(s.screen.shape[0]):
        for x in range(s.screen.shape[1]):
            f.screen[y, x] = s.screen[y, x]
            s.screen[y, x] = 0
    s.n_frames += 1
    s.line = 0
    s.frame_done = 0


def snapshot(board: NDArray[np.void]) -> bytes:
    """Complete state of the board."""
    return board.tobytes()


def restore(board: NDArray[np.void], data: bytes) -> None:
    """Put the board into the state of a `snapshot`, in place."""
    board[:] = np.frombuffer(data, BOARD)
