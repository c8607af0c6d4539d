"""Where players, missiles and ball appear. Expectations from the Stella Programmer's Guide and 2k6specs."""

from __future__ import annotations

import pytest
from bus import Bus, lit

from subjects.microprocessor.atari2600 import registers as reg

P0_COLOR, P1_COLOR, PF_COLOR, BACK = 0x1E, 0x4A, 0x86, 0xC4
RESETS = (reg.RESP0, reg.RESP1, reg.RESM0, reg.RESM1, reg.RESBL)
COLORS = (P0_COLOR, P1_COLOR, P0_COLOR, P1_COLOR, PF_COLOR)
NAMES = ("P0", "P1", "M0", "M1", "BL")
OBJECTS = pytest.mark.parametrize("k", range(5), ids=NAMES)


@pytest.fixture
def bus() -> Bus:
    bus = Bus()
    for register, color in zip(
        (reg.COLUP0, reg.COLUP1, reg.COLUPF, reg.COLUBK), (*COLORS[:2], PF_COLOR, BACK), strict=True
    ):
        bus.write(register, color)
    bus.show_lines()
    return bus


def enable(bus: Bus, k: int, dots: int = 0x80) -> None:
    """Show one dot of object k (a player's leftmost), or others of a player."""
    register, value = ((reg.GRP0, dots), (reg.GRP1, dots), (reg.ENAM0, 2), (reg.ENAM1, 2), (reg.ENABL, 2))[k]
    bus.write(register, value)


