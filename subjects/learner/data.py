"""What the learner reads: sequences of a Markov chain, of random tokens that repeat, and of random tokens.

In a Markov sequence the token before tells the next (a bigram); in a repeating one only what came earlier in the same
sequence does. Periods are drawn anew for every sequence, for a fixed one could be learned by position alone. No token
comes twice in one telling, as hardly any does where words are drawn from a language's tens of thousands (Olsson et al.
2022): of 64 tokens drawn freely two tellings of 32 would leave an induction head 0.30 nats in doubt about which of a
token's successors is meant, however well it has learned.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numba import njit
from numpy.typing import NDArray

SUCCESSOR_SHARES = (0.6, 0.2, 0.1, 0.1)
"""How often each of a token's four successors follows it: an entropy of 1.09 nats."""


class Kind(IntEnum):
    MARKOV = 0
    REPEATS = 1
    RANDOM = 2


@dataclass(frozen=True, eq=False)
class World:
    """The Markov chain of a seed, and how long sequences are.

    Attributes
    ----------
    successors : (n_tokens, 4) int64, distinct in a row
    context : tokens that are read; a sequence has one more, the last target
    """

    successors: NDArray[np.int64]
    context: int

    @property
    def n_tokens(self) -> int:
        return len(self.successors)

    def draw(self, kinds: NDArray[np.int64], n_probe: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Sequences.

        Parameters
        ----------
        kinds : (n,) Kind of each
        n_probe : the last ones repeat once, at half the context, whatever the period drawn
        rng : as many numbers are drawn whatever the kinds

        Returns
        -------
        (n, context + 1) int64
        """
        n, half = len(kinds), self.context // 2
        uniform = rng.random((n, self.context + 1))
        periods = rng.integers(max(half // 4, 2), half, size=n, endpoint=True)
        if n_probe:
            periods[-n_probe:] = half
        tokens = np.empty((n, self.context + 1), np.int64)
        _fill(kinds, uniform, periods, self.successors, np.cumsum(SUCCESSOR_SHARES), tokens)
        return tokens


def new_world(n_tokens: int, context: int, seed: int) -> World:
    rng = np.random.default_rng([seed, 1])
    successors = np.stack([rng.permutation(n_tokens)[: len(SUCCESSOR_SHARES)] for _ in range(n_tokens)])
    return World(successors.astype(np.int64), context)


def kinds_of_mix(mix: dict[Kind, float], n: int) -> NDArray[np.int64]:
    """(n,) kinds in the proportions of the mix, by largest remainders.

    Parameters
    ----------
    mix : share of each kind, ≥ 0 and not all 0
    """
    wanted = np.array([mix[kind] for kind in Kind]) * (n / sum(mix.values()))
    counts = np.floor(wanted).astype(np.int64)
    for kind in np.argsort(counts - wanted, kind="stable")[: n - int(counts.sum())]:
        counts[kind] += 1
    return np.repeat(np.arange(len(Kind), dtype=np.int64), counts)


@njit(cache=True, nogil=True)
def _fill(
    kinds: NDArray[np.int64],
    uniform: NDArray[np.float64],
    periods: NDArray[np.int64],
    successors: NDArray[np.int64],
    cumulative: NDArray[np.float64],
    tokens: NDArray[np.int64],
) -> None:
    n_tokens, n_successors = successors.shape
    deck = np.arange(n_tokens)
    for i in range(tokens.shape[0]):
        for t in range(n_tokens):
            deck[t] = t
        for t in range(tokens.shape[1]):
            u = uniform[i, t]
            if kinds[i] == Kind.MARKOV and t > 0:
                s = 0
                while s < n_successors - 1 and u >= cumulative[s]:
                    s += 1
                tokens[i, t] = successors[tokens[i, t - 1], s]
            elif kinds[i] == Kind.REPEATS and t >= periods[i]:
                tokens[i, t] = tokens[i, t - periods[i]]
            elif kinds[i] == Kind.REPEATS:  # the next card of a deck that is shuffled as it is dealt
                card = t % n_tokens
                other = card + int(u * (n_tokens - card))
                deck[card], deck[other] = deck[other], deck[card]
                tokens[i, t] = deck[card]
            else:
                tokens[i, t] = int(u * n_tokens)
