"""What holds a unit does to the network. Every unit is held at a level in its own measure.

    embedding norm       the token's vector is scaled to that norm (a zero vector stays zero)
    residual direction   that coordinate of the stream is the level, for all tokens
    head                 every coordinate of its output is the level, for all tokens: 0 is zero ablation
    gradient norm        the gradient of those weights is scaled to that norm: at 0 they get nothing to learn from

What is held is a constant: no gradient passes through it to what lies before.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from subjects.learner.shape import Shape, Weights
from subjects.learner.unit_table import MATRICES, WHOLE, UnitSlices

F32 = NDArray[np.float32]
Held = tuple[NDArray[np.int64], F32]  # places, levels


class Clamps:
    """What holds which unit at what level.

    Parameters
    ----------
    levels : (n_units,) float32, NaN where a unit is free
    """

    def __init__(self, shape: Shape, slices: UnitSlices, levels: F32) -> None:
        def held(part: slice) -> Held:
            of_part = levels[part]
            places = np.flatnonzero(~np.isnan(of_part))
            return places, of_part[places]

        self._shape = shape
        self._embed = held(slices.embed)
        self._residual = tuple(held(part) for part in slices.residual)
        self._heads = tuple(held(part) for part in slices.heads)
        self._head_gradients = tuple(held(part) for part in slices.head_gradients)
        self._whole_gradients = held(slices.whole_gradients)

    # ---- forwards

    def embedding(self, embed: F32) -> F32:
        """The embedding that is read: held tokens scaled, held directions of the stream's beginning set."""
        (tokens, norms), (directions, levels) = self._embed, self._residual[0]
        if not len(tokens) and not len(directions):
            return embed
        read = embed.copy()
        read[tokens] = scaled(embed[tokens], norms)
        read[:, directions] = levels
        return read

    def hold_heads(self, layer: int, z: F32) -> None:
        """z : (S, context, n_heads, head_width)"""
        heads, levels = self._heads[layer]
        if len(heads):
            z[:, :, heads] = levels[:, None]

    def hold_residual(self, site: int, x: F32) -> None:
        """x : (…, width)"""
        directions, levels = self._residual[site]
        if len(directions):
            x[..., directions] = levels

    # ---- backwards

    def cut_heads(self, layer: int, dz: F32) -> None:
        heads, _ = self._heads[layer]
        if len(heads):
            dz[:, :, heads] = 0

    def cut_residual(self, site: int, dx: F32) -> None:
        directions, _ = self._residual[site]
        if len(directions):
            dx[..., directions] = 0

    def cut_embedding(self, dembed: F32) -> None:
        (tokens, _), (directions, _) = self._embed, self._residual[0]
        dembed[tokens] = 0
        dembed[:, directions] = 0

    def hold_gradients(self, gradient: Weights) -> None:
        for layer, (places, levels) in enumerate(self._head_gradients):
            if len(places):
                blocks = list(head_blocks(self._shape, gradient, layer))
                for place, level in zip(places.tolist(), levels.tolist(), strict=True):
                    rescale(blocks[place], level)
        for place, level in zip(self._whole_gradients[0].tolist(), self._whole_gradients[1].tolist(), strict=True):
            rescale(getattr(gradient, WHOLE[place]), level)


def head_blocks(shape: Shape, weights: Weights, layer: int) -> Iterator[F32]:
    """The weights of each head's queries, then keys, values and outputs, as views."""
    for m in range(len(MATRICES)):
        for h in range(shape.n_heads):
            first = h * shape.head_width
            if m < 3:
                yield weights.qkv[layer][:, m * shape.width + first : m * shape.width + first + shape.head_width]
            else:
                yield weights.out[layer][first : first + shape.head_width]


def scaled(rows: F32, norms: F32) -> F32:
    """Rows scaled to these norms; a zero row stays zero."""
    now = np.linalg.norm(rows, axis=1)
    return rows * (norms / np.where(now > 0, now, 1))[:, None].astype(np.float32)


def rescale(matrix: F32, norm: float) -> None:
    now = float(np.linalg.norm(matrix))
    matrix *= np.float32(norm / now if now > 0 else 0)
