"""Stimuli and silencings as spans of time with a label, from the command log: what panes tint. Free of Qt."""

from __future__ import annotations

from dataclasses import dataclass, replace

from rig.lineage import lineage
from rig.log import LogEntry, LogKind
from rig.perturbation import TIMED, PerturbationKind, perturbation_from_json

MAX_SPANS = 4000  # newest kept; the log keeps all


@dataclass(frozen=True)
class PerturbedSpan:
    """Something done to some units over [start, stop); stop is None while it lasts until it is released."""

    kind: PerturbationKind  # one of TIMED
    start_tick: int
    stop_tick: int | None
    unit_ids: frozenset[int]
    label: str


class PerturbedSpans:
    """Fed with the log, entry by entry."""

    def __init__(self) -> None:
        self.all: list[PerturbedSpan] = []
        self._log: list[LogEntry] = []

    def clear(self) -> None:
        self.all.clear()
        self._log.clear()

    def add(self, entry: LogEntry) -> None:
        if entry.kind is LogKind.RESET:
            self.clear()
        self._log.append(entry)
        if entry.kind is LogKind.RESTORE:  # what the place it went to has for a past
            self.all.clear()
            for past in lineage(self._log):
                self._take(past)
        else:
            self._take(entry)

    def _take(self, entry: LogEntry) -> None:
        if entry.kind is not LogKind.PERTURB:
            return
        p = perturbation_from_json(entry.payload)
        if p.kind is PerturbationKind.RELEASE:
            released = frozenset(p.unit_ids)
            self.all = [_cut(s, released, p.start_tick) for s in self.all]
        elif p.kind in TIMED:
            self.all.append(PerturbedSpan(p.kind, p.start_tick, p.stop_tick, frozenset(p.unit_ids), p.label))
            del self.all[:-MAX_SPANS]

    def between(self, start_tick: int, stop_tick: int) -> tuple[PerturbedSpan, ...]:
        """Those that reach into [start, stop), in the order in which they were given."""
        return tuple(
            s for s in self.all if s.start_tick < stop_tick and (s.stop_tick is None or s.stop_tick > start_tick)
        )


def _cut(span: PerturbedSpan, released: frozenset[int], tick: int) -> PerturbedSpan:
    """A release of all its units ends a span; one of some of them leaves it."""
    over = span.stop_tick is not None and span.stop_tick <= tick
    if over or span.start_tick > tick or not span.unit_ids <= released:
        return span
    return replace(span, stop_tick=max(tick, span.start_tick))
