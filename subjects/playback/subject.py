"""Playing back a recording as a subject: its samples at its ticks, and nothing that was not recorded.

Where samples are missing (a gap), the last one before it is held; the description says how much that is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rig.errors import SpecError, SubjectError, UnknownUnitError
from rig.perturbation import Perturbation, PerturbationKind
from rig.storage.recording import Recording
from rig.streams import Chunk, Samples, StreamInfo, n_samples_between
from rig.subject import ControlInfo, ControlValue, SubjectInfo


def open_playback(options: Mapping[str, str]) -> Playback:
    """Raises SpecError without a recording; FormatError, StorageError when it cannot be opened."""
    path = options.get("recording", "")
    if not path:
        raise SpecError("asked to play back nothing; give recording=NAME.rig")
    return Playback(Recording.open(path), path)


class Playback:
    """See the module. Ticks are the recording's own: the first tick is its start, the last its end."""

    controls: tuple[ControlInfo, ...] = ()
    perturbation_kinds: frozenset[PerturbationKind] = frozenset()
    remark = ""
    idle = False

    def __init__(self, recording: Recording, path: str) -> None:
        self._recording = recording
        info = recording.header.info
        n_missing = sum(stop - start for name in recording.streams for start, stop in recording.gaps(name))
        self.info: SubjectInfo = replace(
            info,
            name=f"{info.name} · {recording.path.name}",
            kind="recording",
            description=f"played back: {info.description}"
            + (f"; {n_missing} missing {info.tick_name}s hold the sample before them" if n_missing else ""),
            options={"recording": path},
            fingerprint=f"playback of {recording.path.name} from {recording.header.created_s}",
            end_tick=recording.stop_tick,
        )
        self.units = recording.units
        self.streams: tuple[StreamInfo, ...] = tuple(recording.streams.values())
        self._start_tick = recording.header.start_tick  # a bin that began before it may be stamped earlier
        self.tick = self._start_tick
        self._watched: dict[str, StreamInfo] = {}

    def reset(self, seed: int) -> None:
        """Back to the first tick; a recording has one run, whatever the seed."""
        self.tick = self._start_tick

    def watch(self, stream: str, unit_ids: NDArray[np.int64] | None) -> None:
        if stream not in self._recording.streams:
            raise UnknownUnitError(f"asked for stream {stream!r}; recorded are {', '.join(self._recording.streams)}")
        if unit_ids is not None and len(unit_ids) == 0:
            self._watched.pop(stream, None)
        else:
            self._watched[stream] = self._recording.streams[stream].watching(unit_ids)

    def set_control(self, name: str, value: ControlValue) -> None:
        raise UnknownUnitError(f"asked for control {name!r}; a recording has none: re-derive it or run its subject")

    def perturb(self, perturbation: Perturbation) -> None:
        raise SpecError(f"asked for {perturbation.kind}; a recording cannot be perturbed: run its subject")

    def advance(self, n_ticks: int) -> list[Chunk]:
        start, stop = self.tick, self.tick + n_ticks
        end = self._recording.stop_tick
        if stop > end:
            raise SubjectError(f"asked for ticks up to {stop}; the recording ends at tick {end}")
        chunks = [self._chunk(info, start, stop) for info in self._watched.values()] if n_ticks else []
        self.tick = stop
        return [c for c in chunks if c is not None]

    def _chunk(self, info: StreamInfo, start: int, stop: int) -> Chunk | None:
        if info.ticks_per_sample is None:
            samples = self._read(info, start, stop)
            return Chunk(info.name, int(samples.ticks[0]), samples.data, samples.ticks) if len(samples) else None
        k = info.ticks_per_sample
        first, n = start // k * k, n_samples_between(k, start, stop)
        samples = self._read(info, first, first + n * k)
        data = samples.data if len(samples) == n else self._held(info, samples, first, n)
        return Chunk(info.name, first, np.ascontiguousarray(data))

    def _read(self, info: StreamInfo, start: int, stop: int) -> Samples:
        low, high = self._recording.start_tick, self._recording.stop_tick
        return self._recording.read(info.name, max(start, low), max(min(stop, high), low), info.unit_ids)

    def _held(self, info: StreamInfo, samples: Samples, first: int, n: int) -> NDArray[Any]:
        """n samples from tick `first` on, each missing one as the one before it (zeros before the first of all)."""
        k = info.ticks_per_sample or 1
        data = np.zeros((n, *info.shape), info.dtype)
        present = (samples.ticks - first) // k
        source = np.full(n, -1, np.int64)
        source[present] = np.arange(len(samples))
        source = np.maximum.accumulate(source)
        data[source >= 0] = samples.data[source[source >= 0]]
        return data

    def snapshot(self) -> bytes:
        return self.tick.to_bytes(8, "little")

    def restore(self, snapshot: bytes) -> None:
        tick = int.from_bytes(snapshot, "little")
        if len(snapshot) != 8 or not self._start_tick <= tick <= self._recording.stop_tick:
            raise SubjectError("asked to restore a snapshot that is none of this recording")
        self.tick = tick

    def close(self) -> None:
        self._recording.close()
