"""What is done to a subject: stimuli, silencing, lesions. One value type, and the trains made of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np

from rig.errors import SpecError, TickError


class PerturbationKind(StrEnum):
    """Each subject names the kinds that it supports."""

    DRIVE = "drive"  # stimulus: force the units to `amplitude` (binary units: 1 high, 0 low)
    SILENCE = "silence"  # reversible clamp to `amplitude`, 0 unless said
    MEAN = "mean"  # clamp to the unit's mean over a reference that the subject states
    RESAMPLE = "resample"  # clamp to what the unit did at a random moment of that reference, drawn anew each tick
    SCALE = "scale"  # multiply by `amplitude`
    ADD = "add"  # add `amplitude`
    PATCH = "patch"  # clamp to `waveform`, as another run had it
    RELEASE = "release"  # end all of these, but no lesion
    STUCK_ON = "stuck_on"  # lesion: always conducting, always active
    STUCK_OFF = "stuck_off"  # lesion: never conducting, never active
    REMOVE = "remove"  # lesion: the unit is taken out


LESIONS = frozenset({PerturbationKind.STUCK_ON, PerturbationKind.STUCK_OFF, PerturbationKind.REMOVE})
SWITCHING = LESIONS | {PerturbationKind.DRIVE, PerturbationKind.SILENCE, PerturbationKind.RELEASE}
"""What can be done to units that are on or off."""
TIMED = frozenset(set(PerturbationKind) - LESIONS - {PerturbationKind.RELEASE})
"""What holds units for a time."""
SILENCING = frozenset({PerturbationKind.SILENCE, PerturbationKind.MEAN, PerturbationKind.RESAMPLE})
"""Of these, what takes away what a unit says."""
_DEFAULT_AMPLITUDE = {PerturbationKind.DRIVE: 1.0, PerturbationKind.SCALE: 2.0, PerturbationKind.ADD: 1.0}


@dataclass(frozen=True)
class Perturbation:
    """One change to some units over [start_tick, stop_tick).

    The samples stamped start_tick to stop_tick − 1 are the first and last that may show it. Where several reversible
    perturbations hold one unit, the one that started last wins, and an earlier one that still lasts holds again after
    it. A lesion never ends.

    Attributes
    ----------
    kind : PerturbationKind
    unit_ids : ids, unique
    start_tick : int ≥ 0
    stop_tick : None for a lesion, for a release, and for what lasts until it is released
    amplitude : in the unit's own measure; 1 for a drive or an addition, 2 for a scaling, and 0 otherwise unless said
    weights : share of the perturbation that reaches each unit (an electrode's falloff); empty for 1 everywhere.
        A unit that can only be held or not is held from 0.5 on
    label : what made it (``train 3``, ``trigger sync``), for the log
    waveform : of a patch, a row a tick from start_tick to stop_tick − 1, a value a unit, or where units are vectors
        (a head's output) all values of the first, of the second, …; empty otherwise
    """

    kind: PerturbationKind
    unit_ids: tuple[int, ...]
    start_tick: int
    stop_tick: int | None = None
    amplitude: float | None = None
    weights: tuple[float, ...] = ()
    label: str = ""
    waveform: tuple[tuple[float, ...], ...] = ()

    def __post_init__(self) -> None:
        if not self.unit_ids:
            raise SpecError(f"asked for {self.kind} of no unit; name at least one")
        if self.weights and len(self.weights) != len(self.unit_ids):
            raise SpecError(f"asked for {self.kind} of {len(self.unit_ids)} units with {len(self.weights)} weights")
        if self.start_tick < 0:
            raise TickError(f"asked for {self.kind} at tick {self.start_tick}; ticks start at 0")
        if self.stop_tick is not None:
            if self.kind in LESIONS or self.kind is PerturbationKind.RELEASE:
                raise TickError(
                    f"asked for {self.kind} until tick {self.stop_tick}; a {self.kind} has no end: leave it out"
                )
            if self.stop_tick <= self.start_tick:
                raise TickError(
                    f"asked for {self.kind} over ticks [{self.start_tick}, {self.stop_tick}); "
                    "the end must come after the start"
                )
        self._check_waveform()

    def _check_waveform(self) -> None:
        if self.kind is not PerturbationKind.PATCH:
            if self.waveform:
                raise SpecError(f"asked for {self.kind} with a waveform; that is a patch's")
            return
        n_ticks = None if self.stop_tick is None else self.stop_tick - self.start_tick
        lengths = {len(row) for row in self.waveform}
        whole = len(lengths) == 1 and all(n > 0 and n % len(self.unit_ids) == 0 for n in lengths)
        if n_ticks != len(self.waveform) or not whole:
            raise SpecError(
                f"asked for a patch of {len(self.unit_ids)} units over "
                f"{'no stated' if n_ticks is None else n_ticks} ticks with {len(self.waveform)} rows of values; "
                "give a row a tick and a value (or as many values) a unit"
            )

    @property
    def values_per_unit(self) -> int:
        """In a row of the waveform; 0 where there is none."""
        return len(self.waveform[0]) // len(self.unit_ids) if self.waveform else 0

    def waveform_of(self, at: int, tick: int) -> tuple[float, ...] | None:
        """The values of the unit at a place among the unit ids; None for a tick that the waveform has not."""
        row, n = tick - self.start_tick, self.values_per_unit
        return self.waveform[row][at * n : (at + 1) * n] if 0 <= row < len(self.waveform) else None

    @property
    def level(self) -> float:
        """The amplitude, with the kind's default filled in."""
        return _DEFAULT_AMPLITUDE.get(self.kind, 0.0) if self.amplitude is None else self.amplitude

    def without(self, unit_ids: Collection[int]) -> Perturbation | None:
        """The same on the other units; None when none is left."""
        kept = [i for i, u in enumerate(self.unit_ids) if u not in unit_ids]
        if len(kept) == len(self.unit_ids):
            return self
        if not kept:
            return None
        return self._only(kept)

    def _only(self, kept: Sequence[int]) -> Perturbation:
        """The same on the units at these places."""
        n = self.values_per_unit
        return replace(
            self,
            unit_ids=tuple(self.unit_ids[i] for i in kept),
            weights=tuple(self.weights[i] for i in kept) if self.weights else (),
            waveform=tuple(tuple(v for i in kept for v in row[i * n : (i + 1) * n]) for row in self.waveform),
        )

    def binary(self) -> Perturbation | None:
        """What reaches units that can only be held or not: those of weight 0.5 and more, whole."""
        if not self.weights:
            return self
        kept = [i for i, w in enumerate(self.weights) if w >= 0.5]
        return replace(self._only(kept), weights=()) if kept else None


@dataclass(frozen=True)
class PulseTrain:
    """Repeated pulses, as a stimulator's panel asks for them.

    Attributes
    ----------
    kind : one that holds units for a time, but no patch
    unit_ids : ids
    onset_ticks : from the moment it is given (or triggered) to the first pulse
    width_ticks : of one pulse
    period_ticks : from pulse to pulse, at least the width
    count : pulses
    jitter_ticks : each pulse but not the count is shifted by a whole number uniform in [−jitter, jitter]
    amplitude, weights : see Perturbation
    """

    kind: PerturbationKind
    unit_ids: tuple[int, ...]
    onset_ticks: int = 0
    width_ticks: int = 1
    period_ticks: int = 1
    count: int = 1
    jitter_ticks: int = 0
    amplitude: float | None = None
    weights: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in TIMED or self.kind is PerturbationKind.PATCH:
            kinds = ", ".join(sorted(TIMED - {PerturbationKind.PATCH}))
            raise SpecError(f"asked for a train of {self.kind}; trains are of {kinds}")
        if self.width_ticks < 1 or self.count < 1 or self.onset_ticks < 0 or self.jitter_ticks < 0:
            raise SpecError(
                f"asked for a train with onset {self.onset_ticks}, width {self.width_ticks}, count {self.count}, "
                f"jitter {self.jitter_ticks}; onset and jitter must be ≥ 0, width and count ≥ 1"
            )
        if self.count > 1 and self.period_ticks < self.width_ticks + 2 * self.jitter_ticks:
            raise SpecError(
                f"asked for a train of period {self.period_ticks} with width {self.width_ticks} and jitter "
                f"{self.jitter_ticks}; pulses would overlap: the period must be at least width + 2 × jitter"
            )

    def pulses(self, origin_tick: int, seed: int, label: str = "") -> tuple[Perturbation, ...]:
        """The pulses as perturbations, counted from origin_tick.

        Jitter is drawn from `seed` and `origin_tick` alone, so a replay draws the same. Raises TickError when
        origin_tick is negative.
        """
        if origin_tick < 0:
            raise TickError(f"asked for a train at tick {origin_tick}; ticks start at 0")
        rng = np.random.default_rng([seed & 0xFFFFFFFF, origin_tick])
        shifts = rng.integers(-self.jitter_ticks, self.jitter_ticks, size=self.count, endpoint=True)
        first = origin_tick + self.onset_ticks
        pulses = []
        for k in range(self.count):
            start = max(first + k * self.period_ticks + int(shifts[k]), origin_tick)
            pulses.append(
                Perturbation(
                    self.kind, self.unit_ids, start, start + self.width_ticks, self.amplitude, self.weights, label
                )
            )
        return tuple(pulses)


def perturbation_to_json(p: Perturbation) -> dict[str, Any]:
    return {
        "kind": str(p.kind),
        "unit_ids": list(p.unit_ids),
        "start_tick": p.start_tick,
        "stop_tick": p.stop_tick,
        "amplitude": p.amplitude,
        "weights": list(p.weights),
        "label": p.label,
    } | ({"waveform": [list(row) for row in p.waveform]} if p.waveform else {})


def perturbation_from_json(value: Mapping[str, Any]) -> Perturbation:
    return Perturbation(
        kind=PerturbationKind(value["kind"]),
        unit_ids=tuple(int(u) for u in value["unit_ids"]),
        start_tick=int(value["start_tick"]),
        stop_tick=None if value["stop_tick"] is None else int(value["stop_tick"]),
        amplitude=None if value["amplitude"] is None else float(value["amplitude"]),
        weights=tuple(float(w) for w in value["weights"]),
        label=str(value["label"]),
        waveform=tuple(tuple(float(v) for v in row) for row in value.get("waveform", ())),
    )
