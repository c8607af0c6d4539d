"""The mask: what is drawn for every cell, pad and supply, as rectangles on layers; the wires come from `routing`.

A gate of n inputs is drawn as it is made in NMOS: n channels between grounded diffusion below and one piece of
diffusion above, which is its output; on that a depletion load up to the supply. Rough, and no design rule is kept.

    vcc ═════════════════
          │ load │
        ┌─┴──────┴─────┐  output
        └─┬──┬────┬──┬─┘
          │▓▓│    │▓▓│    channels, each under its input
    vss ══╧══╧════╧══╧═══
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from subjects.microprocessor.foundry.die import VCC, VSS
from subjects.microprocessor.foundry.floorplan import (
    AND_TOP,
    CORE,
    DATAPATH_Y,
    DIE_UM,
    EDGE_UM,
    PLA,
    SPINE_X,
    Placed,
    Rect,
    in_planes,
    pad_rects,
)
from subjects.microprocessor.foundry.lettering import squares
from subjects.microprocessor.foundry.routing import DIFFUSION, GROUNDED, METAL, POLY, POWERED, Place, Shape, route

SUPPLIES = (VSS, VCC)
RAIL_UM, BAR_UM = 5, 16
"""Widths of the supplies: of a row of cells, and of what feeds them."""
NAME, NAME_AT, LETTER_UM = "HS6502", (2850, 3700), 12
"""What stands on the die, from where, in squares of what size."""


def draw_mask(placed: Sequence[Placed]) -> list[Shape]:
    """All shapes: supplies, pads, cells, wires."""
    pads = pad_rects()
    rails = list(_rails(placed))
    shapes = [*_bars(pads), *rails, *_name(), *(Shape(pin, METAL, rect) for pin, rect in pads.items())]
    places: defaultdict[str, list[Place]] = defaultdict(list)
    for pin, rect in pads.items():
        neck, place = _neck(rect)
        shapes.append(Shape(pin, METAL, neck))
        places[pin].append(place)
    for item in placed:
        shapes += _cell(item)
        _note_places(item, places)
    return [*shapes, *route({net: spots for net, spots in places.items() if net not in SUPPLIES}, rails)]


def _bars(pads: dict[str, Rect]) -> Iterator[Shape]:
    """Two combs that face each other: vcc along the left and the top, vss along the right and the bottom."""
    left, right, bottom, top = CORE
    spine = (SPINE_X, SPINE_X + BAR_UM)
    vcc_x, vss_y = (pads[VCC][0] + 20, pads[VCC][1] - 20), (pads[VSS][2] + 20, pads[VSS][3] - 20)
    for net, rects in {
        VCC: (
            (left, left + BAR_UM, bottom + 2 * BAR_UM, top),
            (left, right - 2 * BAR_UM, top - BAR_UM, top),
            (*vcc_x, top - BAR_UM, pads[VCC][2]),
            (*PLA, AND_TOP + 6, AND_TOP + 12),
            (PLA[0] - 8, PLA[0], AND_TOP + 6, top),
        ),
        VSS: (
            (right - BAR_UM, right, bottom, top - 2 * BAR_UM),
            (left, right, bottom, bottom + BAR_UM),
            (right - BAR_UM, pads[VSS][0], *vss_y),
            (*spine, DATAPATH_Y[1] + 20, top - 3 * BAR_UM),
            (SPINE_X, right, DATAPATH_Y[1] + 14, DATAPATH_Y[1] + 22),
        ),
    }.items():
        for rect in rects:
            yield Shape(net, METAL, rect)


def _neck(pad: Rect) -> tuple[Rect, Place]:
    """What leads from a pad towards the core, and where it ends."""
    x0, x1, y0, y1 = pad
    x, y, half, length = (x0 + x1) // 2, (y0 + y1) // 2, 8, 8
    if y0 == EDGE_UM:
        return (x - half, x + half, y1, y1 + length), (x, y1 + length)
    if y1 == DIE_UM[1] - EDGE_UM:
        return (x - half, x + half, y0 - length, y0), (x, y0 - length)
    if x0 == EDGE_UM:
        return (x1, x1 + length, y - half, y + half), (x1 + length, y)
    return (x0 - length, x0, y - half, y + half), (x0 - length, y)


def _name() -> Iterator[Shape]:
    """Who made it, in the metal, where nothing else is."""
    for column, row in squares(NAME):
        x, y = NAME_AT[0] + column * LETTER_UM, NAME_AT[1] - row * LETTER_UM
        yield Shape(VSS, METAL, (x, x + LETTER_UM, y - LETTER_UM, y))


def _rails(placed: Sequence[Placed]) -> Iterator[Shape]:
    """The combs' teeth, below and above every row of cells; in the datapath and left of the spine up to the bars."""
    rows: defaultdict[tuple[str, int], list[tuple[int, int]]] = defaultdict(list)
    left, right, _, _ = CORE
    for item in placed:
        x0, x1, y0, y1 = item.box
        if not in_planes(item.cell) and left <= x0 and x1 <= right:
            rows[VSS, y0].append((x0, x1))
            rows[VCC, y1 - RAIL_UM].append((x0, x1))
    for (net, y), stretches in rows.items():
        for low, high in _joined(stretches):
            if y < DATAPATH_Y[1]:
                low, high = (low, right) if net == VSS else (left, high)
            elif low < SPINE_X:
                low, high = (low, SPINE_X) if net == VSS else (left, high)
            yield Shape(net, METAL, (low, high, y, y + RAIL_UM))


