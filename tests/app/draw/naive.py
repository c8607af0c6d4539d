"""Drawings by the definitions, a pixel at a time in exact arithmetic: slow, and obviously right."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np


def column(tick, span, n):
    """The column in which a tick begins."""
    return math.floor(Fraction(tick * n, span))


def step_extremes(samples, k, span, n):
    """{column: (low, high)} of [(tick, value), …] that hold for k ticks, by looking at every pair of the two.

    A sample meets the columns that it reaches into, and the one in which its successor begins.
    """
    found = {}
    ticks = {tick for tick, _ in samples}
    for tick, value in samples:
        last = math.ceil(Fraction((tick + k) * n, span)) - 1
        columns = set(range(column(tick, span, n), last + 1))
        if tick + k in ticks:
            columns.add(column(tick + k, span, n))
        for c in columns:
            if not math.isnan(value):
                low, high = found.get(c, (value, value))
                found[c] = (min(low, value), max(high, value))
    return found


def line_extremes(samples, k, span, n):
    """{column: (low, high)} of the polyline through [(tick, value), …], broken where they are not k ticks apart."""
    found = {}

    def put(c, value):
        low, high = found.get(c, (value, value))
        found[c] = (min(low, value), max(high, value))

    for tick, value in samples:
        put(column(tick, span, n), Fraction(value))
    for (t0, v0), (t1, v1) in itertools.pairwise(samples):
        if t1 - t0 != k:
            continue
        for c in range(column(t0, span, n) + 1, column(t1, span, n) + 1):
            border = Fraction(c * span, n)
            value = Fraction(v0) + (Fraction(v1) - Fraction(v0)) * (border - t0) / (t1 - t0)
            put(c, value)
            put(c - 1, value)
    return found


def by_255(product):
    return math.floor(Fraction(product, 255) + Fraction(1, 2))


def parts(pixel):
    return [int(pixel) >> shift & 255 for shift in (24, 16, 8, 0)]


def joined(values):
    a, r, g, b = values
    return a << 24 | r << 16 | g << 8 | b


def scaled(pixel, alpha):
    return joined([by_255(p * alpha) for p in parts(pixel)])


def over(below, above):
    rest = 255 - parts(above)[0]
    return joined([a + by_255(b * rest) for a, b in zip(parts(above), parts(below), strict=True)])


def trace_picture(extremes, offset, gain, colour, thickness, background, newest, n_slots, gap=0, tints=(), scale=None):
    """(h, n_slots) of crisp traces. extremes: one {column: (low, high)} a channel; tints: (first, last, colour)."""
    picture = np.empty((len(background), n_slots), np.uint32)
    for x in range(n_slots):
        picture[:, x] = background
    for c in range(newest + 1 - n_slots + gap, newest + 1):
        x = c % n_slots
        for first, last, tint in tints:
            if first <= c <= last:
                for y in range(len(background)):
                    picture[y, x] = over(picture[y, x], tint)
        for i, channel in enumerate(extremes):
            if c in channel:
                low, high = channel[c]
                ends = [np.float32(offset[i]) - np.float32(gain[i]) * np.float32(v) for v in (high, low)]
                first = math.floor(min(ends)) - thickness // 2
                last = math.floor(max(ends)) + (thickness - 1) // 2
                for y in range(len(background)):
                    if first <= y <= last:
                        picture[y, x] = colour[i]
    return picture


def raster_picture(spikes, order, colour, alpha, height, newest, n_slots, background, unknown, known, gap=0):
    """(height, n_slots) of [(column, channel), …]; known: columns of which something was heard."""
    picture = np.full((height, n_slots), unknown, np.uint32)
    n_rows = len(order)
    for c in range(newest + 1 - n_slots + gap, newest + 1):
        for y in range(height):
            x = c % n_slots
            if c in known:
                picture[y, x] = background
            if n_rows >= height:
                rows = [i for i in range(n_rows) if y * n_rows // height <= i < (y + 1) * n_rows // height]
            elif n_rows == 0:
                rows = []
            else:
                lane = [p for p in range(height) if p * n_rows // height == y * n_rows // height]
                rows = [] if height >= 4 * n_rows and y == lane[-1] else [y * n_rows // height]
            here = [ch for i in rows for col, ch in spikes if col == c and ch == order[i]]
            if here:
                n = len(here)
                mean = [(sum(parts(colour[ch])[p] for ch in here) + n // 2) // n for p in range(4)]
                mean[0] = 255
                picture[y, x] = over(picture[y, x], scaled(joined(mean), int(alpha[min(n, 255)])))
    return picture


def even_odd(polygon, x, y):
    """Whether a point is inside: an odd number of edges crosses its height at or left of it."""
    crossings = 0
    for (x0, y0), (x1, y1) in zip(polygon, [*polygon[1:], polygon[0]], strict=True):
        low, high = min(y0, y1), max(y0, y1)
        if low <= y < high and x0 + (y - y0) * (x1 - x0) / (y1 - y0) <= x:
            crossings += 1
    return crossings % 2 == 1
