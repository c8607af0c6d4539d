"""The map: filling against a point-in-polygon test, colouring against a look-up, hits, marks and views."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naive import even_odd

from app.draw.map_image import MapImage, UnitActivity, region_lut
from app.draw.polygon_fill import NOTHING, View, fill_points, fill_polygons
from rig.units import Outlines, UnitTable

BACKGROUND = 0xFF0E1116
COORDINATES = st.floats(-3, 15, allow_nan=False, width=32)
POLYGONS = st.lists(st.tuples(COORDINATES, COORDINATES), min_size=3, max_size=9)


def filled(polygons, width=12, height=10, order=None):
    index = np.full((height, width), NOTHING, np.int32)
    start = np.concatenate(([0], np.cumsum([len(p) for p in polygons]))).astype(np.int64)
    points = np.array([corner for p in polygons for corner in p], np.float64)
    order = np.arange(len(polygons)) if order is None else np.asarray(order)
    fill_polygons(index, points, start, np.arange(len(polygons), dtype=np.int32), order)
    return index


def outlines(polygons, unit_ids, layers=None):
    start = np.concatenate(([0], np.cumsum([len(p) for p in polygons]))).astype(np.int64)
    return Outlines(
        np.array([corner for p in polygons for corner in p], np.float32),
        start,
        np.asarray(unit_ids, np.int64),
        np.asarray(layers or [0] * len(polygons), np.uint8),
    )


def box(x0, y0, x1, y1):
    return [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]


@settings(deadline=None, max_examples=200)
@given(polygon=POLYGONS)
def test_polygons_hold_the_pixels_whose_middles_are_inside(polygon):
    index = filled([polygon])
    ys = [y for _, y in polygon]
    for y in range(10):
        inside = [even_odd(polygon, x + 0.5, y + 0.5) for x in range(12)]
        found = index[y] == 0
        assert (found | ~np.array(inside)).all()
        # what is filled besides is thinner than a pixel: no middle of it inside, but the polygon is in that row
        for x in np.flatnonzero(found & ~np.array(inside)):
            assert min(ys) < y + 1
            assert max(ys) >= y
            assert min(px for px, _ in polygon) < x + 1
            assert max(px for px, _ in polygon) >= x


@settings(deadline=None)
@given(polygons=st.lists(POLYGONS, min_size=2, max_size=4), data=st.data())
def test_later_polygons_lie_above(polygons, data):
    order = data.draw(st.permutations(range(len(polygons))))
    expected = np.full((10, 12), NOTHING, np.int32)
    for k in order:
        expected[filled([polygons[k]]) == 0] = k
    np.testing.assert_array_equal(filled(polygons, order=order), expected)


def test_what_is_thinner_than_a_pixel_is_still_seen():
    index = filled([box(2.1, 1, 2.3, 8), box(4, 3.6, 11, 3.8), box(9.1, 8.1, 9.2, 8.2)])
    assert (index[1:8, 2] == 0).all()
    assert (index[3, 4:11] == 1).all()
    assert index[8, 9] == 2
    assert (index != NOTHING).sum() == 7 + 7 + 1


def test_a_hole_is_drawn_by_crossing_into_it():
    ring = [(0, 0), (8, 0), (8, 8), (0, 8), (0, 0), (2, 2), (6, 2), (6, 6), (2, 6), (2, 2)]
    index = filled([ring])
    expected = np.full((10, 12), NOTHING)
    expected[:8, :8] = 0
    expected[2:6, 2:6] = NOTHING
    np.testing.assert_array_equal(index, expected)


@settings(deadline=None)
@given(points=st.lists(st.tuples(COORDINATES, COORDINATES), max_size=4), radius=st.floats(0, 4, width=32))
def test_points_are_discs(points, radius):
    index = np.full((10, 12), NOTHING, np.int32)
    fill_points(index, np.array(points, np.float64).reshape(-1, 2), np.arange(len(points), dtype=np.int32), radius)
    expected = np.full((10, 12), NOTHING, np.int32)
    for k, (x, y) in enumerate(points):
        for py in range(10):
            for px in range(12):
                near = (px + 0.5 - x) ** 2 + (py + 0.5 - y) ** 2 <= radius * radius
                own = (px, py) == (np.floor(x), np.floor(y))
                if near or own:
                    expected[py, px] = k
    np.testing.assert_array_equal(index, expected)


@pytest.fixture
def units():
    """Two nodes with outlines on two layers, one unit with a place alone, one with nothing."""
    polygons = [box(0, 0, 10, 4), box(2, 2, 6, 8), box(8, 0, 10, 2)]
    return UnitTable.build(
        [5, 7, 9, 11],
        ["a", "b", "c", "d"],
        x=[5, 4, 8.5, np.nan],
        y=[2, 5, 6.5, np.nan],
        outlines=outlines(polygons, [7, 5, 9999], [1, 0, 3]),
    )


def test_units_are_where_they_are(units):
    image = MapImage(units, 10, 10, BACKGROUND, point_radius_um=1.0)
    image.look(View(0, 0, 1))
    expected = np.full((10, 10), NOTHING)
    expected[2:8, 2:6] = 0  # unit 5, lower layer
    expected[0:4, 0:10] = 1  # unit 7, above; the polygon of no unit is left out
    expected[6, 8] = 2
    expected[6:8, 8] = 2
    for y, x in ((5, 8), (6, 7), (6, 8), (6, 9), (7, 8)):
        if (x + 0.5 - 8.5) ** 2 + (y + 0.5 - 6.5) ** 2 <= 1:
            expected[y, x] = 2
    np.testing.assert_array_equal(image.index, expected)
    assert image.unit_at(3, 3) == 1
    assert image.unit_at(3, 6) == 0
    assert image.unit_at(0, 9) is None
    assert image.unit_at(1, 7, reach_px=2) == 0
    assert image.units_in(0, 5, 10, 8).tolist() == [0, 2]
    assert image.units_within(np.array([(7, 4.1), (10, 4.1), (10, 9), (7, 9)])).tolist() == [2]
    assert image.bounds() == (0, 0, 10, 8)
    image.look(View(0, 0, 1), shown=np.array([False, True, True, True]))
    assert image.unit_at(3, 6) is None


def test_colours_are_looked_up(units):
    image = MapImage(units, 10, 10, BACKGROUND, point_radius_um=1.0)
    image.look(View(0, 0, 1))
    luts = np.stack([region_lut(0x102030, 0xFFFFFF), region_lut(0x000000, 0xFF0000)])
    lut_of_unit = np.array([0, 1, 1, 0], np.uint8)
    level = np.array([0.5, 0.25, 7.0, np.nan], np.float32)
    image.colour(level, luts, lut_of_unit)
    colours = {0: luts[0, 128], 1: luts[1, 64], 2: luts[1, 255], NOTHING: BACKGROUND}
    for y in range(10):
        for x in range(10):
            assert image.pixels[y, x] == colours[int(image.index[y, x])]


def test_selected_units_have_a_line_round_them(units):
    image = MapImage(units, 10, 10, BACKGROUND, point_radius_um=0.0)
    image.select(np.array([1]), 0xFF5BC8F5)
    image.look(View(0, 0, 1))
    lut = region_lut(0, 0xFFFFFF)[None]
    image.colour(np.zeros(4, np.float32), lut, np.zeros(4, np.uint8))
    line = image.pixels == 0xFF5BC8F5
    for y in range(10):
        for x in range(10):
            around = [(y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)]
            differs = any(
                not (0 <= b < 10 and 0 <= a < 10) or image.index[b, a] != image.index[y, x] for b, a in around
            )
            assert line[y, x] == (image.index[y, x] == 1 and differs)
    image.select(np.array([], np.int64), 0xFF5BC8F5)
    image.colour(np.zeros(4, np.float32), lut, np.zeros(4, np.uint8))
    assert not (image.pixels == 0xFF5BC8F5).any()


def test_activity_adds_and_fades():
    activity = UnitActivity(np.array([2, -1, 0, 2]), fade_s=0.1)
    activity.update(np.array([1, 0, 1]), 0.0, per_spike=0.5)
    assert activity.level.tolist() == [0.5, 0, 0.5, 0.5]
    activity.update(np.array([0, 0, 1]), 0.1, per_spike=0.5)
    faded = 0.5 / np.e
    assert activity.level.tolist() == pytest.approx([faded + 0.5, 0, faded, faded + 0.5])
    activity.update(np.array([0, 0, 1000]), 0.0)
    assert activity.level[0] == 2


@given(
    y_up=st.booleans(),
    x=st.floats(0, 100),
    y=st.floats(0, 80),
    factor=st.floats(0.2, 5),
)
def test_views_go_there_and_back(y_up, x, y, factor):
    view = View.fitting((-10, 20, 30, 25), 100, 80, margin_px=4, y_up=y_up)
    corners = view.to_pixels(np.array([(-10, 20), (30, 25)]))
    assert corners[:, 0].tolist() == pytest.approx([4, 96])
    assert sorted(corners[:, 1]) == pytest.approx([40 - 2.5 * view.scale, 40 + 2.5 * view.scale])
    point = view.to_space(x, y)
    assert view.to_pixels(np.array([point]))[0].tolist() == pytest.approx([x, y], abs=1e-6)
    assert view.zoomed(factor, x, y).to_pixels(np.array([point]))[0].tolist() == pytest.approx([x, y], abs=1e-6)
    assert view.moved(7, -3).to_pixels(np.array([point]))[0].tolist() == pytest.approx([x + 7, y - 3], abs=1e-6)
