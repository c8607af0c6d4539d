"""What the silence panel shows of what holds the units. No widgets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from app.window.tools.time_text import moment, time_of_ticks
from app.window.tools.unit_text import describe_units
from rig.perturbation import Perturbation, PerturbationKind
from rig.subject import SubjectInfo
from rig.units import UnitTable

LESION_TEXT = {
    PerturbationKind.STUCK_OFF: "stuck off",
    PerturbationKind.STUCK_ON: "stuck on",
    PerturbationKind.REMOVE: "removed",
}


class Hold(StrEnum):
    """What units can be held at. A word of the panel."""

    LOW = "low (0)"
    HIGH = "high (1)"
    AMPLITUDE = "at amplitude"
    MEAN = "at its mean"
    RESAMPLE = "at random moments"

    @property
    def kind(self) -> PerturbationKind:
        of_reference = {Hold.MEAN: PerturbationKind.MEAN, Hold.RESAMPLE: PerturbationKind.RESAMPLE}
        return of_reference.get(self, PerturbationKind.SILENCE)

    @property
    def level(self) -> float | None:
        """None where it is typed, or the subject knows it."""
        return {Hold.LOW: 0.0, Hold.HIGH: 1.0}.get(self)


@dataclass(frozen=True)
class HoldLine:
    """A line of the list."""

    unit_ids: tuple[int, ...]
    text: str
    lesion: bool


def hold_line(p: Perturbation, units: UnitTable, info: SubjectInfo) -> HoldLine:
    """``alu3 — low since 12.301 774``."""
    who = describe_units(p.unit_ids, units)
    if p.kind in LESION_TEXT:
        return HoldLine(p.unit_ids, f"{who} — {LESION_TEXT[p.kind]} since {moment(p.start_tick, info)}", True)
    if p.kind in (PerturbationKind.MEAN, PerturbationKind.RESAMPLE):
        level = str(Hold.MEAN if p.kind is PerturbationKind.MEAN else Hold.RESAMPLE)
    else:
        level = {0.0: "low", 1.0: "high"}.get(p.level, f"at {p.level:g}")
    until = "" if p.stop_tick is None else f" until {moment(p.stop_tick, info)}"
    return HoldLine(p.unit_ids, f"{who} — {level} since {moment(p.start_tick, info)}{until}", False)


def lesionable(unit_ids: Sequence[int], units: UnitTable) -> tuple[int, ...]:
    """Those of the units that can be lesioned: the switches where there is a netlist, all elsewhere."""
    gate = units.extra.get("gate")
    if gate is None or len(unit_ids) == 0:
        return tuple(unit_ids)
    ids = np.asarray(unit_ids, np.int64)
    return tuple(ids[np.asarray(gate)[units.rows(ids)] >= 0].tolist())


def remaining(p: Perturbation, tick: int, info: SubjectInfo) -> str:
    """How long it will last: ``840 µs left``."""
    if p.stop_tick is None:
        return ""
    n = max(p.stop_tick - tick, 0)
    return f"{time_of_ticks(n, info) or n} left"
