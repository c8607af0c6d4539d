"""The five movable objects: position counters, copies, and what they draw over a stretch of a line.

Every object has a counter of 160 clocks that runs only outside HBLANK; extra clocks in HBLANK move it left. When the
counter passes certain values a copy starts some clocks later (5 for players, 4 for missiles and ball), so:

    counter     155   156 .. 159    0  1  2 .. 7           11 .. 16
    player      start  (latency)   |x  x  x .. x|          start   |x ... (second copy, close)

A reset loads the counter with the value just after the main copy's start: the main copy appears on the next pass, the
further copies already on this one (Towers, TIA Hardware Notes, "Player position counter", "RESPx"; Stella
Programmer's Guide, TIA 1A "Horizontal position counters"). The ball's reset starts it at once ("RESBL").
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from subjects.microprocessor.atari2600.state import AT_REST, BL, M0, ROW_WORDS

PERIOD = 160
# Clocks from the start of a copy to its first pixel
PLAYER_LATENCY = 5
MISSILE_LATENCY = 4
# NUSIZ modes (bit m: mode m) that have a copy 16, 32, 64 clocks after the main one (2k6specs, "NUSIZ0")
COPY_16_MODES = 0b0000_1010
COPY_32_MODES = 0b0100_1100
COPY_64_MODES = 0b0101_0000
DOUBLE_SIZE_MODE = 5
QUAD_SIZE_MODE = 7
# Bytes with their bits in reverse order
MIRRORED = np.packbits(np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1)[:, ::-1], axis=1)[:, 0]

# Bytes with every bit 1, 2 or 4 times, the lowest first
STRETCHED = np.array(
    [[sum(((b >> (i >> shift)) & 1) << i for i in range(8 << shift)) for b in range(256)] for shift in range(3)],
    dtype=np.uint32,
)


@njit(cache=True)
def latency(k: int) -> int:
    return PLAYER_LATENCY if k < M0 else MISSILE_LATENCY


@njit(cache=True)
def mode(s: Any, k: int) -> int:
    """NUSIZ mode of object k; the ball has one copy."""
    return 0 if k == BL else s.nusiz[k & 1] & 7


@njit(cache=True)
def size_shift(s: Any, k: int) -> int:
    """log2 of the clocks per pixel (players) or of the width (missiles, ball)."""
    if k == BL:
        return int((s.ctrlpf >> 4) & 3)
    if k >= M0:
        return int((s.nusiz[k & 1] >> 4) & 3)
    m = s.nusiz[k] & 7
    return 1 if m == DOUBLE_SIZE_MODE else 2 if m == QUAD_SIZE_MODE else 0


@njit(cache=True)
def clocks_to_start(counter: int, lead: int, modes: int) -> int:
    """Clocks (1..160) until a copy starts; `lead`: latency of the object, `modes`: 1 << its NUSIZ mode."""
    counter += lead
    soonest = PERIOD - counter if counter < PERIOD else 2 * PERIOD - counter
    if modes & COPY_16_MODES:
        soonest = min(soonest, (16 - counter - 1) % PERIOD + 1)
    if modes & COPY_32_MODES:
        soonest = min(soonest, (32 - counter - 1) % PERIOD + 1)
    if modes & COPY_64_MODES:
        soonest = min(soonest, (64 - counter - 1) % PERIOD + 1)
    return soonest


@njit(cache=True)
def tick(s: Any, k: int) -> None:
    """Give object k one clock."""
    n = clocks_to_start(s.counter[k], latency(k), 1 << mode(s, k))
    s.counter[k] = (s.counter[k] + 1) % PERIOD
    if n == 1:
        s.scan[k] = -latency(k)
    elif s.scan[k] < AT_REST:
        s.scan[k] += 1


@njit(cache=True)
def reset(s: Any, k: int, in_hblank: bool) -> None:
    """Position object k where the beam is: it appears 5 (4) pixels on, after a reset in HBLANK at 3 (2)."""
    s.counter[k] = PERIOD - latency(k) + (2 if in_hblank else 0)
    if k == BL:
        s.scan[k] = s.counter[k] - PERIOD


@njit(cache=True)
def move_to(s: Any, k: int, counter: int) -> None:
    """Set object k's counter as if it had always run so; its main copy may be under way."""
    s.counter[k] = counter
    if counter >= PERIOD - latency(k):
        s.scan[k] = counter - PERIOD
    else:
        s.scan[k] = min(counter, AT_REST)


@njit(cache=True)
def pattern(s: Any, k: int) -> int:
    """Pixels of object k: bit i is its pixel i from the left. One bit, 0 or 1, for missiles and ball."""
    if k == BL:
        return int(s.enabl_old if s.vdelbl else s.enabl)
    if k >= M0:
        return 0 if s.resmp[k & 1] else int(s.enam[k & 1])
    bits = s.grp_old[k] if s.vdel[k] else s.grp[k]
    return int(bits if s.reflect[k] else MIRRORED[bits])


@njit(cache=True)
def light(s: Any, k: int, bits: Any, left: int, start: int, stop: int) -> None:
    """Mark pixels in `s.masks[k]`: bit i of 32 is pixel left + i; only those in [start, stop) count."""
    if left < start:
        bits >>= np.uint64(start - left)
        left = start
    if left >= stop:
        return
    if stop - left < 32:
        bits &= (np.uint64(1) << np.uint64(stop - left)) - np.uint64(1)
    word, shift = left >> 6, left & 63
    s.masks[k, word] |= bits << np.uint64(shift)
    if shift > 32 and word < ROW_WORDS - 1:
        s.masks[k, word + 1] |= bits >> np.uint64(64 - shift)


@njit(cache=True)
def draw(s: Any, k: int, start: int, stop: int) -> bool:
    """Run object k over pixels [start, stop) of the line and mark it in `s.masks`. Returns whether it may have."""
    counter = s.counter[k]
    scan = s.scan[k]
    lead = latency(k)
    modes = 1 << mode(s, k)
    n = clocks_to_start(counter, lead, modes)
    if scan == AT_REST and n > stop - start:
        counter += stop - start
        s.counter[k] = counter - PERIOD if counter >= PERIOD else counter
        return False
    dots = pattern(s, k)
    shift = size_shift(s, k)
    # A player's pixel is dot scan >> shift of eight, stretched players come one clock later;
    # a missile or ball is one dot of 1 << shift pixels
    first = 1 if k < M0 and shift > 0 else 0
    if k < M0:
        bits = np.uint64(STRETCHED[shift, dots])
        n_pixels = 8 << shift
    else:
        bits = (np.uint64(1) << np.uint64(1 << shift)) - np.uint64(1)
        n_pixels = 1 << shift
    x = start
    while x < stop:
        run = min(n, stop - x)
        if dots and scan < first + n_pixels and scan + run > first:
            light(s, k, bits, x + first - scan, x, x + run)
        scan = min(scan + run, AT_REST)
        x += run
        counter += run
        if counter >= PERIOD:
            counter -= PERIOD
        if run == n:
            scan = -lead
            n = clocks_to_start(counter, lead, modes)
    s.counter[k] = counter
    s.scan[k] = scan
    return dots != 0
