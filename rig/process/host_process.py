"""Starting the operating system's process for a session, ending it, and reading why it ended."""

from __future__ import annotations

import multiprocessing
import signal
import tempfile
import threading
from contextlib import suppress
from multiprocessing import connection, reduction
from multiprocessing.connection import Connection
from typing import IO, Any

from rig.process.host import HostSettings, host_main

NO_MAIN_GUARD = 86  # exit code of a process that a script's import in it would have started again
ABANDON_S = 5.0  # after its grace: what a stuck process gets for closing its recording
CRASH_REPORT_BYTES = 16384


class HostProcess:
    """A process that runs `rig.process.host.host_main`, and our end of the pipe to it."""

    def __init__(self, settings: HostSettings) -> None:
        context = multiprocessing.get_context("spawn")
        self._reaping = threading.Lock()
        self._grace_s = settings.grace_s
        self._report: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 — closed when it is read
        self.pipe: Connection
        self.pipe, theirs = context.Pipe()
        self._process = context.Process(
            target=host_main, args=(theirs, settings, _Inherited(self._report.fileno())), name="headstage-session"
        )
        try:
            self._process.start()
        except BaseException:
            self.pipe.close()
            self._report.close()
            raise
        finally:
            theirs.close()

    @property
    def pid(self) -> int | None:
        return self._process.pid

    @property
    def sentinel(self) -> int:
        """Becomes ready when the process ends."""
        return self._process.sentinel

    @property
    def alive(self) -> bool:
        with self._reaping:
            return self._process.is_alive()

    @property
    def exit_code(self) -> int:
        """Of the ended process; negative: the signal that killed it."""
        return self._process.exitcode or 0

    def end(self, patience_s: float) -> None:
        """Wait for its end, then demand it (its lifeline closes the recording, if it still can), then kill it."""
        if self._ended_within(patience_s):
            return
        self._process.terminate()
        if not self._ended_within(self._grace_s + ABANDON_S):
            self._process.kill()
            self._ended_within(None)

    def _ended_within(self, patience_s: float | None) -> bool:
        if not connection.wait([self._process.sentinel], patience_s):
            return False
        with self._reaping:  # one exit code, and two threads that want it
            self._process.join()
        return True

    def take_crash_report(self) -> str:
        """Python's stack as it was when the process crashed; empty when it did not. Can be taken once."""
        with self._report as report:
            report.seek(0)
            return report.read(CRASH_REPORT_BYTES).decode(errors="replace")


def refuse_in_starting_process() -> None:
    """End a process that, being started, imports the script that starts it, and comes to start another one."""
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise SystemExit(NO_MAIN_GUARD)


def crash_line(exit_code: int, tick: int) -> str:
    """The one line for a session that ended unasked."""
    return f"the subject's process ended by itself ({_exit_words(exit_code)}) at tick {tick}: restart the session"


def start_line(exit_code: int) -> str:
    """The one line for a session that ended before it began."""
    if exit_code == NO_MAIN_GUARD:
        return (
            "asked to start a session while the script is being imported by that session's own process; "
            'in the script, start sessions only under: if __name__ == "__main__":'
        )
    return (
        f"the session's process ended before it was ready ({_exit_words(exit_code)}): try to open the subject in "
        "Python itself to see why"
    )


def _exit_words(exit_code: int) -> str:
    if exit_code >= 0:
        return f"exit code {exit_code}"
    with suppress(ValueError):
        return f"signal {-exit_code}, {signal.Signals(-exit_code).name}"
    return f"signal {-exit_code}"


class _Inherited:
    """A file descriptor that becomes a child's own on its way there; None where descriptors cannot travel."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def __reduce__(self) -> tuple[Any, tuple[Any]]:
        duplicate: Any = getattr(reduction, "DupFd", lambda descriptor: None)
        return _arrived, (duplicate(self._descriptor),)


def _arrived(duplicate: Any) -> int | None:
    return None if duplicate is None else int(duplicate.detach())