def place(bus: Bus, k: int, pixel: int) -> None:
    """Reset object k so that it appears at `pixel` = 3 n (players) or 3 n + 2 (others) from the next line on."""
    clock = pixel + 68 - (5 if k < 2 else 4)
    assert clock % 3 == 0
    bus.write_at(clock // 3 - 1, RESETS[k])
    bus.start_line()


@OBJECTS
@pytest.mark.parametrize("cycle", [0, 5, 20, 21])
def test_a_reset_in_hblank_positions_at_the_left_edge(bus: Bus, k: int, cycle: int) -> None:
    bus.write_at(cycle, RESETS[k])
    bus.start_line()
    enable(bus, k)
    assert lit(bus.draw_line(), COLORS[k]) == [3 if k < 2 else 2]


@OBJECTS
@pytest.mark.parametrize("cycle", [22, 23, 40, 60, 72, 74])
def test_a_reset_positions_a_few_pixels_after_the_beam(bus: Bus, k: int, cycle: int) -> None:
    beam = 3 * (cycle + 1) - 68
    bus.write_at(cycle, RESETS[k])
    bus.start_line()
    bus.start_line()
    enable(bus, k)
    assert lit(bus.draw_line(), COLORS[k]) == [(beam + (5 if k < 2 else 4)) % 160]


@pytest.mark.parametrize("k", range(4), ids=NAMES[:4])
def test_only_further_copies_show_on_the_line_of_a_reset(bus: Bus, k: int) -> None:
    bus.write(reg.NUSIZ0 + (k & 1), 3)
    bus.start_line()
    enable(bus, k)
    bus.write_at(40, RESETS[k])
    beam = 3 * 41 - 68 + (5 if k < 2 else 4)
    first = bus.draw_line()
    assert lit(first, COLORS[k])[-2:] == [beam + 16, beam + 32]
    assert beam not in lit(first, COLORS[k])
    assert lit(bus.draw_line(), COLORS[k]) == [beam, beam + 16, beam + 32]


def test_the_ball_shows_on_the_line_of_its_reset(bus: Bus) -> None:
    enable(bus, 4)
    bus.write_at(40, reg.RESBL)
    assert 3 * 41 - 68 + 4 in lit(bus.draw_line(), PF_COLOR)


COPIES = {0: [0], 1: [0, 16], 2: [0, 32], 3: [0, 16, 32], 4: [0, 64], 6: [0, 32, 64]}


@pytest.mark.parametrize("k", range(4), ids=NAMES[:4])
@pytest.mark.parametrize("mode", COPIES)
def test_copies(bus: Bus, k: int, mode: int) -> None:
    """2k6specs, "NUSIZ0": the table of copies."""
    x = 42 if k < 2 else 41
    place(bus, k, x)
    bus.write(reg.NUSIZ0 + (k & 1), mode)
    enable(bus, k)
    assert lit(bus.draw_line(), COLORS[k]) == [x + offset for offset in COPIES[mode]]


@pytest.mark.parametrize(("mode", "stretch", "delay"), [(0, 1, 0), (5, 2, 1), (7, 4, 1)])
@pytest.mark.parametrize("k", [0, 1])
def test_player_sizes(bus: Bus, k: int, mode: int, stretch: int, delay: int) -> None:
    """Stretched players come one clock later (Towers, TIA Hardware Notes)."""
    place(bus, k, 42)
    bus.write(reg.NUSIZ0 + k, mode)
    enable(bus, k, 0b1010_0001)
    expected = [42 + delay + dot * stretch + i for dot in (0, 2, 7) for i in range(stretch)]
    assert lit(bus.draw_line(), COLORS[k]) == expected


@pytest.mark.parametrize("k", [0, 1])
def test_reflection_shows_the_low_bit_first(bus: Bus, k: int) -> None:
    place(bus, k, 42)
    bus.write(reg.REFP0 + k, 8)
    enable(bus, k, 0b1000_0011)
    assert lit(bus.draw_line(), COLORS[k]) == [42, 43, 49]


@pytest.mark.parametrize("size", range(4))
@pytest.mark.parametrize("k", [2, 3, 4], ids=NAMES[2:])
def test_missile_and_ball_widths(bus: Bus, k: int, size: int) -> None:
    place(bus, k, 41)
    bus.write(reg.CTRLPF if k == 4 else reg.NUSIZ0 + (k & 1), size << 4)
    enable(bus, k)
    assert lit(bus.draw_line(), COLORS[k]) == list(range(41, 41 + (1 << size)))


@pytest.mark.parametrize("k", [0, 1])
def test_a_delayed_player_shows_the_graphics_before_the_other_was_written(bus: Bus, k: int) -> None:
    place(bus, k, 42)
    bus.write(reg.VDELP0 + k, 1)
    bus.write(reg.GRP0 + k, 0x80)
    bus.write(reg.GRP1 - k, 0)
    bus.write(reg.GRP0 + k, 0x01)
    assert lit(bus.draw_line(), COLORS[k]) == [42]
    bus.write(reg.GRP1 - k, 0)
    assert lit(bus.draw_line(), COLORS[k]) == [49]


def test_a_delayed_ball_shows_after_player_1_was_written(bus: Bus) -> None:
    place(bus, 4, 41)
    bus.write(reg.VDELBL, 1)
    bus.write(reg.ENABL, 2)
    assert lit(bus.draw_line(), PF_COLOR) == []
    bus.write(reg.GRP1, 0)
    assert lit(bus.draw_line(), PF_COLOR) == [41]


@OBJECTS
@pytest.mark.parametrize("motion", range(-8, 8))
def test_hmove_moves_left_by_the_motion_register(bus: Bus, k: int, motion: int) -> None:
    """+7 is seven pixels left, -8 eight right; the line's first eight pixels are black (2k6specs, "HMOVE")."""
    x = 42 if k < 2 else 41
    place(bus, k, x)
    enable(bus, k)
    bus.write(reg.HMP0 + k, (motion & 15) << 4)
    bus.start_line()
    bus.write_at(2, reg.HMOVE)
    line = bus.draw_line()
    assert lit(line, 0) == list(range(8))
    assert lit(line, COLORS[k]) == [x - motion]
    assert lit(bus.draw_line(), COLORS[k]) == [x - motion]


def test_every_hmove_moves_again_until_the_registers_are_cleared(bus: Bus) -> None:
    place(bus, 0, 42)
    enable(bus, 0)
    bus.write(reg.HMP0, 0x30)
    bus.start_line()
    found = []
    for clear in (False, True, False):
        bus.write_at(2, reg.HMOVE)
        if clear:
            bus.write_at(40, reg.HMCLR)
        found.append(lit(bus.draw_line(), P0_COLOR))
    assert found == [[39], [36], [36]]


@pytest.mark.parametrize("cycle", [72, 73])
@pytest.mark.parametrize("motion", [-8, -1, 0, 7])
def test_a_late_hmove_moves_without_the_comb(bus: Bus, cycle: int, motion: int) -> None:
    """From clock 219 on all extra clocks fall into the next HBLANK, which is not prolonged: 8 further left."""
    place(bus, 0, 42)
    enable(bus, 0)
    bus.write(reg.HMP0, (motion & 15) << 4)
    bus.write_at(cycle, reg.HMOVE)
    bus.start_line()
    line = bus.draw_line()
    assert lit(line, 0) == []
    assert lit(line, P0_COLOR) == [42 - motion - 8]


def test_hmove_in_the_visible_line_moves_nothing(bus: Bus) -> None:
    place(bus, 0, 42)
    enable(bus, 0)
    bus.write_at(30, reg.HMOVE)
    bus.start_line()
    line = bus.draw_line()
    assert lit(line, 0) == []
    assert lit(line, P0_COLOR) == [42]


def test_a_motion_register_changed_too_early_never_stops_its_object(bus: Bus) -> None:
    """The Guide forbids it within 24 cycles; the object then gets every extra clock of each line, 17 in all."""
    place(bus, 0, 102)
    enable(bus, 0)
    bus.write(reg.HMP0, 0x70)
    bus.start_line()
    bus.write_at(2, reg.HMOVE)
    bus.write_at(19, reg.HMP0, 0x80 | 0x20)
    first = lit(bus.draw_line(), P0_COLOR)[0]
    second = lit(bus.draw_line(), P0_COLOR)[0]
    assert first - second == 17


@pytest.mark.parametrize("i", [0, 1])
def test_a_missile_is_hidden_in_its_player_and_leaves_from_its_middle(bus: Bus, i: int) -> None:
    place(bus, i, 42)
    enable(bus, 2 + i)
    bus.write(reg.RESMP0 + i, 2)
    assert lit(bus.draw_line(), COLORS[i]) == []
    bus.write(reg.RESMP0 + i, 0)
    assert lit(bus.draw_line(), COLORS[i]) == [46]
