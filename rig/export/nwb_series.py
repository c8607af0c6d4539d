"""NWB: streams as series, laid out empty, with the list of datasets to fill."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from hdmf.common import DynamicTable, ElementIdentifiers, VectorData
from pynwb import H5DataIO, NWBFile, TimeSeries
from pynwb.ecephys import LFP, ElectricalSeries
from pynwb.event import EventsTable
from pynwb.image import ImageSeries

from rig.export.arrays import decoded
from rig.export.chunks import chunk_shape, gzip_options
from rig.export.nwb_tables import timestamps, unit_columns
from rig.export.source import Cut
from rig.export.survey import Survey
from rig.streams import StreamInfo, StreamKind

ELECTRODE_CONVERSION = 1e-6  # a stream unit is shown as a microvolt: NWB knows electrodes in volts only


@dataclass(frozen=True)
class Target:
    """A dataset to fill.

    Attributes
    ----------
    path : in the file
    stream : whose samples
    field : of a structured stream; None for the samples themselves
    of_time : the timestamps are to be written, not the samples
    """

    path: str
    stream: str
    field: str | None = None
    of_time: bool = False


def empty(shape: tuple[int, ...], dtype: Any, chunks: tuple[int, ...]) -> H5DataIO:
    """A dataset to be filled later, with nothing in memory."""
    return H5DataIO(shape=shape, dtype=np.dtype(dtype), chunks=chunks, maxshape=shape, **gzip_options(np.dtype(dtype)))


def stored_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype that NWB keeps a value in, none losing a bit: bool as uint8, float16 as float32."""
    if dtype == np.bool_:
        return np.dtype("u1")
    return np.dtype("<f4") if dtype == np.float16 else dtype.newbyteorder("<")


def add_stream(file: NWBFile, cut: Cut, found: Survey) -> list[Target]:
    """Lay out one stream.

    Unit activity, buses and other values are series under /acquisition, a structured stream one series a field;
    electrodes an ElectricalSeries in processing/ecephys/LFP (under /acquisition Neo 0.14.6 fails on them); images an
    ImageSeries; text an events table. A stream with fewer samples than a sample is long would be taken for transposed:
    it becomes an events table of the same name under /acquisition, with its samples in the column ``data``.
    """
    info = found.info
    if info.kind is StreamKind.FIELD and info.channel_xyz is not None:
        return _add_electrodes(file, cut, found)
    if info.dtype.kind in "SU":
        return _add_text(file, cut, found)
    if info.unit_ids is not None:
        _add_channels(file, cut, info)
    if info.dtype.names is not None:
        targets = []
        for name in info.dtype.names:
            base = info.dtype[name]
            targets += _add_series(file, cut, found, f"{info.name}_{name}", name, base.base, info.shape + base.shape)
        return targets
    return _add_series(file, cut, found, info.name, None, info.dtype, info.shape)


def _add_series(
    file: NWBFile, cut: Cut, found: Survey, name: str, field: str | None, dtype: np.dtype[Any], shape: tuple[int, ...]
) -> list[Target]:
    info, n = found.info, found.n_samples
    if shape and shape[-1] == 1 and len(shape) == 1 and not info.packed:
        shape = ()
    chunks = chunk_shape(n, shape, stored_dtype(dtype), info.packed)
    data = empty((n, *shape), stored_dtype(dtype), chunks)
    description = describe(info, field)
    if shape and max(shape) > n:
        _add_table(file, cut, found, name, VectorData(name="data", description=description, data=data))
        return [Target(f"acquisition/{name}/data", info.name, field)]
    clock, targets = _clock(cut, found, f"acquisition/{name}")
    comments = f"{found.spike_definition or 'No spikes are defined for it'}. {cut.time_axis}."
    common = {"name": name, "data": data, "description": description, "comments": comments, **clock}
    if info.kind is StreamKind.IMAGE and len(shape) in (2, 3):
        file.add_acquisition(ImageSeries(unit="colour index" if info.palette is not None else "n.a.", **common))
    else:
        file.add_acquisition(TimeSeries(unit=info.physical_unit or "n.a.", **common))
    return [Target(f"acquisition/{name}/data", info.name, field), *targets]


def _add_text(file: NWBFile, cut: Cut, found: Survey) -> list[Target]:
    info = found.info
    words = decoded(np.concatenate([block.data.reshape(len(block), -1)[:, 0] for block in cut.blocks(info.name)]))
    _add_table(
        file, cut, found, info.name, VectorData(name="annotation", description=describe(info), data=words.tolist())
    )
    return []


def _add_table(file: NWBFile, cut: Cut, found: Survey, name: str, column: VectorData) -> None:
    """An events table of a stream, under /acquisition."""
    ticks = np.concatenate(list(found.tick_blocks()))
    columns = [timestamps(cut, ticks), VectorData(name="tick", description="Stamp of the sample.", data=ticks), column]
    ids = ElementIdentifiers(name="id", data=np.arange(found.n_samples))
    file.add_acquisition(EventsTable(name=name, description=column.description, id=ids, columns=columns))


