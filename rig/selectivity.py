"""Which units know X: how well each unit tells the moments of a concept from all others, with a control.

    auc_u = P(x_u at a moment of the concept > x_u at another) + P(equal) / 2          (Mann & Whitney 1947)
    shift = the same with the moments turned round in time by a random amount: they keep their clumping, and lose
            their meaning
    p_u   = share of shifts in which *any* unit is at least as far from 1/2 as unit u, the truth counted among them

p therefore holds for the whole search, however many units are searched (Westfall & Young 1993).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy  # its stats module loads when units are first ranked: the window starts sooner without it
from numpy.typing import NDArray

from rig.errors import SpecError

N_SHIFTS = 200
LEAST_MOMENTS = 3  # of a concept, and of all others
_BLOCK_UNITS = 2048  # ranked at once: bounds the memory of a search
_EQUAL = 1e-6  # sums of ranks are rounded so far in the shifts


@dataclass(frozen=True, eq=False)
class Selectivity:
    """Of n units for one concept.

    Attributes
    ----------
    auc : (n,) 0 … 1, 1/2 for a unit that does not tell
    p : (n,) corrected for the search
    n_moments : of the concept
    """

    auc: NDArray[np.float64]
    p: NDArray[np.float64]
    n_moments: int

    def ranking(self) -> NDArray[np.int64]:
        """(n,) places of the units, the most selective first, whichever way."""
        return np.argsort(-np.abs(self.auc - 0.5), kind="stable").astype(np.int64)


def selectivity(
    values: NDArray[Any], of_concept: NDArray[np.bool_], n_shifts: int = N_SHIFTS, seed: int = 0
) -> Selectivity:
    """Selectivity of every unit.

    Parameters
    ----------
    values : (n_moments, n_units)
    of_concept : (n_moments,)

    Raises
    ------
    SpecError : lengths differ, or there are too few moments of the concept, or of anything else.
    """
    n, n_in = len(values), int(of_concept.sum())
    if len(of_concept) != n:
        raise SpecError(f"asked for the selectivity over {n} samples with {len(of_concept)} labels; give one a sample")
    if min(n_in, n - n_in) < LEAST_MOMENTS:
        raise SpecError(
            f"asked for units that know a concept; {n_in} of {n} tokens on show name it: "
            f"at least {LEAST_MOMENTS} that do and {LEAST_MOMENTS} that do not are needed, let the subject write on"
        )
    rng = np.random.default_rng(seed)
    shifted = np.stack([np.roll(of_concept, s) for s in rng.integers(1, n, n_shifts)]).astype(np.float32)
    auc = np.empty(values.shape[1])
    farthest = np.zeros(n_shifts)  # from 1/2, of any unit
    for start in range(0, values.shape[1], _BLOCK_UNITS):
        block = slice(start, start + _BLOCK_UNITS)
        ranks = scipy.stats.rankdata(values[:, block], axis=0)
        ranks -= (n + 1) / 2  # about 0, so that little is lost in float32
        auc[block] = 0.5 + ranks[of_concept].sum(axis=0) / (n_in * (n - n_in))
        sums = shifted @ ranks.astype(np.float32)
        farthest = np.maximum(farthest, np.abs(sums).max(axis=1) / (n_in * (n - n_in)))
    beaten = np.searchsorted(np.sort(farthest), np.abs(auc - 0.5) - _EQUAL)
    return Selectivity(auc, (n_shifts - beaten + 1) / (n_shifts + 1), n_in)


def tuning(values: NDArray[Any], labels: NDArray[np.integer[Any]], n_labels: int) -> Tuning:
    """Mean of a unit at the moments of each label, with the standard error of the mean.

    Parameters
    ----------
    values : (n_moments,); what is not finite is left out
    labels : (n_moments,) 0 … n_labels − 1; others are of none
    """
    used = np.isfinite(values) & (labels >= 0) & (labels < n_labels)
    labels, values = labels[used], values[used].astype(np.float64)
    counts = np.bincount(labels, minlength=n_labels)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = np.bincount(labels, values, n_labels) / counts
        squares = np.bincount(labels, (values - means[labels]) ** 2, n_labels)
        errors = np.sqrt(squares / (counts - 1) / counts)
    errors[counts < 2] = np.nan
    return Tuning(means, errors, counts)


@dataclass(frozen=True, eq=False)
class Tuning:
    """Of one unit to n labels.

    Attributes
    ----------
    means, errors : (n,) in the unit's own measure; NaN where there are too few moments
    counts : (n,) moments
    """

    means: NDArray[np.float64]
    errors: NDArray[np.float64]
    counts: NDArray[np.int64]


def top_moments(values: NDArray[Any], n: int, apart: int) -> NDArray[np.int64]:
    """(≤ n,) places of the greatest values, the greatest first, no two nearer than `apart`; NaN is never one."""
    chosen: list[int] = []
    for place in np.argsort(-values, kind="stable").tolist():
        if len(chosen) == n or np.isnan(values[place]):
            break
        if all(abs(place - other) >= apart for other in chosen):
            chosen.append(place)
    return np.array(chosen, np.int64)


def labels_of(names: Sequence[str], of_moments: Sequence[str]) -> NDArray[np.int64]:
    """(n_moments,) place of each moment's name among the names, −1 for none of them."""
    place = {name: i for i, name in enumerate(names)}
    return np.array([place.get(name, -1) for name in of_moments], np.int64)
