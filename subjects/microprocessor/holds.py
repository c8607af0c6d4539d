"""What the experimenter does to a chip: clamps on nodes, modes of transistors, from perturbations of units."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rig.errors import SpecError
from rig.perturbation import LESIONS, Perturbation, PerturbationKind
from rig.schedule import Changes, Schedule
from rig.units import UnitTable
from subjects.microprocessor.circuit import CLAMP_HIGH, CLAMP_LOW, CLAMP_NONE, MODE_NORMAL, MODE_OFF, MODE_ON
from subjects.microprocessor.netlist import Netlist
from subjects.microprocessor.unit_table import first_transistor_id

HALF = 0.5
"""Units here are on or off: an amplitude from this on means on."""


@dataclass
class Holds:
    """Everything that holds now.

    Attributes
    ----------
    clamp : (n_nodes,) uint8, CLAMP_*
    lesion : (n_rows,) uint8, MODE_*, for good
    hold : (n_rows,) uint8, MODE_*, a reversible drive or silence of a transistor's channel
    """

    clamp: NDArray[np.uint8]
    lesion: NDArray[np.uint8]
    hold: NDArray[np.uint8]

    @classmethod
    def none(cls, netlist: Netlist) -> Holds:
        n_nodes, n_rows = netlist.n_nodes, netlist.n_rows
        return cls(*(np.zeros(n, np.uint8) for n in (n_nodes, n_rows, n_rows)))

    @property
    def row_mode(self) -> NDArray[np.uint8]:
        """(n_rows,) uint8, MODE_*: a lesion outlasts and outdoes any hold."""
        return np.where(self.lesion != MODE_NORMAL, self.lesion, self.hold)

    def change(self, changes: Changes, first_transistor: int) -> None:
        """Put changes that a schedule took into effect here."""
        for unit_id, held in changes.held.items():
            if unit_id < first_transistor:
                self.clamp[unit_id] = CLAMP_NONE if held is None else (CLAMP_LOW, CLAMP_HIGH)[held.level >= HALF]
            else:
                row = unit_id - first_transistor
                self.hold[row] = MODE_NORMAL if held is None else (MODE_OFF, MODE_ON)[held.level >= HALF]
        for lesion in changes.lesions:
            rows = np.asarray(lesion.unit_ids) - first_transistor
            self.lesion[rows] = MODE_ON if lesion.kind is PerturbationKind.STUCK_ON else MODE_OFF

    def ahead(self, schedule: Schedule, first_transistor: int) -> Iterator[tuple[int, Holds]]:
        """What will hold by what is scheduled so far, from each tick on at which that changes; none of it is taken."""
        holds = Holds(self.clamp.copy(), self.lesion.copy(), self.hold.copy())
        schedule = schedule.copy()
        while (tick := schedule.next_tick()) is not None:
            holds.change(schedule.take(tick), first_transistor)
            yield tick, holds

    def to_blobs(self) -> dict[str, bytes]:
        return {"clamp": self.clamp.tobytes(), "lesion": self.lesion.tobytes(), "hold": self.hold.tobytes()}

    @classmethod
    def from_blobs(cls, blobs: Mapping[str, bytes], netlist: Netlist) -> Holds:
        """Inverse of `to_blobs`. Raises KeyError, ValueError when they are of another chip."""
        sizes = {"clamp": netlist.n_nodes, "lesion": netlist.n_rows, "hold": netlist.n_rows}
        arrays = {name: np.frombuffer(blobs[name], np.uint8).copy() for name in sizes}
        for name, size in sizes.items():
            if len(arrays[name]) != size:
                raise ValueError(f"{name} has {len(arrays[name])} entries, not {size}")
        return cls(**arrays)


def check_perturbation(perturbation: Perturbation, units: UnitTable, netlist: Netlist) -> None:
    """Raises UnknownUnitError for a unit that is not there, SpecError for what cannot be done to it."""
    rows = units.rows(perturbation.unit_ids)
    ids = units.unit_id[rows]
    supplies = rows[np.isin(ids, (netlist.vss, netlist.vcc))]
    if len(supplies):
        raise SpecError(
            f"asked for {perturbation.kind} of {units.name[supplies[0]]}; a supply cannot be held: choose other nodes"
        )
    nodes = rows[ids < first_transistor_id(netlist)]
    if perturbation.kind in LESIONS and len(nodes):
        raise SpecError(
            f"asked for {perturbation.kind} of node {units.name[nodes[0]]}; lesions are of transistors: drive or "
            "silence the node, or lesion the transistors on it"
        )
