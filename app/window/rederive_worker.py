"""The process that re-derives: reads one request, writes progress and one last word, all JSON lines. Free of Qt."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rig.errors import UnknownUnitError
from rig.probe import probe_from_json
from rig.rederive import Rederivation, rederive_to
from rig.registry import open_subject
from rig.storage.recording import Recording
from rig.streams import StreamInfo
from rig.units import UnitTable
from rig.worker import Progress, serve


def main() -> int:
    """Serve the request on standard input."""
    return serve("re-deriving", _rederive)


def _rederive(request: dict[str, Any], progress: Progress) -> dict[str, Any]:
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
        out = Path(request["out"])
        rederive_to(recording, wanted, out, progress=lambda done, total: progress(done / total))
    return {"done": True}


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


if __name__ == "__main__":
    sys.exit(main())
