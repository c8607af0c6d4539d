"""What the session's process and its client say to each other. All of it is frozen values; samples are never among it.

    client   Request(number, command) ──────────►  host
             ◄────────  event* … Ack(number) or Refusal(number)

What a command causes is told before its Ack: who has the Ack knows the names of the rings.
"""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import rig.errors
from rig.errors import HeadstageError, SessionError
from rig.log import LogEntry
from rig.passage import Passage
from rig.past import SessionSnapshot
from rig.perturbation import Perturbation, PerturbationKind, PulseTrain
from rig.probe import Probe
from rig.streams import StreamInfo
from rig.subject import ControlInfo, ControlValue, SubjectInfo
from rig.trigger import Trigger
from rig.units import UnitTable


class State(StrEnum):
    """What the session is doing."""

    STARTING = "starting"
    PAUSED = "paused"
    RUNNING = "running"
    RUNNING_TO = "running to a tick"
    STEPPING = "stepping"
    FAILED = "failed"  # the subject raised; the process lives to say so
    HUNG = "hung"  # the client's judgement: no sign of life
    CRASHED = "crashed"  # the client's judgement: the process is gone
    STOPPED = "stopped"  # closed as asked


MOVING = frozenset({State.RUNNING, State.RUNNING_TO, State.STEPPING})
OVER = frozenset({State.FAILED, State.HUNG, State.CRASHED, State.STOPPED})

# ---- commands


@dataclass(frozen=True)
class Run:
    """Go on until told otherwise."""


@dataclass(frozen=True)
class Pause:
    """Stop after the present block."""


@dataclass(frozen=True)
class Step:
    """n_ticks more as fast as may be, then pause."""

    n_ticks: int


@dataclass(frozen=True)
class RunTo:
    """Go on until `tick` ticks are done, then pause."""

    tick: int


@dataclass(frozen=True)
class SetSpeed:
    """Ask for a speed: ticks a second, or times real time; neither: as fast as may be."""

    ticks_per_s: float | None = None
    times_real: float | None = None


@dataclass(frozen=True)
class Watch:
    stream: str
    unit_ids: tuple[int, ...] | None = None


@dataclass(frozen=True)
class SetProbes:
    probes: tuple[Probe, ...]


@dataclass(frozen=True)
class AddProbe:
    probe: Probe


@dataclass(frozen=True)
class SetControl:
    name: str
    value: ControlValue


@dataclass(frozen=True)
class Perturb:
    """from_now: its ticks are counted from the tick at which the command takes effect."""

    perturbation: Perturbation
    from_now: bool = False


@dataclass(frozen=True)
class GiveTrain:
    train: PulseTrain
    label: str = "train"


@dataclass(frozen=True)
class Arm:
    trigger: Trigger


@dataclass(frozen=True)
class Disarm:
    name: str


@dataclass(frozen=True)
class Note:
    text: str


@dataclass(frozen=True)
class Mark:
    number: int


@dataclass(frozen=True)
class TakeSnapshot:
    """The Ack's value is the SessionSnapshot."""


@dataclass(frozen=True)
class Restore:
    snapshot: SessionSnapshot


@dataclass(frozen=True)
class Rewind:
    """Go to a tick of the past; the run branches there."""

    tick: int


@dataclass(frozen=True)
class FindPassage:
    """The Ack's value is the Passage from this tick on."""

    tick: int


@dataclass(frozen=True)
class Retrace:
    """Go where another session of the same subject was, and do as was done there."""

    passage: Passage


@dataclass(frozen=True)
class SetTwin:
    """Put an intact twin beside the subject, or take it away."""

    on: bool


@dataclass(frozen=True)
class StartRecording:
    path: Path


@dataclass(frozen=True)
class StopRecording:
    reason: str = ""


@dataclass(frozen=True)
class Reset:
    seed: int


@dataclass(frozen=True)
class Close:
    """Close the recording and end the process."""


Command = (
    Run | Pause | Step | RunTo | SetSpeed | Watch | SetProbes | AddProbe | SetControl | Perturb | GiveTrain
    | Arm | Disarm | Note | Mark | TakeSnapshot | Restore | Rewind | FindPassage | Retrace | SetTwin | StartRecording
    | StopRecording | Reset | Close
)  # fmt: skip


@dataclass(frozen=True)
class Request:
    number: int
    command: Command


# ---- answers


@dataclass(frozen=True)
class Ack:
    """A command was obeyed.

    Attributes
    ----------
    number : of the request
    tick : ticks done when it took effect: the first tick that can show it
    seq : of the newest entry of the command log then
    value : what was asked for, if anything
    """

    number: int
    tick: int
    seq: int
    value: Any = None


@dataclass(frozen=True)
class Fault:
    """An error on its way to another process.

    Attributes
    ----------
    kind : name of the class in `rig.errors`; others become SessionError
    line : the one clear line
    details : traceback, for the log file
    """

    kind: str
    line: str
    details: str

    @classmethod
    def of(cls, error: BaseException, fallback: type[HeadstageError] = SessionError) -> Fault:
        """Of whatever was raised; what is no HeadstageError becomes the fallback, with its type's name before it."""
        details = "".join(traceback.format_exception(error))
        if isinstance(error, HeadstageError):
            return cls(type(error).__name__, str(error), details)
        first_line = (str(error).splitlines() or [""])[0]
        return cls(fallback.__name__, f"{type(error).__name__}: {first_line}".rstrip(": "), details)

    def to_error(self) -> HeadstageError:
        kind = getattr(rig.errors, self.kind, SessionError)
        error: HeadstageError = kind(self.line)
        return error


@dataclass(frozen=True)
class Refusal:
    """A command was not obeyed; nothing has changed unless the line says so."""

    number: int
    fault: Fault


# ---- events


@dataclass(frozen=True)
class Description:
    """All that does not change while a subject is open."""

    info: SubjectInfo
    units: UnitTable
    streams: tuple[StreamInfo, ...]  # every stream with all its units
    controls: tuple[ControlInfo, ...]
    perturbation_kinds: frozenset[PerturbationKind]


@dataclass(frozen=True)
class Ready:
    description: Description


@dataclass(frozen=True)
class StartFailed:
    fault: Fault


@dataclass(frozen=True)
class StateChanged:
    state: State
    tick: int


@dataclass(frozen=True)
class StreamOpened:
    """A stream is watched, or its layout changed: read it from the ring of this name."""

    info: StreamInfo
    ring: str


@dataclass(frozen=True)
class StreamClosed:
    stream: str


@dataclass(frozen=True)
class Logged:
    """A new entry of the command log, whoever caused it."""

    entry: LogEntry


@dataclass(frozen=True)
class RecordingFailed:
    """The disk refused, or ran out; the recording was closed there, the subject goes on."""

    line: str


@dataclass(frozen=True)
class RecordingWarned:
    """Little space is left."""

    line: str


@dataclass(frozen=True)
class SubjectFailed:
    """The subject raised. The recording is closed; the process waits to be restarted or closed."""

    line: str
    tick: int
    details: str


@dataclass(frozen=True)
class SubjectCrashed:
    """The subject took its process with it."""

    line: str
    details: str


@dataclass(frozen=True)
class SubjectHung:
    """No sign of life for longer than agreed."""

    line: str
    silent_s: float


Event = (
    Ready | StartFailed | StateChanged | StreamOpened | StreamClosed | Logged | RecordingFailed | RecordingWarned
    | SubjectFailed | SubjectCrashed | SubjectHung
)  # fmt: skip
Message = Ack | Refusal | Event
