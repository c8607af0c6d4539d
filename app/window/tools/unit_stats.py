"""Rate, duty, intervals and autocorrelation of units, from the newest samples. Arrays only.

A spike is what `rig.spikes` says: on in a sample, off in the one before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rig.streams import StreamInfo

MAX_SPIKES = 4096
"""Looked at for the autocorrelogram: enough for a smooth one, few enough for four a second."""
N_LAGS = 64
MAX_BINS = 64


@dataclass(frozen=True, eq=False)
class UnitStats:
    """Of one unit over some samples.

    Attributes
    ----------
    n_samples, ticks_per_sample : looked at
    n_spikes : among them
    duty : share of samples that are on
    isi_ticks, isi_counts : (k + 1,) edges of the bins, in ticks, and (k,) counts; empty with fewer than two spikes
    isi_median_ticks : NaN likewise
    lag_ticks, lag_rate : (N_LAGS + 1,) edges of the bins, and (N_LAGS,) the rate at that lag after a spike over the
        mean rate: 1 where spikes do not depend on each other. Edges lie between whole samples
    """

    n_samples: int
    ticks_per_sample: int
    n_spikes: int
    duty: float
    isi_ticks: NDArray[np.float64]
    isi_counts: NDArray[np.int64]
    isi_median_ticks: float
    lag_ticks: NDArray[np.float64]
    lag_rate: NDArray[np.float64]


def unit_stats(on: NDArray[np.bool_], ticks_per_sample: int) -> UnitStats:
    """Of (n,) consecutive samples of one unit, on or off."""
    spikes = np.flatnonzero(on[1:] & ~on[:-1]) + 1
    edges, counts, median = isi_histogram(spikes)
    lags, rate = autocorrelogram(spikes, len(on))
    return UnitStats(
        n_samples=len(on),
        ticks_per_sample=ticks_per_sample,
        n_spikes=len(spikes),
        duty=float(on.mean()) if len(on) else 0.0,
        isi_ticks=edges * ticks_per_sample,
        isi_counts=counts,
        isi_median_ticks=median * ticks_per_sample,
        lag_ticks=lags * ticks_per_sample,
        lag_rate=rate,
    )


def isi_histogram(
    spikes: NDArray[np.int64],
) -> tuple[NDArray[np.float64], NDArray[np.int64], float]:
    """Intervals between consecutive spikes, in bins of whole samples up to the 99th percentile; and their median.

    Returns
    -------
    (k + 1,) edges between whole samples, (k,) counts, median; empty and NaN with fewer than two spikes
    """
    intervals = np.diff(spikes)
    if len(intervals) == 0:
        return np.empty(0), np.empty(0, np.int64), float("nan")
    longest = int(np.percentile(intervals, 99, method="higher")) + 1
    width = -(-longest // MAX_BINS)
    n_bins = -(-longest // width)
    counts = np.bincount(np.minimum(intervals // width, n_bins), minlength=n_bins + 1)[:n_bins]
    edges = np.arange(n_bins + 1, dtype=np.float64) * width - 0.5
    return edges, counts.astype(np.int64), float(np.median(intervals))


def autocorrelogram(spikes: NDArray[np.int64], n_samples: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Rate after a spike over the mean rate, by lag.

    The lags reach over about eight median intervals. Only spikes that are so far from the end count as first ones.

    Parameters
    ----------
    spikes : (n,) ascending, in samples
    n_samples : that they were found in

    Returns
    -------
    (N_LAGS + 1,) edges of the bins, between whole samples, (N_LAGS,) ratio; empty with fewer than three spikes
    """
    if len(spikes) < 3:
        return np.empty(0), np.empty(0)
    width = max(1, int(np.median(np.diff(spikes)) * 8) // N_LAGS)
    reach = width * N_LAGS
    spikes = spikes[-MAX_SPIKES:]
    span = n_samples - int(spikes[0])
    firsts = spikes[: int(np.searchsorted(spikes, n_samples - reach))]
    if len(firsts) == 0:
        return np.empty(0), np.empty(0)
    counts = np.zeros(N_LAGS, np.int64)
    for k in range(1, len(spikes)):
        n = min(len(firsts), len(spikes) - k)
        lags = spikes[k : k + n] - firsts[:n]
        lags = lags[lags <= reach]
        if len(lags) == 0:
            break
        counts += np.bincount((lags - 1) // width, minlength=N_LAGS)
    mean_rate = len(spikes) / span
    return _lag_edges(width), counts / (len(firsts) * width * mean_rate)


def _lag_edges(width: int) -> NDArray[np.float64]:
    """The first bin holds the lags 1 … width."""
    return np.arange(N_LAGS + 1, dtype=np.float64) * width + 0.5


@dataclass(frozen=True, eq=False)
class GradedStats:
    """Of one unit whose samples are numbers."""

    n_samples: int
    mean: float
    sd: float
    low: float
    high: float
    edges: NDArray[np.float64]
    counts: NDArray[np.int64]
    lag_ticks: NDArray[np.float64]
    correlation: NDArray[np.float64]


def graded_stats(values: NDArray[Any], ticks_per_sample: int) -> GradedStats:
    """Of (n,) consecutive samples; those that are not finite are left out of the figures, and count as the mean."""
    v = values.astype(np.float64)
    finite = v[np.isfinite(v)]
    if len(finite) == 0:
        nothing = np.empty(0)
        nan = float("nan")
        return GradedStats(0, nan, nan, nan, nan, nothing, np.empty(0, np.int64), nothing, nothing)
    mean, sd = float(finite.mean()), float(finite.std())
    low, high = float(finite.min()), float(finite.max())
    counts, edges = np.histogram(finite, bins=48, range=(low, high) if high > low else (low - 0.5, low + 0.5))
    lags: NDArray[np.float64] = np.empty(0)
    correlation: NDArray[np.float64] = np.empty(0)
    if sd > 0 and len(v) > 2 * N_LAGS:
        centred = np.where(np.isfinite(v), v - mean, 0.0)
        power = np.fft.rfft(centred, 2 * len(v))
        whole = np.fft.irfft(power * power.conj())[: N_LAGS + 1]
        correlation = (whole[1:] / whole[0]).astype(np.float64)
        lags = _lag_edges(1) * ticks_per_sample
    return GradedStats(
        len(finite), mean, sd, low, high, edges.astype(np.float64), counts.astype(np.int64), lags, correlation
    )


def column_on(pieces: tuple[NDArray[Any], ...], info: StreamInfo, channel: int) -> NDArray[np.bool_]:
    """(n,) whether one channel of a stream of bits is on, out of the pieces of a ring."""
    if info.packed:
        parts = [(piece[:, channel >> 3] >> (channel & 7)) & 1 for piece in pieces]
    else:
        parts = [piece[:, channel] for piece in pieces]
    return np.concatenate(parts).astype(np.bool_) if parts else np.empty(0, np.bool_)
