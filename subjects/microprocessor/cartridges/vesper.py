"""What VESPER keeps where (vesper.oph). Positions are of a shape's left edge and of its lowest line, upwards."""

from __future__ import annotations

from subjects.microprocessor.cartridges.common import COMMON
from subjects.microprocessor.cartridges.variables import Variable

N_FLIGHTS = 6
_NOWHERE = 200

VARIABLES = (
    *COMMON,
    Variable("state", 0xDB, "state", "0 running, 1 the cart is lost, 2 the night is over"),
    Variable("pause_frames", 0xDC, "pause", "frames until that is over"),
    Variable("cart_x_px", 0xAF, "cart_x", "the lamp cart"),
    Variable("spark_x_px", 0xD2, "spark_x", "the spark it throws"),
    Variable("spark_y_lines", 0xD3, "spark_y", "-1: none flies", absent=_NOWHERE),
    Variable("dust_x_px", 0xD4, "dust_x", "the dust a moth drops"),
    Variable("dust_y_lines", 0xD5, "dust_y", "-1: none falls", absent=_NOWHERE),
    Variable("free_kind", 0xD6, "free_kind", "0 nothing, 1 a diving moth, 2 a puff where one was hit"),
    Variable("free_x_px", 0xD7, "free_x", "the diving moth or the puff"),
    Variable("free_y_lines", 0xD8, "free_y", "-1: neither is there", absent=_NOWHERE),
    *(
        Variable(f"flight{k}_x_px", 0xC0 + k, f"flight_x + {k}", "the first of three places, 32 pixels apart; 0 is top")
        for k in range(N_FLIGHTS)
    ),
    *(
        Variable(f"flight{k}_moth{bit}", 0xCC + k, f"alive + {k}", "1: the moth at this place lives", mask=1 << bit)
        for k in range(N_FLIGHTS)
        for bit in range(3)
    ),
)
