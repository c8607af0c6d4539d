"""From objects at a pixel to its colour and to the collision latches.

A line is worked off in bits, 64 pixels at a time: objects and playfield have masks of the pixels that they light.

Sources: Stella Programmer's Guide, "Object priorities" and "Collisions"; 2k6specs, "Video Priority", "Video Collision".
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from subjects.microprocessor.atari2600.objects import MIRRORED, STRETCHED
from subjects.microprocessor.atari2600.paint import paint
from subjects.microprocessor.atari2600.state import (
    BL,
    FIRST_LINE,
    M0,
    M1,
    P0,
    P1,
    PF,
    ROW_WORDS,
    SCREEN_COLUMNS,
    SCREEN_LINES,
)

HALF = SCREEN_COLUMNS // 2
BACKGROUND, PLAYFIELD, PLAYER0, PLAYER1 = range(4)
"""Places in `color`."""

# Pairs latched in D7 and D6 of the eight collision registers, CXM0P first
COLLISION_PAIRS = (
    ((M0, P1), (M0, P0)),
    ((M1, P0), (M1, P1)),
    ((P0, PF), (P0, BL)),
    ((P1, PF), (P1, BL)),
    ((M0, PF), (M0, BL)),
    ((M1, PF), (M1, BL)),
    ((BL, PF), None),
    ((P0, P1), (M0, M1)),
)


def _collision_bits() -> NDArray[np.uint16]:
    """(6, 6) latch of two objects that meet."""
    bits = np.zeros((PF + 1, PF + 1), np.uint16)
    for register, pairs in enumerate(COLLISION_PAIRS):
        for bit, pair in zip((2 * register + 1, 2 * register), pairs, strict=True):
            if pair is not None:
                bits[pair] = bits[pair[::-1]] = 1 << bit
    return bits


COLLISIONS = _collision_bits()
QUADRUPLED = STRETCHED[2]
_LEFT = np.array([2**64 - 1, 2 ** (HALF - 64) - 1, 0], np.uint64)
"""The left half's pixels."""


@njit(cache=True)
def between(start: int, stop: int, w: int) -> Any:
    """Pixels [start, stop) of word w."""
    low = min(max(start - 64 * w, 0), 64)
    high = min(max(stop - 64 * w, 0), 64)
    if low >= high:
        return np.uint64(0)
    return (np.uint64(0xFFFF_FFFF_FFFF_FFFF) >> np.uint64(64 - high + low)) << np.uint64(low)


@njit(cache=True)
def draw_playfield(s: Any, start: int, stop: int) -> None:
    """Mark the playfield in `s.masks` for pixels [start, stop)."""
    dots = s.playfield
    if dots == 0:
        return
    low = np.uint64(QUADRUPLED[dots & 0xFF]) | np.uint64(QUADRUPLED[(dots >> 8) & 0xFF]) << np.uint64(32)
    high = np.uint64(QUADRUPLED[(dots >> 16) & 0xF])
    left, middle = low, high
    if s.mirrored:
        dots = (
            np.int64(MIRRORED[dots & 0xFF]) << 12
            | np.int64(MIRRORED[(dots >> 8) & 0xFF]) << 4
            | np.int64(MIRRORED[(dots >> 16) & 0xF]) >> 4
        )
        low = np.uint64(QUADRUPLED[dots & 0xFF]) | np.uint64(QUADRUPLED[(dots >> 8) & 0xFF]) << np.uint64(32)
        high = np.uint64(QUADRUPLED[(dots >> 16) & 0xF])
    s.masks[PF, 0] = left & between(start, stop, 0)
    s.masks[PF, 1] = (middle | low << np.uint64(16)) & between(start, stop, 1)
    s.masks[PF, 2] = (low >> np.uint64(48) | high << np.uint64(16)) & between(start, stop, 2)


@njit(cache=True)
def latch_collisions(s: Any) -> None:
    """Latch which objects meet in `s.masks`."""
    for one in range(PF):
        a, b, c = s.masks[one, 0], s.masks[one, 1], s.masks[one, 2]
        if a | b | c:
            for other in range(one + 1, PF + 1):
                if a & s.masks[other, 0] | b & s.masks[other, 1] | c & s.masks[other, 2]:
                    s.collisions |= COLLISIONS[one, other]


@njit(cache=True)
def show(s: Any, start: int, stop: int) -> None:
    """Colour pixels [start, stop) of the line from `s.masks`, if the line is kept."""
    y = s.line - FIRST_LINE
    if y < 0 or y >= SCREEN_LINES:
        return
    row = s.screen[y]
    over = (s.ctrlpf & 4) != 0
    score = (s.ctrlpf & 6) == 2
    for w in range(ROW_WORDS):
        shown = between(start, stop, w)
        if shown == 0:
            continue
        playfield = s.masks[PF, w]
        first = s.masks[P0, w] | s.masks[M0, w]
        second = s.masks[P1, w] | s.masks[M1, w]
        third = s.masks[BL, w]
        if score:  # each half of the playfield goes with that side's player
            first |= playfield & _LEFT[w]
            second |= playfield & ~_LEFT[w]
        else:
            third |= playfield
        if over:
            first &= ~third
        second &= ~first
        if over:
            second &= ~third
        else:
            third &= ~(first | second)
        color = s.color
        paint(
            row,
            64 * w,
            shown,
            color[BACKGROUND],
            third,
            color[PLAYFIELD],
            first,
            color[PLAYER0],
            second,
            color[PLAYER1],
        )


@njit(cache=True)
def fill(s: Any, start: int, stop: int, color: int) -> None:
    """Give pixels [start, stop) of the line one colour, if the line is kept."""
    y = s.line - FIRST_LINE
    if y < 0 or y >= SCREEN_LINES:
        return
    row = s.screen[y]
    for x in range(start, stop):
        row[x] = color
