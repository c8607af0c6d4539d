"""What a frame of the window's panes costs with Qt's painting: ``python tests/bench/bench_window_frame.py``.

The real panes over real rings: 384 traces, a raster of 4000 units, the spectrogram of their rate and a map of all 4000,
one second on show, while the subject runs in its process at 30,000 ticks a second. Processor time of the window's
thread, so that other processes on the machine do not count. Reference, in the same run: the same 384 traces as plain
pyqtgraph curves, drawn as one would write it first.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from statistics import mean

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

FRAME_S = 0.016
SPAN_TICKS = 30_000
N_TRACES, N_UNITS = 384, 4000
TARGET_MS = 3.0
SIZES = {"Oscilloscope": (900, 360), "Raster": (900, 280), "Spectrogram": (900, 220), "Preparation": (300, 560)}


class Bench:
    """Panes on a desk, pulled as the main window pulls them."""

    def __init__(self, application: object, desk: object) -> None:
        self._application, self._desk = application, desk

    def frames(self, panes: list[object], n: int) -> dict[str, float]:
        """Mean milliseconds a frame: the pulls, and all painting."""
        from app.window.desk import Pull

        spent: dict[str, list[float]] = {"pull": [], "paint": []}
        before_s = time.perf_counter()
        for _ in range(n):
            begun_s = time.perf_counter()
            cpu = time.thread_time()
            self._desk.poll()
            status = self._desk.status
            start, stop = self._desk.view.bounds(status.tick)
            pull = Pull(status.tick, start, stop, self._desk.view.live, status, begun_s - before_s)
            before_s = begun_s
            for pane in panes:
                pane.pull(pull)
            spent["pull"].append(time.thread_time() - cpu)
            cpu = time.thread_time()
            self._application.processEvents()
            spent["paint"].append(time.thread_time() - cpu)
            time.sleep(max(FRAME_S - (time.perf_counter() - begun_s), 0))
        return {name: mean(values) * 1e3 for name, values in spent.items()}


def curves(desk: object, application: object) -> float:
    """The reference: milliseconds a frame of 384 pyqtgraph curves with the samples on show."""
    import numpy as np
    import pyqtgraph

    plot = pyqtgraph.PlotWidget()
    plot.resize(*SIZES["Oscilloscope"])
    plot.show()
    info = desk.ring("spikes").info
    channels = info.channels_of(desk.channels.ids)
    lines = [plot.plot([], clipToView=True, autoDownsample=True) for _ in channels]
    spent = []
    for _ in range(6):
        cpu = time.thread_time()
        samples = desk.ring("spikes").latest(SPAN_TICKS).copy()
        bits = samples.unpacked()
        for i, channel in enumerate(channels):
            lines[i].setData(samples.ticks, bits[:, channel] + 1.5 * np.float64(i))
        application.processEvents()
        spent.append(time.thread_time() - cpu)
    plot.close()
    return mean(spent[1:]) * 1e3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=200)
    parser.add_argument("--speed", type=float, default=30_000.0, help="ticks a second; 0: as fast as may be")
    parser.add_argument("--profile", action="store_true", help="where the time of all panes together goes")
    arguments = parser.parse_args()

    from PySide6.QtWidgets import QApplication, QHBoxLayout, QVBoxLayout, QWidget

    from app.theme import DARK
    from app.window.desk import Desk, Opening
    from app.window.preparation import PreparationPane
    from app.window.raster import RasterPane
    from app.window.scope import ScopePane
    from app.window.spectrogram import SpectrogramPane
    from app.window.style import apply_style

    application = QApplication(sys.argv[:1])
    apply_style(application, DARK)
    desk = Desk()
    panes = [make(desk) for make in (ScopePane, RasterPane, SpectrogramPane, PreparationPane)]
    desk.open(Opening("model-cell", {"units": str(N_UNITS)}))
    while desk.client is None:
        application.processEvents()
        time.sleep(0.02)
    assert desk.client is not None
    for stream in desk.client.watched:
        if stream != "spikes":
            desk.client.watch(stream, [])
    host = QWidget()
    columns = QHBoxLayout(host)
    left, middle = QVBoxLayout(), QVBoxLayout()
    columns.addLayout(left)
    columns.addLayout(middle)
    for pane in panes:
        pane.apply_theme(DARK)
        pane.setFixedSize(*SIZES[pane.title])
        (left if pane.title == "Preparation" else middle).addWidget(pane)
    host.show()
    desk.channels.set(range(100, 100 + N_TRACES))
    desk.view.set_span(SPAN_TICKS)
    desk.do(lambda c: c.set_speed(arguments.speed or None))
    desk.do(lambda c: c.run())
    bench = Bench(application, desk)
    bench.frames(panes, 150)  # kernels are loaded, the window is full
    parts = bench.frames(panes, arguments.frames)
    total = sum(parts.values())
    verdict = "met" if total <= TARGET_MS else "MISSED"
    achieved = desk.status.achieved_hz
    print(f"{N_TRACES} traces, {N_UNITS} units, {SPAN_TICKS} ticks on show, {achieved:,.0f} ticks/s; ms of thread CPU")
    print(f"  together     {_text(parts)}  target {TARGET_MS}: {verdict}")
    if arguments.profile:
        _profile(bench, panes, arguments.frames)
    for pane in panes:
        for other in panes:
            other.setVisible(other is pane)
        bench.frames([pane], 30)
        print(f"  {pane.title:<12} {_text(bench.frames([pane], arguments.frames))}")
    host.hide()
    bench.frames([], 30)
    print(f"  all hidden   {_text(bench.frames([], arguments.frames))}")
    reference = curves(desk, application)
    print(f"  the traces as plain pyqtgraph curves {reference:.0f} ms = {reference / total:.0f} × all panes together")
    desk.close()
    application.processEvents()


def _text(parts: dict[str, float]) -> str:
    return f"{sum(parts.values()):6.2f} = pull {parts['pull']:5.2f} + paint {parts['paint']:5.2f}"


def _profile(bench: Bench, panes: list[object], n: int) -> None:
    import cProfile
    import pstats

    profile = cProfile.Profile(time.thread_time)
    profile.runcall(bench.frames, panes, n)
    pstats.Stats(profile).sort_stats("tottime").print_stats(45)


if __name__ == "__main__":
    main()
