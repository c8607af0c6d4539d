"""Spikes of graded units: a unit is on while it is above a quantile of its own past, learned as it runs.

    on_u[t]    = x_u[t] > θ_u[t]
    θ_u[t + 1] = θ_u[t] + η[t] s_u[t] (on_u[t] − (1 − q))        η[t] = max(1 / √(t + 1), 0.02)
    s_u[t + 1] = s_u[t] + 0.02 (|x_u[t] − θ_u[t]| − s_u[t])

Stochastic approximation of a quantile (Robbins & Monro 1951) in steps of the unit's own measure s. Each unit begins
with its first value as θ.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

QUANTILE = 0.95
MIN_RATE = 0.02
DEFINITION = (
    f"on while a unit is above the {QUANTILE:g} quantile of its own past, learned as it runs "
    f"(steps of at least {MIN_RATE:g} of its mean distance from it)"
)


@dataclass
class Thresholds:
    """Of all units.

    Attributes
    ----------
    level, measure : (n_units,) float32, θ and s
    n_seen : samples learned from
    """

    level: NDArray[np.float32]
    measure: NDArray[np.float32]
    n_seen: int = 0

    @classmethod
    def fresh(cls, n_units: int) -> Thresholds:
        return cls(np.zeros(n_units, np.float32), np.zeros(n_units, np.float32))

    def take(self, values: NDArray[np.float32]) -> NDArray[np.uint8]:
        """(⌈n_units / 8⌉,) packed bits of one sample (n_units,), which is learned from."""
        if self.n_seen == 0:
            self.level[:] = values
            self.measure[:] = 0.5 * np.abs(values) + 1e-3
        bits = np.zeros((len(values) + 7) // 8, np.uint8)
        rate = np.float32(max((self.n_seen + 1) ** -0.5, MIN_RATE))
        _cross(values, self.level, self.measure, rate, np.float32(1 - QUANTILE), bits)
        self.n_seen += 1
        return bits


@njit(cache=True, nogil=True)
def _cross(values: Any, level: Any, measure: Any, rate: Any, share: Any, bits: Any) -> None:
    for byte in range(len(bits)):
        first = 8 * byte
        packed = 0
        for i in range(first, min(first + 8, len(values))):
            on = values[i] > level[i]
            packed |= int(on) << (i - first)
            distance = abs(values[i] - level[i])
            level[i] += rate * measure[i] * (np.float32(on) - share)
            measure[i] += np.float32(0.02) * (distance - measure[i])
        bits[byte] = packed
