"""Learned thresholds against the definition written out sample by sample, and against the quantiles of numpy."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from rig.errors import FormatError, SpecError
from rig.learned_thresholds import GAIN, N_FIRST, QUANTILE, RATE, LearnedThresholds


def naive_bits(values: list[float], p: float) -> list[bool]:
    """One unit, by the formulas of the module."""
    bits, before, k, level, spread = [], None, 0, 0.0, 0.0
    for x in values:
        on = x > level
        bits.append(on and k >= N_FIRST)
        if before is not None and x == before:
            continue
        before = x
        if k == 0:
            level = x
        else:
            share = max(1 / (k + 1), RATE)
            distance = abs(x - level)
            level += GAIN * share * spread * p if on else -(GAIN * share * spread) * (1 - p)
            spread += share * (distance - spread)
        k += 1
    return bits


def unpacked(bits: np.ndarray, n_channels: int) -> np.ndarray:
    return np.unpackbits(bits, axis=1, count=n_channels, bitorder="little").astype(bool)


@settings(max_examples=60, deadline=None)
@given(
    values=arrays(np.float32, st.tuples(st.integers(0, 90), st.integers(1, 11)), elements=st.integers(-3, 3)),
    cuts=st.lists(st.integers(0, 90), max_size=4),
    p=st.sampled_from([0.5, 0.9, QUANTILE]),
)
def test_bits_follow_the_definition_however_they_come_in_pieces(values, cuts, p):
    n_channels = values.shape[1]
    edges = [0, *sorted(min(c, len(values)) for c in cuts), len(values)]
    thresholds = LearnedThresholds(n_channels, p)
    found = np.concatenate([thresholds.bits(values[a:b]) for a, b in pairwise(edges)])
    expected = [naive_bits([float(x) for x in values[:, c]], p) for c in range(n_channels)]
    assert unpacked(found, n_channels).T.tolist() == expected
    assert not (found[:, -1] >> (n_channels - 1) % 8 + 1).any()


@pytest.mark.parametrize("p", [0.5, 0.9, 0.95, 0.99])
@pytest.mark.parametrize("draw", ["standard_normal", "standard_exponential", "laplace"])
def test_thresholds_come_to_the_quantile(draw, p):
    values = getattr(np.random.default_rng(5), draw)(size=(4000, 40)).astype(np.float32) * 0.01 + 7
    thresholds = LearnedThresholds(40, p)
    bits = unpacked(thresholds.bits(values), 40)
    share = bits[1000:].mean()
    assert abs(share - (1 - p)) < 0.25 * (1 - p)
    low, high = np.quantile(values, [max(p - 0.1, 0), 1 - (1 - p) / 8], axis=0)
    assert ((thresholds.thresholds > low) & (thresholds.thresholds < high)).mean() > 0.9


def test_a_drifting_unit_is_followed():
    rng = np.random.default_rng(1)
    values = (rng.standard_normal((3000, 50)) + 10 * (np.arange(3000)[:, None] >= 1500)).astype(np.float32)
    bits = unpacked(LearnedThresholds(50).bits(values), 50)
    assert bits[2000:].mean() == pytest.approx(0.05, abs=0.01)


@pytest.mark.parametrize("held", [0.0, 50.0])
def test_a_clamped_unit_learns_nothing(held):
    values = np.random.default_rng(2).standard_normal((900, 1)).astype(np.float32) + 3
    thresholds = LearnedThresholds(1)
    thresholds.bits(values[:500])
    clamped = unpacked(thresholds.bits(np.full((400, 1), held, np.float32)), 1)[:, 0]
    assert clamped.tolist() == [held > 10] * 400
    taught_once = thresholds.thresholds
    thresholds.bits(np.full((400, 1), held, np.float32))
    np.testing.assert_array_equal(thresholds.thresholds, taught_once)


def test_state_is_all_the_next_sample_depends_on():
    values = np.random.default_rng(3).standard_normal((300, 9)).astype(np.float32)
    one, other = LearnedThresholds(9), LearnedThresholds(9)
    one.bits(values[:120])
    other.bits(values[::-1])
    other.set_state(one.state())
    np.testing.assert_array_equal(one.bits(values[120:]), other.bits(values[120:]))
    assert one.state() == other.state()


def test_what_is_wrong_is_refused():
    thresholds = LearnedThresholds(9)
    for quantile in (0.0, 1.0, 95.0):
        with pytest.raises(SpecError, match="between 0 and 1"):
            LearnedThresholds(9, quantile)
    with pytest.raises(FormatError, match="9 units"):
        thresholds.set_state(LearnedThresholds(8).state())
    with pytest.raises(FormatError):
        thresholds.set_state(b"nonsense")
