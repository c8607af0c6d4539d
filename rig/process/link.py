"""One session process as its client sees it: started, spoken to, listened to, and buried."""

from __future__ import annotations

import atexit
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from multiprocessing import connection

from rig.errors import HeadstageError, SessionError
from rig.process.host import HostSettings
from rig.process.host_process import HostProcess, crash_line, start_line
from rig.process.protocol import (
    OVER,
    Ack,
    Close,
    Command,
    Description,
    Event,
    Fault,
    Message,
    Ready,
    Refusal,
    Request,
    StartFailed,
    State,
    StateChanged,
    StreamClosed,
    StreamOpened,
    SubjectCrashed,
    SubjectFailed,
    SubjectHung,
)
from rig.process.rings import remove_rings
from rig.process.status import Status, StatusBlock

MAX_EVENTS = 1 << 16  # unread; the oldest are dropped
LOOK_S = 0.25
LINGER_S = 5.0  # of a process that has said goodbye

_log = logging.getLogger(__name__)
_log.addHandler(logging.NullHandler())  # tracebacks go to a log file if there is one, never to the shell


class Link:
    """A session's process. One thread listens to it; any thread may send commands.

    Parameters
    ----------
    settings : of the process
    start_timeout_s : for opening the subject
    hang_timeout_s : without a sign of life
    given_up : looked at while the subject opens: whether nobody waits for it any more
    unread : events of the process that this one follows

    Raises
    ------
    HeadstageError : the subject cannot be opened. SessionError : the process does not come up.
    """

    def __init__(
        self,
        settings: HostSettings,
        start_timeout_s: float,
        hang_timeout_s: float,
        given_up: Callable[[], bool] = lambda: False,
        unread: Iterable[Event] = (),
    ) -> None:
        self.settings = settings
        self.rings: dict[str, StreamOpened] = {}
        self.hang_timeout_s = hang_timeout_s
        self._changed = threading.Condition()  # guards all below
        self._events: deque[Event] = deque(unread, maxlen=MAX_EVENTS)
        self._waiting: dict[int, Future[Ack]] = {}
        self._n_requests = 0
        self._state = State.STARTING
        self._end = "the session is closed: start another"  # why it is over, in a line
        self._description: Description | None = None
        self._start_fault: Fault | None = None
        self._closing = False
        self._sending = threading.Lock()
        self._status = StatusBlock.create(settings.status_name)
        self._last_status = self._status.get()
        try:
            self._process = HostProcess(settings)
        except BaseException:
            self._status.remove()
            raise
        self._listener = threading.Thread(target=self._listen, name="headstage-link", daemon=True)
        self._listener.start()
        atexit.register(self._close_at_exit)
        try:
            self._await_ready(start_timeout_s, given_up)
        except BaseException:
            self.close()
            raise

    # ---- speaking

    @property
    def description(self) -> Description:
        assert self._description is not None, "it is ready once constructed"
        return self._description

    @property
    def state(self) -> State:
        return self._state

    @property
    def pid(self) -> int | None:
        return self._process.pid

    def request(self, command: Command) -> Ack:
        """Send a command and wait for its answer.

        Raises
        ------
        HeadstageError : the session refuses. SessionError : the process is gone, or hangs.
        """
        with self._changed:
            if self._state in OVER and self._state is not State.FAILED:
                raise SessionError(f"asked for {type(command).__name__}; {self._end}")
            self._n_requests += 1
            number = self._n_requests
            answer = self._waiting[number] = Future()
        with self._sending, suppress(OSError):  # a broken pipe: the listener is about to say what happened
            self._process.pipe.send(Request(number, command))
        return answer.result()

    def take_events(self, timeout_s: float | None) -> list[Event]:
        """What happened since the last call; waits for the first of it where there is a timeout."""
        with self._changed:
            if timeout_s is not None:
                self._changed.wait_for(lambda: self._events, timeout_s)
            events = list(self._events)
            self._events.clear()
        return events

    def wait_for(self, states: frozenset[State], timeout_s: float | None) -> State:
        """Wait until the state is one of these, or the session is over; returns the state, whichever it is then."""
        with self._changed:
            self._changed.wait_for(lambda: self._state in states or self._state in OVER, timeout_s)
            return self._state

    @property
    def end(self) -> str:
        """Why it is over, in a line."""
        return self._end

    @property
    def status(self) -> Status:
        with self._changed:
            if self._state not in (State.CRASHED, State.STOPPED):
                self._last_status = self._status.get()
            if self._state in OVER:
                return replace(self._last_status, state=self._state, achieved_hz=0.0)
            return self._last_status

    def close(self, timeout_s: float = 30.0) -> None:
        """End the process: asked first, then told, then killed. Everything it shared is removed.

        Raises
        ------
        HeadstageError : it closed, but not well: the recording's last part could not be written.
        """
        atexit.unregister(self._close_at_exit)
        with self._changed:
            already, self._closing = self._closing, True
        if not already and self._process.alive and self._state is not State.HUNG and self._description:
            try:
                self._ask_to_close(timeout_s)
            finally:
                self._process.end(LINGER_S)
                self._listener.join()
        else:
            self._process.end(0.0 if self._start_fault is None else LINGER_S)
            self._listener.join()

    def _close_at_exit(self) -> None:
        """For who forgot to."""
        try:
            self.close()
        except HeadstageError:
            _log.exception("closing the session at exit")

    def _ask_to_close(self, timeout_s: float) -> None:
        with self._changed:
            self._n_requests += 1
            number = self._n_requests
            answer = self._waiting[number] = Future()
        with self._sending, suppress(OSError):
            self._process.pipe.send(Request(number, Close()))
        try:
            answer.result(timeout_s)
        except TimeoutError:
            _log.warning("the session did not close within %g s and is told to end", timeout_s)
        except SessionError as error:
            _log.warning("the session ended before it was closed: %s", error)

    # ---- listening

    def _await_ready(self, timeout_s: float, given_up: Callable[[], bool]) -> None:
        until_s = time.monotonic() + timeout_s
        with self._changed:
            while self._state is State.STARTING and self._start_fault is None:
                if given_up():
                    raise SessionError(f"asked to open {self.settings.plugin!r}; it was given up before it was ready")
                if time.monotonic() >= until_s:
                    raise SessionError(
                        f"asked to open {self.settings.plugin!r}; it is not ready after {timeout_s:g} s: allow it more"
                    )
                self._changed.wait(LOOK_S)
        if self._start_fault is not None:
            raise self._start_fault.to_error()
        if self._description is None:
            raise SessionError(self._end)

    def _listen(self) -> None:
        while self._hear():
            self._look_for_life()
        self._bury()

    def _hear(self) -> bool:
        """Take one message if there is one; False when the process is gone and everything it said is heard."""
        ready = connection.wait([self._process.pipe, self._process.sentinel], LOOK_S)
        if self._process.pipe in ready:
            try:
                message: Message = self._process.pipe.recv()
            except (EOFError, OSError):
                return False
            with self._changed:
                self._take(message)
                self._changed.notify_all()
            return True
        return not ready

    def _take(self, message: Message) -> None:
        if isinstance(message, Ack):
            if (answer := self._waiting.pop(message.number, None)) is not None:
                answer.set_result(message)
            return
        if isinstance(message, Refusal):
            if message.fault.details:
                _log.info("refused: %s", message.fault.details)
            if (answer := self._waiting.pop(message.number, None)) is not None:
                answer.set_exception(message.fault.to_error())
            return
        match message:
            case StartFailed(fault):
                self._start_fault = fault
                _log.error("the subject cannot be opened: %s", fault.details)
            case Ready(description):
                self._description = description
                self._state = State.PAUSED
            case StateChanged(state):
                self._state = state
            case SubjectFailed(line):
                self._end = f"the subject has failed ({line}): restart it"
            case StreamOpened(info):
                self.rings[info.name] = message
            case StreamClosed(stream):
                self.rings.pop(stream, None)
        details = getattr(message, "details", "")
        if details:
            _log.error("%s\n%s", getattr(message, "line", ""), details)
        self._events.append(message)

    def _look_for_life(self) -> None:
        if self._description is None or self._closing:
            return
        silent_s = self._status.silent_s
        with self._changed:
            if silent_s > self.hang_timeout_s and self._state not in OVER:
                self._state = State.HUNG
                self._end = f"the session gives no sign of life for {silent_s:.0f} s: wait, or restart it"
                self._events.append(SubjectHung(self._end, silent_s))
                self._refuse_waiting()
                self._changed.notify_all()
            elif silent_s < self.hang_timeout_s and self._state is State.HUNG:
                self._state = self._status.get().state  # it was only slow
                self._events.append(StateChanged(self._state, self._status.get().tick))
                self._changed.notify_all()

    def _refuse_waiting(self) -> None:
        waiting, self._waiting = self._waiting, {}
        for answer in waiting.values():
            answer.set_exception(SessionError(self._end))

    # ---- burying

    def _bury(self) -> None:
        """The process is gone, or about to be: learn why, remove what it shared, tell once."""
        self._process.end(LINGER_S)
        exit_code, details = self._process.exit_code, self._process.take_crash_report()
        with self._changed:
            self._last_status = replace(self._status.get(), recorder=None)  # nobody records any more
            remove_rings(self.settings.prefix, self._status.n_rings)
            with suppress(FileNotFoundError):
                self._status.remove()
            if self._closing or self._start_fault is not None:
                self.rings.clear()
                self._state = State.STOPPED
            else:  # rings that somebody has open can still be looked at: what came before is in them
                before_ready = self._description is None
                self._state = State.CRASHED
                self._end = start_line(exit_code) if before_ready else crash_line(exit_code, self._last_status.tick)
                _log.error("%s\n%s", self._end, details)
                self._events.append(SubjectCrashed(self._end, details))
            self._refuse_waiting()
            self._changed.notify_all()
        self._process.pipe.close()
