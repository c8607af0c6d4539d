"""What TUNDRA keeps where (tundra.oph). Positions are of a shape's left edge and of its lowest line, upwards."""

from __future__ import annotations

from subjects.microprocessor.cartridges.common import COMMON
from subjects.microprocessor.cartridges.variables import Variable

VARIABLES = (
    *COMMON,
    Variable("state", 0xE3, "state", "0 running, 1 the fox is hurt"),
    Variable("pause_frames", 0xE4, "pause", "frames until that is over"),
    Variable("fox_x_px", 0xD5, "fox_x", "the fox"),
    Variable("fox_y_lines", 0xD6, "fox_y", "its feet; 12 on the ice"),
    Variable("fox_rise_lines_per_frame", 0xD9, "rise + 1", "whole lines a frame upwards", signed=True),
    Variable("on_ice", 0xDA, "on_ice", "1: it stands on the ice"),
    Variable("step_px", 0xDC, "step", "pixels that the world went by in this frame"),
    Variable("columns", 0xDE, "columns", "columns of four pixels since the level began"),
    Variable("crack_left_columns", 0xDF, "crack_left", "columns of the crack that is coming in"),
    Variable("firm_left_columns", 0xE0, "firm_left", "columns of firm ice until the next"),
    Variable("high", 0xCD, "comer", "what comes along the upper lane: 0 nothing, 1 owl, 2 berry"),
    Variable("high_x_px", 0xCF, "lane_x", "where that is"),
    Variable("low", 0xCE, "comer + 1", "what comes along the ice: 0 nothing, 3 stone"),
    Variable("low_x_px", 0xD0, "lane_x + 1", "where that is"),
)
