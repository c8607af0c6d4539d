"""Where every cell and transistor lies on the die, in micrometres, x to the right and y up.

y 4000 ┌───────────────────── pads: control ────────────────────────┐
       │ clock  timing  ┌───────────── instruction register ──────┐ │
  3180 │                │                                         │ │
       │ interrupts     │ PLA: a column for each line, AND above, │ │
       │ ready, branch  │ OR below                                │ │
  1960 │ kind           └─────────────────────────────────────────┘ │
       │ held controls    control lines             status          │
  1640 │ ┌──────────────────────────────────────────────────────┐   │
       │ │ address │ Y X S │ ALU │ A │ buses │ PC │ data │ ...  │   │ pads: data
   320 │ └──────────────────────── bit 0 below, bit 7 above ────┘   │
       └───────────────────── pads: address ────────────────────────┘
       x 0                                                      3800
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from subjects.microprocessor.foundry.die import Cell
from subjects.microprocessor.foundry.pads import INPUTS, PINS

DIE_UM = (3800, 4000)
PAD_UM = 120
PLA = (640, 3520)
AND_TOP, AND_BOTTOM, OR_BOTTOM = 3560, 2960, 1980
DATAPATH = (300, 3500)
DATAPATH_Y = (330, 1640)
BIT_UM = (DATAPATH_Y[1] - DATAPATH_Y[0]) // 8
ROWS_IN_A_BIT = 3

Rect = tuple[int, int, int, int]
"""x0, x1, y0, y1."""

COLUMNS = (
    "latches/address high",
    "latches/address low",
    "registers/Y",
    "registers/X",
    "registers/S",
    "ALU/inputs",
    "ALU/logic",
    "ALU/adder",
    "ALU/result",
    "ALU/decimal",
    "registers/A",
    "buses",
    "registers/PC low",
    "registers/PC high",
    "latches/data in",
    "latches/data out",
)
"""Slices of the datapath, left to right."""

BLOCKS: tuple[tuple[str, Rect], ...] = (
    ("clock/phases", (240, 600, 3440, 3720)),
    ("clock/outputs", (240, 600, 3380, 3430)),
    ("decode/timing", (240, 600, 2960, 3360)),
    ("control/interrupts", (240, 600, 2360, 2940)),
    ("control/ready", (240, 400, 2290, 2340)),
    ("control/branch", (410, 600, 2240, 2340)),
    ("decode/kind", (240, 400, 2140, 2270)),
    ("control/held", (240, 600, 1860, 2120)),
    ("ALU/choice", (1420, 1680, 1660, 1740)),
    ("ALU/carry in", (1260, 1410, 1660, 1740)),
    ("ALU/carry out", (1690, 1840, 1660, 1740)),
    ("ALU/overflow", (1850, 2000, 1660, 1740)),
    ("control/lines", (640, 2860, 1760, 1940)),
    ("status", (2900, 3520, 1680, 1940)),
    ("decode/instruction register", (1300, 2800, 3620, 3760)),
    ("pads/data", (3520, 3590, 330, 1640)),
)
"""What is neither in the PLA nor in the datapath nor at a pad, by region."""


@dataclass(frozen=True)
class Placed:
    """A cell on the die: its box and its transistors' gates."""

    cell: Cell
    box: Rect
    gates: tuple[Rect, ...]


def place(cells: Sequence[Cell]) -> list[Placed]:
    """Place all cells, in their order."""
    boxes: dict[int, Placed] = {}
    blocks: defaultdict[str, list[int]] = defaultdict(list)
    slices: defaultdict[str, list[int]] = defaultdict(list)
    for k, cell in enumerate(cells):
        if cell.region.startswith(("decode/PLA", "decode/OR")):
            continue
        column = next((name for name in COLUMNS if _inside(cell.region, name)), None)
        block = next((name for name, _ in BLOCKS if _inside(cell.region, name)), None)
        if column is not None:
            slices[column].append(k)
        elif block is not None:
            blocks[block].append(k)
        else:
            blocks[cell.region].append(k)
    boxes |= _place_planes(cells)
    boxes |= _place_datapath(cells, slices)
    rects = dict(BLOCKS)
    pads = pad_rects()
    for block, members in blocks.items():
        rect = rects.get(block) or _beside(pads[block.rsplit("/", 1)[-1]])
        for k, box in zip(members, _grid(rect, len(members)), strict=True):
            boxes[k] = _fill(cells[k], box)
    return [boxes[k] for k in range(len(cells))]


