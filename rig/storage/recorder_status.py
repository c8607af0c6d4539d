"""What a recorder says of itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from rig.storage.disk import storage_error
from rig.storage.space import Space
from rig.streams import StreamInfo


class RecorderEventKind(StrEnum):
    SPACE_LOW = "space_low"  # under ten minutes of space; told again only after there was more
    STOPPED = "stopped"  # under a minute of space: everything is safe, the recording is closed
    FAILED = "failed"  # the disk refused; what was acknowledged is safe


@dataclass(frozen=True)
class RecorderEvent:
    """Something that the person at the rig should know.

    Attributes
    ----------
    kind : RecorderEventKind
    message : one line
    """

    kind: RecorderEventKind
    message: str


def low_space_event(name: str, space: Space) -> RecorderEvent:
    return RecorderEvent(
        RecorderEventKind.SPACE_LOW,
        f"recording {name}: space for {space.seconds_left / 60:.0f} more minutes at {space.bytes_per_s / 1e6:.3g} "
        "MB/s; free some, or it will stop a minute before the end",
    )


def stopped_event(name: str, space: Space | None, safe_tick: int) -> RecorderEvent:
    free = "none" if space is None else f"{space.free_bytes / 1e6:.0f} MB"
    return RecorderEvent(
        RecorderEventKind.STOPPED,
        f"recording {name} was stopped: less than a minute of space was left ({free} free); everything up to tick "
        f"{safe_tick} is safe: free some space and start another recording",
    )


def failed_event(path: Path, error: OSError, safe_tick: int | None) -> RecorderEvent:
    kept = "nothing was recorded" if safe_tick is None else f"what was recorded up to tick {safe_tick} is safe"
    refused = storage_error(f"recording {path.name} has ended", error)
    return RecorderEvent(
        RecorderEventKind.FAILED, f"{refused}; {kept}: see to {path.parent} and start another recording"
    )


@dataclass(frozen=True)
class RecorderStatus:
    """A recorder at one moment.

    Attributes
    ----------
    raw_bytes : samples taken
    written_bytes : to the disk
    bytes_per_s : written, over the last ten seconds
    free_bytes, seconds_left : at that rate; None before the first sync, and where the disk does not tell
    durable_ticks : stream → the tick up to which its samples are on the disk for good; streams with none are left out
    durable_tick : up to which all regular streams are (all streams, where none is regular); None before that
    n_frames : written
    failure : the one line, once the recorder has stopped by itself
    """

    raw_bytes: int
    written_bytes: int
    bytes_per_s: float
    free_bytes: int | None
    seconds_left: float | None
    durable_ticks: Mapping[str, int]
    durable_tick: int | None
    n_frames: int
    failure: str | None = None


def durable_tick(streams: Iterable[StreamInfo], stop_ticks: Mapping[str, int]) -> int | None:
    """See `RecorderStatus.durable_tick`.

    Irregular streams are left out where there are others: nobody knows whether one that gave nothing lately had
    anything to give.
    """
    streams = tuple(streams)
    relevant = [s.name for s in streams if s.regular] or list(stop_ticks)
    if not relevant or any(name not in stop_ticks for name in relevant):
        return None
    return min(stop_ticks[name] for name in relevant)
