"""How figures are written in the window: grouped, with units, as wide at the next moment as at this one."""

from __future__ import annotations

import math

from rig.process.status import Status

THIN = "\u202f"  # narrow no-break space


def grouped(n: int) -> str:
    """``29 781 042``."""
    return f"{n:,}".replace(",", THIN)


def clock_text(tick: int, tick_hz: float) -> str:
    """``00:00:12.483 217`` of the subject's own time."""
    if tick_hz <= 0:
        return "—"
    us = round(tick / tick_hz * 1e6)
    seconds, us = divmod(us, 1_000_000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{us // 1000:03}{THIN}{us % 1000:03}"


def duration_text(seconds: float) -> str:
    """``2 h 51 min``, ``41 s``."""
    if not math.isfinite(seconds):
        return "—"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = int(seconds // 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


def span_text(n_ticks: float, tick_hz: float, tick_name: str) -> str:
    """A stretch of time: ``20.0 µs``, or ticks where the subject has no clock."""
    if tick_hz <= 0:
        number = grouped(round(n_ticks)) if n_ticks >= 1000 else f"{n_ticks:.4g}"
        return f"{number} {tick_name}s"
    return seconds_text(n_ticks / tick_hz)


def seconds_text(seconds: float) -> str:
    """``20 µs``, ``3.2 s``, ``2:05``, ``1:23:20``."""
    if abs(seconds) >= 120:
        whole = round(seconds)
        hours, minutes = divmod(whole // 60, 60)
        return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"
    for factor, unit in ((1, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns")):
        if abs(seconds) >= 0.99995 * factor:  # four figures of it are those of one
            return f"{seconds / factor:.4g} {unit}"
    return "0 s"


def bytes_text(n_bytes: float) -> str:
    for factor, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if n_bytes >= factor:
            return f"{n_bytes / factor:.1f} {unit}"
    return f"{n_bytes:.0f} B"


def rate_text(hz: float) -> str:
    """``79 600`` a second, short."""
    if not math.isfinite(hz):
        return "—"
    for factor, unit in ((1e6, "M"), (1e3, "k")):
        if hz >= factor:
            return f"{hz / factor:.3g} {unit}"
    return f"{hz:.3g}"


def speed_text(status: Status, tick_name: str) -> str:
    """What is achieved."""
    if not status.achieved_hz > 0:
        return "standing"
    if math.isfinite(status.times_real) and status.times_real > 0:
        return f"{status.times_real:.3g} × real"
    return f"{rate_text(status.achieved_hz)} {tick_name}s/s"
