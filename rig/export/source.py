"""What an export reads: a recording, and the part of it that was asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rig.errors import TickError, UnknownUnitError
from rig.header import SessionHeader
from rig.log import LogEntry
from rig.spikes import SpikeDetector, breaks_of, has_spikes
from rig.streams import Samples, StreamInfo
from rig.units import UnitTable

BLOCK_BYTES = 8 << 20  # what is held of a stream at once: spikes expand it up to thirty times


Progress = Callable[[float], None]  # told what part is done, 0 to 1
Notes = tuple[str, ...]  # what a format could not take, a line each


class RecordedData(Protocol):
    """The part of `rig.storage.recording.Recording` that exports use."""

    @property
    def header(self) -> SessionHeader: ...
    @property
    def units(self) -> UnitTable: ...
    @property
    def streams(self) -> Mapping[str, StreamInfo]: ...
    @property
    def log(self) -> tuple[LogEntry, ...]: ...
    @property
    def problems(self) -> tuple[str, ...]: ...
    @property
    def start_tick(self) -> int: ...
    @property
    def stop_tick(self) -> int: ...
    def gaps(self, stream: str) -> tuple[tuple[int, int], ...]: ...
    def blocks(
        self,
        stream: str,
        start_tick: int | None = None,
        stop_tick: int | None = None,
        unit_ids: NDArray[np.int64] | Sequence[int] | None = None,
        max_bytes: int = 32 << 20,
    ) -> Iterator[Samples]: ...


@dataclass(frozen=True, eq=False)
class Cut:
    """The part of a recording to export.

    Attributes
    ----------
    recording : where it comes from
    start_tick, stop_tick : samples stamped [start_tick, stop_tick)
    streams : name → layout of the chosen units; streams that carry none of them are left out
    unit_ids : the chosen units; None for all
    thresholds : stream → what counts as a spike of a graded stream, in its physical unit
    n_unwatched : chosen units that no chosen stream carries
    """

    recording: RecordedData
    start_tick: int
    stop_tick: int
    streams: Mapping[str, StreamInfo]
    unit_ids: NDArray[np.int64] | None = None
    thresholds: Mapping[str, float] = field(default_factory=dict)
    n_unwatched: int = 0

    @classmethod
    def of(
        cls,
        recording: RecordedData,
        start_tick: int | None = None,
        stop_tick: int | None = None,
        streams: Sequence[str] | None = None,
        unit_ids: Sequence[int] | NDArray[np.int64] | None = None,
        thresholds: Mapping[str, float] | None = None,
    ) -> Cut:
        """Check what was asked against what is there.

        Raises
        ------
        TickError : the interval is empty or outside the recording.
        UnknownUnitError : no such stream or unit, or none of the units is in a chosen stream.
        """
        start = recording.start_tick if start_tick is None else start_tick
        stop = recording.stop_tick if stop_tick is None else stop_tick
        if start >= stop or start < recording.start_tick or stop > recording.stop_tick:
            raise TickError(
                f"asked to export ticks [{start}, {stop}); the recording holds [{recording.start_tick}, "
                f"{recording.stop_tick}): choose a part of it"
            )
        for name in [*(streams or ()), *(thresholds or ())]:
            if name not in recording.streams:
                raise UnknownUnitError(
                    f"asked to export stream {name!r}; the recording holds {', '.join(recording.streams) or 'none'}"
                )
        chosen = {n: s for n, s in recording.streams.items() if streams is None or n in streams}
        if unit_ids is None:
            return cls(recording, start, stop, chosen, None, dict(thresholds or {}))
        ids = np.unique(np.asarray(unit_ids, dtype=np.int64))
        layouts: dict[str, StreamInfo] = {}
        carried = np.zeros(len(ids), np.bool_)
        for name, info in chosen.items():
            if info.unit_ids is None:
                layouts[name] = info
                continue
            here = np.isin(ids, info.unit_ids)
            carried |= here
            if here.any():
                layouts[name] = info.watching(ids[here])
        recording.units.rows(ids)
        if not carried.any():
            raise UnknownUnitError(
                f"asked to export {len(ids)} units; no chosen stream of the recording carries any of them"
            )
        return cls(recording, start, stop, layouts, ids, dict(thresholds or {}), int((~carried).sum()))

    @property
    def header(self) -> SessionHeader:
        return self.recording.header

    @property
    def tick_hz(self) -> float:
        """Ticks a second on the exported time axis: 1 where the subject knows no seconds."""
        return self.header.info.tick_hz or 1.0

    @property
    def time_axis(self) -> str:
        """One sentence that says what a second is."""
        info = self.header.info
        if info.tick_hz:
            return f"Time is the subject's own: second = tick / {info.tick_hz!r}, tick 0 is its reset"
        return f"The subject knows no seconds: 1 s stands for 1 {info.tick_name}, 0 s is its reset"

    def seconds(self, ticks: NDArray[np.int64] | Sequence[int]) -> NDArray[np.float64]:
        seconds: NDArray[np.float64] = np.asarray(ticks, dtype=np.int64) / self.tick_hz
        return seconds

    def blocks(self, stream: str, max_bytes: int = BLOCK_BYTES) -> Iterator[Samples]:
        """The chosen samples of a stream, in order, a block at a time."""
        ids = self.streams[stream].unit_ids if self.unit_ids is not None else None
        return self.recording.blocks(stream, self.start_tick, self.stop_tick, ids, max_bytes)

    def detector(self, stream: str) -> SpikeDetector | None:
        """A fresh detector for a stream; None where it has no spikes."""
        info, threshold = self.streams[stream], self.thresholds.get(stream)
        if not has_spikes(info, threshold):
            return None
        return SpikeDetector(info, threshold, breaks_of(self.recording.gaps(stream)))


def part(progress: Progress, done: float, share: float) -> Progress:
    """Progress of a part of the work: `share` of it, after `done`."""
    return lambda fraction: progress(done + share * fraction)
