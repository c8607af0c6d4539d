"""Re-deriving from beginning to end: in a process of its own, to a temporary name, then renamed. Free of Qt.

Cancelled, failed or killed, it leaves nothing: the target is there when it is whole.
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
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from rig.errors import RecordingError, SpecError
from rig.probe import Probe, probe_to_json

log = logging.getLogger(__name__)
_POLL_S = 0.1
_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from app.window.rederive_worker import main; sys.exit(main())"
)


@dataclass(frozen=True)
class RederiveRequest:
    """What to run again.

    Attributes
    ----------
    recording, out : folders ``NAME.rig``
    start_tick, stop_tick : the stretch
    watches : stream → unit ids, None for all of it
    probes : to put in
    """

    recording: Path
    out: Path
    start_tick: int
    stop_tick: int
    watches: Mapping[str, Sequence[int] | None] = field(default_factory=dict)
    probes: Sequence[Probe] = ()


def run_rederivation(request: RederiveRequest, progress: Callable[[float], None], cancel: threading.Event) -> Path:
    """Run it; the recording that was made.

    Raises
    ------
    SpecError : nothing is asked for. RecordingError : something is there, it failed or was cancelled; nothing is
        left.
    """
    if not request.watches and not request.probes:
        raise SpecError("asked to re-derive nothing; choose a stream, or put in a probe")
    if not request.out.parent.is_dir():
        raise RecordingError(f"asked to re-derive into {request.out}; there is no folder {request.out.parent}")
    if os.path.lexists(request.out):
        raise RecordingError(f"asked to re-derive into {request.out}; it is there already: choose another name")
    temporary = request.out.parent / f".{request.out.stem}.{uuid4().hex[:12]}.rig"
    try:
        _run(request, temporary, progress, cancel)
        os.rename(temporary, request.out)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return request.out


def _run(request: RederiveRequest, temporary: Path, progress: Callable[[float], None], cancel: threading.Event) -> None:
    line = json.dumps(
        {
            "recording": str(request.recording.absolute()),
            "out": str(temporary.absolute()),
            "start_tick": request.start_tick,
            "stop_tick": request.stop_tick,
            "watches": {k: None if v is None else [int(u) for u in v] for k, v in request.watches.items()},
            "probes": [probe_to_json(p) for p in request.probes],
        }
    )
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            [sys.executable, "-c", _START, json.dumps(sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
        )
        try:
            answer = _converse(process, line, progress, cancel)
        finally:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    _close(pipe)
        if answer is None or "error" in answer:
            errors.seek(0)
            log.error("re-deriving %s failed:\n%s", request.recording, errors.read().decode(errors="replace"))
    if answer is None:
        raise RecordingError("the process that re-derived died; nothing was written: try again")
    if "error" in answer:
        raise RecordingError(str(answer["error"]))


def _converse(
    process: subprocess.Popen[bytes], line: str, progress: Callable[[float], None], cancel: threading.Event
) -> dict[str, Any] | None:
    """The process's last word; None where it died without one."""
    assert process.stdin is not None
    assert process.stdout is not None
    stdout = process.stdout
    lines: queue.Queue[bytes | None] = queue.Queue()

    def read() -> None:
        for said in stdout:
            lines.put(said)
        lines.put(None)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        process.stdin.write(line.encode() + b"\n")
        process.stdin.flush()
        while True:
            if cancel.is_set():
                raise RecordingError("re-deriving was cancelled; nothing was written")
            try:
                said = lines.get(timeout=_POLL_S)
            except queue.Empty:
                continue
            if said is None:
                return None
            answer = json.loads(said)
            if "progress" not in answer:
                return dict(answer)
            progress(float(answer["progress"]))
    except OSError:
        return None
    finally:
        process.kill()
        reader.join()


def _close(pipe: Any) -> None:
    try:
        pipe.close()
    except OSError:
        return  # what was buffered for a process that is gone
