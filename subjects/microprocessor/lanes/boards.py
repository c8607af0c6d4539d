"""A board for each lane: bus cycles of all lanes at once.

Lane 0 is the *leader*. Every lane begins as its *follower*: as long as a lane's accesses are the leader's, so are the
answers, and whatever its board would do; a follower has none. In the cycle in which its address, R/W or written data
first differ it gets a copy of the leader's, as it was before that cycle, and goes its own way. Finding out takes a few
operations on planes, whatever the number of lanes, so lesions that nothing comes of cost nothing here.

Boards draw only when they must: when a register is accessed, and at the end of a frame. The time of day, `cycle`, is
one for all lanes.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from subjects.microprocessor.atari2600 import riot, tia
from subjects.microprocessor.atari2600.registers import CXCLR, CXPPMM
from subjects.microprocessor.atari2600.state import (
    BOARD,
    CLOCKS_PER_CYCLE,
    CYCLES_PER_LINE,
    RAM_BYTES,
)
from subjects.microprocessor.lanes.planes import LANES_PER_WORD
from subjects.microprocessor.lanes.screens import Screens, end_frame

A12, A9, A7 = 0x1000, 0x0200, 0x0080
"""Address bits that choose: the cartridge; else the RIOT (A7), and there its registers (A9); else the TIA."""


class Boards(NamedTuple):
    """Boards of all lanes; rows of followers mean nothing.

    boards : (n_lanes,) BOARD; `ram`, `cycle`, `data_bus` and `rdy` in it are kept elsewhere
    ram : (n_lanes, 128) uint8
    bus : (n_lanes,) uint8, what the data bus carried last
    own : (n_words,) uint64, lanes with a board of their own
    waiting : (n_words,) uint64, lanes that WSYNC holds by RDY; followers too
    due_cycle : (n_lanes,) int64, the cycle at the end of which the frame ends if the program does not end it
    cycle : (1,) int64, bus cycles since power-on
    rom : (4096,) uint8
    """

    boards: NDArray[np.void]
    ram: NDArray[np.uint8]
    bus: NDArray[np.uint8]
    own: NDArray[np.uint64]
    waiting: NDArray[np.uint64]
    due_cycle: NDArray[np.int64]
    cycle: NDArray[np.int64]
    rom: NDArray[np.uint8]


def new_boards(n_words: int, rom: NDArray[np.uint8]) -> Boards:
    """Make boards for 64 * n_words lanes; they mean nothing until `set_board` has filled lane 0's."""
    n_lanes = LANES_PER_WORD * n_words
    boards = Boards(
        boards=np.zeros(n_lanes, BOARD),
        ram=np.zeros((n_lanes, RAM_BYTES), np.uint8),
        bus=np.zeros(n_lanes, np.uint8),
        own=np.zeros(n_words, np.uint64),
        waiting=np.zeros(n_words, np.uint64),
        due_cycle=np.zeros(n_lanes, np.int64),
        cycle=np.zeros(1, np.int64),
        rom=rom,
    )
    boards.own[0] = 1
    return boards


def set_board(boards: Boards, lane: int, board: NDArray[np.void]) -> None:
    """Give a lane a board of its own: a copy of this (1,) BOARD, which must be at the cycle of all others."""
    word, bit = divmod(lane, LANES_PER_WORD)
    boards.boards[lane] = board[0]
    boards.boards["rdy"][lane] = 1
    boards.ram[lane] = board["ram"][0]
    boards.bus[lane] = board["data_bus"][0]
    boards.own[word] |= np.uint64(1 << bit)
    boards.waiting[word] &= ~np.uint64(1 << bit)
    if not board["rdy"][0]:
        boards.waiting[word] |= np.uint64(1 << bit)
    boards.due_cycle[lane] = _due_cycle(int(board["cycle"][0]), int(board["line"][0]))


def board_of(boards: Boards, lane: int) -> NDArray[np.void]:
    """(1,) BOARD, complete, of a lane; a follower's is the leader's."""
    word, bit = divmod(lane, LANES_PER_WORD)
    row = lane if int(boards.own[word]) >> bit & 1 else 0
    board: NDArray[np.void] = boards.boards[row : row + 1].copy()
    board["cycle"] = boards.cycle[0]
    board["ram"] = boards.ram[row]
    board["data_bus"] = boards.bus[row]
    board["rdy"] = 1 - (int(boards.waiting[word]) >> bit & 1)
    tia.catch_up(board[0], CLOCKS_PER_CYCLE * int(boards.cycle[0]))
    return board


@njit(cache=True)
def _due_cycle(cycle: int, line: int) -> int:
    """Last cycle of a frame that is in its line `line` at the start of this cycle and is never ended by VSYNC."""
    return CYCLES_PER_LINE * (cycle // CYCLES_PER_LINE - line + tia.N_LINES_AT_MOST) - 1


@njit(cache=True)
def fork(boards: Boards, screens: Screens, lane: int) -> None:
    """Give a follower a copy of the leader's board, before this cycle's access."""
    boards.boards[lane] = boards.boards[0]
    boards.ram[lane] = boards.ram[0]
    boards.bus[lane] = boards.bus[0]
    boards.due_cycle[lane] = boards.due_cycle[0]
    screens.cycle[lane] = screens.cycle[0]
    screens.n_lines[lane] = screens.n_lines[0]
    screens.n_colors[lane] = screens.n_colors[0]
    screens.similarity[lane] = screens.similarity[0]
    screens.digest[lane] = screens.digest[0]
    screens.kept[lane] = screens.kept[0]


@njit(cache=True)
def read_device(s: Any, cycle: int, address: int, bus: int) -> int:
    """Read a register of a board's TIA or RIOT. Returns what the data bus then carries; `bus` is what it carried."""
    s.cycle = cycle
    if address & A7:
        return riot.read(s, address)
    s.data_bus = bus
    if address & 0x0F <= CXPPMM:
        tia.catch_up(s, CLOCKS_PER_CYCLE * (cycle + 1))
    return tia.read(s, address & 0x0F)


@njit(cache=True)
def write_device(s: Any, cycle: int, address: int, data: int) -> None:
    """Write a register of a board's TIA or RIOT. It may leave `s.rdy` low, or `s.frame_done` set."""
    s.cycle = cycle
    if address & A7:
        riot.write(s, address, data)
        return
    register = address & 0x3F
    if register > CXCLR:
        return
    if tia.is_seen(s, register, data):
        tia.catch_up(s, CLOCKS_PER_CYCLE * (cycle + 1))
    tia.write(s, register, data)


@njit(cache=True)
def end_line(boards: Boards, screens: Screens) -> None:
    """End the frames that are too long; called in the last cycle of a line, after its accesses."""
    cycle = boards.cycle[0]
    for lane in range(len(boards.due_cycle)):
        if boards.own[lane >> 6] >> np.uint64(lane & 63) & np.uint64(1) and boards.due_cycle[lane] <= cycle:
            tia.catch_up(boards.boards[lane], CLOCKS_PER_CYCLE * (cycle + 1))
            end_lane_frame(boards, screens, lane)


@njit(cache=True)
def end_lane_frame(boards: Boards, screens: Screens, lane: int) -> None:
    """End a lane's frame with this cycle."""
    s = boards.boards[lane]
    cycle = boards.cycle[0]
    tia.catch_up(s, CLOCKS_PER_CYCLE * (cycle + 1))
    end_frame(screens, lane, s, cycle)
    boards.due_cycle[lane] = _due_cycle(cycle + 1, 0)
