"""A picture of the die from the chip's file alone: `python -m subjects.microprocessor.foundry --picture FILE`.

Layers lie on each other as on a mask: diffusion, polysilicon, channels, and metal, which lets the others through.
"""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from subjects.microprocessor.chip_file import ChipTables
from subjects.microprocessor.foundry.floorplan import DIE_UM
from subjects.microprocessor.foundry.lettering import HEIGHT, PITCH, squares
from subjects.microprocessor.foundry.routing import DIFFUSION, GROUNDED, METAL, POLY, POWERED

Pixels = NDArray[np.float32]

SILICON = (20, 20, 30)
LAYERS = (
    (GROUNDED, (58, 92, 74), 0.9),
    (POWERED, (150, 96, 66), 0.9),
    (DIFFUSION, (74, 158, 112), 0.9),
    (METAL, (118, 138, 166), 0.62),
    (POLY, (196, 84, 84), 0.62),
)
"""From below: layer, colour, how much it covers."""
CHANNEL = (246, 214, 110)
UM_PER_SAMPLE, SAMPLES_PER_PIXEL = 2, 2
STEP = 10
"""Of brightness: a coarse one makes a small file."""

WORDS = (
    ("CLOCK", 430, 3570),
    ("TIMING", 430, 3160),
    ("INTERRUPTS", 430, 2660),
    ("CONTROL", 430, 2000),
    ("OPCODE", 2050, 3665),
    ("PLA AND", 2090, 3330),
    ("PLA OR", 2090, 2480),
    ("CONTROL LINES", 1760, 1850),
    ("STATUS", 3185, 1810),
)
"""What stands where, besides the slices of the datapath: middle in µm."""
SLICES = {
    "ADDRESS": ("latches/address high", "latches/address low"),
    "Y X S": ("registers/Y", "registers/X", "registers/S"),
    "ALU": ("ALU/inputs", "ALU/logic", "ALU/adder", "ALU/result", "ALU/decimal"),
    "A": ("registers/A",),
    "PC": ("registers/PC low", "registers/PC high"),
    "DATA": ("latches/data in", "latches/data out"),
}
SLICE_WORDS_Y_UM = 985


def draw_picture(tables: ChipTables) -> NDArray[np.uint8]:
    """(height, width, 3) pixels, the die's top first."""
    width, height = (um // UM_PER_SAMPLE for um in DIE_UM)
    image = np.empty((height, width, 3), np.float32)
    image[:] = SILICON
    for layer, colour, cover in LAYERS:
        for rect in tables.shape_bounds[tables.shape_layer == layer].tolist():
            _lay(image, rect, colour, cover)
    for rect in tables.bounds.tolist():
        _lay(image, rect, CHANNEL, 1.0)
    n = SAMPLES_PER_PIXEL
    small = image.reshape(height // n, n, width // n, n, 3).mean(axis=(1, 3))
    for text, x, y in (*WORDS, *_slice_words(tables)):
        _write(small, text, x, y)
    coarse: NDArray[np.uint8] = (STEP * np.rint(small / STEP)).astype(np.uint8)
    return coarse


def to_png(pixels: NDArray[np.uint8]) -> bytes:
    """A PNG file (RFC 2083) of (height, width, 3) pixels; each row as its difference from the one above."""
    height, width, _ = pixels.shape
    rows = np.diff(pixels, axis=0, prepend=np.zeros_like(pixels[:1])).reshape(height, -1)
    filtered = np.concatenate([np.full((height, 1), 2, np.uint8), rows], axis=1)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(filtered.tobytes(), 9)), (b"IEND", b""))
    chunks = (struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in parts)
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _lay(image: Pixels, rect: list[int], colour: tuple[int, int, int], cover: float) -> None:
    x0, x1, y0, y1 = (um // UM_PER_SAMPLE for um in rect)
    rows = slice(len(image) - max(y1, y0 + 1), len(image) - y0)
    patch = image[rows, x0 : max(x1, x0 + 1)]
    patch += (np.array(colour, np.float32) - patch) * np.float32(cover)


def _slice_words(tables: ChipTables) -> list[tuple[str, int, int]]:
    """Each name above the middle of its slices."""
    words = []
    for text, paths in SLICES.items():
        mine = [any(r == p or r.startswith(p + "/") for p in paths) for r in tables.row_regions]
        bounds = tables.bounds[np.array(mine)]
        words.append((text, int(bounds[:, 0].min() + bounds[:, 1].max()) // 2, SLICE_WORDS_Y_UM))
    return words


def _write(image: Pixels, text: str, x_um: int, y_um: int, size: int = 2) -> None:
    """A word on a dark plate, its middle at a place on the die."""
    pixel_um = UM_PER_SAMPLE * SAMPLES_PER_PIXEL
    width, height = (len(text) * PITCH - 1) * size, HEIGHT * size
    x, y = x_um // pixel_um - width // 2, len(image) - y_um // pixel_um - height // 2
    plate = image[y - 6 : y + height + 6, x - 8 : x + width + 8]
    plate *= 0.16
    for column, row in squares(text):
        image[y + row * size : y + (row + 1) * size, x + column * size : x + (column + 1) * size] = (244, 247, 250)
