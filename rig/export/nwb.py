"""NWB: Neurodata Without Borders, the format that archives and most tools of the field read.

The file is laid out by pynwb with empty datasets of the right size (one pass over the streams counts samples and
spikes), then filled by a second pass, a block at a time. gzip only, since other filters are plugins.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from pynwb import NWBHDF5IO, validate

from rig.errors import ExportError
from rig.export.chunks import RaggedWriter, SampleWriter
from rig.export.hdf5_checked import open_checked
from rig.export.nwb_series import Target, add_stream
from rig.export.nwb_tables import add_events, add_perturbations, add_subject_units, new_file
from rig.export.nwb_units import add_units
from rig.export.source import Cut, Notes, Progress, part
from rig.export.survey import Survey, survey_all
from rig.streams import Samples

SURVEY_SHARE = 0.3  # of the work


def write(cut: Cut, path: Path, progress: Progress) -> Notes:
    """Write the cut to a new file.

    Raises
    ------
    ExportError : nothing was recorded in the cut.
    """
    full, notes = survey_all(cut, progress, SURVEY_SHARE)
    file = new_file(cut)
    add_subject_units(file, cut.recording.units)
    targets = [t for s in full.values() for t in add_stream(file, cut, s)]
    first_row = add_units(file, cut, full)
    add_perturbations(file, cut)
    add_events(file, cut)
    with NWBHDF5IO(str(path), "w") as io:
        io.write(file)
    with h5py.File(path, "r+") as h5, ExitStack() as stack:
        spikes = stack.enter_context(_spike_writer(h5)) if any(_n_spikes(s) for s in full.values()) else None
        for i, (name, found) in enumerate(full.items()):
            share = (1 - SURVEY_SHARE) / len(full)
            report = part(progress, SURVEY_SHARE + i * share, share)
            to_fill = [t for t in targets if t.stream == name]
            filler = _SpikeFiller(cut, name, spikes, first_row[name]) if spikes and _n_spikes(found) else None
            _fill(cut, found, h5, to_fill, filler, report)
    return notes


def _n_spikes(found: Survey) -> int:
    return 0 if found.spike_counts is None else int(found.spike_counts.sum())


def _spike_writer(h5: h5py.File) -> RaggedWriter:
    ends = np.asarray(h5["units/spike_times_index"][:], dtype=np.int64)
    return RaggedWriter(h5["units/spike_times"], np.concatenate(([0], ends)))


def _fill(
    cut: Cut, found: Survey, h5: h5py.File, targets: list[Target], spikes: _SpikeFiller | None, progress: Progress
) -> None:
    with ExitStack() as stack:
        writers = [(t, stack.enter_context(SampleWriter(h5[t.path]))) for t in targets if not t.of_time]
        n_done = 0
        for block in cut.blocks(found.info.name):
            for target, writer in writers:
                writer.append(_values(block, target))
            if spikes is not None:
                spikes.add(block)
            n_done += len(block)
            progress(n_done / found.n_samples)
    for target in targets:
        if target.of_time:
            with SampleWriter(h5[target.path]) as writer:
                for ticks in found.tick_blocks():
                    writer.append(cut.seconds(ticks))


def _values(block: Samples, target: Target) -> Any:
    data = block.data if target.field is None else block.data[target.field]
    # a sample of one number is stored as a number
    return data[:, 0] if data.ndim == 2 and data.shape[1] == 1 and not block.info.packed else data


class _SpikeFiller:
    """Puts the spikes of one stream into the Units table."""

    def __init__(self, cut: Cut, stream: str, writer: RaggedWriter, first_row: int) -> None:
        detector = cut.detector(stream)
        assert detector is not None
        self._cut, self._detector, self._writer, self._first_row = cut, detector, writer, first_row

    def add(self, block: Samples) -> None:
        found = self._detector.spikes_by_channel(block)
        seconds = self._cut.seconds(found.ticks)
        start = found.start.tolist()
        for channel in np.flatnonzero(np.diff(found.start)).tolist():
            self._writer.append(self._first_row + channel, seconds[start[channel] : start[channel + 1]])


def verify(path: Path, cut: Cut) -> None:
    """Check a finished file: nothing outside it, and the schema's own validator has nothing to say.

    Raises
    ------
    FormatError, ExportError
    """
    open_checked(path).close()
    errors = validate(path=str(path))
    if errors:
        raise ExportError(f"the NWB file of ticks [{cut.start_tick}, {cut.stop_tick}) is not valid: {errors[0]}")
