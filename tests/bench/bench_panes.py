"""What a frame of the panes costs, against plain pyqtgraph and ephyviewer: ``python tests/bench/bench_panes.py``.

384 traces of 30 kHz over 1 s, 4000 units' raster, a spectrogram and a map of the 6502's transistors, 60 frames a second
of new data each, painted by kernels and drawn into a raster surface. The others draw the same traces alone: pyqtgraph
one curve a channel with clipToView and autoDownsample, ephyviewer its trace viewer. All figures are processor time of
the whole process, not wall time. ephyviewer is compared where it is installed.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
import pyqtgraph
from PySide6.QtCore import QCoreApplication, QEvent, QEventLoop, QObject
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QApplication, QWidget

from app.draw.blend import premultiplied
from app.draw.canvas import draw_pieces, image_over
from app.draw.colour_maps import colour_map
from app.draw.map_image import MapImage, UnitActivity, region_lut
from app.draw.polygon_fill import View
from app.draw.raster_image import RasterImage, RasterStyle, density_alpha
from app.draw.spectrogram_image import FrequencyRows, SpectrogramImage, SpectrogramStyle
from app.draw.spectrum import SpectrumPlan, SpectrumStream
from app.draw.spike_columns import SpikeColumns
from app.draw.time_scale import Piece, TimeScale, scroll_pieces
from app.draw.trace_columns import TraceColumns, TraceForm
from app.draw.trace_image import TraceImage, TraceStyle
from rig.errors import HeadstageError
from rig.registry import find_plugin
from rig.units import Outlines, UnitTable

RATE_HZ = 30_000
FRAMES_PER_S = 60
N = RATE_HZ // FRAMES_PER_S  # samples a frame
N_CHANNELS, N_UNITS, N_TRANSISTORS = 384, 4000, 3510
WIDTH, TRACES_PX, RASTER_PX, SPECTRUM_PX, MAP_PX = 1000, 600, 300, 200, 600
TARGET_MS, TARGET_REDRAW_MS, TARGET_MAP_MS, TARGET_LOOK_MS = 3.0, 5.0, 0.5, 15.0
PANEL = premultiplied(0x141920)
COLOURS = (0x2FB98A, 0xE07B39, 0xF0E442, 0x4C9BE8)
SCALE = TimeScale(RATE_HZ, WIDTH)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=300, help="of the panes, in a round (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--chip-dir", type=Path, help="the 6502's files, for the real map; else a made-up one")
    arguments = parser.parse_args()
    application = QApplication.instance() or QApplication([])
    data = np.random.default_rng(0).normal(0, 1, (RATE_HZ, N_CHANNELS)).astype(np.float32)
    units, what = _units(arguments.chip_dir)
    print(f"{N_CHANNELS} traces, {N_UNITS} units' raster, spectrogram, map of {what}; ms of processor time a frame")
    panes = [
        traces(data, TraceForm.STEPS, "traces"),
        raster(),
        spectrogram(data[:, 0]),
        map_of(units),
    ]
    together = _rounds(lambda k: [pane.frame(k) for pane in panes], arguments)
    for pane in panes:
        print(f"  {pane.name:<22} {_rounds(pane.frame, arguments):7.3f}")
    print(f"  {'together':<22} {together:7.3f}  target {TARGET_MS}: {_verdict(together, TARGET_MS)}")
    print(f"  {'(traces, smooth lines)':<22} {_rounds(traces(data, TraceForm.LINES, '').frame, arguments):7.3f}")
    for pane, target in ((panes[0], TARGET_REDRAW_MS), (panes[1], None), (panes[2], None)):
        ms = _ms(lambda _, pane=pane: pane.again(), 20)
        print(f"  redraw {pane.name:<15} {ms:7.3f}" + (f"  target {target}: {_verdict(ms, target)}" if target else ""))
    _map_figures(units)
    own = _rounds(panes[0].frame, arguments)
    ours = f"ours {own:.3f}"
    move, close = plain_pyqtgraph(data)
    curves = _ms(move, 8)
    close()
    print(f"traces alone: {ours}, plain pyqtgraph {curves:.1f} = {curves / own:.0f} × ours")
    viewer = ephyviewer(data)
    if viewer is None:
        print("traces alone: ephyviewer is not installed, not compared")
    else:
        move, close = viewer
        theirs = _ms(move, 4)
        close()
        print(f"traces alone: {ours}, ephyviewer {theirs:.1f} = {theirs / own:.0f} × ours")
    del application


@dataclass(frozen=True)
class Pane:
    """A pane's work: `frame` takes 1/60 s of data and draws, `again` paints everything from what is cached."""

    name: str
    frame: Callable[[int], Any]
    again: Callable[[], Any]


