"""Where traces lie and how tall they are: lanes, gains, offsets. Free of Qt; lengths in device pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from app.window.scope_rows import ScopeRow

DIGITAL_SHARE = 0.62  # of its lane that a bit's step takes
ANALOGUE_SHARE = 0.84
MIN_GAIN, MAX_GAIN = 1 / 64, 64.0
GAIN_STEP = 2**0.5


class Arrangement(StrEnum):
    """Where the traces lie."""

    STACKED = "stacked"
    BUTTERFLY = "butterfly"
    BY_DEPTH = "by depth"


@dataclass(frozen=True)
class RowView:
    """How one trace is seen; kept by its row's key, so that it survives a change of the list.

    Attributes
    ----------
    gain : set by hand, 1 at first
    shift : upwards, in heights of its lane
    low, high : values that fill the lane at gain 1; 0 and 1 for bits
    """

    gain: float = 1.0
    shift: float = 0.0
    low: float = 0.0
    high: float = 1.0


@dataclass(frozen=True, eq=False)
class Placed:
    """Traces placed.

    Attributes
    ----------
    size_px : (n,) heights of the lanes
    label_px : (n,) where their names belong
    offset_px, gain_px : (n,) float32 for `TraceStyle`: a value v lies at offset − gain v
    """

    size_px: NDArray[np.float64]
    label_px: NDArray[np.float64]
    offset_px: NDArray[np.float32]
    gain_px: NDArray[np.float32]


def lanes(
    arrangement: Arrangement, depths: Sequence[float], height: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(n,) centres and heights of the lanes.

    By depth, lanes lie as the units lie on the map; units without a place lie below.
    """
    n = len(depths)
    if n == 0:
        return np.empty(0), np.empty(0)
    if arrangement is Arrangement.BUTTERFLY:
        return np.full(n, height / 2), np.full(n, float(height))
    size = height / n
    places = np.arange(n, dtype=np.float64) + 0.5
    if arrangement is Arrangement.BY_DEPTH:
        down = np.asarray(depths, np.float64)
        known = np.isfinite(down)
        n_known = int(known.sum())
        spread = float(np.ptp(down[known])) if n_known else 0.0
        if spread > 0:
            places[known] = 0.5 + (down[known] - float(down[known].min())) / spread * (n_known - 1)
            places[~known] = n_known + 0.5 + np.arange(n - n_known)
    centres: NDArray[np.float64] = places * size
    return centres, np.full(n, size)


def place(
    rows: Sequence[ScopeRow],
    views: Sequence[RowView],
    arrangement: Arrangement,
    height: int,
    common_gain: float = 1.0,
) -> Placed:
    """Gains and offsets of all rows."""
    centre, size = lanes(arrangement, [r.depth for r in rows], height)
    gain = np.empty(len(rows))
    middle = np.empty(len(rows))
    shift = np.array([v.shift for v in views]) * size if len(rows) else np.empty(0)
    for i, (row, view) in enumerate(zip(rows, views, strict=True)):
        share = DIGITAL_SHARE if row.digital else ANALOGUE_SHARE
        span = view.high - view.low
        gain[i] = share * size[i] / (span if span > 0 else 1.0) * view.gain * common_gain
        middle[i] = (view.high + view.low) / 2
    # in a butterfly all lie in the middle, and their names are a list
    label = (np.arange(len(rows)) + 0.5) * height / max(len(rows), 1)
    if arrangement is not Arrangement.BUTTERFLY:
        label = centre - shift
    return Placed(size, label, (centre - shift + gain * middle).astype(np.float32), gain.astype(np.float32))


def fitted(low: float, high: float, view: RowView) -> RowView:
    """The view in which values from low to high fill the lane; unchanged where there are none."""
    if not (np.isfinite(low) and np.isfinite(high)):
        return view
    if high <= low:  # a level line lies in the middle, whatever its value
        half = max(abs(low) * 1e-3, 0.5)
        low, high = low - half, high + half
    return RowView(1.0, 0.0, float(low), float(high))


def scaled_gain(gain: float, n_steps: int) -> float:
    """A gain some steps up or down; four steps are a factor of four."""
    return min(max(gain * GAIN_STEP**n_steps, MIN_GAIN), MAX_GAIN)
