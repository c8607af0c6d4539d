"""Doing to a subject again what its log says was done."""

from __future__ import annotations

from rig.log import LogEntry, LogKind
from rig.perturbation import perturbation_from_json
from rig.subject import Subject


def replay_entry(subject: Subject, entry: LogEntry) -> None:
    """Apply an entry of the log at the subject's present tick; entries that did nothing to it do nothing again."""
    if entry.kind is LogKind.CONTROL:
        subject.set_control(entry.payload["name"], entry.payload["value"])
    elif entry.kind is LogKind.PERTURB:
        subject.perturb(perturbation_from_json(entry.payload))
