"""From objects at a pixel to its colour and to the collision latches.

Sources: Stella Programmer's Guide, "Object priorities" and "Collisions"; 2k6specs, "Video Priority", "Video Collision".
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from subjects.microprocessor.atari2600.state import (
    BL,
    FIRST_LINE,
    M0,
    M1,
    P0,
    P1,
    PLAYFIELD_BIT,
    SCREEN_COLUMNS,
    SCREEN_LINES,
)

PF = 5  # the playfield's place after the five movable objects
HALF = SCREEN_COLUMNS // 2

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


def _collision_table() -> NDArray[np.uint16]:
    table = np.zeros(64, np.uint16)
    for register, pairs in enumerate(COLLISION_PAIRS):
        for bit, pair in zip((2 * register + 1, 2 * register), pairs, strict=True):
            if pair is not None:
                both = (1 << pair[0]) | (1 << pair[1])
                for objects in range(64):
                    if objects & both == both:
                        table[objects] |= 1 << bit
    return table


def _priority_table() -> NDArray[np.uint8]:
    """Index by 128 * (CTRLPF bits 1-2) + 64 * (right half) + objects: which of `color` shows."""
    background, playfield, player0, player1 = range(4)
    first = (1 << P0) | (1 << M0)
    second = (1 << P1) | (1 << M1)
    third = (1 << BL) | PLAYFIELD_BIT
    table = np.zeros((4, 2, 64), np.uint8)
    for control in range(4):
        for right in range(2):
            if control & 2:
                layers = [(third, playfield), (first, player0), (second, player1)]
            elif control & 1:  # score: each half of the playfield goes with that side's player
                layers = [(first, player0), (second, player1), (1 << BL, playfield)]
                mask, color = layers[right]
                layers[right] = (mask | PLAYFIELD_BIT, color)
            else:
                layers = [(first, player0), (second, player1), (third, playfield)]
            for objects in range(64):
                table[control, right, objects] = next((c for mask, c in layers if objects & mask), background)
    return table.ravel()


COLLISIONS = _collision_table()
PRIORITY = _priority_table()


@njit(cache=True)
def draw_playfield(s: Any, start: int, stop: int) -> None:
    """Mark the playfield in `s.row` for pixels [start, stop)."""
    if s.playfield == 0:
        return
    for x in range(start, stop):
        dot = x >> 2
        if dot >= 20:
            dot = 39 - dot if s.mirrored else dot - 20
        if (s.playfield >> dot) & 1:
            s.row[x] |= PLAYFIELD_BIT


@njit(cache=True)
def latch_collisions(s: Any, start: int, stop: int) -> None:
    latched = 0
    for x in range(start, stop):
        latched |= COLLISIONS[s.row[x]]
    s.collisions |= latched


@njit(cache=True)
def show(s: Any, start: int, stop: int) -> None:
    """Colour pixels [start, stop) of the line from `s.row`, if the line is kept."""
    y = s.line - FIRST_LINE
    if y < 0 or y >= SCREEN_LINES:
        return
    left = 128 * ((s.ctrlpf >> 1) & 3)
    for x in range(start, min(stop, HALF)):
        s.screen[y, x] = s.color[PRIORITY[left + s.row[x]]]
    for x in range(max(start, HALF), stop):
        s.screen[y, x] = s.color[PRIORITY[left + 64 + s.row[x]]]


@njit(cache=True)
def fill(s: Any, start: int, stop: int, color: int) -> None:
    """Give pixels [start, stop) of the line one colour, if the line is kept."""
    y = s.line - FIRST_LINE
    if y < 0 or y >= SCREEN_LINES:
        return
    for x in range(start, stop):
        s.screen[y, x] = color
