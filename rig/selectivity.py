"""Which units know X: how well each unit tells the moments of a concept from all others.

The measure is the area under the ROC curve, the probability that the unit is higher at a moment of the concept than at
another (Mann & Whitney 1947): ½ says nothing, 1 and 0 tell them apart without error. The control is the same measure
with the moments shifted in time against the activity (circularly, so that both keep their own rhythm): of each unit a
z score against its shifts, and the share of shifts in which the best of all units did as well, which is a p value that
holds for the whole search (Westfall & Young 1993).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from rig.errors import SpecError
from rig.streams import Samples

UNITS_AT_ONCE = 4096  # bounds the memory of the ranks
TOKEN_CLASSES = ("name", "word", "number", "punctuation", "new line", "nothing")


@dataclass(frozen=True, eq=False)
class Selectivity:
    """Of n units, as they were given.

    Attributes
    ----------
    unit_ids : (n,) int64
    auc : (n,) float64
    z : (n,) float64, (auc − mean of its shifts) / their standard deviation; 0 for a unit that never changes
    p : (n,) float64, for the whole search
    n_moments : of the concept
    """

    unit_ids: NDArray[np.int64]
    auc: NDArray[np.float64]
    z: NDArray[np.float64]
    p: NDArray[np.float64]
    n_moments: int

    def order(self) -> NDArray[np.int64]:
        """Rows, the most selective first, whichever way."""
        return np.argsort(-np.abs(self.z), kind="stable").astype(np.int64)


def selectivity(activity: Samples, is_concept: NDArray[np.bool_], n_shifts: int = 200, seed: int = 0) -> Selectivity:
    """How each unit tells the concept's moments from the others.

    Parameters
    ----------
    activity : of units, a value a channel
    is_concept : (n_samples,)

    Raises
    ------
    SpecError : the stream has no units, the lengths differ, or fewer than 2 moments are of either sort.
    """
    unit_ids = activity.info.unit_ids
    values = activity.unpacked()
    n, n_moments = len(values), int(is_concept.sum())
    if unit_ids is None or values.ndim != 2:
        raise SpecError(f"asked for the selectivity of {activity.info.name!r}; it is of units with a value each")
    if len(is_concept) != n:
        raise SpecError(f"asked for the selectivity over {n} samples with {len(is_concept)} labels; give one a sample")
    if min(n_moments, n - n_moments) < 2:
        raise SpecError(
            f"asked for units that know a concept with {n_moments} of {n} moments; there must be 2 of it and 2 others"
        )
    rng = np.random.default_rng(seed)
    shifts = rng.integers(1, n, n_shifts)
    labels = np.stack([is_concept, *(np.roll(is_concept, s) for s in shifts)]).astype(np.float32)
    auc = np.concatenate(
        [_auc(values[:, i : i + UNITS_AT_ONCE], labels) for i in range(0, values.shape[1], UNITS_AT_ONCE)], axis=1
    )
    found, shifted = auc[0], auc[1:]
    spread = shifted.std(axis=0)
    z = np.divide(found - shifted.mean(axis=0), spread, out=np.zeros_like(found), where=spread > 1e-9)
    best = np.sort(np.abs(shifted - 0.5).max(axis=1))
    n_as_good = n_shifts - np.searchsorted(best, np.abs(found - 0.5), side="left")
    return Selectivity(unit_ids, found, z, (n_as_good + 1) / (n_shifts + 1), n_moments)


def _auc(values: NDArray[Any], labels: NDArray[np.float32]) -> NDArray[np.float64]:
    """(n_labelings, n_units) from (n, n_units) and (n_labelings, n): rank sums, ties sharing their ranks."""
    n = len(values)
    ranks = rankdata(values, axis=0).astype(np.float32) - np.float32((n + 1) / 2)  # centred: float32 is enough
    n_in = labels.sum(axis=1).astype(np.float64)[:, None]
    return np.asarray(0.5 + (labels @ ranks).astype(np.float64) / (n_in * (n - n_in)))


# ---- what was read


def texts_of(text: Samples) -> list[bytes]:
    """What each sample of a text stream of UTF-8 cells writes."""
    return [bytes(row[row != 0]) for row in text.data.reshape(len(text), -1)]


def concept_moments(texts: Sequence[bytes], words: Sequence[str]) -> NDArray[np.bool_]:
    """(n,) the samples that write any part of one of the words, whole words whatever their case.

    Raises
    ------
    SpecError : no word is given.
    """
    wanted = [re.escape(word.strip()) for word in words if word.strip()]
    if not wanted:
        raise SpecError("asked for a concept without words; give one at least")
    pattern = re.compile(rf"(?<!\w)(?:{'|'.join(wanted)})(?!\w)", re.IGNORECASE)
    ends = np.cumsum([len(t) for t in texts])
    starts = ends - [len(t) for t in texts]
    joined = b"".join(texts).decode("utf-8", "replace")
    # bytes before each character, so that matches of text are found again in samples
    offsets = np.concatenate([[0], np.cumsum([len(c.encode("utf-8", "replace")) for c in joined])])
    marked = np.zeros(len(texts), np.bool_)
    for found in pattern.finditer(joined):
        first, last = offsets[found.start()], offsets[found.end()]
        marked |= (starts < last) & (ends > first)
    return marked


def token_class(text: bytes) -> str:
    """One of TOKEN_CLASSES."""
    word = text.decode("utf-8", "replace")
    if "\n" in word:
        return "new line"
    word = word.strip()
    if not word:
        return "nothing"
    if word[0].isalpha():
        return "name" if word[0].isupper() else "word"
    return "number" if unicodedata.category(word[0]).startswith("N") else "punctuation"


def class_tuning(values: NDArray[Any], texts: Sequence[bytes]) -> NDArray[np.float64]:
    """(n_classes, n_units) mean of (n, n_units) at the tokens of each class; NaN where there are none."""
    classes = np.array([TOKEN_CLASSES.index(token_class(t)) for t in texts], np.int64)
    counts = np.bincount(classes, minlength=len(TOKEN_CLASSES)).astype(np.float64)
    one_hot = np.eye(len(TOKEN_CLASSES))[classes]  # (n, n_classes)
    counts[counts == 0] = np.nan
    return np.asarray(one_hot.T @ values.astype(np.float64) / counts[:, None])


@dataclass(frozen=True)
class Moment:
    """A place in what was read.

    Attributes
    ----------
    row : of the samples
    value : of the unit there
    before, token, after : text around it
    """

    row: int
    value: float
    before: str
    token: str
    after: str


def top_contexts(
    values: NDArray[Any], texts: Sequence[bytes], n: int = 10, n_before: int = 12, n_after: int = 4
) -> list[Moment]:
    """Where a unit (n_samples,) was highest, highest first; moments of one context but once."""
    taken = np.zeros(len(values), np.bool_)
    moments: list[Moment] = []
    for row in np.argsort(-values, kind="stable").tolist():
        if len(moments) == n:
            break
        if taken[row]:
            continue
        taken[max(row - n_after, 0) : row + n_after + 1] = True
        before, after = texts[max(row - n_before, 0) : row], texts[row + 1 : row + 1 + n_after]
        parts = (b"".join(p).decode("utf-8", "replace") for p in (before, [texts[row]], after))
        moments.append(Moment(row, float(values[row]), *parts))
    return moments
