"""Selectivity against scipy and against signals with a known answer."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from rig.errors import SpecError
from rig.selectivity import (
    TOKEN_CLASSES,
    class_tuning,
    concept_moments,
    selectivity,
    token_class,
    top_contexts,
)
from rig.streams import Samples, StreamInfo, StreamKind


def samples(values: np.ndarray) -> Samples:
    ids = np.arange(values.shape[1]) + 10
    info = StreamInfo("a", "", StreamKind.UNITS, values.dtype, (values.shape[1],), 1, unit_ids=ids)
    return Samples(info, np.arange(len(values)), values)


def test_auc_is_mann_whitney_with_ties():
    rng = np.random.default_rng(1)
    values = np.round(rng.normal(size=(300, 7)), 1).astype(np.float32)
    labels = rng.random(300) < 0.2
    found = selectivity(samples(values), labels, n_shifts=20)
    for c in range(7):
        u = mannwhitneyu(values[labels, c], values[~labels, c]).statistic
        assert found.auc[c] == pytest.approx(u / (labels.sum() * (~labels).sum()), abs=1e-5)


def test_a_tuned_unit_is_found_and_noise_is_not():
    rng = np.random.default_rng(2)
    values = rng.normal(size=(800, 500)).astype(np.float32)
    labels = rng.random(800) < 0.1
    values[labels, 123] += 3
    values[labels, 7] -= 3
    values[:, 9] = 1  # never changes
    found = selectivity(samples(values), labels)
    assert set(found.unit_ids[found.order()[:2]]) == {133, 17}
    assert found.p[[123, 7]].max() < 0.01
    assert (np.delete(found.p, [123, 7]) < 0.05).sum() <= 2
    assert (found.auc[9], found.z[9]) == (0.5, 0)


def test_rhythm_alone_is_no_selectivity():
    """A slow unit and a concept that comes in runs meet by chance: shuffled moments would call it selective."""
    t = np.arange(600)
    slow = np.sin(2 * np.pi * t / 300).astype(np.float32)[:, None]
    labels = (t // 60) % 5 == 1
    found = selectivity(samples(slow), labels, n_shifts=400)
    assert abs(found.z[0]) < 2


def test_concept_words_across_tokens():
    texts = [b"The k", b"ing", b" and", b" KING", b"dom", b" of r\xc3", b"\xa9", b"is king", b"."]
    assert np.flatnonzero(concept_moments(texts, ["king"])).tolist() == [0, 1, 7]
    assert np.flatnonzero(concept_moments(texts, ["réis", "kingdom"])).tolist() == [3, 4, 5, 6, 7]
    with pytest.raises(SpecError):
        concept_moments(texts, [" "])


def test_refusals():
    values = np.zeros((10, 2), np.float32)
    with pytest.raises(SpecError, match="labels"):
        selectivity(samples(values), np.zeros(9, bool))
    with pytest.raises(SpecError, match="moments"):
        selectivity(samples(values), np.arange(10) == 1)


def test_classes_and_contexts():
    texts = [b" Romeo", b" is", b" 12", b",", b"\n", b"", b" is"]
    assert [token_class(t) for t in texts[:6]] == list(TOKEN_CLASSES)
    values = np.array([[1.0], [2], [3], [4], [5], [6], [8]])
    assert class_tuning(values, texts)[:, 0].tolist() == [1, 5, 3, 4, 5, 6]
    assert np.isnan(class_tuning(values[:1], texts[:1])[1, 0])
    (first, second) = top_contexts(values[:, 0], texts, n=2, n_before=2, n_after=1)
    assert (first.row, first.before, first.token, first.after) == (6, "\n", " is", "")
    assert second.row == 4
