"""The whole state of the board as one numpy record, and the frames it hands out.

Copying the bytes of a board copies the board: `snapshot = board.tobytes()`, and to restore
`board[:] = np.frombuffer(snapshot, BOARD)`. Kernels take `board[0]`, called `s` there.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Time: one CPU cycle is three colour clocks, a line 76 cycles (Stella Programmer's Guide, "Horizontal timing")
CLOCKS_PER_CYCLE = 3
CYCLES_PER_LINE = 76
CLOCKS_PER_LINE = 228
HBLANK_CLOCKS = 68
CPU_HZ = 3_579_545 / 3

# The part of the picture that is kept: `SCREEN_LINES` lines from `FIRST_LINE` on, counted from the end of a frame
FIRST_LINE = 34
SCREEN_LINES = 210
SCREEN_COLUMNS = 160
RAM_BYTES = 128

# The movable objects, in the order of RESxx and HMxx
P0, P1, M0, M1, BL = range(5)
N_OBJECTS = 5
# The playfield's place after the five movable objects
PF = N_OBJECTS
# A line of 160 pixels as bits, the leftmost in bit 0 of the first word
ROW_WORDS = 3

N_PENDING = 16
# A scan at rest: beyond the last pixel of the widest object (quad-size player, 32 pixels)
AT_REST = 64

BOARD = np.dtype(
    [
        # time
        ("cycle", "i8"),  # bus cycles completed since power-on
        ("clock", "i8"),  # colour clocks drawn since power-on
        ("hpos", "i4"),  # colour clock within the line, 0..227; HBLANK comes first
        ("line", "i4"),  # line within the frame
        ("rdy", "u1"),  # level of the 6507's RDY pin
        ("data_bus", "u1"),  # what the data bus carried last; undriven bits keep it
        # frames
        ("frame_done", "u1"),  # a write just ended the frame
        ("n_frames", "i8"),  # frames ended since power-on
        ("vsync_clock", "i8"),  # clock at which VSYNC was switched on; -1: it is off
        # TIA, colours and playfield
        ("vsync", "u1"),
        ("vblank", "u1"),
        ("color", "u1", (4,)),  # background, playfield and ball, player 0, player 1
        ("ctrlpf", "u1"),
        ("playfield", "u4"),  # 20 dots, the leftmost in bit 0
        ("mirrored", "u1"),  # the right half runs backwards; taken from CTRLPF at the middle of the line
        # TIA, players, missiles, ball
        ("nusiz", "u1", (2,)),
        ("reflect", "u1", (2,)),
        ("grp", "u1", (2,)),  # graphics as last written
        ("grp_old", "u1", (2,)),  # graphics as of the last write to the other player
        ("vdel", "u1", (2,)),
        ("enam", "u1", (2,)),
        ("resmp", "u1", (2,)),
        ("enabl", "u1"),
        ("enabl_old", "u1"),  # as of the last write to GRP1
        ("vdelbl", "u1"),
        ("counter", "i4", (N_OBJECTS,)),  # position counter; 0 at the main copy's first pixel
        ("scan", "i4", (N_OBJECTS,)),  # pixel of the copy being drawn; negative: about to start
        # TIA, horizontal motion
        ("hm", "u1", (N_OBJECTS,)),  # (HMxx >> 4) ^ 8: extra clocks asked for
        ("moving", "u1", (N_OBJECTS,)),  # still receives extra clocks
        ("hmove_clock", "i8"),  # when the next extra clock falls; -1: no motion under way
        ("hmove_step", "i4"),  # extra clocks handed out; 16: all of them
        ("comb", "u1"),  # this line's HBLANK lasts 8 clocks longer
        # TIA, collisions, inputs, sound
        ("collisions", "u2"),  # D7, D6 of read register r in bits 2r+1, 2r
        ("input_control", "u1"),  # VBLANK D7, D6: dump the pots, latch the fire buttons
        ("fire", "u1", (2,)),  # levels of INPT4, INPT5: 0 is pressed
        ("fire_latch", "u1", (2,)),
        ("pot_cycles", "i8", (4,)),  # charging time of INPT0-3; -1: nothing is plugged in
        ("dump_end_cycle", "i8"),  # when the pots' capacitors were last released from ground
        ("audio", "u1", (6,)),  # AUDC0 AUDC1 AUDF0 AUDF1 AUDV0 AUDV1; stored only
        # TIA, writes that are seen some clocks later, soonest first
        ("n_pending", "i4"),
        ("pending_clock", "i8", (N_PENDING,)),
        ("pending_register", "u1", (N_PENDING,)),
        ("pending_value", "u1", (N_PENDING,)),
        # RIOT
        ("timer", "u1"),
        ("timer_shift", "u1"),  # log2 of the prescaler
        ("timer_left", "i4"),  # cycles until the next decrement
        ("timer_expired", "u1"),
        ("timer_cycle", "i8"),  # cycle for which the timer's fields hold
        ("port_in", "u1", (2,)),  # levels that the controllers and switches put on SWCHA, SWCHB
        ("port_out", "u1", (2,)),
        ("port_direction", "u1", (2,)),  # 1: output
        ("ram", "u1", (RAM_BYTES,)),
        # picture
        (
            "masks",
            "u8",
            (N_OBJECTS + 1, ROW_WORDS),
        ),  # scratch: pixels of the line that each object and the playfield lights
        ("screen", "u1", (SCREEN_LINES, SCREEN_COLUMNS)),  # colour registers & 0xFE; black is 0
    ],
    align=True,
)

FRAME = np.dtype(
    [
        ("cycle", "i8"),  # index of the CPU cycle whose write ended the frame
        ("n_lines", "i4"),
        ("ram", "u1", (RAM_BYTES,)),
        ("screen", "u1", (SCREEN_LINES, SCREEN_COLUMNS)),
    ],
    align=True,
)


def new_board() -> NDArray[np.void]:
    """Make a board at power-on: nothing pressed, RAM and registers zero, the beam at the start of a line.

    Returns
    -------
    (1,) BOARD
    """
    board = np.zeros(1, BOARD)
    board["rdy"] = 1
    board["vsync_clock"] = -1
    board["hmove_clock"] = -1
    board["scan"] = AT_REST
    board["hm"] = 8
    board["fire"] = 1
    board["fire_latch"] = 1
    board["pot_cycles"] = -1
    board["port_in"] = [0xFF, 0x3F]  # colour set, difficulties B: the console as ale-py leaves it
    # The real timer wakes with any value; this one gives Pitfall's first frames the lengths that ale-py gives them
    board["timer"] = 96
    board["timer_shift"] = 6
    board["timer_left"] = 64
    return board


def new_frames(n_slots: int) -> NDArray[np.void]:
    """Make a ring for `n_slots` frames; frame number k (from 0) lies in slot k % n_slots.

    Returns
    -------
    (n_slots,) FRAME
    """
    return np.zeros(n_slots, FRAME)
