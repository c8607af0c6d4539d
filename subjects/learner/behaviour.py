"""What the learner shows outwardly: its losses, and a picture of where its heads look."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from subjects.learner.network import Pass
from subjects.learner.shape import N_LAYERS, Shape

N_MARKOV_PROBES, N_REPEAT_PROBES = 2, 4
N_PROBES = N_MARKOV_PROBES + N_REPEAT_PROBES
MEASURES = ("loss", "loss markov", "loss first", "loss repeat", "hits repeat")

FRAME_TICKS = 5
N_SHADES = 255
GAP = 255  # palette index between the patterns
_GAP_PX = 4


def measures(shape: Shape, done: Pass) -> NDArray[np.float32]:
    """(5,) MEASURES of one step."""
    batch, half = shape.batch, shape.context // 2
    markov = done.losses[batch : batch + N_MARKOV_PROBES]
    repeats, right = done.losses[-N_REPEAT_PROBES:], done.right[-N_REPEAT_PROBES:]
    # the last token of the first half has been seen once: what follows it cannot be known yet
    values = (
        done.losses[:batch].mean(),
        markov.mean(),
        repeats[:, : half - 1].mean(),
        repeats[:, half:].mean(),
        right[:, half:].mean(),
    )
    return np.array(values, np.float32)


def frame_shape(shape: Shape) -> tuple[int, int]:
    """(height, width) in pixels: a row a layer, a column a head."""
    pitch = shape.context + _GAP_PX
    return N_LAYERS * pitch + _GAP_PX, shape.n_heads * pitch + _GAP_PX


def draw_patterns(shape: Shape, done: Pass) -> NDArray[np.uint8]:
    """Attention of every head in one repeating sequence: queries downwards, keys to the right; square-root shades."""
    frame = np.full(frame_shape(shape), GAP, np.uint8)
    pitch = shape.context + _GAP_PX
    for layer in range(N_LAYERS):
        for head in range(shape.n_heads):
            top, left = _GAP_PX + layer * pitch, _GAP_PX + head * pitch
            shades = np.sqrt(done.pattern[layer][-1, head]) * np.float32(N_SHADES - 1)
            frame[top : top + shape.context, left : left + shape.context] = np.rint(shades)
    return frame


def palette() -> NDArray[np.uint8]:
    """(256, 3): a cubehelix (Green, Bull. Astr. Soc. India 39:289, 2011), ever lighter; the gap's grey is the last."""
    light = np.linspace(0.06, 0.97, N_SHADES)
    angle = 2 * np.pi * (0.75 / 3 + 0.9 * light)
    swing = 1.1 * light * (1 - light) / 2
    red = light + swing * (-0.14861 * np.cos(angle) + 1.78277 * np.sin(angle))
    green = light + swing * (-0.29227 * np.cos(angle) - 0.90649 * np.sin(angle))
    blue = light + swing * 1.97294 * np.cos(angle)
    shades = np.rint(255 * np.clip(np.stack([red, green, blue], axis=1), 0, 1)).astype(np.uint8)
    return np.concatenate([shades, np.array([[128, 134, 142]], np.uint8)])