def _joined(stretches: Sequence[tuple[int, int]], gap: int = 80) -> Iterator[tuple[int, int]]:
    """Stretches that lie close, as one."""
    begin, end = sorted(stretches)[0]
    for low, high in sorted(stretches):
        if low > end + gap:
            yield begin, end
            begin = low
        end = max(end, high)
    yield begin, end


def _cell(item: Placed) -> Iterator[Shape]:
    """Diffusion on both sides of each channel, which is drawn as the transistor; the load above."""
    cell, (x0, x1, y0, y1) = item.cell, item.box
    planar = in_planes(cell)
    below = 4 if planar else max(3, item.gates[0][2] - y0 - RAIL_UM)
    above = 4 if planar else max(4, (y1 - y0) // 5)
    for transistor, (gx0, gx1, gy0, gy1) in zip(cell.transistors, item.gates, strict=True):
        other = transistor.c1 if transistor.c2 == cell.output else transistor.c2
        layer = {VSS: GROUNDED, VCC: POWERED}.get(other, DIFFUSION)
        yield Shape(other, layer, (gx0, gx1, gy0 - below, gy0))
        if planar:
            yield Shape(cell.output, DIFFUSION, (gx0, gx1, gy1, gy1 + above))
    low, high, top = item.gates[0][0], item.gates[-1][1], item.gates[0][3]
    if not planar:
        yield Shape(cell.output, DIFFUSION, (low, high, top, top + above))
    if cell.loaded and planar:
        x, width = (x0 + x1) // 2, min(4, (x1 - x0) // 3)
        yield Shape(cell.output, POLY, (x - width, x + width, y0 + 2, y1 - 2))
    elif cell.loaded:
        x, width = (low + high) // 2, max(3, (x1 - x0) // 5)
        yield Shape(cell.output, POLY, (x - width, x + width, top + above, y1 - RAIL_UM - 2))
        yield Shape(VCC, POWERED, (x - width, x + width, y1 - RAIL_UM - 2, y1))


def _note_places(item: Placed, places: defaultdict[str, list[Place]]) -> None:
    """Where each net has to be led to."""
    cell = item.cell
    planar = in_planes(cell)
    for transistor, (gx0, gx1, gy0, gy1) in zip(cell.transistors, item.gates, strict=True):
        x = (gx0 + gx1) // 2
        places[transistor.gate].append((x, (gy0 + gy1) // 2))
        other = transistor.c1 if transistor.c2 == cell.output else transistor.c2
        places[other].append((x, gy0 - 2))
        if planar:
            places[cell.output].append((x, gy1 + 2))
    x0, x1, y0, y1 = item.box
    if planar:
        places[cell.output].append(((x0 + x1) // 2, (y0 + y1) // 2))
    else:
        above = max(4, (y1 - y0) // 5)
        places[cell.output].append(((item.gates[0][0] + item.gates[-1][1]) // 2, item.gates[0][3] + above // 2))
