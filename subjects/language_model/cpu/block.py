"""A block of 16 positions through a decoder: the stages of `one`, with a lane for each position.

Arrays are (…, 16): weights are widened once and multiplied with all lanes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from subjects.language_model.cpu.arithmetic import (
    N_OUT,
    activate,
    exponential,
    multiply_lanes,
    norm_lanes,
    share,
    widen,
)
from subjects.language_model.cpu.one import (
    ACTIVATION,
    D_HEAD,
    D_HEAD_PADDED,
    D_MLP,
    D_MODEL,
    EMBEDDING_KIND,
    FIRST_RESIDUAL,
    HEADS,
    KIND,
    N_HEADS,
    N_KV_HEADS,
    N_LAYERS,
    N_STAGES,
    N_TOKENS,
    NEURONS,
    POSITIONS,
    ROTARY,
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
from subjects.language_model.cpu.vectors import N_LANES, N_TILE, tile


@njit(cache=True, nogil=True)
def read_block(
    rank: int, n_ranks: int, meeting: Any, first: int, stop: int, tokens: Any, start: int, rows: Any, sizes: Any,
    eps: Any, weights: Any, turns: Any, cache: Any, scratch: Any, trace: Any, wants_pattern: bool,
) -> None:  # fmt: skip
    """Stages `first` to `stop` of the positions from `start` on, as `one.read_one` numbers them.

    Parameters
    ----------
    tokens : (16,) int64
    rows : first and stop of the lanes that are new; they go into the cache and the trace
    scratch : of `scratch_of_block`
    """
    store, vectors, matrices, norms = weights
    x, _, qkv, _, delta, z, gate, post, logits, _ = scratch
    activity, z_trace, _, logits_trace = trace
    n_layers, d_model, d_mlp = sizes[N_LAYERS], sizes[D_MODEL], sizes[D_MLP]
    new, end = rows
    if first == 0:
        if rank == 0:
            embed_lanes(sizes, store, vectors, matrices[n_layers, EMBEDDING], tokens, start, x, scratch[9][0])
        meet(meeting, n_ranks)
    a, b = share(d_model, N_TILE, rank, n_ranks)
    c, d = share(d_mlp, N_TILE, rank, n_ranks)
    normed, panel = scratch[1][rank, 0], scratch[9][rank]
    for stage in range(first, stop):
        layer, part = stage // N_STAGES, stage % N_STAGES
        m, g = matrices[layer], norms[layer]
        if part == HEADS:
            if layer > 0:
                put(x, a, b, new, end, activity, sizes[FIRST_RESIDUAL] + (layer - 1) * d_model)
            norm_lanes(x, d_model, eps, vectors, g[ATTENTION_NORM, 0], g[ATTENTION_NORM, 1], normed)
            if layer == n_layers:
                e, f = share(sizes[N_TOKENS], N_TILE, rank, n_ranks)
                multiply_lanes(sizes[KIND], store, vectors, m[UNEMBEDDING], normed, e, f, logits, panel)
                put(logits, e, f, new, end, logits_trace, 0)
            else:
                e, f = share(m[QKV, N_OUT], N_TILE, rank, n_ranks)
                multiply_lanes(sizes[KIND], store, vectors, m[QKV], normed, e, f, qkv, panel)
                meet(meeting, n_ranks)
                attend_lanes(rank, n_ranks, layer, start, rows, sizes, eps, vectors, g, turns, cache, scratch, trace,
                             wants_pattern)  # fmt: skip
        elif part == NEURONS:
            n = sizes[D_HEAD]
            e, f = share(sizes[N_HEADS], 1, rank, n_ranks)
            for head in range(e, f):
                for lane in range(new, end):
                    for i in range(n):
                        z_trace[lane, layer, head, i] = z[head * n + i, lane]
            multiply_lanes(sizes[KIND], store, vectors, m[OUT], z, a, b, delta, panel)
            add_lanes(x, delta, a, b)
            meet(meeting, n_ranks)
            norm_lanes(x, d_model, eps, vectors, g[MLP_NORM, 0], g[MLP_NORM, 1], normed)
            enter_lanes(sizes, store, vectors, m, normed, gate, post, c, d, panel)
        else:
            put(post, c, d, new, end, activity, layer * d_mlp)
            multiply_lanes(sizes[KIND], store, vectors, m[LEAVE], post, a, b, delta, panel)
            add_lanes(x, delta, a, b)
        meet(meeting, n_ranks)


@njit(cache=True, nogil=True)
def put(lanes: Any, first: int, stop: int, new: int, end: int, rows: Any, at: int) -> None:
    """rows[lane, at + i] = lanes[i, lane] for the lanes that are new."""
    for lane in range(new, end):
        for i in range(first, stop):
            rows[lane, at + i] = lanes[i, lane]


@njit(cache=True, nogil=True)
def put_lanes(source: Any, n: int, to: Any, to_at: int) -> None:
    """to[to_at + i] = source[i] for n rows of lanes."""
    for i in range(n):
        for lane in range(N_LANES):
            to[to_at + i, lane] = source[i, lane]


@njit(cache=True, nogil=True)
def add_lanes(x: Any, delta: Any, first: int, stop: int) -> None:
    for i in range(first, stop):
        for lane in range(N_LANES):
            x[i, lane] += delta[i, lane]


@njit(cache=True, nogil=True)
def embed_lanes(sizes: Any, store: Any, vectors: Any, m: Any, tokens: Any, start: int, x: Any, row: Any) -> None:
    for lane in range(N_LANES):
        widen(sizes[EMBEDDING_KIND], store, m[0] + tokens[lane] * m[1], row, 0, m[2])
        at = sizes[POSITIONS] + (start + lane) * sizes[D_MODEL]
        for i in range(sizes[D_MODEL]):
            x[i, lane] = row[i] + (vectors[at + i] if sizes[POSITIONS] != NONE else np.float32(0))


@njit(cache=True, nogil=True)
def enter_lanes(
    sizes: Any, store: Any, vectors: Any, m: Any, x: Any, gate: Any, post: Any, first: int, stop: int, panel: Any
) -> None:
    """Neurons `first` to `stop`."""
    n = N_LANES * (stop - first)
    if m[GATE, 0] == NONE:
        multiply_lanes(sizes[KIND], store, vectors, m[UP], x, first, stop, post, panel)
        activate(sizes[ACTIVATION], post[first:stop].reshape(-1), n)
        return
    multiply_lanes(sizes[KIND], store, vectors, m[GATE], x, first, stop, gate, panel)
    activate(sizes[ACTIVATION], gate[first:stop].reshape(-1), n)
    multiply_lanes(sizes[KIND], store, vectors, m[UP], x, first, stop, post, panel)
    for i in range(first, stop):
        for lane in range(N_LANES):
            post[i, lane] *= gate[i, lane]


@njit(cache=True, nogil=True)
def attend_lanes(
    rank: int, n_ranks: int, layer: int, start: int, rows: Any, sizes: Any, eps: Any, vectors: Any, g: Any, turns: Any,
    cache: Any, scratch: Any, trace: Any, wants_pattern: bool,
) -> None:  # fmt: skip
    """z of this rank's share of the heads; keys and values of the new lanes go into the cache."""
    keys, values = cache
    qkv, z, p = scratch[2], scratch[5], scratch[3][rank]
    turned, mixed = scratch[1][rank, 1], scratch[9][rank].reshape(-1, N_LANES)
    n_heads, n_kv, n = sizes[N_HEADS], sizes[N_KV_HEADS], sizes[D_HEAD]
    stride, group = sizes[D_HEAD_PADDED], n_heads // n_kv
    scale = np.float32(1 / np.sqrt(np.float64(n)))
    e, f = share(n_kv, 1, rank, n_ranks)
    for kv in range(e, f):
        at = (n_heads + kv) * n
        turn_lanes(qkv[at : at + n], start, sizes, eps, vectors, g[KEY_NORM, 0], turns, turned)
        at += n_kv * n
        for lane in range(rows[0], rows[1]):
            for i in range(n):
                keys[layer, kv, start + lane, i] = turned[i, lane]
                values[layer, kv, start + lane, i] = qkv[at + i, lane]
        for head in range(kv * group, (kv + 1) * group):
            turn_lanes(qkv[head * n : (head + 1) * n], start, sizes, eps, vectors, g[QUERY_NORM, 0], turns, turned)
            look_lanes(start, scale, keys[layer, kv], turned, n, stride, p)
            if wants_pattern:
                for lane in range(rows[0], rows[1]):
                    for j in range(start + N_LANES):
                        trace[2][lane, layer, head, j] = p[j, lane]
            for i in range(0, n, N_TILE):
                tile(values[layer, kv], i, 1, stride, p, 0, start + N_LANES, mixed, i)
            put_lanes(mixed, n, z, head * n)


