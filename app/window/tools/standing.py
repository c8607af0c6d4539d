"""What of the command log still stands: what holds the units now, which lesions there are, where the controls are.

A restore takes time back, so that what was done after its snapshot never happened; but the log keeps it. Every entry
therefore has a parent, the entry before it in the subject's own past::

    0 reset ── 1 silence ── 2 drive ── 3 restore(seq 2)     the line from 4 is 4, 3, 1, 0
                        └──────────────3 ── 4 note
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rig.log import LogEntry, LogKind
from rig.perturbation import Perturbation, perturbation_from_json
from rig.probe import Probe, probe_from_json
from rig.schedule import Schedule
from rig.subject import ControlInfo, ControlValue


class StandingLog:
    """The entries of the subject's own past, in order; fed every entry that is told."""

    def __init__(self) -> None:
        self.line: list[LogEntry] = []
        self._entries: dict[int, LogEntry] = {}
        self._parents: dict[int, int | None] = {}

    def add(self, entry: LogEntry) -> bool:
        """Append; True when the past became another one, and whatever follows it must be computed again."""
        if entry.kind is LogKind.RESET:
            self._entries, self._parents = {entry.seq: entry}, {entry.seq: None}
            self.line = [entry]
            return True
        parent = self.line[-1].seq if self.line else None
        if entry.kind is LogKind.RESTORE:
            parent = self._tip_of_restored(entry)
        self._entries[entry.seq] = entry
        self._parents[entry.seq] = parent
        if entry.kind is not LogKind.RESTORE:
            self.line.append(entry)
            return False
        self.line = self._line_of(entry.seq)
        return True

    def _tip_of_restored(self, entry: LogEntry) -> int | None:
        """The entry that was the last when the snapshot was taken."""
        if "seq" in entry.payload:
            tip = int(entry.payload["seq"]) - 1
            return tip if tip in self._entries else None
        before = [e for e in self.line if e.tick < int(entry.payload["tick"]) or e.kind is LogKind.RESET]
        return before[-1].seq if before else None

    def _line_of(self, seq: int | None) -> list[LogEntry]:
        line = []
        while seq is not None:
            line.append(self._entries[seq])
            seq = self._parents[seq]
        return line[::-1]


class Holdings:
    """What is done to the units at a tick: drives and silences that last, and lesions."""

    def __init__(self) -> None:
        self._log = StandingLog()
        self._schedule = Schedule()
        self._lesions: list[Perturbation] = []
        self._tick = 0

    def add(self, entry: LogEntry) -> None:
        if self._log.add(entry):
            self._begin_again()
        elif entry.kind is LogKind.PERTURB:
            self._take(entry)

    def at(self, tick: int) -> tuple[Perturbation, ...]:
        """Drives and silences that last at `tick`, oldest first; asked with ticks that only grow between restores."""
        self._tick = max(self._tick, tick)
        self._lesions += self._schedule.take(self._tick).lesions
        return tuple(self._schedule.active)

    def lesions_at(self, tick: int) -> tuple[Perturbation, ...]:
        self.at(tick)
        return tuple(self._lesions)

    def _begin_again(self) -> None:
        self._schedule, self._lesions, self._tick = Schedule(), [], 0
        for entry in self._log.line:
            if entry.kind is LogKind.PERTURB:
                self._take(entry)

    def _take(self, entry: LogEntry) -> None:
        perturbation = perturbation_from_json(entry.payload)
        self._schedule.add(perturbation, perturbation.start_tick)


class ControlsNow:
    """Where the controls stand, as far as the log knows."""

    def __init__(self, controls: Sequence[ControlInfo]) -> None:
        self._log = StandingLog()
        self._defaults: Mapping[str, ControlValue] = {c.name: c.default for c in controls}
        self.values: dict[str, ControlValue] = dict(self._defaults)

    def add(self, entry: LogEntry) -> bool:
        """True when a control stands elsewhere than before."""
        before = dict(self.values)
        if self._log.add(entry):
            self.values = dict(self._defaults)
            for past in self._log.line:
                self._take(past)
        else:
            self._take(entry)
        return self.values != before

    def _take(self, entry: LogEntry) -> None:
        if entry.kind is LogKind.CONTROL and entry.payload["name"] in self.values:
            self.values[str(entry.payload["name"])] = entry.payload["value"]


def probes_of(entries: Sequence[LogEntry]) -> tuple[Probe, ...]:
    """The probes that are in, by the newest entry that speaks of them; a reset leaves them in."""
    for entry in reversed(entries):
        if entry.kind is LogKind.WATCH and "probes" in entry.payload:
            return tuple(probe_from_json(p) for p in entry.payload["probes"])
    return ()


def watches_of(entries: Sequence[LogEntry]) -> dict[str, tuple[int, ...] | None]:
    """Stream → the units that are watched, None for all; by the newest entry that speaks of each."""
    watches: dict[str, tuple[int, ...] | None] = {}
    for entry in entries:
        if entry.kind is LogKind.WATCH and "unit_ids" in entry.payload:
            ids = entry.payload["unit_ids"]
            watches[str(entry.payload["stream"])] = None if ids is None else tuple(ids)
    return {stream: ids for stream, ids in watches.items() if ids != ()}
