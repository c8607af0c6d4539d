"""safetensors: tensors by name, for tools that read activations; written a block at a time, read without running code.

    STREAM                    (n_samples, …) as recorded; of a structured stream STREAM.FIELD; of text its bytes
    STREAM.tick               (n_samples,) I64
    STREAM.unit_id            (n_channels,) I64
    STREAM.spike_tick, STREAM.spike_unit_id    (n_spikes,) I64, by tick
    units.COLUMN              the table's numbers

Where the units' table has a column ``hook`` (a model's names for its activations: ``blocks.0.mlp.hook_post``), the
first graded stream is a tensor for each of them, named so, and STREAM is of the other units; STREAM.unit_id and
STREAM.hook_unit_id.HOOK say which. What is no number is JSON in the metadata: ``session``, ``streams``, ``units``,
``perturbations``, ``events``.

The file (huggingface.co/docs/safetensors): 8 bytes, the header's length; the header, JSON; the tensors, little-endian,
one behind the other.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from rig.errors import ExportError
from rig.export.arrays import (
    Columns,
    channel_columns,
    event_columns,
    perturbation_columns,
    session_json,
    stream_facts,
    unit_columns,
)
from rig.export.source import Cut, Notes, Progress, part
from rig.export.survey import Survey, survey_all
from rig.streams import StreamKind

SURVEY_SHARE = 0.2
_CODES = {
    "f8": "F64", "f4": "F32", "f2": "F16", "i8": "I64", "i4": "I32", "i2": "I16", "i1": "I8",
    "u8": "U64", "u4": "U32", "u2": "U16", "u1": "U8", "b1": "BOOL",
}  # fmt: skip


@dataclass
class _Tensor:
    """One of the file, and how far it is written."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    at: int = 0
    n_written: int = 0

    @property
    def n_bytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize


@dataclass
class _File:
    """All that is to be written: tensors whose data follow, and the metadata."""

    tensors: dict[str, _Tensor] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, dtype: np.dtype[Any], shape: tuple[int, ...]) -> None:
        self.tensors[name] = _Tensor(dtype.newbyteorder("<"), shape)

    def lay_out(self, file: IO[bytes]) -> None:
        """Write the header; now tensors have their places."""
        header: dict[str, Any] = {"__metadata__": self.metadata}
        at = 0
        for name, tensor in self.tensors.items():
            code = _CODES[tensor.dtype.str[1:]]
            header[name] = {"dtype": code, "shape": tensor.shape, "data_offsets": (at, at + tensor.n_bytes)}
            tensor.at, at = at, at + tensor.n_bytes
        raw = json.dumps(header, ensure_ascii=False).encode()
        raw += b" " * (-len(raw) % 8)
        file.write(len(raw).to_bytes(8, "little") + raw)
        for tensor in self.tensors.values():
            tensor.at += 8 + len(raw)

    def put(self, file: IO[bytes], name: str, values: NDArray[Any]) -> None:
        """Write the next part of a tensor."""
        tensor = self.tensors[name]
        raw = np.ascontiguousarray(values, tensor.dtype).tobytes()
        file.seek(tensor.at + tensor.n_written)
        file.write(raw)
        tensor.n_written += len(raw)

    def check(self) -> None:
        """Raises ExportError : not all of a tensor has come."""
        for name, tensor in self.tensors.items():
            if tensor.n_written != tensor.n_bytes:
                raise ExportError(
                    f"wrote {tensor.n_written} bytes of {name!r}, counted {tensor.n_bytes}; the recording changed: "
                    "export it again"
                )


def write(cut: Cut, path: Path, progress: Progress) -> Notes:
    """Write the cut to a new file.

    Raises
    ------
    ExportError : nothing was recorded in the cut.
    """
    full, notes = survey_all(cut, progress, SURVEY_SHARE)
    out, small = _File(), dict[str, NDArray[Any]]()
    hooks = _hooks(cut, full)
    out.metadata["session"] = session_json(cut)
    out.metadata["streams"] = json.dumps({name: stream_facts(found) for name, found in full.items()})
    _add_table("units", unit_columns(cut.recording.units), out, small)
    for table, columns in (("perturbations", perturbation_columns(cut)), ("events", event_columns(cut))):
        out.metadata[table] = json.dumps({name: values.tolist() for name, values in columns.items()})
    for name, found in full.items():
        for part_name, dtype, shape in _parts_of(name, found, hooks.get(name, {})):
            out.add(part_name, dtype, (found.n_samples, *shape))
        out.add(f"{name}.tick", np.dtype("<i8"), (found.n_samples,))
        _add_table(name, channel_columns(found), out, small)
        for hook, channels in hooks.get(name, {}).items():
            assert found.info.unit_ids is not None
            small[f"{name}.hook_unit_id.{hook}"] = found.info.unit_ids[channels]
        if found.spike_counts is not None and found.info.unit_ids is not None:
            for column in ("spike_tick", "spike_unit_id"):
                out.add(f"{name}.{column}", np.dtype("<i8"), (int(found.spike_counts.sum()),))
    for key, values in small.items():
        out.add(key, values.dtype, values.shape)
    with path.open("wb") as file:
        out.lay_out(file)
        for key, values in small.items():
            out.put(file, key, values)
        for i, (name, found) in enumerate(full.items()):
            share = (1 - SURVEY_SHARE) / len(full)
            _put_stream(
                out, file, cut, name, found, hooks.get(name, {}), part(progress, SURVEY_SHARE + i * share, share)
            )
        out.check()
    return notes


