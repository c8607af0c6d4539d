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
from subjects.microprocessor.foundry.pads import PINS

DIE_UM = (3800, 4000)
PAD_UM, EDGE_UM = 120, 40
PLA = (680, 3500)
AND_TOP, AND_BOTTOM, OR_BOTTOM = 3560, 2960, 1980
DATAPATH = (290, 3440)
DATAPATH_Y = (320, 1640)
CORE = (236, 3556, 240, 3756)
"""What the supplies run around, between the pads' drivers and the rest."""
SPINE_X = 608
"""Of the vss bar between the blocks on the left and the PLA."""
BIT_UM = (DATAPATH_Y[1] - DATAPATH_Y[0]) // 8
ROWS_IN_A_BIT = 3
BUSES = ("sb", "idb", "adl", "adh")
BUS_PITCH_UM = 12
"""Of the precharged buses, that run side by side above the cells of each bit."""

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
    ("clock/phases", (270, 590, 3440, 3700)),
    ("clock/outputs", (270, 590, 3380, 3430)),
    ("decode/timing", (270, 590, 2960, 3360)),
    ("control/interrupts", (270, 590, 2370, 2940)),
    ("control/ready", (270, 420, 2290, 2350)),
    ("control/branch", (440, 590, 2260, 2350)),
    ("decode/kind", (270, 590, 2150, 2240)),
    ("control/held", (270, 590, 1860, 2130)),
    ("ALU/choice", (1420, 1680, 1670, 1750)),
    ("ALU/carry in", (1260, 1410, 1670, 1750)),
    ("ALU/carry out", (1690, 1840, 1670, 1750)),
    ("ALU/overflow", (1850, 2000, 1670, 1750)),
    ("control/lines", (680, 2840, 1770, 1940)),
    ("status", (2870, 3500, 1680, 1940)),
    ("decode/instruction register", (1300, 2800, 3600, 3730)),
    ("pads/data", (3460, 3530, 330, 1640)),
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
        if in_planes(cell):
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
    """The bonding pads: address below, data on the right, clocks above, interrupts on the left."""
    width, height = DIE_UM
    sides = {
        "bottom": [f"ab{bit}" for bit in range(12)],
        "left": [*(f"ab{bit}" for bit in range(12, 16)), "rdy", "irq", "nmi", "res"],
        "right": [*(f"db{bit}" for bit in range(8)), "rw", "vss"],
        "top": ["clk0", "clk1out", "clk2out", "vcc", "so", "sync"],
    }
    assert sorted(name for names in sides.values() for name in names) == sorted([*PINS, "vss", "vcc"])
    pads: dict[str, Rect] = {}
    for side, names in sides.items():
        long = width if side in ("bottom", "top") else height
        for k, name in enumerate(names):
            middle = 300 + (k * (long - 600)) // (len(names) - 1)
            low, high = middle - PAD_UM // 2, middle + PAD_UM // 2
            pads[name] = {
                "bottom": (low, high, EDGE_UM, EDGE_UM + PAD_UM),
                "top": (low, high, height - EDGE_UM - PAD_UM, height - EDGE_UM),
                "left": (EDGE_UM, EDGE_UM + PAD_UM, low, high),
                "right": (width - EDGE_UM - PAD_UM, width - EDGE_UM, low, high),
            }[side]
    return pads


def bus_y(bit: int, k: int) -> int:
    """The middle of the k-th bus of a bit."""
    return DATAPATH_Y[0] + (bit + 1) * BIT_UM - (len(BUSES) - k) * BUS_PITCH_UM


def in_planes(cell: Cell) -> bool:
    """Whether its transistors lie where rows and columns of the PLA cross."""
    return cell.region.startswith(("decode/PLA", "decode/OR"))


def _inside(region: str, path: str) -> bool:
    return region == path or region.startswith(path + "/")


def _beside(pad: Rect) -> Rect:
    """Room for a pad's transistors, on the side of the core."""
    x0, x1, y0, y1 = pad
    if y0 == EDGE_UM:
        return (x0, x1, y1 + 10, y1 + 70)
    if y1 == DIE_UM[1] - EDGE_UM:
        return (x0, x1, y0 - 70, y0 - 10)
    if x0 == EDGE_UM:
        return (x1 + 8, x1 + 68, y0, y1)
    return (x0 - 68, x0 - 8, y0, y1)


def _grid(rect: Rect, n: int) -> list[Rect]:
    """Cut a rectangle into n boxes of about the same shape, row by row from the top."""
    x0, x1, y0, y1 = rect
    width, height = x1 - x0, y1 - y0
    if n == 0:
        return []
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
    """A cell in a box: its channels side by side in the lower half."""
    x0, x1, y0, y1 = box
    n = len(cell.transistors)
    half_width = max(1, min(18, 4 * (x1 - x0) // (11 * n)))
    half_height = max(3, min(12, (y1 - y0) // 7))
    y = y0 + 2 * (y1 - y0) // 5
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
        split = x1 - round(-(-len(loose) // (8 * ROWS_IN_A_BIT)) * pitch) if loose else x1
        for bit in range(8):
            band = (DATAPATH_Y[0] + bit * BIT_UM + 2, bus_y(bit, 0) - 10)
            share = loose[bit * len(loose) // 8 : (bit + 1) * len(loose) // 8]
            for left, right, members in ((x0, split, per_bit[column].get(bit, [])), (split + 4, x1, share)):
                for k, box in zip(members, _grid((left, right, *band), len(members)), strict=True):
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
