"""Simple filters for analogue traces: Butterworth of second order, and a notch, kept going from chunk to chunk."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import scipy  # its signal module loads when the first filter is made: it alone takes as long as Qt
from numpy.typing import NDArray

_NOTCH_QUALITY = 5.0


class FilterKind(StrEnum):
    NONE = "no filter"
    HIGH_PASS = "high-pass"
    LOW_PASS = "low-pass"
    NOTCH = "notch"


@dataclass(frozen=True)
class FilterChoice:
    """A filter for all analogue traces.

    Attributes
    ----------
    cutoff_hz : corner, or what the notch takes out; cycles a tick where the subject has no clock
    """

    kind: FilterKind = FilterKind.NONE
    cutoff_hz: float = 0.0

    def sections(self, rate_hz: float) -> NDArray[np.float64] | None:
        """(n, 6) second-order sections at a rate; None where there is nothing to filter."""
        if self.kind is FilterKind.NONE or not 0 < self.cutoff_hz < rate_hz / 2:
            return None
        if self.kind is FilterKind.NOTCH:
            numerator, denominator = scipy.signal.iirnotch(self.cutoff_hz, _NOTCH_QUALITY, fs=rate_hz)
            sections: NDArray[np.float64] = scipy.signal.tf2sos(numerator, denominator)
            return sections
        form = "highpass" if self.kind is FilterKind.HIGH_PASS else "lowpass"
        low_or_high: NDArray[np.float64] = scipy.signal.butter(2, self.cutoff_hz, form, fs=rate_hz, output="sos")
        return low_or_high


def cutoffs(rate_hz: float) -> tuple[float, ...]:
    """Corners to choose from, 1-2-5, the highest first: from below the Nyquist frequency down to a thousandth."""
    power = math.floor(math.log10(rate_hz / 2))
    steps = [factor * 10.0**p for p in range(power, power - 4, -1) for factor in (5, 2, 1)]
    return tuple(s for s in steps if rate_hz / 2000 <= s < 0.45 * rate_hz)


class RunningFilter:
    """Filters consecutive chunks; a gap begins again, settled at the first value: no step is seen that was not there.

    Parameters
    ----------
    rate_hz : samples a second
    """

    def __init__(self, choice: FilterChoice, rate_hz: float) -> None:
        self._sections = choice.sections(rate_hz)
        self._state: NDArray[np.float64] | None = None

    def reset(self) -> None:
        """The next chunk follows nothing."""
        self._state = None

    def apply(self, data: NDArray[Any]) -> NDArray[Any]:
        """(n_samples, n) filtered along the samples; the data themselves where there is no filter."""
        if self._sections is None or not len(data):
            return data
        if self._state is None:
            at_rest = scipy.signal.sosfilt_zi(self._sections)
            self._state = at_rest[:, :, None] * np.asarray(data[0], np.float64)[None, None, :]
        filtered, self._state = scipy.signal.sosfilt(self._sections, data, axis=0, zi=self._state)
        values: NDArray[np.float32] = filtered.astype(np.float32)
        return values
