"""AdamW (Loshchilov & Hutter, ICLR 2019) on one vector of weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

BETA1, BETA2, EPSILON, WEIGHT_DECAY = 0.9, 0.98, 1e-8, 0.01


@dataclass(eq=False)
class AdamW:
    """The optimiser's state.

    Attributes
    ----------
    first, second : (n_weights,) float32 moments
    n_steps : so far
    """

    first: NDArray[np.float32]
    second: NDArray[np.float32]
    n_steps: int = 0

    def step(self, weights: NDArray[np.float32], gradient: NDArray[np.float32], rate: float) -> None:
        """Change the weights in place."""
        self.n_steps += 1
        size = rate / (1 - BETA1**self.n_steps)
        correction = 1 / np.sqrt(1 - BETA2**self.n_steps)
        _step(
            weights,
            gradient,
            self.first,
            self.second,
            np.float32(size),
            np.float32(correction),
            np.float32(1 - rate * WEIGHT_DECAY),
        )


@njit(cache=True, nogil=True)
def _step(
    weights: NDArray[np.float32],
    gradient: NDArray[np.float32],
    first: NDArray[np.float32],
    second: NDArray[np.float32],
    size: np.float32,
    correction: np.float32,
    keep: np.float32,
) -> None:
    b1, b2, epsilon = np.float32(BETA1), np.float32(BETA2), np.float32(EPSILON)
    one = np.float32(1)
    for i in range(len(weights)):
        g = gradient[i]
        first[i] = b1 * first[i] + (one - b1) * g
        second[i] = b2 * second[i] + (one - b2) * (g * g)
        weights[i] = keep * weights[i] - size * first[i] / (np.sqrt(second[i]) * correction + epsilon)
