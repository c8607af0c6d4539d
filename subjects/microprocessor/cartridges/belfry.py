"""What BELFRY keeps where (belfry.oph). Positions are of a shape's left edge and of its lowest line, upwards."""

from __future__ import annotations

from subjects.microprocessor.cartridges.common import COMMON
from subjects.microprocessor.cartridges.variables import Variable

N_STOREYS = 7
_NOWHERE = 200

VARIABLES = (
    *COMMON,
    Variable("state", 0xE0, "state", "0 running, 1 the climber is hurt, 2 the bell rings"),
    Variable("pause_frames", 0xE1, "pause", "frames until that is over"),
    Variable("climber_x_px", 0xD6, "climber_x", "the climber"),
    Variable("climber_y_lines", 0xD7, "climber_y", "its feet"),
    Variable("climber_rise_lines_per_frame", 0xDA, "rise + 1", "whole lines a frame upwards", signed=True),
    Variable("stands_on", 0xDB, "stands_on", "ledge: 1 is the bell's, 7 the ground; -1: in the air", absent=0xFF),
    Variable("faces_left", 0xDC, "faces", "1: it looks left", mask=0x08),
    Variable("stone_x_px", 0xDE, "stone_x", "the falling stone"),
    Variable("stone_y_lines", 0xDF, "stone_y", "-1: none falls", absent=_NOWHERE),
    *(
        Variable(f"storey{k}_lodger", 0xBD + k, f"lodger + {k}", "0 nobody, 1 bat, 2 rat, 3 candle, 4 bell; 0 is top")
        for k in range(N_STOREYS)
    ),
    *(
        Variable(f"storey{k}_lodger_x_px", 0xA8 + k, f"lane_x + {k}", "where that is; 0: nobody")
        for k in range(N_STOREYS)
    ),
)
