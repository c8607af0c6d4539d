"""The TIA as the processor sees it: registers written, registers read.

Sources: Stella Programmer's Guide (Wright, 1979), "The registers" and TIA 1A "Write address detailed functions";
A. Towers, TIA Hardware Notes (2003).
"""

from __future__ import annotations

from typing import Any

from numba import njit

from subjects.microprocessor.atari2600.beam import advance, delay_clocks, hblank_end, postpone
from subjects.microprocessor.atari2600.objects import PERIOD, move_to, reset
from subjects.microprocessor.atari2600.registers import (
    AUDC0,
    AUDV1,
    COLUBK,
    COLUP0,
    COLUP1,
    COLUPF,
    CTRLPF,
    CXCLR,
    CXPPMM,
    ENABL,
    ENAM0,
    ENAM1,
    HMBL,
    HMCLR,
    HMP0,
    INPT0,
    INPT3,
    INPT4,
    INPT5,
    NUSIZ0,
    NUSIZ1,
    RESBL,
    RESMP0,
    RESMP1,
    RESP0,
    RSYNC,
    VBLANK,
    VDELBL,
    VDELP0,
    VDELP1,
    VSYNC,
    WSYNC,
)
from subjects.microprocessor.atari2600.state import CLOCKS_PER_LINE, M0, N_OBJECTS

# A frame without VSYNC ends after this many lines
N_LINES_AT_MOST = 291
# Places in `color` of COLUP0, COLUP1, COLUPF, COLUBK
COLOR_PLACES = (2, 3, 1, 0)
# A missile released by RESMPx lies this many pixels right of its player, in the middle, by NUSIZ mode (2k6specs,
# "RESMP0", has 3, 6, 10; ale-py shows 4 and 8 for normal and double players)
RESMP_OFFSETS = (4, 4, 4, 4, 4, 8, 4, 11)


@njit(cache=True)
def write(s: Any, register: int, value: int) -> None:
    """Write a TIA register at colour clock `s.clock`, up to which the picture is drawn."""
    delay = delay_clocks(register, s.clock)
    if delay > 0:
        postpone(s, s.clock + delay, register, value)
    if register == VSYNC:
        write_vsync(s, value)
    elif register == VBLANK:
        write_input_control(s, value)
    elif register == WSYNC:
        s.rdy = 0
    elif register in (NUSIZ0, NUSIZ1):
        s.nusiz[register - NUSIZ0] = value
    elif register == COLUBK:
        s.color[0] = value & 0xFE
    elif register == COLUPF:
        s.color[1] = value & 0xFE
    elif register in (COLUP0, COLUP1):
        s.color[2 + register - COLUP0] = value & 0xFE
    elif register == CTRLPF:
        s.ctrlpf = value
    elif RESP0 <= register <= RESBL:
        reset(s, register - RESP0, s.hpos < hblank_end(s))
    elif AUDC0 <= register <= AUDV1:
        s.audio[register - AUDC0] = value
    elif register in (ENAM0, ENAM1):
        s.enam[register - ENAM0] = (value >> 1) & 1
    elif register == ENABL:
        s.enabl = (value >> 1) & 1
    elif HMP0 <= register <= HMBL:
        s.hm[register - HMP0] = (value >> 4) ^ 8
    elif register in (VDELP0, VDELP1):
        s.vdel[register - VDELP0] = value & 1
    elif register == VDELBL:
        s.vdelbl = value & 1
    elif register in (RESMP0, RESMP1):
        write_resmp(s, register - RESMP0, (value >> 1) & 1)
    elif register == HMCLR:
        for k in range(N_OBJECTS):
            s.hm[k] = 8
    elif register == CXCLR:
        s.collisions = 0


@njit(cache=True)
def is_seen(s: Any, register: int, value: int) -> bool:
    """Whether a write of a register can change the picture or the collisions; before others nothing must be drawn."""
    if register > CXCLR or AUDC0 <= register <= AUDV1 or register in (WSYNC, RSYNC):
        return False
    if COLUP0 <= register <= COLUBK:
        return bool(s.color[COLOR_PLACES[register - COLUP0]] != value & 0xFE)
    if register in (NUSIZ0, NUSIZ1):
        return bool(s.nusiz[register - NUSIZ0] != value)
    if register == CTRLPF:
        return bool(s.ctrlpf != value)
    if register in (ENAM0, ENAM1):
        return bool(s.enam[register - ENAM0] != (value >> 1) & 1)
    if register == ENABL:
        return bool(s.enabl != (value >> 1) & 1)
    return True


@njit(cache=True)
def write_vsync(s: Any, value: int) -> None:
    """A frame ends when VSYNC goes off at least a line after it went on."""
    if value & 2:
        s.vsync_clock = s.clock
    elif s.vsync_clock >= 0 and s.clock >= s.vsync_clock + CLOCKS_PER_LINE:
        s.vsync_clock = -1
        s.frame_done = 1
    s.vsync = value


@njit(cache=True)
def write_input_control(s: Any, value: int) -> None:
    """VBLANK D7 dumps the paddles' capacitors to ground, D6 turns on the fire buttons' latches."""
    if s.input_control & 0x80 and not value & 0x80:
        s.dump_end_cycle = s.cycle
    if not value & 0x40:
        s.fire_latch[0] = 1
        s.fire_latch[1] = 1
    s.input_control = value
    latch_fire(s)


@njit(cache=True)
def write_resmp(s: Any, i: int, locked: int) -> None:
    """Hide missile i inside its player, or let it go from the player's middle."""
    if s.resmp[i] and not locked:
        move_to(s, M0 + i, (s.counter[i] - RESMP_OFFSETS[s.nusiz[i] & 7]) % PERIOD)
    s.resmp[i] = locked


@njit(cache=True)
def latch_fire(s: Any) -> None:
    """With latches enabled (VBLANK D6), a fire button once pressed stays pressed."""
    if s.input_control & 0x40:
        for i in range(2):
            if s.fire[i] == 0:
                s.fire_latch[i] = 0


@njit(cache=True)
def read(s: Any, register: int) -> int:
    """Read a TIA register; bits that the TIA does not drive are those the data bus carried last."""
    if register <= CXPPMM:
        return int(((s.collisions >> (2 * register)) & 3) << 6 | (s.data_bus & 0x3F))
    if register <= INPT3:
        return int(pot_level(s, register - INPT0) << 7 | (s.data_bus & 0x7F))
    if register <= INPT5:
        i = register - INPT4
        level = s.fire_latch[i] if s.input_control & 0x40 else s.fire[i]
        return int(level << 7 | (s.data_bus & 0x7F))
    return int(s.data_bus)


@njit(cache=True)
def pot_level(s: Any, i: int) -> int:
    """Level of a paddle input: high once its capacitor has charged through the paddle."""
    if s.input_control & 0x80 or s.pot_cycles[i] < 0:
        return 0
    return 1 if s.cycle - s.dump_end_cycle >= s.pot_cycles[i] else 0


@njit(cache=True)
def catch_up(s: Any, clock: int) -> None:
    """Draw up to `clock`; a frame without VSYNC ends here at last."""
    advance(s, clock)
    if s.line >= N_LINES_AT_MOST:
        s.frame_done = 1
