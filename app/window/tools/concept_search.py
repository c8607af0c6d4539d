"""The search for units that know a concept, over what is in the rings. Free of Qt."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.window.text_tokens import Tokens
from rig.errors import SpecError
from rig.process.ring_reader import RingReader
from rig.selectivity import Selectivity, selectivity
from rig.texts import concept_moments

MAX_SEARCH_BYTES = 256 << 20  # of activity copied for one search: the newest tokens


@dataclass(frozen=True, eq=False)
class Search:
    """What was found, and for what."""

    words: tuple[str, ...]
    unit_ids: NDArray[np.int64]
    found: Selectivity
    n_tokens: int

    def told(self) -> str:
        """One line for the person."""
        n_known = int((self.found.p <= 0.05).sum())
        return (
            f"{self.found.n_moments} of {self.n_tokens} tokens name {', '.join(self.words)}; {n_known} of "
            f"{len(self.unit_ids)} units tell them at p ≤ 0.05, corrected for the search by shuffles"
        )


def words_of(text: str) -> tuple[str, ...]:
    """Words of a typed list, without repeats."""
    return tuple(dict.fromkeys(w.strip() for w in text.split(",") if w.strip()))


def search(ring: RingReader, tokens: Tokens, words: tuple[str, ...]) -> Search:
    """All units that a ring carries, over the newest of these tokens that it holds.

    Raises
    ------
    SpecError : nothing has been written, or too little that names the concept. EvictedError : the ring ran on.
    """
    ids = ring.info.unit_ids
    assert ids is not None, "a ring of units"
    span = ring.span()
    oldest = max(span.first_tick, span.stop_tick - MAX_SEARCH_BYTES // max(ring.info.sample_bytes, 1))
    held = (tokens.ticks >= oldest) & (tokens.ticks < span.stop_tick)
    ticks = tokens.ticks[held]
    if not len(ticks):
        raise SpecError("asked for units that know a concept; nothing has been written yet: run the subject")
    samples = ring.ticks(int(ticks[0]), int(ticks[-1]) + 1).copy()
    values = samples.unpacked().reshape(len(samples), len(ids))[ticks - ticks[0]]
    return Search(words, ids, selectivity(values, concept_moments(tokens.texts, words)[held]), len(ticks))
