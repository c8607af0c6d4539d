"""Playfield, priorities, collisions, blanking. Expectations from the Stella Programmer's Guide and 2k6specs."""

from __future__ import annotations

import pytest
from bus import Bus, lit

from subjects.microprocessor.atari2600 import registers as reg

P0_COLOR, P1_COLOR, PF_COLOR, BACK = 0x1E, 0x4A, 0x86, 0xC4

# Stella Programmer's Guide, "Collisions": register, bit, the two objects
COLLISIONS = [
    (0x30, 7, "M0", "P1"),
    (0x30, 6, "M0", "P0"),
    (0x31, 7, "M1", "P0"),
    (0x31, 6, "M1", "P1"),
    (0x32, 7, "P0", "PF"),
    (0x32, 6, "P0", "BL"),
    (0x33, 7, "P1", "PF"),
    (0x33, 6, "P1", "BL"),
    (0x34, 7, "M0", "PF"),
    (0x34, 6, "M0", "BL"),
    (0x35, 7, "M1", "PF"),
    (0x35, 6, "M1", "BL"),
    (0x36, 7, "BL", "PF"),
    (0x37, 7, "P0", "P1"),
    (0x37, 6, "M0", "M1"),
]
ON = {
    "P0": (reg.GRP0, 0xFF),
    "P1": (reg.GRP1, 0xFF),
    "M0": (reg.ENAM0, 2),
    "M1": (reg.ENAM1, 2),
    "BL": (reg.ENABL, 2),
    "PF": (reg.PF1, 0xFF),
}


@pytest.fixture
def bus() -> Bus:
    """All objects off; players at pixels 33-40, missiles and ball, 8 wide, at 35-42; PF1 covers 16-47 and 96-127."""
    bus = Bus()
    colors = ((reg.COLUP0, P0_COLOR), (reg.COLUP1, P1_COLOR), (reg.COLUPF, PF_COLOR), (reg.COLUBK, BACK))
    for register, color in colors:
        bus.write(register, color)
    for register in (reg.NUSIZ0, reg.NUSIZ1, reg.CTRLPF):
        bus.write(register, 0x30)
    for cycle, register in ((31, reg.RESP0), (31, reg.RESP1), (32, reg.RESM0), (32, reg.RESM1), (32, reg.RESBL)):
        bus.write_at(cycle, register)
        bus.start_line()
    bus.show_lines()
    return bus


def collisions(bus: Bus) -> list[int]:
    return [bus.read(0x30 + i) & 0xC0 for i in range(8)]


@pytest.mark.parametrize(("register", "bit", "one", "other"), COLLISIONS)
def test_each_pair_has_its_latch(bus: Bus, register: int, bit: int, one: str, other: str) -> None:
    expected = [0] * 8
    bus.write(*ON[one])
    bus.draw_line()
    assert collisions(bus) == expected
    bus.write(*ON[other])
    bus.draw_line()
    bus.write(ON[one][0], 0)
    bus.draw_line()
    expected[register - 0x30] = 1 << bit
    assert collisions(bus) == expected
    bus.write(reg.CXCLR)
    assert collisions(bus) == [0] * 8


def test_objects_that_do_not_touch_do_not_collide(bus: Bus) -> None:
    bus.write(reg.GRP0, 0x80)
    bus.write(reg.GRP1, 0x40)
    bus.draw_line()
    assert collisions(bus) == [0] * 8


def test_nothing_shows_or_collides_in_vertical_blank(bus: Bus) -> None:
    bus.write(reg.VBLANK, 2)
    bus.write(reg.GRP0, 0xFF)
    bus.write(reg.GRP1, 0xFF)
    assert set(bus.draw_line()) == {0}
    assert collisions(bus) == [0] * 8


