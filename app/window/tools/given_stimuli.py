"""The trains that were given, out of the log. No widgets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.window.tools.unit_text import count_text
from rig.log import LogEntry, LogKind
from rig.perturbation import PerturbationKind


@dataclass(frozen=True)
class GivenStimulus:
    """A train in the log: its entries carry one label and were given at one tick."""

    tick: int
    label: str
    start_tick: int
    n_units: int
    amplitude: float
    n_pulses: int
    weighted: bool = False

    def text(self, kind: str = "unit") -> str:
        """``drive high · 18 units · 8 ×``."""
        level = {1.0: "high", 0.0: "low"}.get(self.amplitude, f"to {self.amplitude:g}")
        times = f" · {self.n_pulses} ×" if self.n_pulses > 1 else ""
        by = self.label.removeprefix("trigger ") if self.label.startswith("trigger ") else ""
        return f"drive {level} · {count_text(self.n_units, kind)}{times}" + (f" · {by}" if by else "")


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
        if entry.kind is not LogKind.PERTURB or entry.payload["kind"] != PerturbationKind.DRIVE:
            return False
        payload: Mapping[str, object] = entry.payload
        label, unit_ids, start = str(payload["label"]), payload["unit_ids"], payload["start_tick"]
        assert isinstance(unit_ids, list | tuple)
        assert isinstance(start, int)
        amplitude = payload["amplitude"]
        new = GivenStimulus(
            entry.tick,
            label,
            start,
            len(unit_ids),
            1.0 if amplitude is None else float(str(amplitude)),
            1,
            bool(payload["weights"]),
        )
        last = self.given[-1] if self.given else None
        if last is not None and label and (last.tick, last.label, last.n_units) == (new.tick, new.label, new.n_units):
            self.given[-1] = GivenStimulus(
                last.tick,
                label,
                min(last.start_tick, start),
                last.n_units,
                last.amplitude,
                last.n_pulses + 1,
                last.weighted,
            )
        else:
            self.given.append(new)
            self.n_given += 1
            del self.given[: -self._n_kept]
        return True
