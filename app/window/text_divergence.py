"""How far the subject and its twin are apart in what they expect, token by token. Free of Qt."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rig.errors import EvictedError
from rig.process.ring_reader import RingReader

MOST_AT_ONCE = 32  # rows of a large vocabulary in one pull; the newest first


class Divergence:
    """Kullback-Leibler divergence in nats of the twin's expectations from the subject's, remembered by tick."""

    def __init__(self) -> None:
        self._known: dict[int, float] = {}
        self._epoch = -1

    def at(self, own: RingReader, twin: RingReader, ticks: NDArray[np.int64]) -> NDArray[np.float32]:
        """(n,) NaN where it is not known yet, or no longer to be had."""
        epoch = own.span().epoch
        if epoch != self._epoch:
            self._known.clear()
            self._epoch = epoch
        missing = [t for t in reversed(ticks.tolist()) if t not in self._known]
        for tick in missing[:MOST_AT_ONCE]:
            try:
                p, q = (reader.ticks(tick, tick + 1).copy().data[0] for reader in (own, twin))
            except EvictedError:
                break  # what came before is gone as well
            self._known[tick] = divergence(p, q)
        return np.array([self._known.get(t, np.nan) for t in ticks.tolist()], np.float32)


def divergence(log_p: NDArray[np.floating], log_q: NDArray[np.floating]) -> float:
    """Σ p (log p − log q) in nats; outcomes that p excludes count nothing."""
    p = np.exp(log_p.astype(np.float64))
    possible = p > 0
    return float((p[possible] * (log_p[possible] - log_q[possible]).astype(np.float64)).sum())
