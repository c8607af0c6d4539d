"""What every game of ours keeps at the same place (console.oph)."""

from __future__ import annotations

from subjects.microprocessor.cartridges.variables import Variable

COMMON = (
    Variable("frame", 0x80, "frame", "frames since power-on, modulo 256"),
    Variable("phase", 0x81, "phase", "0 title, 1 a person plays, 2 the game plays itself, 3 game over"),
    Variable("phase_left_frames", 0x82, "timer", "frames until a title or a game over ends"),
    Variable("score", 0x85, "score", "points", n_bytes=3),
    Variable("lives", 0x88, "lives", "lives in reserve"),
    Variable("level", 0x89, "level", "level, from 0 on"),
    Variable("right", 0x8B, "input", "stick held right, by the person or by the game itself", mask=0x80),
    Variable("left", 0x8B, "input", "stick held left", mask=0x40),
    Variable("down", 0x8B, "input", "stick held down", mask=0x20),
    Variable("up", 0x8B, "input", "stick held up", mask=0x10),
    Variable("fire", 0x8B, "input", "button held", mask=0x08),
)