def describe(info: StreamInfo, field: str | None = None) -> str:
    """What the numbers mean."""
    parts = [info.description.rstrip(".") or info.name]
    if field is not None:
        parts.append(f"field {field!r}")
    if info.packed:
        parts.append(
            f"bits of {info.n_channels} channels: channel c is bit c % 8 (least significant first) of byte column "
            f"c // 8; channel to unit: processing/misc/{info.name}_channels"
        )
    elif info.unit_ids is not None:
        parts.append(f"column to unit: processing/misc/{info.name}_channels")
    if info.palette is not None:
        parts.append(
            f"values are indices into a palette of {len(info.palette)} colours, #RRGGBB from 0: "
            + " ".join(f"#{r:02x}{g:02x}{b:02x}" for r, g, b in info.palette.tolist())
        )
    if not info.regular:
        parts.append("a sample has a time of its own")
    return ". ".join(parts) + "."


def _clock(cut: Cut, found: Survey, path: str) -> tuple[dict[str, Any], list[Target]]:
    step = found.step_ticks
    if step is None and found.n_samples == 1:
        step = found.info.ticks_per_sample
    if step is not None:
        return {"starting_time": float(cut.seconds([found.first_tick])[0]), "rate": float(cut.tick_hz / step)}, []
    n = found.n_samples
    times = empty((n,), "<f8", chunk_shape(n, (), np.dtype("<f8"), False))
    return {"timestamps": times}, [Target(f"{path}/timestamps", found.info.name, of_time=True)]


def _add_channels(file: NWBFile, cut: Cut, info: StreamInfo) -> None:
    assert info.unit_ids is not None
    misc = file.processing.get("misc") or file.create_processing_module(name="misc", description="Channel maps.")
    units = cut.recording.units
    table = DynamicTable(
        name=f"{info.name}_channels",
        description=f"Unit of each channel of stream {info.name!r}; the id is the channel.",
        id=ElementIdentifiers(name="id", data=np.arange(len(info.unit_ids))),
        columns=[
            VectorData(name="unit_id", description="Id in subject_units.", data=info.unit_ids),
            *unit_columns(units, units.rows(info.unit_ids))[:1],
        ],
    )
    misc.add(table)


def _add_electrodes(file: NWBFile, cut: Cut, found: Survey) -> list[Target]:
    info, header = found.info, cut.header
    assert info.channel_xyz is not None
    n_channels = info.n_channels
    names = info.channel_names or tuple(f"{info.name}{i + 1}" for i in range(n_channels))
    groups: dict[str, Any] = {}
    n_before = 0 if file.electrodes is None else len(file.electrodes)
    if n_before == 0:
        file.add_electrode_column(name="channel_name", description="Name of the electrode on its probe.")
    for i, name in enumerate(names):
        probe = next((p for p in header.probes if name in p.channel_names), None)
        group_name = f"{info.name}_{probe.name}" if probe else info.name
        if group_name not in groups:
            reach = (
                f"; an electrode weighs units by a Gaussian of sigma {probe.sigma:g} {header.info.space}"
                if probe
                else ""
            )
            device = file.create_device(name=f"probe_{group_name}", description=f"Virtual probe{reach}")
            groups[group_name] = file.create_electrode_group(
                name=group_name, description=f"Virtual probe{reach}", location=header.info.name, device=device
            )
        x, y, z = (float(v) for v in info.channel_xyz[i])
        file.add_electrode(
            x=x, y=y, z=z, rel_x=x, rel_y=y, rel_z=z, location=header.info.name, filtering="none",
            reference="none", group=groups[group_name], channel_name=name,
        )  # fmt: skip
    region = file.create_electrode_table_region(
        region=list(range(n_before, n_before + n_channels)), description=f"Electrodes of stream {info.name!r}."
    )
    path = f"processing/ecephys/LFP/{info.name}"
    clock, targets = _clock(cut, found, path)
    dtype = stored_dtype(info.dtype)
    series = ElectricalSeries(
        name=info.name,
        data=empty((found.n_samples, n_channels), dtype, chunk_shape(found.n_samples, (n_channels,), dtype, False)),
        electrodes=region,
        conversion=ELECTRODE_CONVERSION,
        description=describe(info),
        comments=f"One {info.physical_unit or 'unit'} of the stream is shown as one microvolt. {cut.time_axis}.",
        **clock,
    )
    if "ecephys" not in file.processing:
        module = file.create_processing_module(name="ecephys", description="Field potentials at virtual electrodes.")
        module.add(LFP())
    file.processing["ecephys"]["LFP"].add_electrical_series(series)
    return [Target(f"{path}/data", info.name), *targets]
