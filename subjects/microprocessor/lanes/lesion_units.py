"""Lesions, what they come to on the merged transistors, and how a list of them is cut into units of work.

A drawn transistor of a parallel group that is stuck off or removed changes nothing, and several drawn transistors may
come to the same: what is simulated is each different set of modes once. Sets are grouped by what their masks cost
(`compiled.maskable`), the costliest last: a lane's masks slow down all that run with it. And results of easy lesions do
not depend on company, so long as it is as easy. Masks of costlier ones make variable what is constant otherwise, and
for two in a hundred lesions that run with them the order of computing decides (measured on the MOS 6502).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rig.errors import SpecError
from rig.perturbation import LESIONS, PerturbationKind
from subjects.microprocessor.chip import ChipDescription, Inexact
from subjects.microprocessor.circuit import MODE_NORMAL, MODE_OFF, MODE_ON
from subjects.microprocessor.compiled.maskable import maskable
from subjects.microprocessor.compiled.masks import MaskPlan
from subjects.microprocessor.lesions import transistor_modes
from subjects.microprocessor.netlist import Netlist

Modes = tuple[tuple[int, int], ...]
"""Merged transistors that are not normal, by index, each with its mode (`circuit.MODE_OFF` or MODE_ON)."""


@dataclass(frozen=True, order=True)
class Lesion:
    """Drawn transistors lesioned together: one for a single lesion, two for a double one.

    Attributes
    ----------
    rows : of `transdefs.js`
    kind : stuck_on, stuck_off or remove
    """

    rows: tuple[int, ...]
    kind: PerturbationKind

    def __post_init__(self) -> None:
        if self.kind not in LESIONS:
            raise SpecError(f"asked for a lesion of kind {self.kind}; it must be {' or '.join(sorted(LESIONS))}")


@dataclass(frozen=True)
class LesionUnit:
    """Sets of modes that run side by side; the unit of work that a process or a machine takes."""

    modes: tuple[Modes, ...]

    @cached_property
    def masks(self) -> MaskPlan:
        """The masks that these need."""
        used = {entry for modes in self.modes for entry in modes}
        off, on = (tuple(sorted(t for t, m in used if m == mode)) for mode in (MODE_OFF, MODE_ON))
        return MaskPlan(off=off, on=on)


def modes_of(netlist: Netlist, lesion: Lesion) -> Modes:
    """What a lesion comes to; nothing when it cannot change anything.

    Raises
    ------
    SpecError : the chip has no such transistor.
    """
    rows = np.asarray(lesion.rows, dtype=np.int64)
    if not len(rows) or rows.min() < 0 or rows.max() >= netlist.n_rows:
        raise SpecError(
            f"asked to lesion transistors {lesion.rows}; the chip has transistors 0 to {netlist.n_rows - 1}"
        )
    row_mode = np.full(netlist.n_rows, MODE_NORMAL, np.uint8)
    row_mode[rows] = MODE_ON if lesion.kind is PerturbationKind.STUCK_ON else MODE_OFF
    modes = transistor_modes(netlist, row_mode)
    # one that joins a node with itself, or can never conduct and now never does, decides nothing
    never = np.isin(netlist.gate, (netlist.vss, netlist.vcc)) & (modes == MODE_OFF)
    idle = never | (netlist.c1 == netlist.c2)
    return tuple((int(t), int(modes[t])) for t in np.flatnonzero((modes != MODE_NORMAL) & ~idle))


def is_listed(netlist: Netlist, inexact: Inexact, modes: Modes) -> bool:
    """Whether one of the transistors is known to come out otherwise."""
    return any(transistor_name(netlist, t) in (inexact.off if mode == MODE_OFF else inexact.on) for t, mode in modes)


def transistor_name(netlist: Netlist, transistor: int) -> tuple[int, int, int]:
    """Gate and channel ends of a merged transistor."""
    return int(netlist.gate[transistor]), int(netlist.c1[transistor]), int(netlist.c2[transistor])


def lesion_units(
    netlist: Netlist, chip: ChipDescription, lesions: Iterable[Lesion], n_lanes: int = 512
) -> list[LesionUnit]:
    """Cut lesions into units for so many lanes, of which the first is the intact chip.

    Lesions that come to nothing are in no unit: their outcome is the intact chip's.

    Raises
    ------
    SpecError : the chip lacks one of the transistors.
    """
    easy = maskable(netlist, chip)
    off, on = frozenset(easy.off), frozenset(easy.on)
    classes: tuple[set[Modes], ...] = (set(), set(), set())
    for lesion in lesions:
        modes = modes_of(netlist, lesion)
        if not modes:
            continue
        transistors = {t for t, _ in modes}
        is_easy = all(t in (on if mode == MODE_ON else off) for t, mode in modes)
        if not is_easy:
            cost = 2
        elif any(mode == MODE_ON for _, mode in modes) and transistors & easy.joined_on:
            cost = 1
        else:
            cost = 0
        classes[cost].add(modes)
    n = n_lanes - 1
    units = []
    for of_class in classes:
        ordered: Sequence[Modes] = sorted(of_class)
        units += [LesionUnit(tuple(ordered[k : k + n])) for k in range(0, len(ordered), n)]
    return units
