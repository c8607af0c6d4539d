"""Work that takes a while, beside the window's thread, with progress, cancel, and one line where it fails."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import suppress

from PySide6.QtCore import QObject, Signal

from rig.errors import HeadstageError

log = logging.getLogger(__name__)

Progress = Callable[[float], None]
Doing = Callable[[Progress, threading.Event], object]
"""Is given whom to tell what part is done (0 to 1), and what says that it is no longer wanted."""


class Work(QObject):
    """One thing at a time. Its signals come in the window's thread."""

    progressed = Signal(float)
    done = Signal(object)  # what the work returned
    failed = Signal(str)
    # with the number of the work they are of: what was given up may still have something to say
    _done = Signal(int, object)
    _failed = Signal(int, str)
    _progressed = Signal(int, float)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._thread: threading.Thread | None = None
        self._cancel = threading.Event()
        self._number = 0
        self._done.connect(self._on_done)
        self._failed.connect(self._on_failed)
        self._progressed.connect(self._on_progressed)

    @property
    def running(self) -> bool:
        return self._thread is not None

    @property
    def cancelled(self) -> bool:
        """Whether the work was told that it is no longer wanted."""
        return self._cancel.is_set()

    def start(self, do: Doing) -> None:
        """Begin; what is going on is cancelled and no longer heard of."""
        self._cancel.set()
        self._number += 1
        self._cancel = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(self._number, do, self._cancel), daemon=True)
        self._thread.start()

    def cancel(self) -> None:
        """Say that it is no longer wanted; `failed` or `done` follows all the same."""
        self._cancel.set()

    def stop(self) -> None:
        """Cancel, and wait: nothing of it is left when this returns."""
        self._cancel.set()
        self._number += 1
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _run(self, number: int, do: Doing, cancel: threading.Event) -> None:
        with suppress(RuntimeError):  # the window is gone, and with it whom to tell
            try:
                result = do(lambda part: self._progressed.emit(number, part), cancel)
            except HeadstageError as error:
                self._failed.emit(number, str(error))
            except OSError as error:
                log.exception("work failed")
                where = f": {error.filename}" if error.filename else ""
                self._failed.emit(number, f"the disk refuses ({error.strerror or error}){where}")
            except Exception as error:
                log.exception("work failed")
                self._failed.emit(number, f"unexpected {type(error).__name__}: {error}; the traceback is in the log")
            else:
                self._done.emit(number, result)

    def _on_done(self, number: int, result: object) -> None:
        if number == self._number:
            self._thread = None
            self.done.emit(result)

    def _on_failed(self, number: int, line: str) -> None:
        if number == self._number:
            self._thread = None
            self.failed.emit(line)

    def _on_progressed(self, number: int, part: float) -> None:
        if number == self._number:
            self.progressed.emit(part)
