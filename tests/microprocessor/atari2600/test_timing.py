"""Lines, frames, RDY, snapshots. Expectations from the Stella Programmer's Guide ("Synchronization")."""

from __future__ import annotations

import numpy as np
import pytest
from bus import Bus
from hypothesis import given, settings
from hypothesis import strategies as st

from subjects.microprocessor.atari2600 import registers as reg
from subjects.microprocessor.atari2600.board import begin_cycle, bus_cycle, restore, snapshot
from subjects.microprocessor.atari2600.state import BOARD, FIRST_LINE


def end_frame(bus: Bus) -> None:
    bus.write(reg.VSYNC, 2)
    bus.idle(75)
    bus.write(reg.VSYNC, 0)


def test_a_line_is_76_cycles() -> None:
    bus = Bus()
    bus.idle(75)
    assert bus.line == 0
    bus.idle(1)
    assert bus.line == 1


def test_vsync_ends_a_frame_and_hands_it_out() -> None:
    bus = Bus()
    bus.write(0x80, 0x5A)
    end_frame(bus)
    assert bus.n_frames == 1
    assert bus.frames["cycle"][0] == bus.cycle - 1
    assert bus.frames["ram"][0, 0] == 0x5A
    bus.idle(262 * 76 - 77)
    end_frame(bus)
    assert bus.n_frames == 2
    assert bus.frames["cycle"][1] - bus.frames["cycle"][0] == 19_912
    assert bus.frames["n_lines"][1] == 262


@pytest.mark.parametrize(("cycles_on", "n_frames"), [(75, 0), (76, 1)])
def test_a_vsync_shorter_than_a_line_ends_nothing(cycles_on: int, n_frames: int) -> None:
    bus = Bus()
    bus.write(reg.VSYNC, 2)
    bus.idle(cycles_on - 1)
    bus.write(reg.VSYNC, 0)
    assert bus.n_frames == n_frames


def test_vsync_off_without_on_ends_nothing() -> None:
    bus = Bus()
    bus.idle(1000)
    bus.write(reg.VSYNC, 0)
    assert bus.n_frames == 0


def test_a_frame_without_vsync_ends_after_290_lines() -> None:
    bus = Bus()
    bus.idle(291 * 76 - 1)
    assert bus.n_frames == 0
    bus.idle(1)
    assert bus.n_frames == 1


def test_frames_go_round_the_ring() -> None:
    bus = Bus()
    for i in range(6):
        bus.write(0x80, i)
        end_frame(bus)
    assert bus.frames["ram"][:, 0].tolist() == [4, 5, 2, 3]


def test_the_end_of_a_frame_does_not_move_the_lines() -> None:
    """Lines are counted anew, but the beam stays where it is in its line."""
    bus = Bus()
    bus.idle(30)
    end_frame(bus)
    assert bus.line == 0
    bus.idle(76 - bus.cycle % 76 - 1)
    assert bus.line == 0
    bus.idle(1)
    assert bus.line == 1


def test_the_picture_starts_34_lines_after_the_frame() -> None:
    bus = Bus()
    end_frame(bus)
    for _ in range(FIRST_LINE):
        bus.start_line()
    bus.write_at(0, reg.COLUBK, 0x1E)
    bus.write_at(75, reg.COLUBK, 0)
    end_frame(bus)
    rows = np.flatnonzero(bus.frames["screen"][1].any(axis=1))
    assert rows.tolist() == [0]


@pytest.mark.parametrize("cycle", [0, 20, 74])
def test_wsync_holds_rdy_low_until_the_line_ends(cycle: int) -> None:
    bus = Bus()
    bus.write_at(cycle, reg.WSYNC)
    assert bus.board["rdy"][0] == 0
    for _ in range(cycle + 1, 76):
        assert begin_cycle(bus.board) == 0
        bus_cycle(bus.board, bus.rom, bus.frames, 0x1000, True, 0)
    assert bus.board["rdy"][0] == 0, "still low after the line's last access: CLK0 has not fallen yet"
    assert begin_cycle(bus.board) == 1


def test_wsync_in_the_last_cycle_of_a_line_does_not_hold() -> None:
    bus = Bus()
    bus.write_at(75, reg.WSYNC)
    assert bus.board["rdy"][0] == 0
    assert begin_cycle(bus.board) == 1


# Everything a program may write, with random data: TIA, its mirrors, RAM, RIOT
ACCESSES = st.lists(
    st.tuples(
        st.one_of(st.integers(0, 0x2C), st.integers(0x280, 0x297), st.integers(0, 0xFFFF)),
        st.booleans(),
        st.integers(0, 255),
        st.integers(0, 40),
    ),
    min_size=2,
    max_size=40,
)


def play(bus: Bus, accesses: list[tuple[int, bool, int, int]]) -> list[int]:
    seen = []
    for address, is_read, value, n_idle in accesses:
        if is_read:
            seen.append(bus.read(address))
        else:
            bus.write(address, value)
        bus.idle(n_idle)
    return seen


@settings(max_examples=40, deadline=None)
@given(accesses=ACCESSES, split=st.integers(0, 40))
def test_restoring_a_snapshot_is_the_identity(accesses: list[tuple[int, bool, int, int]], split: int) -> None:
    bus, twin = Bus(), Bus()
    bus.show_lines()
    play(bus, accesses[:split])
    restore(twin.board, snapshot(bus.board))
    assert twin.board.tobytes() == bus.board.tobytes()
    assert play(twin, accesses[split:]) == play(bus, accesses[split:])
    assert twin.board.tobytes() == bus.board.tobytes()


def test_a_snapshot_is_the_bytes_of_the_state() -> None:
    bus = Bus()
    bus.idle(100)
    assert len(snapshot(bus.board)) == BOARD.itemsize
    assert np.frombuffer(snapshot(bus.board), BOARD)["cycle"][0] == 100