@njit(cache=True, nogil=True, fastmath={"contract"})
def turn_lanes(h: Any, start: int, sizes: Any, eps: Any, vectors: Any, weight: int, turns: Any, out: Any) -> None:
    n = sizes[D_HEAD]
    if weight != NONE:
        norm_lanes(h, n, eps, vectors, weight, NONE, out)
    else:
        put_lanes(h, n, out, 0)
    if sizes[ROTARY]:
        cosines, sines = turns
        half = n // 2
        for i in range(half):
            for lane in range(N_LANES):
                c, s = cosines[start + lane, i], sines[start + lane, i]
                low, high = out[i, lane], out[half + i, lane]
                out[i, lane] = low * c - high * s
                out[half + i, lane] = high * c + low * s


@njit(cache=True, nogil=True, fastmath={"contract"})
def look_lanes(start: int, scale: Any, keys: Any, query: Any, n: int, stride: int, p: Any) -> None:
    """p[: start + 16] gets the attention patterns of the lanes' queries: 0 for what comes after a lane."""
    n_keys = start + N_LANES
    for j in range(0, n_keys, N_TILE):
        tile(keys, j * stride, stride, 1, query, 0, n, p, j)
    top, total = np.full(N_LANES, -np.inf, np.float32), np.zeros(N_LANES, np.float32)
    for j in range(n_keys):
        for lane in range(N_LANES):
            seen = p[j, lane] if j <= start + lane else -np.float32(np.inf)
            top[lane] = max(top[lane], seen)
    for j in range(n_keys):
        for lane in range(N_LANES):
            weight = exponential((p[j, lane] - top[lane]) * scale) if j <= start + lane else np.float32(0)
            p[j, lane] = weight
            total[lane] += weight
    for j in range(n_keys):
        for lane in range(N_LANES):
            p[j, lane] /= total[lane]


