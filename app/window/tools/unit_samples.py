"""Which samples the inspector looks at: the newest of a unit's stream, or the last before where one looks back."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.window.tools.unit_stats import GradedStats, UnitStats, column_on, graded_stats, unit_stats
from rig.errors import EvictedError
from rig.process.ring_reader import RingReader, RingView
from rig.spikes import SpikeDetector, has_spikes
from rig.streams import StreamInfo, StreamKind

MAX_SAMPLES = 65_536
MAX_SAMPLES_OF_SEVERAL = 8192


def streams_of_units(streams: tuple[StreamInfo, ...]) -> tuple[StreamInfo, ...]:
    """Streams of unit activity, those that say what a spike is first."""
    units = [s for s in streams if s.kind is StreamKind.UNITS and s.unit_ids is not None and s.regular]
    return tuple(sorted(units, key=lambda s: not has_spikes(s)))


def window_before(reader: RingReader, stop_tick: int | None, n_samples: int) -> RingView | None:
    """The newest samples, or the last stamped before stop_tick; None when the ring holds none of them."""
    if stop_tick is None:
        view = reader.latest(n_samples)
        return view if len(view) else None
    span = reader.span()
    k = reader.info.ticks_per_sample or 1
    stop = min(stop_tick, span.stop_tick)
    start = max(span.first_tick, stop - n_samples * k)
    if stop - start < k:
        return None
    try:
        return reader.ticks(start, stop)
    except EvictedError:
        return None


def channel_of(info: StreamInfo, signal_id: int) -> int | None:
    """The channel that carries a unit's activity; None when the stream does not."""
    if info.unit_ids is None:
        return None
    channel = int(np.searchsorted(info.unit_ids, signal_id))
    there = channel < len(info.unit_ids) and int(info.unit_ids[channel]) == signal_id
    return channel if there else None


def stats_of_unit(reader: RingReader, signal_id: int, stop_tick: int | None) -> UnitStats | GradedStats | None:
    """None when there are no samples of it."""
    info = reader.info
    channel = channel_of(info, signal_id)
    view = window_before(reader, stop_tick, MAX_SAMPLES)
    if channel is None or view is None:
        return None
    try:
        if has_spikes(info):
            stats: UnitStats | GradedStats = unit_stats(
                column_on(view.pieces, info, channel), info.ticks_per_sample or 1
            )
        else:
            values: NDArray[Any] = np.concatenate([p.reshape(len(p), -1)[:, channel] for p in view.pieces])
            stats = graded_stats(values, info.ticks_per_sample or 1)
        view.check()
    except EvictedError:
        return None  # the writer went round meanwhile; the next look will do
    return stats


def rates_of_units(
    reader: RingReader, signal_ids: NDArray[np.int64], stop_tick: int | None
) -> tuple[NDArray[np.float64], int] | None:
    """Spikes a tick of each unit, and the ticks looked at; None when the stream has no spikes, or no samples."""
    info = reader.info
    view = window_before(reader, stop_tick, MAX_SAMPLES_OF_SEVERAL)
    if view is None or info.unit_ids is None or not has_spikes(info):
        return None
    carried = np.isin(signal_ids, info.unit_ids)
    if not carried.any():
        return None
    channels = np.searchsorted(info.unit_ids, signal_ids[carried]).astype(np.int64)
    counts = np.full(len(signal_ids), np.nan)
    try:
        counts[carried] = SpikeDetector(info).counts(view.copy())[channels]
    except EvictedError:
        return None
    n_ticks = len(view) * (info.ticks_per_sample or 1)
    return counts / n_ticks, n_ticks
