"""Numbers without a type of their own."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(inline="always")
def plain(number: int) -> int:
    """The number, as an int64.

    To numba a bare 0, a True and a uint8 are types of their own, and what is called with them is compiled once more for
    each, with all that it calls.
    """
    return int(np.int64(number))
