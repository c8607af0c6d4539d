"""One token through a decoder. See `subjects.language_model.decoder` for what is computed.

A layer has three stages, after each of which an activation can be edited: heads' outputs z, neurons, residual stream.
What a stage leaves is put into the trace at the beginning of the next, when it has been edited.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from subjects.language_model.cpu.arithmetic import (
    FAST,
    N_OUT,
    activate,
    add,
    exponentiate,
    highest,
    multiply,
    norm,
    put,
    share,
    times,
    widen,
)
from subjects.language_model.cpu.packed import (
    ATTENTION_NORM,
    EMBEDDING,
    GATE,
    KEY_NORM,
    LEAVE,
    MLP_NORM,
    NONE,
    OUT,
    QKV,
    QUERY_NORM,
    UNEMBEDDING,
    UP,
)
from subjects.language_model.cpu.team import meet
from subjects.language_model.cpu.vectors import N_ROWS, N_STEP, dot_rows_f32, mix_rows

HEADS, NEURONS, RESIDUAL = range(3)
N_STAGES = 3  # of a layer

# places of the sizes
(
    N_LAYERS, D_MODEL, D_MLP, N_HEADS, N_KV_HEADS, D_HEAD, D_HEAD_PADDED, N_TOKENS, KIND, EMBEDDING_KIND, ACTIVATION,
    ROTARY, POSITIONS, FIRST_RESIDUAL,
) = range(14)  # fmt: skip
N_SIZES = 14


@njit(cache=True, nogil=True)
def read_one(
    rank: int, n_ranks: int, meeting: Any, first: int, stop: int, token: int, position: int, sizes: Any, eps: Any,
    weights: Any, turns: Any, cache: Any, scratch: Any, trace: Any, wants_pattern: bool,
) -> None:  # fmt: skip
    """Stages `first` to `stop` of a token; stage 3L + k is k of layer L, and the last one the logits.

    Parameters
    ----------
    sizes : (N_SIZES,) int64
    weights : store, vectors, matrices and norms of `packed.Packed`
    turns : (n_context, d_head / 2) cosines and sines of the rotary positions
    cache : keys and values, (n_layers, n_kv_heads, n_context, d_head padded) each
    scratch : of `scratch_of_one`
    trace : activity, z, pattern and logits of `trace.Trace`; row 0 is filled
    """
    store, vectors, matrices, norms = weights
    x, _, _, _, delta, z, gate, post = scratch
    activity, z_trace, _, logits = trace
    n_layers, d_model, d_mlp = sizes[N_LAYERS], sizes[D_MODEL], sizes[D_MLP]
    if first == 0:
        if rank == 0:
            embed(sizes, store, vectors, matrices[n_layers, EMBEDDING], token, position, x)
        meet(meeting, n_ranks)
    a, b = share(d_model, N_ROWS, rank, n_ranks)
    c, d = share(d_mlp, N_ROWS, rank, n_ranks)
    normed = scratch[1][rank]
    for stage in range(first, stop):
        layer, part = stage // N_STAGES, stage % N_STAGES
        m, g = matrices[layer], norms[layer]
        if part == HEADS:
            if layer > 0 and rank == 0:
                to = sizes[FIRST_RESIDUAL] + (layer - 1) * d_model
                put(x, 0, d_model, activity[0], to)
            norm(x, d_model, eps, vectors, g[ATTENTION_NORM, 0], g[ATTENTION_NORM, 1], normed)
            if layer == n_layers:
                e, f = share(sizes[N_TOKENS], N_ROWS, rank, n_ranks)
                multiply(sizes[KIND], store, vectors, m[UNEMBEDDING], normed, e, f, logits[0])
            else:
                e, f = share(m[QKV, N_OUT], N_ROWS, rank, n_ranks)
                multiply(sizes[KIND], store, vectors, m[QKV], normed, e, f, scratch[2])
                meet(meeting, n_ranks)
                attend(
                    rank, n_ranks, layer, position, sizes, eps, vectors, g, turns, cache, scratch, trace, wants_pattern
                )
        elif part == NEURONS:
            e, f = share(sizes[N_HEADS], 1, rank, n_ranks)
            n = sizes[D_HEAD]
            for head in range(e, f):
                put(z, head * n, n, z_trace[0, layer, head], 0)
            multiply(sizes[KIND], store, vectors, m[OUT], z, a, b, delta)
            add(x, delta, a, b)
            meet(meeting, n_ranks)
            norm(x, d_model, eps, vectors, g[MLP_NORM, 0], g[MLP_NORM, 1], normed)
            enter(sizes, store, vectors, m, normed, gate, post, c, d)
        else:
            to = layer * d_mlp
            put(post, c, d - c, activity[0], to + c)
            multiply(sizes[KIND], store, vectors, m[LEAVE], post, a, b, delta)
            add(x, delta, a, b)
        meet(meeting, n_ranks)


@njit(cache=True, nogil=True)
def embed(sizes: Any, store: Any, vectors: Any, m: Any, token: int, position: int, x: Any) -> None:
    """The residual stream before the first layer."""
    widen(sizes[EMBEDDING_KIND], store, m[0] + token * m[1], x, 0, m[2])
    if sizes[POSITIONS] != NONE:
        at = sizes[POSITIONS] + position * sizes[D_MODEL]
        for i in range(sizes[D_MODEL]):
            x[i] += vectors[at + i]


@njit(cache=True, nogil=True)
def enter(sizes: Any, store: Any, vectors: Any, m: Any, x: Any, gate: Any, post: Any, first: int, stop: int) -> None:
    """Neurons `first` to `stop`."""
    if m[GATE, 0] == NONE:
        multiply(sizes[KIND], store, vectors, m[UP], x, first, stop, post)
        activate(sizes[ACTIVATION], post[first:stop], stop - first)
        return
    multiply(sizes[KIND], store, vectors, m[GATE], x, first, stop, gate)
    activate(sizes[ACTIVATION], gate[first:stop], stop - first)
    multiply(sizes[KIND], store, vectors, m[UP], x, first, stop, post)
    times(post, gate, first, stop)


@njit(cache=True, nogil=True)
def attend(
    rank: int, n_ranks: int, layer: int, position: int, sizes: Any, eps: Any, vectors: Any, g: Any, turns: Any,
    cache: Any, scratch: Any, trace: Any, wants_pattern: bool,
) -> None:  # fmt: skip
    """z of this rank's share of the heads; keys and values go into the cache."""
    keys, values = cache
    x_head, qkv, scores, z, mixed = (
        scratch[3][rank, 0],
        scratch[2],
        scratch[3][rank, 1],
        scratch[5],
        scratch[3][rank, 2],
    )
    n_heads, n_kv, n = sizes[N_HEADS], sizes[N_KV_HEADS], sizes[D_HEAD]
    stride, group = sizes[D_HEAD_PADDED], n_heads // n_kv
    e, f = share(n_kv, 1, rank, n_ranks)
    for kv in range(e, f):
        at = (n_heads + kv) * n
        turn(qkv[at : at + n], position, sizes, eps, vectors, g[KEY_NORM, 0], turns, keys[layer, kv, position])
        at += n_kv * n
        put(qkv, at, n, values[layer, kv, position], 0)
        for head in range(kv * group, (kv + 1) * group):
            turn(qkv[head * n : (head + 1) * n], position, sizes, eps, vectors, g[QUERY_NORM, 0], turns, x_head)
            look(position, np.float32(1 / np.sqrt(np.float64(n))), keys[layer, kv], x_head, stride, scores)
            if wants_pattern:
                put(scores, 0, position + 1, trace[2][0, layer, head], 0)
            for i in range(0, stride, N_STEP):
                mix_rows(values[layer, kv], i, stride, scores, (position + 2) // 2 * 2, mixed, i)
            put(mixed, 0, n, z, head * n)


@njit(cache=True, nogil=True, fastmath=FAST)
def turn(h: Any, position: int, sizes: Any, eps: Any, vectors: Any, weight: int, turns: Any, out: Any) -> None:
    """A query or key of d_head, normed where there is a norm, rotated where positions are rotary."""
    n = sizes[D_HEAD]
    if weight != NONE:
        norm(h, n, eps, vectors, weight, NONE, out)
    else:
        put(h, 0, n, out, 0)
    if sizes[ROTARY]:
        cosines, sines = turns
        half = n // 2
        for i in range(half):
            c, s, low, high = cosines[position, i], sines[position, i], out[i], out[half + i]
            out[i] = low * c - high * s
            out[half + i] = high * c + low * s


@njit(cache=True, nogil=True, fastmath=FAST)
def look(position: int, scale: Any, keys: Any, query: Any, stride: int, p: Any) -> None:
    """p[: position + 1] gets the attention pattern of a query, and a zero comes after it."""
    n = position + 1
    for j in range(0, n, N_ROWS):
        p[j], p[j + 1], p[j + 2], p[j + 3] = dot_rows_f32(keys, j * stride * 4, stride * 4, query, 0, stride)
    exponentiate(p, n, highest(p, n), scale)
    total = np.float32(0)
    for j in range(n):
        total += p[j]
    for j in range(n):
        p[j] /= total
    p[n] = 0


def scratch_of_one(sizes: Any, n_ranks: int, n_context: int, n_qkv: int) -> tuple[Any, ...]:
    """x; its norm for each rank; queries, keys, values; head, pattern and sum for each rank; what is added to x; z;
    gates; neurons. All float32, with zeros up to a multiple of N_STEP."""

    def padded(n: int) -> int:
        return -(-int(n) // N_STEP) * N_STEP

    def zeros(*shape: int) -> Any:
        return np.zeros((*shape[:-1], padded(shape[-1])), np.float32)

    d_model, d_mlp, d_z = sizes[D_MODEL], sizes[D_MLP], sizes[N_HEADS] * sizes[D_HEAD]
    wide = max(n_context + N_STEP, sizes[D_HEAD_PADDED])
    return (
        zeros(d_model), zeros(n_ranks, d_model), zeros(n_qkv), zeros(n_ranks, 3, wide), zeros(d_model), zeros(d_z),
        zeros(d_mlp), zeros(d_mlp),
    )  # fmt: skip
