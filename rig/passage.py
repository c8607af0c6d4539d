"""A stretch of a session's past, told to another session that goes through it again while the first goes on."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rig.lineage import lineage
from rig.log import REPLAYED, LogEntry, LogKind
from rig.past import PastFigures, SessionSnapshot
from rig.probe import Probe

FAR = 1 << 62


@dataclass(frozen=True)
class Passage:
    """What another session needs to go through it as it was.

    Attributes
    ----------
    snapshot : to begin with
    entries : of the log of the present's own past, from there on, in order: what was done to subject and twin
    stop_tick : ticks done when this was told: what was done later is not in the entries
    first_tick : where the run began
    watches : stream → unit ids, None for all: what is watched now, whatever was then
    probes : that are in now
    twin : whether there is an intact twin now
    kept : what is kept of the past
    """

    snapshot: SessionSnapshot
    entries: tuple[LogEntry, ...]
    stop_tick: int
    first_tick: int
    watches: Mapping[str, tuple[int, ...] | None]
    probes: tuple[Probe, ...]
    twin: bool
    kept: PastFigures


def entries_since(log: Sequence[LogEntry], seq: int) -> tuple[LogEntry, ...]:
    """What was done to the subject, and to its twin, from an entry on; what was undone since is left out."""
    return tuple(e for e in lineage(log, seq) if e.kind in REPLAYED or e.kind is LogKind.TWIN)


class Script:
    """Entries of a log that wait for their ticks.

    Parameters
    ----------
    entries : in order of ticks
    """

    def __init__(self, entries: Iterable[LogEntry] = ()) -> None:
        self._entries = deque(entries)

    def n_ticks_before_next(self, tick: int) -> int:
        """How far one can go from a tick before the next entry is due."""
        return max(self._entries[0].tick - tick, 0) if self._entries else FAR

    def take_due(self, tick: int) -> list[LogEntry]:
        """Those that are due at a tick; each is given once."""
        due = []
        while self._entries and self._entries[0].tick <= tick:
            due.append(self._entries.popleft())
        return due
