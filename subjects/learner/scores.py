"""What is measured of the heads and of what the network does, by the definitions of the field."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from subjects.learner.shape import N_LAYERS, Shape, Weights

F32 = NDArray[np.float32]


def prefix_matching(pattern: F32) -> F32:
    """(n_heads,) mean attention from a token that repeats to the token after its first occurrence.

    After Olsson et al., In-context Learning and Induction Heads (2022).

    Parameters
    ----------
    pattern : (n_sequences, n_heads, context, context) of sequences whose second half repeats the first
    """
    context = pattern.shape[-1]
    asking = np.arange(context // 2, context)
    score: F32 = pattern[:, :, asking, asking - context // 2 + 1].mean(axis=(0, 2))
    return score


def copying(shape: Shape, weights: Weights) -> F32:
    """(n_layers n_heads,) how far attending to a token makes the head predict it: Σ λ / Σ |λ| of its OV circuit.

    The circuit is E Wv Wo U, tokens to logits (Elhage et al., 2021); its eigenvalues other than 0 are those of the
    small matrix (Wo U)(E Wv). 1 where all are positive, 0 for a head that copies nothing.
    """
    scores = []
    for layer in range(N_LAYERS):
        into = weights.embed @ weights.qkv[layer][:, 2 * shape.width :]
        values = into.reshape(-1, shape.n_heads, shape.head_width).transpose(1, 0, 2)
        outs = weights.out[layer].reshape(shape.n_heads, shape.head_width, shape.width) @ weights.unembed
        values_of = np.linalg.eigvals(outs @ values)
        total = np.abs(values_of).sum(axis=1)
        scores.append(values_of.sum(axis=1).real / np.where(total > 0, total, 1))
    return np.concatenate(scores).astype(np.float32)


def root_mean_square(values: F32, axes: tuple[int, ...]) -> F32:
    result: F32 = np.sqrt(np.mean(np.square(values), axis=axes, dtype=np.float64)).astype(np.float32)
    return result
