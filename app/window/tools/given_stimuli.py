"""The trains that were given, out of the log. No widgets."""

from __future__ import annotations

from dataclasses import dataclass, replace

from app.window.tools.unit_text import count_text
from rig.log import LogEntry, LogKind
from rig.perturbation import PerturbationKind, perturbation_from_json


@dataclass(frozen=True)
class GivenStimulus:
    """A train in the log: its entries carry one label and were given at one tick."""

    tick: int
    label: str
    start_tick: int
    n_units: int
    kind: PerturbationKind
    amplitude: float
    n_pulses: int
    weighted: bool = False

    def text(self, kind: str = "unit") -> str:
        """``drive high · 18 units · 8 ×``."""
        match self.kind:
            case PerturbationKind.ADD:
                what = f"add {self.amplitude:g}"
            case PerturbationKind.SCALE:
                what = f"× {self.amplitude:g}"
            case PerturbationKind.PATCH:
                what = "patch"
            case _:
                what = "drive " + {1.0: "high", 0.0: "low"}.get(self.amplitude, f"to {self.amplitude:g}")
        times = f" · {self.n_pulses} ×" if self.n_pulses > 1 else ""
        by = self.label.removeprefix("trigger ") if self.label.startswith("trigger ") else ""
        return f"{what} · {count_text(self.n_units, kind)}{times}" + (f" · {by}" if by else "")


_STIMULI = frozenset({PerturbationKind.DRIVE, PerturbationKind.ADD, PerturbationKind.SCALE, PerturbationKind.PATCH})


class GivenStimuli:
    """The newest trains of a log, oldest first; fed entry by entry."""

    def __init__(self, n_kept: int = 50) -> None:
        self._n_kept = n_kept
        self.given: list[GivenStimulus] = []
        self.n_given = 0

    def add(self, entry: LogEntry) -> bool:
        """True when something changed."""
        if entry.kind is LogKind.RESET:
            changed = bool(self.given)
            self.given.clear()
            return changed
        if entry.kind is not LogKind.PERTURB or entry.payload["kind"] not in _STIMULI:
            return False
        p = perturbation_from_json(entry.payload)
        n_units, weighted = len(p.unit_ids), bool(p.weights)
        new = GivenStimulus(entry.tick, p.label, p.start_tick, n_units, p.kind, p.level, 1, weighted)
        last = self.given[-1] if self.given else None
        if last is not None and p.label and replace(new, start_tick=last.start_tick, n_pulses=last.n_pulses) == last:
            first = min(last.start_tick, p.start_tick)
            self.given[-1] = replace(last, start_tick=first, n_pulses=last.n_pulses + 1)
        else:
            self.given.append(new)
            self.n_given += 1
            del self.given[: -self._n_kept]
        return True
