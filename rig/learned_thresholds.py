"""Spikes of graded units: thresholds that every unit learns from its own past.

A unit is *on* at sample t where its value lies above its threshold, and a threshold is the quantile p of what the unit
did before t, learned sample by sample:

    on[t]    = x[t] > θ[t]
    share    = max(1 / (k + 1), RATE)                            k: samples learned from so far
    θ[t + 1] = θ[t] + GAIN share d[t] p      where on[t], else  θ[t] − GAIN share d[t] (1 − p)
    d[t + 1] = d[t] + share (|x[t] − θ[t]| − d[t])

after Robbins & Monro (Ann. Math. Stat. 22:400, 1951): θ rests where a share 1 − p of the samples lies above it. Steps
are in units of the unit's own spread d, so that no unit needs a scale; with GAIN they are about optimal for normal
activity at p = 0.95 (1 / density, Sacks 1958). They stop shrinking at RATE, so that thresholds follow a unit that
drifts (a network that learns, a text that changes its topic) with a memory of some 50 samples. A sample that equals the
one before it teaches nothing: a unit that is clamped keeps the threshold it had, and neither fires while it is silenced
nor grows deaf while it is driven. The first N_FIRST samples that teach are never on.

The transition off → on is the spike, as of every other unit (`rig.spikes`).
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from rig.blobs import pack_blobs, unpack_blobs
from rig.errors import FormatError, SpecError

QUANTILE = 0.95
RATE = 0.015
GAIN = 8.0
N_FIRST = 20


class LearnedThresholds:
    """Turns values into bits, block after block; the division into blocks cannot be seen.

    Parameters
    ----------
    n_channels : units
    quantile : p, between 0 and 1

    Raises
    ------
    SpecError : the quantile lies elsewhere.
    """

    def __init__(self, n_channels: int, quantile: float = QUANTILE) -> None:
        if not 0 < quantile < 1:
            raise SpecError(f"asked for thresholds at quantile {quantile}; it must lie between 0 and 1")
        self.n_channels, self.quantile = n_channels, quantile
        self.clear()

    @property
    def definition(self) -> str:
        """One clause for the description of the stream of bits."""
        return (
            f"on above the unit's own {self.quantile:g} quantile, learned online from its past "
            f"(rate {RATE:g}; constant stretches teach nothing); a spike is off to on"
        )

    @property
    def thresholds(self) -> NDArray[np.float64]:
        """(n_channels,) what the next sample is compared with."""
        return self._level.copy()

    def clear(self) -> None:
        """Forget the past."""
        self._level = np.zeros(self.n_channels)
        self._spread = np.zeros(self.n_channels)
        self._before = np.full(self.n_channels, np.nan, np.float32)
        self._n_learned = np.zeros(self.n_channels, np.int32)

    def bits(self, values: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Bits of the next samples.

        Parameters
        ----------
        values : (n_samples, n_channels) float32, finite

        Returns
        -------
        (n_samples, ceil(n_channels / 8)) uint8, channel c is bit ``c % 8`` of byte ``c // 8``
        """
        bits = np.zeros((len(values), (self.n_channels + 7) // 8), np.uint8)
        _learn(values, self.quantile, self._level, self._spread, self._before, self._n_learned, bits)
        return bits

    def state(self) -> bytes:
        """What the next sample depends on."""
        return pack_blobs(
            {
                "level": self._level.tobytes(),
                "spread": self._spread.tobytes(),
                "before": self._before.tobytes(),
                "n_learned": self._n_learned.tobytes(),
            }
        )

    def set_state(self, state: bytes) -> None:
        """Inverse of `state`. Raises FormatError; nothing is changed then."""
        blobs = unpack_blobs(state)
        try:
            level, spread = (np.frombuffer(blobs[name], np.float64).copy() for name in ("level", "spread"))
            before = np.frombuffer(blobs["before"], np.float32).copy()
            n_learned = np.frombuffer(blobs["n_learned"], np.int32).copy()
        except (KeyError, ValueError) as error:
            raise FormatError("the state of the learned thresholds is damaged") from error
        if not all(len(array) == self.n_channels for array in (level, spread, before, n_learned)):
            raise FormatError(f"the state of the learned thresholds is not of {self.n_channels} units")
        self._level, self._spread, self._before, self._n_learned = level, spread, before, n_learned


@numba.njit(cache=True, nogil=True)
def _learn(
    values: NDArray[np.float32],
    quantile: float,
    level: NDArray[np.float64],
    spread: NDArray[np.float64],
    before: NDArray[np.float32],
    n_learned: NDArray[np.int32],
    bits: NDArray[np.uint8],
) -> None:
    n_channels = values.shape[1]
    on = np.empty(8 * bits.shape[1], np.uint8)
    on[n_channels:] = 0
    for t in range(values.shape[0]):
        for c in range(n_channels):  # selections, no jumps: it becomes vector instructions
            x, k = np.float64(values[t, c]), n_learned[c]
            above = x > level[c]
            on[c] = np.uint8(above & (k >= N_FIRST))
            teaches = values[t, c] != before[c]
            before[c] = values[t, c]
            share = max(1.0 / (k + 1), RATE)
            distance = abs(x - level[c])
            step = GAIN * share * spread[c]
            moved = level[c] + (step * quantile if above else -step * (1.0 - quantile))
            level[c] = (x if k == 0 else moved) if teaches else level[c]
            spread[c] += share * (distance - spread[c]) if teaches & (k > 0) else 0.0
            n_learned[c] = k + np.int32(teaches)
        for byte in range(bits.shape[1]):
            packed = np.uint8(0)
            for i in range(8):
                packed |= on[8 * byte + i] << i
            bits[t, byte] = packed
