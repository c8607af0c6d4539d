"""The process that re-derives: reads one request, writes progress and one last word, all JSON lines. Free of Qt."""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
import traceback
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from rig.errors import HeadstageError, UnknownUnitError
from rig.probe import probe_from_json
from rig.rederive import Rederivation, rederive_to
from rig.registry import open_subject
from rig.storage.recording import Recording
from rig.streams import StreamInfo
from rig.units import UnitTable

_STEP = 0.002


def main() -> int:
    """Serve the request on standard input."""
    # what a library prints must not come between the lines
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    request = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_parent, args=(Path(request["out"]),), daemon=True).start()
    try:
        _serve(request, out)
        answer: dict[str, Any] = {"done": True}
    except HeadstageError as error:
        answer = {"error": str(error)}
    except Exception as error:  # the person gets a line; the log gets the rest
        traceback.print_exc()
        answer = {"error": f"re-deriving failed ({type(error).__name__}: {error})"}
    _say(out, answer)
    return 0


def _serve(request: dict[str, Any], out: TextIO) -> None:
    said = -1.0

    def progress(done: int, total: int) -> None:
        nonlocal said
        if done / total - said >= _STEP:
            said = done / total
            _say(out, {"progress": said})

    with Recording.open(Path(request["recording"])) as recording:
        header = recording.header
        watches: dict[str, NDArray[np.int64] | None] = dict.fromkeys(request["watches"])
        if any(ids is not None for ids in request["watches"].values()):
            subject = open_subject(header.plugin, header.info.options)
            whole = {s.name: s for s in subject.streams}
            subject.close()
            for name, ids in request["watches"].items():
                if ids is not None and name in whole:  # a name that is none is refused by the re-derivation
                    watches[name] = carriers(header.units, whole[name], np.asarray(ids, np.int64))
        probes = tuple(probe_from_json(p) for p in request["probes"])
        wanted = Rederivation(request["start_tick"], request["stop_tick"], watches, probes)
        rederive_to(recording, wanted, Path(request["out"]), progress=progress)


def carriers(units: UnitTable, stream: StreamInfo, unit_ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """The units of a stream that show what these do: themselves, or what carries their signal (a transistor's gate).

    Raises
    ------
    UnknownUnitError : the stream carries none of them.
    """
    assert stream.unit_ids is not None
    own = np.isin(unit_ids, stream.unit_ids)
    wanted = np.where(own, unit_ids, units.signal_id[units.rows(unit_ids)])
    carried = np.unique(wanted[np.isin(wanted, stream.unit_ids)])
    if not len(carried):
        raise UnknownUnitError(
            f"asked for {len(unit_ids)} units of stream {stream.name!r}; it carries none of them: choose others"
        )
    return carried


def _say(out: TextIO, value: dict[str, Any]) -> None:
    out.write(json.dumps(value) + "\n")
    out.flush()


def _end_with_parent(path: Path) -> None:
    """Standard input ends when the parent does: then nobody will clean up or rename."""
    sys.stdin.read()
    shutil.rmtree(path, ignore_errors=True)
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
