"""CPU time a frame of scope, raster and spectrogram together, while a subject runs in its own process.

    HEADSTAGE_DATA=… python tests/bench/bench_time_panes.py [ticks_per_s]

Twelve channels, every unit in the raster, the spectrogram of the population rate; running and triggered. Reference: the
same twelve channels as plain pyqtgraph curves, in the same process. Thread CPU time, so that other processes on the
machine do not count.
"""

from __future__ import annotations

import os
import sys
import time
from statistics import mean

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

FRAMES = 150
FRAME_S = 0.016


def measure(desk: object, panes: list[object], application: object) -> dict[str, float]:
    """Mean milliseconds a frame, by part."""
    from app.window.desk import Pull

    spent: dict[str, list[float]] = {}
    for _ in range(FRAMES):
        begun_s = time.perf_counter()
        desk.poll()
        status = desk.status
        start, stop = desk.view.bounds(status.tick)
        pull = Pull(status.tick, start, stop, desk.view.live, status, FRAME_S)
        for pane in panes:
            cpu = time.thread_time()
            pane.pull(pull)
            spent.setdefault(f"{pane.title} pull", []).append(time.thread_time() - cpu)
        cpu = time.thread_time()
        application.processEvents()
        spent.setdefault("paint", []).append(time.thread_time() - cpu)
        time.sleep(max(FRAME_S - (time.perf_counter() - begun_s), 0))
    return {name: mean(values) * 1e3 for name, values in spent.items()}


def curves(desk: object, application: object) -> float:
    """The reference: milliseconds a frame of twelve pyqtgraph curves with the samples on show."""
    import numpy as np
    import pyqtgraph

    plot = pyqtgraph.PlotWidget()
    plot.resize(760, 300)
    plot.show()
    info = desk.ring(desk.description.streams[0].name).info
    channels = info.channels_of(desk.channels.ids)
    lines = [plot.plot([]) for _ in channels]
    spent = []
    for _ in range(30):
        cpu = time.thread_time()
        samples = desk.ring(info.name).latest(desk.view.span_ticks).copy()
        bits = samples.unpacked()
        for i, channel in enumerate(channels):
            lines[i].setData(samples.ticks, bits[:, channel] + 1.5 * np.float64(i))
        application.processEvents()
        spent.append(time.thread_time() - cpu)
        time.sleep(FRAME_S)
    plot.close()
    return mean(spent) * 1e3


def main() -> None:
    from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget

    from app.theme import DARK
    from app.window.desk import Desk, Opening
    from app.window.raster import RasterPane
    from app.window.scope import ScopePane
    from app.window.spectrogram import SpectrogramPane
    from app.window.style import apply_style

    speed = float(sys.argv[1]) if len(sys.argv) > 1 else 80_000.0
    application = QApplication(sys.argv[:1])
    apply_style(application, DARK)
    desk = Desk()
    panes = [ScopePane(desk), RasterPane(desk), SpectrogramPane(desk)]
    host = QWidget()
    layout = QVBoxLayout(host)
    for pane, stretch in zip(panes, (36, 28, 22), strict=True):
        layout.addWidget(pane, stretch)
    host.resize(900, 860)
    host.show()
    chip = "HEADSTAGE_DATA" in os.environ
    desk.open(
        Opening("microprocessor", {"cartridge": "space_invaders"}) if chip else Opening("model-cell", {"units": "1704"})
    )
    while desk.client is None:
        application.processEvents()
        time.sleep(0.02)
    for pane in panes:
        pane.apply_theme(DARK)
    desk.do(lambda c: c.set_speed(speed))
    desk.do(lambda c: c.run())
    measure(desk, panes, application)  # kernels are loaded
    for name, span in (("1 ms", 2386), ("10 ms", 23864), ("100 ms", 238637)):
        desk.view.set_span(span)
        measure(desk, panes, application)
        parts = measure(desk, panes, application)
        achieved = desk.status.achieved_hz
        line = " · ".join(f"{part} {ms:.2f}" for part, ms in parts.items())
        reference = curves(desk, application) if span < 100_000 else float("nan")
        total = sum(parts.values())
        print(
            f"running, {name} on show, {achieved:,.0f} ticks/s: {total:.2f} ms a frame ({line}); "
            f"12 pyqtgraph curves alone {reference:.2f} ms, {reference / total:.1f} ×"
        )
    desk.view.set_span(477)
    panes[0].toggle_trigger()
    measure(desk, panes, application)
    parts = measure(desk, panes, application)
    line = " · ".join(f"{part} {ms:.2f}" for part, ms in parts.items())
    print(f"triggered, 0.2 ms sweeps of 16: {sum(parts.values()):.2f} ms a frame ({line})")
    for pane in panes:
        pane.hide()
    desk.close()
    application.processEvents()


if __name__ == "__main__":
    main()
