"""HDF5, plain: what a script in any language reads with nothing but an HDF5 library.

Layout
------
::

    /                 attributes: format, format_version, time_axis, tick_hz, start_tick, stop_tick
    /session          the session's header, JSON
    /units/…          columns, one row a unit
    /perturbations/…  columns, one row an interval
    /events/…         columns, one row an entry of the command log
    /command_log      the log itself, a JSON line an entry
    /streams/NAME/    attributes: description, kind, ticks_per_sample (0: irregular), packed, n_channels,
                      physical_unit, spike_definition
        data          (n_samples, …) as recorded; packed: channel c is bit c % 8 of byte c // 8
        tick          (n_samples,) int64, for an irregular stream, or one with gaps
        first_tick    attribute, where there is no `tick`: sample j is stamped first_tick + j × ticks_per_sample
        unit_id, channel_name, channel_xyz, palette   where there are any
    /spikes/NAME/
        tick          (n_spikes,) int64, sorted by channel, then by tick
        start         (n_channels + 1,) int64: channel c's are tick[start[c]:start[c + 1]]
        unit_id       (n_channels,) int64
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from rig.errors import ExportError
from rig.export.arrays import (
    Columns,
    channel_columns,
    event_columns,
    perturbation_columns,
    session_json,
    stream_facts,
    unit_columns,
)
from rig.export.chunks import RaggedWriter, SampleWriter, chunk_shape, gzip_options, ragged_chunk
from rig.export.hdf5_checked import open_checked as open_checked
from rig.export.source import Cut, Notes, Progress, part
from rig.export.survey import Survey, survey_all
from rig.log import entry_to_line

FORMAT_NAME = "headstage-hdf5"
FORMAT_VERSION = 1
SURVEY_SHARE = 0.3


def write(cut: Cut, path: Path, progress: Progress) -> Notes:
    """Write the cut to a new file.

    Raises
    ------
    ExportError : nothing was recorded in the cut.
    """
    full, notes = survey_all(cut, progress, SURVEY_SHARE)
    with h5py.File(path, "w", track_order=True) as h5:
        h5.attrs["format"] = FORMAT_NAME
        h5.attrs["format_version"] = FORMAT_VERSION
        h5.create_dataset("session", data=session_json(cut), dtype=h5py.string_dtype())  # too long for an attribute
        h5.attrs["time_axis"] = cut.time_axis
        h5.attrs["tick_hz"] = cut.header.info.tick_hz
        h5.attrs["start_tick"], h5.attrs["stop_tick"] = cut.start_tick, cut.stop_tick
        _write_columns(h5.create_group("units"), unit_columns(cut.recording.units))
        _write_columns(h5.create_group("perturbations"), perturbation_columns(cut))
        _write_columns(h5.create_group("events"), event_columns(cut))
        lines = "\n".join(entry_to_line(e) for e in cut.recording.log)
        h5.create_dataset("command_log", data=lines, dtype=h5py.string_dtype())
        streams, spikes = h5.create_group("streams"), h5.create_group("spikes")
        for i, (name, found) in enumerate(full.items()):
            share = (1 - SURVEY_SHARE) / len(full)
            _write_stream(
                cut, found, streams.create_group(name), spikes, part(progress, SURVEY_SHARE + i * share, share)
            )
    return notes


def _write_columns(group: h5py.Group, columns: Columns) -> None:
    for name, values in columns.items():
        if values.dtype.kind == "U":
            group.create_dataset(name, data=values.tolist(), shape=values.shape, dtype=h5py.string_dtype())
        else:
            group.create_dataset(name, data=values)


def _write_stream(cut: Cut, found: Survey, group: h5py.Group, spikes: h5py.Group, progress: Progress) -> None:
    for fact, value in stream_facts(found).items():
        group.attrs[fact] = value
    _write_columns(group, channel_columns(found))
    info, n = found.info, found.n_samples
    data = _create(group, "data", (n, *info.shape), info.dtype, chunk_shape(n, info.shape, info.dtype, info.packed))
    if found.ticks is None and len(found.runs) == 1:
        group.attrs["first_tick"] = found.first_tick
    else:
        shape = chunk_shape(n, (), np.dtype("<i8"), False)
        with SampleWriter(_create(group, "tick", (n,), np.dtype("<i8"), shape)) as ticks:
            for block in found.tick_blocks():
                ticks.append(block)
    detector, n_done = cut.detector(info.name), 0
    with ExitStack() as stack:
        writer = stack.enter_context(SampleWriter(data))
        by_channel = None
        if found.spike_counts is not None:
            start = np.concatenate(([0], np.cumsum(found.spike_counts)))
            by_channel = _spike_writer(spikes.create_group(info.name), found, start)
            if by_channel is not None:
                stack.enter_context(by_channel)
        for samples in cut.blocks(info.name):
            writer.append(samples.data)
            if by_channel is not None and detector is not None:
                found_here = detector.spikes_by_channel(samples)
                for channel in np.flatnonzero(np.diff(found_here.start)).tolist():
                    a, b = found_here.start[channel], found_here.start[channel + 1]
                    by_channel.append(channel, found_here.ticks[a:b])
            n_done += len(samples)
            progress(n_done / n)


def _spike_writer(group: h5py.Group, found: Survey, start: NDArray[np.int64]) -> RaggedWriter | None:
    group.create_dataset("start", data=start)
    group.create_dataset("unit_id", data=found.info.unit_ids)
    n_spikes = int(start[-1])
    if not n_spikes:
        group.create_dataset("tick", shape=(0,), dtype="<i8")
        return None
    chunks = (ragged_chunk(n_spikes, found.info.n_channels),)
    return RaggedWriter(_create(group, "tick", (n_spikes,), np.dtype("<i8"), chunks), start)


def _create(
    group: h5py.Group, name: str, shape: tuple[int, ...], dtype: np.dtype[Any], chunks: tuple[int, ...]
) -> h5py.Dataset:
    return group.create_dataset(name, shape=shape, dtype=dtype, chunks=chunks, **gzip_options(dtype))


def verify(path: Path, cut: Cut) -> None:
    """Check a finished file: nothing outside it, and every stream as long as its ticks say.

    Raises
    ------
    FormatError, ExportError
    """
    with open_checked(path) as h5:
        for name, group in h5["streams"].items():
            n = len(group["data"])
            if "tick" in group and len(group["tick"]) != n:
                raise ExportError(
                    f"the HDF5 export is not whole: stream {name!r} has {n} samples, {len(group['tick'])} ticks"
                )
        for name, group in h5["spikes"].items():
            if group["start"][-1] != len(group["tick"]):
                raise ExportError(f"the HDF5 export is not whole: stream {name!r} lacks spikes; export it again")
