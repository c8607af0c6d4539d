"""What becomes of every lane's frames: when they ended, and how they compare with those of the intact chip.

Pictures themselves are kept only of frames asked for. Compared are frames of equal number: the k-th of a lane with the
k-th of the intact chip, whenever each of them ended.

Similarity is Cohen's kappa over pixels, with colours as categories: the share of pixels of equal colour, corrected for
how many would be equal if the same colours lay anywhere; 1 for equal pictures, around 0 for unrelated ones and for a
blank one (J. Cohen, A coefficient of agreement for nominal scales, Educ. Psychol. Meas. 20 (1960)).

The first difference of screens has the tick at which the beam drew the first pixel that differs. Where the frame ended
at another time before any pixel differed, it has the tick at which the earlier of the two ended.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from subjects.microprocessor.atari2600.state import (
    CLOCKS_PER_CYCLE,
    CLOCKS_PER_LINE,
    CYCLES_PER_LINE,
    FIRST_LINE,
    HBLANK_CLOCKS,
    SCREEN_COLUMNS,
    SCREEN_LINES,
)

N_COLORS = 128
"""Colour registers have seven bits; a pixel's colour is twice its number."""


_WEIGHTS = np.random.default_rng(1).integers(0, 2**63, SCREEN_COLUMNS, np.uint64) * np.uint64(2) + np.uint64(1)


class Screens(NamedTuple):
    """Frames of all lanes, and those of the intact chip.

    cycle : (n_lanes, n_frames) int64, the CPU cycle that ended each; -1: not ended
    n_lines : (n_lanes, n_frames) int16; as many as `tia.N_LINES_AT_MOST`: the program did not end it
    n_colors : (n_lanes, n_frames) uint8, how many its picture has
    similarity : (n_lanes, n_frames) float32, to the intact chip's frame of that number; NaN: there is none
    differs_cycle : (n_lanes,) int64, in which the screen first differed from the intact chip's; -1: never
    digest : (n_lanes,) uint64 of all pictures so far
    kept_frames : (n_kept,) int64, numbers of the frames kept
    kept : (n_lanes, n_kept, 210, 160) uint8, their pictures
    intact_cycle : (m,) int64, as `cycle`; the last row is what was on the screen when the run ended
    intact : (m, 210, 160) uint8
    intact_counts : (m, 128) int32, pixels of each colour
    """

    cycle: NDArray[np.int64]
    n_lines: NDArray[np.int16]
    n_colors: NDArray[np.uint8]
    similarity: NDArray[np.float32]
    differs_cycle: NDArray[np.int64]
    digest: NDArray[np.uint64]
    kept_frames: NDArray[np.int64]
    kept: NDArray[np.uint8]
    intact_cycle: NDArray[np.int64]
    intact: NDArray[np.uint8]
    intact_counts: NDArray[np.int32]


class IntactScreens(NamedTuple):
    """Frames of the intact chip: those of a `Screens` that begin with `intact`."""

    cycle: NDArray[np.int64]
    screen: NDArray[np.uint8]


NOTHING_INTACT = IntactScreens(np.zeros(0, np.int64), np.zeros((0, SCREEN_LINES, SCREEN_COLUMNS), np.uint8))
"""To compare with nothing."""


def new_screens(n_lanes: int, n_frames: int, intact: IntactScreens, kept_frames: tuple[int, ...] = ()) -> Screens:
    """Make room for the first n_frames frames of every lane; later ones are drawn and forgotten."""
    counts = [np.bincount(screen.ravel() >> 1, minlength=N_COLORS) for screen in intact.screen]
    return Screens(
        cycle=np.full((n_lanes, n_frames), -1, np.int64),
        n_lines=np.zeros((n_lanes, n_frames), np.int16),
        n_colors=np.zeros((n_lanes, n_frames), np.uint8),
        similarity=np.full((n_lanes, n_frames), np.nan, np.float32),
        differs_cycle=np.full(n_lanes, -1, np.int64),
        digest=np.zeros(n_lanes, np.uint64),
        kept_frames=np.array(kept_frames, np.int64),
        kept=np.zeros((n_lanes, len(kept_frames), SCREEN_LINES, SCREEN_COLUMNS), np.uint8),
        intact_cycle=intact.cycle,
        intact=intact.screen,
        intact_counts=np.array(counts, np.int32).reshape(-1, N_COLORS),
    )


@njit(cache=True)
def end_frame(screens: Screens, lane: int, s: Any, cycle: int) -> None:
    """Take a lane's frame, drawn to the end of `cycle`, and begin the next one on the line where the beam is."""
    take_frame(screens, lane, s.n_frames, s.screen, s.line, cycle)
    s.screen[:] = 0
    s.n_frames += 1
    s.line = 0
    s.frame_done = 0


