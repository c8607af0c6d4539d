"""The client of a session in its own process: what the window, the command line and scripts hold in their hands.

    with RigClient.start("model-cell", seed=1) as client:
        client.watch("spikes")
        client.run_to(1000)
        client.wait_until_paused()
        print(client.ring("spikes").ticks(0, 1000).copy().unpacked().mean(axis=0))

Every method sends one command and returns its Ack, which names the tick at which it took effect, or raises what the
session raised. Samples come through rings (`ring`), state through `status` and `events`.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from rig.errors import SessionError, UnknownUnitError
from rig.passage import Passage
from rig.past import SessionSnapshot
from rig.perturbation import Perturbation, PulseTrain
from rig.probe import Probe
from rig.process.host import HostSettings
from rig.process.host_process import refuse_in_starting_process
from rig.process.link import Link
from rig.process.protocol import (
    MOVING,
    Ack,
    AddProbe,
    Arm,
    Command,
    Description,
    Disarm,
    Event,
    FindPassage,
    GiveTrain,
    Mark,
    Note,
    Pause,
    Perturb,
    Reset,
    Restore,
    Retrace,
    Rewind,
    Run,
    RunTo,
    SetControl,
    SetProbes,
    SetSpeed,
    SetTwin,
    StartRecording,
    State,
    Step,
    StopRecording,
    TakeSnapshot,
    Watch,
)
from rig.process.ring_reader import RingReader
from rig.process.status import Status
from rig.subject import ControlValue
from rig.trigger import Trigger

RING_BYTES = 64 << 20
START_TIMEOUT_S = 300.0
HANG_TIMEOUT_S = 30.0
GRACE_S = 3.0


class RigClient:
    """A session in a process of its own. Make it with `start`; close it, or use it in a ``with``."""

    def __init__(self, link: Link, start_timeout_s: float) -> None:
        self._link = link
        self._start_timeout_s = start_timeout_s
        self._readers: dict[str, RingReader] = {}

    @classmethod
    def start(
        cls,
        plugin: str,
        options: Mapping[str, str] | None = None,
        seed: int = 0,
        *,
        ring_bytes: int = RING_BYTES,
        start_timeout_s: float = START_TIMEOUT_S,
        hang_timeout_s: float = HANG_TIMEOUT_S,
        grace_s: float = GRACE_S,
        installed_only: bool = True,
        given_up: Callable[[], bool] = lambda: False,
    ) -> RigClient:
        """Start a session and wait until its subject is open. It is paused at tick 0, and nothing is watched.

        Parameters
        ----------
        plugin, options, seed, installed_only : see `rig.session.Session`
        ring_bytes : shared memory for each stream that is watched
        start_timeout_s : for opening the subject
        hang_timeout_s : without a sign of life, until SubjectHung is told; longer than a tick may ever take
        grace_s : for ending by itself, before it is made to
        given_up : looked at while the subject opens: whether nobody waits for it any more

        Raises
        ------
        HeadstageError : what the subject, or its finding, raised. SessionError : the process did not come up.
        """
        refuse_in_starting_process()
        settings = HostSettings(plugin, dict(options or {}), seed, installed_only, _fresh_prefix(), ring_bytes, grace_s)
        return cls(Link(settings, start_timeout_s, hang_timeout_s, given_up), start_timeout_s)

    def start_assistant(self) -> RigClient:
        """Another session of the same subject in a process of its own, which gives way to this one.

        Raises
        ------
        HeadstageError : as `start`.
        """
        settings = replace(self._link.settings, prefix=_fresh_prefix(), assistant=True)
        return RigClient(Link(settings, self._start_timeout_s, self.hang_timeout_s), self._start_timeout_s)

    # ---- looking

    @property
    def description(self) -> Description:
        """Subject, units, streams, controls."""
        return self._link.description

    @property
    def status(self) -> Status:
        """What the session is doing now; of one that is over, what it did last."""
        return self._link.status

    @property
    def pid(self) -> int | None:
        """Of the session's process."""
        return self._link.pid

    @property
    def hang_timeout_s(self) -> float:
        """How long the session may give no sign of life; can be changed at any time."""
        return self._link.hang_timeout_s

    @hang_timeout_s.setter
    def hang_timeout_s(self, value: float) -> None:
        self._link.hang_timeout_s = value

    @property
    def watched(self) -> tuple[str, ...]:
        """Streams that have a ring."""
        return tuple(self._link.rings)

    def events(self, timeout_s: float | None = None) -> list[Event]:
        """What happened since the last call, in order; does not wait unless given a time to wait for the first."""
        return self._link.take_events(timeout_s)

    def ring(self, stream: str) -> RingReader:
        """The ring of a watched stream. Ask again after a change of what is watched.

        Raises
        ------
        UnknownUnitError : it is not watched.
        """
        while True:
            opened = self._link.rings.get(stream)
            if opened is None:
                watched = ", ".join(self.watched) or "none"
                raise UnknownUnitError(f"asked for the ring of stream {stream!r}; watched are {watched}: watch it")
            reader = self._readers.get(stream)
            if reader is not None and reader.name == opened.ring:
                return reader
            try:
                reader = RingReader(opened.ring)
            except FileNotFoundError:
                if self._link.rings.get(stream) is opened:
                    raise SessionError(f"asked for the ring of stream {stream!r}; the session is just ending") from None
                continue  # it was replaced meanwhile
            self._readers[stream] = reader
            return reader

    def wait_until_paused(self, timeout_s: float | None = None) -> int:
        """Wait for the end of a `step` or `run_to`, or of a run that someone else pauses.

        Returns
        -------
        int, ticks done

        Raises
        ------
        SessionError : the subject failed, crashed or hangs, or the time is over.
        """
        state = self._link.wait_for(frozenset({State.PAUSED}), timeout_s)
        status = self.status
        if state in MOVING:
            raise SessionError(f"waited {timeout_s:g} s for the session to pause; it is {state} at tick {status.tick}")
        if state is not State.PAUSED:
            raise SessionError(f"waited for the session to pause; it is {state}: {self._link.end}")
        return status.tick

    # ---- time

    def run(self) -> Ack:
        """Go on until told otherwise."""
        return self._do(Run())

    def pause(self) -> Ack:
        return self._do(Pause())

    def step(self, n_ticks: int = 1) -> Ack:
        """Do n_ticks more as fast as may be; the Ack comes at their beginning."""
        return self._do(Step(n_ticks))

    def run_to(self, tick: int) -> Ack:
        """Go on until `tick` ticks are done; the Ack comes at the beginning. TickError when that is past."""
        return self._do(RunTo(tick))

    def set_speed(self, ticks_per_s: float | None = None, *, times_real: float | None = None) -> Ack:
        """Ask for a speed; neither: as fast as may be. SpecError when it is none, or the subject has no real time."""
        return self._do(SetSpeed(ticks_per_s, times_real))

    def snapshot(self) -> SessionSnapshot:
        snapshot = self._do(TakeSnapshot()).value
        assert isinstance(snapshot, SessionSnapshot)
        return snapshot

    def restore(self, snapshot: SessionSnapshot) -> Ack:
        return self._do(Restore(snapshot))

    def rewind(self, tick: int) -> Ack:
        """Go to a tick of the past; see `Session.rewind`."""
        return self._do(Rewind(tick))

    def passage(self, tick: int) -> Passage:
        """What an `assistant` needs to go through the past from at or before this tick."""
        passage = self._do(FindPassage(tick)).value
        assert isinstance(passage, Passage)
        return passage

    def retrace(self, passage: Passage) -> Ack:
        """Go where another session of the same subject was; run, and it does what was done there."""
        return self._do(Retrace(passage))

    def set_twin(self, on: bool) -> Ack:
        """Put an intact twin beside the subject, or take it away; its streams are called ``twin.NAME``."""
        return self._do(SetTwin(on))

    def reset(self, seed: int) -> Ack:
        return self._do(Reset(seed))

    # ---- what is seen and done: see `rig.session.Session`

    def watch(self, stream: str, unit_ids: Sequence[int] | NDArray[np.int64] | None = None) -> Ack:
        """Watch units of a stream (None: all, empty: none); its ring is there when this returns."""
        return self._do(Watch(stream, None if unit_ids is None else tuple(int(u) for u in unit_ids)))

    def add_probe(self, probe: Probe) -> Ack:
        return self._do(AddProbe(probe))

    def set_probes(self, probes: Sequence[Probe]) -> Ack:
        return self._do(SetProbes(tuple(probes)))

    def set_control(self, name: str, value: ControlValue) -> Ack:
        return self._do(SetControl(name, value))

    def perturb(self, perturbation: Perturbation, *, from_now: bool = False) -> Ack:
        """Perturb; with from_now its ticks are counted from the Ack's tick, as a hand at a running rig wants it."""
        return self._do(Perturb(perturbation, from_now))

    def train(self, train: PulseTrain, label: str = "train") -> Ack:
        return self._do(GiveTrain(train, label))

    def arm(self, trigger: Trigger) -> Ack:
        return self._do(Arm(trigger))

    def disarm(self, name: str) -> Ack:
        return self._do(Disarm(name))

    def note(self, text: str) -> Ack:
        return self._do(Note(text))

    def mark(self, number: int) -> Ack:
        return self._do(Mark(number))

    def start_recording(self, path: Path | str) -> Ack:
        """Record everything watched; the path is taken from the client's working folder."""
        return self._do(StartRecording(Path(path).absolute()))

    def stop_recording(self, reason: str = "") -> Ack:
        """The recording is closed when this returns."""
        return self._do(StopRecording(reason))

    # ---- beginning again, and the end

    def restart(self) -> Description:
        """A new process with the same plugin, options and seed; the old one is ended, killed if need be.

        It begins as after `start`. Events that were not read yet stay; readers keep what they have attached.
        """
        unread = self._link.take_events(None)
        settings = replace(self._link.settings, prefix=_fresh_prefix())
        self._link.close()
        unread += self._link.take_events(None)
        self._readers.clear()
        self._link = Link(settings, self._start_timeout_s, self.hang_timeout_s, unread=unread)
        return self._link.description

    def close(self) -> None:
        """Close the recording and end the process. StorageError when the recording's last part could not be written."""
        self._readers.clear()
        self._link.close()

    def __enter__(self) -> RigClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _do(self, command: Command) -> Ack:
        return self._link.request(command)


def _fresh_prefix() -> str:
    """For names of shared memory; with a ring's number still within the 31 characters that macOS allows."""
    return f"hs{secrets.token_hex(6)}"
