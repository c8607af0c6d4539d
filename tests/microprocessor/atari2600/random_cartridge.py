"""Cartridges that write random values to random TIA registers at random times of every line.

ale-py runs an original cartridge that lies under a supported game's file name, so it gives a second opinion on pictures
that no game shows. What it renders differently from the chip is kept out: see `Ingredients`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from subjects.microprocessor.atari2600 import registers as reg

ORIGIN = 0xF000
N_PICTURE_LINES = 190
N_LINES = 262
MAX_CODE_BYTES = 3850
NOP = 0xEA
# A motion register may not change within 24 cycles of HMOVE (Stella Programmer's Guide, "Horizontal motion")
HMOVE_REST_CYCLES = 30
MAX_CYCLES = 70


def store(register: int, value: int) -> bytes:
    """LDA #value, STA register: 5 cycles."""
    return bytes([0xA9, value, 0x85, register])


def wait_lines(n_lines: int) -> bytes:
    return bytes([0xA2, n_lines, 0x85, reg.WSYNC, 0xCA, 0xD0, 0xFB])


@dataclass(frozen=True)
class Ingredients:
    """Registers that a random cartridge writes.

    Objects are reset, and copies and sizes set, on lines of their own, two at a time under VBLANK and without HMOVE:
    ale-py draws a missile on the very line of its reset, continues on the next line what never began, cuts a copy short
    that has begun, and ignores that a reset during HMOVE comes 8 pixels later. Priority and score are never set
    together, CTRLPF only on the left: ale-py mixes the two, and ignores a mirror bit set on the right for good.
    """

    anywhere: Sequence[int]
    in_the_dark: Sequence[int] = ()
    moves: bool = False


class _Assembler:
    def __init__(self, ingredients: Ingredients, seed: int) -> None:
        self.code = bytearray()
        self.ingredients = ingredients
        self.random = np.random.default_rng(seed)

    def preamble(self) -> None:
        """Clear all memory once; then every frame starts with VSYNC, cleared registers and known colours."""
        self.code += bytes([0x78, 0xD8, 0xA2, 0xFF, 0x9A, 0xA9, 0, 0x95, 0, 0xCA, 0xD0, 0xFB, 0x95, 0])
        self.frame = ORIGIN + len(self.code)
        self.code += store(reg.VBLANK, 2) + store(reg.VSYNC, 2) + bytes([0x85, reg.WSYNC] * 3) + store(reg.VSYNC, 0)
        self.code += store(reg.HMCLR, 0)
        self.code += bytes([0xA9, 0, 0xA2, reg.RESMP1, 0x95, 0, 0xCA, 0xE0, reg.RSYNC, 0xD0, 0xF9])
        self.code += wait_lines(27)
        for register, color in ((reg.COLUP0, 0x1E), (reg.COLUP1, 0x4A), (reg.COLUPF, 0x86), (reg.COLUBK, 0xC4)):
            self.code += store(register, color)
        self.code += store(reg.VBLANK, 0) + store(reg.CXCLR, 0)

    def line(self, previous_was_dark: bool) -> bool:
        """One line; returns whether it was a dark one with resets, which another dark one follows."""
        random, what = self.random, self.ingredients
        if previous_was_dark:
            self.code += bytes([0x85, reg.WSYNC])
        self.code += bytes([0x85, reg.WSYNC])
        cycle = 0
        dark = len(what.in_the_dark) > 0 and random.random() < 0.2
        moved = what.moves and not dark and not previous_was_dark and random.random() < 0.3
        if dark or previous_was_dark:
            self.code += store(reg.VBLANK, 2 if dark else 0)
            cycle += 5
        if moved:
            self.code += bytes([0x85, reg.HMOVE])
            cycle += 3
        registers = (
            random.permutation(what.in_the_dark) if dark else random.choice(what.anywhere, random.integers(0, 6))
        )
        for register in registers.tolist():
            n_nops = int(random.integers(0, 6))
            if moved and reg.HMP0 <= register <= reg.HMCLR and cycle < HMOVE_REST_CYCLES:
                n_nops = max(n_nops, (HMOVE_REST_CYCLES - cycle) // 2)
            if cycle + 2 * n_nops + 5 > (40 if register == reg.CTRLPF else MAX_CYCLES):
                break
            value = int(random.integers(0, 256))
            if register == reg.CTRLPF and value & 4:
                value &= ~2
            self.code += bytes([NOP] * n_nops) + store(register, value)
            cycle += 2 * n_nops + 5
        return dark

    def finish(self, n_lines: int) -> NDArray[np.uint8]:
        """Copy the collisions to RAM, wait for the rest of the frame, go round."""
        self.code += bytes([0x85, reg.WSYNC]) + store(reg.VBLANK, 2)
        for i in range(8):
            self.code += bytes([0xA5, 0x30 + i, 0x85, 0x80 + i])
        self.code += wait_lines(N_LINES - 36 - n_lines - 7)
        self.code += bytes([0x4C, self.frame & 0xFF, self.frame >> 8])
        image = np.zeros(4096, np.uint8)
        image[: len(self.code)] = np.frombuffer(bytes(self.code), np.uint8)
        image[0xFFC:0xFFE] = ORIGIN & 0xFF, ORIGIN >> 8
        return image


def random_cartridge(ingredients: Ingredients, seed: int) -> NDArray[np.uint8]:
    """A (4096,) uint8 image; the collision registers end up at 0x80-0x87."""
    assembler = _Assembler(ingredients, seed)
    assembler.preamble()
    dark = False
    n_lines = 0
    while n_lines < N_PICTURE_LINES and len(assembler.code) < MAX_CODE_BYTES:
        dark = assembler.line(dark)
        n_lines += 2 if dark else 1
    return assembler.finish(n_lines)
