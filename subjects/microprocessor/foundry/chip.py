"""The whole HS6502, block by block, and its nets and transistors numbered."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from subjects.microprocessor.foundry.alu import draw_alu
from subjects.microprocessor.foundry.clock import draw_clock
from subjects.microprocessor.foundry.control import draw_control
from subjects.microprocessor.foundry.datapath import draw_datapath
from subjects.microprocessor.foundry.die import VCC, VSS, Die, undriven
from subjects.microprocessor.foundry.flags import draw_flags
from subjects.microprocessor.foundry.interrupts import draw_interrupts
from subjects.microprocessor.foundry.pads import INPUTS, PINS, draw_pads
from subjects.microprocessor.netlist import Netlist, build_netlist


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


@dataclass(frozen=True)
class Numbered:
    """Nets as node numbers, in the order of the die: vss is 0, vcc is 1, pins follow."""

    netlist: Netlist
    node_regions: tuple[str, ...]
    row_regions: tuple[str, ...]


def number(die: Die) -> Numbered:
    """Give every net and every transistor its number."""
    nets = list(dict.fromkeys([VSS, VCC, *PINS, *(cell.output for cell in die.cells)]))
    node_ids = {net: k for k, net in enumerate(nets)}
    pull_up = np.zeros(len(nets), np.bool_)
    rows, row_regions = [], []
    for cell in die.cells:
        pull_up[node_ids[cell.output]] |= cell.loaded
        for transistor in cell.transistors:
            rows.append((node_ids[transistor.gate], node_ids[transistor.c1], node_ids[transistor.c2]))
            row_regions.append(cell.region)
    netlist = build_netlist(
        [f"t{k}" for k in range(len(rows))],
        rows,
        np.ones(len(nets), np.bool_),
        pull_up,
        node_ids,
        node_ids[VSS],
        node_ids[VCC],
    )
    regions = {VSS: "power", VCC: "power", **{pin: f"pads/control/{pin}" for pin in INPUTS}, **die.regions}
    return Numbered(netlist, tuple(regions[net] for net in nets), tuple(row_regions))
