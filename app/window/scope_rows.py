"""Which traces the oscilloscope shows: the channel list, what behaviour is measured by, every electrode. Free of Qt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from app.theme import Theme, region_colours
from app.window.preparation_geometry import depths_on_map
from rig.field import FIELD_STREAM
from rig.process.protocol import Description
from rig.process.ring_reader import RingReader
from rig.streams import StreamInfo, StreamKind
from rig.units import UnitTable

NOT_CARRIED = -1
MOST_MEASURES = 12


@dataclass(frozen=True)
class ScopeRow:
    """One trace.

    Attributes
    ----------
    key : the same trace has the same key whatever is shown beside it
    name : on its label
    colour : of its region, ``#rrggbb``
    stream, channel : where its samples are; NOT_CARRIED where nobody watches them
    digital : bits
    depth : down the map, of the unit or electrode; NaN where unknown
    unit_id : None for an electrode
    physical_unit : of its values
    """

    key: str
    name: str
    colour: str
    stream: str
    channel: int
    digital: bool
    depth: float
    unit_id: int | None = None
    physical_unit: str = ""


def unit_rows(
    units: UnitTable, unit_ids: Sequence[int], info: StreamInfo, space: str, theme: Theme
) -> tuple[ScopeRow, ...]:
    """Rows of the channel list.

    Parameters
    ----------
    info : the stream's layout as it is watched now; a unit is shown by its signal (a transistor by its gate node)
    """
    colours = region_colours(units.region, theme)
    carried = {} if info.unit_ids is None else {int(u): c for c, u in enumerate(info.unit_ids.tolist())}
    depths = depths_on_map(units.y, space)
    shown = []
    for unit_id, row in zip(unit_ids, units.rows(np.asarray(unit_ids, np.int64)).tolist(), strict=True):
        channel = carried.get(unit_id, carried.get(int(units.signal_id[row]), NOT_CARRIED))
        shown.append(
            ScopeRow(
                key=f"{info.name} unit {unit_id}",
                name=units.name[row],
                colour=colours[units.region[row].split("/")[0]],
                stream=info.name,
                channel=channel,
                digital=info.packed,
                depth=float(depths[row]),
                unit_id=int(unit_id),
                physical_unit=info.physical_unit,
            )
        )
    return tuple(shown)


def electrode_rows(info: StreamInfo, space: str, theme: Theme) -> tuple[ScopeRow, ...]:
    """A row for each electrode: no region, so the colour of text."""
    unknown = np.full(info.n_channels, np.nan)
    depths = unknown if info.channel_xyz is None else depths_on_map(info.channel_xyz[:, 1], space)
    names = info.channel_names or tuple(str(i) for i in range(info.n_channels))
    return tuple(
        ScopeRow(
            key=f"electrode {name}",
            name=f"LFP {name}",
            colour=theme.text,
            stream=info.name,
            channel=channel,
            digital=False,
            depth=float(depths[channel]),
            physical_unit=info.physical_unit,
        )
        for channel, name in enumerate(names)
    )


def is_measures(info: StreamInfo) -> bool:
    """Whether a stream holds a few numbers a sample that can be drawn as traces: losses, accuracies, entropies."""
    plain = info.kind is StreamKind.VALUES and info.regular and info.dtype.kind == "f" and len(info.shape) == 1
    return plain and info.n_channels <= MOST_MEASURES and len(info.channel_names) == info.n_channels


def n_measures(streams: Sequence[StreamInfo]) -> int:
    """Those that are watched without being asked for."""
    return sum(info.n_channels for info in streams if is_measures(info) and not info.on_demand)


def measure_rows(info: StreamInfo, units: UnitTable, theme: Theme) -> tuple[ScopeRow, ...]:
    """A row for each measure; one that is named like a region is of its colour."""
    colours = region_colours(units.region, theme)
    return tuple(
        ScopeRow(
            key=f"{info.name} {name}",
            name=name,
            colour=colours.get(name, theme.text),
            stream=info.name,
            channel=channel,
            digital=False,
            depth=float("nan"),
            physical_unit=info.physical_unit,
        )
        for channel, name in enumerate(info.channel_names)
    )


@dataclass(frozen=True, eq=False)
class ShownRows:
    """What there is to show.

    Attributes
    ----------
    rows : units of the channel list, then measures of behaviour, then electrodes
    infos : layouts of their streams as they are watched now
    streams : in which units can be seen
    stream : in which they are
    """

    rows: tuple[ScopeRow, ...]
    infos: dict[str, StreamInfo]
    streams: tuple[str, ...]
    stream: str


def shown_rows(
    description: Description,
    unit_ids: Sequence[int],
    stream: str,
    find_ring: Callable[[str], RingReader | None],
    theme: Theme,
) -> ShownRows:
    """The rows for a channel list.

    Parameters
    ----------
    stream : in which units shall be seen; where there is none of this name, the subject's first
    """
    of_units = {s.name: s for s in description.streams if s.kind is StreamKind.UNITS and s.regular}
    stream = stream if stream in of_units else next(iter(of_units), "")
    rows: tuple[ScopeRow, ...] = ()
    infos: dict[str, StreamInfo] = {}
    if stream:
        reader = find_ring(stream)
        infos[stream] = of_units[stream].watching([]) if reader is None else reader.info
        rows = unit_rows(description.units, unit_ids, infos[stream], description.info.space, theme)
    for info in description.streams:
        if is_measures(info) and find_ring(info.name) is not None:
            infos[info.name] = info
            rows += measure_rows(info, description.units, theme)
    field = find_ring(FIELD_STREAM)
    if field is not None:
        infos[FIELD_STREAM] = field.info
        rows += electrode_rows(field.info, description.info.space, theme)
    return ShownRows(rows, infos, tuple(of_units), stream)