def pad_rects() -> dict[str, Rect]:
    """The bonding pads: address below and on the left, data on the right, all others above."""
    width, height = DIE_UM
    sides = {
        "bottom": [f"ab{bit}" for bit in range(12)],
        "left": [f"ab{bit}" for bit in range(12, 16)],
        "right": ["rw", *(f"db{bit}" for bit in range(8))],
        "top": [*INPUTS[1:], "vcc", "vss", "sync", "clk0", "clk1out", "clk2out"],
    }
    missing = set(PINS) - {name for names in sides.values() for name in names}
    assert not missing, f"no pad for {missing}"
    pads: dict[str, Rect] = {}
    for side, names in sides.items():
        long = width if side in ("bottom", "top") else DATAPATH_Y[1] + 200
        for k, name in enumerate(names):
            middle = 260 + (k * (long - 520)) // max(1, len(names) - 1)
            low, high = middle - PAD_UM // 2, middle + PAD_UM // 2
            edge = 40
            pads[name] = {
                "bottom": (low, high, edge, edge + PAD_UM),
                "top": (low, high, height - edge - PAD_UM, height - edge),
                "left": (edge, edge + PAD_UM, low, high),
                "right": (width - edge - PAD_UM, width - edge, low, high),
            }[side]
    return pads


def _inside(region: str, path: str) -> bool:
    return region == path or region.startswith(path + "/")


def _beside(pad: Rect) -> Rect:
    """Room for a pad's transistors, on the side of the core."""
    x0, x1, y0, y1 = pad
    if y0 < 100:
        return (x0, x1, y1 + 15, y1 + 75)
    if y1 > DIE_UM[1] - 100:
        return (x0, x1, y0 - 75, y0 - 15)
    if x0 < 100:
        return (x1 + 10, x1 + 60, y0, y1)
    return (x0 - 60, x0 - 10, y0, y1)


