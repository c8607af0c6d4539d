"""A piece of work in a process of its own: one request in, progress and one last word out, all JSON lines.

    asker                                    worker: python -c "… sys.exit(MODULE.main())"
    run_worker ──► {"out": PATH, …} ───────► serve ──► work(request, progress)
               ◄── {"progress": 0.4} …  ◄───
               ◄── {…} or {"error": line} ◄─

The worker's standard input stays open as long as the asker lives: a worker that sees the end of it has lost whoever
would clean up or rename, removes what it was writing, and ends.
"""

from __future__ import annotations

import json
import logging
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Protocol, TextIO

from rig.errors import HeadstageError

_LOG = logging.getLogger(__name__)
_LOG.addHandler(logging.NullHandler())  # where nobody keeps a log, a traceback does not go to the shell instead
_POLL_S = 0.1
_LEAST_PROGRESS = 0.002
_START = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from {module} import main; sys.exit(main())"

Progress = Callable[[float], None]


class Cancel(Protocol):
    """What is looked at to know that the work is no longer wanted; a threading.Event is one."""

    def is_set(self) -> bool: ...


class Cancelled(Exception):
    """It was no longer wanted; the process is gone."""


# ---- the asker


def run_worker(
    module: str, request: Mapping[str, Any], progress: Progress, cancel: Cancel | None = None
) -> dict[str, Any] | None:
    """Let a worker do something, and wait for it.

    Parameters
    ----------
    module : its `main` is run, which calls `serve`
    request : JSON values; ``out`` is the file or folder that it makes

    Returns
    -------
    its last word, which has ``error`` where it failed; None where it died without one. What it wrote to its standard
    error is in the log then.

    Raises
    ------
    Cancelled
    """
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            [sys.executable, "-c", _START.format(module=module), json.dumps(sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
        )
        try:
            answer = _converse(process, request, progress, cancel)
        finally:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with suppress(OSError):  # what was buffered for a process that is gone
                        pipe.close()
        if answer is None or "error" in answer:
            errors.seek(0)
            _LOG.error("%s failed:\n%s", module, errors.read().decode(errors="replace"))
    return answer


def _converse(
    process: subprocess.Popen[bytes], request: Mapping[str, Any], progress: Progress, cancel: Cancel | None
) -> dict[str, Any] | None:
    assert process.stdin is not None
    assert process.stdout is not None
    lines: queue.Queue[bytes | None] = queue.Queue()
    reader = threading.Thread(target=_read_lines, args=(process.stdout, lines), name="worker-lines", daemon=True)
    reader.start()
    try:
        process.stdin.write(json.dumps(request).encode() + b"\n")
        process.stdin.flush()
    except OSError:
        return None
    try:
        while True:
            if cancel is not None and cancel.is_set():
                raise Cancelled
            try:
                line = lines.get(timeout=_POLL_S)
            except queue.Empty:
                continue
            if line is None:
                return None
            said = json.loads(line)
            if "progress" not in said:
                return dict(said)
            progress(float(said["progress"]))
    finally:
        process.kill()
        reader.join()


def _read_lines(stream: IO[bytes], lines: queue.Queue[bytes | None]) -> None:
    for line in stream:
        lines.put(line)
    lines.put(None)


# ---- the worker


def serve(name: str, work: Callable[[dict[str, Any], Progress], dict[str, Any]]) -> int:
    """Do what standard input asks for. The exit code: whatever happened was said.

    Parameters
    ----------
    name : of the work, for what goes wrong: ``the export``
    work : given the request and whom to tell of progress; its last word
    """
    # what a library prints must not come between the lines
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    request = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_asker, args=(Path(request["out"]),), daemon=True).start()
    said = -1.0

    def progress(part: float) -> None:
        nonlocal said
        if part - said >= _LEAST_PROGRESS:
            said = part
            _say(out, {"progress": part})

    try:
        answer = work(request, progress)
    except HeadstageError as error:
        answer = {"error": str(error)}
    except OSError as error:
        traceback.print_exc()
        answer = {"error": f"the disk refuses {name} ({error.strerror or error}); nothing was written"}
    except MemoryError:
        answer = {"error": f"{name} needs more memory than there is; ask for fewer ticks, streams or units"}
    except Exception as error:  # the person gets a line; the log gets the rest
        traceback.print_exc()
        reason = str(error).splitlines()[0] if str(error) else ""
        answer = {"error": f"{name} failed ({type(error).__name__}: {reason})"}
    _say(out, answer)
    return 0


def remove(path: Path) -> None:
    """A file, a folder or nothing."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _say(out: TextIO, value: Mapping[str, Any]) -> None:
    out.write(json.dumps(value) + "\n")
    out.flush()


def _end_with_asker(path: Path) -> None:
    sys.stdin.read()
    remove(path)
    os._exit(1)
