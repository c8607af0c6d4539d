"""The command log: everything a run depended on, in order."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from rig.errors import FormatError


class LogKind(StrEnum):
    RESET = "reset"  # payload: seed
    CONTROL = "control"  # payload: name, value
    PERTURB = "perturb"  # payload: see rig.perturbation
    TRIGGER = "trigger"  # payload: name, what fired it; its perturbations follow as PERTURB
    WATCH = "watch"  # payload: stream, unit_ids
    RESTORE = "restore"  # payload: tick, from_tick; seq: of the first entry that is not in this past (`rig.lineage`)
    TWIN = "twin"  # payload: action on, off or differs (with the tick)
    NOTE = "note"  # payload: text
    MARK = "mark"  # payload: number; event marks 1–9
    RECORD = "record"  # payload: action, what
    WARNING = "warning"  # payload: text
    REMARK = "remark"  # payload: text; what the subject says about how it runs from here on, empty: nothing more


REPLAYED = frozenset({LogKind.CONTROL, LogKind.PERTURB})


@dataclass(frozen=True)
class LogEntry:
    """One line of the log.

    Attributes
    ----------
    seq : ascending from 0 since the session began; orders entries of one tick
    tick : it took effect before this tick was done
    wall_time_s : seconds since the epoch
    kind : LogKind
    payload : JSON values
    """

    seq: int
    tick: int
    wall_time_s: float
    kind: LogKind
    payload: Mapping[str, Any]


def entry_to_line(entry: LogEntry) -> str:
    """One JSON line without its newline; its last key is the crc32 of what comes before it."""
    body = json.dumps(
        {
            "seq": entry.seq,
            "tick": entry.tick,
            "wall_time_s": entry.wall_time_s,
            "kind": str(entry.kind),
            "payload": dict(entry.payload),
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )[:-1]
    return f'{body},"crc32":"{zlib.crc32(body.encode()):08x}"}}'


def entry_from_line(line: str) -> LogEntry:
    """Inverse of `entry_to_line`.

    Raises
    ------
    FormatError : not such a line, or its checksum disagrees.
    """
    body, separator, tail = line.rpartition(',"crc32":"')
    if not separator or tail != f'{zlib.crc32(body.encode()):08x}"}}':
        raise FormatError("a line of the command log is damaged (checksum disagrees)")
    try:
        value = json.loads(body + "}")
        return LogEntry(
            int(value["seq"]),
            int(value["tick"]),
            float(value["wall_time_s"]),
            LogKind(value["kind"]),
            dict(value["payload"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise FormatError(f"a line of the command log cannot be read ({error})") from error
