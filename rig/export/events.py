"""The command log as tables: what was done to the subject, what it was given, what was noted."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from rig.log import LogEntry, LogKind
from rig.perturbation import LESIONS, PerturbationKind, perturbation_from_json
from rig.units import UnitTable


@dataclass(frozen=True)
class PerturbationInterval:
    """One perturbation of some units over the ticks that it really held.

    A release divides what it ends: the units released become an interval of their own.

    Attributes
    ----------
    kind : of the perturbation
    unit_ids, unit_names : which units
    start_tick, stop_tick : [start_tick, stop_tick)
    open_ended : it still held when the exported part ended, which is the stop_tick here; the log has what was asked
    amplitude : with the kind's default filled in
    label : what made it
    """

    kind: str
    unit_ids: tuple[int, ...]
    unit_names: tuple[str, ...]
    start_tick: int
    stop_tick: int
    open_ended: bool
    amplitude: float
    label: str


def perturbation_intervals(
    log: Sequence[LogEntry], units: UnitTable, start_tick: int, stop_tick: int
) -> tuple[PerturbationInterval, ...]:
    """Perturbations that held within [start_tick, stop_tick), by start; starts before it are kept as they were."""
    given = [perturbation_from_json(e.payload) for e in log if e.kind is LogKind.PERTURB]
    # releases act in the order of ticks, and at one tick in the order given
    releases = [
        (p.start_tick, i, frozenset(p.unit_ids)) for i, p in enumerate(given) if p.kind is PerturbationKind.RELEASE
    ]
    releases.sort(key=lambda r: r[:2])
    names = dict(zip(units.unit_id.tolist(), units.name, strict=True))
    intervals = []
    for i, p in enumerate(given):
        if p.kind is PerturbationKind.RELEASE:
            continue
        ends: dict[int | None, list[int]] = {}
        for unit in p.unit_ids:
            freed = None
            if p.kind not in LESIONS:
                freed = next((t for t, j, ids in releases if unit in ids and (t, j) > (p.start_tick, i)), None)
            known = [t for t in (p.stop_tick, freed) if t is not None]
            ends.setdefault(min(known, default=None), []).append(unit)
        for end, unit_ids in ends.items():
            still_held = end is None or end > stop_tick
            stop = stop_tick if end is None else min(end, stop_tick)
            if p.start_tick < stop_tick and stop > max(start_tick, p.start_tick):
                intervals.append(
                    PerturbationInterval(
                        str(p.kind),
                        tuple(unit_ids),
                        tuple(names.get(u, str(u)) for u in unit_ids),
                        p.start_tick,
                        stop,
                        still_held,
                        p.level,
                        p.label,
                    )
                )
    return tuple(sorted(intervals, key=lambda p: p.start_tick))


@dataclass(frozen=True)
class LogRow:
    """One entry of the log in words.

    Attributes
    ----------
    seq, tick, wall_time_s, kind : of the entry
    name : of the control, stream or trigger; "" for others
    value : what it was set to, the text of a note, the number of a mark
    """

    seq: int
    tick: int
    wall_time_s: float
    kind: str
    name: str
    value: str


def log_rows(log: Sequence[LogEntry], start_tick: int, stop_tick: int) -> tuple[LogRow, ...]:
    """Every entry that took effect within [start_tick, stop_tick], in order."""
    chosen = sorted((e for e in log if start_tick <= e.tick <= stop_tick), key=lambda e: (e.tick, e.seq))
    return tuple(LogRow(e.seq, e.tick, e.wall_time_s, str(e.kind), *_in_words(e)) for e in chosen)


def _in_words(entry: LogEntry) -> tuple[str, str]:
    payload = entry.payload
    if entry.kind is LogKind.CONTROL:
        return str(payload.get("name", "")), str(payload.get("value", ""))
    if entry.kind in (LogKind.NOTE, LogKind.WARNING, LogKind.REMARK):
        return "", str(payload.get("text", ""))
    if entry.kind is LogKind.MARK:
        return "", str(payload.get("number", ""))
    if entry.kind is LogKind.PERTURB:
        p = perturbation_from_json(payload)
        ids = " ".join(map(str, p.unit_ids))
        until = "" if p.stop_tick is None else f" to {p.stop_tick}"
        return str(p.kind), f"units {ids}; ticks {p.start_tick}{until}; amplitude {p.level:g}"
    name = str(payload.get("stream", payload.get("name", "")))
    # no braces: a reader of the table should not take the text for a dictionary to unpack
    rest = [f"{k}={json.dumps(v, ensure_ascii=False)}" for k, v in payload.items() if k not in ("stream", "name")]
    return name, "; ".join(rest).replace("{", "(").replace("}", ")")
