"""What a chip's pins are connected to: a plain memory, or the Atari's board. One loop serves both (`chip_loops`).

In njit code, for either, resolved by numba when the loop is compiled:

    read_bus(around, address) -> data       a half-cycle that reads
    write_bus(around, address, data)        one that writes
    idle_bus(around)                        one that does neither
    pin_level(around) -> level              of the pin `around.pin` that the surroundings drive; -1 for none
    frame_ended(around, k) -> bool          whether one did, in half-cycle k of the run, and there is room for no more
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba.extending import overload
from numpy.typing import NDArray

from subjects.microprocessor.atari2600.board import begin_cycle, bus_cycle
from subjects.microprocessor.plain import plain


class PlainMemory(NamedTuple):
    """(n,) uint8, all of what the chip addresses."""

    content: NDArray[np.uint8]
    pin: int = -1


class Console(NamedTuple):
    """The Atari's board with a cartridge in it.

    board, rom, frames : see `atari2600.board`
    frame_steps : (n_slots,) int64, in which half-cycle of the run the k-th frame from here ended
    counted : (1,) int64, frames ended in this run
    pin : node that the board pulls low to make the chip wait
    """

    board: Any
    rom: NDArray[np.uint8]
    frames: Any
    frame_steps: NDArray[np.int64]
    counted: NDArray[np.int64]
    first_frame: int
    pin: int


def _is(around: Any, kind: type) -> bool:
    """Whether numba's type of it is that of a NamedTuple."""
    return getattr(around, "instance_class", None) is kind


def read_bus(around: Any, address: int) -> int:
    raise NotImplementedError


@overload(read_bus, strict=False)
def _read_bus(around: Any, address: Any) -> Any:
    if _is(around, PlainMemory):
        return lambda around, address: int(around.content[address])

    return lambda around, address: bus_cycle(
        around.board, around.rom, around.frames, plain(address), plain(1), plain(0)
    )


def write_bus(around: Any, address: int, data: int) -> None:
    raise NotImplementedError


@overload(write_bus, strict=False)
def _write_bus(around: Any, address: Any, data: Any) -> Any:
    if _is(around, PlainMemory):

        def store(around: Any, address: int, data: int) -> None:
            around.content[address] = data

        return store

    def write(around: Any, address: int, data: int) -> None:
        bus_cycle(around.board, around.rom, around.frames, plain(address), plain(0), plain(data))

    return write


def idle_bus(around: Any) -> None:
    raise NotImplementedError


@overload(idle_bus, strict=False)
def _idle_bus(around: Any) -> Any:
    if _is(around, PlainMemory):
        return lambda around: None

    def idle(around: Any) -> None:
        begin_cycle(around.board)

    return idle


def pin_level(around: Any) -> int:
    raise NotImplementedError


@overload(pin_level, strict=False)
def _pin_level(around: Any) -> Any:
    if _is(around, PlainMemory):
        return lambda around: -1
    return lambda around: np.int64(around.board[0].rdy)


def frame_ended(around: Any, k: int) -> bool:
    raise NotImplementedError


@overload(frame_ended, strict=False)
def _frame_ended(around: Any, k: Any) -> Any:
    if _is(around, PlainMemory):
        return lambda around, k: False

    def ended(around: Any, k: int) -> bool:
        n = around.board[0].n_frames - around.first_frame
        if n == around.counted[0]:
            return False
        around.frame_steps[n - 1] = k
        around.counted[0] = n
        return bool(n == len(around.frames))

    return ended
