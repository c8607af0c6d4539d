"""How far a protocol is, and where its recordings go."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from rig.errors import StorageError


class Stage(StrEnum):
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass(frozen=True)
class Progress:
    """How far it is.

    Attributes
    ----------
    stage : Stage
    pass_number, n_passes : which repeat of the whole, from 1
    row : of the step that is due next; None at the end
    n_done, n_total : steps
    due_tick : when it is due
    line : why it failed
    """

    stage: Stage
    pass_number: int
    n_passes: int
    row: int | None
    n_done: int
    n_total: int
    due_tick: int
    line: str = ""


def free_path(folder: Path, name: str) -> Path:
    """``NAME.rig``, or ``NAME-2.rig`` and so on: a protocol never writes over a recording, nor fails for one."""
    stem = name.removesuffix(".rig")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"asked to record into {folder}; {error.strerror}: choose another folder") from error
    path, n = folder / f"{stem}.rig", 1
    while path.exists():
        n += 1
        path = folder / f"{stem}-{n}.rig"
    return path
