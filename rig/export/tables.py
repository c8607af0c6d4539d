"""Tables for data frames and spreadsheets: a folder of Parquet or CSV files.

``units``, ``perturbations``, ``events``, ``spikes_STREAM`` (tick, time_s, unit_id; by tick) and ``stream_STREAM``
(tick, time_s, a column a field or channel) for every stream that is not packed bits, whose content is its spikes; and
``session.json``. In Parquet, samples of more than 256 numbers are one column of lists, ``data``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray

from rig.errors import ExportError
from rig.export.arrays import (
    Columns,
    decoded,
    event_columns,
    perturbation_columns,
    session_json,
    stream_facts,
    unit_columns,
)
from rig.export.source import Cut, Notes, Progress, part
from rig.export.survey import Survey, survey_all
from rig.streams import Samples, stream_to_json

SURVEY_SHARE = 0.2
MAX_COLUMNS = 256

Writer = Callable[[Path, pa.Schema], Any]


def write_parquet(cut: Cut, path: Path, progress: Progress) -> Notes:
    """Write the cut to a new folder of Parquet files. Raises ExportError."""
    return _write(cut, path, progress, "parquet")


def write_csv(cut: Cut, path: Path, progress: Progress) -> Notes:
    """Write the cut to a new folder of CSV files (UTF-8, RFC 4180). Raises ExportError."""
    return _write(cut, path, progress, "csv")


def _write(cut: Cut, path: Path, progress: Progress, suffix: str) -> Notes:
    full, notes = survey_all(cut, progress, SURVEY_SHARE)
    path.mkdir()
    tables: dict[str, Iterator[pa.RecordBatch]] = {
        "units": iter([_batch(unit_columns(cut.recording.units))]),
        "perturbations": iter([_batch(perturbation_columns(cut))]),
        "events": iter([_batch(event_columns(cut))]),
    }
    jobs = [(name, found, kind) for name, found in full.items() for kind in ("spikes", "stream")]
    share = (1 - SURVEY_SHARE) / len(jobs)
    n_rows = {}
    for i, (name, found, kind) in enumerate(jobs):
        report = part(progress, SURVEY_SHARE + i * share, share)
        if kind == "spikes" and found.spike_counts is not None:
            tables[f"spikes_{name}"] = _spikes(cut, name, found, report)
        if kind == "stream" and not found.info.packed:
            tables[f"stream_{name}"] = _samples(cut, name, found, suffix == "csv", report)
    for table, batches in tables.items():
        n_rows[table] = _write_table(path / f"{table}.{suffix}", batches, suffix)
    streams = {n: stream_to_json(s.info) | stream_facts(s) for n, s in full.items()}
    session = json.loads(session_json(cut)) | {"streams": streams, "n_rows": n_rows}
    (path / "session.json").write_text(json.dumps(session, ensure_ascii=False, indent=1), encoding="utf-8")
    packed = [name for name, found in full.items() if found.info.packed]
    return (*notes, *(f"stream {name!r} is packed bits: its spikes are exported, not its samples" for name in packed))


def _write_table(path: Path, batches: Iterator[pa.RecordBatch], suffix: str) -> int:
    first = next(batches)
    if suffix == "csv":
        writer: Any = pyarrow.csv.CSVWriter(str(path), first.schema)
    else:
        writer = pyarrow.parquet.ParquetWriter(str(path), first.schema, compression="zstd", compression_level=1)
    n_rows = 0
    with writer:
        for batch in _all(first, batches):
            writer.write_batch(batch)
            n_rows += batch.num_rows
    return n_rows


def _all(first: pa.RecordBatch, rest: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    yield first
    yield from rest


def _batch(columns: Columns | dict[str, Any]) -> pa.RecordBatch:
    arrays = {
        name: pa.array(values.tolist(), pa.string())
        if isinstance(values, np.ndarray) and values.dtype.kind == "U"
        else values
        if isinstance(values, pa.Array)
        else pa.array(np.ascontiguousarray(values))
        for name, values in columns.items()
    }
    return pa.RecordBatch.from_arrays(list(arrays.values()), names=list(arrays))


def _spikes(cut: Cut, name: str, found: Survey, progress: Progress) -> Iterator[pa.RecordBatch]:
    detector, unit_ids = cut.detector(name), found.info.unit_ids
    assert detector is not None
    assert unit_ids is not None
    n_done = 0
    for block in cut.blocks(name):
        spikes = detector.spikes(block)
        n_done += len(block)
        progress(n_done / found.n_samples)
        yield _batch({"tick": spikes.ticks, "time_s": cut.seconds(spikes.ticks), "unit_id": unit_ids[spikes.channels]})


def _samples(cut: Cut, name: str, found: Survey, wide: bool, progress: Progress) -> Iterator[pa.RecordBatch]:
    n_done = 0
    for block in cut.blocks(name):
        n_done += len(block)
        progress(n_done / found.n_samples)
        columns: dict[str, Any] = {"tick": block.ticks, "time_s": cut.seconds(block.ticks)}
        for label, values in _parts(block):
            columns |= _columns(label, decoded(values), block, wide)
        yield _batch(columns)


def _parts(block: Samples) -> Iterator[tuple[str, NDArray[Any]]]:
    if block.data.dtype.names is None:
        yield "", block.data
        return
    for field in block.data.dtype.names:
        yield field, block.data[field]


def _columns(label: str, values: NDArray[Any], block: Samples, wide: bool) -> dict[str, Any]:
    flat = values.reshape(len(values), -1)
    n = flat.shape[1]
    if values.ndim == 1:
        return {label or "value": values}
    if n > MAX_COLUMNS and not wide:
        items = pa.array(np.ascontiguousarray(flat).reshape(-1))
        return {label or "data": pa.FixedSizeListArray.from_arrays(items, n)}
    return dict(zip(_names(label, n, block), flat.T, strict=True))


def _names(label: str, n: int, block: Samples) -> list[str]:
    info = block.info
    if not label and info.unit_ids is not None and len(info.unit_ids) == n:
        return [f"unit_{u}" for u in info.unit_ids.tolist()]
    if not label and len(info.channel_names) == n:
        return list(info.channel_names)
    return [f"{label or 'v'}{i}" for i in range(n)]


def verify_parquet(path: Path, cut: Cut) -> None:
    """Check that every table has the rows that were counted. Raises ExportError."""
    _verify(path, lambda name: pyarrow.parquet.ParquetFile(path / f"{name}.parquet").metadata.num_rows)


def verify_csv(path: Path, cut: Cut) -> None:
    """Check that every table is there and ends with a whole line. Raises ExportError."""

    def count(name: str) -> int | None:
        with (path / f"{name}.csv").open("rb") as file:
            file.seek(-1, 2)
            return None if file.read(1) == b"\n" else -1

    _verify(path, count)


def _verify(path: Path, count: Callable[[str], int | None]) -> None:
    session = json.loads((path / "session.json").read_text(encoding="utf-8"))
    for name, n_rows in session["n_rows"].items():
        found = count(name)
        if found not in (None, n_rows):
            raise ExportError(f"table {name!r} of the export is not whole (wrote {n_rows} rows); export it again")
