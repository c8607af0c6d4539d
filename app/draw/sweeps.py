"""Triggered sweeps: the same stretch around every trigger, laid over one another, and their average.

A pane keeps no samples for this: `TriggerQueue` says which stretches are done, the ring still holds them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.draw.blend import Pixels, clear_slots, scaled
from app.draw.time_scale import TimeScale
from app.draw.trace_columns import TraceColumns, TraceForm
from app.draw.trace_image import TraceStyle
from app.draw.trace_kernels import paint_smooth


class TriggerQueue:
    """Waits until what comes after a trigger is there.

    Parameters
    ----------
    pre_ticks, post_ticks : a sweep is [trigger − pre, trigger + post)
    holdoff_ticks : a trigger that comes sooner after one that was taken is left out
    """

    def __init__(self, pre_ticks: int, post_ticks: int, holdoff_ticks: int = 0) -> None:
        self.pre_ticks = pre_ticks
        self.post_ticks = post_ticks
        self.holdoff_ticks = holdoff_ticks
        self._waiting: list[int] = []
        self._taken: int | None = None

    def add(self, ticks: Sequence[int] | NDArray[np.int64]) -> None:
        """Take triggers, in ascending order."""
        for tick in ticks:
            if self._taken is None or int(tick) - self._taken >= self.holdoff_ticks:
                self._taken = int(tick)
                self._waiting.append(self._taken)

    def due(self, done_tick: int) -> tuple[int, ...]:
        """The triggers whose sweeps are complete now that `done_tick` ticks are done; each is told once."""
        n = sum(trigger + self.post_ticks <= done_tick for trigger in self._waiting)
        ready, self._waiting = tuple(self._waiting[:n]), self._waiting[n:]
        return ready


class SweepOverlay:
    """The last sweeps, the older the fainter; `pixels` is no ring, its left border is −pre.

    Parameters
    ----------
    pre_ticks, post_ticks : of a sweep
    n_columns : width of the image
    background : (h,) uint32
    channels : (n,) int64 of the stream
    form : as for `TraceColumns`
    n_kept : sweeps laid over one another; they take 8 n_kept n n_columns bytes
    faintest : opacity of the oldest, 0 to 1
    ghost : opacity of the newest but one; below 1, the newest stands out
    """

    def __init__(
        self,
        pre_ticks: int,
        post_ticks: int,
        n_columns: int,
        background: NDArray[np.uint32],
        channels: NDArray[np.int64],
        style: TraceStyle,
        form: TraceForm = TraceForm.STEPS,
        n_kept: int = 16,
        faintest: float = 0.15,
        ghost: float | None = None,
    ) -> None:
        self.pre_ticks = pre_ticks
        self.n_kept = n_kept
        self.faintest = faintest
        self.ghost = ghost
        self.pixels: Pixels = np.empty((len(background), n_columns), np.uint32)
        self._background = background
        self._style = style
        self._columns = TraceColumns(TimeScale(pre_ticks + post_ticks, n_columns), n_columns, channels, form)
        self._sweeps: list[tuple[NDArray[np.float32], NDArray[np.float32]]] = []
        self.repaint()

    def add(self, trigger: int, first_tick: int, ticks_per_sample: int, data: NDArray[Any], packed: bool) -> None:
        """Take a sweep; `repaint` shows it.

        Parameters
        ----------
        trigger : its tick
        first_tick : stamp of the first sample; samples outside the sweep are left out
        data : (n_samples, n_channels), or (n_samples, n_bytes) of packed bits
        """
        columns = self._columns
        columns.reset()
        span = columns.scale.span_ticks
        origin = trigger - self.pre_ticks
        start = max(-(-(origin - first_tick) // ticks_per_sample), 0)  # the first that begins within the sweep
        stop = max(min((origin + span - first_tick) // ticks_per_sample, len(data)), start)
        append = columns.append_bits if packed else columns.append
        append(first_tick + start * ticks_per_sample - origin, ticks_per_sample, data[start:stop])
        self._sweeps.append((columns.low.copy(), columns.high.copy()))
        del self._sweeps[: -self.n_kept]

    def clear(self) -> None:
        """Forget the sweeps."""
        self._sweeps.clear()
        self.repaint()

    def set_style(self, style: TraceStyle) -> None:
        """Other gains, offsets or colours, for the sweeps that are there too."""
        self._style = style
        self.repaint()

    def repaint(self) -> None:
        """Paint all sweeps, the newest last."""
        width = self.pixels.shape[1]
        clear_slots(self.pixels, 0, width, self._background)
        n = len(self._sweeps)
        for i, (low, high) in enumerate(self._sweeps):
            style = self._style
            colour = faded(style.colour, round(255 * self._opacity(n - 1 - i)))
            paint_smooth(
                self.pixels, 0, width, low, high, style.offset_px, style.gain_px, colour, float(style.thickness_px)
            )

    def _opacity(self, age: int) -> float:
        """Of the sweep that so many are newer than."""
        if self.ghost is None or age == 0:
            return 1 - age / max(self.n_kept - 1, 1) * (1 - self.faintest)
        return self.ghost + (age - 1) / max(self.n_kept - 2, 1) * (self.faintest - self.ghost)


def faded(colours: NDArray[np.uint32], alpha: int) -> NDArray[np.uint32]:
    """(n,) premultiplied colours made more transparent; 255 leaves them."""
    return np.array([int(scaled(int(c), alpha)) for c in colours], np.uint32)


class SweepAverage:
    """Mean and spread of aligned sweeps, sample by sample.

    Parameters
    ----------
    n_samples, n_channels : of a sweep; of bits, the mean is the share of sweeps in which a unit was on
    n_most : None for the mean of all; else older sweeps fade as if about this many counted
    """

    def __init__(self, n_samples: int, n_channels: int, n_most: int | None = None) -> None:
        self.n_most = n_most
        self.n = 0
        self.mean = np.zeros((n_samples, n_channels), np.float64)
        self._variance = np.zeros((n_samples, n_channels), np.float64)

    def add(self, sweep: NDArray[Any]) -> None:
        """Take a sweep, (n_samples, n_channels). Welford's recurrence (Technometrics 4:419, 1962), weighted."""
        self.n += 1
        weight = 1 / (self.n if self.n_most is None else min(self.n, self.n_most))
        difference = np.asarray(sweep, np.float64) - self.mean
        self.mean += weight * difference
        self._variance = (1 - weight) * (self._variance + weight * difference**2)

    def standard_deviation(self) -> NDArray[np.float64]:
        """(n_samples, n_channels) over the sweeps, dividing by their number."""
        deviation: NDArray[np.float64] = np.sqrt(self._variance)
        return deviation

    def clear(self) -> None:
        """Forget the sweeps."""
        self.n = 0
        self.mean.fill(0)
        self._variance.fill(0)
