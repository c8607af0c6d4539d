"""Which units know a concept: activity on tokens that name it against activity on all others, with shuffled controls.

    auc_u   = P(x_u on a token of the concept > x_u on another) + P(equal) / 2        (Mann & Whitney 1947)
    shuffle = labels turned round in time by a random amount, so that they keep their clumping and lose their meaning
    p_u     = share of shuffles in which *any* unit is at least as far from 1/2 as unit u, the truth counted among them

p is therefore corrected for the number of units that were searched (Westfall & Young 1993).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from rig.errors import SpecError

N_SHUFFLES = 200
LEAST_TOKENS = 3  # of a concept, and of all others
_BLOCK_UNITS = 2048  # ranked at once: bounds the memory of a search
_PUNCTUATION = ".,;:!?'\"()[]{}«»“”‘’—–-…\n\t "


@dataclass(frozen=True, eq=False)
class Selectivity:
    """Of every unit for one concept.

    Attributes
    ----------
    auc : (n_units,) 0 … 1, 1/2 for a unit that does not tell
    p : (n_units,) corrected for the search
    n_tokens : of the concept
    """

    auc: NDArray[np.float64]
    p: NDArray[np.float64]
    n_tokens: int

    def ranking(self) -> NDArray[np.int64]:
        """(n_units,) the most selective first."""
        return np.argsort(-np.abs(self.auc - 0.5), kind="stable").astype(np.int64)


def tokens_of_words(texts: Sequence[str], words: Collection[str]) -> NDArray[np.bool_]:
    """(n,) whether a token is part of one of these words, whatever its case and the punctuation about it.

    Parameters
    ----------
    texts : what each token writes; a word is what lies between white space, of as many tokens as it takes
    """
    wanted = {word.casefold() for word in words}
    found = np.zeros(len(texts), np.bool_)
    first, word = 0, ""

    def close(stop: int) -> None:
        if word.strip(_PUNCTUATION).casefold() in wanted:
            found[first:stop] = True

    for i, text in enumerate(texts):
        if text[:1].isspace() or word[-1:].isspace():
            close(i)
            first, word = i, ""
        word += text
    close(len(texts))
    return found


def selectivity(
    values: NDArray[np.floating], of_concept: NDArray[np.bool_], n_shuffles: int = N_SHUFFLES, seed: int = 0
) -> Selectivity:
    """Selectivity of every unit.

    Parameters
    ----------
    values : (n_tokens, n_units)
    of_concept : (n_tokens,)

    Raises
    ------
    SpecError : there are too few tokens of the concept, or of anything else.
    """
    n, n_in = len(values), int(of_concept.sum())
    if min(n_in, n - n_in) < LEAST_TOKENS:
        raise SpecError(
            f"asked for units that know a concept; {n_in} of {n} tokens on show name it: "
            f"at least {LEAST_TOKENS} that do and {LEAST_TOKENS} that do not are needed, let the subject write on"
        )
    rng = np.random.default_rng(seed)
    shifts = rng.integers(1, n, n_shuffles)
    labels = np.stack([of_concept, *(np.roll(of_concept, s) for s in shifts)], axis=1).astype(np.float64)
    auc = np.empty(values.shape[1])
    farthest = np.zeros(n_shuffles)
    for start in range(0, values.shape[1], _BLOCK_UNITS):
        ranks = rankdata(values[:, start : start + _BLOCK_UNITS], axis=0)
        of_labels = (ranks.T @ labels - n_in * (n_in + 1) / 2) / (n_in * (n - n_in))
        auc[start : start + _BLOCK_UNITS] = of_labels[:, 0]
        farthest = np.maximum(farthest, np.abs(of_labels[:, 1:] - 0.5).max(axis=0))
    beaten = np.searchsorted(np.sort(farthest), np.abs(auc - 0.5) - 1e-12)
    return Selectivity(auc, (n_shuffles - beaten + 1) / (n_shuffles + 1), n_in)


def top_contexts(values: NDArray[np.floating], n: int, apart: int) -> NDArray[np.int64]:
    """(≤ n,) places of the greatest values, the greatest first, no two nearer than `apart`; NaN is never one."""
    chosen: list[int] = []
    for place in np.argsort(-values, kind="stable").tolist():
        if len(chosen) == n or np.isnan(values[place]):
            break
        if all(abs(place - other) >= apart for other in chosen):
            chosen.append(place)
    return np.array(chosen, np.int64)
