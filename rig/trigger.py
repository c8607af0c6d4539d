"""Closed loops: a condition on the samples, in subject time, and what it sets off.

A condition is scanned over whole blocks of samples; what it remembers between blocks is a plain value, so that the
session can take a block back (see `rig.session`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from rig.errors import SpecError
from rig.perturbation import PulseTrain
from rig.streams import Chunk, StreamInfo

Memory = Any  # what a condition remembers between blocks; never mutated in place


class Condition(Protocol):
    """Something that may hold at a tick. `stream` and `unit_ids` say what it must be shown."""

    @property
    def stream(self) -> str: ...
    @property
    def unit_ids(self) -> tuple[int, ...] | None: ...
    @property
    def text(self) -> str: ...

    def check(self, whole: StreamInfo) -> None:
        """Raises UnknownUnitError or SpecError when the stream, whole, cannot show it what it needs."""

    def scan(self, layout: StreamInfo, chunk: Chunk, memory: Memory) -> tuple[NDArray[np.int64], Memory]:
        """Ticks at which it fires, ascending, and what to remember. `memory` is None before the first chunk."""


@dataclass(frozen=True)
class UnitRises:
    """A unit goes from off to on, or from below a threshold to it or above."""

    stream: str
    unit_id: int
    threshold: float = 0.5

    @property
    def unit_ids(self) -> tuple[int, ...]:
        return (self.unit_id,)

    @property
    def text(self) -> str:
        return f"unit {self.unit_id} rises"

    def check(self, whole: StreamInfo) -> None:
        whole.channels_of(self.unit_ids)

    def scan(self, layout: StreamInfo, chunk: Chunk, memory: Memory) -> tuple[NDArray[np.int64], Memory]:
        above = values_of(layout, chunk)[:, 0] >= self.threshold
        rises = rising(above, memory)
        return sample_ticks(layout, chunk)[rises], bool(above[-1])


@dataclass(frozen=True)
class RateOver:
    """Some units together rise at least `count` times within the last `window_ticks` ticks; fires when that begins."""

    stream: str
    units: tuple[int, ...]
    count: int
    window_ticks: int
    threshold: float = 0.5

    def __post_init__(self) -> None:
        if self.count < 1 or self.window_ticks < 1:
            raise SpecError(f"asked for a rate of {self.count} spikes in {self.window_ticks} ticks; both must be ≥ 1")

    @property
    def unit_ids(self) -> tuple[int, ...]:
        return self.units

    @property
    def text(self) -> str:
        return f"{self.count} spikes of {len(self.units)} units in {self.window_ticks} ticks"

    def check(self, whole: StreamInfo) -> None:
        whole.channels_of(self.unit_ids)
        if not whole.regular:
            raise SpecError(f"asked for a rate on {whole.name!r}; its samples come at no regular ticks")

    def scan(self, layout: StreamInfo, chunk: Chunk, memory: Memory) -> tuple[NDArray[np.int64], Memory]:
        window = max(self.window_ticks // (layout.ticks_per_sample or 1), 1)
        previous, recent, was_over = memory or (None, np.zeros(window, np.int64), False)
        above = values_of(layout, chunk) >= self.threshold
        first = above[:1] if previous is None else previous[None]
        spikes = (above & ~np.concatenate([first, above[:-1]])).sum(axis=1)
        padded = np.concatenate([recent, spikes])
        total = np.concatenate([[0], np.cumsum(padded)])
        over = (total[window + 1 :] - total[1:-window]) >= self.count
        ticks = sample_ticks(layout, chunk)[rising(over, was_over)]
        return ticks, (above[-1].copy(), padded[-window:].copy(), bool(over[-1]))


@dataclass(frozen=True)
class FrameStarts:
    """A sample of an irregular stream (a frame) appears."""

    stream: str

    @property
    def unit_ids(self) -> None:
        return None

    @property
    def text(self) -> str:
        return f"frame of {self.stream}"

    def check(self, whole: StreamInfo) -> None:
        if whole.regular:
            raise SpecError(f"asked for frames of {whole.name!r}; it has a sample every {whole.ticks_per_sample} ticks")

    def scan(self, layout: StreamInfo, chunk: Chunk, memory: Memory) -> tuple[NDArray[np.int64], Memory]:
        return sample_ticks(layout, chunk), True


@dataclass(frozen=True)
class FieldsMatch:
    """Fields of a structured stream take given values (a bus address, a write); fires when that begins."""

    stream: str
    values: tuple[tuple[str, int], ...]

    @property
    def unit_ids(self) -> None:
        return None

    @property
    def text(self) -> str:
        return f"{self.stream} " + ", ".join(f"{name}={value}" for name, value in self.values)

    def check(self, whole: StreamInfo) -> None:
        fields = whole.dtype.names or ()
        for name, _ in self.values:
            if name not in fields:
                raise SpecError(f"asked for field {name!r} of {whole.name!r}; it has {', '.join(fields) or 'none'}")

    def scan(self, layout: StreamInfo, chunk: Chunk, memory: Memory) -> tuple[NDArray[np.int64], Memory]:
        match = np.ones(len(chunk), np.bool_)
        for name, value in self.values:
            match &= chunk.data[name].reshape(len(chunk)) == value
        return sample_ticks(layout, chunk)[rising(match, memory if memory is not None else False)], bool(match[-1])


@dataclass(frozen=True)
class Trigger:
    """A condition armed.

    Attributes
    ----------
    name : unique among the armed
    condition : what fires it
    train : set off by it, its onset counted from the tick after the one that fired; None only marks the log
    holdoff_ticks : after firing it stays silent so long
    max_count : it disarms itself after so many; None for never
    """

    name: str
    condition: Condition
    train: PulseTrain | None = None
    holdoff_ticks: int = 0
    max_count: int | None = None


def values_of(layout: StreamInfo, chunk: Chunk) -> NDArray[Any]:
    """(n_samples, n_channels) values of a stream of units."""
    if layout.packed:
        return np.unpackbits(chunk.data, axis=1, count=layout.n_channels, bitorder="little")
    return chunk.data.reshape(len(chunk), -1)


def sample_ticks(layout: StreamInfo, chunk: Chunk) -> NDArray[np.int64]:
    """The tick at which each sample is known: its own for an irregular one, the last that it covers otherwise."""
    if chunk.ticks is not None:
        return chunk.ticks
    k = layout.ticks_per_sample or 1
    return chunk.first_tick + k - 1 + k * np.arange(len(chunk), dtype=np.int64)


def rising(above: NDArray[np.bool_], before: bool | None) -> NDArray[np.bool_]:
    """Where a truth begins; the very first sample cannot rise, having nothing before it."""
    first = above[0] if before is None else before
    rises: NDArray[np.bool_] = above & ~np.concatenate([[first], above[:-1]])
    return rises


CONDITIONS: tuple[type[Condition], ...] = (UnitRises, RateOver, FrameStarts, FieldsMatch)


def condition_to_json(condition: Condition) -> dict[str, Any]:
    """Its kind and its fields; one of `CONDITIONS`."""
    fields: dict[str, Any] = json.loads(json.dumps(asdict(condition)))  # type: ignore[call-overload]  # lists, no tuples
    return {"is": type(condition).__name__, **fields}


def condition_from_json(value: Mapping[str, Any]) -> Condition:
    """Inverse of `condition_to_json`; of a file, so everything is checked. Raises SpecError."""
    try:
        match value["is"]:
            case "UnitRises":
                return UnitRises(str(value["stream"]), int(value["unit_id"]), float(value["threshold"]))
            case "RateOver":
                ids = tuple(int(u) for u in value["units"])
                figures = int(value["count"]), int(value["window_ticks"]), float(value["threshold"])
                return RateOver(str(value["stream"]), ids, *figures)
            case "FrameStarts":
                return FrameStarts(str(value["stream"]))
            case "FieldsMatch":
                values = tuple((str(name), int(number)) for name, number in value["values"])
                return FieldsMatch(str(value["stream"]), values)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise SpecError(f"asked for a condition as {dict(value)!r}; it cannot be read ({error!r})") from None
    kinds = ", ".join(c.__name__ for c in CONDITIONS)
    raise SpecError(f"asked for a condition that is {value['is']!r}; there are {kinds}")


def trigger_to_json(trigger: Trigger) -> Mapping[str, Any]:
    """For the log: what was armed, in words and numbers."""
    train = trigger.train
    return {
        "name": trigger.name,
        "condition": trigger.condition.text,
        "holdoff_ticks": trigger.holdoff_ticks,
        "max_count": trigger.max_count,
        "train": None
        if train is None
        else {
            "kind": str(train.kind),
            "unit_ids": list(train.unit_ids),
            "onset_ticks": train.onset_ticks,
            "width_ticks": train.width_ticks,
            "period_ticks": train.period_ticks,
            "count": train.count,
            "jitter_ticks": train.jitter_ticks,
        },
    }
