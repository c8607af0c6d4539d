"""Blending, frames, colour maps, and Qt's view of the pixels."""

from __future__ import annotations

import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtGui import QColor, QImage, QPainter

from app.draw.blend import over, pixels_of_rgb, premultiplied, scaled
from app.draw.canvas import draw_pieces, image_over
from app.draw.colour_maps import COLOUR_MAPS, colour_map
from app.draw.frames import frame_size, paint_palette_frame, paint_rgb_frame
from app.draw.time_scale import scroll_pieces

COLOURS = st.tuples(st.integers(0, 0xFFFFFF), st.integers(0, 255))


@settings(deadline=None)
@given(below=COLOURS, above=COLOURS, alpha=st.integers(0, 255))
def test_blending_is_porter_and_duffs(below, above, alpha):
    low, high = premultiplied(below[0], below[1] / 255), premultiplied(above[0], above[1] / 255)
    assert scaled(high, alpha) == naive.scaled(high, alpha)
    assert over(low, high) == naive.over(low, high)


@given(rgb=st.integers(0, 0xFFFFFF), alpha=st.integers(0, 255))
def test_premultiplied_as_it_is_defined(rgb, alpha):
    assert premultiplied(rgb, alpha / 255) == naive.joined(
        [alpha, *(naive.by_255(p * alpha) for p in naive.parts(rgb)[1:])]
    )


@settings(deadline=None)
@given(
    shape=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    size=st.tuples(st.integers(1, 30), st.integers(1, 30)),
    seed=st.integers(0, 99),
)
def test_frames_are_scaled_to_the_nearest(shape, size, seed):
    rng = np.random.default_rng(seed)
    palette = rng.integers(0, 256, (128, 3), dtype=np.uint8)
    frame = rng.integers(0, 160, shape, dtype=np.uint8)
    out, out_rgb = np.zeros(size, np.uint32), np.zeros(size, np.uint32)
    paint_palette_frame(frame, palette, out)
    paint_rgb_frame(palette[np.minimum(frame, 127)], out_rgb)
    for y in range(size[0]):
        for x in range(size[1]):
            r, g, b = palette[min(frame[y * shape[0] // size[0], x * shape[1] // size[1]], 127)].tolist()
            assert out[y, x] == 0xFF000000 | r << 16 | g << 8 | b
    np.testing.assert_array_equal(out, out_rgb)


def test_frames_fill_their_place_in_whole_rows():
    assert frame_size(210, 160, 1.75, 700, 500) == (420, 560)
    assert frame_size(210, 160, 1.75, 700, 500, whole=False) == (500, 667)
    assert frame_size(210, 160, 1.75, 140, 500) == (105, 140)


@pytest.mark.parametrize("name", COLOUR_MAPS)
def test_colour_maps_get_lighter_from_end_to_end(name):
    colours = colour_map(name)
    assert len(colours) == 256
    assert (colours >> 24 == 255).all()
    rgb = np.stack([colours >> shift & 255 for shift in (16, 8, 0)], axis=1) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    lightness = linear @ np.array([0.2126, 0.7152, 0.0722])
    assert (np.diff(lightness) > -1e-3).all()
    assert lightness[-1] - lightness[0] > 0.4
    np.testing.assert_array_equal(colour_map(name, reverse=True), colours[::-1])


def test_a_colour_map_that_is_not_there():
    with pytest.raises(ValueError, match="there are magma"):
        colour_map("jet")


def test_qt_sees_the_pixels_and_draws_the_ring_in_order(qapp):
    pixels = pixels_of_rgb(np.arange(4 * 5 * 3, dtype=np.uint8).reshape(4, 5, 3) * 4)
    image = image_over(pixels)
    assert image.pixelColor(3, 2) == QColor(*((np.arange(3) + (2 * 5 + 3) * 3) * 4).tolist())
    pixels[2, 3] = 0xFF123456
    assert image.pixelColor(3, 2) == QColor(0x12, 0x34, 0x56)
    target = QImage(5, 4, QImage.Format.Format_RGB32)
    painter = QPainter(target)
    draw_pieces(painter, image, scroll_pieces(newest=6, n_visible=5, n_slots=5))
    painter.end()
    shown = np.frombuffer(target.constBits(), np.uint32).reshape(4, 5)
    np.testing.assert_array_equal(shown & 0xFFFFFF, np.roll(pixels, -2, axis=1) & 0xFFFFFF)
