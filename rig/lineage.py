"""Which entries of a command log lie in the present's own past.

Going back undoes what was done since, but the log keeps it. Every entry therefore has a parent, the entry before it in
the subject's own time; that of a restore is the last one before the place it went to::

    0 reset ── 1 silence ── 2 drive ── 3 restore (seq 2)      the past of 4 is 3, 1, 0
                        └── 3 restore ── 4 note
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from rig.log import LogEntry, LogKind


def lineage(log: Sequence[LogEntry], since_seq: int = 0) -> list[LogEntry]:
    """The entries that led to the present, in order.

    Parameters
    ----------
    log : in order; entries may be missing
    since_seq : older ones are left out
    """
    line: list[LogEntry] = []
    at = len(log) - 1
    while at >= 0 and log[at].seq >= since_seq:
        entry = log[at]
        line.append(entry)
        if entry.kind is LogKind.RESET:
            break
        at -= 1
        if entry.kind is LogKind.RESTORE:
            parent = int(entry.payload["seq"]) - 1
            at = bisect_left(log, parent, key=lambda e: e.seq)
            if at == len(log) or log[at].seq != parent:
                break
    return line[::-1]
