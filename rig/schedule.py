"""When perturbations begin and end. Subjects use it to divide `advance` and to know what holds a unit now."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from rig.errors import TickError
from rig.perturbation import (
    LESIONS,
    Perturbation,
    PerturbationKind,
    perturbation_from_json,
    perturbation_to_json,
)


@dataclass(frozen=True)
class Changes:
    """What changes at one tick.

    Attributes
    ----------
    held : unit_id → the perturbation that holds it from now on, or None when it is free again
    lesions : lesions that begin
    """

    held: dict[int, Perturbation | None]
    lesions: tuple[Perturbation, ...]


@dataclass
class Schedule:
    """Scheduled and active perturbations of one subject, in the order in which they were given."""

    waiting: list[Perturbation] = field(default_factory=list)
    active: list[Perturbation] = field(default_factory=list)

    def add(self, perturbation: Perturbation, now_tick: int) -> None:
        """Raises TickError if it starts before now_tick."""
        if perturbation.start_tick < now_tick:
            raise TickError(
                f"asked for {perturbation.kind} from tick {perturbation.start_tick}; the subject is already at tick "
                f"{now_tick}: give a later start"
            )
        self.waiting.append(perturbation)

    def next_tick(self) -> int | None:
        """The next tick at which something begins or ends; None when nothing will."""
        ticks = [p.start_tick for p in self.waiting]
        ticks += [p.stop_tick for p in self.active if p.stop_tick is not None]
        return min(ticks, default=None)

    def take(self, tick: int) -> Changes:
        """Move on to `tick`: what begins or ends at it (or before and was not yet taken)."""
        ended = [p for p in self.active if p.stop_tick is not None and p.stop_tick <= tick]
        begun = sorted((p for p in self.waiting if p.start_tick <= tick), key=lambda p: p.start_tick)
        if not ended and not begun:
            return Changes({}, ())
        self.active = [p for p in self.active if p.stop_tick is None or p.stop_tick > tick]
        self.waiting = [p for p in self.waiting if p.start_tick > tick]
        touched = {u for p in ended for u in p.unit_ids}
        lesions = []
        for p in begun:
            if p.kind in LESIONS:
                lesions.append(p)
                continue
            touched.update(p.unit_ids)
            if p.kind is PerturbationKind.RELEASE:
                freed = set(p.unit_ids)
                self.active = [rest for a in self.active if (rest := a.without(freed)) is not None]
            elif p.stop_tick is None or p.stop_tick > tick:
                self.active.append(p)
        holder = {u: p for p in self.active for u in p.unit_ids if u in touched}
        return Changes({u: holder.get(u) for u in sorted(touched)}, tuple(lesions))

    def copy(self) -> Schedule:
        return Schedule(list(self.waiting), list(self.active))

    def clear(self) -> None:
        self.waiting.clear()
        self.active.clear()

    def to_bytes(self) -> bytes:
        return json.dumps(
            [[perturbation_to_json(p) for p in self.waiting], [perturbation_to_json(p) for p in self.active]]
        ).encode()

    @classmethod
    def from_bytes(cls, blob: bytes) -> Schedule:
        waiting, active = json.loads(blob)
        return cls([perturbation_from_json(p) for p in waiting], [perturbation_from_json(p) for p in active])
