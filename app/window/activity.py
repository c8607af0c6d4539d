"""How active each unit has been lately: one estimate, computed once a pull, for the map, the region tree and the lists.

Activity is what a unit does in its samples: for bits the off→on transitions (spikes), for numbers |x[t] − x[t−1]|.

    rate[c] ← rate[c] d + mean activity of the new samples (1 − d),     d = exp(−elapsed / τ)

`elapsed` is wall time since the samples before came: a subject that stands still keeps its picture, one that crawls is
seen step by step.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.window.activity_kernels import count_rises, sum_changes
from rig.process.ring_reader import RingView
from rig.streams import StreamInfo
from rig.subject import SubjectInfo
from rig.units import UnitTable

FLASH_S = 0.25
"""Time constant of what the map shows."""
RATE_S = 1.0
"""Time constant of the figures in lists."""
BIN_S = 0.1
N_BINS = 48
"""Of the history behind a list's little curves."""
MAX_WORK_BYTES = 2 << 20
"""Of samples looked at in one pull."""
N_BLOCKS = 8
_LEAST_SAMPLE_BYTES = 32  # a short sample costs more than its bytes
_CATCH_UP_S = 1.0
_FAST_HZ = 20_000.0  # subjects with faster clocks are read by the millisecond
_REFERENCE_QUANTILE = 0.98
_GAMMA = np.float32(0.45)  # a unit with a twentieth of the reference rate still shows at a quarter of full brightness


