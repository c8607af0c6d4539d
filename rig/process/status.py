"""The status block: a few numbers in shared memory that the session's process keeps fresh and anyone may look at."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rig.process.ordering import Words, load_word, store_word
from rig.process.protocol import State
from rig.process.shared_memory import Shared, attach_shared, create_shared

_STATES = tuple(State)
_VERSION_WORD, _HEARTBEAT_WORD, _N_RINGS_WORD = 0, 8, 16  # a cache line each
_FIELDS_OFFSET = 24 * 8
_FIELDS = np.dtype(
    [
        ("state", "<i8"),
        ("tick", "<i8"),
        ("asked_hz", "<f8"),
        ("achieved_hz", "<f8"),
        ("real_hz", "<f8"),
        ("recording", "<i8"),
        ("raw_bytes", "<i8"),
        ("disk_bytes", "<i8"),
        ("bytes_per_s", "<f8"),
        ("seconds_left", "<f8"),
        ("durable_tick", "<i8"),
    ]
)
_PATIENCE = 1000


@dataclass(frozen=True)
class RecorderFigures:
    """How a recording goes.

    Attributes
    ----------
    raw_bytes : of samples recorded
    disk_bytes : that they took
    bytes_per_s : written to the disk lately
    seconds_left : until the disk is full at that rate; NaN when unknown
    durable_tick : up to which everything is on the disk for good; −1 before that
    """

    raw_bytes: int = 0
    disk_bytes: int = 0
    bytes_per_s: float = 0.0
    seconds_left: float = math.nan
    durable_tick: int = -1


@dataclass(frozen=True)
class Status:
    """What the session is doing now.

    Attributes
    ----------
    state : State
    tick : ticks done
    asked_hz : ticks a second; inf for as fast as may be
    achieved_hz : over the last half second; 0 when nothing moves, NaN when not known yet
    times_real : achieved against the original system's speed; NaN where there is no such thing
    recorder : None when nothing is recorded
    """

    state: State
    tick: int
    asked_hz: float
    achieved_hz: float
    times_real: float
    recorder: RecorderFigures | None


class StatusBlock:
    """Create it (client), or attach to it by name (host). One side writes, by `put`, `beat` and `count_ring`."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self.name = shared.name
        self._words: Words = shared.array(np.dtype(np.int64), _FIELDS_OFFSET // 8)
        self._fields: NDArray[Any] = shared.array(_FIELDS, 1, _FIELDS_OFFSET)

    @classmethod
    def create(cls, name: str) -> StatusBlock:
        block = cls(create_shared(name, _FIELDS_OFFSET + _FIELDS.itemsize))
        block.put(Status(State.STARTING, 0, math.inf, 0.0, math.nan, None), 0.0)
        block.beat()
        return block

    @classmethod
    def attach(cls, name: str) -> StatusBlock:
        return cls(attach_shared(name))

    def beat(self) -> None:
        """Show a sign of life."""
        store_word(self._words, _HEARTBEAT_WORD, time.monotonic_ns())

    @property
    def silent_s(self) -> float:
        """Seconds since the last sign of life."""
        return max(time.monotonic_ns() - load_word(self._words, _HEARTBEAT_WORD), 0) / 1e9

    def count_ring(self) -> int:
        """The number for a new ring's name, noted before the ring is made: its names are known whoever dies when."""
        number = load_word(self._words, _N_RINGS_WORD)
        store_word(self._words, _N_RINGS_WORD, number + 1)
        return number

    @property
    def n_rings(self) -> int:
        """Rings made so far."""
        return load_word(self._words, _N_RINGS_WORD)

    def put(self, status: Status, real_hz: float) -> None:
        """Publish; real_hz is the original system's speed, 0 where there is none."""
        version = load_word(self._words, _VERSION_WORD)
        store_word(self._words, _VERSION_WORD, version + 1)
        recorder = status.recorder or RecorderFigures()
        self._fields[0] = (
            _STATES.index(status.state),
            status.tick,
            status.asked_hz,
            status.achieved_hz,
            real_hz,
            status.recorder is not None,
            recorder.raw_bytes,
            recorder.disk_bytes,
            recorder.bytes_per_s,
            recorder.seconds_left,
            recorder.durable_tick,
        )
        store_word(self._words, _VERSION_WORD, version + 2)

    def get(self) -> Status:
        """What was published last. Of a writer that was killed while it published, what there is."""
        for _ in range(_PATIENCE):
            version = load_word(self._words, _VERSION_WORD)
            fields = self._fields[0].copy()
            if version % 2 == 0 and load_word(self._words, _VERSION_WORD) == version:
                break
        real_hz, achieved_hz = float(fields["real_hz"]), float(fields["achieved_hz"])
        figures = RecorderFigures(
            raw_bytes=int(fields["raw_bytes"]),
            disk_bytes=int(fields["disk_bytes"]),
            bytes_per_s=float(fields["bytes_per_s"]),
            seconds_left=float(fields["seconds_left"]),
            durable_tick=int(fields["durable_tick"]),
        )
        return Status(
            state=_STATES[int(fields["state"])],
            tick=int(fields["tick"]),
            asked_hz=float(fields["asked_hz"]),
            achieved_hz=achieved_hz,
            times_real=achieved_hz / real_hz if real_hz > 0 else math.nan,
            recorder=figures if fields["recording"] else None,
        )

    def remove(self) -> None:
        """Unlink it; who has attached keeps it."""
        self._shared.unlink()
        self._shared.close()
