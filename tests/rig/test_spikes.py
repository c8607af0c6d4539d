"""Spikes against a definition written out sample by sample."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rig.errors import SpecError
from rig.spikes import SpikeDetector, breaks_of, spike_definition
from rig.streams import Samples, StreamInfo, StreamKind


def packed_stream(n_channels: int, ticks_per_sample: int | None = 1) -> StreamInfo:
    return StreamInfo(
        "nodes",
        "",
        StreamKind.UNITS,
        np.dtype("u1"),
        ((n_channels + 7) // 8,),
        ticks_per_sample,
        unit_ids=np.arange(n_channels, dtype=np.int64) * 2,
        packed=True,
    )


def graded_stream(n_channels: int) -> StreamInfo:
    ids = np.arange(n_channels, dtype=np.int64)
    return StreamInfo("act", "", StreamKind.UNITS, np.dtype("f4"), (n_channels,), 2, unit_ids=ids, physical_unit="mV")


def naive(on: np.ndarray, ticks: np.ndarray, k: int | None, breaks: tuple[int, ...] = ()) -> list[tuple[int, int]]:
    """The definition, word by word."""
    found = []
    for i in range(1, len(on)):
        if (k is not None and ticks[i] != ticks[i - 1] + k) or any(ticks[i - 1] < b <= ticks[i] for b in breaks):
            continue
        found += [(int(ticks[i]), c) for c in range(on.shape[1]) if on[i, c] and not on[i - 1, c]]
    return found


def pieces(info: StreamInfo, ticks: np.ndarray, data: np.ndarray, cuts: list[int]) -> list[Samples]:
    edges = [0, *sorted(min(c, len(ticks)) for c in cuts), len(ticks)]
    return [Samples(info, ticks[a:b], data[a:b]) for a, b in pairwise(edges)]


@given(
    n_channels=st.integers(1, 150),
    n=st.integers(0, 40),
    cuts=st.lists(st.integers(0, 40), max_size=4),
    skips=st.lists(st.integers(0, 3), min_size=40, max_size=40),
    seed=st.integers(0, 2**32 - 1),
)
@settings(deadline=None, max_examples=60)
def test_packed_spikes_are_rises_however_they_come_in_pieces(n_channels, n, cuts, skips, seed):
    rng = np.random.default_rng(seed)
    on = rng.integers(0, 2, (n, n_channels), dtype=np.uint8)
    data = np.packbits(on, axis=1, bitorder="little")
    if n_channels % 8:
        data[:, -1] |= rng.integers(0, 256, n, dtype=np.uint8) & (0xFF << n_channels % 8 & 0xFF)
    ticks = 100 + np.cumsum([3 + (3 if s == 0 else 0) for s in skips])[:n]
    info = packed_stream(n_channels, 3)
    expected = naive(on, ticks, 3)

    detector = SpikeDetector(info)
    parts = [detector.spikes(s) for s in pieces(info, ticks, data, cuts)]
    assert [(int(t), int(c)) for p in parts for t, c in zip(p.ticks, p.channels, strict=True)] == expected

    detector = SpikeDetector(info)
    counts = sum(detector.counts(s) for s in pieces(info, ticks, data, cuts))
    assert counts.tolist() == [sum(c == channel for _, c in expected) for channel in range(n_channels)]

    whole = SpikeDetector(info).spikes_by_channel(Samples(info, ticks, data))
    for channel in range(n_channels):
        of_channel = whole.ticks[whole.start[channel] : whole.start[channel + 1]]
        assert of_channel.tolist() == [t for t, c in expected if c == channel]


def test_irregular_stream_breaks_only_at_its_gaps():
    info = packed_stream(3, None)
    ticks = np.array([5, 9, 30, 31], np.int64)
    on = np.array([[0, 0, 1], [1, 0, 0], [1, 1, 1], [1, 0, 1]], np.uint8)
    data = np.packbits(on, axis=1, bitorder="little")
    whole = SpikeDetector(info).spikes(Samples(info, ticks, data))
    assert list(zip(whole.ticks.tolist(), whole.channels.tolist(), strict=True)) == [(9, 0), (30, 1), (30, 2)]
    broken = SpikeDetector(info, breaks=breaks_of([(10, 30)])).spikes(Samples(info, ticks, data))
    assert list(zip(broken.ticks.tolist(), broken.channels.tolist(), strict=True)) == [(9, 0)]


def test_going_back_in_time_breaks_an_irregular_stream():
    info = packed_stream(1, None)
    spikes = SpikeDetector(info).spikes(Samples(info, np.array([7, 3, 4]), np.array([[0], [1], [1]], np.uint8)))
    assert len(spikes) == 0


def test_graded_units_cross_their_threshold_upwards():
    info = graded_stream(2)
    data = np.array([[0.6, 0.4], [0.4, 0.5], [0.5, 0.9], [np.nan, 0.1], [0.5, 2.0]], np.float32)
    ticks = np.arange(5) * 2
    spikes = SpikeDetector(info, threshold=0.5).spikes(Samples(info, ticks, data))
    assert list(zip(spikes.ticks.tolist(), spikes.channels.tolist(), strict=True)) == [(2, 1), (4, 0), (8, 0), (8, 1)]
    assert "0.5 mV" in spike_definition(info, 0.5)


def test_graded_units_without_a_threshold_have_no_spikes():
    with pytest.raises(SpecError, match="give one"):
        SpikeDetector(graded_stream(2))


def test_bool_units_need_no_threshold():
    info = StreamInfo("flags", "", StreamKind.UNITS, np.dtype("?"), (2,), 1, unit_ids=np.array([4, 9]))
    data = np.array([[True, False], [True, True], [False, False], [True, False]])
    spikes = SpikeDetector(info).spikes(Samples(info, np.arange(4), data))
    assert list(zip(spikes.ticks.tolist(), spikes.channels.tolist(), strict=True)) == [(1, 1), (3, 0)]
