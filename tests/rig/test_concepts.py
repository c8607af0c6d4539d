"""Concepts: words out of tokens, selectivity against scipy, and what the shuffles are for."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from rig.concepts import selectivity, tokens_of_words, top_contexts
from rig.errors import SpecError


def test_words_are_found_in_whatever_tokens_they_come():
    texts = ["Jen", "ni", "fer", " sat", ".\n", "KING", " jennifer", ",", " Jenn", " king's"]
    assert np.flatnonzero(tokens_of_words(texts, ["jennifer"])).tolist() == [0, 1, 2, 6, 7]
    assert np.flatnonzero(tokens_of_words(texts, ["King", "sat"])).tolist() == [3, 4, 5]
    assert not tokens_of_words(texts, ["nifer"]).any()
    assert len(tokens_of_words([], ["a"])) == 0


def test_selectivity_is_the_area_under_the_curve():
    rng = np.random.default_rng(0)
    values = rng.integers(0, 6, (120, 9)).astype(np.float32)  # with ties
    labels = rng.random(120) < 0.2
    found = selectivity(values, labels, 10)
    areas = labels.sum() * (~labels).sum()
    expected = [mannwhitneyu(values[labels, u], values[~labels, u]).statistic / areas for u in range(9)]
    np.testing.assert_allclose(found.auc, expected, atol=1e-12)
    assert found.ranking()[0] == np.argmax(np.abs(np.array(expected) - 0.5))
    assert found.n_tokens == labels.sum()


def test_a_unit_that_knows_is_told_from_many_that_do_not():
    rng = np.random.default_rng(1)
    values = rng.standard_normal((400, 3000)).astype(np.float32)
    labels = rng.random(400) < 0.1
    values[:, 1234] += 3 * labels
    values[:, 77] -= 3 * labels
    found = selectivity(values, labels)
    assert set(found.ranking()[:2].tolist()) == {77, 1234}
    assert found.auc[1234] > 0.9
    assert found.auc[77] < 0.1
    assert found.p[[77, 1234]].max() < 0.01
    assert (found.p < 0.05).sum() == 2


def test_chance_is_seldom_called_knowledge():
    """Family-wise: in about one search of twenty, not in about one unit of twenty."""
    rng = np.random.default_rng(2)
    n_false = 0
    for seed in range(60):
        values, labels = rng.standard_normal((150, 200)), rng.random(150) < 0.15
        n_false += bool((selectivity(values, labels, 100, seed).p <= 0.05).any())
    assert n_false <= 9


def test_too_few_tokens_are_said():
    with pytest.raises(SpecError, match="2 of 50 tokens"):
        selectivity(np.zeros((50, 3)), np.arange(50) < 2)
    with pytest.raises(SpecError):
        selectivity(np.zeros((50, 3)), np.ones(50, bool))


def test_top_contexts_do_not_crowd():
    values = np.array([1, 9, 8, np.nan, 2, 7, 3.0])
    assert top_contexts(values, 9, 2).tolist() == [1, 5]
    assert top_contexts(values, 9, 1).tolist() == [1, 2, 5, 6, 4, 0]
    assert top_contexts(values, 2, 3).tolist() == [1, 5]
