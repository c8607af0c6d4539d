"""What a pane shows, as a table for a file: samples, spikes or levels of the stretch of time on show.

A pane may say it itself by a method ``shown_data() -> Table``; what is said here is of the panes with a time axis.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from app.draw.spectrum import SpectrumStream, decibels
from app.window.desk import Desk
from app.window.pane import Pane
from app.window.raster import RasterPane
from app.window.raster_spikes import Digitiser
from app.window.raster_trials import TrialRaster
from app.window.scope import ScopePane
from app.window.scope_filters import FilterKind
from app.window.spectrogram import SpectrogramPane
from app.window.spectrogram_source import SourceValues
from app.window.trigger_choice import channel_values
from app.window.twin_view import TwinView
from rig.errors import EvictedError, HeadstageError
from rig.streams import Samples

BLOCK = 1 << 14  # rows made into text at once

Cell = str | int | float


@dataclass(frozen=True, eq=False)
class Table:
    """A table that is made when it is written.

    Attributes
    ----------
    headers : of the columns
    blocks : makes the rows, some at a time; may take a while, and touches nothing of the window
    note : what the reader should know; "" for nothing
    """

    headers: tuple[str, ...]
    blocks: Callable[[], Iterator[Sequence[Sequence[Cell]]]]
    note: str = ""


@runtime_checkable
class ShowsData(Protocol):
    """A pane that says what it shows."""

    def shown_data(self) -> Table: ...


def offers_data(pane: Pane) -> bool:
    """Whether there is a table of what this pane shows."""
    return isinstance(pane, ShowsData | ScopePane | RasterPane | SpectrogramPane)


def shown_data(pane: Pane) -> Table:
    """The table of what a pane shows now. Samples are copied at once, so that time may go on.

    Raises
    ------
    HeadstageError : it shows nothing.
    """
    if isinstance(pane, ShowsData):
        return pane.shown_data()
    if isinstance(pane, ScopePane):
        return _scope_table(pane)
    if isinstance(pane, RasterPane):
        return _trial_table(pane.trials) if pane.triggered and pane.trials is not None else _spike_table(pane)
    if isinstance(pane, SpectrogramPane):
        return _spectrum_table(pane)
    raise HeadstageError(f"asked for the data of {pane.title}; it shows no samples: save its picture")


def write_table(table: Table, path: Path, cancelled: Callable[[], bool] = lambda: False) -> int:
    """Write a CSV file; it appears when it is whole. Returns the number of rows.

    Raises
    ------
    HeadstageError : cancelled. OSError : the disk refuses.
    """
    temporary = path.with_name(f".{path.name}.{uuid4().hex[:8]}")
    n_rows = 0
    try:
        with temporary.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(table.headers)
            for block in table.blocks():
                if cancelled():
                    raise HeadstageError(f"writing {path.name} was cancelled; nothing was written")
                writer.writerows(block)
                n_rows += len(block)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return n_rows


# ---- oscilloscope


def _scope_table(pane: ScopePane) -> Table:
    """A row a tick at which any trace has a sample, a column a trace; nothing where a trace has no sample."""
    start, stop = pane.axis.start_tick, pane.axis.stop_tick
    sweeps = pane.picture.sweeps
    note = ""
    if pane.picture.triggered and sweeps is not None and sweeps.last_trigger is not None:
        start = sweeps.last_trigger - sweeps.pre_ticks
        stop = start + sweeps.span_ticks
        note = "the newest sweep"
    rows = [r for r in pane.picture.rows if r.channel >= 0]
    if not rows:
        raise HeadstageError("asked for the data of the oscilloscope; it shows no channels: select units, then W")
    if any(not r.digital for r in rows) and pane.picture.choice.kind is not FilterKind.NONE:
        note = ", ".join(filter(None, (note, "as sampled, before the filter")))
    streams = {r.stream: _samples(pane.desk, r.stream, start, stop) for r in rows}
    headers = tuple(f"{r.name} ({r.physical_unit})" if r.physical_unit else r.name for r in rows)
    hz = _hz(pane.desk)

    def blocks() -> Iterator[Sequence[Sequence[Cell]]]:
        columns = []
        for row in rows:
            samples = streams[row.stream]
            columns.append(channel_values(samples.info, samples.data, np.array([row.channel], np.int64))[:, 0])
        ticks = np.unique(np.concatenate([s.ticks for s in streams.values()]))
        places = {name: np.searchsorted(ticks, s.ticks) for name, s in streams.items()}
        for first in range(0, len(ticks), BLOCK):
            n = min(BLOCK, len(ticks) - first)
            cells = []
            for row, values in zip(rows, columns, strict=True):
                column = np.full(n, "", object)
                low, high = np.searchsorted(places[row.stream], (first, first + n))
                column[places[row.stream][low:high] - first] = values[low:high].tolist()
                cells.append(column.tolist())
            yield list(zip(*_time_columns(ticks[first : first + n], hz), *cells, strict=True))

    return Table((*_time_headers(hz), *headers), blocks, note)


# ---- raster


def _spike_table(pane: RasterPane) -> Table:
    """A row a spike of the units that are rows now."""
    if pane.picture is None or pane.desk.description is None:
        raise HeadstageError("asked for the data of the raster; it shows no units: select units, then W")
    samples = _samples(pane.desk, pane.picture.info.name, pane.axis.start_tick, pane.axis.stop_tick)
    units, rows, hz = pane.desk.description.units, np.sort(pane.picture.rows), _hz(pane.desk)
    assert samples.info.unit_ids is not None
    ids = samples.info.unit_ids

    def blocks() -> Iterator[Sequence[Sequence[Cell]]]:
        name_of = {c: (int(ids[c]), *_name_and_region(ids[c])) for c in rows.tolist()}
        digitiser = Digitiser(samples.info)
        before: NDArray[np.uint8] | None = None
        for first in range(0, len(samples), BLOCK):
            bits = digitiser.bits(samples.data[first : first + BLOCK])
            on = np.unpackbits(bits, axis=1, count=samples.info.n_channels, bitorder="little")[:, rows]
            previous = np.vstack((on[:1] if before is None else before, on[:-1]))
            at, channel = np.nonzero(on & ~previous & 1)
            before = on[-1:]
            columns = _time_columns(samples.ticks[first : first + BLOCK][at], hz)
            named = [name_of[c] for c in rows[channel].tolist()]
            yield [(*time, *who) for time, who in zip(zip(*columns, strict=True), named, strict=True)]

    def _name_and_region(unit_id: np.int64) -> tuple[str, str]:
        row = int(units.rows([int(unit_id)])[0])
        return units.name[row], units.region[row]

    return Table((*_time_headers(hz), "unit_id", "unit", "region"), blocks, pane.picture.digitiser.text)


def _trial_table(trials: TrialRaster) -> Table:
    """A row a bin of the average around the trigger; a column more for what an intact twin does."""
    width, pre, twin = trials.bin_ticks, trials.pre_ticks, trials.twin_rates()
    columns = [trials.rates().tolist(), *([] if twin is None else [twin.tolist()])]
    rows = [(i * width - pre, (i + 1) * width - pre, *rates) for i, rates in enumerate(zip(*columns, strict=True))]
    note = f"{trials.n_trials} trials of {trials.n_units} units"
    if trials.twin_view is TwinView.TWIN:
        note += " of the intact twin"
    less = "_less_twin" if trials.twin_view is TwinView.DIFFERENCE else ""
    headers = ("from_tick_after_trigger", "to_tick_after_trigger", f"spikes_per_unit_trial_tick{less}")
    twins = () if twin is None else ("twin_spikes_per_unit_trial_tick",)
    return Table((*headers, *twins), lambda: iter([rows]), note)


# ---- spectrogram


def _spectrum_table(pane: SpectrogramPane) -> Table:
    """A row a spectrum, stamped with the first tick of its window; a column a frequency, in decibels."""
    p = pane.picture
    if p is None:
        raise HeadstageError("asked for the data of the spectrogram; it shows no channel: watch units, or drop a probe")
    start, stop = pane.axis.start_tick - p.plan.length * p.k, pane.axis.stop_tick
    samples, hz = _samples(pane.desk, p.source.stream, start, stop), _hz(pane.desk)
    plan, k, source = p.plan, p.k, p.source
    unit = "Hz" if hz > 0 else "per_tick"

    def blocks() -> Iterator[Sequence[Sequence[Cell]]]:
        values, stream = SourceValues(source, samples.info), SpectrumStream(plan, k)
        for first in range(0, len(samples), BLOCK):
            tick = int(samples.ticks[first])
            spectra = stream.append(tick, values.take(tick, samples.data[first : first + BLOCK]))
            n = len(spectra.density)
            ticks = spectra.run_tick + (spectra.first + np.arange(n)) * plan.hop * k
            levels = np.round(decibels(spectra.density), 3).tolist()
            columns = zip(*_time_columns(ticks, hz), strict=True)
            yield [(*time, *row) for time, row in zip(columns, levels, strict=True)]

    headers = (*_time_headers(hz), *(f"{f:.6g}_{unit}" for f in plan.frequencies_hz))
    return Table(headers, blocks, f"{source.name}, Hann {plan.length}, dB")


# ---- shared


def _samples(desk: Desk, stream: str, start_tick: int, stop_tick: int) -> Samples:
    """What the ring holds of the stretch, copied. Raises HeadstageError: nothing of it."""
    for _ in range(3):  # the writer may overtake a look at the oldest
        reader = desk.shown_ring(stream)
        if reader is None:
            break
        span = reader.span()
        start, stop = max(start_tick, span.first_tick), min(stop_tick, span.stop_tick)
        if start >= stop:
            break
        try:
            return reader.ticks(start, stop).copy()
        except EvictedError:
            continue
    raise EvictedError(f"asked for what is shown of {stream}; the ring holds nothing of it: let it run, or record it")


def _hz(desk: Desk) -> float:
    return 0.0 if desk.description is None else desk.description.info.tick_hz


def _time_headers(tick_hz: float) -> tuple[str, ...]:
    return ("tick", "time_s") if tick_hz > 0 else ("tick",)


def _time_columns(ticks: NDArray[np.int64], tick_hz: float) -> tuple[list[Cell], ...]:
    """Ticks, and the subject's own time where it has one."""
    if tick_hz <= 0:
        return (ticks.tolist(),)
    return ticks.tolist(), (ticks / tick_hz).tolist()
