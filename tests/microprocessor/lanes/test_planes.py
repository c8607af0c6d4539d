"""Planes to bytes and back, against numpy's own packing."""

from __future__ import annotations

import numpy as np
from numba import njit

from subjects.microprocessor.lanes.planes import blend_bytes, bytes_from_planes, lowest_bit, word_from_bytes


@njit
def words_of(numbers: np.ndarray, start: int) -> np.ndarray:
    words = np.zeros(8, np.uint64)
    for bit in range(8):
        words[bit] = word_from_bytes(numbers, start, np.uint8(1 << bit))
    return words


@njit
def blend(out: np.ndarray, start: int, numbers: np.ndarray, word: int) -> None:
    blend_bytes(out, start, numbers, word)


@njit
def lowest(word: int) -> int:
    return lowest_bit(word)


def test_bytes_come_from_planes_in_the_order_given():
    rng = np.random.default_rng(0)
    numbers = rng.integers(0, 256, (3, 64), np.uint8)
    # plane 10 + k holds bit k
    planes = rng.integers(0, 2**64, (20, 3), np.uint64)
    for bit in range(8):
        planes[10 + bit] = np.packbits((numbers >> bit) & 1, axis=1, bitorder="little").view(np.uint64)[:, 0]
    out = np.zeros(256, np.uint8)
    for w in range(3):
        bytes_from_planes(planes, np.arange(10, 18), w, out, 7 + 64 * w)
    np.testing.assert_array_equal(out[7 : 7 + 192], numbers.ravel())
    assert not out[:7].any()
    assert not out[199:].any()


def test_words_come_back_from_bytes():
    rng = np.random.default_rng(1)
    numbers = rng.integers(0, 256, 100, np.uint8)
    expected = [np.packbits((numbers[20:84] >> bit) & 1, bitorder="little").view(np.uint64)[0] for bit in range(8)]
    np.testing.assert_array_equal(words_of(numbers, 20), expected)


def test_bytes_are_taken_over_where_a_word_has_bits():
    rng = np.random.default_rng(2)
    out, numbers = rng.integers(0, 256, (2, 100), np.uint8)
    word = rng.integers(0, 2**64, 1, np.uint64)
    taken = np.zeros(100, bool)
    taken[20:84] = np.unpackbits(word.view(np.uint8), bitorder="little")
    expected = np.where(taken, numbers, out)
    blend(out, 20, numbers, word[0])
    np.testing.assert_array_equal(out, expected)


def test_lowest_bit():
    assert [lowest(np.uint64(word)) for word in (1, 2, 12, 1 << 63, (1 << 63) | (1 << 40))] == [0, 1, 2, 63, 40]
