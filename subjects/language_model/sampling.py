"""Drawing the next token, with random numbers that depend on nothing but the seeds and the tick."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FEW_TOKENS = 512  # the nucleus is looked for among these first: sorting a whole vocabulary is slow


def uniform(seed: int, other_seed: int, tick: int) -> float:
    """In [0, 1): the number of a tick, the same for a subject and its twin whatever either wrote before.

    Philox (Salmon et al. 2011), whose numbers are a function of key and counter.
    """
    key = [seed & 0xFFFF_FFFF_FFFF_FFFF, other_seed & 0xFFFF_FFFF_FFFF_FFFF]
    raw = np.random.Philox(key=np.array(key, np.uint64), counter=np.array([tick, 0, 0, 0], np.uint64)).random_raw()
    return float(int(raw) >> 11) * 2.0**-53


def draw(logits: NDArray[np.float32], temperature: float, top_p: float, u: float) -> int:
    """A token from (n_tokens,) logits.

    Parameters
    ----------
    temperature : 0 takes the likeliest
    top_p : the nucleus: only the likeliest tokens that together have this probability (Holtzman et al. 2020,
        arXiv:1904.09751)
    u : in [0, 1)
    """
    if temperature <= 0 or not np.isfinite(logits).all():
        return int(np.nan_to_num(logits, nan=-np.inf).argmax())
    weights = np.exp((logits.astype(np.float64) - float(logits.max())) / temperature)
    wanted = top_p * float(weights.sum())
    likeliest = np.argpartition(weights, -FEW_TOKENS)[-FEW_TOKENS:] if len(weights) > 2 * FEW_TOKENS else None
    if likeliest is None or float(weights[likeliest].sum()) < wanted:
        likeliest = np.arange(len(weights))
    likeliest = likeliest[np.argsort(-weights[likeliest], kind="stable")]
    cumulative = weights[likeliest].cumsum()
    n_kept = min(int(np.searchsorted(cumulative, wanted)) + 1, len(cumulative))
    at = int(np.searchsorted(cumulative[:n_kept], u * cumulative[n_kept - 1], side="right"))
    return int(likeliest[min(at, n_kept - 1)])
