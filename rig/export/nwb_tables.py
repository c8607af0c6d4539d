"""NWB: the tables of a recording (subject, units, electrodes, perturbations, events) and its provenance."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import numpy as np
from hdmf.common import DynamicTable, ElementIdentifiers, VectorData, VectorIndex
from pynwb import NWBFile
from pynwb.epoch import TimeIntervals
from pynwb.event import EventsTable, TimestampVectorData
from pynwb.file import Subject

from rig.export.events import LogRow, log_rows, perturbation_intervals
from rig.export.source import Cut
from rig.header import header_to_json
from rig.log import LogKind, entry_to_line
from rig.units import UnitTable

UNIT_COLUMNS = {
    "unit_name": "Name of the unit.",
    "region": "Named group of units, a path; empty where unknown.",
    "kind": "What the unit is (node, transistor, neuron).",
    "x": "Position in the subject's space.",
    "y": "Position in the subject's space.",
    "z": "Position in the subject's space.",
}


def new_file(cut: Cut) -> NWBFile:
    """A file with what is known of the session and the subject, and no data.

    `keywords` stay out: Neo 0.14.6 cannot read a file that has them.
    """
    header, info = cut.header, cut.header.info
    options = ", ".join(f"{k}={v}" for k, v in sorted(info.options.items())) or "none"
    versions = ", ".join(f"{k} {v}" for k, v in sorted(header.versions.items()))
    description = (
        f"{info.name}: {info.description}. Ticks [{cut.start_tick}, {cut.stop_tick}) of a run with seed {header.seed}. "
        f"One tick is one {info.tick_name}. {cut.time_axis}."
    )
    file = NWBFile(
        session_description=description,
        identifier=str(uuid4()),
        session_start_time=datetime.fromtimestamp(header.created_s, UTC),
        session_id=_identifier(f"{header.plugin}-seed-{header.seed}-tick-{cut.start_tick}"),
        experiment_description=f"Recording of every watched unit of a computing system ({info.kind}) by Headstage.",
        data_collection=f"plugin {header.plugin}; options: {options}; seed {header.seed}; versions: {versions}",
        notes=f"source: {info.source}; licence: {info.licence}; fingerprint: {info.fingerprint}",
        source_script="rig.export.nwb",
        source_script_file_name="headstage " + header.versions.get("headstage", ""),
    )
    file.subject = Subject(
        subject_id=_identifier(info.name),
        description=f"{info.description} (not an organism: a computing system). Source: {info.source}",
        species="Synthetic construct",  # NCBITaxon_32630
        sex="O",
        age="P0D",
    )
    without_units = {k: v for k, v in header_to_json(header).items() if k != "units"}
    file.add_scratch(json.dumps(without_units), name="session_json", description="Header of the native recording.")
    if cut.recording.log:
        lines = "\n".join(entry_to_line(e) for e in cut.recording.log)
        file.add_scratch(lines, name="command_log", description="Everything the run depended on, a JSON line an entry.")
    return file


def add_subject_units(file: NWBFile, units: UnitTable) -> None:
    """What the subject is made of, watched or not: a table in the module ``misc``."""
    if not len(units):
        return
    columns = unit_columns(units, np.arange(len(units)))
    columns.append(
        VectorData(name="signal_id", description="Id of the unit whose activity is this one's.", data=units.signal_id)
    )
    columns.append(VectorData(name="emits", description="Whether it adds to field potentials.", data=units.emits))
    taken = {c.name for c in columns} | {"id", "name", "description", "columns", "colnames", "parent"}
    for name, values in units.extra.items():
        data = np.asarray(values)
        data = data.astype(str).tolist() if data.dtype.kind in "US" else data
        column = f"{name}_of_unit" if name in taken else name
        columns.append(VectorData(name=column, description=f"The subject's own column {name!r}.", data=data))
    table = DynamicTable(
        name="subject_units",
        description="Every unit of the subject. The id is the unit id; positions are in the subject's space.",
        id=ElementIdentifiers(name="id", data=units.unit_id),
        columns=columns,
    )
    misc = file.create_processing_module(name="misc", description="What the subject is made of.")
    misc.add(table)


def unit_columns(units: UnitTable, rows: np.ndarray[Any, np.dtype[np.int64]]) -> list[VectorData]:
    """Name, region, kind and position of some rows; a position unknown throughout is left out."""
    columns = []
    for name, description in UNIT_COLUMNS.items():
        values = getattr(units, "name" if name == "unit_name" else name)
        data: Any = [values[r] for r in rows] if isinstance(values, tuple) else values[rows].astype(np.float64)
        if not isinstance(data, list) and np.isnan(data).all():
            continue
        columns.append(VectorData(name=name, description=description, data=data))
    return columns


def add_perturbations(file: NWBFile, cut: Cut) -> None:
    """What was done to the subject, as intervals."""
    found = perturbation_intervals(cut.recording.log, cut.recording.units, cut.start_tick, cut.stop_tick)
    # the inspector calls a table wrong in which all intervals start together: these get a table each
    together = len(found) > 1 and len({p.start_tick for p in found}) == 1
    groups = [[p] for p in found] if together else [list(found)] if found else []
    for i, group in enumerate(groups):
        ids, ids_index = ragged("unit_ids", "Ids of the units, see subject_units.", [list(p.unit_ids) for p in group])
        names, names_index = ragged("unit_names", "Names of the units.", [list(p.unit_names) for p in group])
        plain = {
            "start_time": ("Start, s.", cut.seconds([p.start_tick for p in group])),
            "stop_time": (
                "End, s; for what still held, the end of the export.",
                cut.seconds([p.stop_tick for p in group]),
            ),
            "kind": ("What was done: drive, silence, stuck_on, stuck_off, remove.", [p.kind for p in group]),
            "amplitude": (
                "Level the units were held at, in their own measure.",
                np.array([p.amplitude for p in group]),
            ),
            "start_tick": ("First tick that may show it.", np.array([p.start_tick for p in group], np.int64)),
            "stop_tick": ("First tick after it.", np.array([p.stop_tick for p in group], np.int64)),
            "is_open_ended": ("Still held when the export ended.", np.array([p.open_ended for p in group])),
            "label": ("What made it.", [p.label for p in group]),
        }
        columns = [VectorData(name=n, description=d, data=v) for n, (d, v) in plain.items()]
        table = TimeIntervals(
            name="perturbations" if i == 0 else f"perturbations_{i + 1}",
            description="Stimuli, silencing and lesions, as they really held.",
            id=ElementIdentifiers(name="id", data=np.arange(len(group))),
            columns=[*columns, ids, ids_index, names, names_index],
        )
        file.add_time_intervals(table)


_EVENTS = {
    "controls": ((LogKind.CONTROL,), "What the subject was given from outside."),
    "notes": ((LogKind.NOTE,), "Notes made during the run."),
    "marks": ((LogKind.MARK,), "Event marks set during the run."),
    "triggers": ((LogKind.TRIGGER,), "Triggers that fired."),
    "session_events": (
        (LogKind.RESET, LogKind.RESTORE, LogKind.WATCH, LogKind.RECORD, LogKind.WARNING, LogKind.REMARK),
        "What happened to the session.",
    ),
}


def add_events(file: NWBFile, cut: Cut) -> None:
    """The rest of the command log, a table a kind."""
    rows = log_rows(cut.recording.log, cut.start_tick, cut.stop_tick)
    for table, (kinds, description) in _EVENTS.items():
        chosen = [r for r in rows if r.kind in kinds]
        if chosen:
            file.add_events_table(_events_table(cut, table, description, chosen))


def _events_table(cut: Cut, name: str, description: str, rows: Sequence[LogRow]) -> EventsTable:
    ticks = np.array([r.tick for r in rows], np.int64)
    columns = [
        timestamps(cut, ticks),
        VectorData(name="tick", description="It took effect before this tick was done.", data=ticks),
        VectorData(name="kind", description="Kind of entry.", data=[r.kind for r in rows]),
        VectorData(name="subject_of_entry", description="Control, stream or trigger.", data=[r.name for r in rows]),
        VectorData(name="value", description="What it was set to, text, or number.", data=[r.value for r in rows]),
        VectorData(name="wall_clock_s", description="Seconds since 1970.", data=[r.wall_time_s for r in rows]),
    ]
    return EventsTable(
        name=name,
        description=description,
        source_description="command log of the session",
        id=ElementIdentifiers(name="id", data=np.array([r.seq for r in rows], np.int64)),
        columns=columns,
    )


def timestamps(cut: Cut, ticks: Any) -> TimestampVectorData:
    return TimestampVectorData(
        name="timestamp", description="s", data=cut.seconds(ticks), resolution=float(1 / cut.tick_hz)
    )


def ragged(name: str, description: str, rows: Sequence[Sequence[Any]]) -> tuple[VectorData, VectorIndex]:
    """A column with any number of values a row, and its index."""
    flat = [value for row in rows for value in row]
    data = VectorData(name=name, description=description, data=flat)
    ends = np.cumsum([len(row) for row in rows], dtype=np.uint64)
    return data, VectorIndex(name=f"{name}_index", target=data, data=ends)


def _identifier(text: str) -> str:
    """Text that archives can make file names of."""
    return re.sub(r"[^A-Za-z0-9_.+-]+", "-", text).strip("-") or "unnamed"
