"""The estimate behind the map: kernels against naive counts, blocks, decay, and whose signal is whose."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from app.window import activity
from app.window.activity import BIN_S, FLASH_S, N_BINS, ActivityEstimate, spread_blocks
from app.window.activity_kernels import count_rises, sum_changes
from rig.streams import StreamInfo, StreamKind
from rig.units import UnitTable


@given(n=st.integers(0, 700), n_channels=st.integers(1, 40), seed=st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=60)
def test_rises_are_counted_as_one_by_one(n: int, n_channels: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    bits = (rng.random((n + 1, n_channels)) < rng.random()).astype(np.uint8)
    packed = np.packbits(bits, axis=1, bitorder="little")
    total = np.ones(n_channels)
    count_rises(packed[1:], packed[0], total)
    naive = [1 + sum(bits[t, c] == 1 and bits[t - 1, c] == 0 for t in range(1, n + 1)) for c in range(n_channels)]
    assert total.tolist() == naive


def test_changes_are_summed_and_what_is_no_number_counts_nothing() -> None:
    values = np.array([[1.0, 5.0], [np.nan, 5.5], [4.0, 3.5]], np.float32)
    total = np.zeros(2)
    sum_changes(values, np.array([0.5, 5.0], np.float32), total)
    assert total.tolist() == [0.5, 2.5]


@given(n=st.integers(0, 5000), n_most=st.integers(1, 400), n_blocks=st.integers(1, 10))
def test_blocks_are_disjoint_bounded_and_end_with_the_newest(n: int, n_most: int, n_blocks: int) -> None:
    blocks = spread_blocks(n, n_most, n_blocks)
    assert sum(stop - start for start, stop in blocks) <= n_most
    assert all(0 <= start < stop <= n for start, stop in blocks)
    assert all(before[1] <= after[0] for before, after in pairwise(blocks))
    assert (blocks[-1][1] == n) if n else not blocks
    if n <= n_most:
        assert sum(stop - start for start, stop in blocks) == n


@dataclass
class Looked:
    """What the estimate asks of a view."""

    pieces: tuple[NDArray[Any], ...]
    n_missed: int = 0
    intact: bool = True

    def __len__(self) -> int:
        return sum(len(p) for p in self.pieces)


def table(n: int) -> UnitTable:
    return UnitTable.build(np.arange(n) + 10, [f"u{i}" for i in range(n)])


def bits_info(n: int) -> StreamInfo:
    ids = np.arange(n, dtype=np.int64) + 10
    return StreamInfo("s", "", StreamKind.UNITS, np.dtype(np.uint8), ((n + 7) // 8,), 1, ids, packed=True)


def packed(bits: list[list[int]]) -> NDArray[np.uint8]:
    return np.packbits(np.array(bits, np.uint8), axis=1, bitorder="little")


def estimate_of(n: int) -> ActivityEstimate:
    return ActivityEstimate(table(n), bits_info(n))


def take(estimate: ActivityEstimate, looked: Looked, elapsed_s: float) -> bool:
    return estimate.take(looked, elapsed_s)  # type: ignore[arg-type]


def test_rates_are_those_of_the_samples_across_pieces_and_pulls() -> None:
    bits = [[t % 2, int(t % 3 == 0), 1, 0] for t in range(1, 25)]
    whole, parts = estimate_of(4), estimate_of(4)
    take(whole, Looked((packed(bits),)), 0)
    take(parts, Looked((packed(bits[:5]), packed(bits[5:]))), 0)
    # the first sample's past is unknown: 23 are counted;
    expected = [sum(b[c] > a[c] for a, b in pairwise(bits)) / 23 for c in range(4)]
    np.testing.assert_allclose(whole.rate, expected)
    np.testing.assert_array_equal(parts.rate, whole.rate)


def test_a_sample_at_the_border_of_two_pulls_is_counted_once() -> None:
    estimate = estimate_of(1)
    take(estimate, Looked((packed([[0], [0]]),)), 0)
    take(estimate, Looked((packed([[1]]),)), 100.0)
    assert estimate.rate[0] == pytest.approx(1.0)


def test_what_was_missed_is_not_compared_with_what_came_before() -> None:
    estimate = estimate_of(1)
    take(estimate, Looked((packed([[0], [0]]),)), 0)
    take(estimate, Looked((packed([[1], [1]]),), n_missed=7), 100.0)
    assert estimate.rate[0] == 0.0


def test_a_first_sample_has_nothing_to_be_compared_with() -> None:
    ids = np.arange(3, dtype=np.int64)
    units = UnitTable.build(ids, ["a", "b", "c"])
    info = StreamInfo("values", "", StreamKind.UNITS, np.dtype("f4"), (3,), 1, unit_ids=ids)
    graded = ActivityEstimate(units, info)
    graded.take(Looked((np.ones((1, 3), np.float32),)), 0.1)  # type: ignore[arg-type]
    assert not graded.rate.any()
    graded.take(Looked((np.full((1, 3), 4, np.float32),)), 100.0)  # type: ignore[arg-type]
    np.testing.assert_allclose(graded.rate, 3)


def test_activity_fades_with_the_time_constant_and_stands_while_nothing_comes() -> None:
    estimate = estimate_of(1)
    take(estimate, Looked((packed([[0], [1]]),)), 0)
    before, updates = float(estimate.rate[0]), estimate.n_updates
    assert not take(estimate, Looked(()), 10.0)
    assert (float(estimate.rate[0]), estimate.n_updates) == (before, updates)
    estimate._age_s = 0.0
    assert take(estimate, Looked((packed([[1], [1]]),)), FLASH_S)
    assert estimate.rate[0] == pytest.approx(before / np.e)


def test_samples_overwritten_while_they_were_counted_change_nothing() -> None:
    estimate = estimate_of(1)
    take(estimate, Looked((packed([[0], [0]]),)), 0)
    assert not take(estimate, Looked((packed([[0], [1]]),), intact=False), 1.0)
    assert estimate.rate[0] == 0.0


def test_too_many_samples_are_sampled_and_the_rate_stays_right(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(activity, "MAX_WORK_BYTES", 3200)
    estimate = estimate_of(1)
    take(estimate, Looked((packed([[0]]),)), 0)
    take(estimate, Looked((packed([[t % 2] for t in range(100_000)]),)), 0.5)
    assert estimate.rate[0] == pytest.approx(0.5 * (1 - np.exp(-0.5 / FLASH_S)))


def test_history_has_a_bin_a_tenth_of_a_second() -> None:
    estimate = estimate_of(1)
    estimate._age_s = 0.0
    for k in range(N_BINS + 3):
        take(estimate, Looked((packed([[0], [1]] if k % 2 else [[1], [1]]),)), BIN_S * 1.001)
    assert estimate.n_bins == N_BINS + 3
    curve = estimate.curve(0)
    assert len(curve) == N_BINS
    assert curve[-1] == 0.0  # the last pull had no rise: 1 → 1 → 1
    assert curve[-2] == 0.5


def test_a_curve_is_as_long_as_there_are_bins() -> None:
    estimate = estimate_of(2)
    take(estimate, Looked((packed([[0, 1], [1, 0]]),)), BIN_S)
    assert len(estimate.curve(1)) == estimate.n_bins == 1


def test_units_follow_the_channel_of_their_signal() -> None:
    units = UnitTable.build([1, 2, 30, 31], ["a", "b", "t", "lost"], signal_id=[1, 2, 2, 77])
    info = StreamInfo("s", "", StreamKind.UNITS, np.dtype(np.float32), (2,), 1, np.array([1, 2], np.int64))
    estimate = ActivityEstimate(units, info)
    assert estimate.channel_of_row.tolist() == [0, 1, 1, -1]
    take(estimate, Looked((np.array([[0, 0], [0, 2], [0, 0]], np.float32),)), 0)
    levels = estimate.row_levels()
    assert levels[1] == levels[2] == 1.0
    assert levels[0] == levels[3] == 0.0
