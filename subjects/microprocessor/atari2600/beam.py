"""The beam: lines, HBLANK, horizontal motion, and writes that the picture sees some clocks later.

clock      0              68       76                            228
           | HBLANK       |( comb )| 160 pixels                   |
           ^ RDY released          ^ object counters run from here
             (board.py)              (from 68 without HMOVE)
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from subjects.microprocessor.atari2600.objects import MIRRORED, PERIOD, draw, tick
from subjects.microprocessor.atari2600.picture import HALF, draw_playfield, fill, latch_collisions, show
from subjects.microprocessor.atari2600.registers import (
    GRP0,
    GRP1,
    HMOVE,
    PF0,
    PF1,
    PF2,
    REFP0,
    REFP1,
    VBLANK,
)
from subjects.microprocessor.atari2600.state import (
    AT_REST,
    CLOCKS_PER_LINE,
    FIRST_LINE,
    HBLANK_CLOCKS,
    N_OBJECTS,
    N_PENDING,
    SCREEN_LINES,
)
from subjects.microprocessor.plain import plain

COMB_CLOCKS = 8


@njit(cache=True)
def hblank_end(s: Any) -> int:
    """Clock of the line at which the object counters start to run."""
    return HBLANK_CLOCKS + COMB_CLOCKS if s.comb else HBLANK_CLOCKS


@njit(cache=True)
def delay_clocks(register: int, clock: int) -> int:
    """Colour clocks until a write at `clock` is seen.

    The playfield's serialiser and the motion sequencer work in groups of four clocks and take what was there two
    clocks before a group (2-5 clocks); graphics pass one more latch (Towers, TIA Hardware Notes, "Playfield").
    """
    if register in (PF0, PF1, PF2, HMOVE):
        return 2 + (-(clock + 2)) % 4
    if register in (GRP0, GRP1, REFP0, REFP1):
        return 1
    return 1 if register == VBLANK else 0


@njit(cache=True)
def postpone(s: Any, clock: int, register: int, value: int) -> None:
    """Queue a write that is seen at `clock`, behind those that are seen no later."""
    i = s.n_pending
    assert i < N_PENDING
    while i > 0 and s.pending_clock[i - 1] > clock:
        s.pending_clock[i] = s.pending_clock[i - 1]
        s.pending_register[i] = s.pending_register[i - 1]
        s.pending_value[i] = s.pending_value[i - 1]
        i -= 1
    s.pending_clock[i] = clock
    s.pending_register[i] = register
    s.pending_value[i] = value
    s.n_pending += 1


@njit(cache=True)
def apply_first_pending(s: Any) -> None:
    register = s.pending_register[0]
    value = s.pending_value[0]
    s.n_pending -= 1
    for i in range(s.n_pending):
        s.pending_clock[i] = s.pending_clock[i + 1]
        s.pending_register[i] = s.pending_register[i + 1]
        s.pending_value[i] = s.pending_value[i + 1]
    if register == GRP0:
        s.grp[0] = value
        s.grp_old[1] = s.grp[1]
    elif register == GRP1:
        s.grp[1] = value
        s.grp_old[0] = s.grp[0]
        s.enabl_old = s.enabl
    elif register in (REFP0, REFP1):
        s.reflect[register - REFP0] = (value >> 3) & 1
    elif register == PF0:
        s.playfield = (s.playfield & 0xFFFF0) | (value >> 4)
    elif register == PF1:
        s.playfield = (s.playfield & 0xFF00F) | (np.int64(MIRRORED[value]) << 4)
    elif register == PF2:
        s.playfield = (s.playfield & 0x00FFF) | (value << 12)
    elif register == VBLANK:
        s.vblank = value
    else:
        start_motion(s)


@njit(cache=True)
def start_motion(s: Any) -> None:
    """HMOVE: up to 15 extra clocks to each object, one every four clocks; HBLANK lasts longer if it still can."""
    s.hmove_clock = s.clock + 4
    s.hmove_step = 0
    for k in range(N_OBJECTS):
        s.moving[k] = 1
    if s.hpos < HBLANK_CLOCKS:
        s.comb = 1


@njit(cache=True)
def step_motion(s: Any) -> None:
    """One extra clock to every object whose motion register is not reached yet.

    Objects notice it only in HBLANK; outside, the extra clock coincides with an ordinary one. A motion register
    changed too early may never be reached: its object then moves on every line, until the next HMOVE
    (Towers, TIA Hardware Notes, "HMOVE"; the stars of Cosmic Ark).
    """
    in_hblank = s.hpos < hblank_end(s)
    any_moving = False
    count = s.hmove_step & 15  # back at 0 after 15, and it stays there
    for k in range(N_OBJECTS):
        if s.moving[k]:
            if s.hm[k] == count:
                s.moving[k] = 0
            else:
                any_moving = True
                if in_hblank:
                    tick(s, k)
    s.hmove_step = min(s.hmove_step + 1, 16)
    s.hmove_clock = s.clock + 4 if any_moving else -1


@njit(cache=True)
def collide_below_comb(s: Any) -> None:
    """Collisions in the pixels that the comb hides (2k6specs, "HMOVE Extra Blanking").

    The extra clocks have taken the objects through these pixels, so each is looked at 8 pixels back.
    """
    if s.vblank & 2:
        return
    s.masks[:] = 0
    for k in range(N_OBJECTS):
        counter = s.counter[k]
        scan = s.scan[k]
        s.counter[k] = (counter - COMB_CLOCKS) % PERIOD
        s.scan[k] = scan - COMB_CLOCKS
        draw(s, k, plain(0), plain(COMB_CLOCKS))  # as `run_line` calls it: compiled once
        s.counter[k] = counter
        s.scan[k] = scan
    draw_playfield(s, plain(0), plain(COMB_CLOCKS))
    latch_collisions(s)


@njit(cache=True)
def run_line(s: Any, n_clocks: int) -> None:
    """Move the beam on by `n_clocks` within the line; nothing changes on the way."""
    start = s.hpos - HBLANK_CLOCKS
    stop = start + n_clocks
    s.hpos += n_clocks
    s.clock += n_clocks
    if stop <= 0:
        return
    start = max(start, 0)
    first = hblank_end(s) - HBLANK_CLOCKS
    # what the comb and VBLANK hide stays black, as every picture begins
    start = max(start, first)
    if start >= stop:
        return
    if start == first and s.comb:
        collide_below_comb(s)
    if start <= HALF < stop:
        s.mirrored = s.ctrlpf & 1
    s.masks[:] = 0
    is_lit = s.playfield != 0
    for k in range(N_OBJECTS):
        is_lit |= draw(s, k, start, stop)
    if s.vblank & 2:
        return
    if is_lit:
        draw_playfield(s, start, stop)
        latch_collisions(s)
        show(s, start, stop)
    else:
        fill(s, start, stop, s.color[0])


@njit(cache=True)
def repeat_line(s: Any, n_lines: int) -> None:
    """Draw n more whole lines that are as the one just drawn."""
    for _ in range(n_lines):
        y = s.line - FIRST_LINE
        if y == 0:
            run_line(s, plain(CLOCKS_PER_LINE))
            s.hpos = 0
        else:
            if 0 < y < SCREEN_LINES:
                # a loop: numba compiles an assignment of rows together with the words of its error message, in seconds
                for x in range(s.screen.shape[1]):
                    s.screen[y, x] = s.screen[y - 1, x]
            s.clock += CLOCKS_PER_LINE
        s.line += 1


@njit(cache=True)
def run_lines(s: Any, n_lines: int) -> None:
    """Draw whole lines, from the start of one that has no comb, while nothing is written and no object moves."""
    for k in range(n_lines):
        before = 0
        after = 0
        for i in range(N_OBJECTS):
            before |= (s.scan[i] + AT_REST) << 8 * i
        run_line(s, plain(CLOCKS_PER_LINE))
        s.hpos = 0
        s.line += 1
        for i in range(N_OBJECTS):
            after |= (s.scan[i] + AT_REST) << 8 * i
        # counters are back where they were after 160 clocks
        if before == after:
            repeat_line(s, n_lines - 1 - k)
            return


@njit(cache=True)
def advance(s: Any, clock: int) -> None:
    """Draw everything before `clock` (colour clocks since power-on) and apply what falls due by then."""
    while True:
        if s.n_pending > 0 and s.pending_clock[0] <= s.clock:
            apply_first_pending(s)
            continue
        if s.hmove_clock == s.clock:
            step_motion(s)
            continue
        if s.clock >= clock:
            return
        if s.hpos == 0 and not s.comb and s.n_pending == 0 and s.hmove_clock < 0:
            n_lines = (clock - s.clock) // CLOCKS_PER_LINE
            if n_lines > 1:
                run_lines(s, n_lines)
                continue
        stop = min(clock, s.clock + CLOCKS_PER_LINE - s.hpos)
        if s.n_pending > 0:
            stop = min(stop, s.pending_clock[0])
        if s.hmove_clock >= 0:
            stop = min(stop, s.hmove_clock)
        run_line(s, stop - s.clock)
        if s.hpos == CLOCKS_PER_LINE:
            s.hpos = 0
            s.line += 1
            s.comb = 0
