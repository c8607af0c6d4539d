"""Rasters against naive drawings, however the data are cut."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naive import column, raster_picture

from app.draw.raster_image import RasterImage, RasterStyle, density_alpha
from app.draw.spike_columns import SpikeColumns
from app.draw.time_scale import TimeScale
from app.draw.trace_image import Tint

BACKGROUND, UNKNOWN = 0xFF141920, 0xFF303840


def style_of(order, n_channels, height, full_at=4):
    colour = np.array([0xFF2FB98A, 0xFFE07B39, 0xFFF0E442, 0xFF4C9BE8], np.uint32)[np.arange(n_channels) % 4]
    rows = np.full(height, BACKGROUND, np.uint32), np.full(height, UNKNOWN, np.uint32)
    return RasterStyle(np.asarray(order, np.int64), colour, density_alpha(full_at), *rows)


@st.composite
def bit_recordings(draw):
    """(n_channels, k, [(first_tick, (n, n_channels) bool), …])"""
    n_channels = draw(st.sampled_from([1, 7, 8, 66]))
    k = draw(st.integers(1, 5))
    tick = draw(st.sampled_from([0, 35, 10**13])) // k * k
    chunks = []
    for n in draw(st.lists(st.integers(1, 8), min_size=1, max_size=5)):
        tick += k * draw(st.sampled_from([0, 0, 1, 4]))
        seed = draw(st.integers(0, 2**31))
        chunks.append((tick, np.random.default_rng(seed).random((n, n_channels)) < 0.4))
        tick += k * n
    return n_channels, k, chunks


def naive_spikes(k, chunks, scale):
    """[(column, channel), …] and the columns that samples reach into."""
    spikes, known, before, edge = [], set(), None, None
    for first_tick, on in chunks:
        for j, row in enumerate(on):
            tick = first_tick + j * k
            known |= set(range(column(tick, *scale), -(-(tick + k) * scale[1] // scale[0])))
            if edge == tick:
                spikes += [(column(tick, *scale), c) for c in range(len(row)) if row[c] and not before[c]]
            before, edge = row, tick + k
    return spikes, known


@settings(deadline=None)  # the first example compiles
@given(
    recording=bit_recordings(),
    scale=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    height=st.integers(1, 20),
    gap=st.integers(0, 3),
    data=st.data(),
)
def test_rasters_pixel_by_pixel(recording, scale, height, gap, data):
    n_channels, k, chunks = recording
    n_rows = data.draw(st.integers(0, n_channels))
    order = data.draw(st.permutations(range(n_channels)))[:n_rows]
    n_slots = 9
    style = style_of(order, n_channels, height)
    columns = SpikeColumns(TimeScale(*scale), n_slots, n_channels)
    image = RasterImage(columns, style, erase_gap=gap)
    for first_tick, on in chunks:
        cut = data.draw(st.integers(0, len(on)))
        for start, stop in ((0, cut), (cut, len(on))):
            columns.append_bits(first_tick + k * start, k, np.packbits(on[start:stop], axis=1, bitorder="little"))
            image.advance()
    spikes, known = naive_spikes(k, chunks, scale)
    expected = raster_picture(
        spikes, order, style.colour, style.alpha, height, max(known), n_slots, BACKGROUND, UNKNOWN, known, gap
    )
    np.testing.assert_array_equal(image.pixels, expected)
    image.repaint()
    np.testing.assert_array_equal(image.pixels, expected)


@settings(deadline=None)
@given(
    spikes=st.lists(st.tuples(st.integers(0, 99), st.integers(0, 4)), max_size=30),
    scale=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    cuts=st.lists(st.integers(0, 100), max_size=4).map(sorted),
)
def test_spikes_from_a_list(spikes, scale, cuts):
    n_slots, height = 12, 10
    style = style_of([4, 3, 2, 1, 0], 5, height)
    columns = SpikeColumns(TimeScale(*scale), n_slots, 5)
    image = RasterImage(columns, style)
    edges = [0, *cuts, 100]
    for start, stop in itertools.pairwise(edges):
        here = [s for s in spikes if start <= s[0] < stop]
        ticks, channels = np.array([s[0] for s in here], np.int64), np.array([s[1] for s in here], np.int32)
        columns.append_spikes(ticks, channels, start, stop)
        image.advance()
    known = {column(t, *scale) for t in range(100)} | set(range(-(-100 * scale[1] // scale[0])))
    placed = [(column(t, *scale), c) for t, c in spikes]
    expected = raster_picture(
        placed, [4, 3, 2, 1, 0], style.colour, style.alpha, height, max(known), n_slots, BACKGROUND, UNKNOWN, known
    )
    np.testing.assert_array_equal(image.pixels, expected)


def test_another_order_keeps_what_has_been():
    columns = SpikeColumns(TimeScale(4, 4), 4, 2)
    columns.append_spikes(np.array([1, 2]), np.array([0, 1]), 0, 4)
    image = RasterImage(columns, style_of([0, 1], 2, 2))
    image.advance()
    before = image.pixels.copy()
    image.set_style(style_of([1, 0], 2, 2))
    np.testing.assert_array_equal(image.pixels, before[::-1])
    image.set_style(style_of([1], 2, 2))
    np.testing.assert_array_equal(image.pixels[0], before[1])


def test_many_units_in_a_pixel_count_together():
    n = 4000
    columns = SpikeColumns(TimeScale(4, 4), 4, n)
    image = RasterImage(columns, style_of(np.arange(n), n, 300, full_at=3))
    columns.append_spikes(np.array([1, 1, 1, 2]), np.array([0, 1, 2, n - 1]), 0, 4)
    image.advance()
    # channels 0, 1, 2 lie in the first pixel: full, in the mean of their colours
    assert image.pixels[0, 1] == 0xFF000000 | 170 << 16 | 179 << 8 | 87
    assert image.pixels[299, 2] not in (BACKGROUND, UNKNOWN)
    assert (image.pixels[1:299] == BACKGROUND).all()
    assert image.count_percentile(100) == 3


def test_counts_stop_at_what_a_byte_holds():
    columns = SpikeColumns(TimeScale(1000, 1), 2, 1)
    columns.append_spikes(np.arange(400), np.zeros(400, np.int64), 0, 400)
    assert columns.counts[0, 0] == 255


def test_density_is_seen_at_one_and_full_where_asked():
    alpha = density_alpha(10)
    assert alpha[0] == 0
    assert alpha[1] == round(0.45 * 255)
    assert (np.diff(alpha.astype(int)) >= 0).all()
    assert alpha[9] < alpha[10] == 255
    assert density_alpha(1)[1] == 255


def test_tints_lie_behind_spikes():
    columns = SpikeColumns(TimeScale(4, 4), 4, 1)
    columns.append_spikes(np.array([1]), np.array([0]), 0, 4)
    image = RasterImage(columns, style_of([0], 1, 1, full_at=1))
    image.advance()
    spike = image.pixels[0, 1]
    image.set_tints([Tint(1, 3, 0x80800000)])
    changed = image.pixels[0] != BACKGROUND
    assert changed.tolist() == [False, True, True, False]
    assert image.pixels[0, 1] == spike


def test_samples_that_go_back_are_refused():
    columns = SpikeColumns(TimeScale(4, 4), 4, 8)
    columns.append_bits(8, 1, np.zeros((4, 1), np.uint8))
    with pytest.raises(ValueError, match="reset first"):
        columns.append_bits(4, 1, np.zeros((4, 1), np.uint8))
