"""Traces against naive drawings, however the data are cut."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naive import line_extremes, step_extremes, trace_picture

from app.draw.time_scale import TimeScale, scroll_pieces
from app.draw.trace_columns import TraceColumns, TraceForm
from app.draw.trace_image import Tint, TraceImage, TraceStyle

SPANS = st.tuples(st.integers(1, 60), st.integers(1, 60))
STARTS = st.sampled_from([0, 1, 7, 12345, 3_600_000_017, 10**14 + 3])


@st.composite
def recordings(draw, n_channels=3):
    """(k, [(first_tick, (n, n_channels) values), …]): consecutive chunks of one sampling, some with a gap before."""
    k = draw(st.integers(1, 9))
    tick = draw(STARTS) // k * k
    chunks = []
    for n in draw(st.lists(st.integers(1, 7), min_size=1, max_size=6)):
        tick += k * draw(st.sampled_from([0, 0, 0, 1, 5]))
        values = draw(st.lists(st.integers(-4, 4), min_size=n * n_channels, max_size=n * n_channels))
        chunks.append((tick, np.array(values, np.float32).reshape(n, n_channels)))
        tick += k * n
    return k, chunks


def channel_samples(k, chunks, channel):
    return [(t + k * j, float(v)) for t, rows in chunks for j, v in enumerate(rows[:, channel])]


def cached(columns, channel):
    """{column: (low, high)} that are kept."""
    newest = columns.newest
    held = {}
    for c in range(newest + 1 - columns.n_slots, newest + 1):
        low, high = columns.low[channel, c % columns.n_slots], columns.high[channel, c % columns.n_slots]
        if low <= high:
            held[c] = (float(low), float(high))
    return held


def within(extremes, newest, n_slots):
    return {c: (float(a), float(b)) for c, (a, b) in extremes.items() if newest - n_slots < c <= newest}


def style_of(n, height, thickness=1, smooth=False):
    offset = ((np.arange(n) + 0.5) * height / n).astype(np.float32)
    gain = np.array([1.5, -1.0, 2.25, 0.5][:n], np.float32)
    colour = np.array([0xFFFF8800, 0xFF00FF88, 0xFF8800FF, 0xFFFFFFFF][:n], np.uint32)
    return TraceStyle(offset, gain, colour, thickness, smooth)


@settings(deadline=None)  # the first example compiles
@given(recording=recordings(), scale=SPANS, n_slots=st.integers(1, 40))
def test_steps_meet_exactly_the_columns_of_the_definition(recording, scale, n_slots):
    k, chunks = recording
    columns = TraceColumns(TimeScale(*scale), n_slots, np.array([2, 0]))
    for first_tick, values in chunks:
        columns.append(first_tick, k, values)
    for row, channel in enumerate((2, 0)):
        expected = step_extremes(channel_samples(k, chunks, channel), k, *scale)
        assert columns.newest == max(expected)
        assert cached(columns, row) == within(expected, columns.newest, n_slots)


@settings(deadline=None)  # the first example compiles
@given(recording=recordings(), scale=SPANS, n_slots=st.integers(1, 40))
def test_lines_have_the_range_of_the_polyline(recording, scale, n_slots):
    k, chunks = recording
    columns = TraceColumns(TimeScale(*scale), n_slots, np.array([0, 1, 2]), TraceForm.LINES)
    for first_tick, values in chunks:
        columns.append(first_tick, k, values)
    for channel in range(3):
        expected = line_extremes(channel_samples(k, chunks, channel), k, *scale)
        assert columns.newest == max(expected)
        expected, found = within(expected, columns.newest, n_slots), cached(columns, channel)
        assert found.keys() == expected.keys()
        for c, ends in expected.items():
            assert found[c] == pytest.approx(ends, abs=1e-5)


@settings(deadline=None)  # the first example compiles
@given(recording=recordings(n_channels=19), scale=SPANS, n_slots=st.integers(1, 40))
def test_bits_are_drawn_as_their_values(recording, scale, n_slots):
    k, chunks = recording
    channels = np.array([18, 9, 11])
    bits, plain = (TraceColumns(TimeScale(*scale), n_slots, channels) for _ in range(2))
    for first_tick, values in chunks:
        on = values > 0
        bits.append_bits(first_tick, k, np.packbits(on, axis=1, bitorder="little"))
        plain.append(first_tick, k, on.astype(np.float32))
    assert bits.newest == plain.newest
    for row in range(3):
        assert cached(bits, row) == cached(plain, row)


@settings(deadline=None)  # the first example compiles
@given(
    recording=recordings(),
    cuts=st.lists(st.integers(0, 40), max_size=6),
    scale=SPANS,
    gap=st.integers(0, 3),
    smooth=st.booleans(),
    form=st.sampled_from(TraceForm),
)
def test_any_cut_gives_the_same_picture(recording, cuts, scale, gap, smooth, form):
    k, chunks = recording
    n_slots, height = 13, 11
    background = (0xFF000000 + np.arange(height)).astype(np.uint32)

    def picture(pieces, step):
        columns = TraceColumns(TimeScale(*scale), n_slots, np.arange(3), form)
        image = TraceImage(
            TimeScale(*scale), n_slots, background, [(columns, style_of(3, height, 1, smooth))], erase_gap=gap
        )
        for i, (first_tick, values) in enumerate(pieces):
            columns.append(first_tick, k, values)
            if step and i % step == 0:
                image.advance()
        image.advance()
        return image

    pieces = []
    for first_tick, values in chunks:
        at = sorted({0, *(c for c in cuts if c < len(values)), len(values)})
        pieces += [(first_tick + k * a, values[a:b]) for a, b in itertools.pairwise(at)]
    whole, cut = picture(chunks, 0), picture(pieces, 2)
    np.testing.assert_array_equal(cut.pixels, whole.pixels)
    before = cut.pixels.copy()
    cut.repaint()
    np.testing.assert_array_equal(cut.pixels, before)  # what is cached is all that is needed


@settings(deadline=None)  # the first example compiles
@given(recording=recordings(), scale=SPANS, thickness=st.integers(1, 3), gap=st.integers(0, 4))
def test_crisp_traces_pixel_by_pixel(recording, scale, thickness, gap):
    k, chunks = recording
    n_slots, height = 17, 14
    style = style_of(3, height, thickness)
    background = (0xFF101010 + np.arange(height)).astype(np.uint32)
    columns = TraceColumns(TimeScale(*scale), n_slots, np.arange(3))
    image = TraceImage(TimeScale(*scale), n_slots, background, [(columns, style)], erase_gap=gap)
    for first_tick, values in chunks:
        columns.append(first_tick, k, values)
        image.advance()
    extremes = [step_extremes(channel_samples(k, chunks, c), k, *scale) for c in range(3)]
    expected = trace_picture(
        extremes, style.offset_px, style.gain_px, style.colour, thickness, background, columns.newest, n_slots, gap
    )
    np.testing.assert_array_equal(image.pixels, expected)


def test_smooth_ends_are_as_opaque_as_they_cover():
    columns = TraceColumns(TimeScale(4, 4), 4, np.arange(1))
    columns.append(0, 1, np.array([[1.25], [1.25], [1.25], [4.25]], np.float32))
    style = TraceStyle(np.array([6], np.float32), np.ones(1, np.float32), np.array([0xFFFFFFFF], np.uint32), 1, True)
    image = TraceImage(TimeScale(4, 4), 4, np.full(8, 0xFF000000, np.uint32), [(columns, style)])
    image.advance()
    grey = image.pixels & 0xFF
    # at y = 4.75, one thick: [4.25, 5.25), so three quarters of row 4 and a quarter of row 5
    assert grey[:, 0].tolist() == [0, 0, 0, 0, 191, 64, 0, 0]
    # and joined with y = 1.75: [1.25, 5.25)
    assert grey[:, 3].tolist() == [0, 191, 255, 255, 255, 64, 0, 0]


def test_tints_lie_behind_and_come_and_go():
    scale, n_slots = TimeScale(10, 5), 5
    columns = TraceColumns(scale, n_slots, np.arange(1))
    style = TraceStyle(np.array([2.5], np.float32), np.ones(1, np.float32), np.array([0xFFFFFFFF], np.uint32))
    background = np.full(4, 0xFF102030, np.uint32)
    image = TraceImage(scale, n_slots, background, [(columns, style)])
    columns.append(0, 1, np.zeros((14, 1), np.float32))
    image.advance()
    plain = image.pixels.copy()
    extremes = [step_extremes([(t, 0.0) for t in range(14)], 1, 10, 5)]
    assert image.set_tints([Tint(6, 9, 0x40400000)])
    expected = trace_picture(
        extremes, style.offset_px, style.gain_px, style.colour, 1, background, 6, 5, tints=[(3, 4, 0x40400000)]
    )
    np.testing.assert_array_equal(image.pixels, expected)
    image.set_tints([Tint(6, None, 0x40400000)])
    expected = trace_picture(
        extremes, style.offset_px, style.gain_px, style.colour, 1, background, 6, 5, tints=[(3, 6, 0x40400000)]
    )
    np.testing.assert_array_equal(image.pixels, expected)
    image.set_tints([])
    np.testing.assert_array_equal(image.pixels, plain)


def test_a_stream_that_lags_shows_no_old_columns():
    scale, n_slots, height = TimeScale(8, 8), 8, 6
    fast, slow = (TraceColumns(scale, n_slots, np.arange(1)) for _ in range(2))
    styles = [
        TraceStyle(np.array([y], np.float32), np.ones(1, np.float32), np.array([colour], np.uint32))
        for y, colour in ((1.5, 0xFFFF0000), (4.5, 0xFF00FF00))
    ]
    image = TraceImage(scale, n_slots, np.full(height, 0xFF000000, np.uint32), [(fast, styles[0]), (slow, styles[1])])
    fast.append(0, 1, np.zeros((8, 1), np.float32))
    slow.append(0, 1, np.zeros((8, 1), np.float32))
    image.advance()
    fast.append(8, 1, np.zeros((3, 1), np.float32))
    image.advance()
    assert (image.pixels[1] == 0xFFFF0000).all()
    assert (image.pixels[4] == 0xFF00FF00).tolist() == [False] * 3 + [True] * 5
    slow.append(8, 1, np.zeros((3, 1), np.float32))
    image.advance()
    assert (image.pixels[4] == 0xFF00FF00).all()


def test_no_drift_after_a_day():
    rate, width = 2_386_364, 1333  # ticks a second of an odd clock on an odd width
    scale = TimeScale(rate, width)
    for second in (1, 3600, 86_400):
        assert scale.column_of(second * rate) == second * width
        assert scale.column_of(second * rate - 1) == second * width - 1
        assert scale.first_tick(second * width) == second * rate
    np.testing.assert_array_equal(
        scale.columns_of(scale.first_ticks(86_400 * width, 86_401 * width)), np.arange(86_400 * width, 86_401 * width)
    )


def test_nan_and_infinity_are_survived():
    columns = TraceColumns(TimeScale(4, 4), 4, np.arange(1))
    columns.append(0, 1, np.array([[np.nan], [np.inf], [-np.inf], [np.nan]], np.float32))
    image = TraceImage(TimeScale(4, 4), 4, np.full(5, 1, np.uint32), [(columns, style_of(1, 5))])
    image.advance()
    assert (image.pixels[:, 0] == 1).all()
    assert (image.pixels[:, 2] != 1).any()


@settings(deadline=None)  # the first example compiles
@given(
    ticks=st.lists(st.integers(0, 40), min_size=1, max_size=12).map(sorted),
    cuts=st.lists(st.integers(0, 41), max_size=5).map(sorted),
    scale=SPANS,
)
def test_held_samples_are_the_steps_they_stand_for(ticks, cuts, scale):
    values = np.arange(len(ticks), dtype=np.float32)[:, None]
    ticks = np.array(ticks)
    held, plain = (TraceColumns(TimeScale(*scale), 80, np.arange(1)) for _ in range(2))
    before = 0
    for done in [*cuts, 45]:
        stop = int(np.searchsorted(ticks, done, "left"))
        held.append_held(ticks[before:stop], values[before:stop], done)
        before = stop
    each = [values[np.searchsorted(ticks, t, "right") - 1] for t in range(ticks[0], 45)]
    plain.append(int(ticks[0]), 1, np.array(each))
    assert cached(held, 0) == cached(plain, 0)


def test_samples_that_go_back_are_refused():
    columns = TraceColumns(TimeScale(4, 4), 4, np.arange(1))
    columns.append(8, 1, np.zeros((4, 1), np.float32))
    with pytest.raises(ValueError, match="reset first"):
        columns.append(4, 1, np.zeros((4, 1), np.float32))
    columns.reset()
    columns.append(4, 1, np.ones((4, 1), np.float32))
    assert cached(columns, 0) == dict.fromkeys(range(4, 8), (1.0, 1.0))


@settings(deadline=None)  # the first example compiles
@given(newest=st.integers(0, 1000), n_visible=st.integers(1, 30), extra=st.integers(-10, 10))
def test_pieces_put_the_newest_column_at_the_right(newest, n_visible, extra):
    n_slots = max(n_visible + extra, 1)
    shown = {}
    for piece in scroll_pieces(newest, n_visible, n_slots):
        for i in range(piece.width):
            shown[piece.target_x + i] = piece.source_x + i
    n = min(n_visible, n_slots)
    assert shown == {n_visible - 1 - back: (newest - back) % n_slots for back in range(n)}


@settings(deadline=None)  # the first example compiles
@given(recording=recordings(), scale=SPANS)
def test_only_the_slots_that_are_told_change(recording, scale):
    k, chunks = recording
    columns = TraceColumns(TimeScale(*scale), 13, np.arange(3))
    image = TraceImage(TimeScale(*scale), 13, np.full(9, 7, np.uint32), [(columns, style_of(3, 9))], erase_gap=2)
    for first_tick, values in chunks:
        columns.append(first_tick, k, values)
        before = image.pixels.copy()
        told = {x for start, stop in image.advance() for x in range(start, stop)}
        assert set(np.flatnonzero((image.pixels != before).any(axis=0)).tolist()) <= told


def test_time_goes_on_without_samples():
    scale = TimeScale(8, 8)
    columns = TraceColumns(scale, 8, np.arange(1))
    image = TraceImage(scale, 8, np.full(3, 7, np.uint32), [(columns, style_of(1, 3))])
    columns.append(0, 1, np.zeros((8, 1), np.float32))
    image.advance()
    image.advance(11)
    assert image.newest == 10
    assert (image.pixels == 7).all(axis=0).tolist() == [True] * 3 + [False] * 5
    assert math.isclose(columns.low[0, 0], 0)


@pytest.mark.parametrize("thickness", [1, 2, 3])
def test_a_long_slope_pixel_by_pixel(thickness):
    n_slots, height = 40, 200  # many rows, each nearly empty: painted column by column
    ramp = np.linspace(-110, 110, n_slots, dtype=np.float32)[:, None]
    columns = TraceColumns(TimeScale(n_slots, n_slots), n_slots, np.arange(1))
    columns.append(0, 1, ramp)
    style = TraceStyle(
        np.array([100.5], np.float32), np.ones(1, np.float32), np.array([0xFFFF8800], np.uint32), thickness
    )
    background = np.full(height, 0xFF101010, np.uint32)
    image = TraceImage(TimeScale(n_slots, n_slots), n_slots, background, [(columns, style)])
    image.advance()
    extremes = [step_extremes([(j, float(v)) for j, v in enumerate(ramp[:, 0])], 1, n_slots, n_slots)]
    expected = trace_picture(
        extremes, style.offset_px, style.gain_px, style.colour, thickness, background, n_slots - 1, n_slots
    )
    np.testing.assert_array_equal(image.pixels, expected)
