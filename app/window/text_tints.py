"""How strongly each token is coloured, and with which of two hues. Free of Qt."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from app.theme import Theme, rgb

QUANTILE = 0.98  # of the sizes on the page: what has the full colour
MOST_COVER = 0.62  # of the ground by a tint: the letters stay readable
_NEGATIVE_SHARE = 0.05  # of the size that values below 0 must reach to have a hue of their own
_EVEN = 0.8  # cover grows a little faster at first: a small step from the ground is hard to see


class Coloured(StrEnum):
    """What tokens are coloured by."""

    UNIT = "selected unit"
    SURPRISE = "surprise"
    ENTROPY = "entropy"
    DIVERGENCE = "divergence"
    NOTHING = "nothing"


@dataclass(frozen=True, eq=False)
class Tints:
    """Cover of each token.

    Attributes
    ----------
    levels : (n,) −1 … 1, NaN where unknown; below 0 in the other hue
    low, high : values of the ends of the scale
    """

    levels: NDArray[np.float64]
    low: float
    high: float

    def part(self, start: int, stop: int) -> Tints:
        """Of some of the tokens, on the same scale."""
        return Tints(self.levels[start:stop], self.low, self.high)


def tints_of(values: NDArray[np.float32]) -> Tints:
    """Levels of values: from 0 on, or on both sides of 0 where values go below it."""
    known = values[np.isfinite(values)].astype(np.float64)
    size = float(np.quantile(np.abs(known), QUANTILE)) if len(known) else 0.0
    if size <= 0:
        return Tints(np.where(np.isfinite(values), 0.0, np.nan), 0.0, 0.0)
    both = bool(known.min() < -_NEGATIVE_SHARE * size)
    levels = np.clip(values.astype(np.float64) / size, -1 if both else 0, 1)
    return Tints(levels, -size if both else 0.0, size)


def hues(theme: Theme) -> tuple[str, str]:
    """Above and below 0: blue and brown, told apart by colour-blind eyes, and neither of them a sign of the rig."""
    return theme.regions[4], theme.regions[1]


def ground_of(level: float, theme: Theme) -> str:
    """``#rrggbb`` of a token's ground."""
    above, below = hues(theme)
    cover = MOST_COVER * abs(level) ** _EVEN
    mixed = (
        round(b + (h - b) * cover) for b, h in zip(rgb(theme.window), rgb(above if level >= 0 else below), strict=True)
    )
    return "#{:02x}{:02x}{:02x}".format(*mixed)
