"""Which units are held or lesioned now, by the command log: what maps and lists mark."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from enum import IntEnum

from rig.log import LogEntry, LogKind
from rig.perturbation import LESIONS, SILENCING, Perturbation, PerturbationKind, perturbation_from_json


class UnitState(IntEnum):
    """What is done to a unit; the order in which marks cover one another."""

    DRIVEN = 1
    SILENCED = 2
    LESIONED = 3


STATE_WORDS = {UnitState.DRIVEN: "driven", UnitState.SILENCED: "silenced", UnitState.LESIONED: "lesioned"}


class UnitStates:
    """Fed entry by entry; follows the session's own rules (`rig.schedule`).

    A pulse that began and ended between two looks is seen at the second: a stimulus of a microsecond must show.
    """

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget everything: another subject."""
        self._given: list[tuple[int, Perturbation]] = []  # tick of the entry, what it asked for
        self._waiting: list[tuple[int, int, Perturbation]] = []  # heap: start, order, what
        self._active: list[Perturbation] = []
        self._lesioned: set[int] = set()
        self._tick = 0
        self._dirty = True
        self._of: dict[int, UnitState] = {}

    @property
    def of(self) -> Mapping[int, UnitState]:
        """Unit id → state, of those that have one, at the last update."""
        return self._of

    def add(self, entry: LogEntry) -> None:
        """Take in one more entry of the log."""
        if entry.kind is LogKind.PERTURB:
            perturbation = perturbation_from_json(entry.payload)
            self._given.append((entry.tick, perturbation))
            self._wait(perturbation)
        elif entry.kind is LogKind.RESET:
            self.clear()
        elif entry.kind is LogKind.RESTORE:
            kept = [(tick, p) for tick, p in self._given if tick <= entry.tick]
            self.clear()
            self._given = kept
            for _, perturbation in kept:
                self._wait(perturbation)

    def update(self, tick: int) -> bool:
        """Look at the moment when `tick` ticks are done; whether `of` changed since the last look."""
        before, self._tick = self._tick, tick
        # [before, tick) was done since the last look: what ended in it still shows, what ended earlier does not
        ended = [p for p in self._active if p.stop_tick is not None and p.stop_tick <= before]
        begun = bool(self._waiting) and self._waiting[0][0] < tick
        if not (ended or begun or self._dirty):
            return False
        self._active = [p for p in self._active if p not in ended]
        while self._waiting and self._waiting[0][0] < tick:
            self._begin(heapq.heappop(self._waiting)[2], before)
        self._dirty = False
        states = {
            u: UnitState.SILENCED if p.kind in SILENCING else UnitState.DRIVEN for p in self._active for u in p.unit_ids
        }
        states.update(dict.fromkeys(self._lesioned, UnitState.LESIONED))
        changed, self._of = states != self._of, states
        return changed

    def _wait(self, perturbation: Perturbation) -> None:
        heapq.heappush(self._waiting, (perturbation.start_tick, len(self._given), perturbation))

    def _begin(self, perturbation: Perturbation, before: int) -> None:
        if perturbation.kind in LESIONS:
            self._lesioned.update(perturbation.unit_ids)
        elif perturbation.kind is PerturbationKind.RELEASE:
            freed = set(perturbation.unit_ids)
            self._active = [rest for p in self._active if (rest := p.without(freed)) is not None]
        elif perturbation.stop_tick is None or perturbation.stop_tick > before:
            held = perturbation.binary()
            if held is not None:
                self._active.append(held)