def spread_blocks(n_samples: int, n_most: int, n_blocks: int = N_BLOCKS) -> list[tuple[int, int]]:
    """Which of n_samples to look at when at most n_most can be: contiguous blocks, evenly spread, the newest included.

    Returns
    -------
    list of [start, stop), ascending, disjoint; the whole when it fits
    """
    if n_samples <= n_most:
        return [(0, n_samples)] if n_samples else []
    n_blocks = max(1, min(n_blocks, n_most))
    size = n_most // n_blocks
    stops = [n_samples - (n_blocks - 1 - b) * n_samples // n_blocks for b in range(n_blocks)]
    return [(stop - size, stop) for stop in stops]


class ActivityEstimate:
    """Follows one stream of unit activity.

    Parameters
    ----------
    units : the subject's
    info : the stream's layout as it is watched: bits or numbers, with unit_ids

    Attributes
    ----------
    channel_of_row : (n_units,) int64, the channel that carries a unit's signal, −1 for none
    rate : (n_channels,) float64, activity a sample, lately
    list_rate : the same, slower
    history : (n_channels, N_BINS) float32, activity a sample in bins of BIN_S of running, the newest last
    n_updates : ascending; unchanged where nothing changed
    n_bins : bins finished so far
    """

    def __init__(self, units: UnitTable, info: StreamInfo) -> None:
        if info.unit_ids is None:
            raise ValueError(f"stream {info.name!r} carries no units")
        self.info = info
        self.n_channels = len(info.unit_ids)
        self.channel_of_row = _channels_of_rows(units, info.unit_ids)
        self._n_most = max(MAX_WORK_BYTES // max(info.sample_bytes, _LEAST_SAMPLE_BYTES), N_BLOCKS)
        self.n_updates = 0
        self.clear()

    def clear(self) -> None:
        """Forget the past: another stretch of time begins."""
        self.rate = np.zeros(self.n_channels)
        self.list_rate = np.zeros(self.n_channels)
        self.history = np.zeros((self.n_channels, N_BINS), np.float32)
        self.n_bins = 0
        self._reference = 0.0
        self._last: NDArray[Any] | None = None  # the newest sample, to compare the next one with
        self._age_s = math.inf  # since samples came; what was before the first has no weight
        self._bin_sum = np.zeros(self.n_channels)
        self._bin_weight = 0.0
        self._bin_s = 0.0
        self.n_updates += 1

    def take(self, view: RingView, elapsed_s: float) -> bool:
        """Take in the samples that are new.

        Parameters
        ----------
        view : from where the last one stopped
        elapsed_s : wall time since the last call

        Returns
        -------
        bool, whether anything changed
        """
        self._age_s += elapsed_s
        n = len(view)
        if n == 0:
            return False
        if view.n_missed:
            self._last = None
        total, n_looked = self._activity(view)
        if not view.intact:
            self._last = None  # overwritten under our eyes: what was counted may be nonsense
            return False
        self._last = view.pieces[-1][-1].copy()
        if n_looked:
            self._blend(total, n_looked)
        self._age_s = 0.0
        self.n_updates += 1
        return True

    def look_at(self, view: RingView) -> bool:
        """Show a stretch of the past instead: its mean activity, and its course in the history.

        Parameters
        ----------
        view : the stretch

        Returns
        -------
        bool, whether it could be seen; nothing changed otherwise
        """
        n = len(view)
        history = np.zeros((self.n_channels, N_BINS), np.float32)
        mean, n_all = np.zeros(self.n_channels), 0
        edges = [k * n // N_BINS for k in range(N_BINS + 1)]
        n_most = max(self._n_most // N_BINS, 2)
        for k, (first, stop) in enumerate(pairwise(edges)):
            total = np.zeros(self.n_channels)
            n_looked = self._count_range(view, max(first, stop - n_most), stop, None, total)
            if n_looked:
                history[:, k] = total / n_looked
                mean += total
                n_all += n_looked
        if not view.intact:
            return False
        self.clear()
        self.history, self.n_bins = history, N_BINS
        self.rate = mean / max(n_all, 1)
        self.list_rate = self.rate.copy()
        self._adapt()
        return True

    def _activity(self, view: RingView) -> tuple[NDArray[np.float64], int]:
        """Summed activity of the samples that are looked at, and how many these are."""
        total, n_looked = np.zeros(self.n_channels), 0
        # after a long absence only the present counts; otherwise blocks from all over the time that passed
        n_blocks = 1 if self._age_s > _CATCH_UP_S else N_BLOCKS
        for start, stop in spread_blocks(len(view), self._n_most, n_blocks):
            n_looked += self._count_range(view, start, stop, self._last if start == 0 else None, total)
        return total, n_looked

    def _count_range(
        self, view: RingView, start: int, stop: int, before: NDArray[Any] | None, total: NDArray[np.float64]
    ) -> int:
        """Add the activity of the samples [start, stop) of a view; how many were compared with the one before."""
        start -= start > 0  # the sample before is what the first is compared with
        n_looked, offset = 0, 0
        for piece in view.pieces:
            part = piece[max(start - offset, 0) : max(stop - offset, 0)]
            offset += len(piece)
            if len(part):
                n_looked += self._count(part, before, total)
                before = part[-1]
        return n_looked

    def _count(self, part: NDArray[Any], before: NDArray[Any] | None, total: NDArray[np.float64]) -> int:
        """Add the activity of consecutive samples; the first counts only where the one before it is known."""
        if before is None:
            before, part = part[0], part[1:]
        if self.info.packed:
            count_rises(part, np.ascontiguousarray(before), total)
        else:
            sum_changes(part.reshape(len(part), self.n_channels), np.ascontiguousarray(before).reshape(-1), total)
        return len(part)

    def _blend(self, total: NDArray[np.float64], n_looked: int) -> None:
        mean = total / n_looked
        keep = math.exp(-self._age_s / FLASH_S)
        self.rate += (1 - keep) * (mean - self.rate)
        keep = math.exp(-self._age_s / RATE_S)
        self.list_rate += (1 - keep) * (mean - self.list_rate)
        weight = max(min(self._age_s, BIN_S), 1e-3)
        self._bin_sum += mean * weight
        self._bin_weight += weight
        self._bin_s += self._age_s
        if self._bin_s >= BIN_S:
            self.history[:, :-1] = self.history[:, 1:]
            self.history[:, -1] = self._bin_sum / self._bin_weight
            self._bin_sum[:] = 0
            self._bin_weight = self._bin_s = 0.0
            self.n_bins += 1
            self._adapt()
        elif self._reference == 0.0:
            self._adapt()

    def _adapt(self) -> None:
        """Let full brightness follow the most active units, slowly."""
        active = self.rate[self.rate > 0]
        if len(active):
            now = float(np.quantile(active, _REFERENCE_QUANTILE))
            self._reference = now if self._reference == 0.0 else self._reference + 0.2 * (now - self._reference)

    def curve(self, channel: int) -> NDArray[np.float32]:
        """(n,) activity a sample in the bins that are there, the newest last."""
        return self.history[channel, N_BINS - min(self.n_bins, N_BINS) :]

    def levels(self) -> NDArray[np.float32]:
        """(n_channels,) 0 … 1 for showing: compressed, so that rare events show beside a clock."""
        if self._reference <= 0:
            return np.zeros(self.n_channels, np.float32)
        levels: NDArray[np.float32] = np.minimum(self.rate / self._reference, 1.0).astype(np.float32) ** _GAMMA
        return levels

    def row_levels(self) -> NDArray[np.float32]:
        """(n_units,) the same for every unit, 0 for those whose activity is not carried."""
        levels = np.append(self.levels(), np.float32(0))
        return levels[self.channel_of_row]


def _channels_of_rows(units: UnitTable, unit_ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """(n_units,) the channel that carries each unit's signal, −1 for none."""
    if not len(unit_ids):
        return np.full(len(units), -1, np.int64)
    channels = np.minimum(np.searchsorted(unit_ids, units.signal_id), len(unit_ids) - 1)
    carried = unit_ids[channels] == units.signal_id
    return np.where(carried, channels, -1).astype(np.int64)


def rate_unit(info: SubjectInfo) -> tuple[float, str]:
    """What a rate is told in: a factor from activity a tick, and the unit."""
    if info.tick_hz <= 0:
        return 1.0, f"/{info.tick_name}"
    if info.tick_hz >= _FAST_HZ:
        return info.tick_hz / 1000, "/ms"
    return info.tick_hz, "/s"


def rate_text(estimate: ActivityEstimate, channel: int, info: SubjectInfo) -> str:
    """``212`` or ``0.31``: a channel's rate in `rate_unit`, without the unit."""
    factor, _ = rate_unit(info)
    rate = float(estimate.list_rate[channel]) * factor / (estimate.info.ticks_per_sample or 1)
    if rate >= 99.95:
        return f"{rate:.0f}"
    return f"{rate:.1f}" if rate >= 1 or rate < 0.005 else f"{rate:.2f}"


def rate_of_unit_text(estimate: ActivityEstimate, row: int, info: SubjectInfo) -> str:
    """``212/ms``; nothing where a unit's activity is not known."""
    channel = int(estimate.channel_of_row[row])
    return "" if channel < 0 else rate_text(estimate, channel, info) + rate_unit(info)[1]
