"""Re-deriving: run a stretch of a recording again, from its log and nearest snapshot, with other units watched.

A subject is deterministic, so what was not recorded is not lost. Perturbations and controls are taken from the log
(those that a trigger set off are in it with their ticks), so closed loops need not be armed again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rig.blobs import unpack_blobs
from rig.errors import RecordingError, TickError, UnknownUnitError
from rig.field import FIELD_STREAM, HISTORY_SAMPLES, RAW_STREAM, ElectrodeField, SumsChanges
from rig.header import SessionHeader
from rig.montage import activity_stream
from rig.probe import Probe
from rig.registry import open_subject
from rig.replay import replay_entry
from rig.select import select
from rig.storage.recorder import Recorder
from rig.storage.recording import Recording
from rig.streams import Chunk, Samples, StreamInfo
from rig.subject import Subject
from rig.versions import versions

BLOCK_TICKS = 1 << 14

Watches = Mapping[str, NDArray[np.int64] | None]


@dataclass(frozen=True, eq=False)
class Rederivation:
    """What to watch this time.

    Attributes
    ----------
    watches : stream → unit ids, None for all
    probes : for the stream ``electrodes``; may be the recording's own or others
    start_tick, stop_tick : of the recording
    """

    start_tick: int
    stop_tick: int
    watches: Watches = field(default_factory=dict)
    probes: Sequence[Probe] = ()


class Replay:
    """A recording's subject, run again.

    Parameters
    ----------
    recording : an open Recording
    wanted : what to watch, and where
    options : changes to the options with which its subject is opened (where a cartridge lies on this machine)

    Raises
    ------
    RecordingError : the subject installed here is not the one recorded. TickError : outside the recording, or there is
        no snapshot before it.
    """

    def __init__(self, recording: Recording, wanted: Rederivation, options: Mapping[str, str] | None = None) -> None:
        header = recording.header
        # a bin that began before the recording may be stamped before its start
        if not header.start_tick <= wanted.start_tick < wanted.stop_tick <= recording.stop_tick:
            raise TickError(
                f"asked to re-derive ticks [{wanted.start_tick}, {wanted.stop_tick}); the recording holds "
                f"[{header.start_tick}, {recording.stop_tick})"
            )
        self.wanted = wanted
        self._subject: Subject = open_subject(header.plugin, {**header.info.options, **(options or {})})
        try:
            self._prepare(recording)
        except BaseException:
            self._subject.close()
            raise

    def _prepare(self, recording: Recording) -> None:
        header = recording.header
        if self._subject.info.fingerprint != header.info.fingerprint:
            raise RecordingError(
                f"asked to re-derive a recording of {header.info.name!r}; the one installed here "
                f"({self._subject.info.name!r}) was made from other files: its samples would differ"
            )
        self._field: ElectrodeField | None = None
        history = 0
        if self.wanted.probes:
            self._field = ElectrodeField(activity_stream(self._subject), self._subject.units, self.wanted.probes)
            history = HISTORY_SAMPLES * (self._field.info.ticks_per_sample or 1)
        stored = recording.snapshot_before(max(self.wanted.start_tick - history, header.start_tick))
        if stored is None:
            raise TickError(
                f"asked to re-derive from tick {self.wanted.start_tick}; the recording has no snapshot before it"
            )
        blobs = unpack_blobs(stored.blob)
        self._subject.restore(blobs["subject"])
        if self._field is not None and tuple(self.wanted.probes) == header.probes and "field" in blobs:
            self._field.set_state(blobs["field"])
        self._entries = [e for e in recording.log if e.seq >= stored.seq]
        self.streams = self._watch()

    def _watch(self) -> dict[str, StreamInfo]:
        whole = {s.name: s for s in self._subject.streams}
        self._visible: dict[str, StreamInfo] = {}
        for name, ids in self.wanted.watches.items():
            if name not in whole:
                raise UnknownUnitError(f"asked to re-derive stream {name!r}; there are {', '.join(whole)}")
            self._visible[name] = whole[name].watching(ids)
        self._given = dict(self._visible)
        if self._field is not None and isinstance(self._subject, SumsChanges):
            self._given[RAW_STREAM] = self._field.raw_info
        elif self._field is not None:
            name = self._field.source_name
            ids = self._field.source_ids
            if name in self._given:
                ids = np.union1d(ids, np.asarray(self._given[name].unit_ids))
            self._given[name] = whole[name].watching(ids)
        layouts = dict(self._visible)
        if self._field is not None:
            layouts[FIELD_STREAM] = self._field.info
        return layouts

    def chunks(self, progress: Callable[[int, int], None] | None = None) -> Iterator[Chunk]:
        """Chunks of [start_tick, stop_tick), in order of ticks.

        Parameters
        ----------
        progress : called with ticks done and ticks to do, the way from the snapshot included
        """
        start, stop = self.wanted.start_tick, self.wanted.stop_tick
        lead = HISTORY_SAMPLES * (self._field.info.ticks_per_sample or 1) if self._field is not None else 0
        begin = self._subject.tick
        entries = iter([*self._entries, None])
        entry = next(entries)
        while self._subject.tick < stop:
            now = self._subject.tick
            while entry is not None and entry.tick <= now:
                replay_entry(self._subject, entry)
                entry = next(entries)
            until = min(stop, now + BLOCK_TICKS)
            if entry is not None:
                until = min(until, entry.tick)
            for border, given in ((start - lead, {}), (start, self._lead())):
                if now < border:
                    until = min(until, border)
                    self._listen(given)
                    break
            else:
                self._listen(self._given)
            for raw in self._subject.advance(until - now):
                for chunk in self._deliver(raw, visible=now >= start):
                    yield from _from(start, self.streams[chunk.stream], chunk)
            if progress is not None:
                progress(self._subject.tick - begin, stop - begin)

    def _lead(self) -> dict[str, StreamInfo]:
        """What the electrodes must see before the first sample that is wanted."""
        if self._field is None:
            return {}
        name = RAW_STREAM if RAW_STREAM in self._given else self._field.source_name
        return {name: self._given[name]}

    def _listen(self, streams: Mapping[str, StreamInfo]) -> None:
        if self._field is not None and isinstance(self._subject, SumsChanges):
            self._subject.sum_changes(self._field.source_ids, self._field.weights if RAW_STREAM in streams else None)
        for name in self._given.keys() - {RAW_STREAM}:
            self._subject.watch(name, streams[name].unit_ids if name in streams else np.empty(0, np.int64))

    def _deliver(self, raw: Chunk, *, visible: bool) -> Iterator[Chunk]:
        layout = self._given[raw.stream]
        if self._field is not None and raw.stream == RAW_STREAM:
            fields = self._field.process_raw(raw)
            if visible:
                yield fields
            return
        if self._field is not None and self._field.source_name == raw.stream and RAW_STREAM not in self._given:
            fields = self._field.process(select(layout, raw, layout.watching(self._field.source_ids)))
            if visible:
                yield fields
        if visible and (wanted := self._visible.get(raw.stream)) is not None:
            yield select(layout, raw, wanted)

    def close(self) -> None:
        self._subject.close()

    def __enter__(self) -> Replay:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def rederive(
    recording: Recording,
    stream: str,
    unit_ids: NDArray[np.int64] | Sequence[int] | None,
    start_tick: int,
    stop_tick: int,
    probes: Sequence[Probe] = (),
    options: Mapping[str, str] | None = None,
) -> Samples:
    """One stream of a recording over [start_tick, stop_tick), with these units, run again.

    Parameters
    ----------
    stream : a stream of the subject, or ``electrodes`` with probes (the recording's own when none are given)
    unit_ids : None for all

    Returns
    -------
    Samples; equal to the recorded ones where both exist
    """
    ids = None if unit_ids is None else np.asarray(unit_ids, np.int64)
    if stream == FIELD_STREAM:
        chosen = tuple(probes) or recording.header.probes
        if not chosen:
            raise UnknownUnitError("asked to re-derive electrodes; the recording has no probe: give one")
        wanted = Rederivation(start_tick, stop_tick, {}, chosen)
    else:
        wanted = Rederivation(start_tick, stop_tick, {stream: ids})
    with Replay(recording, wanted, options) as replay:
        info = replay.streams[stream]
        chunks = [c for c in replay.chunks() if c.stream == stream]
        data = np.concatenate([c.data for c in chunks]) if chunks else np.empty((0, *info.shape), info.dtype)
        ticks = np.concatenate([_ticks(info, c) for c in chunks]) if chunks else np.empty(0, np.int64)
    return Samples(info, ticks, data)


def rederive_to(
    recording: Recording,
    wanted: Rederivation,
    path: Path,
    options: Mapping[str, str] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """The same as a recording of its own, with the log of that stretch; everything that opens recordings opens it."""
    with Replay(recording, wanted, options) as replay:
        header: SessionHeader = replace(
            recording.header,
            streams=tuple(replay.streams.values()),
            probes=tuple(wanted.probes),
            start_tick=wanted.start_tick,
            created_s=time.time(),
            versions=versions(),
        )
        recorder = Recorder(path, header)
        try:
            for entry in recording.log:
                if entry.tick < wanted.stop_tick:
                    recorder.log(entry)
            stored = recording.snapshot_before(wanted.start_tick)
            if stored is not None:
                recorder.snapshot(stored.tick, stored.seq, stored.blob)
            for chunk in replay.chunks(progress):
                recorder.write(chunk)
        finally:
            recorder.close("re-derived")


def _from(start_tick: int, info: StreamInfo, chunk: Chunk) -> Iterator[Chunk]:
    """The chunk without samples stamped before start_tick (a bin that began earlier ends after it)."""
    if chunk.ticks is None and len(chunk) and chunk.first_tick < start_tick:
        k = info.ticks_per_sample or 1
        n = -((chunk.first_tick - start_tick) // k)
        chunk = Chunk(chunk.stream, chunk.first_tick + n * k, chunk.data[n:])
    if len(chunk):
        yield chunk


def _ticks(info: StreamInfo, chunk: Chunk) -> NDArray[np.int64]:
    if chunk.ticks is not None:
        return chunk.ticks
    return chunk.first_tick + (info.ticks_per_sample or 1) * np.arange(len(chunk), dtype=np.int64)
