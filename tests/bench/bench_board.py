"""How fast the Atari 2600 board is by itself: every bus cycle of a game, replayed without a processor.

    python tests/bench/bench_board.py [GAME] [N_FRAMES]

py65 plays once and its accesses to TIA, timer and ports are kept; the loop that is timed makes one `begin_cycle` and
one `bus_cycle` per CPU cycle, as a chip-level loop does. References, in the same run: the console's own clock, and
ale-py playing the same game (processor included).
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "tests" / "microprocessor" / "atari2600")]

from py65_processor import Py65Processor  # noqa: E402

from subjects.microprocessor.atari2600.board import begin_cycle, bus_cycle  # noqa: E402
from subjects.microprocessor.atari2600.cartridge import Cartridge, ale_cartridge  # noqa: E402
from subjects.microprocessor.atari2600.state import CPU_HZ, new_board, new_frames  # noqa: E402

N_REPEATS = 5


class RecordingProcessor(Py65Processor):
    """Keeps what it did to the board's devices."""

    def __init__(self, *args: Any) -> None:
        self.accesses: list[tuple[int, int, bool, int]] = []
        super().__init__(*args)

    def _access(self, cycle: int, address: int, is_read: bool, data: int) -> int:
        self.accesses.append((self.cycle + cycle, address, is_read, data))
        return super()._access(cycle, address, is_read, data)


def record(cartridge: Cartridge, n_frames: int) -> tuple[NDArray[np.uint16], NDArray[np.bool_], NDArray[np.uint8]]:
    """Address, R/W and data of every cycle of the first frames; cycles without a device access read the cartridge."""
    processor = RecordingProcessor(cartridge.image, new_board(), new_frames(1))
    for _ in range(n_frames):
        processor.run_frame()
    n_cycles = processor.accesses[-1][0] + 1
    address = np.full(n_cycles, 0x1000, np.uint16)
    is_read = np.ones(n_cycles, np.bool_)
    data = np.zeros(n_cycles, np.uint8)
    for cycle, *access in processor.accesses:
        address[cycle], is_read[cycle], data[cycle] = access
    return address, is_read, data


@njit
def replay(board: Any, rom: Any, frames: Any, address: Any, is_read: Any, data: Any) -> int:
    n_stalled = 0
    for i in range(len(address)):
        n_stalled += 1 - begin_cycle(board)
        bus_cycle(board, rom, frames, address[i], is_read[i], data[i])
    return n_stalled


def best_seconds(action: Any) -> float:
    """Shortest of several runs: the machine is shared."""
    seconds = []
    for _ in range(N_REPEATS):
        start = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def ale_frames_per_s(game: str, n_frames: int) -> float:
    import ale_py

    ale_py.ALEInterface.setLoggerMode(ale_py.LoggerMode.Error)
    ale = ale_py.ALEInterface()
    ale.setBool("color_averaging", False)
    ale.loadROM(str(ale_py.roms.get_rom_path(game)))

    def play() -> None:
        for _ in range(n_frames):
            ale.act(0)

    return n_frames / best_seconds(play)


def main(game: str = "space_invaders", n_frames: int = 200) -> None:
    cartridge = ale_cartridge(game)
    accesses = record(cartridge, n_frames)
    frames = new_frames(1)
    board = new_board()
    replay(board, cartridge.image, frames, *accesses)
    assert board["n_frames"][0] == n_frames, "the replay is not what was recorded"
    seconds = best_seconds(lambda: replay(new_board(), cartridge.image, frames, *accesses))
    n_cycles = len(accesses[0])
    ale = ale_frames_per_s(game, n_frames)
    print(f"{game}, {n_frames} frames, {n_cycles} CPU cycles")
    print(f"board alone     {n_cycles / seconds / 1e6:8.1f} M CPU cycles/s   {seconds / n_cycles * 1e9:.1f} ns a cycle")
    print(f"                {n_cycles / seconds / CPU_HZ:8.1f} x real time ({CPU_HZ / 1e6:.3f} MHz)")
    print(f"                {n_frames / seconds:8.0f} frames/s")
    print(
        f"ale-py          {ale:8.0f} frames/s, with its processor; board alone is {n_frames / seconds / ale:.2f} x that"
    )


if __name__ == "__main__":
    main(*sys.argv[1:2], *map(int, sys.argv[2:3]))
