"""Re-deriving from beginning to end: in a process of its own, to a temporary name, then renamed. Free of Qt.

Cancelled, failed or killed, it leaves nothing: the target is there when it is whole.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from rig.errors import RecordingError, SpecError
from rig.probe import Probe, probe_to_json
from rig.worker import Cancel, Cancelled, Progress, run_worker


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


def run_rederivation(request: RederiveRequest, progress: Progress, cancel: Cancel) -> Path:
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


def _run(request: RederiveRequest, temporary: Path, progress: Progress, cancel: Cancel) -> None:
    asked = {
        "recording": str(request.recording.absolute()),
        "out": str(temporary.absolute()),
        "start_tick": request.start_tick,
        "stop_tick": request.stop_tick,
        "watches": {k: None if v is None else [int(u) for u in v] for k, v in request.watches.items()},
        "probes": [probe_to_json(p) for p in request.probes],
    }
    try:
        answer = run_worker("app.window.rederive_worker", asked, progress, cancel)
    except Cancelled:
        raise RecordingError("re-deriving was cancelled; nothing was written") from None
    if answer is None:
        raise RecordingError("the process that re-derived died; nothing was written: try again")
    if "error" in answer:
        raise RecordingError(str(answer["error"]))
