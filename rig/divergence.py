"""How far what a subject expects is from what its intact twin expects: one number a tick.

    D[t] = Σ_o p_o[t] (ln p_o[t] − ln q_o[t])        Kullback & Leibler 1951, nats

p is the subject's distribution over what comes next, q the twin's, both as they stand at tick t, each after its own
past.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rig.streams import Chunk, StreamInfo, StreamKind

DIVERGENCE_STREAM = "divergence"


def distribution_stream(streams: Iterable[StreamInfo]) -> StreamInfo | None:
    """The stream that it is computed from: the first regular distribution; None where there is none."""
    return next((s for s in streams if s.kind is StreamKind.DISTRIBUTION and s.regular), None)


def divergence_layout(distribution: StreamInfo) -> StreamInfo:
    return StreamInfo(
        name=DIVERGENCE_STREAM,
        description=f"Kullback-Leibler divergence of {distribution.name} from the twin's, each after its own past",
        kind=StreamKind.VALUES,
        dtype=np.dtype(np.float32),
        shape=(),
        ticks_per_sample=distribution.ticks_per_sample,
        physical_unit="nat",
    )


def kl_divergence(log_p: NDArray[Any], log_q: NDArray[Any]) -> NDArray[np.float64]:
    """(n,) D(p ‖ q) of rows of log probabilities (n, n_outcomes), nats; outcomes with p = 0 add nothing."""
    p = np.exp(log_p.astype(np.float64))
    terms = np.where(p > 0, p * (log_p.astype(np.float64) - log_q), 0.0)
    return np.asarray(np.maximum(terms.sum(axis=1), 0.0))


def divergence_chunk(ticks: NDArray[np.int64], ours: NDArray[Any], theirs: NDArray[Any]) -> Chunk:
    """Of the same ticks of both."""
    first = int(ticks[0]) if len(ticks) else 0
    return Chunk(DIVERGENCE_STREAM, first, kl_divergence(ours, theirs).astype(np.float32))
