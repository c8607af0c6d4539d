"""The tables of a recording as named columns, for every format that has no tables of its own."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rig.export.events import log_rows, perturbation_intervals
from rig.export.source import Cut
from rig.export.survey import Survey
from rig.header import header_to_json
from rig.units import UnitTable

Columns = dict[str, NDArray[Any]]


def unit_columns(units: UnitTable) -> Columns:
    """Every column of the table, each (n_units,); text as fixed-width unicode. The subject's own keep their names."""
    columns: Columns = {
        "unit_id": units.unit_id,
        "name": text(units.name),
        "region": text(units.region),
        "kind": text(units.kind),
        "x": units.x,
        "y": units.y,
        "z": units.z,
        "signal_id": units.signal_id,
        "emits": units.emits,
    }
    for name, values in units.extra.items():
        data = np.asarray(values)
        columns[f"{name}_of_unit" if name in columns else name] = decoded(data)
    return columns


def perturbation_columns(cut: Cut) -> Columns:
    """One row an interval that a perturbation held; ids and names of its units are separated by blanks."""
    rows = perturbation_intervals(cut.recording.log, cut.recording.units, cut.start_tick, cut.stop_tick)
    start = np.array([r.start_tick for r in rows], np.int64)
    stop = np.array([r.stop_tick for r in rows], np.int64)
    return {
        "kind": text([r.kind for r in rows]),
        "unit_ids": text([" ".join(map(str, r.unit_ids)) for r in rows]),
        "unit_names": text([" ".join(r.unit_names) for r in rows]),
        "start_tick": start,
        "stop_tick": stop,
        "start_s": cut.seconds(start),
        "stop_s": cut.seconds(stop),
        "open_ended": np.array([r.open_ended for r in rows], np.bool_),
        "amplitude": np.array([r.amplitude for r in rows], np.float64),
        "label": text([r.label for r in rows]),
    }


def event_columns(cut: Cut) -> Columns:
    """One row an entry of the command log."""
    rows = log_rows(cut.recording.log, cut.start_tick, cut.stop_tick)
    ticks = np.array([r.tick for r in rows], np.int64)
    return {
        "seq": np.array([r.seq for r in rows], np.int64),
        "tick": ticks,
        "time_s": cut.seconds(ticks),
        "wall_time_s": np.array([r.wall_time_s for r in rows], np.float64),
        "kind": text([r.kind for r in rows]),
        "name": text([r.name for r in rows]),
        "value": text([r.value for r in rows]),
    }


def session_json(cut: Cut) -> str:
    """All that is known of the run and its streams, without the table of units."""
    value = {k: v for k, v in header_to_json(cut.header).items() if k not in ("units", "streams")}
    value["exported_ticks"] = [cut.start_tick, cut.stop_tick]
    value["time_axis"] = cut.time_axis
    value["problems"] = list(cut.recording.problems)
    return json.dumps(value, ensure_ascii=False, indent=1)


def stream_facts(found: Survey) -> dict[str, str | int | bool]:
    """What the numbers of a stream mean, in plain values. Irregular streams have 0 ticks per sample."""
    info = found.info
    return {
        "description": info.description,
        "kind": str(info.kind),
        "ticks_per_sample": info.ticks_per_sample or 0,
        "packed": info.packed,
        "n_channels": info.n_channels,
        "physical_unit": info.physical_unit,
        "spike_definition": found.spike_definition,
    }


def channel_columns(found: Survey) -> Columns:
    """What is known of a stream's channels: unit_id, channel_name, channel_xyz, palette; only what there is."""
    info = found.info
    columns: Columns = {}
    if info.unit_ids is not None:
        columns["unit_id"] = info.unit_ids
    if info.channel_names:
        columns["channel_name"] = text(info.channel_names)
    if info.channel_xyz is not None:
        columns["channel_xyz"] = info.channel_xyz
    if info.palette is not None:
        columns["palette"] = info.palette
    return columns


def decoded(values: NDArray[Any]) -> NDArray[Any]:
    """Byte strings as unicode, UTF-8; what is none, or no text at all, as it is."""
    return np.char.decode(values, "utf-8", "replace") if values.dtype.kind == "S" else values


def text(values: Any) -> NDArray[np.str_]:
    """Strings as an array of fixed width, (n,) also where there is none."""
    return np.array(list(values), dtype=np.str_) if len(values) else np.zeros(0, "<U1")
