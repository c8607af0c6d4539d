"""Ticks to columns of pixels, exactly and for ever: integers only, so hours of running shift nothing.

A window of `span_ticks` is `n_columns` wide. Column c is the real interval [c s/n, (c + 1) s/n) of ticks, counted from
tick 0 and never wrapped; in a ring image of w slots it lies in slot ``c % w``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class TimeScale:
    """How many ticks a column of pixels is wide, as a ratio.

    Attributes
    ----------
    span_ticks : of the visible window, at least 1
    n_columns : device pixels of that window, at least 1
    """

    span_ticks: int
    n_columns: int

    def __post_init__(self) -> None:
        if self.span_ticks < 1 or self.n_columns < 1:
            raise ValueError(f"a window needs ticks and columns, got {self.span_ticks} and {self.n_columns}")

    def column_of(self, tick: int) -> int:
        """The column in which a tick begins."""
        return tick * self.n_columns // self.span_ticks

    def last_column(self, stop_tick: int) -> int:
        """The last column that ticks before `stop_tick` reach into."""
        return (stop_tick * self.n_columns - 1) // self.span_ticks

    def first_tick(self, column: int) -> int:
        """The first tick that begins in the column or, where ticks are wider than columns, after it."""
        return -(-column * self.span_ticks // self.n_columns)

    def first_ticks(self, first: int, stop: int) -> NDArray[np.int64]:
        """`first_tick` of the columns [first, stop)."""
        turns, rest = np.divmod(np.arange(first, stop, dtype=np.int64), self.n_columns)
        # by turns, so that no product of two large numbers is made
        ticks: NDArray[np.int64] = turns * self.span_ticks - (-rest * self.span_ticks // self.n_columns)
        return ticks

    def columns_of(self, ticks: NDArray[np.int64]) -> NDArray[np.int64]:
        """`column_of` for (n,) ticks."""
        turns, rest = np.divmod(ticks, self.span_ticks)
        columns: NDArray[np.int64] = turns * self.n_columns + rest * self.n_columns // self.span_ticks
        return columns


def slot_ranges(first: int, stop: int, n_slots: int) -> tuple[tuple[int, int], ...]:
    """Slots [start, stop) of the columns [first, stop), at most two ranges, in the order of the columns.

    Of more columns than slots the newest count.
    """
    first = max(first, stop - n_slots)
    if stop <= first:
        return ()
    start, end = first % n_slots, first % n_slots + stop - first
    if end <= n_slots:
        return ((start, end),)
    return ((start, n_slots), (0, end - n_slots))


@dataclass(frozen=True)
class Piece:
    """A part of a ring image and where it goes: `width` columns from `source_x` to `target_x`."""

    source_x: int
    target_x: int
    width: int


def scroll_pieces(newest: int, n_visible: int, n_slots: int) -> tuple[Piece, ...]:
    """What to draw so that column `newest` lies at the right edge of a window of `n_visible` columns."""
    first = newest + 1 - min(n_visible, n_slots)
    target = n_visible - min(n_visible, n_slots)
    pieces = []
    for start, stop in slot_ranges(first, newest + 1, n_slots):
        pieces.append(Piece(start, target, stop - start))
        target += stop - start
    return tuple(pieces)
