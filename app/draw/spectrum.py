"""Spectra of a stream as it comes: short-time Fourier transforms of overlapping, windowed stretches.

One-sided power spectral density after Welch, IEEE Trans. Audio Electroacoust. 15:70 (1967), scaled as
`scipy.signal.spectrogram(..., scaling='density')` scales it: per hertz, all bins but the first and the last doubled.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import NDArray

_BLOCK = 64  # transforms at a time; what is in work stays in the cache


@dataclass(frozen=True)
class SpectrumPlan:
    """How spectra are made.

    Attributes
    ----------
    rate_hz : samples a second
    length : samples of a stretch, even
    hop : samples from one stretch to the next, at most `length`
    detrend : take the mean off each stretch first
    """

    rate_hz: float
    length: int
    hop: int
    detrend: bool = True

    def __post_init__(self) -> None:
        if self.length < 2 or self.length % 2 or not 1 <= self.hop <= self.length:
            raise ValueError(f"spectra of {self.length} samples every {self.hop}; need an even length, and a hop in it")

    @cached_property
    def frequencies_hz(self) -> NDArray[np.float64]:
        """(length / 2 + 1,)"""
        return np.asarray(np.arange(self.length // 2 + 1) * (self.rate_hz / self.length), np.float64)

    @cached_property
    def window(self) -> NDArray[np.float64]:
        """Hann, periodic."""
        return np.asarray(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(self.length) / self.length), np.float64)

    def densities(self, stretches: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """(n, length) samples to (n, length / 2 + 1) power per hertz."""
        values = np.asarray(stretches, np.float64)
        if self.detrend:
            values = values - values.mean(axis=1, keepdims=True)
        transform: NDArray[np.complex128] = scipy.fft.rfft(values * self.window, axis=1)
        power: NDArray[np.float64] = np.square(transform.real) + np.square(transform.imag)
        power /= self.rate_hz * float(np.square(self.window).sum())
        power[:, 1:-1] *= 2
        return power


@dataclass(frozen=True, eq=False)
class Spectra:
    """Consecutive spectra. Spectrum i is of the samples [start + i hop, start + i hop + length) of its run.

    Attributes
    ----------
    run_tick : stamp of the run's first sample
    first : number of the first spectrum within its run
    density : (n, n_frequencies) float64
    """

    run_tick: int
    first: int
    density: NDArray[np.float64]


class SpectrumStream:
    """Turns chunks of one channel into spectra; a gap begins another run."""

    def __init__(self, plan: SpectrumPlan, ticks_per_sample: int) -> None:
        self.plan = plan
        self.ticks_per_sample = ticks_per_sample
        self.reset()

    def reset(self) -> None:
        """Forget everything; the next samples may carry any tick."""
        self._held = np.empty(0, np.float64)
        self._run_tick = 0
        self._n_done = 0
        self._next_tick: int | None = None

    def append(self, first_tick: int, values: NDArray[np.floating[Any]]) -> Spectra:
        """Spectra that these samples complete.

        Parameters
        ----------
        first_tick : stamp of the first sample
        values : (n_samples,) of one channel
        """
        length, hop = self.plan.length, self.plan.hop
        if first_tick != self._next_tick:
            self._held, self._run_tick, self._n_done = np.empty(0, np.float64), first_tick, 0
        self._next_tick = first_tick + self.ticks_per_sample * len(values)
        self._held = np.concatenate((self._held, np.asarray(values, np.float64)))
        n = max((len(self._held) - length) // hop + 1, 0)
        density = np.empty((n, length // 2 + 1), np.float64)
        if n:
            stretches = np.lib.stride_tricks.sliding_window_view(self._held, length)[::hop]
            for start in range(0, n, _BLOCK):
                density[start : start + _BLOCK] = self.plan.densities(stretches[start : min(start + _BLOCK, n)])
            self._held = self._held[n * hop :].copy()
        spectra = Spectra(self._run_tick, self._n_done, density)
        self._n_done += n
        return spectra


class SpectrumAverage:
    """Mean of the spectra so far; of about the last `n_most`, fading, once there are more."""

    def __init__(self, n_frequencies: int, n_most: int | None = None) -> None:
        self.n_most = n_most
        self.n = 0
        self.density = np.zeros(n_frequencies, np.float64)

    def add(self, density: NDArray[np.float64]) -> None:
        """Take (n, n_frequencies) further spectra."""
        for row in density:
            self.n += 1
            weight = 1 / (self.n if self.n_most is None else min(self.n, self.n_most))
            self.density += weight * (row - self.density)


def decibels(density: NDArray[np.floating[Any]], floor: float = 1e-30) -> NDArray[np.float64]:
    """10 log₁₀ of a density in units² / Hz, re 1 unit² / Hz."""
    levels: NDArray[np.float64] = 10 * np.log10(np.maximum(density, floor))
    return levels