@njit(cache=True, nogil=True)
def unembed_block(
    rank: int, n_ranks: int, meeting: Any, sizes: Any, eps: Any, weights: Any, scratch: Any, out: Any
) -> None:
    """Logits of the 16 residual streams in scratch[0].

    Parameters
    ----------
    out : (16, n_tokens) float32
    """
    store, vectors, matrices, norms = weights
    x, logits = scratch[0], scratch[8]
    n_layers = sizes[N_LAYERS]
    g = norms[n_layers, ATTENTION_NORM]
    normed = scratch[1][rank, 0]
    norm_lanes(x, sizes[D_MODEL], eps, vectors, g[0], g[1], normed)
    e, f = share(sizes[N_TOKENS], N_TILE, rank, n_ranks)
    m = matrices[n_layers, UNEMBEDDING]
    multiply_lanes(sizes[KIND], store, vectors, m, normed, e, f, logits, scratch[9][rank])
    put(logits, e, f, 0, N_LANES, out, 0)
    meet(meeting, n_ranks)


def scratch_of_block(sizes: Any, n_ranks: int, n_context: int, n_qkv: int, widest: int) -> tuple[Any, ...]:
    """As `one.scratch_of_one`, 16 lanes each; patterns for each rank; then logits, and a panel of weights a rank."""

    def zeros(*shape: int) -> Any:
        n = -(-int(shape[-1]) // 32) * 32
        return np.zeros((*shape[:-1], n, N_LANES), np.float32)

    d_model, d_mlp, d_z = sizes[D_MODEL], sizes[D_MLP], sizes[N_HEADS] * sizes[D_HEAD]
    wide = max(d_model, sizes[D_HEAD])
    panel = np.zeros((n_ranks, max(N_TILE * widest, N_LANES * int(sizes[D_HEAD_PADDED]))), np.float32)
    return (
        zeros(d_model), zeros(n_ranks, 2, wide), zeros(n_qkv), zeros(n_ranks, n_context), zeros(d_model), zeros(d_z),
        zeros(d_mlp), zeros(d_mlp), zeros(sizes[N_TOKENS]), panel,
    )  # fmt: skip
