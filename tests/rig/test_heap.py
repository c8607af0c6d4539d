"""Memory that was let go is given back: what the system counts says so."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from rig.process.heap import Heap


def own_mb() -> float:
    """Anonymous memory of this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1024


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="it reads /proc")
def test_holes_are_given_back_when_it_is_time() -> None:
    heap = Heap()
    if heap._trim is None:
        pytest.skip("the C library keeps what it has")
    pieces = [np.ones(8_000) for _ in range(2_000)]  # 64 kB each, in one heap
    last = pieces[-1]
    full_mb = own_mb()
    del pieces  # the last one holds the end of the heap: the holes before it stay
    heap.turn()
    assert own_mb() > full_mb - 30, "it was not time"
    heap._due_s = 0.0
    heap.turn()
    assert own_mb() < full_mb - 90
    assert last.all()
