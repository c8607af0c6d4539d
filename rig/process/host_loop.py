"""The loop of the session's process: obeys commands, advances the subject at the speed asked for, feeds the rings.

    ┌─► commands (waits here until the next block is due) ─► a block of ~10 ms ─► rings ─► status ─┐
    └──────────────────────────────────────────────────────────────────────────────────────────────┘

One thread does all of it. A command takes effect between two blocks, at a tick that its Ack names.
"""

from __future__ import annotations

import math
import threading
import time
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

from rig.errors import SessionError, SpecError, SubjectError, TickError
from rig.log import LogEntry
from rig.process.commands import obey
from rig.process.heap import Heap
from rig.process.lifeline import Lifeline
from rig.process.pacing import BLOCK_S, Pacer
from rig.process.protocol import (
    MOVING,
    Ack,
    Close,
    Command,
    Fault,
    Logged,
    Message,
    Pause,
    Refusal,
    Request,
    Reset,
    Restore,
    Retrace,
    Rewind,
    Run,
    RunTo,
    SetSpeed,
    State,
    StateChanged,
    Step,
    SubjectFailed,
)
from rig.process.recording_watch import RecordingWatch, event_of
from rig.process.rings import Rings
from rig.process.status import Status, StatusBlock
from rig.session import Session
from rig.storage.recorder_status import RecorderEvent

BEAT_S = 0.1  # at least as often a sign of life


