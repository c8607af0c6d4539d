"""The first pass over what is exported: how many samples, when, how many spikes. Then a file can be laid out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from rig.errors import ExportError
from rig.export.source import Cut, Notes, Progress
from rig.streams import StreamInfo


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
    if detector is not None and not info.regular:
        # damage is met on reading, and does not show in ticks of their own: the detector must know it beforehand
        for _ in cut.blocks(stream):
            pass
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


def _extend_runs(runs: list[list[int]], ticks: NDArray[np.int64], ticks_per_sample: int) -> None:
    starts = np.concatenate(([0], np.flatnonzero(np.diff(ticks) != ticks_per_sample) + 1, [len(ticks)]))
    for a, b in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True):
        first = int(ticks[a])
        if runs and runs[-1][0] + runs[-1][1] * ticks_per_sample == first:
            runs[-1][1] += b - a
        else:
            runs.append([first, b - a])
