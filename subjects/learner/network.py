"""The network: two layers of attention on a residual stream, forwards and backwards, written out.

    x0 = E[token]                                         embedding
    q, k, v = (x + pos) Wq, (x + pos) Wk, x Wv            positions reach queries and keys alone
    z  = softmax_causal(q kᵀ / √head width) v             per head
    x ← x + z Wo                                          twice
    logits = x U

after Elhage et al., A Mathematical Framework for Transformer Circuits (2021), and the positions of Press et al.,
Shortformer (ACL 2021). Without normalisation a head's circuits are products of its weights.

Two things make it faster than automatic differentiation: the first layer's queries, keys and values depend on the token
alone, up to a position, so they are a table of n_tokens rows, and their gradient is summed by token before it meets a
matrix; and what is no matrix product goes over its arrays once (`kernels`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from subjects.learner.clamps import Clamps
from subjects.learner.kernels import add_rows, causal_softmax, causal_softmax_back, cross_entropy, gather
from subjects.learner.shape import N_LAYERS, Shape, Weights

F32 = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Pass:
    """What one pass forwards leaves behind; S sequences, of which the first `batch` are learned from.

    Attributes
    ----------
    x : residual stream before each layer and at the end, (S, context, width) each
    qkv : (S, context, 3, n_heads, head_width) of each layer
    pattern : (S, n_heads, context, context) of each layer
    z : (S, context, n_heads, head_width) of each layer
    losses, right : (S, context) nats, and whether the likeliest token came
    dlogits : (batch context, n_tokens) gradient of the mean loss
    """

    x: tuple[F32, ...]
    qkv: tuple[F32, ...]
    pattern: tuple[F32, ...]
    z: tuple[F32, ...]
    losses: F32
    right: NDArray[np.bool_]
    dlogits: F32


class Network:
    """Room for passes of one size, used again and again: what `forward` returns lasts until the next.

    Parameters
    ----------
    n_probe : sequences beyond the batch that are read and not learned from
    """

    def __init__(self, shape: Shape, n_probe: int) -> None:
        s, n = shape, shape.batch + n_probe
        self.shape = shape
        self._x = [np.empty((n, s.context, s.width), np.float32) for _ in range(N_LAYERS + 1)]
        heads = (s.n_heads, s.head_width)
        self._qkv = [np.empty((n, s.context, 3, *heads), np.float32) for _ in range(N_LAYERS)]
        self._pattern = [np.zeros((n, s.n_heads, s.context, s.context), np.float32) for _ in range(N_LAYERS)]
        self._z = [np.empty((n, s.context, *heads), np.float32) for _ in range(N_LAYERS)]
        self._logits = np.empty((n * s.context, s.n_tokens), np.float32)
        self._losses = np.empty((n, s.context), np.float32)
        self._right = np.empty((n, s.context), np.bool_)
        self._dz = np.empty((shape.batch, s.context, *heads), np.float32)
        self._dqkv = np.empty((shape.batch, s.context, 3, *heads), np.float32)
        self._dx = np.empty((shape.batch * s.context, s.width), np.float32)
        self._product = np.empty_like(self._dx)
        self._dpattern = np.empty((shape.batch, s.n_heads, s.context, s.context), np.float32)
        self._scale = np.float32(1 / np.sqrt(s.head_width))

    def forward(self, weights: Weights, tokens: NDArray[np.int64], clamps: Clamps) -> Pass:
        """Read the sequences.

        Parameters
        ----------
        tokens : (batch + n_probe, context + 1), the last only as a target
        """
        s, w = self.shape, weights
        read = np.ascontiguousarray(tokens[:, :-1])
        embed = clamps.embedding(w.embed)
        for layer in range(N_LAYERS):
            x, qkv, z = self._x[layer], self._qkv[layer], self._z[layer]
            flat_qkv = qkv.reshape(len(tokens), s.context, 3 * s.width)
            by_position = w.position @ w.qkv[layer][:, : 2 * s.width]
            if layer == 0:
                np.take(embed, read, axis=0, out=x, mode="clip")
                gather(embed @ w.qkv[0], by_position, read, flat_qkv)
            else:
                np.matmul(x.reshape(-1, s.width), w.qkv[layer], out=flat_qkv.reshape(-1, 3 * s.width))
                flat_qkv[:, :, : 2 * s.width] += by_position
            self._attend(qkv, self._pattern[layer], z)
            clamps.hold_heads(layer, z)
            after = self._x[layer + 1]
            np.matmul(z.reshape(-1, s.width), w.out[layer], out=after.reshape(-1, s.width))
            after += x
            clamps.hold_residual(layer + 1, after)
        np.matmul(self._x[-1].reshape(-1, s.width), w.unembed, out=self._logits)
        n_learned = s.batch * s.context
        targets = np.ascontiguousarray(tokens[:, 1:]).reshape(-1)
        cross_entropy(self._logits, targets, n_learned, self._losses.reshape(-1), self._right.reshape(-1))
        return Pass(
            tuple(self._x),
            tuple(self._qkv),
            tuple(self._pattern),
            tuple(self._z),
            self._losses,
            self._right,
            self._logits[:n_learned],
        )

    def backward(
        self, weights: Weights, tokens: NDArray[np.int64], done: Pass, clamps: Clamps, gradient: Weights
    ) -> None:
        """Fill `gradient` with that of the mean loss over the batch. What is held passes none on."""
        s, w, g = self.shape, weights, gradient
        n = s.batch
        dx, product = self._dx, self._product
        flat_qkv, flat_z = self._dqkv.reshape(-1, 3 * s.width), self._dz.reshape(-1, s.width)
        np.matmul(done.x[-1][:n].reshape(-1, s.width).T, done.dlogits, out=g.unembed)
        np.matmul(done.dlogits, w.unembed.T, out=dx)
        g.position[:] = 0
        read = np.ascontiguousarray(tokens[:n, :-1]).reshape(-1)
        for layer in reversed(range(N_LAYERS)):
            clamps.cut_residual(layer + 1, dx)
            np.matmul(done.z[layer][:n].reshape(-1, s.width).T, dx, out=g.out[layer])
            np.matmul(dx, w.out[layer].T, out=flat_z)
            clamps.cut_heads(layer, self._dz)
            self._attend_back(done.qkv[layer][:n], done.pattern[layer][:n], done.z[layer][:n])
            by_position = flat_qkv.reshape(n, s.context, -1)[:, :, : 2 * s.width].sum(axis=0)
            if layer == 0:
                by_token = np.zeros((s.n_tokens, 3 * s.width), np.float32)
                add_rows(flat_qkv, read, by_token)
                np.matmul(clamps.embedding(w.embed).T, by_token, out=g.qkv[0])
                np.matmul(by_token, w.qkv[0].T, out=g.embed)
                add_rows(dx, read, g.embed)
                clamps.cut_embedding(g.embed)
            else:
                np.matmul(done.x[layer][:n].reshape(-1, s.width).T, flat_qkv, out=g.qkv[layer])
                np.matmul(flat_qkv, w.qkv[layer].T, out=product)
                dx += product
            g.qkv[layer][:, : 2 * s.width] += w.position.T @ by_position
            np.add(g.position, by_position @ w.qkv[layer][:, : 2 * s.width].T, out=g.position)

    def _attend(self, qkv: F32, pattern: F32, z: F32) -> None:
        """Fill the pattern, then the heads' outputs."""
        q, k, v = by_head(qkv)
        np.matmul(q, k.swapaxes(-1, -2), out=pattern)
        causal_softmax(pattern, self._scale)
        np.matmul(pattern, v, out=z.swapaxes(1, 2))

    def _attend_back(self, qkv: F32, pattern: F32, z: F32) -> None:
        """Fill dqkv from dz."""
        q, k, v = by_head(qkv)
        dq, dk, dv = by_head(self._dqkv)
        dz, ds = self._dz.swapaxes(1, 2), self._dpattern
        np.matmul(pattern.swapaxes(-1, -2), dz, out=dv)
        np.matmul(dz, v.swapaxes(-1, -2), out=ds)
        causal_softmax_back(pattern, z, self._dz, ds, self._scale)
        np.matmul(ds, k, out=dq)
        np.matmul(ds.swapaxes(-1, -2), q, out=dk)


def by_head(qkv: F32) -> tuple[F32, F32, F32]:
    """(S, context, 3, n_heads, head_width) as three views (S, n_heads, context, head_width)."""
    q, k, v = np.moveaxis(qkv, 2, 0).swapaxes(2, 3)
    return q, k, v
