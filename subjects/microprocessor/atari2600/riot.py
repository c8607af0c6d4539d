"""The RIOT (6532): 128 bytes of RAM, two ports, an interval timer.

The timer decrements one cycle after it is written, then once per interval. Having passed 0 it counts every cycle, from
0xFF down, until it is read (2k6specs, "Interval Timer"; MOS 6532 data sheet, "Interval timer"):

    cycle after the write      1 .. P     P+1 .. 2P         VP+1   VP+2
    INTIM                      V-1        V-2         ...   0xFF   0xFE  ...
"""

from __future__ import annotations

from typing import Any

from numba import njit

PRESCALER_SHIFTS = (0, 3, 6, 10)


@njit(cache=True)
def run_timer(s: Any) -> None:
    """Bring the timer to its value during cycle `s.cycle`."""
    n = s.cycle - s.timer_cycle
    s.timer_cycle = s.cycle
    interval = 1 << s.timer_shift
    if s.timer_expired:
        s.timer = (s.timer - n) & 0xFF
        s.timer_left = interval - (interval - s.timer_left + n) % interval
    elif n < s.timer_left:
        s.timer_left -= n
    else:
        n -= s.timer_left
        ticks = 1 + (n >> s.timer_shift)
        s.timer_left = interval - (n & (interval - 1))
        if ticks <= s.timer:
            s.timer -= ticks
        else:
            since = n - (s.timer << s.timer_shift)
            s.timer = (0xFF - since) & 0xFF
            s.timer_expired = 1


@njit(cache=True)
def write_timer(s: Any, shift: int, value: int) -> None:
    s.timer = value
    s.timer_shift = shift
    s.timer_left = 1
    s.timer_expired = 0
    s.timer_cycle = s.cycle


@njit(cache=True)
def read_timer(s: Any) -> int:
    """INTIM. Reading an expired timer sets it counting intervals again, except in the very cycle it expires."""
    run_timer(s)
    if s.timer != 0xFF:
        s.timer_expired = 0
    return int(s.timer)


@njit(cache=True)
def write(s: Any, address: int, value: int) -> None:
    """Write a RIOT register (A9 = 1). Edge detection on PA7 has no use here and is left out."""
    if address & 0x14 == 0x14:
        write_timer(s, PRESCALER_SHIFTS[address & 3], value)
    elif not address & 4:
        port = (address >> 1) & 1
        if address & 1:
            s.port_direction[port] = value
        else:
            s.port_out[port] = value


@njit(cache=True)
def read(s: Any, address: int) -> int:
    """Read a RIOT register (A9 = 1)."""
    if not address & 4:
        port = (address >> 1) & 1
        direction = s.port_direction[port]
        if address & 1:
            return int(direction)
        return int((s.port_out[port] & direction) | (s.port_in[port] & ~direction & 0xFF))
    if address & 1:
        run_timer(s)
        return 0x80 if s.timer_expired else 0
    return read_timer(s)
