"""Open Ephys binary: a folder as the GUI's record node (0.6) writes it.

::

    OUT/Record Node 101/experiment1/recordingN/structure.oebin
        continuous/Headstage-100.STREAM/   continuous.dat (int16), sample_numbers.npy, timestamps.npy (s)
        events/Headstage-100.STREAM/TTL/   states.npy (±line), sample_numbers, timestamps, full_words.npy
        events/MessageCenter/              text.npy, sample_numbers, timestamps
    OUT/channel_map.csv                    line → unit

Electrodes become continuous channels. An int16 v stands for v × bit_volts of the stream's unit, bit_volts being the
smallest power of two that takes the largest potential: so scaling itself loses nothing, and rounding at most half of
it. Units that are binary become TTL lines, at most 64 (one word) and in order of channels; choose which. Notes and
marks become messages. A gap of the electrodes ends a recording and begins the next, as stopping the GUI would.

Source: open-ephys.github.io/gui-docs, "Binary format".
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rig.errors import ExportError
from rig.export.events import LogRow, log_rows
from rig.export.npy_file import NpyFile
from rig.export.source import Cut, Notes, Progress, part
from rig.export.survey import Survey, survey_all
from rig.log import LogKind
from rig.streams import StreamInfo, StreamKind

MAX_LINES = 64
SURVEY_SHARE = 0.3
_PROCESSOR = "Headstage-100"


def write(cut: Cut, path: Path, progress: Progress) -> Notes:
    """Write the cut to a new folder.

    Raises
    ------
    ExportError : neither electrodes nor at most 64 binary units were recorded in the cut.
    """
    full, notes = survey_all(cut, progress, SURVEY_SHARE)
    fields = {n: s for n, s in full.items() if s.info.kind is StreamKind.FIELD and s.info.regular}
    lines = {n: s for n, s in full.items() if _binary(s.info) and s.info.n_channels <= MAX_LINES and s.info.regular}
    notes += tuple(_left_out(s.info) for n, s in full.items() if n not in fields and n not in lines)
    if not fields:
        raise ExportError(
            f"asked for Open Ephys of streams {', '.join(full)}; it needs electrodes to read: record with a probe, or "
            "export another format"
        )
    bit_volts = {name: _bit_volts(cut, name) for name in fields}
    path.mkdir()
    _write_channel_map(path / "channel_map.csv", cut, lines)
    stretches = _stretches(cut, fields.values())
    experiment = path / "Record Node 101" / "experiment1"
    for i, (start, stop) in enumerate(stretches):
        folder = experiment / f"recording{i + 1}"
        share = (1 - SURVEY_SHARE) / len(stretches)
        report = part(progress, SURVEY_SHARE + i * share, share)
        _write_recording(replace(cut, start_tick=start, stop_tick=stop), folder, fields, lines, bit_volts, report)
    return notes


def _binary(info: StreamInfo) -> bool:
    return info.kind is StreamKind.UNITS and info.unit_ids is not None and (info.packed or info.dtype == np.bool_)


def _left_out(info: StreamInfo) -> str:
    if _binary(info) and info.regular:
        return (
            f"stream {info.name!r} has {info.n_channels} units, Open Ephys takes {MAX_LINES} as TTL lines: choose units"
        )
    return f"stream {info.name!r} has no place in Open Ephys: left out"


def _bit_volts(cut: Cut, stream: str) -> float:
    largest = max(float(np.abs(block.data).max(initial=0)) for block in cut.blocks(stream))
    if not np.isfinite(largest):
        raise ExportError(
            f"stream {stream!r} holds values that are no finite numbers; Open Ephys has none: export hdf5"
        )
    return 2.0 ** int(np.ceil(np.log2(largest / 32767))) if largest else 1.0


def _stretches(cut: Cut, fields: Iterable[Survey]) -> list[tuple[int, int]]:
    """Intervals of ticks in which the electrodes have no gap."""
    edges = {cut.start_tick, cut.stop_tick}
    for found in fields:
        edges.update(first for first, _ in found.runs[1:])
    return list(pairwise(sorted(edges)))


def _write_recording(
    cut: Cut, folder: Path, fields: dict[str, Survey], lines: dict[str, Survey], bit_volts: dict[str, float],
    progress: Progress,
) -> None:  # fmt: skip
    structure: dict[str, Any] = {"GUI version": "0.6.7", "continuous": [], "events": [], "spikes": []}
    n_parts = len(fields) + len(lines)
    for i, (name, found) in enumerate(fields.items()):
        _write_continuous(cut, folder / "continuous" / f"{_PROCESSOR}.{name}", name, bit_volts[name])
        structure["continuous"].append(_continuous_entry(cut, found.info, bit_volts[name]))
        progress((i + 1) / n_parts)
    for i, (name, found) in enumerate(lines.items()):
        initial = _write_lines(cut, folder / "events" / f"{_PROCESSOR}.{name}" / "TTL", found.info)
        structure["events"].append(_event_entry(cut, found.info, initial))
        progress((len(fields) + i + 1) / n_parts)
    messages = [r for r in log_rows(cut.recording.log, cut.start_tick, cut.stop_tick - 1) if r.kind in _MESSAGES]
    clock = next(iter(fields.values())).info
    _write_messages(cut, folder / "events" / "MessageCenter", messages, clock)
    structure["events"].append(
        {
            "folder_name": "MessageCenter/",
            "channel_name": "Messages",
            "description": "Notes and marks of the session",
            "identifier": "",
            "sample_rate": _rate(cut, clock),
            "type": "string",
            "source_processor": "Message Center",
            "stream_name": clock.name,
        }
    )
    (folder / "structure.oebin").write_text(json.dumps(structure, indent=1, ensure_ascii=False), encoding="utf-8")


_MESSAGES = {str(LogKind.NOTE), str(LogKind.MARK)}


def _rate(cut: Cut, info: StreamInfo) -> float:
    return cut.tick_hz / (info.ticks_per_sample or 1)


def _write_continuous(cut: Cut, folder: Path, stream: str, bit_volts: float) -> None:
    folder.mkdir(parents=True)
    k = cut.streams[stream].ticks_per_sample or 1
    with ExitStack() as stack:
        data = stack.enter_context((folder / "continuous.dat").open("wb"))
        numbers = stack.enter_context(NpyFile(folder / "sample_numbers.npy", "<i8"))
        seconds = stack.enter_context(NpyFile(folder / "timestamps.npy", "<f8"))
        for block in cut.blocks(stream):
            data.write(np.rint(block.data.astype(np.float64) / bit_volts).astype("<i2").tobytes())
            numbers.append(block.ticks // k)
            seconds.append(cut.seconds(block.ticks))


def _continuous_entry(cut: Cut, info: StreamInfo, bit_volts: float) -> dict[str, Any]:
    names = info.channel_names or tuple(f"CH{i + 1}" for i in range(info.n_channels))
    return {
        "folder_name": f"{_PROCESSOR}.{info.name}/",
        "sample_rate": _rate(cut, info),
        "source_processor_name": "Headstage",
        "source_processor_id": 100,
        "stream_name": info.name,
        "recorded_processor": "Record Node",
        "recorded_processor_id": 101,
        "num_channels": info.n_channels,
        "channels": [
            {
                "channel_name": name,
                "description": f"{info.description} ({info.physical_unit or 'arbitrary unit'}, shown as uV)",
                "identifier": "headstage.electrode",
                "history": cut.header.info.name,
                "bit_volts": bit_volts,
                "units": "uV",
            }
            for name in names
        ],
    }


def _event_entry(cut: Cut, info: StreamInfo, initial: int) -> dict[str, Any]:
    return {
        "folder_name": f"{_PROCESSOR}.{info.name}/TTL/",
        "channel_name": info.name,
        "description": f"{info.description}; line to unit: channel_map.csv",
        "identifier": "headstage.units",
        "sample_rate": _rate(cut, info),
        "type": "int16",
        "source_processor": "Headstage",
        "stream_name": info.name,
        "initial_state": initial,
    }


def _write_lines(cut: Cut, folder: Path, info: StreamInfo) -> int:
    """Transitions of every line, in order of (sample, line). Returns the word before the first."""
    folder.mkdir(parents=True)
    k = info.ticks_per_sample or 1
    initial: int | None = None
    with ExitStack() as stack:
        states = stack.enter_context(NpyFile(folder / "states.npy", "<i2"))
        numbers = stack.enter_context(NpyFile(folder / "sample_numbers.npy", "<i8"))
        seconds = stack.enter_context(NpyFile(folder / "timestamps.npy", "<f8"))
        full = stack.enter_context(NpyFile(folder / "full_words.npy", "<u8"))
        for ticks, words, before in _words(cut, info):
            if initial is None:
                initial = int(before)
            changed = words ^ np.concatenate(([before], words[:-1]))
            changed[1:][np.diff(ticks) != k] = 0  # what happened in a gap is not known
            bits = np.unpackbits(changed.view(np.uint8).reshape(-1, 8), axis=1, bitorder="little")
            rows, lines = np.nonzero(bits)
            on = (words[rows] >> lines.astype(np.uint64)) & np.uint64(1)
            states.append(np.where(on == 1, lines + 1, -(lines + 1)))
            numbers.append(ticks[rows] // k)
            seconds.append(cut.seconds(ticks[rows]))
            full.append(words[rows])
    return initial or 0


def _words(cut: Cut, info: StreamInfo) -> Iterator[tuple[NDArray[np.int64], NDArray[np.uint64], np.uint64]]:
    """(ticks, one word a sample, the word before them or, where there is none, the first)."""
    before, expected = np.uint64(0), -1
    for block in cut.blocks(info.name, 1 << 20):
        if not len(block):
            continue
        padded = np.zeros((len(block), 8), np.uint8)
        bits = block.data if info.packed else np.packbits(block.data, axis=1, bitorder="little")
        padded[:, : bits.shape[1]] = bits
        words = padded.view("<u8")[:, 0] & np.uint64((1 << info.n_channels) - 1)
        yield block.ticks, words, before if block.ticks[0] == expected else words[0]
        before, expected = words[-1], int(block.ticks[-1]) + (info.ticks_per_sample or 1)


def _write_messages(cut: Cut, folder: Path, rows: Sequence[LogRow], clock: StreamInfo) -> None:
    folder.mkdir(parents=True)
    ticks = np.array([r.tick for r in rows], np.int64)
    texts = [(r.value if r.kind == LogKind.NOTE else f"mark {r.value}").encode() for r in rows]
    np.save(folder / "text.npy", np.array(texts, dtype=np.bytes_) if texts else np.zeros(0, "S1"))
    np.save(folder / "sample_numbers.npy", ticks // (clock.ticks_per_sample or 1))
    np.save(folder / "timestamps.npy", cut.seconds(ticks))


def _write_channel_map(path: Path, cut: Cut, lines: dict[str, Survey]) -> None:
    units = cut.recording.units
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["stream", "line", "unit_id", "unit_name", "region", "kind"])
        for name, found in lines.items():
            assert found.info.unit_ids is not None
            for line, row in enumerate(units.rows(found.info.unit_ids).tolist()):
                table.writerow(
                    [name, line + 1, units.unit_id[row], units.name[row], units.region[row], units.kind[row]]
                )


def verify(path: Path, cut: Cut) -> None:
    """Check that every stream has as many samples as sample numbers.

    Raises
    ------
    ExportError
    """
    for oebin in sorted(path.glob("Record Node 101/experiment1/recording*/structure.oebin")):
        for entry in json.loads(oebin.read_text(encoding="utf-8"))["continuous"]:
            folder = oebin.parent / "continuous" / entry["folder_name"]
            numbers = np.load(folder / "sample_numbers.npy", mmap_mode="r", allow_pickle=False)
            n_bytes = (folder / "continuous.dat").stat().st_size
            if n_bytes != 2 * entry["num_channels"] * len(numbers):
                raise ExportError(f"the Open Ephys export of {entry['stream_name']!r} is not whole; export it again")
