"""Spectra against scipy's, their picture against a naive drawing."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st

from app.draw.spectrogram_image import FrequencyRows, SpectrogramImage, SpectrogramStyle
from app.draw.spectrum import Spectra, SpectrumAverage, SpectrumPlan, SpectrumStream, decibels
from app.draw.time_scale import TimeScale

UNKNOWN = 0xFF445566
COLOURS = (0xFF000000 + np.arange(256) * 0x010101).astype(np.uint32)


@settings(deadline=None)
@given(
    length=st.sampled_from([2, 8, 64, 100]),
    share=st.sampled_from([1, 2, 4]),
    detrend=st.booleans(),
    cuts=st.lists(st.integers(1, 999), max_size=6).map(sorted),
)
def test_spectra_are_scipys_however_the_samples_come(length, share, detrend, cuts):
    rate, k, first_tick = 3000.0, 7, 70_007
    values = np.random.default_rng(length).normal(3, 1, 1000).astype(np.float32)
    plan = SpectrumPlan(rate, length, max(length // share, 1), detrend)
    stream = SpectrumStream(plan, k)
    got = []
    edges = [0, *cuts, len(values)]
    for start, stop in itertools.pairwise(edges):
        spectra = stream.append(first_tick + k * start, values[start:stop])
        assert spectra.run_tick == first_tick
        assert spectra.first == sum(len(d) for d in got)
        got.append(spectra.density)
    frequencies, _, expected = scipy.signal.spectrogram(
        values.astype(np.float64),
        rate,
        window=scipy.signal.get_window("hann", length),
        noverlap=length - plan.hop,
        detrend="constant" if detrend else False,
        scaling="density",
        mode="psd",
    )
    np.testing.assert_allclose(plan.frequencies_hz, frequencies)
    np.testing.assert_allclose(np.concatenate(got), expected.T, rtol=1e-9, atol=1e-12)


def test_a_gap_begins_another_run():
    stream = SpectrumStream(SpectrumPlan(1000.0, 8, 4), 2)
    assert len(stream.append(0, np.ones(7)).density) == 0
    spectra = stream.append(100, np.ones(13))
    assert (spectra.run_tick, spectra.first, len(spectra.density)) == (100, 0, 2)
    spectra = stream.append(126, np.ones(4))
    assert (spectra.run_tick, spectra.first, len(spectra.density)) == (100, 2, 1)


def test_average_is_the_mean_and_then_fades():
    density = np.random.default_rng(0).random((20, 3))
    average = SpectrumAverage(3)
    average.add(density[:5])
    average.add(density[5:])
    np.testing.assert_allclose(average.density, density.mean(axis=0))
    fading = SpectrumAverage(1, n_most=4)
    fading.add(np.array([[1.0], [1], [1], [1], [9]]))
    assert fading.density[0] == pytest.approx(1 + 8 / 4)
    assert decibels(np.array([100.0, 0.0])).tolist() == [20.0, -300.0]


@pytest.mark.parametrize("logarithmic", [False, True])
@pytest.mark.parametrize(("height", "length"), [(7, 64), (40, 16), (300, 2048)])
def test_rows_average_what_they_show(logarithmic, height, length):
    plan = SpectrumPlan(1000.0, length, length)
    width = 1000 / length
    low, high = width if logarithmic else 0.0, 500.0
    rows = FrequencyRows.between(plan, height, low, high, logarithmic)
    edges = [
        high * (low / high) ** (r / height) if logarithmic else high + (low - high) * r / height
        for r in range(height + 1)
    ]
    np.testing.assert_allclose(rows.edges_hz, edges)
    for r in range(height):
        expected = {}
        for k in range(length // 2 + 1):
            overlap = min(edges[r], (k + 0.5) * width) - max(edges[r + 1], (k - 0.5) * width)
            if overlap > 1e-9 * width:
                expected[k] = overlap / (edges[r] - edges[r + 1])
        entries = slice(rows.start[r], rows.start[r + 1])
        found = {int(k): w for k, w in zip(rows.bins[entries], rows.weights[entries], strict=True) if w > 1e-6}
        assert found == pytest.approx({k: w for k, w in expected.items() if w > 1e-6}, rel=1e-3)
        assert rows.weights[entries].sum() == pytest.approx(1)
        assert rows.row_of((edges[r] + edges[r + 1]) / 2) == r


@settings(deadline=None)
@given(
    scale=st.tuples(st.integers(1, 200), st.integers(1, 30)),
    starts=st.lists(st.integers(0, 60), min_size=1, max_size=3),
    cut=st.integers(0, 12),
)
def test_spectrograms_pixel_by_pixel(scale, starts, cut):
    plan, k, n_slots, height = SpectrumPlan(100.0, 8, 4), 3, 9, 6
    rows = FrequencyRows.between(plan, height, 0, 50)
    style = SpectrogramStyle(rows, COLOURS, -10.0, 10.0, UNKNOWN)
    image = SpectrogramImage(TimeScale(*scale), n_slots, plan, k, style)
    rng = np.random.default_rng(len(starts))
    means, run_tick = {}, 0
    for pause in starts:
        run_tick += pause
        density = 10 ** rng.uniform(-1.5, 1.5, (4, 5))
        for first, some in ((0, density[: min(cut, 4)]), (min(cut, 4), density[min(cut, 4) :])):
            image.append(Spectra(run_tick, first, some))
        for i in range(4):
            start, stop = run_tick + (4 * i + 2) * k, run_tick + (4 * i + 6) * k
            for c in range(start * scale[1] // scale[0], -(-stop * scale[1] // scale[0])):
                means.setdefault(c, []).append(density[i])
        run_tick += 16 * k
    newest = max(means)
    assert image.newest == newest
    for c in range(newest + 1 - n_slots, newest + 1):
        for y in range(height):
            pixel = image.pixels[y, c % n_slots]
            if c not in means:
                assert pixel == UNKNOWN
                continue
            mean = np.mean(means[c], axis=0)
            entries = range(rows.start[y], rows.start[y + 1])
            level = 10 * math.log10(sum(rows.weights[e] * mean[rows.bins[e]] for e in entries))
            at = min(max((level + 10) * 255 / 20 + 0.5, 0), 255)
            nearest = {int(max(min(at + d, 255), 0)) for d in (-1e-6, 1e-6)}  # the mean is summed in another order
            assert pixel in {COLOURS[i] for i in nearest}
    before = image.pixels.copy()
    image.repaint()
    np.testing.assert_array_equal(image.pixels, before)


def test_time_goes_on_without_spectra():
    plan = SpectrumPlan(100.0, 8, 4)
    style = SpectrogramStyle(FrequencyRows.between(plan, 4, 0, 50), COLOURS, -10.0, 10.0, UNKNOWN)
    image = SpectrogramImage(TimeScale(8, 8), 8, plan, 1, style)
    image.append(Spectra(-2, 0, np.ones((2, 5))))  # columns 0 to 7
    assert (image.pixels != UNKNOWN).all()
    image.advance(11)
    assert (image.pixels == UNKNOWN).all(axis=0).tolist() == [True] * 3 + [False] * 5
    assert image.level_percentiles([50]) == pytest.approx([0.0])
    with pytest.raises(ValueError, match="reset first"):
        image.append(Spectra(-20, 0, np.ones((1, 5))))


def test_frequencies_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="must rise"):
        FrequencyRows.between(SpectrumPlan(100.0, 8, 4), 4, 0, 50, logarithmic=True)
    with pytest.raises(ValueError, match="even length"):
        SpectrumPlan(100.0, 7, 4)