def _grid(rect: Rect, n: int) -> list[Rect]:
    """Cut a rectangle into n boxes of about the same shape, row by row from the top."""
    x0, x1, y0, y1 = rect
    width, height = x1 - x0, y1 - y0
    n_rows = min(range(1, n + 1), key=lambda rows: abs(height / rows - 1.4 * width / -(-n // rows)))
    boxes = []
    for row in range(n_rows):
        first, beyond = row * n // n_rows, (row + 1) * n // n_rows
        top, bottom = y1 - row * height // n_rows, y1 - (row + 1) * height // n_rows
        for k in range(beyond - first):
            left, right = x0 + k * width // (beyond - first), x0 + (k + 1) * width // (beyond - first)
            boxes.append((left, right, bottom, top))
    return boxes


def _fill(cell: Cell, box: Rect) -> Placed:
    """A cell in a box: its gates side by side in the lower half."""
    x0, x1, y0, y1 = box
    n = len(cell.transistors)
    half_width = max(1, min(6, (x1 - x0) // (3 * n)))
    half_height = max(3, min(9, (y1 - y0) // 6))
    y = y0 + (y1 - y0) // 3
    gates = []
    for k in range(n):
        x = x0 + (2 * k + 1) * (x1 - x0) // (2 * n)
        gates.append((x - half_width, x + half_width, y - half_height, y + half_height))
    return Placed(cell, box, tuple(gates))


def _place_datapath(cells: Sequence[Cell], slices: dict[str, list[int]]) -> dict[int, Placed]:
    """Each slice is as wide as its fullest bit needs; cells that belong to no bit fill its whole height."""
    per_bit: dict[str, dict[int | None, list[int]]] = {}
    widths = {}
    for column in COLUMNS:
        bits: defaultdict[int | None, list[int]] = defaultdict(list)
        for k in slices[column]:
            bits[cells[k].bit].append(k)
        per_bit[column] = bits
        n_loose = len(bits.get(None, []))
        most = max((len(members) for bit, members in bits.items() if bit is not None), default=0)
        widths[column] = -(-most // ROWS_IN_A_BIT) + -(-n_loose // (8 * ROWS_IN_A_BIT))
    pitch = (DATAPATH[1] - DATAPATH[0]) / sum(widths.values())
    placed: dict[int, Placed] = {}
    n_before = 0
    for column in COLUMNS:
        x0 = DATAPATH[0] + round(n_before * pitch)
        n_before += widths[column]
        x1 = DATAPATH[0] + round(n_before * pitch) - 6
        loose = per_bit[column].pop(None, [])
        if loose:
            share = -(-len(loose) // (8 * ROWS_IN_A_BIT))
            split = x1 - round(share * pitch)
            for k, box in zip(loose, _grid((split + 4, x1, *DATAPATH_Y), len(loose)), strict=True):
                placed[k] = _fill(cells[k], box)
            x1 = split
        for bit, members in per_bit[column].items():
            assert bit is not None
            y0 = DATAPATH_Y[0] + bit * BIT_UM
            for k, box in zip(members, _grid((x0, x1, y0 + 8, y0 + BIT_UM - 8), len(members)), strict=True):
                placed[k] = _fill(cells[k], box)
    return placed


def _place_planes(cells: Sequence[Cell]) -> dict[int, Placed]:
    """The PLA: a transistor where a column crosses the row of what it reads, or of the control that reads it."""
    lines = [k for k, cell in enumerate(cells) if cell.region.startswith("decode/PLA")]
    rows_or = [k for k, cell in enumerate(cells) if cell.region.startswith("decode/OR")]
    inputs = sorted({t.gate for k in lines for t in cells[k].transistors}, key=_row_order)
    products = {cells[k].output for k in lines}
    inverted = {net for k in rows_or for net in [cells[k].output] if net.startswith("~")}
    straight = sorted({t.gate for k in rows_or for t in cells[k].transistors} - products - inverted)
    columns = [*(cells[k].output for k in lines), *straight]
    pitch = (PLA[1] - PLA[0]) / len(columns)
    x_of = {net: PLA[0] + round((k + 0.5) * pitch) for k, net in enumerate(columns)}
    y_and = _levels(AND_BOTTOM + 20, AND_TOP - 40, len(inputs))
    y_of = dict(zip(inputs, y_and, strict=True))
    placed = {}
    for k in lines:
        x = x_of[cells[k].output]
        gates = tuple((x - 4, x + 4, y_of[t.gate] - 4, y_of[t.gate] + 4) for t in cells[k].transistors)
        placed[k] = Placed(cells[k], (x - 5, x + 5, AND_TOP - 30, AND_TOP), gates)
    for k, y in zip(rows_or, _levels(OR_BOTTOM, AND_BOTTOM - 30, len(rows_or)), strict=True):
        spots = [x_of.get(t.gate, PLA[1] - 20) for t in cells[k].transistors]
        gates = tuple((x - 4, x + 4, y - 4, y + 4) for x in spots)
        placed[k] = Placed(cells[k], (PLA[0] - 30, PLA[0] - 10, y - 5, y + 5), gates)
    return placed


def _row_order(net: str) -> tuple[int, str]:
    """Opcode bits on top, then cycles, then all else."""
    plain = net.lstrip("~")
    return (0 if plain.startswith("ir") and plain[2:].isdigit() else 1 if plain[1:].isdigit() else 2, plain + net)


def _levels(bottom: int, top: int, n: int) -> list[int]:
    """n heights, evenly spaced from the top."""
    return [top - k * (top - bottom) // max(1, n - 1) for k in range(n)]
