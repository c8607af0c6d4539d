"""What the oscilloscope's header says is shown. Free of Qt."""

from __future__ import annotations

from app.window.figures import grouped
from app.window.scope_filters import FilterKind
from app.window.scope_picture import ScopePicture
from app.window.time_axis import TimeAxis, division_text, frequency_text
from app.window.trigger_choice import TriggerSettings
from app.window.twin_view import WORDS
from rig.subject import SubjectInfo


def scope_details(
    picture: ScopePicture, settings: TriggerSettings, info: SubjectInfo, axis: TimeAxis, live: bool
) -> tuple[list[str], list[str]]:
    """What is shown, in full and for a narrow header: the most needed first."""
    division = division_text(axis.span_ticks, info.tick_hz, info.tick_name)
    filtered = []
    if picture.choice.kind is not FilterKind.NONE and any(not r.digital for r in picture.rows):
        filtered = [f"{picture.choice.kind} {frequency_text(picture.choice.cutoff_hz, info.tick_hz <= 0)}"]
    twin = [WORDS[picture.twin_view]] if picture.has_twin and WORDS[picture.twin_view] else []
    if not picture.triggered:
        details = [division, "live" if live else "looking back", *filtered, *twin]
        return details, details
    n = 0 if picture.sweeps is None else picture.sweeps.n_sweeps
    sweeps = f"{grouped(n)} sweep{'s' if n != 1 else ''}" if n else "waiting for the trigger"
    full = [f"triggered on {settings.name}", division, f"pre {settings.pre_percent} %", sweeps, *filtered, *twin]
    return full, [division, sweeps, settings.name, *filtered, *twin]
