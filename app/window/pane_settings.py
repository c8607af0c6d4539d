"""What a hand chose in the panes with a time axis, as values: undone, saved and put back. Free of Qt."""

from __future__ import annotations

from dataclasses import dataclass, field

from app.window.raster_rows import Order, Rows
from app.window.scope_filters import FilterChoice
from app.window.scope_layout import Arrangement, RowView
from app.window.spectrogram_picture import LENGTHS, OVERLAPS, RANGES_DB, SpectrogramChoice
from app.window.spectrogram_source import Of
from rig.errors import SpecError


@dataclass(frozen=True)
class ScopeSettings:
    """Of the oscilloscope.

    Attributes
    ----------
    stream : in which units are seen; "" for the subject's first
    filter : of analogue traces
    overlaid, averaged : what triggered sweeps show
    """

    stream: str = ""
    arrangement: Arrangement = Arrangement.STACKED
    filter: FilterChoice = field(default_factory=FilterChoice)
    overlaid: bool = True
    averaged: bool = True


@dataclass(frozen=True)
class ScopeGains:
    """How tall traces are.

    Attributes
    ----------
    common : gain of all
    views : by row key, where a hand chose
    """

    common: float = 1.0
    views: dict[str, RowView] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for gain in (self.common, *(v.gain for v in self.views.values())):
            if not 0 < gain < 1e6:
                raise SpecError(f"asked for a gain of {gain}; it must be a positive number")


@dataclass(frozen=True)
class RasterSettings:
    """Of the raster: which units are rows, and in which order."""

    rows: Rows = Rows.ALL
    order: Order = Order.REGION


@dataclass(frozen=True)
class SpectrogramSettings:
    """Of the spectrogram.

    Attributes
    ----------
    source : an electrode by its name, or one of `Of`
    """

    source: str = str(Of.POPULATION)
    choice: SpectrogramChoice = field(default_factory=SpectrogramChoice)

    def __post_init__(self) -> None:
        c = self.choice
        for what, value, possible in (
            ("a window", c.length, (0, *LENGTHS)),
            ("an overlap", c.overlap_percent, OVERLAPS),
            ("a range", c.range_db, RANGES_DB),
        ):
            if value not in possible:
                raise SpecError(f"asked for {what} of {value} in a spectrogram; there are {possible}")
