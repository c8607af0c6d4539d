"""The whole HS6502, block by block, and its nets and transistors as numbers."""

from __future__ import annotations

import numpy as np

from subjects.microprocessor.chip_file import ChipTables
from subjects.microprocessor.foundry.alu import draw_alu
from subjects.microprocessor.foundry.clock import draw_clock
from subjects.microprocessor.foundry.control import draw_control
from subjects.microprocessor.foundry.datapath import draw_datapath
from subjects.microprocessor.foundry.die import VCC, VSS, Die, undriven
from subjects.microprocessor.foundry.drawing import draw_mask
from subjects.microprocessor.foundry.flags import draw_flags
from subjects.microprocessor.foundry.floorplan import place
from subjects.microprocessor.foundry.interrupts import draw_interrupts
from subjects.microprocessor.foundry.pads import INPUTS, PINS, draw_pads


def draw_chip() -> Die:
    """Draw up all blocks.

    Raises
    ------
    ValueError : a net is read and nothing makes it.
    """
    die = Die()
    draw_pads(die)
    draw_clock(die)
    draw_control(die)
    draw_datapath(die)
    draw_alu(die)
    draw_flags(die)
    draw_interrupts(die)
    die.finish()
    die.drop_unread(PINS)
    if missing := undriven(die.cells, PINS):
        raise ValueError(f"nothing makes {sorted(missing)}")
    return die


def build_tables(die: Die) -> ChipTables:
    """Number every net and every transistor in the order of the die: vss is 0, vcc is 1, pins follow."""
    nets = list(dict.fromkeys([VSS, VCC, *PINS, *(cell.output for cell in die.cells)]))
    node_ids = {net: k for k, net in enumerate(nets)}
    pull_up = np.zeros(len(nets), np.bool_)
    placed = place(die.cells)
    shapes = draw_mask(placed)
    rows, bounds, row_regions = [], [], []
    for item in placed:
        pull_up[node_ids[item.cell.output]] |= item.cell.loaded
        for transistor, gate in zip(item.cell.transistors, item.gates, strict=True):
            rows.append((node_ids[transistor.gate], node_ids[transistor.c1], node_ids[transistor.c2]))
            bounds.append(gate)
            row_regions.append(item.cell.region)
    regions = {VSS: "power", VCC: "power", **{pin: f"pads/control/{pin}" for pin in INPUTS}, **die.regions}
    return ChipTables(
        names=tuple(nets),
        pull_up=pull_up,
        rows=np.array(rows, dtype=np.int32),
        bounds=np.array(bounds, dtype=np.int32),
        shape_node=np.array([node_ids[shape.net] for shape in shapes], dtype=np.int32),
        shape_layer=np.array([shape.layer for shape in shapes], dtype=np.int32),
        shape_bounds=np.array([shape.rect for shape in shapes], dtype=np.int32),
        node_regions=tuple(regions[net] for net in nets),
        row_regions=tuple(row_regions),
    )
