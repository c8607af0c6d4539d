"""What the raster's header says is shown. Free of Qt."""

from __future__ import annotations

import numpy as np

from app.window.figures import grouped, rate_text
from app.window.raster_picture import RasterPicture
from app.window.raster_rows import Order
from app.window.raster_trials import TrialRaster
from app.window.time_axis import TimeAxis, bin_text
from app.window.twin_view import WORDS, TwinView
from rig.subject import SubjectInfo


def raster_details(
    picture: RasterPicture, order: Order, has_reference: bool, info: SubjectInfo, axis: TimeAxis
) -> list[str]:
    """In running time."""
    n = len(picture.rows)
    units = f"{grouped(n)} unit{'s' if n != 1 else ''}"
    bins = f"bins {bin_text(axis.span_ticks / max(axis.n_columns, 1), info.tick_hz, info.tick_name)}"
    if order is Order.CORRELATION and not has_reference:
        return [units, "select one to order by correlation with it", bins]
    twin = [WORDS[picture.twin_view]] if WORDS[picture.twin_view] else []
    return [f"{units} {order}", bins, *([f"spikes {picture.digitiser.text}"] if picture.digitiser.text else []), *twin]


def trial_details(trials: TrialRaster, unit_name: str, trigger_name: str, info: SubjectInfo) -> list[str]:
    """Around triggers."""
    units = unit_name if trials.n_units == 1 else f"{grouped(trials.n_units)} units"
    n = trials.n_trials
    twin = [WORDS[trials.twin_view]] if WORDS[trials.twin_view] else []
    counted = f"{grouped(n)} trial{'s' if n != 1 else ''}" if n else "waiting for the trigger"
    return [
        f"{units} around {trigger_name}",
        counted,
        f"bins {bin_text(trials.bin_ticks, info.tick_hz, info.tick_name)}",
        *twin,
    ]


def peak_text(trials: TrialRaster, info: SubjectInfo) -> str:
    """What the top of the histogram is."""
    if not trials.n_trials:
        return ""
    less, twin = trials.twin_view is TwinView.DIFFERENCE, trials.twin_rates()
    shown = [trials.rates()] if less or twin is None else [trials.rates(), twin]
    top = float(np.abs(np.concatenate(shown)).max()) * (info.tick_hz if info.tick_hz > 0 else 1.0)
    return f"{'±' if less else ''}{rate_text(top)} spikes/{'s' if info.tick_hz > 0 else info.tick_name} a unit"