@njit(cache=True)
def take_frame(screens: Screens, lane: int, k: int, screen: Any, n_lines: int, cycle: int) -> None:
    """Note a lane's k-th frame, which `cycle` ended."""
    note_difference(screens, lane, k, screen, cycle)
    screens.digest[lane] = digest(screens.digest[lane], screen)
    if k >= screens.cycle.shape[1]:
        return
    screens.cycle[lane, k] = cycle
    screens.n_lines[lane, k] = n_lines
    counts = np.zeros(N_COLORS, np.int32)
    if k < len(screens.intact_cycle):
        screens.similarity[lane, k] = kappa(screen, screens.intact[k], screens.intact_counts[k], counts)
    else:
        count_colors(screen, counts)
    screens.n_colors[lane, k] = np.count_nonzero(counts)
    for i in range(len(screens.kept_frames)):
        if screens.kept_frames[i] == k:
            screens.kept[lane, i] = screen


@njit(cache=True)
def digest(before: Any, screen: Any) -> Any:
    """Digest of the pictures so far and one more: equal for equal pictures, 64 bits (weighted sums by FNV-1a)."""
    value = before
    for y in range(SCREEN_LINES):
        line = np.uint64(0)
        for x in range(SCREEN_COLUMNS):
            line += np.uint64(screen[y, x]) * _WEIGHTS[x]
        value = (value ^ line) * np.uint64(0x100_0000_01B3)
    return value


@njit(cache=True)
def count_colors(screen: Any, counts: Any) -> None:
    """Add the pixels of each colour to `counts`."""
    for y in range(SCREEN_LINES):
        for x in range(SCREEN_COLUMNS):
            counts[screen[y, x] >> 1] += 1


@njit(cache=True)
def kappa(screen: Any, intact: Any, intact_counts: Any, counts: Any) -> float:
    """Cohen's kappa of two pictures. `counts`, zeros at first, get the pixels of each colour of the first."""
    n_equal = 0
    counts[:] = intact_counts
    for y in range(SCREEN_LINES):
        differing = 0
        for x in range(SCREEN_COLUMNS):
            differing |= screen[y, x] ^ intact[y, x]
        if not differing:
            n_equal += SCREEN_COLUMNS
            continue
        # runs of one colour on another: counting each pixel by itself waits for the count before it
        color, of_intact, first = screen[y, 0], intact[y, 0], 0
        for x in range(1, SCREEN_COLUMNS + 1):
            if x < SCREEN_COLUMNS and screen[y, x] == color and intact[y, x] == of_intact:
                continue
            if color == of_intact:
                n_equal += x - first
            else:
                counts[of_intact >> 1] -= x - first
                counts[color >> 1] += x - first
            if x < SCREEN_COLUMNS:
                color, of_intact, first = screen[y, x], intact[y, x], x
    n = SCREEN_LINES * SCREEN_COLUMNS
    if n_equal == n:
        return 1.0
    by_chance = 0.0
    for color in range(N_COLORS):
        by_chance += float(counts[color]) * float(intact_counts[color])
    by_chance /= float(n) * n
    if by_chance == 1.0:
        return 0.0
    return (n_equal / n - by_chance) / (1.0 - by_chance)


@njit(cache=True)
def note_difference(screens: Screens, lane: int, k: int, screen: Any, cycle: int) -> None:
    """Compare what a lane has drawn of its k-th frame by the end of `cycle` with the intact chip's frame k.

    To be called when the lane's frame ends, and once when the run ends.
    """
    if screens.differs_cycle[lane] >= 0 or k >= len(screens.intact_cycle):
        return
    intact_cycle = screens.intact_cycle[k]
    last = min(cycle, intact_cycle)
    # the lane's earlier frames ended when the intact chip's did
    first_line = (screens.intact_cycle[k - 1] + 1) // CYCLES_PER_LINE if k > 0 else 0
    for y in range(SCREEN_LINES):
        n_differing = 0
        for x in range(SCREEN_COLUMNS):
            n_differing += screen[y, x] != screens.intact[k, y, x]
        if n_differing:
            x = 0
            while screen[y, x] == screens.intact[k, y, x]:
                x += 1
            clock = (first_line + FIRST_LINE + y) * CLOCKS_PER_LINE + HBLANK_CLOCKS + x
            if clock < CLOCKS_PER_CYCLE * (last + 1):
                screens.differs_cycle[lane] = clock // CLOCKS_PER_CYCLE
                return
            break
    if cycle != intact_cycle:
        screens.differs_cycle[lane] = last
