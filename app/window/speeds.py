"""The speeds that can be asked for. Free of Qt."""

from __future__ import annotations

from dataclasses import dataclass

from app.window.figures import grouped

SHORTEST_PLAYBACK_S = 20.0
READING_TICKS_PER_S = 30.0  # tokens: a text can be followed as it comes, and its units are alive
READING_SPAN_TICKS = 512
_SLOWEST_TIMES_REAL = 0.001


@dataclass(frozen=True)
class Speed:
    """Asked for; both None: as fast as may be."""

    ticks_per_s: float | None = None
    times_real: float | None = None

    @property
    def text(self) -> str:
        if self.times_real is not None:
            return f"{self.times_real:g} × real time"
        if self.ticks_per_s is not None:
            return f"{grouped(round(self.ticks_per_s))} tick{'s' if self.ticks_per_s != 1 else ''}/s"
        return "as fast as may be"


FASTEST = Speed()
SPEEDS = (
    FASTEST,
    *(Speed(times_real=x) for x in (1.0, 0.1, 0.01, 0.001)),
    *(Speed(ticks_per_s=x) for x in (1000.0, 100.0, READING_TICKS_PER_S, 10.0, 1.0)),
)


def speed_to_begin_with(tick_hz: float, n_ticks_left: int | None, writes: bool) -> Speed:
    """One at which one sees something: real time, a recording not faster than in twenty seconds, a text to be read.

    Parameters
    ----------
    tick_hz : of the subject; 0 where it has no clock
    n_ticks_left : of a recording; None where there is no end
    writes : whether text comes from it
    """
    if tick_hz <= 0:
        return Speed(ticks_per_s=READING_TICKS_PER_S) if writes else FASTEST
    fit = 1.0 if n_ticks_left is None else n_ticks_left / tick_hz / SHORTEST_PLAYBACK_S
    return next(s for s in SPEEDS if s.times_real is not None and s.times_real <= max(fit, _SLOWEST_TIMES_REAL))