def _add_table(table: str, columns: Columns, out: _File, small: dict[str, NDArray[Any]]) -> None:
    """Numbers as tensors, the rest into the metadata."""
    words = {}
    for name, values in columns.items():
        if values.dtype.str[1:] in _CODES:
            small[f"{table}.{name}"] = values
        else:
            words[name] = values.tolist()
    if words:
        out.metadata[table] = json.dumps(words, ensure_ascii=False, default=str)


def _hooks(cut: Cut, full: dict[str, Survey]) -> dict[str, dict[str, NDArray[np.int64]]]:
    """Channels of each hook, of the stream that is told apart by hooks."""
    names = cut.recording.units.extra.get("hook")
    for name, found in full.items():
        info = found.info
        if names is None or info.kind is not StreamKind.UNITS or info.unit_ids is None or info.packed:
            continue
        of_channel = np.asarray(names)[cut.recording.units.rows(info.unit_ids)]
        hooks = [str(h) for h in dict.fromkeys(of_channel.tolist()) if h]
        return {name: {hook: np.flatnonzero(of_channel == hook) for hook in hooks}}
    return {}


def _rest(found: Survey, hooks: dict[str, NDArray[np.int64]]) -> NDArray[np.int64]:
    """Channels that have no hook."""
    of_hooks = np.concatenate([np.empty(0, np.int64), *hooks.values()])
    return np.setdiff1d(np.arange(found.info.n_channels), of_hooks)


def _parts_of(
    name: str, found: Survey, hooks: dict[str, NDArray[np.int64]]
) -> Iterable[tuple[str, np.dtype[Any], tuple[int, ...]]]:
    """Tensors that a stream becomes: name, dtype and shape of one sample."""
    info = found.info
    for hook, channels in hooks.items():
        yield hook, info.dtype, (len(channels), *info.shape[1:])
    if hooks:
        n_rest = len(_rest(found, hooks))
        if n_rest:
            yield name, info.dtype, (n_rest, *info.shape[1:])
    else:
        for part_name, values in _plain(name, np.empty((1, *info.shape), info.dtype)):
            yield part_name, values.dtype, values.shape[1:]


def _plain(name: str, data: NDArray[Any]) -> Iterable[tuple[str, NDArray[Any]]]:
    """Arrays of numbers alone, by name: fields apart, text as bytes or code points, complex numbers as pairs."""
    if data.dtype.names is not None:
        for sub in data.dtype.names:
            yield from _plain(f"{name}.{sub}", data[sub])
    elif data.dtype.kind in "SU":
        width, unit = data.dtype.itemsize, np.dtype("u1") if data.dtype.kind == "S" else data.dtype.byteorder + "u4"
        plain = np.ascontiguousarray(data).view(unit) if width else np.empty((*data.shape, 0), unit)
        yield name, plain.reshape(*data.shape, -1)
    elif data.dtype.kind == "c":
        yield name, np.stack([data.real, data.imag], axis=-1)
    else:
        yield name, data


def _put_stream(
    out: _File,
    file: IO[bytes],
    cut: Cut,
    name: str,
    found: Survey,
    hooks: dict[str, NDArray[np.int64]],
    progress: Progress,
) -> None:
    detector, unit_ids, rest = cut.detector(name), found.info.unit_ids, _rest(found, hooks) if hooks else None
    n_done = 0
    for block in cut.blocks(name):
        for hook, channels in hooks.items():
            out.put(file, hook, block.data[:, channels])
        if rest is None:
            for part_name, values in _plain(name, block.data):
                out.put(file, part_name, values)
        elif len(rest):
            out.put(file, name, block.data[:, rest])
        out.put(file, f"{name}.tick", block.ticks)
        if detector is not None and unit_ids is not None:
            spikes = detector.spikes(block)
            out.put(file, f"{name}.spike_tick", spikes.ticks)
            out.put(file, f"{name}.spike_unit_id", unit_ids[spikes.channels])
        n_done += len(block)
        progress(n_done / found.n_samples)


def verify(path: Path, cut: Cut) -> None:
    """Open a finished file with the format's own reader.

    Raises
    ------
    ExportError
    """
    import safetensors

    try:
        with safetensors.safe_open(str(path), "numpy") as file:
            there = set(file.keys())
    except (safetensors.SafetensorError, OSError) as error:
        raise ExportError(f"the safetensors export is damaged ({error}); export it again") from error
    missing = [name for name in cut.streams if f"{name}.tick" not in there]
    if len(missing) == len(cut.streams):
        raise ExportError("the safetensors export has none of the streams; export it again")
