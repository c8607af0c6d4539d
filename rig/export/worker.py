"""The export's own process: reads one request, writes progress and one last word, all JSON lines."""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
import traceback
from pathlib import Path
from typing import Any, TextIO

from rig.errors import HeadstageError
from rig.export.formats import ExportFormat
from rig.export.source import Cut, part
from rig.storage.recording import Recording

_WRITE_SHARE = 0.95
_STEP = 0.002


def main() -> int:
    """Serve the request on standard input."""
    # what a library prints must not come between the lines
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    request = json.loads(sys.stdin.readline())
    path = Path(request["out"])
    threading.Thread(target=_end_with_parent, args=(path,), daemon=True).start()
    try:
        answer = _serve(request, path, out)
    except HeadstageError as error:
        answer = {"error": str(error)}
    except OSError as error:
        traceback.print_exc()
        answer = {"error": f"the disk refuses the export ({error.strerror or error}); nothing was written"}
    except MemoryError:
        answer = {"error": "the export needs more memory than there is; export fewer ticks, streams or units"}
    except Exception as error:  # the person gets a line; the log gets the rest
        traceback.print_exc()
        answer = {
            "error": f"the export failed ({type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''})"
        }
    _say(out, answer)
    return 0


def _serve(request: dict[str, Any], path: Path, out: TextIO) -> dict[str, Any]:
    kind = ExportFormat(**request["format"])
    said = -1.0

    def progress(fraction: float) -> None:
        nonlocal said
        if fraction - said >= _STEP:
            said = fraction
            _say(out, {"progress": fraction})

    with Recording.open(Path(request["recording"])) as recording:
        cut = Cut.of(
            recording,
            request["start_tick"],
            request["stop_tick"],
            request["streams"],
            request["unit_ids"],
            request["thresholds"],
        )
        notes = kind.write(cut, path, part(progress, 0.0, _WRITE_SHARE))
        kind.verify(path, cut)
        _sync(path)
        notes += tuple(f"the recording: {problem}" for problem in recording.problems)
        return {"start_tick": cut.start_tick, "stop_tick": cut.stop_tick, "notes": notes}


def _say(out: TextIO, value: dict[str, Any]) -> None:
    out.write(json.dumps(value) + "\n")
    out.flush()


def _end_with_parent(path: Path) -> None:
    """Standard input ends when the parent does: then nobody will clean up or rename."""
    sys.stdin.read()
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
    os._exit(1)


def _sync(path: Path) -> None:
    """Everything of a finished export is on the disk when this returns."""
    files = [p for p in path.rglob("*") if p.is_file()] if path.is_dir() else [path]
    for file in files:
        handle = os.open(file, os.O_RDWR)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
