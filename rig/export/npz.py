"""npz: arrays for numpy, written a block at a time, without pickles.

Members: ``STREAM`` (data), ``STREAM_tick`` (irregular streams and those with gaps; else ``STREAM_first_tick`` and
``STREAM_ticks_per_sample``), ``STREAM_unit_id`` and the like, ``spikes_STREAM_tick`` and ``spikes_STREAM_unit_id`` (by
tick), ``units_*``, ``perturbations_*``, ``events_*`` (columns), ``session`` (JSON).
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from rig.errors import ExportError
from rig.export.arrays import (
    channel_columns,
    event_columns,
    perturbation_columns,
    session_json,
    stream_facts,
    unit_columns,
)
from rig.export.source import Cut, Notes, Progress, part
from rig.export.survey import Survey, survey_all

SURVEY_SHARE = 0.2


def write(cut: Cut, path: Path, progress: Progress) -> Notes:
    """Write the cut to a new file.

    Raises
    ------
    ExportError : nothing was recorded in the cut.
    """
    full, notes = survey_all(cut, progress, SURVEY_SHARE)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        _put(archive, "session", np.array(session_json(cut)))
        tables = {
            "units": unit_columns(cut.recording.units),
            "perturbations": perturbation_columns(cut),
            "events": event_columns(cut),
        }
        for table, columns in tables.items():
            for name, values in columns.items():
                _put(archive, f"{table}_{name}", values)
        for i, (name, found) in enumerate(full.items()):
            share = (1 - SURVEY_SHARE) / len(full)
            _put_stream(archive, cut, name, found, part(progress, SURVEY_SHARE + i * share, share))
    return notes


def _put_stream(archive: zipfile.ZipFile, cut: Cut, name: str, found: Survey, progress: Progress) -> None:
    info, n = found.info, found.n_samples
    n_done = 0

    def data() -> Iterable[NDArray[Any]]:
        nonlocal n_done
        for block in cut.blocks(name):
            n_done += len(block)
            progress(n_done / n * (0.5 if found.spike_counts is not None else 1))
            yield block.data

    _put_blocks(archive, name, (n, *info.shape), info.dtype, data())
    if found.ticks is None and len(found.runs) == 1:
        _put(archive, f"{name}_first_tick", np.array(found.first_tick, np.int64))
    else:
        _put_blocks(archive, f"{name}_tick", (n,), np.dtype("<i8"), found.tick_blocks())
    for fact, value in stream_facts(found).items():
        _put(archive, f"{name}_{fact}", np.array(value))
    for column, values in channel_columns(found).items():
        _put(archive, f"{name}_{column}", values)
    if found.spike_counts is None or info.unit_ids is None:
        return
    n_spikes = (int(found.spike_counts.sum()),)
    unit_ids = info.unit_ids

    # two passes: a member of a zip archive is written in one go
    def spikes(column: str) -> Iterable[NDArray[np.int64]]:
        detector = cut.detector(name)
        assert detector is not None
        for block in cut.blocks(name):
            found_here = detector.spikes(block)
            yield found_here.ticks if column == "tick" else unit_ids[found_here.channels]

    for column in ("tick", "unit_id"):
        _put_blocks(archive, f"spikes_{name}_{column}", n_spikes, np.dtype("<i8"), spikes(column))
    progress(1)


def _put(archive: zipfile.ZipFile, name: str, values: NDArray[Any]) -> None:
    _put_blocks(archive, name, values.shape, values.dtype, [values])


def _put_blocks(
    archive: zipfile.ZipFile,
    name: str,
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    blocks: Iterable[NDArray[Any]],
) -> None:
    head = io.BytesIO()
    description = {"descr": npy.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    npy.write_array_header_2_0(head, description)
    n_bytes = 0
    with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
        member.write(head.getvalue())
        for block in blocks:
            raw = np.ascontiguousarray(block, dtype=dtype)
            n_bytes += member.write(raw.tobytes())
    expected = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    if n_bytes != expected:
        raise ExportError(
            f"wrote {n_bytes} bytes of {name!r}, counted {expected}; the recording changed: export it again"
        )


def verify(path: Path, cut: Cut) -> None:
    """Check a finished file: every checksum, and no member needs a pickle.

    Raises
    ------
    ExportError
    """
    with zipfile.ZipFile(path) as archive:
        broken = archive.testzip()
        if broken is not None:
            raise ExportError(f"the npz export is damaged in {broken}; export it again")
