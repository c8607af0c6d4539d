"""Which entries of a command log lie in the present's own past.

Going back undoes what was done since, but the log keeps it. Every entry therefore has a parent, the entry before it in
the subject's own time; that of a restore is the last one before the place it went to::

    0 reset ── 1 silence ── 2 drive ── 3 restore (seq 2)      the past of 4 is 3, 1, 0
                        └── 3 restore ── 4 note
"""

from __future__ import annotations

from collections.abc import Iterable

from rig.log import LogEntry, LogKind


def lineage(log: Iterable[LogEntry]) -> list[LogEntry]:
    """The entries that led to the present, in order."""
    entries: dict[int, LogEntry] = {}
    parents: dict[int, int | None] = {}
    tip: int | None = None
    for entry in log:
        parent = tip
        if entry.kind is LogKind.RESET:
            parent = None
        elif entry.kind is LogKind.RESTORE:
            parent = int(entry.payload["seq"]) - 1
        entries[entry.seq] = entry
        parents[entry.seq] = parent if parent in entries else None
        tip = entry.seq
    line = []
    while tip is not None:
        line.append(entries[tip])
        tip = parents[tip]
    return line[::-1]
