"""What the loudspeaker plays: the samples of the last moment, squeezed or stretched into that moment. Free of Qt.

    subject   ──|────|──|─────|───   ticks of the last turn of the timer, few or very many
    sound     ─/\\───/\\─/\\────/\\──   the same turn of wall time at the loudspeaker's rate

So a subject at a thousandth of real time sounds a thousand times lower, as a tape does that runs slowly. Where that
would be too low to hear, the newest samples are played over and over, faster.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

CLICK_S = 0.003
CLICK_HZ = 1800.0
CLICK_LEVEL = 0.5
WAVE_LEVEL = 0.35
LEAST_SAMPLES_PER_S = 4000.0
"""Of a waveform: slower, and most of what is in it lies below the ear's range."""
_FADE = 0.08  # of a piece that is played over and over, at each end


class SpikeVoice:
    """Short clicks. What rings on at the end of a moment sounds at the beginning of the next.

    Parameters
    ----------
    rate_hz : of the loudspeaker
    """

    def __init__(self, rate_hz: float) -> None:
        t = np.arange(max(round(CLICK_S * rate_hz), 2)) / rate_hz
        self._click = (CLICK_LEVEL * np.sin(2 * np.pi * CLICK_HZ * t) * np.exp(-t * 4 / CLICK_S)).astype(np.float32)
        self._tail = np.zeros(len(self._click) - 1, np.float32)

    def render(self, places: NDArray[np.float64], n_frames: int) -> NDArray[np.float32]:
        """(n_frames,) sound of a moment.

        Parameters
        ----------
        places : (n_spikes,) where in the moment, [0, 1)
        """
        if n_frames <= 0:
            return np.empty(0, np.float32)
        at = np.minimum((places * n_frames).astype(np.int64), n_frames - 1)
        counts = np.bincount(at, minlength=n_frames).astype(np.float32)
        # many at once are a rustle, not a thunder: n of them are √n as loud
        sound = np.convolve(np.sqrt(counts), self._click).astype(np.float32)
        n = len(self._tail)
        sound[:n] += self._tail
        self._tail = sound[n_frames : n_frames + n].copy()
        return np.tanh(sound[:n_frames])

    @property
    def ringing(self) -> bool:
        """Whether anything is still to be heard."""
        return bool(np.abs(self._tail).max(initial=0.0) > 1e-4)


class WaveVoice:
    """A waveform, at a level that follows its own."""

    def __init__(self) -> None:
        self._last = 0.0
        self._mean: float | None = None
        self._peak = 0.0

    def render(self, samples: NDArray[Any], n_frames: int, *, again: bool = False) -> NDArray[np.float32]:
        """(n_frames,) sound of a moment.

        Parameters
        ----------
        samples : (n_samples,) of that moment, at least one
        again : they are played over and over: faded at both ends
        """
        if n_frames <= 0 or not len(samples):
            return np.zeros(max(n_frames, 0), np.float32)
        sound = resampled(np.asarray(samples, np.float64), n_frames, None if again else self._last)
        self._last = float(samples[-1])
        mean = float(sound.mean())
        self._mean = (
            mean if self._mean is None else 0.9 * self._mean + 0.1 * mean
        )  # a level is not heard, its steps are
        sound = sound - (mean if again else self._mean)
        self._peak = max(float(np.abs(sound).max()), 0.98 * self._peak)
        if self._peak > 0:
            sound *= WAVE_LEVEL / self._peak
        if again:
            sound *= np.minimum(1.0, np.minimum(np.arange(n_frames) + 0.5, np.arange(n_frames)[::-1] + 0.5) / (
                max(_FADE * n_frames, 1.0)
            ))  # fmt: skip
        return sound.astype(np.float32)


def resampled(samples: NDArray[np.float64], n_frames: int, before: float | None = None) -> NDArray[np.float64]:
    """(n_frames,) the samples in as many frames: means where they are more, straight lines where they are fewer.

    Parameters
    ----------
    before : the sample before the first, from which the line begins
    """
    n = len(samples)
    if n >= n_frames:
        starts = np.arange(n_frames) * n // n_frames
        means: NDArray[np.float64] = np.add.reduceat(samples, starts) / np.diff(np.append(starts, n))
        return means
    first = samples[0] if before is None else before
    line: NDArray[np.float64] = np.interp(
        (np.arange(n_frames) + 1) * n / n_frames, np.arange(n + 1), np.concatenate(([first], samples))
    )
    return line


def samples_to_play(n_new: int, n_frames: int, rate_hz: float) -> tuple[int, bool]:
    """How many of the newest samples to play in a moment, and whether they are played again and again.

    Parameters
    ----------
    n_new : samples of that moment
    n_frames, rate_hz : frames of the moment, and frames a second
    """
    least = math.ceil(n_frames * LEAST_SAMPLES_PER_S / rate_hz)
    return (n_new, False) if n_new >= least else (least, True)


def pitch_text(samples_per_s: float, real_hz: float) -> str:
    """How the pitch compares with the original system's: ``pitch × 0.031 of real time``.

    Parameters
    ----------
    samples_per_s : heard in a second
    real_hz : samples a second of the original system; 0 where it has no clock
    """
    if not samples_per_s > 0:
        return "waiting for samples"
    if real_hz <= 0:
        return f"{samples_per_s:.3g} samples a second"
    shift = samples_per_s / real_hz
    octaves = math.log2(shift)
    if abs(octaves) < 0.05:
        return "at its real pitch"
    way = "higher" if octaves > 0 else "lower"
    return f"pitch × {shift:.2g} of real time, {abs(octaves):.1f} octaves {way}"
