"""Whether a perturbed chip may run compiled: it is tried beside the event engine before it is trusted.

Most perturbations come out the same. Some do not: chips that oscillate, or on which a race between clock lines decides
something that it never does on the intact chip. (When clk0 rises the drivers of a bus let go some moments before the
precharge comes; a node held high pulls the bus up in between, and registers that listen take that over.) A set of
perturbations is tried as a whole. A trial is no proof: what it lets pass although a survey found it different is
listed with the chip (`ChipDescription.inexact`, `survey_exactness`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from subjects.microprocessor.chip import Inexact
from subjects.microprocessor.circuit import CLAMP_HIGH, CLAMP_LOW, MODE_OFF, MODE_ON
from subjects.microprocessor.compiled.comparison import Comparison, Course, Trusting
from subjects.microprocessor.lesions import transistor_modes
from subjects.microprocessor.netlist import Netlist

COURSE = Course(programs=(0, 1, 2), n_before=301, n_perturbed=1500, n_after=200)


class Trial:
    """Tries perturbations of one chip.

    Parameters
    ----------
    engine : to be tried, its own all along
    """

    def __init__(self, engine: Trusting) -> None:
        self._netlist = engine.event.netlist
        self._inexact = engine.event.chip.inexact
        self._comparison = Comparison(engine, COURSE)
        self._verdicts: dict[bytes, bool] = {}

    def is_exact(self, clamp: NDArray[np.uint8], row_mode: NDArray[np.uint8]) -> bool:
        """Whether nothing of it is listed, and every promised node is the event engine's all through the trial."""
        if is_listed(self._netlist, self._inexact, clamp, row_mode):
            return False
        key = clamp.tobytes() + row_mode.tobytes()
        if key not in self._verdicts:
            self._verdicts[key] = self._comparison.parting(clamp, row_mode) is None
        return self._verdicts[key]


def is_listed(netlist: Netlist, inexact: Inexact, clamp: NDArray[np.uint8], row_mode: NDArray[np.uint8]) -> bool:
    """Whether one of the perturbations is on the chip's list."""
    modes = transistor_modes(netlist, row_mode)
    for mode, transistors in ((MODE_OFF, inexact.off), (MODE_ON, inexact.on)):
        for t in np.flatnonzero(modes == mode):
            if (int(netlist.gate[t]), int(netlist.c1[t]), int(netlist.c2[t])) in transistors:
                return True
    return any(
        not nodes.isdisjoint(np.flatnonzero(clamp == level).tolist())
        for level, nodes in ((CLAMP_LOW, inexact.held_low), (CLAMP_HIGH, inexact.held_high))
    )
