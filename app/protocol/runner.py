"""Runs a protocol on a session: the subject is stopped at the exact tick of every step, and goes on from there.

    tend() ── paused at the tick that is due? ── no ─► come back later
                        │ yes
                        ▼
              do the steps due now ─► run_to(tick of the next)

Nothing waits: `tend` is called on every turn of the timer, and does what can be done. The division of time into
turns can never be seen in the samples.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from app.protocol.actions import (
    Perturb,
    ReadStep,
    Record,
    SetControl,
    SetMark,
    StopRecording,
    Table,
    Wait,
    WaitUntil,
    WriteNote,
    perturb_request,
)
from app.protocol.progress import Progress, Stage, free_path
from app.protocol.steps import Protocol, n_rows_in_order, rows_in_order
from rig.errors import HeadstageError, SessionError
from rig.log import LogEntry, LogKind
from rig.process.client import RigClient
from rig.process.protocol import MOVING, OVER, State
from rig.trigger import Trigger

MAX_STEPS_A_TURN = 100


class Runner:
    """One run of one protocol. Make it, then `tend` it until it is no longer running.

    Parameters
    ----------
    protocol, steps : as written and as `read_protocol` read it without problems
    table : what it was read against
    client : session to run it on; it is paused at first
    folder : for recordings
    hear : takes what the session has told and hands log entries to `notice`
    """

    def __init__(
        self,
        protocol: Protocol,
        steps: Sequence[ReadStep],
        table: Table,
        client: RigClient,
        folder: Path,
        hear: Callable[[], None],
    ) -> None:
        self._protocol = protocol
        self._steps = steps
        self._table = table
        self._client = client
        self._folder = folder
        self._hear = hear
        self._rows: Iterator[int] = iter(())
        self._row: int | None = None
        self._pass = 0
        self._n_done = 0
        self._n_total = protocol.repeats * n_rows_in_order(protocol.steps)
        self._last_stop_tick = 0
        self._armed: set[str] = set()
        self._fired: set[str] = set()
        self._waiting_for: WaitUntil | None = None
        self._wait_limit: int | None = None
        self._recording = False
        self._jumped = ""
        self._asked_for = -1  # the tick that the session was told to run to
        self._stage, self._line = Stage.RUNNING, ""
        try:
            self._was_running = client.status.state is State.RUNNING
            self._due = client.pause().tick
        except HeadstageError as error:
            self._due = client.status.tick
            self._fail(str(error))
            return
        self._last_stop_tick = self._due
        self._next_row()

    @property
    def running(self) -> bool:
        return self._stage is Stage.RUNNING

    @property
    def progress(self) -> Progress:
        return Progress(
            self._stage,
            max(min(self._pass, self._protocol.repeats), 1),
            self._protocol.repeats,
            self._row,
            self._n_done,
            self._n_total,
            self._due,
            self._line,
        )

    def notice(self, entry: LogEntry) -> None:
        """An entry of the session's log."""
        if entry.kind is LogKind.TRIGGER:
            name = str(entry.payload["name"])
            if entry.payload["action"] == "fire":
                self._fired.add(name)
            elif entry.payload["action"] == "disarm":
                self._armed.discard(name)
        elif entry.kind in (LogKind.RESET, LogKind.RESTORE):
            self._jumped = f"time was set to tick {entry.tick} meanwhile"

    def tend(self) -> None:
        """Do what is due. Raises nothing: what goes wrong ends the protocol and is in `progress`."""
        if not self.running:
            return
        try:
            self._tend()
        except HeadstageError as error:
            self._fail(str(error))

    def stop(self) -> None:
        """End it here: its triggers are disarmed, its recording is closed; pulses already given are still given."""
        if self.running:
            self._end(Stage.STOPPED, "")

    # ---- time

    def _tend(self) -> None:
        status = self._client.status
        if status.state in OVER:
            raise SessionError("the session has ended")
        if self._jumped:
            raise SessionError(self._jumped)
        if status.tick > self._due:
            raise SessionError(f"the subject was run past tick {self._due}, where the next step was due")
        if status.state in MOVING:
            if status.state is State.RUNNING:
                self._client.run_to(self._due)  # somebody paused and let it run on, which forgot where to stop
            return
        if status.tick == self._due:
            self._do_what_is_due()
        elif self._asked_for != self._due:
            self._go()
        # else somebody paused it by hand: it stands until it is run again

    def _go(self) -> None:
        self._client.run_to(self._due)
        self._asked_for = self._due

    def _do_what_is_due(self) -> None:
        for _ in range(MAX_STEPS_A_TURN):
            if self._waiting_for is not None and not self._waited():
                self._go()
                return
            if self._row is None:
                self._end(Stage.DONE, "")
                return
            row = self._row
            try:
                self._do(row)
            except HeadstageError as error:
                raise SessionError(f"step {row + 1}: {error}") from error
            self._n_done += 1
            if self._waiting_for is None:
                self._next_row()
            if self._due > self._client.status.tick:
                self._go()
                return

    def _next_row(self) -> None:
        """Move on, and to when that is due: after the last step of all, when its last pulse has passed."""
        row = next(self._rows, None)
        while row is None and self._pass < self._protocol.repeats and self._steps:
            self._pass += 1
            self._rows = rows_in_order(self._protocol.steps)
            row = next(self._rows, None)
        self._row = row
        if row is None:
            self._due = max(self._due, self._last_stop_tick)
        else:
            self._due += self._steps[row].delay_ticks

    # ---- steps

    def _do(self, row: int) -> None:
        action, client = self._steps[row].action, self._client
        match action:
            case Wait(n_ticks):
                self._due += n_ticks
            case WaitUntil():
                self._begin_wait(action, row)
            case Perturb(text):
                self._perturb(text, row)
            case SetControl(name, value):
                client.set_control(name, value)
            case WriteNote(text):
                client.note(text)
            case SetMark(number):
                client.mark(number)
            case Record(name):
                client.start_recording(free_path(self._folder, name or self._protocol.name or "protocol"))
                self._recording = True
            case StopRecording():
                client.stop_recording("as the protocol says")
                self._recording = False

    def _perturb(self, text: str, row: int) -> None:
        request = perturb_request(text, self._table, self._due)
        for perturbation in request.perturbations:
            self._client.perturb(perturbation)
            self._last_stop_tick = max(self._last_stop_tick, perturbation.stop_tick or perturbation.start_tick)
        if request.trigger is not None:
            self._arm(replace(request.trigger, name=f"protocol {row + 1}"))

    def _arm(self, trigger: Trigger) -> None:
        if trigger.name in self._armed:
            self._client.disarm(trigger.name)
        self._client.arm(trigger)
        self._armed.add(trigger.name)
        self._fired.discard(trigger.name)

    # ---- waiting until

    def _begin_wait(self, wait: WaitUntil, row: int) -> None:
        self._waiting_for = wait
        self._wait_limit = None if wait.within_ticks is None else self._due + wait.within_ticks
        self._arm(Trigger(_wait_name(row), wait.condition, max_count=1))
        self._hop()

    def _hop(self) -> None:
        assert self._waiting_for is not None
        due = self._due + self._waiting_for.hop_ticks
        self._due = due if self._wait_limit is None else min(due, self._wait_limit)

    def _waited(self) -> bool:
        """Whether the wait is over at the present tick. Raises SessionError when it took too long."""
        assert self._waiting_for is not None
        assert self._row is not None
        self._client.pause()  # its answer comes after everything that was told before, firings included
        self._hear()
        name = _wait_name(self._row)
        if name in self._fired:
            self._waiting_for = None
            self._next_row()
            return self._due <= self._client.status.tick
        if self._wait_limit is not None and self._due >= self._wait_limit:
            raise SessionError(
                f"step {self._row + 1}: {self._waiting_for.condition.text} did not happen within "
                f"{self._waiting_for.within_ticks} {self._table.bench.info.tick_name}s"
            )
        self._hop()
        return False

    # ---- the end

    def _fail(self, line: str) -> None:
        self._end(Stage.FAILED, line)

    def _end(self, stage: Stage, line: str) -> None:
        self._stage, self._line = stage, line
        try:
            self._hear()
            for name in sorted(self._armed):
                self._client.disarm(name)
            if self._recording:
                self._client.stop_recording(f"the protocol is {stage}")
            if self._was_running and stage is not Stage.FAILED:
                self._client.run()
            elif stage is not Stage.DONE:
                self._client.pause()
        except HeadstageError as error:
            if not self._line:
                self._stage, self._line = Stage.FAILED, str(error)


def _wait_name(row: int) -> str:
    return f"protocol {row + 1}"
