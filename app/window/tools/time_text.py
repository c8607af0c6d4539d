"""Times as a person types them and as they are shown: in the original system's time and in ticks."""

from __future__ import annotations

from app.window.figures import THIN, grouped
from app.window.tools.unit_text import plural
from rig.errors import SpecError
from rig.spec import parse_ticks
from rig.subject import SubjectInfo

_UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))


def read_ticks(text: str, info: SubjectInfo, *, what: str, least: int = 0) -> int:
    """Ticks of what was typed: ``5``, ``20us``, ``2.1 µs``, ``1.5ms``.

    Raises
    ------
    SpecError : not a time, or less than `least`.
    """
    plain = text.replace(THIN, "").replace(" ", "").replace("\u03bc", "µ")
    if not plain:
        raise SpecError(f"asked for no {what}; type a time such as 20us, 1.5ms, or {plural(info.tick_name)}")
    try:
        ticks = parse_ticks(plain, info)
    except SpecError:
        clock = "a time such as 20us, 1.5ms, or " if info.tick_hz > 0 else ""
        raise SpecError(
            f"asked for {what} {text.strip()!r}; type {clock}a whole number of {plural(info.tick_name)}"
        ) from None
    if ticks < least:
        raise SpecError(
            f"asked for {what} {text.strip()!r}, {ticks_count(ticks, info)}; it must be at least "
            f"{ticks_count(least, info)}"
        )
    return ticks


def ticks_count(n_ticks: int, info: SubjectInfo) -> str:
    """``5 half-cycles``."""
    return f"{grouped(n_ticks)} {info.tick_name if abs(n_ticks) == 1 else plural(info.tick_name)}"


def time_of_ticks(n_ticks: float, info: SubjectInfo) -> str:
    """``2.10 µs``; empty where the subject has no clock."""
    if info.tick_hz <= 0:
        return ""
    seconds = n_ticks / info.tick_hz
    if seconds == 0:
        return "0 s"
    for factor, unit in _UNITS:
        if abs(seconds) >= factor * 0.9995:
            return f"{_three_figures(seconds / factor)} {unit}"
    return f"{seconds:.3g} s"


def _three_figures(value: float) -> str:
    """Three figures, trailing zeros kept: 2.10, 12.6, 840."""
    size = abs(value)
    if size >= 1000:
        return grouped(round(value))
    return f"{value:.2f}" if size < 9.995 else f"{value:.1f}" if size < 99.95 else f"{value:.0f}"


def both(n_ticks: int, info: SubjectInfo) -> str:
    """``2.10 µs · 5 half-cycles``."""
    time, count = time_of_ticks(n_ticks, info), ticks_count(n_ticks, info)
    return f"{time} · {count}" if time and n_ticks else count


def moment(tick: int, info: SubjectInfo) -> str:
    """When something was: ``12.483 001`` seconds, or the tick where the subject has no clock."""
    if info.tick_hz <= 0:
        return grouped(tick)
    microseconds = round(tick / info.tick_hz * 1e6)
    whole, rest = divmod(microseconds, 1_000_000)
    return f"{whole}.{rest // 1000:03}{THIN}{rest % 1000:03}"
