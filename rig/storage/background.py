"""A thread that does one thing at a time for another one."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable


class Task:
    """Something that the background thread was given to do."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        self._done = threading.Event()
        self._error: Exception | None = None

    @property
    def done(self) -> bool:
        return self._done.is_set()

    def result(self) -> None:
        """Wait until it is done; raises what it raised."""
        self._done.wait()
        if self._error is not None:
            raise self._error

    def run(self) -> None:
        try:
            self._work()
        except Exception as error:
            self._error = error
        finally:
            self._done.set()


class BackgroundThread:
    """A daemon thread with a queue. Not an executor: those stop working before the interpreter's exit functions run."""

    def __init__(self, name: str) -> None:
        self._tasks: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def start(self, work: Callable[[], None]) -> Task:
        task = Task(work)
        self._tasks.put(task)
        return task

    def close(self) -> None:
        """Return when everything given to it is done."""
        self._tasks.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (task := self._tasks.get()) is not None:
            task.run()
