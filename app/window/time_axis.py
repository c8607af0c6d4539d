"""The time axis that scope, raster and spectrogram share: where a tick lies, and how long a division is. Free of Qt."""

from __future__ import annotations

import math
from dataclasses import dataclass

from app.draw.time_scale import Piece, TimeScale, scroll_pieces
from app.window.figures import span_text
from app.window.view import MIN_SPAN_TICKS

N_DIVISIONS = 10
SPARE_COLUMNS = 2  # a column may reach beyond either border of the window


@dataclass(frozen=True)
class TimeAxis:
    """A window [stop − span, stop) of ticks on `n_columns` device pixels.

    Attributes
    ----------
    stop_tick : where the window ends
    span_ticks : its length
    n_columns : its width in device pixels
    """

    stop_tick: int
    span_ticks: int
    n_columns: int

    @property
    def start_tick(self) -> int:
        return self.stop_tick - self.span_ticks

    @property
    def scale(self) -> TimeScale:
        return TimeScale(self.span_ticks, self.n_columns)

    @property
    def n_slots(self) -> int:
        """Of a ring image that shows this window."""
        return self.n_columns + SPARE_COLUMNS

    def pieces(self) -> tuple[Piece, ...]:
        """What of the ring image to draw, and where."""
        return scroll_pieces(self.scale.last_column(self.stop_tick), self.n_columns, self.n_slots)

    def fraction(self, tick: float) -> float:
        """Where a tick begins: 0 at the left border, 1 at the right."""
        return (tick - self.start_tick) / self.span_ticks

    def tick_at(self, fraction: float) -> int:
        """The tick that lies there."""
        return self.start_tick + math.floor(fraction * self.span_ticks)


def snapped_span(span_ticks: int, tick_hz: float) -> int:
    """The span whose tenth is nearest, and 1, 2 or 5 × a power of ten: of seconds, or of ticks without a clock.

    Halving or doubling a snapped span and snapping again walks through the steps, as a scope's knob does.
    """
    unit = tick_hz if tick_hz > 0 else 1.0
    division = span_ticks / N_DIVISIONS / unit
    power = math.floor(math.log10(division))
    steps = [factor * 10.0**p for p in (power - 1, power, power + 1) for factor in (1, 2, 5)]
    long_enough = [s for s in steps if s * unit * N_DIVISIONS >= MIN_SPAN_TICKS]
    nearest = min(long_enough, key=lambda s: abs(math.log(s / division)))
    return max(round(nearest * unit * N_DIVISIONS), MIN_SPAN_TICKS)


def division_text(span_ticks: int, tick_hz: float, tick_name: str) -> str:
    """``20 µs/div``: the step that was snapped to, not the whole ticks that are nearest to it."""
    unit = tick_hz if tick_hz > 0 else 1.0
    division = span_ticks / N_DIVISIONS / unit
    power = 10.0 ** math.floor(math.log10(division))
    for factor in (1, 2, 5, 10):
        # half a tick is what rounding to whole ticks may have moved the span by
        if abs(factor * power - division) * unit * N_DIVISIONS <= 0.5 + 1e-9:
            division = factor * power
    return f"{span_text(division * unit, tick_hz, tick_name)}/div"


def bin_text(n_ticks: float, tick_hz: float, tick_name: str) -> str:
    """A stretch in two figures: what a column of pixels or a bin is wide, to know rather than to reckon with."""
    unit = tick_hz if tick_hz > 0 else 1.0
    return span_text(float(f"{n_ticks / unit:.2g}") * unit, tick_hz, tick_name)


def frequency_text(hz: float, of_ticks: bool) -> str:
    """``27.8 kHz``; cycles a tick where the subject has no clock."""
    if of_ticks:
        return f"{hz:.3g} /tick"
    for factor, unit in ((1e9, "GHz"), (1e6, "MHz"), (1e3, "kHz")):
        if abs(hz) >= factor:
            return f"{hz / factor:.3g} {unit}"
    return f"{hz:.3g} Hz"
