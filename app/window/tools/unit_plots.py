"""The inspector's figures: intervals and autocorrelogram of spikes, values and autocorrelation of graded activity."""

from __future__ import annotations

import math

from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from app.theme import Theme
from app.window.figures import THIN
from app.window.tools.small_plot import SmallPlot
from app.window.tools.time_text import ticks_count, time_of_ticks
from app.window.tools.tool_tab import caption
from app.window.tools.unit_stats import GradedStats, UnitStats
from app.window.tools.unit_text import count_text
from rig.streams import StreamInfo
from rig.subject import SubjectInfo

_SCALES = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))


class UnitPlots(QWidget):
    """Two small plots side by side."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.left_caption: QLabel = caption("")
        self.right_caption: QLabel = caption("")
        self.intervals = SmallPlot("Intervals between spikes: counts by length, up to the 99th percentile", self)
        self.correlogram = SmallPlot(
            "Autocorrelogram: rate at a lag after a spike, over the mean rate; 1 is chance", self
        )
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(2)
        grid.addWidget(self.left_caption, 0, 0)
        grid.addWidget(self.right_caption, 0, 1)
        grid.addWidget(self.intervals, 1, 0)
        grid.addWidget(self.correlogram, 1, 1)
        grid.setColumnStretch(0, 1)
        grid.setColumnStretch(1, 1)

    def apply_theme(self, theme: Theme) -> None:
        self.intervals.apply_theme(theme)
        self.correlogram.apply_theme(theme)

    def show_stats(self, stats: UnitStats | GradedStats, stream: StreamInfo, info: SubjectInfo, colour: str) -> str:
        """Draw; returns the figures in words."""
        if isinstance(stats, UnitStats):
            return self._show_spiking(stats, info, colour)
        return self._show_graded(stats, stream, info, colour)

    def _show_spiking(self, stats: UnitStats, info: SubjectInfo, colour: str) -> str:
        factor, unit = axis_scale(float(stats.isi_ticks[-1]) if len(stats.isi_ticks) else 1.0, info)
        self.left_caption.setText(f"intervals, {unit}" if len(stats.isi_counts) else "intervals: too few spikes")
        self.intervals.show_bars(stats.isi_ticks * factor, stats.isi_counts, colour)
        factor, unit = axis_scale(float(stats.lag_ticks[-1]) if len(stats.lag_ticks) else 1.0, info)
        self.right_caption.setText(f"autocorrelogram, {unit}" if len(stats.lag_rate) else "autocorrelogram: too few")
        self.correlogram.show_bars(stats.lag_ticks * factor, stats.lag_rate, colour, level=1.0)
        n_ticks = stats.n_samples * stats.ticks_per_sample
        parts = [
            rate_text(stats.n_spikes / max(n_ticks, 1), info),
            f"duty {100 * stats.duty:.1f} %",
            f"{count_text(stats.n_spikes, 'spike')} in {time_of_ticks(n_ticks, info) or ticks_count(n_ticks, info)}",
        ]
        if math.isfinite(stats.isi_median_ticks):
            median = time_of_ticks(stats.isi_median_ticks, info) or f"{stats.isi_median_ticks:g} {info.tick_name}s"
            parts.append(f"median interval {median}")
        return " · ".join(parts)

    def _show_graded(self, stats: GradedStats, stream: StreamInfo, info: SubjectInfo, colour: str) -> str:
        unit = stream.physical_unit
        self.left_caption.setText(f"values, {unit}" if unit else "values")
        self.intervals.show_bars(stats.edges, stats.counts, colour)
        factor, axis_unit = axis_scale(float(stats.lag_ticks[-1]) if len(stats.lag_ticks) else 1.0, info)
        self.right_caption.setText(f"autocorrelation, {axis_unit}")
        self.correlogram.show_bars(stats.lag_ticks * factor, stats.correlation, colour)
        return f"{stats.mean:.4g} ± {stats.sd:.3g} {unit} · from {stats.low:.4g} to {stats.high:.4g}".replace("  ", " ")


def axis_scale(longest_ticks: float, info: SubjectInfo) -> tuple[float, str]:
    """What to multiply ticks by for an axis that reaches so far, and its unit."""
    if info.tick_hz <= 0:
        return 1.0, f"{info.tick_name}s"
    seconds = longest_ticks / info.tick_hz
    factor, unit = next(((f, u) for f, u in _SCALES if seconds >= f), _SCALES[-1])
    return 1.0 / info.tick_hz / factor, unit


def rate_text(per_tick: float, info: SubjectInfo) -> str:
    """``1.19 MHz`` of the subject's time, or spikes a tick where it has no clock."""
    if not math.isfinite(per_tick):
        return "—"
    if info.tick_hz <= 0:
        return f"{per_tick:.3g} a {info.tick_name}"
    hz = per_tick * info.tick_hz
    for factor, unit in ((1e6, "MHz"), (1e3, "kHz")):
        if hz >= factor:
            return f"{hz / factor:.3g}{THIN}{unit}"
    return f"{hz:.3g}{THIN}Hz"
