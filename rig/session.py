"""The session: one subject, its clock, and all that is done to it, in one deterministic thread of events.

No process, no wall clock in what it computes. `rig.process.host` runs one in a process of its own; scripts use it as it
is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rig.apparatus import Apparatus
from rig.blocks import Blocks
from rig.errors import SessionError, SpecError, StorageError, TickError
from rig.field import FIELD_STREAM
from rig.header import SessionHeader
from rig.log import LogEntry, LogKind
from rig.needs import watch_exactly
from rig.passage import Passage, Script, entries_since
from rig.past import PAST_BYTES, Past, SessionSnapshot
from rig.perturbation import Perturbation, PerturbationKind, PulseTrain, perturbation_to_json
from rig.probe import Probe, probe_to_json
from rig.record_node import RecordNode
from rig.registry import open_subject
from rig.replay import replay_to
from rig.storage.recorder import Recorder
from rig.storage.recorder_status import RecorderEvent
from rig.streams import Chunk, StreamInfo
from rig.subject import ControlValue, Subject
from rig.trigger import Trigger, trigger_to_json
from rig.twin import Twin
from rig.versions import versions


class Session:
    """A subject on the rig.

    Parameters
    ----------
    plugin : name of the subject's plugin
    options : for opening it
    seed : of the run
    installed_only : see `rig.registry.find_plugin`
    on_entry : called with every new entry of the log
    on_recorder_event : see `rig.storage.recorder.Recorder`
    past_bytes : of snapshots to go back to; 0: only to the beginning
    """

    def __init__(
        self,
        plugin: str,
        options: Mapping[str, str] | None = None,
        seed: int = 0,
        *,
        installed_only: bool = True,
        on_entry: Callable[[LogEntry], None] | None = None,
        on_recorder_event: Callable[[RecorderEvent], None] | None = None,
        past_bytes: int = PAST_BYTES,
    ) -> None:
        self.plugin = plugin
        self._apparatus = Apparatus(lambda: open_subject(plugin, options, installed_only=installed_only))
        self.log: list[LogEntry] = []
        self._node = RecordNode(on_recorder_event)
        self._told_failure: StorageError | None = None
        self._told_remark = ""
        self._on_entry = on_entry
        self._montage, self._loops = self._apparatus.montage, self._apparatus.loops
        self._past = Past(max_bytes=past_bytes)
        self._script = Script()
        self._blocks = Blocks(self.subject, self._montage, self._loops, self._enter)
        self._seq = 0
        self.reset(seed)

    # ---- looking

    @property
    def tick(self) -> int:
        return self.subject.tick

    @property
    def subject(self) -> Subject:
        return self._apparatus.subject

    @property
    def streams(self) -> dict[str, StreamInfo]:
        """Layouts of what `advance` returns."""
        return self._apparatus.streams

    @property
    def probes(self) -> tuple[Probe, ...]:
        return self._montage.probes

    @property
    def triggers(self) -> tuple[Trigger, ...]:
        return tuple(self._loops.armed.values())

    # ---- setting up

    def reset(self, seed: int) -> None:
        """Back to tick 0 with an empty log; triggers are disarmed, what is watched stays."""
        self._node.refuse_while_recording("reset")
        self.seed = seed
        self._apparatus.reset(seed)
        self.log.clear()
        self._past.clear()
        self._script = Script()
        self._enter(LogKind.RESET, {"seed": seed})
        self._past.add(self.snapshot())
        self._apparatus.join_twin()

    def watch(self, stream: str, unit_ids: NDArray[np.int64] | Sequence[int] | None = None) -> None:
        """Watch units of a stream; None: all, empty: none. Raises UnknownUnitError, SessionError while recording it."""
        self._montage.require(stream)
        if self._node.records(stream):
            self._node.refuse_while_recording(f"watch other units of {stream!r}, which is being recorded")
        self._montage.watch(stream, unit_ids)
        self._apparatus.renew_needs()
        self._enter(
            LogKind.WATCH, {"stream": stream, "unit_ids": None if unit_ids is None else [int(u) for u in unit_ids]}
        )

    def add_probe(self, probe: Probe) -> None:
        """Put a probe in; its electrodes join the stream ``electrodes``."""
        self.set_probes((*self.probes, probe))

    def set_probes(self, probes: Sequence[Probe]) -> None:
        """Exactly these probes."""
        self._node.refuse_while_recording("change the probes")
        self._apparatus.set_probes(probes)
        self._enter(LogKind.WATCH, {"stream": FIELD_STREAM, "probes": [probe_to_json(p) for p in self.probes]})

    def arm(self, trigger: Trigger) -> None:
        """Raises UnknownUnitError, SpecError when it does not fit the subject."""
        if trigger.train is not None:
            self._require_kind(trigger.train.kind)
            self.subject.units.rows(trigger.train.unit_ids)
        self._loops.arm(trigger, self._montage.whole)
        self._apparatus.renew_needs()
        self._enter(LogKind.TRIGGER, {"action": "arm", **trigger_to_json(trigger)})

    def disarm(self, name: str) -> None:
        self._loops.disarm(name)
        self._apparatus.renew_needs()
        self._enter(LogKind.TRIGGER, {"action": "disarm", "name": name})

    # ---- doing something to it

    def set_control(self, name: str, value: ControlValue) -> LogEntry:
        self._apparatus.set_control(name, value)
        return self._enter(LogKind.CONTROL, {"name": name, "value": value})

    def perturb(self, perturbation: Perturbation) -> LogEntry:
        self._require_kind(perturbation.kind)
        self.subject.perturb(perturbation)
        return self._enter(LogKind.PERTURB, perturbation_to_json(perturbation))

    def train(self, train: PulseTrain, label: str = "train") -> None:
        """Give a pulse train, counted from now."""
        for pulse in train.pulses(self.tick, self.seed, label):
            self.perturb(pulse)

    def note(self, text: str) -> LogEntry:
        return self._enter(LogKind.NOTE, {"text": text})

    def mark(self, number: int) -> LogEntry:
        return self._enter(LogKind.MARK, {"number": number})

    def _require_kind(self, kind: PerturbationKind) -> None:
        if kind not in self.subject.perturbation_kinds:
            kinds = ", ".join(sorted(self.subject.perturbation_kinds))
            raise SpecError(f"asked for {kind}; {self.subject.info.name} takes {kinds}")

    def _enter(self, kind: LogKind, payload: Mapping[str, Any], tick: int | None = None) -> LogEntry:
        entry = LogEntry(self._seq, self.tick if tick is None else tick, time.time(), kind, payload)
        self._seq += 1
        self.log.append(entry)
        self._node.log(entry)
        if self._on_entry is not None:
            self._on_entry(entry)
        return entry

    # ---- time

    def advance(self, n_ticks: int) -> list[Chunk]:
        """Do exactly n_ticks ticks.

        Returns
        -------
        chunks of what is watched and computed, per stream in order of ticks; the recorder has them already
        """
        if n_ticks < 0:
            raise TickError(f"asked to advance {n_ticks} ticks; time only goes forward: restore a snapshot to go back")
        stop = self.tick + n_ticks
        end = self.subject.info.end_tick
        if end is not None and stop > end:
            raise TickError(f"asked to advance to tick {stop}; {self.subject.info.name} ends at tick {end}")
        chunks: list[Chunk] = []
        while self.tick < stop:
            start = self.tick
            for entry in self._script.take_due(start):
                self._apparatus.replay(entry)
            n_free = self._script.n_ticks_before_next(start)
            given = self._blocks.advance(min(stop - start, n_free), self.seed)
            for chunk in (c for raw in given for c in self._montage.deliver(raw)):
                self._node.write(chunk)
                chunks.append(chunk)
            if self.twin is not None:
                chunks += self._follow(self.twin, self.tick - start, given)
            if self._past.due:
                self._remember()
            for name in self._loops.spent():
                self.disarm(name)
            if self._node.wants_snapshot:
                self._record_snapshot()
            self._tell_failure()
            self._tell_remark()
        return chunks

    def _tell_failure(self) -> None:
        """A recording that the disk ended is in the log, once."""
        if self._node.failure is not None and self._node.failure is not self._told_failure:
            self._told_failure = self._node.failure
            self._enter(LogKind.WARNING, {"text": str(self._node.failure)})

    def _tell_remark(self) -> None:
        """What the subject says about how it runs is in the log whenever it changes."""
        if self.subject.remark != self._told_remark:
            self._told_remark = self.subject.remark
            self._enter(LogKind.REMARK, {"text": self._told_remark})

    # ---- snapshots

    def snapshot(self) -> SessionSnapshot:
        return SessionSnapshot(self.tick, self._seq, self._apparatus.state())

    def _remember(self) -> None:
        """Keep a snapshot to come back to, the twin's state with it."""
        self._past.add(SessionSnapshot(self.tick, self._seq, self._apparatus.state(with_twin=True)))

    def restore(self, snapshot: SessionSnapshot) -> None:
        """Go back (or forth). Triggers forget what they saw. Refused while recording: a recording has one time."""
        self._node.refuse_while_recording("restore a snapshot")
        from_tick = self.tick
        self._put_back(snapshot)
        self._arrive(from_tick, snapshot.seq)

    def _put_back(self, snapshot: SessionSnapshot) -> None:
        self._apparatus.put_back(snapshot.blob)
        self._script = Script()

    def _arrive(self, from_tick: int, seq: int) -> None:
        """Time jumped to the present tick, before the entry `seq` of the log: everybody goes on from here."""
        self._loops.forget()
        self._past.forget_after(self.tick)
        self._apparatus.join_twin()
        self._enter(LogKind.RESTORE, {"tick": self.tick, "from_tick": from_tick, "seq": seq})
        self._remember()

    def rewind(self, tick: int) -> None:
        """Go to a tick of the past, or of a future that follows from what is scheduled already.

        What was done from that tick on is undone: the run branches there. Refused while recording.

        Raises
        ------
        TickError : there was no such tick.
        """
        self._node.refuse_while_recording("rewind")
        stored = self._past.before(tick)
        if stored is None:
            first = self._past.snapshots[0].tick
            raise TickError(f"asked to rewind to tick {tick}; this run began at tick {first}")
        from_tick = self.tick
        self._put_back(stored)
        watch_exactly(self.subject, {})
        seq = replay_to(self.subject, tick, self.log, stored.seq)
        watch_exactly(self.subject, self._montage.needed)
        if self.tick > stored.tick:
            self._montage.set_field_state(None)
        self._arrive(from_tick, seq)

    # ---- going through another session's past

    def passage(self, tick: int) -> Passage:
        """All that another session needs to go through this one's past, from at or before a tick (its beginning)."""
        first_tick = self._past.snapshots[0].tick
        stored = self._past.before(max(tick, first_tick))
        assert stored is not None, "the beginning is never let go"
        entries = entries_since(self.log, stored.seq)
        watches, twin = self._montage.watches(), self.twin is not None
        return Passage(stored, entries, self.tick, first_tick, watches, self.probes, twin, self._past.figures)

    def retrace(self, passage: Passage) -> None:
        """Go where another session of the same subject was; from there on the same is done to it, at the same ticks.

        It watches what the other watches now. Refused while recording.
        """
        self._node.refuse_while_recording("go through another session's past")
        watches = self._montage.watches()
        for name in self._montage.whole:
            if passage.watches.get(name, ()) != watches.get(name, ()):
                self.watch(name, passage.watches.get(name, ()))
        if passage.probes != self.probes:
            self.set_probes(passage.probes)
        self.set_twin(passage.twin)
        self.restore(passage.snapshot)
        self._apparatus.put_back(passage.snapshot.blob, with_twin=True)
        self._script = Script(passage.entries)

    # ---- the twin

    @property
    def twin(self) -> Twin | None:
        return self._apparatus.twin

    def set_twin(self, on: bool) -> None:
        """Put an intact twin beside the subject, in its present state; or take it away."""
        if on != (self.twin is not None):
            self._apparatus.set_twin(on)
            self._enter(LogKind.TWIN, {"action": "on" if on else "off"})

    def _follow(self, twin: Twin, n_ticks: int, given: Sequence[Chunk]) -> list[Chunk]:
        """Let the twin do the same ticks; the log says where they part."""
        before = twin.first_difference
        chunks = twin.follow(n_ticks, given)
        if before is None and twin.first_difference is not None:
            self._enter(LogKind.TWIN, {"action": "differs", "tick": twin.first_difference})
        return chunks

    # ---- recording

    @property
    def recorder(self) -> Recorder | None:
        return self._node.recorder

    @property
    def recording_failure(self) -> StorageError | None:
        """Why the last recording ended by itself; None where it did not."""
        return self._node.failure

    def start_recording(self, path: Path | str) -> None:
        """Record everything watched from now on. Raises StorageError, SessionError, RecordingError."""
        self._node.refuse_while_recording("start a second recording")
        if not self._montage.streams:
            raise SessionError("asked to record; nothing is watched: watch a stream or put in a probe first")
        header = SessionHeader(
            plugin=self.plugin,
            seed=self.seed,
            info=self.subject.info,
            units=self.subject.units,
            streams=tuple(self._montage.streams.values()),
            probes=self.probes,
            start_tick=self.tick,
            created_s=time.time(),
            versions=versions(),
        )
        folder = Path(path)
        self._node.start(folder, header, self.log)
        self._enter(LogKind.RECORD, {"action": "start", "path": folder.name})
        self._record_snapshot()

    def stop_recording(self, reason: str = "") -> None:
        """Close the recording; does nothing when there is none. Raises StorageError when the disk refuses."""
        if self._node.recording:
            self._enter(LogKind.RECORD, {"action": "stop", "reason": reason})
            self._node.stop(reason)

    def _record_snapshot(self) -> None:
        snapshot = self.snapshot()
        self._node.snapshot(snapshot.tick, snapshot.seq, snapshot.blob)

    def close(self) -> None:
        self.stop_recording("session closed")
        self._apparatus.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
