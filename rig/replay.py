"""Doing to a subject again what its log says was done."""

from __future__ import annotations

from collections.abc import Sequence

from rig.lineage import lineage
from rig.log import REPLAYED, LogEntry, LogKind
from rig.perturbation import perturbation_from_json
from rig.subject import Subject


def replay_entry(subject: Subject, entry: LogEntry) -> None:
    """Apply an entry of the log at the subject's present tick; entries that did nothing to it do nothing again."""
    if entry.kind is LogKind.CONTROL:
        subject.set_control(entry.payload["name"], entry.payload["value"])
    elif entry.kind is LogKind.PERTURB:
        subject.perturb(perturbation_from_json(entry.payload))


def replay_to(subject: Subject, tick: int, log: Sequence[LogEntry], from_seq: int) -> int:
    """Advance a subject to a tick, doing to it what the log says was done before that tick.

    Parameters
    ----------
    log : what was undone in it since is left out
    from_seq : of the first entry that is not in the subject's state yet

    Returns
    -------
    int, seq of the first entry that is not in it then
    """
    kept = [e for e in lineage(log) if e.seq < from_seq or e.tick < tick]
    for entry in kept:
        if entry.seq >= from_seq and entry.kind in REPLAYED:
            subject.advance(max(entry.tick - subject.tick, 0))
            replay_entry(subject, entry)
    subject.advance(max(tick - subject.tick, 0))
    return kept[-1].seq + 1
