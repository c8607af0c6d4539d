"""Words of shared memory that are read and written in order, by two processes without a lock.

An aligned 64-bit word is read and written in one piece on every machine that Headstage runs on. What is missing in
Python is order: a processor of the ARM family may show another core the new head of a ring before the samples behind
it. So each access here lies between two fences, and neither compiler nor processor moves anything across it. On x86
the fences cost nothing (its stores are ordered already); elsewhere a few ns.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import intrinsic
from numpy.typing import NDArray

Words = NDArray[np.int64]


def _fence_of_llvm(typing_context: Any) -> Any:
    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        builder.fence("acq_rel")
        return context.get_dummy_value()

    return types.void(), emit


_fence: Any = intrinsic(_fence_of_llvm)


@njit(cache=True)
def store_word(words: Words, index: int, value: int) -> None:
    """Write a word after everything before it and before everything after it."""
    _fence()
    words[index] = value
    _fence()


@njit(cache=True)
def load_word(words: Words, index: int) -> int:
    """Read a word after everything before it and before everything after it."""
    _fence()
    value = words[index]
    _fence()
    return int(value)
