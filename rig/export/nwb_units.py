"""NWB: the Units table, a row for each watched unit whose spikes are defined."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from hdmf.common import ElementIdentifiers, VectorData, VectorIndex
from pynwb import NWBFile
from pynwb.misc import Units

from rig.export.chunks import ragged_chunk
from rig.export.nwb_series import empty
from rig.export.nwb_tables import unit_columns
from rig.export.source import Cut
from rig.export.survey import Survey


def add_units(file: NWBFile, cut: Cut, surveys: Mapping[str, Survey]) -> dict[str, int]:
    """Lay out the table of every stream that has spikes, the spike times empty.

    Returns
    -------
    stream → its first row in the table; rows follow the stream's channels
    """
    spiking = {name: s for name, s in surveys.items() if s.spike_counts is not None and s.info.n_channels}
    if not spiking:
        return {}
    ids = np.concatenate([s.info.unit_ids for s in spiking.values() if s.info.unit_ids is not None])
    counts = np.concatenate([s.spike_counts for s in spiking.values() if s.spike_counts is not None])
    sizes = [s.info.n_channels for s in spiking.values()]
    units = cut.recording.units
    columns = [
        *unit_columns(units, units.rows(ids)),
        VectorData(
            name="stream", description="Stream it was watched in.", data=np.repeat(list(spiking), sizes).tolist()
        ),
        VectorData(name="channel", description="Channel there.", data=np.concatenate([np.arange(n) for n in sizes])),
        *_spike_times(counts),
        *_observed(cut, list(spiking.values())),
    ]
    # one unit watched in two streams would have two rows: then the id is the row
    unique = len(np.unique(ids)) == len(ids)
    definitions = "; ".join(f"{name}: {s.spike_definition}" for name, s in spiking.items())
    file.units = Units(
        name="units",
        description=f"Watched units: not sorted but known. Spikes by stream: {definitions}. {cut.time_axis}.",
        id=ElementIdentifiers(name="id", data=ids if unique else np.arange(len(ids))),
        resolution=float(1 / cut.tick_hz),
        columns=columns,
    )
    return dict(zip(spiking, np.cumsum([0, *sizes[:-1]]).tolist(), strict=True))


def _spike_times(counts: np.ndarray[Any, np.dtype[np.int64]]) -> tuple[VectorData, VectorIndex]:
    n_spikes = int(counts.sum())
    data: Any = np.zeros(0) if not n_spikes else empty((n_spikes,), "<f8", (ragged_chunk(n_spikes, len(counts)),))
    times = VectorData(name="spike_times", description="Spikes, s.", data=data)
    return times, VectorIndex(name="spike_times_index", target=times, data=np.cumsum(counts).astype(np.uint64))


def _observed(cut: Cut, surveys: list[Survey]) -> tuple[VectorData, VectorIndex]:
    """When each unit was watched; Neo wants this, and reads files without gaps only."""
    watched = [s.observed for s in surveys for _ in range(s.info.n_channels)]
    intervals = np.array([interval for intervals in watched for interval in intervals], np.int64).reshape(-1, 2)
    data = VectorData(name="obs_intervals", description="When it was watched, s.", data=cut.seconds(intervals))
    ends = np.cumsum([len(w) for w in watched]).astype(np.uint64)
    return data, VectorIndex(name="obs_intervals_index", target=data, data=ends)
