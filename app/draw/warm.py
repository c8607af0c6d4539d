"""Compiles the panes' kernels into the cache: ``python -m app.draw.warm``, once for every change of the sources.

A kernel compiles at its first call, which takes seconds. The window starts this beside itself, in a process of low
priority, so that the first triggered sweep does not stand still for it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np

from app.draw.raster_image import RasterImage, RasterStyle, density_alpha
from app.draw.spike_columns import SpikeColumns
from app.draw.sweeps import SweepAverage, SweepOverlay
from app.draw.time_scale import TimeScale
from app.draw.trace_columns import TraceColumns, TraceForm
from app.draw.trace_image import Tint, TraceImage, TraceStyle

NICENESS = 15
_N, _WIDTH, _HEIGHT = 8, 32, 16


def warm_kernels() -> None:
    """Call every kernel of running traces, sweeps, averages and rasters with the types that the panes call it with."""
    scale = TimeScale(_WIDTH, _WIDTH)
    background = np.zeros(_HEIGHT, np.uint32)
    channels = np.arange(_N, dtype=np.int64)
    places = np.linspace(1, _HEIGHT - 1, _N).astype(np.float32)
    bits, values = np.zeros((_WIDTH, 1), np.uint8), np.zeros((_WIDTH, _N), np.float32)
    bits[::2] = 255
    for wanted in (channels, channels[::2].copy()):
        for form, packed in ((TraceForm.STEPS, True), (TraceForm.STEPS, False), (TraceForm.LINES, False)):
            n = len(wanted)
            style = TraceStyle(places[:n], places[:n], np.full(n, 0xFFFFFFFF, np.uint32), 1, smooth=not packed)
            columns = TraceColumns(scale, _WIDTH, wanted, form)
            image = TraceImage(scale, _WIDTH, background, [(columns, style)])
            image.set_tints([Tint(0, 8, 0x20202020)])
            overlay = SweepOverlay(0, _WIDTH, _WIDTH, background, wanted, style, form, 3, ghost=0.5)
            for start in (0, _WIDTH):
                if packed:
                    columns.append_bits(start, 1, bits)
                else:
                    columns.append(start, 1, values)
                overlay.add(start, start, 1, bits if packed else values, packed)
                image.advance(start + _WIDTH)
            overlay.repaint()
    average = SweepAverage(_WIDTH, _N, n_most=4)
    average.add(values)
    spikes = SpikeColumns(scale, _WIDTH, _N)
    spikes.append_bits(0, 1, bits)
    spikes.append_spikes(channels, channels, 0, _WIDTH)
    for height in (4, _N * 5):
        rows = np.zeros(height, np.uint32)
        raster = RasterImage(
            spikes, RasterStyle(channels, np.arange(_N, dtype=np.uint32), density_alpha(2), rows, rows)
        )
        raster.set_tints([Tint(0, 8, 0x20202020)])
        raster.advance(_WIDTH)


def marker() -> Path | None:
    """The file that says that it was done for these sources; None where kernels are not kept in a folder of ours."""
    folder = os.environ.get("NUMBA_CACHE_DIR")
    return None if not folder else Path(folder) / "warm"


def start_warming() -> subprocess.Popen[bytes] | None:
    """Start it in a process of its own; None where it was done before."""
    done = marker()
    if done is None or done.exists():
        return None
    return subprocess.Popen(
        [sys.executable, "-m", "app.draw.warm"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def main() -> None:
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    warm_kernels()
    done = marker()
    if done is not None:
        with suppress(OSError):
            done.touch()


if __name__ == "__main__":
    main()
