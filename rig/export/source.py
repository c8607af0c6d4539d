"""What an export reads: a recording, and the part of it that was asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rig.errors import ExportError, TickError, UnknownUnitError
from rig.header import SessionHeader
from rig.log import LogEntry
from rig.spikes import SpikeDetector, breaks_of, has_spikes
from rig.streams import Samples, StreamInfo
from rig.units import UnitTable

BLOCK_BYTES = 8 << 20  # what is held of a stream at once: spikes expand it up to thirty times


Progress = Callable[[float], None]  # told what part is done, 0 to 1
Notes = tuple[str, ...]  # what a format could not take, a line each


class RecordedData(Protocol):
    """The part of `rig.recording.Recording` that exports use."""

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


@dataclass(frozen=True, eq=False)
class Survey:
    """What one pass over a stream finds, before anything is written.

    Attributes
    ----------
    info : layout
    n_samples : in the cut
    runs : (first_tick, n_samples) of stretches without a gap, for a regular stream
    ticks : (n_samples,) int64 for an irregular stream, else None
    spike_counts : (n_channels,) int64, None where the stream has no spikes
    spike_definition : "" where it has none
    """

    info: StreamInfo
    n_samples: int
    runs: tuple[tuple[int, int], ...]
    ticks: NDArray[np.int64] | None
    spike_counts: NDArray[np.int64] | None
    spike_definition: str

    @property
    def step_ticks(self) -> int | None:
        """Ticks from sample to sample where they are the same throughout: a rate describes the stream then."""
        if self.ticks is None:
            return self.info.ticks_per_sample if len(self.runs) == 1 else None
        steps = np.unique(np.diff(self.ticks))
        return int(steps[0]) if len(steps) == 1 and steps[0] > 0 else None

    @property
    def first_tick(self) -> int:
        return int(self.ticks[0]) if self.ticks is not None else self.runs[0][0]

    def tick_blocks(self, n_samples: int = 1 << 20) -> Iterator[NDArray[np.int64]]:
        """The tick of every sample, at most n_samples at a time."""
        if self.ticks is not None:
            for i in range(0, self.n_samples, n_samples):
                yield self.ticks[i : i + n_samples]
            return
        k = self.info.ticks_per_sample or 1
        for first, n in self.runs:
            for i in range(0, n, n_samples):
                yield first + k * np.arange(i, min(i + n_samples, n), dtype=np.int64)

    @property
    def observed(self) -> tuple[tuple[int, int], ...]:
        """[start_tick, stop_tick) of each stretch."""
        if self.ticks is not None:
            return ((int(self.ticks[0]), int(self.ticks[-1]) + 1),) if self.n_samples else ()
        k = self.info.ticks_per_sample or 1
        return tuple((first, first + k * n) for first, n in self.runs)


def survey(cut: Cut, stream: str) -> Survey:
    """Pass over a stream once: how many samples, when, how many spikes of each channel."""
    info = cut.streams[stream]
    detector = cut.detector(stream)
    counts = None if detector is None else np.zeros(info.n_channels, np.int64)
    runs: list[list[int]] = []
    ticks: list[NDArray[np.int64]] = []
    n_samples = 0
    for block in cut.blocks(stream):
        if not len(block):
            continue
        n_samples += len(block)
        if info.ticks_per_sample is None:
            ticks.append(np.array(block.ticks, dtype=np.int64))
        else:
            _extend_runs(runs, block.ticks, info.ticks_per_sample)
        if detector is not None and counts is not None:
            counts += detector.counts(block)
    if any(b[0] <= a[0] for a, b in pairwise(runs)):
        raise ExportError(f"stream {stream!r} goes back in time inside the recording; export the parts one by one")
    return Survey(
        info,
        n_samples,
        tuple((first, n) for first, n in runs),
        None if info.regular else np.concatenate(ticks) if ticks else np.zeros(0, np.int64),
        counts,
        "" if detector is None else detector.definition,
    )


def survey_all(cut: Cut, progress: Progress, share: float) -> tuple[dict[str, Survey], Notes]:
    """Survey every stream of the cut.

    Parameters
    ----------
    share : of the whole work that this is

    Returns
    -------
    surveys of the streams that have samples, and a note on each that has none

    Raises
    ------
    ExportError : none has a sample.
    """
    full, notes = {}, []
    if cut.n_unwatched:
        notes.append(f"{cut.n_unwatched} of the chosen units are in no stream that was recorded: left out")
    for i, name in enumerate(cut.streams):
        found = survey(cut, name)
        if found.n_samples:
            full[name] = found
        else:
            notes.append(f"stream {name!r} has no sample in ticks [{cut.start_tick}, {cut.stop_tick}): left out")
        progress(share * (i + 1) / len(cut.streams))
    if not full:
        raise ExportError(
            f"asked to export ticks [{cut.start_tick}, {cut.stop_tick}); no chosen stream has a sample there"
        )
    return full, tuple(notes)


def part(progress: Progress, done: float, share: float) -> Progress:
    """Progress of a part of the work: `share` of it, after `done`."""
    return lambda fraction: progress(done + share * fraction)


def _extend_runs(runs: list[list[int]], ticks: NDArray[np.int64], ticks_per_sample: int) -> None:
    starts = np.concatenate(([0], np.flatnonzero(np.diff(ticks) != ticks_per_sample) + 1, [len(ticks)]))
    for a, b in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True):
        first = int(ticks[a])
        if runs and runs[-1][0] + runs[-1][1] * ticks_per_sample == first:
            runs[-1][1] += b - a
        else:
            runs.append([first, b - a])