class Outbox:
    """Tells the client. A client that is gone hears nothing, and nothing is the worse for it."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._sending = threading.Lock()  # the recorder's threads have something to say, too

    def tell(self, message: Message) -> None:
        with self._sending, suppress(OSError):
            self._pipe.send(message)

    def tell_entry(self, entry: LogEntry) -> None:
        self.tell(Logged(entry))

    def tell_of_recorder(self, event: RecorderEvent) -> None:
        self.tell(event_of(event))


class Host:
    """The loop around a session."""

    def __init__(
        self, session: Session, pipe: Connection, outbox: Outbox, status: StatusBlock, rings: Rings, lifeline: Lifeline
    ) -> None:
        self._session = session
        self._pipe = pipe
        self._tell = outbox.tell
        self._status = status
        self._rings = rings
        self._lifeline = lifeline
        self._recording = RecordingWatch(session)
        self._pacer = Pacer()
        self._heap = Heap()
        self._state = State.PAUSED
        self._target: int | None = None
        self._failure = ""
        self._failed_tick = session.tick
        self._closing: Request | None = None
        self._ended = ""
        self._publish()

    def loop(self) -> None:
        """Until the client closes the session, or is gone."""
        while not self._ended:
            self._serve()
            if self._state in MOVING and not self._ended:
                self._advance()
            self._publish()
            self._heap.turn()

    def close(self) -> None:
        """Close recording, subject and rings, and answer who asked for it."""
        answer: Message | None = None
        if self._closing is not None:
            answer = Ack(self._closing.number, self._tick, self._seq)
        try:
            self._session.stop_recording(self._ended)
            self._session.close()
        except Exception as error:  # the subject's own, too: it is the last that is heard of it
            if self._closing is not None:
                answer = Refusal(self._closing.number, Fault.of(error, SubjectError))
        self._rings.close()
        self._set_state(State.STOPPED)
        if answer is not None:
            self._tell(answer)

    @property
    def closed_as_asked(self) -> bool:
        """Whether the client is there and knows."""
        return self._closing is not None

    @property
    def _tick(self) -> int:
        return self._failed_tick if self._state is State.FAILED else self._session.tick

    @property
    def _seq(self) -> int:
        return self._session.log[-1].seq

    # ---- commands

    def _serve(self) -> None:
        """Obey what has come; wait for it while no block is due. A flood of commands does not stop the subject."""
        patience_s = BEAT_S
        if self._state in MOVING:
            patience_s = 0.0 if self._state is State.STEPPING else min(self._pacer.wait_s(), BEAT_S)
        try:
            enough_s = math.inf
            while time.monotonic() < enough_s and self._pipe.poll(patience_s):
                self._answer(self._pipe.recv())
                patience_s = 0.0
                enough_s = min(enough_s, time.monotonic() + BLOCK_S)
        except (EOFError, OSError):
            self._ended = "the client is gone"
        if self._lifeline.called.is_set():
            self._ended = self._lifeline.reason

    def _answer(self, request: Request) -> None:
        if isinstance(request.command, Close):
            self._closing = request
            self._ended = "closed"
            return
        if self._state is State.FAILED:
            line = f"asked for {type(request.command).__name__}; the subject has failed ({self._failure}): restart it"
            self._tell(Refusal(request.number, Fault(SessionError.__name__, line, "")))
            return
        try:
            value = self._obey(request.command)
            self._rings.follow(self._session.streams, self._tick)
        except Exception as error:  # whatever a subject raises at a command is an answer, and the session goes on
            self._tell(Refusal(request.number, Fault.of(error, SubjectError)))
        else:
            self._publish()  # first: who has the Ack, and looks, must see it
            self._tell(Ack(request.number, self._tick, self._seq, value))

    def _obey(self, command: Command) -> Any:
        match command:
            case Run():
                self._go(State.RUNNING, None)
            case Pause():
                self._go(State.PAUSED, None)
            case Step(n_ticks):
                if n_ticks < 1:
                    raise TickError(f"asked to step {n_ticks} ticks; a step is at least one tick")
                self._go(State.STEPPING, self._tick + n_ticks)
            case RunTo(tick):
                if tick < self._tick:
                    raise TickError(
                        f"asked to run to tick {tick}; the subject is at tick {self._tick}: restore a snapshot to go "
                        "back"
                    )
                self._go(State.RUNNING_TO, tick)
            case SetSpeed():
                self._pacer.asked_hz = self._asked_hz(command)
            case _:
                value = obey(self._session, command)
                if isinstance(command, Restore | Rewind | Retrace | Reset):
                    self._rings.restart(self._tick)
                return value
        return None

    def _asked_hz(self, speed: SetSpeed) -> float | None:
        asked, real_hz = speed.ticks_per_s, self._session.subject.info.tick_hz
        if speed.times_real is not None:
            if not real_hz > 0:
                raise SpecError(
                    f"asked for {speed.times_real} × real time; {self._session.subject.info.name} has no real time: "
                    f"ask for {self._session.subject.info.tick_name}s a second"
                )
            asked = speed.times_real * real_hz
        if asked is not None and not (math.isfinite(asked) and asked > 0):
            raise SpecError(f"asked for a speed of {asked} ticks a second; it must be a positive number")
        return asked

    # ---- time

    def _go(self, state: State, target: int | None) -> None:
        self._target = target
        if target is not None and self._tick >= target:
            state = State.PAUSED
        self._pacer.start()
        self._set_state(state)

    def _advance(self) -> None:
        if self._target is not None and self._tick >= self._target:
            self._go(State.PAUSED, None)
            return
        self._pacer.idle = self._state is State.RUNNING and self._session.subject.idle
        if self._state is not State.STEPPING and self._pacer.wait_s() > 0:
            return
        n_ticks = self._pacer.block_ticks(hurried=self._state is State.STEPPING)
        self._failed_tick = self._tick
        if self._target is not None:
            n_ticks = min(n_ticks, self._target - self._tick)
        end = self._session.subject.info.end_tick
        if end is not None:
            n_ticks = min(n_ticks, end - self._tick)
        if n_ticks < 1:
            self._go(State.PAUSED, None)
            return
        begun_s = time.perf_counter()
        try:
            chunks = self._session.advance(n_ticks)
            self._rings.write(chunks, self._tick)
        except (Exception, SystemExit) as error:
            self._fail(error)
            return
        self._pacer.did(n_ticks, time.perf_counter() - begun_s)
        if self._target is not None and self._tick >= self._target:
            self._go(State.PAUSED, None)

    def _fail(self, error: BaseException) -> None:
        """The subject raised: keep what was recorded, and say what happened."""
        fault = Fault.of(error, SubjectError)
        self._failure = fault.line
        with suppress(Exception):  # it may be too far gone to say its tick; then the last one that it said counts
            self._failed_tick = self._session.tick
        self._recording.close(f"the subject failed: {fault.line}")
        self._set_state(State.FAILED)
        self._tell(SubjectFailed(fault.line, self._tick, fault.details))

    def _set_state(self, state: State) -> None:
        if state is not self._state:
            self._state = state
            self._publish()  # first: who is told, and looks, must see it
            self._tell(StateChanged(state, self._tick))

    def _publish(self) -> None:
        self._status.beat()
        asked = self._pacer.asked_hz
        status = Status(
            state=self._state,
            tick=self._tick,
            asked_hz=math.inf if asked is None else asked,
            achieved_hz=self._pacer.achieved_hz if self._state in MOVING else 0.0,
            times_real=math.nan,
            recorder=self._recording.figures(),
        )
        self._status.put(status, self._session.subject.info.tick_hz)