def traces(data: np.ndarray, form: TraceForm, name: str) -> Pane:
    columns = TraceColumns(SCALE, WIDTH, np.arange(N_CHANNELS), form)
    style = TraceStyle(
        ((np.arange(N_CHANNELS) + 0.5) * TRACES_PX / N_CHANNELS).astype(np.float32),
        np.full(N_CHANNELS, 0.5 * TRACES_PX / N_CHANNELS, np.float32),  # half a lane a unit, as for the others
        np.array([premultiplied(c) for c in COLOURS], np.uint32)[np.arange(N_CHANNELS) % len(COLOURS)],
        smooth=form is TraceForm.LINES,
    )
    image = TraceImage(SCALE, WIDTH, np.full(TRACES_PX, PANEL, np.uint32), [(columns, style)])
    show = _shown(image.pixels)
    cursor = _Cursor()

    def frame(_: int) -> None:
        start = cursor.next()
        columns.append(start, 1, data[start % RATE_HZ : start % RATE_HZ + N])
        image.advance()
        show(scroll_pieces(image.newest or 0, WIDTH, WIDTH))

    return Pane(name, frame, image.repaint)


def raster() -> Pane:
    rng = np.random.default_rng(1)
    packed = np.packbits(rng.random((RATE_HZ // 4, N_UNITS), np.float32) < 20 / RATE_HZ, axis=1, bitorder="little")
    columns = SpikeColumns(SCALE, WIDTH, N_UNITS)
    colour = premultiplied(0x2FB98A)
    style = RasterStyle(
        rng.permutation(N_UNITS),
        np.full(N_UNITS, colour, np.uint32),
        density_alpha(4),
        np.full(RASTER_PX, PANEL, np.uint32),
        np.full(RASTER_PX, PANEL, np.uint32),
    )
    image = RasterImage(columns, style)
    show = _shown(image.pixels)
    cursor = _Cursor()

    def frame(_: int) -> None:
        start = cursor.next()
        at = start % len(packed)
        columns.append_bits(start, 1, packed[at : at + N])
        image.advance()
        show(scroll_pieces(image.newest or 0, WIDTH, WIDTH))

    return Pane("raster", frame, image.repaint)


def spectrogram(values: np.ndarray) -> Pane:
    plan = SpectrumPlan(RATE_HZ, 2048, 256)
    stream = SpectrumStream(plan, 1)
    rows = FrequencyRows.between(plan, SPECTRUM_PX, 20, RATE_HZ / 2, logarithmic=True)
    style = SpectrogramStyle(rows, colour_map("magma"), -60.0, 0.0, PANEL)
    image = SpectrogramImage(SCALE, WIDTH, plan, 1, style)
    show = _shown(image.pixels)
    cursor = _Cursor()

    def frame(_: int) -> None:
        start = cursor.next()
        image.append(stream.append(start, values[start % RATE_HZ : start % RATE_HZ + N]))
        show(scroll_pieces(image.newest or 0, WIDTH, WIDTH))

    return Pane("spectrogram", frame, image.repaint)


def map_of(units: UnitTable) -> Pane:
    image = MapImage(units, MAP_PX, MAP_PX, PANEL, point_radius_um=3)
    image.look(View.fitting(image.bounds(), MAP_PX, MAP_PX))
    activity = UnitActivity(np.arange(len(units)))
    luts = np.stack([region_lut(0x142420, 0x2FB98A), region_lut(0x241C14, 0xE07B39)])
    lut_of_unit = (np.arange(len(units)) % 2).astype(np.uint8)
    counts = np.random.default_rng(2).poisson(0.1, (60, len(units)))
    show = _shown(image.pixels)

    def frame(k: int) -> None:
        activity.update(counts[k % 60], 1 / FRAMES_PER_S)
        image.colour(activity.level, luts, lut_of_unit)
        show((Piece(0, 0, MAP_PX),))

    return Pane("map", frame, lambda: image.look(View.fitting(image.bounds(), MAP_PX, MAP_PX)))


def _map_figures(units: UnitTable) -> None:
    image = MapImage(units, MAP_PX, MAP_PX, PANEL, point_radius_um=3)
    view = View.fitting(image.bounds(), MAP_PX, MAP_PX)
    image.look(view)
    luts = region_lut(0, 0x2FB98A)[None]
    level, lut = np.zeros(len(units), np.float32), np.zeros(len(units), np.uint8)
    colour = _ms(lambda _: image.colour(level, luts, lut), 100)
    print(f"  {'map: colours alone':<22} {colour:7.3f}  target {TARGET_MAP_MS}: {_verdict(colour, TARGET_MAP_MS)}")
    for name, zoomed in (("whole", view), ("8 ×", view.zoomed(8, MAP_PX / 2, MAP_PX / 2))):
        ms = _ms(lambda _, to=zoomed: image.look(to), 10)
        print(f"  map: new view, {name:<7} {ms:7.3f}  target {TARGET_LOOK_MS}: {_verdict(ms, TARGET_LOOK_MS)}")


def plain_pyqtgraph(data: np.ndarray) -> tuple[Callable[[int], None], Callable[[], Any]]:
    """One curve a channel, as one would write it first; and how to close it."""
    plot = pyqtgraph.PlotWidget()
    plot.resize(WIDTH, TRACES_PX)
    seconds = np.arange(RATE_HZ) / RATE_HZ
    curves = [plot.plot(pen=(91, 200, 245), clipToView=True, autoDownsample=True) for _ in range(N_CHANNELS)]
    for curve in curves:
        curve.setDownsampling(auto=True, method="peak")
    plot.setXRange(0, 1, padding=0)
    plot.setYRange(-3, N_CHANNELS + 3, padding=0)
    plot.show()
    channels = np.ascontiguousarray(data.T)
    paints = _Paints(plot.viewport())

    def frame(k: int) -> None:
        paints.n = 0
        window = np.roll(channels, -k * N, axis=1)
        for i, curve in enumerate(curves):
            curve.setData(seconds, window[i] * 0.5 + i)
        paints.wait()

    return frame, plot.close


def ephyviewer(data: np.ndarray) -> tuple[Callable[[int], None], Callable[[], Any]] | None:
    """Its trace viewer with all channels shown, one second wide, moved on by a frame at a time; and how to close it."""
    try:
        import ephyviewer as package
    except ImportError:
        return None
    viewer = package.TraceViewer.from_numpy(np.concatenate((data, data)), float(RATE_HZ), 0.0, "traces")
    viewer.params["xsize"] = 1.0
    viewer.params["scale_mode"] = "same_for_all"
    viewer.auto_scale()
    viewer.resize(WIDTH, TRACES_PX)
    viewer.show()
    arrived: list[float] = []
    viewer.datagrabber.data_ready.connect(lambda t, *_: arrived.append(t))
    paints = _Paints(viewer.graphicsview.viewport())

    def frame(k: int) -> None:
        arrived.clear()
        viewer.seek(0.5 + k / FRAMES_PER_S)
        while not arrived:
            QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents, 10)
        paints.n = 0
        paints.wait()

    return frame, viewer.close


class _Paints(QObject):
    """Counts how often a widget has painted itself, and waits until it has."""

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self.n = 0
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        self.n += event.type() == QEvent.Type.Paint
        return False

    def wait(self) -> None:
        while not self.n:
            QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 10)


class _Cursor:
    """First sample of each frame."""

    def __init__(self) -> None:
        self._at = -N

    def next(self) -> int:
        self._at += N
        return self._at


def _shown(pixels: np.ndarray) -> Callable[[tuple[Piece, ...]], None]:
    """Draws pieces of a ring image as a widget's backing store would take them."""
    image = image_over(pixels)
    surface = QImage(pixels.shape[1], pixels.shape[0], QImage.Format.Format_RGB32)

    def show(pieces: tuple[Piece, ...]) -> None:
        painter = QPainter(surface)
        draw_pieces(painter, image, pieces)
        painter.end()

    return show


def _units(chip_dir: Path | None) -> tuple[UnitTable, str]:
    """The 6502's transistors and mask, where its files are; else as many made up."""
    options = {"cartridge": "space_invaders"} | ({"chip_dir": str(chip_dir)} if chip_dir else {})
    try:
        units = find_plugin("microprocessor").open(options).units
    except HeadstageError as error:
        print(f"the 6502 cannot be opened, its map is made up: {error}")
        return _made_up()
    n_polygons = 0 if units.outlines is None else len(units.outlines.unit_id)
    return units, f"the 6502, {len(units)} units, {n_polygons} polygons"


def _made_up() -> tuple[UnitTable, str]:
    rng = np.random.default_rng(3)
    n_polygons, n_corners = 9000, 10
    centres = rng.random((n_polygons, 1, 2)) * 4000
    angles = np.linspace(0, 2 * np.pi, n_corners, endpoint=False)
    radii = rng.uniform(10, 40, (n_polygons, n_corners))
    corners = centres + np.stack((np.cos(angles) * radii, np.sin(angles) * radii), axis=2)
    outlines = Outlines(
        corners.reshape(-1, 2).astype(np.float32),
        np.arange(n_polygons + 1, dtype=np.int64) * n_corners,
        rng.integers(0, N_TRANSISTORS, n_polygons),
        rng.integers(0, 4, n_polygons).astype(np.uint8),
    )
    names = [f"t{i}" for i in range(N_TRANSISTORS)]
    return UnitTable.build(np.arange(N_TRANSISTORS), names, outlines=outlines), f"{N_TRANSISTORS} made-up units"


def _rounds(frame: Callable[[int], Any], arguments: argparse.Namespace) -> float:
    return statistics.median(_ms(frame, arguments.frames) for _ in range(arguments.rounds))


def _ms(frame: Callable[[int], Any], n: int) -> float:
    """Processor milliseconds a call, after two to warm up."""
    for k in range(2):
        frame(k)
    begun = time.process_time()
    for k in range(2, n + 2):
        frame(k)
    return (time.process_time() - begun) / n * 1e3


def _verdict(figure: float, target: float) -> str:
    return "met" if figure <= target else "MISSED"


if __name__ == "__main__":
    main()
