"""An export from beginning to end: in a process of its own, to a temporary name, checked, then renamed.

Whatever happens to that process, the target is what it was before or the whole new export, and nothing else is left.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from rig.errors import ExportError
from rig.export.formats import ExportFormat, format_named
from rig.worker import Cancel, Cancelled, Progress, remove, run_worker


@dataclass(frozen=True)
class ExportReport:
    """What was made.

    Attributes
    ----------
    path, format : where, and how
    start_tick, stop_tick : what part
    n_bytes : of the file, or of all files of the folder
    wall_s : how long it took
    notes : what the format could not take, and what is wrong with the recording; a line each
    """

    path: Path
    format: str
    start_tick: int
    stop_tick: int
    n_bytes: int
    wall_s: float
    notes: tuple[str, ...]


def export(
    recording_path: Path | str,
    to: str,
    out_path: Path | str,
    *,
    start_tick: int | None = None,
    stop_tick: int | None = None,
    streams: Sequence[str] | None = None,
    unit_ids: Sequence[int] | None = None,
    thresholds: Mapping[str, float] | None = None,
    overwrite: bool = False,
    progress: Callable[[float], None] | None = None,
    cancel: Cancel | None = None,
) -> ExportReport:
    """Export a recording.

    Parameters
    ----------
    recording_path : folder ``NAME.rig``
    to : name of a format, see `rig.export.formats.FORMATS`
    out_path : file or folder to make; its folder must exist
    start_tick, stop_tick : samples stamped [start_tick, stop_tick); None for the recording's own
    streams, unit_ids : None for all
    thresholds : stream → level at or above which its graded units are on, for spikes
    overwrite : whether an earlier export may be replaced
    progress : told what part is done, 0 to 1
    cancel : looked at while waiting

    Raises
    ------
    ExportError : it cannot be made, did not validate, died or was cancelled; the target is as it was.
    """
    began_s = time.monotonic()
    kind, source, target = format_named(to), Path(recording_path).absolute(), Path(out_path).absolute()
    check_target(source, target, overwrite)
    temporary = target.parent / f".{target.stem}.{uuid4().hex[:12]}{target.suffix}"
    request = {
        "format": asdict(kind),
        "recording": str(source),
        "out": str(temporary),
        "start_tick": start_tick,
        "stop_tick": stop_tick,
        "streams": None if streams is None else list(streams),
        "unit_ids": None if unit_ids is None else [int(u) for u in unit_ids],
        "thresholds": dict(thresholds or {}),
    }
    try:
        answer = _run(request, kind, progress or _quiet, cancel)
        n_bytes = _size_bytes(temporary)
        _put_in_place(temporary, target, overwrite)
    finally:
        remove(temporary)
    (progress or _quiet)(1.0)
    return ExportReport(
        target,
        kind.name,
        int(answer["start_tick"]),
        int(answer["stop_tick"]),
        n_bytes,
        time.monotonic() - began_s,
        tuple(answer["notes"]),
    )


def check_target(source: Path, target: Path, overwrite: bool) -> None:
    """Refuse what could destroy something: a recording, a folder that is no export, an export unless told.

    Raises
    ------
    ExportError
    """
    if not target.parent.is_dir():
        raise ExportError(f"asked to export to {target}; there is no folder {target.parent}: make it first")
    if target.resolve() == source.resolve() or source.resolve() in target.resolve().parents:
        raise ExportError(f"asked to export to {target}; that is the recording itself: choose another place")
    if not os.path.lexists(target):
        return
    if not overwrite:
        raise ExportError(f"asked to export to {target}; it is there already: choose another name, or overwrite it")
    if target.is_dir() and not _is_export(target):
        raise ExportError(f"asked to overwrite {target}; the folder is no export: choose another name")


def _is_export(folder: Path) -> bool:
    if (folder / "Record Node 101").is_dir() and (folder / "channel_map.csv").is_file():
        return True
    try:
        return "exported_ticks" in json.loads((folder / "session.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False


def _run(request: dict[str, Any], kind: ExportFormat, progress: Progress, cancel: Cancel | None) -> dict[str, Any]:
    """Run the worker to its end; its last word."""
    try:
        answer = run_worker("rig.export.worker", request, progress, cancel)
    except Cancelled:
        raise ExportError("the export was cancelled; nothing was written") from None
    if answer is None:
        raise ExportError(f"the process that exported to {kind.name} died; nothing was written: export again")
    if "error" in answer:
        raise ExportError(str(answer["error"]))
    return answer


def _put_in_place(temporary: Path, target: Path, overwrite: bool) -> None:
    """Rename what is finished. A file replaces a file in one step; a folder is put where the old one was moved from."""
    try:
        if target.is_dir() and not target.is_symlink():
            aside = target.parent / f".{target.name}.{uuid4().hex[:12]}.old"
            os.rename(target, aside)
            try:
                os.rename(temporary, target)
            except OSError:
                os.rename(aside, target)
                raise
            shutil.rmtree(aside)
        elif not overwrite and os.path.lexists(target):
            raise ExportError(f"{target} appeared while it was exported to; nothing was written: choose another name")
        else:
            os.replace(temporary, target)
        _sync_folder(target.parent)
    except OSError as error:
        raise ExportError(f"the export is finished, but cannot be renamed to {target} ({error.strerror})") from error


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":
        return  # Windows has no handle to a folder; the rename is journalled
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _size_bytes(path: Path) -> int:
    return sum(p.stat().st_size for p in path.rglob("*") if p.is_file()) if path.is_dir() else path.stat().st_size


def _quiet(fraction: float) -> None:
    """Nobody asked for progress."""
