"""Threads that compute a token together: each runs the same program over its share and waits where all must meet."""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numba import njit, types

from subjects.language_model.cpu.vectors import atomic_add

_ARRIVED, _ROUND = 0, 8  # on cache lines of their own
_N_PATIENT = 4000  # looks before the processor is offered to others

_give_way = types.ExternalFunction("SwitchToThread" if sys.platform == "win32" else "sched_yield", types.int32())


@njit(cache=True, nogil=True)
def meet(meeting: Any, n_ranks: int) -> None:
    """Wait until all ranks are here.

    Parameters
    ----------
    meeting : (16,) int64, zeros at first
    """
    if n_ranks == 1:
        return
    at_round = atomic_add(meeting, _ROUND, 0)
    if atomic_add(meeting, _ARRIVED, 1) == n_ranks - 1:
        atomic_add(meeting, _ARRIVED, -n_ranks)
        atomic_add(meeting, _ROUND, 1)
        return
    n_looks = 0
    while atomic_add(meeting, _ROUND, 0) == at_round:
        n_looks += 1
        if n_looks > _N_PATIENT:  # the one waited for may have no processor
            _give_way()


class Team:
    """Runs a program of all ranks.

    Parameters
    ----------
    n_ranks : threads, the caller's among them
    """

    def __init__(self, n_ranks: int) -> None:
        self.n_ranks = n_ranks
        self.meeting = np.zeros(16, np.int64)
        self._others = ThreadPoolExecutor(n_ranks - 1, "decoder") if n_ranks > 1 else None

    def run(self, program: Callable[..., None], *arguments: Any) -> None:
        """Call program(rank, n_ranks, meeting, *arguments) once for each rank."""
        if self._others is None:
            program(0, 1, self.meeting, *arguments)
            return
        ranks = range(1, self.n_ranks)
        waited = [self._others.submit(program, r, self.n_ranks, self.meeting, *arguments) for r in ranks]
        program(0, self.n_ranks, self.meeting, *arguments)
        for future in waited:
            future.result()
