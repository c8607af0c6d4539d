"""Switching lesioned chips on, each by itself: reset is the event engine's, whatever runs the chip afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from subjects.microprocessor.atari2600.state import RAM_BYTES
from subjects.microprocessor.event_engine import EventEngine
from subjects.microprocessor.lanes.lanes import LaneStart
from subjects.microprocessor.machine import CYCLES_TO_FIRST_FETCH, HALF_CYCLES_PER_CYCLE, Machine
from subjects.microprocessor.netlist import Netlist

N_HALF_CYCLES = HALF_CYCLES_PER_CYCLE * CYCLES_TO_FIRST_FETCH
"""From the release of RES to the first fetch, where lanes go on: the compiled chip is exact from then on."""


def row_modes(netlist: Netlist, modes: Mapping[int, int]) -> NDArray[np.uint8]:
    """(n_rows,) modes of the drawn transistors from those of merged ones."""
    of_merged = np.zeros(netlist.n_transistors, np.uint8)
    for transistor, mode in modes.items():
        of_merged[transistor] = mode
    return of_merged[netlist.row_transistor]


@dataclass(frozen=True)
class PoweredOn:
    """A chip at its first fetch.

    Attributes
    ----------
    start : what a lane goes on with
    words : (N_HALF_CYCLES, n_fields) uint32, its bus since the release of RES, in the fields of its machine
    """

    start: LaneStart
    words: NDArray[np.uint32]


def power_on(machine: Machine, modes: Mapping[int, int], ram: NDArray[np.uint8] | None = None) -> PoweredOn:
    """Switch a machine with an event engine on, its chip lesioned, and run it to the first fetch.

    Parameters
    ----------
    modes : of merged transistors that are not normal, `circuit.MODE_*`
    ram : (128,) uint8; zeros when not given
    """
    engine = machine.engine
    assert isinstance(engine, EventEngine)
    engine.perturb(row_mode=row_modes(engine.netlist, modes))
    machine.power_on(np.zeros(RAM_BYTES, np.uint8) if ram is None else ram)
    words = machine.run(N_HALF_CYCLES, words=True).words
    assert words is not None
    return PoweredOn(LaneStart(engine.snapshot(), machine.board.copy()), words)
