"""Triggered sweeps: which are due, how they lie over one another, what their average is."""

from __future__ import annotations

import numpy as np
import pytest
from naive import over, scaled

from app.draw.sweeps import SweepAverage, SweepOverlay, TriggerQueue
from app.draw.trace_image import TraceStyle

BLACK = np.full(8, 0xFF000000, np.uint32)


def overlay(n_kept=3, n_columns=6):
    style = TraceStyle(np.array([6.5], np.float32), np.array([4], np.float32), np.array([0xFFFFFFFF], np.uint32))
    return SweepOverlay(2, 4, n_columns, BLACK, np.array([0]), style, n_kept=n_kept, faintest=0.2)


def test_a_trigger_is_due_once_when_what_follows_is_there():
    queue = TriggerQueue(pre_ticks=2, post_ticks=10, holdoff_ticks=5)
    queue.add([100, 103, 105, 120])
    assert queue.due(109) == ()
    assert queue.due(115) == (100, 105)
    assert queue.due(115) == ()
    assert queue.due(130) == (120,)


def test_sweeps_are_aligned_and_older_ones_fainter():
    image = overlay()
    # a step at the trigger in the first two, none in the last
    image.add(50, 48, 1, np.array([[0], [0], [1], [1], [1], [1]], np.float32), packed=False)
    image.add(93, 90, 1, np.array([[9], [0], [0], [1], [1], [1], [1], [9]], np.float32), packed=False)
    image.add(207, 205, 1, np.zeros((6, 1), np.float32), packed=False)
    image.repaint()
    background, faint, fainter, full = 0xFF000000, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF
    oldest = over(background, scaled(fainter, round(255 * 0.2)))
    both = over(oldest, scaled(faint, round(255 * 0.6)))
    assert image.pixels[2, 2:6].tolist() == [both] * 4
    assert image.pixels[6].tolist() == [full] * 6
    assert image.pixels[2, 0] == background
    assert image.pixels[4, 2] == both  # the edge lies in the trigger's column
    image.add(300, 298, 1, np.zeros((6, 1), np.float32), packed=False)
    image.repaint()
    assert image.pixels[2, 3] == over(background, scaled(faint, round(255 * 0.2)))  # the first is forgotten
    image.clear()
    assert (image.pixels == background).all()


def test_bits_make_sweeps_too():
    bits, plain = overlay(), overlay()
    values = np.array([0, 1, 1, 0, 1, 0], np.uint8)[:, None]
    bits.add(10, 8, 1, np.packbits(values, axis=1, bitorder="little"), packed=True)
    plain.add(10, 8, 1, values.astype(np.float32), packed=False)
    bits.repaint()
    plain.repaint()
    np.testing.assert_array_equal(bits.pixels, plain.pixels)
    assert (bits.pixels != 0xFF000000).any()


def test_average_is_the_mean_and_the_spread():
    sweeps = np.random.default_rng(0).normal(2, 3, (30, 7, 2))
    average = SweepAverage(7, 2)
    for sweep in sweeps:
        average.add(sweep)
    np.testing.assert_allclose(average.mean, sweeps.mean(axis=0))
    np.testing.assert_allclose(average.standard_deviation(), sweeps.std(axis=0))
    average.clear()
    average.add(sweeps[3])
    np.testing.assert_allclose(average.mean, sweeps[3])
    assert average.n == 1


def test_a_fading_average_follows():
    average = SweepAverage(1, 1, n_most=4)
    for value in (0, 0, 0, 0, 8):
        average.add(np.array([[value]]))
    assert average.mean[0, 0] == pytest.approx(2)
