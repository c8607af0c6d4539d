"""MATLAB: a v5 .mat file with one struct a stream. The whole of it is made in memory, so it is for small cuts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import scipy.io
from numpy.typing import NDArray

from rig.errors import ExportError
from rig.export.arrays import (
    Columns,
    channel_columns,
    decoded,
    event_columns,
    perturbation_columns,
    session_json,
    stream_facts,
    unit_columns,
)
from rig.export.source import Cut, Notes, Progress
from rig.export.survey import Survey, survey_all

MAX_BYTES = 1 << 31  # of a v5 file
SURVEY_SHARE = 0.2
_MAX_NAME = 63  # longest name that MATLAB takes


def write(cut: Cut, path: Path, progress: Progress) -> Notes:
    """Write the cut to a new file: structs ``session``, ``units``, ``perturbations``, ``events``, ``streams.NAME``
    (data, tick, …) and ``spikes.NAME`` (tick, unit_id; by tick).

    Raises
    ------
    ExportError : too much for the format, or nothing was recorded in the cut.
    """
    full, notes = survey_all(cut, progress, SURVEY_SHARE)
    n_bytes = sum(_bytes_of(s) for s in full.values())
    if n_bytes >= MAX_BYTES:
        raise ExportError(
            f"asked for {n_bytes / 1e9:.1f} GB as .mat, which holds less than {MAX_BYTES / 1e9:.1f}; choose fewer "
            "ticks, streams or units, or export hdf5, which MATLAB reads with h5read"
        )
    streams: dict[str, Any] = {}
    spikes: dict[str, Any] = {}
    for i, (name, found) in enumerate(full.items()):
        streams[_field(name)] = _stream(cut, name, found)
        if found.spike_counts is not None:
            spikes[_field(name)] = _spikes(cut, name, found)
        progress(SURVEY_SHARE + 0.5 * (i + 1) / len(full))
    content = {
        "session": session_json(cut),
        "units": _struct(unit_columns(cut.recording.units)),
        "perturbations": _struct(perturbation_columns(cut)),
        "events": _struct(event_columns(cut)),
        "streams": streams,
        "spikes": spikes or np.zeros((0, 0)),
    }
    scipy.io.savemat(path, content, do_compression=True, long_field_names=True, oned_as="column", appendmat=False)
    progress(1)
    return notes


def _bytes_of(found: Survey) -> int:
    n_spikes = 0 if found.spike_counts is None else int(found.spike_counts.sum())
    return found.n_samples * (found.info.sample_bytes + 8) + 16 * n_spikes


def _stream(cut: Cut, name: str, found: Survey) -> dict[str, Any]:
    data = _plain(decoded(np.concatenate([block.data for block in cut.blocks(name)])))
    struct: dict[str, Any] = {**stream_facts(found), **_struct(channel_columns(found))}
    struct["tick"] = np.concatenate(list(found.tick_blocks()))
    names = data.dtype.names
    struct["data"] = data if names is None else {_field(f): np.ascontiguousarray(data[f]) for f in names}
    return struct


def _spikes(cut: Cut, name: str, found: Survey) -> dict[str, Any]:
    detector, unit_ids = cut.detector(name), found.info.unit_ids
    assert detector is not None
    assert unit_ids is not None
    parts = [detector.spikes(block) for block in cut.blocks(name)]
    return {
        "tick": np.concatenate([p.ticks for p in parts]),
        "unit_id": np.concatenate([unit_ids[p.channels] for p in parts]),
        "definition": found.spike_definition,
    }


def _struct(columns: Columns) -> dict[str, Any]:
    """Text becomes a cell array; MATLAB pads the rows of a character matrix."""
    return {_field(k): _plain(v) for k, v in columns.items()}


def _plain(values: NDArray[Any]) -> NDArray[Any]:
    if values.dtype.kind == "U":
        return values.astype(object)
    return values.astype(np.float32) if values.dtype == np.float16 else values  # MATLAB has no half floats


def _field(name: str) -> str:
    cleaned = "".join(c if c.isascii() and c.isalnum() else "_" for c in name)[:_MAX_NAME]
    return cleaned if cleaned[:1].isalpha() else f"s{cleaned}"[:_MAX_NAME]


def verify(path: Path, cut: Cut) -> None:
    """Check that a finished file is read again, with every variable in it.

    Raises
    ------
    ExportError
    """
    found = {name for name, _, _ in scipy.io.whosmat(path, appendmat=False)}
    missing = {"session", "units", "perturbations", "events", "streams", "spikes"} - found
    if missing:
        raise ExportError(f"the .mat export lacks {', '.join(sorted(missing))}; export it again")