@pytest.mark.parametrize("register", range(0x10))
def test_undriven_bits_keep_what_the_bus_carried(bus: Bus, register: int) -> None:
    """Collisions drive D7 and D6, inputs D7, the two free addresses nothing."""
    driven = 0xC0 if register < 8 else 0x80 if register < 0xE else 0
    for before in (0xFF, 0x00, 0x2A):
        bus.write(0x80, before)
        assert bus.read(register) & ~driven == before & ~driven


# 2k6specs, "Video Playfield": PF0.4-7 PF1.7-0 PF2.0-7, then the same again or mirrored
DOTS = [(reg.PF0, 1 << b) for b in range(4, 8)]
DOTS += [(reg.PF1, 1 << b) for b in range(7, -1, -1)]
DOTS += [(reg.PF2, 1 << b) for b in range(8)]


@pytest.mark.parametrize("mirror", [0, 1])
@pytest.mark.parametrize("dot", range(20))
def test_playfield_dots(bus: Bus, dot: int, mirror: int) -> None:
    bus.write(reg.CTRLPF, mirror)
    bus.write(*DOTS[dot])
    right = 39 - dot if mirror else 20 + dot
    expected = [4 * d + i for d in (dot, right) for i in range(4)]
    assert lit(bus.draw_line(), PF_COLOR) == expected


@pytest.mark.parametrize("cycle", range(40, 52))
def test_a_playfield_write_is_seen_from_the_next_dot_two_clocks_on(bus: Bus, cycle: int) -> None:
    bus.write(reg.CTRLPF, 0)
    bus.write(reg.PF1, 0xFF)
    bus.write(reg.PF2, 0xFF)
    bus.write_at(cycle, reg.PF2, 0)
    seen = 3 * (cycle + 1) - 68 + 2
    first_dark = max(48, -(-seen // 4) * 4)
    dark = [x for x in lit(bus.draw_line(), BACK) if 48 <= x < 80]
    assert dark == list(range(first_dark, 80))


def shown(bus: Bus, x: int) -> int:
    return int(bus.draw_line()[x])


@pytest.mark.parametrize(
    ("objects", "normal", "above"),
    [
        ("P0 P1 PF", P0_COLOR, PF_COLOR),
        ("M0 P1 BL", P0_COLOR, PF_COLOR),
        ("P1 PF", P1_COLOR, PF_COLOR),
        ("M1 BL", P1_COLOR, PF_COLOR),
        ("P0 M1", P0_COLOR, P0_COLOR),
        ("PF", PF_COLOR, PF_COLOR),
        ("", BACK, BACK),
    ],
)
def test_priorities(bus: Bus, objects: str, normal: int, above: int) -> None:
    """Stella Programmer's Guide, "Object priorities"; CTRLPF D2 lifts playfield and ball above all."""
    for name in objects.split():
        bus.write(*ON[name])
    assert shown(bus, 37) == normal
    bus.write(reg.CTRLPF, 0x34)
    assert shown(bus, 37) == above


def test_score_mode_colours_each_half_like_its_player(bus: Bus) -> None:
    bus.write(reg.CTRLPF, 0x32)
    bus.write(*ON["PF"])
    line = bus.draw_line()
    assert lit(line, P0_COLOR) == list(range(16, 48))
    assert lit(line, P1_COLOR) == list(range(96, 128))
    bus.write(reg.CTRLPF, 0x36)
    assert lit(bus.draw_line(), PF_COLOR) == [*range(16, 48), *range(96, 128)]


def test_score_mode_gives_the_left_half_the_priority_of_player_0(bus: Bus) -> None:
    bus.write(reg.CTRLPF, 0x32)
    bus.write(*ON["PF"])
    bus.write(*ON["P1"])
    assert shown(bus, 37) == P0_COLOR


def test_colours_ignore_their_lowest_bit_and_change_at_once(bus: Bus) -> None:
    bus.write_at(40, reg.COLUBK, 0x57)
    line = bus.draw_line()
    beam = 3 * 41 - 68
    assert line[beam - 1] == BACK
    assert line[beam] == 0x56
