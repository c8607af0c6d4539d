"""The mask: what is drawn for every cell, wire, pad and supply, as rectangles on layers.

Layers are those of the Visual6502 format (`layout_files`): 0 metal, 1 switched diffusion, 3 grounded and 4 powered
diffusion, 5 polysilicon. Wires are a trunk through all places of a net and a branch to each: rough, and no design rule
is kept, but every wire ends where it should.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from subjects.microprocessor.foundry.die import VCC, VSS
from subjects.microprocessor.foundry.floorplan import (
    AND_TOP,
    BIT_UM,
    DATAPATH,
    DATAPATH_Y,
    DIE_UM,
    OR_BOTTOM,
    Placed,
    Rect,
    pad_rects,
)

METAL, DIFFUSION, GROUNDED, POWERED, POLY = 0, 1, 3, 4, 5
SUPPLIES = (VSS, VCC)
N_TRACKS = 7
PRECHARGED = ("sb", "idb", "adl", "adh")


@dataclass(frozen=True)
class Shape:
    """A rectangle that belongs to a net."""

    net: str
    layer: int
    rect: Rect


def draw_mask(placed: Sequence[Placed]) -> list[Shape]:
    """All shapes, in the order in which their nets first appear."""
    shapes = [*_frame(), *(Shape(pin, METAL, rect) for pin, rect in pad_rects().items())]
    points: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    for pin, (x0, x1, y0, y1) in pad_rects().items():
        points[pin].append(((x0 + x1) // 2, (y0 + y1) // 2))
    for item in placed:
        shapes += _cell(item)
        _note_places(item, points)
    for k, (net, places) in enumerate(points.items()):
        if net not in SUPPLIES:
            shapes += _wire(net, sorted(set(places)), k)
    return shapes


def _frame() -> Iterator[Shape]:
    """The supplies around the core and between the bits of the datapath."""
    width, height = DIE_UM
    for net, inset in ((VSS, 190), (VCC, 208)):
        low, right, top = inset, width - inset, height - inset
        for rect in (
            (low, right, low, low + 12),
            (low, right, top - 12, top),
            (low, low + 12, low, top),
            (right - 12, right, low, top),
        ):
            yield Shape(net, METAL, rect)
    for bit in range(9):
        y = DATAPATH_Y[0] + bit * BIT_UM
        yield Shape(VSS if bit % 2 else VCC, METAL, (DATAPATH[0], DATAPATH[1], y - 3, y + 3))


def _in_planes(item: Placed) -> bool:
    return item.cell.region.startswith(("decode/PLA", "decode/OR"))


def _cell(item: Placed) -> Iterator[Shape]:
    """Diffusion on both sides of each gate, which is drawn as the transistor; the load above."""
    cell, (x0, x1, y0, y1) = item.cell, item.box
    for transistor, (gx0, gx1, gy0, gy1) in zip(cell.transistors, item.gates, strict=True):
        other = transistor.c1 if transistor.c2 == cell.output else transistor.c2
        layer = {VSS: GROUNDED, VCC: POWERED}.get(other, DIFFUSION)
        yield Shape(other, layer, (gx0, gx1, gy0 - 4, gy0))
        yield Shape(cell.output, DIFFUSION, (gx0, gx1, gy1, gy1 + 4))
    if cell.loaded:
        x, y, width = (x0 + x1) // 2, y1 - (y1 - y0) // 4, max(2, min(5, (x1 - x0) // 4))
        yield Shape(cell.output, POLY, (x - width, x + width, y - 5, y + 1))
        yield Shape(VCC, POWERED, (x - width, x + width, y + 1, y + 4))


def _note_places(item: Placed, points: defaultdict[str, list[tuple[int, int]]]) -> None:
    """Where each net has to be led to."""
    cell, (x0, x1, _, y1) = item.cell, item.box
    if cell.loaded:
        points[cell.output].append(((x0 + x1) // 2, y1 - (y1 - item.box[2]) // 4 - 2))
    for transistor, (gx0, gx1, gy0, gy1) in zip(cell.transistors, item.gates, strict=True):
        x = (gx0 + gx1) // 2
        points[transistor.gate].append((x, (gy0 + gy1) // 2))
        if not cell.loaded or _in_planes(item):
            points[cell.output].append((x, gy1 + 2))
        other = transistor.c1 if transistor.c2 == cell.output else transistor.c2
        points[other].append((x, gy0 - 2))


def _wire(net: str, places: Sequence[tuple[int, int]], track: int) -> Iterator[Shape]:
    """A trunk along the longer side of what must be joined, and branches to it."""
    if len(places) < 2:
        return
    xs, ys = [x for x, _ in places], [y for _, y in places]
    offset = (track % N_TRACKS - N_TRACKS // 2) * 3
    if net.rstrip("01234567") in PRECHARGED:
        offset = (PRECHARGED.index(net.rstrip("01234567")) - 2) * 14
        middle = DATAPATH_Y[0] + int(net[-1]) * BIT_UM + BIT_UM // 2 + offset
        yield from _trunk(net, places, middle, level=True, half=3)
    elif max(ys) - min(ys) > max(xs) - min(xs):
        yield from _trunk(
            net, places, sorted(xs)[len(xs) // 2] + (0 if _is_column(ys) else offset), level=False, half=2
        )
    else:
        yield from _trunk(net, places, sorted(ys)[len(ys) // 2] + (0 if _is_column(ys) else offset), level=True, half=2)


def _is_column(ys: Sequence[int]) -> bool:
    """Whether all lies in the PLA, whose lines need no track of their own."""
    return min(ys) >= OR_BOTTOM - 20 and max(ys) <= AND_TOP + 20


def _trunk(net: str, places: Sequence[tuple[int, int]], at: int, level: bool, half: int) -> Iterator[Shape]:
    along = [x if level else y for x, y in places]
    low, high = min(along) - half, max(along) + half
    yield Shape(net, METAL, (low, high, at - half, at + half) if level else (at - half, at + half, low, high))
    # of branches on one side of one spot, the longest
    reach: dict[tuple[int, bool], int] = {}
    for x, y in places:
        spot, across = (x, y) if level else (y, x)
        key = (spot, across > at)
        reach[key] = max(reach.get(key, half), abs(across - at))
    for (spot, beyond), length in reach.items():
        if length > half:
            near, far = (at, at + length) if beyond else (at - length, at)
            yield Shape(net, POLY, (spot - 1, spot + 1, near, far) if level else (near, far, spot - 1, spot + 1))
