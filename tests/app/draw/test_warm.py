"""Kernels are compiled beside the window, once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.draw import warm

SWEEP = """
import os, numpy as np
from pathlib import Path
from app.draw.sweeps import SweepOverlay
from app.draw.trace_columns import TraceForm
from app.draw.trace_image import TraceStyle

def kept():
    return {p.name for p in Path(os.environ["NUMBA_CACHE_DIR"]).rglob("*.nbc")}

before, n = kept(), 3
style = TraceStyle(np.full(n, 9, np.float32), np.full(n, 5, np.float32), np.full(n, 1 << 31, np.uint32))
sweeps = SweepOverlay(10, 30, 64, np.zeros(20, np.uint32), np.array([0, 2, 5]), style, TraceForm.STEPS)
sweeps.add(20, 0, 1, np.zeros((60, 2), np.uint8), True)
sweeps.repaint()
assert kept() == before, kept() - before
"""


def test_warming_compiles_all_that_a_sweep_needs_and_is_done_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    started = warm.start_warming()
    assert started is not None
    assert started.wait(300) == 0
    assert (tmp_path / "warm").exists()
    assert warm.start_warming() is None
    done = subprocess.run(
        [sys.executable, "-c", SWEEP], env={**os.environ}, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
