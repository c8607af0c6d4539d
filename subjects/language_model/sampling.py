"""Drawing the next token, with random numbers that depend on nothing but the seeds and the tick."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

FEW_TOKENS = 512  # the nucleus is looked for among these first: sorting a whole vocabulary is slow


def uniform(seed: int, other_seed: int, tick: int) -> float:
    """In [0, 1): the number of a tick, the same for a subject and its twin whatever either wrote before.

    Philox (Salmon et al. 2011), whose numbers are a function of key and counter.
    """
    key = [seed & 0xFFFF_FFFF_FFFF_FFFF, other_seed & 0xFFFF_FFFF_FFFF_FFFF]
    raw = np.random.Philox(key=np.array(key, np.uint64), counter=np.array([tick, 0, 0, 0], np.uint64)).random_raw()
    return float(int(raw) >> 11) * 2.0**-53


def draw(logits: Tensor, temperature: float, top_p: float, u: float) -> int:
    """A token from (n_tokens,) logits.

    Parameters
    ----------
    temperature : 0 takes the likeliest
    top_p : the nucleus: only the likeliest tokens that together have this probability (Holtzman et al. 2020,
        arXiv:1904.09751)
    u : in [0, 1)
    """
    if temperature <= 0 or not bool(torch.isfinite(logits).all()):
        return int(torch.nan_to_num(logits, nan=-torch.inf).argmax())
    p = (logits.double() / temperature).softmax(-1)
    for n in (min(FEW_TOKENS, len(p)), len(p)):
        top, tokens = torch.topk(p, n)
        cumulative = top.cumsum(0)
        if float(cumulative[-1]) >= top_p:
            break
    n_kept = min(int((cumulative < top_p).sum()) + 1, n)
    at = int(torch.searchsorted(cumulative[:n_kept], u * float(cumulative[n_kept - 1]), right=True))
    return int(tokens[min(at, n_kept - 1)])
