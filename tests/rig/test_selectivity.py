"""Selectivity and tuning against scipy and against signals with a known answer, and what the shifts are for."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import mannwhitneyu, sem

from rig.errors import SpecError
from rig.selectivity import labels_of, selectivity, top_moments, tuning


def test_selectivity_is_the_area_under_the_curve():
    rng = np.random.default_rng(0)
    values = rng.integers(0, 6, (120, 9)).astype(np.float32)  # with ties
    labels = rng.random(120) < 0.2
    found = selectivity(values, labels, 10)
    areas = labels.sum() * (~labels).sum()
    expected = [mannwhitneyu(values[labels, u], values[~labels, u]).statistic / areas for u in range(9)]
    np.testing.assert_allclose(found.auc, expected, atol=1e-12)
    assert found.ranking()[0] == np.argmax(np.abs(np.array(expected) - 0.5))
    assert found.n_moments == labels.sum()


def test_a_unit_that_knows_is_told_from_many_that_do_not():
    rng = np.random.default_rng(1)
    values = rng.standard_normal((400, 3000)).astype(np.float32)
    labels = rng.random(400) < 0.1
    values[:, 1234] += 3 * labels
    values[:, 77] -= 3 * labels
    values[:, 9] = 1  # never changes
    found = selectivity(values, labels)
    assert set(found.ranking()[:2].tolist()) == {77, 1234}
    assert found.auc[1234] > 0.9
    assert found.auc[77] < 0.1
    assert found.auc[9] == 0.5
    assert found.p[[77, 1234]].max() < 0.01
    assert (found.p < 0.05).sum() == 2


def test_p_is_the_share_of_shifts_written_out():
    rng = np.random.default_rng(5)
    values = rng.standard_normal((60, 5))
    labels = rng.random(60) < 0.3
    found = selectivity(values, labels, 40, seed=7)
    areas = labels.sum() * (~labels).sum()

    def farthest(of: np.ndarray) -> np.ndarray:
        return np.array([abs(mannwhitneyu(x[of], x[~of]).statistic / areas - 0.5) for x in values.T])

    shifts = np.random.default_rng(7).integers(1, 60, 40)
    best = np.array([farthest(np.roll(labels, s)).max() for s in shifts])
    expected = [(1 + (best >= distance - 1e-9).sum()) / 41 for distance in farthest(labels)]
    np.testing.assert_allclose(found.p, expected)


def test_chance_is_seldom_called_knowledge():
    """Family-wise: in about one search of twenty, not in about one unit of twenty."""
    rng = np.random.default_rng(2)
    n_false = 0
    for seed in range(60):
        values, labels = rng.standard_normal((150, 200)), rng.random(150) < 0.15
        n_false += bool((selectivity(values, labels, 100, seed).p <= 0.05).any())
    assert n_false <= 9


def test_rhythm_alone_is_no_selectivity():
    """A slow unit and a concept that comes in runs meet by chance: shuffled moments would call it selective."""
    t = np.arange(600)
    slow = np.sin(2 * np.pi * t / 300)[:, None]
    labels = (t // 60) % 5 == 1
    assert abs(selectivity(slow, labels, 400).auc[0] - 0.5) > 0.2
    assert selectivity(slow, labels, 400).p[0] > 0.1


def test_what_cannot_be_told_is_said():
    with pytest.raises(SpecError, match="2 of 50 tokens"):
        selectivity(np.zeros((50, 3)), np.arange(50) < 2)
    with pytest.raises(SpecError, match="at least 3"):
        selectivity(np.zeros((50, 3)), np.ones(50, bool))
    with pytest.raises(SpecError, match="labels"):
        selectivity(np.zeros((10, 2)), np.zeros(9, bool))


def test_tuning_is_mean_and_standard_error():
    rng = np.random.default_rng(3)
    values, labels = rng.standard_normal(50), rng.integers(-1, 3, 50)
    values[4] = np.nan
    found = tuning(values, labels, 4)
    for k in range(3):
        mine = values[(labels == k) & np.isfinite(values)]
        assert found.means[k] == pytest.approx(mine.mean())
        assert found.errors[k] == pytest.approx(sem(mine))
        assert found.counts[k] == len(mine)
    assert np.isnan(found.means[3])
    assert np.isnan(tuning(np.ones(1), np.zeros(1, int), 1).errors[0]), "one moment has no spread"


def test_labels_are_places_among_names():
    assert labels_of(["a", "b"], ["b", "c", "a"]).tolist() == [1, -1, 0]


def test_top_moments_do_not_crowd():
    values = np.array([1, 9, 8, np.nan, 2, 7, 3.0])
    assert top_moments(values, 9, 2).tolist() == [1, 5]
    assert top_moments(values, 9, 1).tolist() == [1, 2, 5, 6, 4, 0]
    assert top_moments(values, 2, 3).tolist() == [1, 5]
