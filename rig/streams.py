"""Streams and chunks: how samples are described and how they travel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rig.errors import UnknownUnitError


class StreamKind(StrEnum):
    """What a pane should do with a stream when nobody says."""

    UNITS = "units"  # activity, a channel a unit
    BUS = "bus"  # decoded words, one field a channel
    FIELD = "field"  # electrode potentials
    IMAGE = "image"  # frames
    TEXT = "text"  # tokens
    DISTRIBUTION = "distribution"  # log probabilities of what comes next, in nats, an outcome a channel
    VALUES = "values"  # anything else countable


@dataclass(frozen=True, eq=False)
class StreamInfo:
    """One stream's layout.

    Sample times. Tick t is the t-th step since reset, counted from 0, and a sample stamped t is the state at its end.
    A regular stream's sample j covers the ticks [j k, (j + 1) k) with k = `ticks_per_sample`, carries the stamp j k,
    and appears once its last tick is done. An irregular stream gives a tick with every sample.

    Attributes
    ----------
    name : such as ``nodes``
    description : one line, with the definition where the stream is computed
    kind : StreamKind
    dtype : of one element; may be structured
    shape : of one sample as it is stored; for a packed stream ``(ceil(n_channels / 8),)`` of uint8
    ticks_per_sample : None for an irregular stream
    unit_ids : (n_channels,) int64, ascending, channel → unit; None where channels are no units
    packed : channels are bits, channel c is bit ``c % 8`` of byte ``c // 8``
    physical_unit : "" for none
    channel_names : one a channel where they are no units (electrodes)
    channel_xyz : (n_channels, 3) float32 where channels have a place of their own (electrodes)
    palette : (n_colours, 3) uint8 where an image holds colour indices
    on_demand : large or slow: it is watched when somebody asks for it, not because nobody said what to watch
    """

    name: str
    description: str
    kind: StreamKind
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    ticks_per_sample: int | None
    unit_ids: NDArray[np.int64] | None = None
    packed: bool = False
    physical_unit: str = ""
    channel_names: tuple[str, ...] = ()
    channel_xyz: NDArray[np.float32] | None = None
    palette: NDArray[np.uint8] | None = None
    on_demand: bool = False

    @property
    def n_channels(self) -> int:
        if self.unit_ids is not None:
            return len(self.unit_ids)
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def sample_bytes(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64)) * self.dtype.itemsize

    @property
    def regular(self) -> bool:
        return self.ticks_per_sample is not None

    def channels_of(self, unit_ids: NDArray[np.int64] | Sequence[int] | None) -> NDArray[np.int64]:
        """Channel numbers of units, ascending; None means all.

        Raises
        ------
        UnknownUnitError : the stream has no such unit.
        """
        if self.unit_ids is None:
            if unit_ids is None:
                return np.arange(self.n_channels, dtype=np.int64)
            raise UnknownUnitError(f"asked for units of stream {self.name!r}; its channels are no units: take it whole")
        if unit_ids is None:
            return np.arange(len(self.unit_ids), dtype=np.int64)
        wanted = np.unique(np.asarray(unit_ids, dtype=np.int64))
        found = np.isin(wanted, self.unit_ids)
        if not found.all():
            raise UnknownUnitError(
                f"asked for unit id {wanted[~found][0]} in stream {self.name!r}; "
                f"it carries {len(self.unit_ids)} units, and this is none of them"
            )
        return np.flatnonzero(np.isin(self.unit_ids, wanted)).astype(np.int64)

    def watching(self, unit_ids: NDArray[np.int64] | Sequence[int] | None) -> StreamInfo:
        """The layout when only these units are watched: channels keep the order they have in the whole stream."""
        if unit_ids is None or self.unit_ids is None:
            return self
        channels = self.channels_of(unit_ids)
        n = len(channels)
        shape = ((n + 7) // 8,) if self.packed else (n, *self.shape[1:])
        return replace(self, unit_ids=self.unit_ids[channels], shape=shape)


@dataclass(frozen=True, eq=False)
class Chunk:
    """Consecutive samples of one stream.

    Attributes
    ----------
    stream : name
    first_tick : absolute tick of the first sample
    data : (n_samples, *shape) of the stream's dtype, C-contiguous
    ticks : (n_samples,) int64, ascending, for an irregular stream; None for a regular one
    """

    stream: str
    first_tick: int
    data: NDArray[Any]
    ticks: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.data)


@dataclass(frozen=True, eq=False)
class Samples:
    """Samples read back: a stream's layout, its data and the tick of each sample.

    Attributes
    ----------
    info : StreamInfo of exactly these channels
    ticks : (n_samples,) int64
    data : (n_samples, *info.shape)
    """

    info: StreamInfo
    ticks: NDArray[np.int64]
    data: NDArray[Any]

    def __len__(self) -> int:
        return len(self.data)

    def unpacked(self) -> NDArray[Any]:
        """(n_samples, n_channels): bits as uint8 0/1 for a packed stream, the data itself otherwise."""
        if not self.info.packed:
            return self.data
        return np.unpackbits(self.data, axis=1, count=self.info.n_channels, bitorder="little")


def n_samples_between(ticks_per_sample: int, start_tick: int, stop_tick: int) -> int:
    """Samples of a regular stream that appear while the ticks [start, stop) are done."""
    return stop_tick // ticks_per_sample - start_tick // ticks_per_sample


def stream_to_json(info: StreamInfo) -> dict[str, Any]:
    return {
        "name": info.name,
        "description": info.description,
        "kind": str(info.kind),
        "dtype": dtype_to_json(info.dtype),
        "shape": list(info.shape),
        "ticks_per_sample": info.ticks_per_sample,
        "unit_ids": None if info.unit_ids is None else info.unit_ids.tolist(),
        "packed": info.packed,
        "physical_unit": info.physical_unit,
        "channel_names": list(info.channel_names),
        "channel_xyz": None if info.channel_xyz is None else info.channel_xyz.tolist(),
        "palette": None if info.palette is None else info.palette.tolist(),
        "on_demand": info.on_demand,
    }


def stream_from_json(value: Mapping[str, Any]) -> StreamInfo:
    """Inverse of `stream_to_json`.

    Raises
    ------
    ValueError, KeyError, TypeError : the value describes no stream.
    """
    info = StreamInfo(
        name=str(value["name"]),
        description=str(value["description"]),
        kind=StreamKind(value["kind"]),
        dtype=dtype_from_json(value["dtype"]),
        shape=tuple(int(n) for n in value["shape"]),
        ticks_per_sample=None if value["ticks_per_sample"] is None else int(value["ticks_per_sample"]),
        unit_ids=None if value["unit_ids"] is None else np.asarray(value["unit_ids"], dtype=np.int64),
        packed=bool(value["packed"]),
        physical_unit=str(value["physical_unit"]),
        channel_names=tuple(value["channel_names"]),
        channel_xyz=None if value["channel_xyz"] is None else np.asarray(value["channel_xyz"], dtype=np.float32),
        palette=None if value["palette"] is None else np.asarray(value["palette"], dtype=np.uint8),
        on_demand=bool(value.get("on_demand", False)),
    )
    if info.dtype.hasobject:
        raise ValueError(f"stream {info.name!r}: object dtypes are not data")
    if info.ticks_per_sample is not None and info.ticks_per_sample < 1:
        raise ValueError(f"stream {info.name!r}: ticks_per_sample must be at least 1")
    return info


def dtype_to_json(dtype: np.dtype[Any]) -> Any:
    """A dtype as a string, or as a list of [name, string, shape] for a structured one."""
    if dtype.names is None:
        return dtype.str
    return [[name, dtype[name].base.str, list(dtype[name].shape)] for name in dtype.names]


def dtype_from_json(value: Any) -> np.dtype[Any]:
    if isinstance(value, str):
        return np.dtype(value)
    return np.dtype([(str(name), str(base), tuple(int(n) for n in shape)) for name, base, shape in value])
