"""What ends a session's process when nobody is left to end it, whatever the subject is doing at that moment.

the client dies, or sends SIGTERM ──► `called`: the loop ends between two blocks, and all is well
… and the loop is stuck             ──► after `grace_s` a thread closes the recording, removes the rings, leaves
… and the interpreter is stuck too  ──► later another thread, which needs no interpreter, leaves
"""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable
from multiprocessing import connection, parent_process
from typing import Any

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

LEFT_STUCK = 70  # exit codes
LEFT_LOCKED = 71
CLOSE_S = 60.0  # that closing a recording may take
_LOOK_S = 0.5

_getppid: Any = types.ExternalFunction("getppid", types.int32())
_usleep: Any = types.ExternalFunction("usleep", types.int32(types.uint32))
_leave_at_once: Any = types.ExternalFunction("_exit", types.void(types.int32))


@njit(nogil=True, cache=True)
def _guard(parent_pid: int, patience_us: NDArray[np.int64], exit_code: int) -> None:
    """Sleep while the parent lives, and patience_us[0] longer; then leave. Runs without the interpreter's lock."""
    while _getppid() == parent_pid:
        _usleep(500_000)
    waited_us = 0
    while waited_us < patience_us[0]:
        _usleep(100_000)
        waited_us += 100_000
    _leave_at_once(exit_code)


class Lifeline:
    """Made in the main thread of the session's process.

    Parameters
    ----------
    grace_s : how long the loop may take to end once it is called
    abandon : closes what must be closed, from another thread, while the loop is stuck
    """

    def __init__(self, grace_s: float, abandon: Callable[[], None]) -> None:
        self.called = threading.Event()
        self.reason = ""
        self._grace_s = grace_s
        self._abandon = abandon
        self._heard = threading.Event()
        self._finished = threading.Event()
        self._patience_us = np.array([2 * grace_s * 1e6], np.int64)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process of a terminal; the client decides
        # the number of a signal is written here at once, even while the main thread is deep in a subject
        self._signals, self._signalled = socket.socketpair()
        for end in (self._signals, self._signalled):
            end.setblocking(False)
        signal.signal(signal.SIGTERM, lambda number, frame: None)
        signal.set_wakeup_fd(self._signalled.fileno(), warn_on_full_buffer=False)
        threading.Thread(target=self._watch, name="lifeline", daemon=True).start()
        parent = parent_process()
        if parent is not None and parent.pid is not None and os.name == "posix":
            threading.Thread(
                target=_guard, args=(parent.pid, self._patience_us, LEFT_LOCKED), name="lifeline-guard", daemon=True
            ).start()

    def hear(self) -> None:
        """The loop has ended; what is left is to close the recording, and that is given its time."""
        self._patience_us[0] = CLOSE_S * 1e6
        self._heard.set()

    def finish(self) -> None:
        """Everything is closed; the process leaves by itself."""
        self._finished.set()

    def _watch(self) -> None:
        self.reason = self._wait_for_call()
        self.called.set()
        if self._heard.wait(self._grace_s):
            if not self._finished.wait(CLOSE_S):
                os._exit(LEFT_STUCK)
            return
        self._patience_us[0] = CLOSE_S * 1e6
        try:
            self._abandon()
        finally:
            os._exit(LEFT_STUCK)

    def _wait_for_call(self) -> str:
        parent = parent_process()
        assert parent is not None, "a session's process has a parent"
        while True:
            ready = connection.wait([parent.sentinel, self._signals], _LOOK_S)
            if self._signals in ready and signal.SIGTERM in self._signals.recv(64):
                return "the process was told to end"
            # somebody else may hold the sentinel's other end, a fork of the client's for one
            if parent.sentinel in ready or (os.name == "posix" and os.getppid() != parent.pid):
                return "the client is gone"
