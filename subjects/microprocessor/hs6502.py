"""The HS6502, a processor of our own: pin for pin what the MOS 6502 is, built by `foundry`.

Pins, clocking and reset are those of the MOS part (`mos6502`), so that either can stand on the same board.
"""

from __future__ import annotations

from dataclasses import replace

from subjects.microprocessor.chip import Register, Trips, bits
from subjects.microprocessor.hs6502_inexact import INEXACT
from subjects.microprocessor.mos6502 import MOS6502

FILE_NAME = "hs6502.json.zst"
"""The chip's file, beside this module."""

HS6502 = replace(
    MOS6502,
    name="hs6502",
    title="Headstage HS6502",
    source="Headstage: built by subjects.microprocessor.foundry, transistor by transistor",
    licence="MIT, the Headstage developers",
    registers={**MOS6502.registers, "ir": Register(bits("ir{}", 8))},
    um_per_unit=1.0,
    regions=(),
    race_passes=(),
    trips=Trips(),
    inexact=INEXACT,
)
