"""Minimum and maximum of every channel in every column of pixels: all that a trace is, once drawn.

They are kept for as many columns as the ring image has slots, so a change of gain, offset or colour needs no samples.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.draw.column_kernels import bit_columns, line_columns, step_columns
from app.draw.column_plan import plan_lines, plan_steps
from app.draw.time_scale import TimeScale, slot_ranges

_NEVER = -(1 << 62)


class TraceForm(Enum):
    """How a trace goes from one sample to the next."""

    STEPS = "steps"
    LINES = "lines"


class TraceColumns:
    """Extremes of the channels of one stream.

    Parameters
    ----------
    scale : ticks to columns
    n_slots : columns kept
    channels : (n,) int64, of the stream, in the order of the traces
    form : analogue samples as steps or as lines between them; bits are steps
    """

    def __init__(
        self, scale: TimeScale, n_slots: int, channels: NDArray[np.int64], form: TraceForm = TraceForm.STEPS
    ) -> None:
        self.scale = scale
        self.n_slots = n_slots
        self.channels = np.ascontiguousarray(channels, dtype=np.int64)
        self.form = form
        n = len(self.channels)
        self.low = np.full((n, n_slots), np.inf, np.float32)
        """(n, n_slots) float32 minimum; above `high` where there is nothing"""
        self.high = np.full((n, n_slots), -np.inf, np.float32)
        self._in_a_row = bool(n) and bool((np.diff(self.channels) == 1).all())
        self._bytes = (int(self.channels.min()) >> 3, (int(self.channels.max()) >> 3) + 1) if n else (0, 0)
        self._low_carry: NDArray[Any] = np.empty(0, np.float32)
        self._high_carry: NDArray[Any] = np.empty(0, np.float32)
        self.reset()

    @property
    def newest(self) -> int | None:
        """The newest column that samples have reached; it may still grow."""
        return None if self._newest == _NEVER else self._newest

    def reset(self) -> None:
        """Forget everything; the next samples may carry any tick."""
        self._newest = _NEVER
        self._edge = _NEVER
        self._last_tick = _NEVER
        self._last: NDArray[Any] | None = None
        self._waiting: tuple[NDArray[np.int64], NDArray[np.float32]] | None = None
        self._dirty_from: int | None = None
        self.low.fill(np.inf)
        self.high.fill(-np.inf)

    def append(self, first_tick: int, ticks_per_sample: int, data: NDArray[Any]) -> None:
        """Take the next samples of a regular stream; those that do not follow at once leave a gap.

        Parameters
        ----------
        first_tick : stamp of the first sample
        data : (n_samples, n_channels) of the stream; NaN is drawn as a gap

        Raises
        ------
        ValueError : the samples lie before others that were taken; `reset` first.
        """
        self._take(first_tick + ticks_per_sample * np.arange(len(data) + 1, dtype=np.int64), _as_float(data))

    def append_bits(self, first_tick: int, ticks_per_sample: int, packed: NDArray[np.uint8]) -> None:
        """As `append`, for (n_samples, n_bytes) packed bits, drawn as 0 and 1."""
        self._take(first_tick + ticks_per_sample * np.arange(len(packed) + 1, dtype=np.int64), packed)

    def append_held(self, ticks: NDArray[np.int64], data: NDArray[Any], stop_tick: int) -> None:
        """Take the next samples of an irregular stream: each holds until the next, the last one until `stop_tick`.

        Parameters
        ----------
        ticks : (n_samples,) int64, ascending; may be empty, to hold what was there
        data : (n_samples, n_channels)
        stop_tick : ticks done
        """
        data = _as_float(data)
        if self._waiting is not None:
            ticks, data = np.append(self._waiting[0], ticks), np.concatenate((self._waiting[1], data))
        n_done = int(np.searchsorted(ticks, stop_tick, "left"))
        self._waiting = (ticks[n_done:], data[n_done:]) if n_done < len(ticks) else None
        ticks, data = ticks[:n_done], data[:n_done]
        if self.form is TraceForm.LINES:
            if n_done:
                self._take(np.append(ticks, ticks[-1]), data, goes_on=self._last is not None)
            return
        if self._last is not None:  # it goes on: the same value twice in a row draws nothing more
            ticks, data = np.append(self._edge, ticks), np.concatenate((self._last[None], data))
        edges = np.append(ticks, stop_tick)
        lasts = edges[1:] > edges[:-1]
        if lasts.any():
            edges = np.append(edges[:-1][lasts], stop_tick)
            self._take(edges, np.ascontiguousarray(data[lasts]), goes_on=self._last is not None)

    def take_dirty(self) -> tuple[int, int]:
        """Columns [first, stop) that changed since this was asked last."""
        if self._dirty_from is None or self._newest == _NEVER:
            return 0, 0
        first, self._dirty_from = self._dirty_from, None
        return max(first, self._newest + 1 - self.n_slots), self._newest + 1

    def _take(self, edges: NDArray[np.int64], data: NDArray[Any], goes_on: bool | None = None) -> None:
        if len(edges) < 2:
            return
        if edges[0] < self._edge:
            raise ValueError(f"samples from tick {edges[0]} come after those up to tick {self._edge}: reset first")
        if goes_on is None:
            goes_on = self._last is not None and int(edges[0]) == self._edge
        if data.dtype == np.uint8:
            self._take_bits(edges, data, goes_on)
        elif self.form is TraceForm.LINES:
            self._take_lines(edges[:-1], data, goes_on)
        else:
            self._take_steps(edges, data, goes_on)
        self._edge, self._last_tick, self._last = int(edges[-1]), int(edges[-2]), data[-1].copy()

    def _take_steps(self, edges: NDArray[np.int64], data: NDArray[Any], goes_on: bool) -> None:
        plan = plan_steps(self.scale, edges, self.n_slots)
        slots, fresh = self._begin(plan.first, len(plan.start))
        if fresh:
            self._empty_carry()
            if goes_on and plan.whole and self._last is not None:
                values = self._last[self.channels]
                np.fmin(self._low_carry, values, out=self._low_carry)
                np.fmax(self._high_carry, values, out=self._high_carry)
        carry = self._low_carry, self._high_carry
        step_columns(data, self.channels, self._in_a_row, plan.start, plan.stop, slots, *carry, self.low, self.high)

    def _take_bits(self, edges: NDArray[np.int64], packed: NDArray[np.uint8], goes_on: bool) -> None:
        plan = plan_steps(self.scale, edges, self.n_slots)
        slots, fresh = self._begin(plan.first, len(plan.start))
        first_byte, stop_byte = self._bytes
        if fresh:
            joins = goes_on and plan.whole and self._last is not None
            before = self._last[first_byte:stop_byte] if joins and self._last is not None else None
            self._low_carry = np.full(stop_byte - first_byte, 255, np.uint8) if before is None else before.copy()
            self._high_carry = np.zeros(stop_byte - first_byte, np.uint8) if before is None else before.copy()
        carry = self._low_carry, self._high_carry
        bit_columns(packed, first_byte, plan.start, plan.stop, slots, *carry, self.channels, self.low, self.high)

    def _take_lines(self, ticks: NDArray[np.int64], data: NDArray[Any], goes_on: bool) -> None:
        plan = plan_lines(self.scale, ticks, self._last_tick if goes_on else None, self.n_slots)
        slots, fresh = self._begin(plan.first, len(plan.left))
        if fresh:
            self._empty_carry()
        last = data[0] if self._last is None else self._last
        carry = self._low_carry, self._high_carry
        line_columns(data, self.channels, plan.start, plan.left, slots, last, *carry, self.low, self.high)

    def _begin(self, first: int, n_columns: int) -> tuple[NDArray[np.int64], bool]:
        """Make room for columns from `first` on: their slots, and whether the first of them is a new one."""
        fresh = first != self._newest
        since = first
        if self._newest != _NEVER and first > self._newest:
            since = self._newest + 1
            for start, stop in slot_ranges(since, first, self.n_slots):
                self.low[:, start:stop] = np.inf
                self.high[:, start:stop] = -np.inf
        self._dirty_from = since if self._dirty_from is None else min(self._dirty_from, since)
        self._newest = max(first + n_columns - 1, self._newest)
        return np.arange(first, first + n_columns) % self.n_slots, fresh

    def _empty_carry(self) -> None:
        self._low_carry = np.full(len(self.channels), np.inf, np.float32)
        self._high_carry = np.full(len(self.channels), -np.inf, np.float32)


def _as_float(data: NDArray[Any]) -> NDArray[np.float32]:
    flat = data.reshape(len(data), int(np.prod(data.shape[1:], dtype=np.int64)))
    return np.ascontiguousarray(flat, dtype=np.float32)
