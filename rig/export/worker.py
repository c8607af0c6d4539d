"""The export's own process: reads one request, writes progress and one last word, all JSON lines."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from rig.export.formats import ExportFormat
from rig.export.source import Cut, part
from rig.storage.recording import Recording
from rig.worker import Progress, serve

_WRITE_SHARE = 0.95


def main() -> int:
    """Serve the request on standard input."""
    return serve("the export", _export)


def _export(request: dict[str, Any], progress: Progress) -> dict[str, Any]:
    kind, path = ExportFormat(**request["format"]), Path(request["out"])
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


def _sync(path: Path) -> None:
    """Everything of a finished export is on the disk when this returns."""
    files = [p for p in path.rglob("*") if p.is_file()] if path.is_dir() else [path]
    for file in files:
        handle = os.open(file, os.O_RDWR)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
