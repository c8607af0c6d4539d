"""Channels that a spectrogram can be of: electrodes, the selected unit, the rate of all units. Free of Qt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.window.raster_spikes import byte_mask, spikes_by_sample
from app.window.trigger_choice import channel_values
from rig.streams import StreamInfo
from rig.units import UnitTable


class Of(StrEnum):
    """What kind of a channel."""

    POPULATION = "population"
    UNIT = "unit"
    ELECTRODE = "electrode"


@dataclass(frozen=True)
class Source:
    """One channel.

    Attributes
    ----------
    name : for the header
    stream, channel : where it is; −1 for all channels together
    """

    of: Of
    name: str
    stream: str
    channel: int = -1

    @property
    def key(self) -> str:
        """The same choice has the same key while the selection moves on."""
        return self.name if self.of is Of.ELECTRODE else str(self.of)


def sources(
    units: UnitTable,
    activity: StreamInfo | None,
    spikes: StreamInfo | None,
    field: StreamInfo | None,
    selected: Sequence[int],
) -> tuple[Source, ...]:
    """What there is to choose from.

    Parameters
    ----------
    activity, spikes, field : layouts as they are watched; None where they are not. Activity and spikes may be one
    selected : unit ids; the first one that is carried is offered
    """
    found = []
    if field is not None and field.regular:
        names = field.channel_names or tuple(str(i) for i in range(field.n_channels))
        found += [Source(Of.ELECTRODE, f"LFP {name}", field.name, c) for c, name in enumerate(names)]
    if activity is not None and activity.unit_ids is not None and activity.regular:
        place = {u: c for c, u in enumerate(activity.unit_ids.tolist())}
        for row in units.rows(np.asarray(selected, np.int64)).tolist():
            channel = place.get(int(units.signal_id[row]))
            if channel is not None:
                found.append(Source(Of.UNIT, units.name[row], activity.name, channel))
                break
    if spikes is not None and spikes.unit_ids is not None and spikes.regular:
        found.append(Source(Of.POPULATION, "population rate", spikes.name))
    return tuple(found)


def chosen(offered: Sequence[Source], key: str) -> Source | None:
    """The source of this key; where there is none any more, the population's."""
    for source in offered:
        if source.key == key:
            return source
    return offered[-1] if offered else None


class SourceValues:
    """Turns consecutive samples into one number each: spikes of all units, a unit's state, a potential."""

    def __init__(self, source: Source, info: StreamInfo) -> None:
        self._info = info
        self._channel = None if source.channel < 0 else np.array([source.channel], np.int64)
        self._mask = byte_mask(np.arange(info.n_channels), int(np.prod(info.shape))) if info.packed else None
        self._before: NDArray[np.uint8] | None = None
        self._next_tick = -1

    def take(self, first_tick: int, data: NDArray[Any]) -> NDArray[np.float64]:
        """(n_samples,) of the channel."""
        follows, k = first_tick == self._next_tick, self._info.ticks_per_sample or 1
        self._next_tick = first_tick + k * len(data)
        if self._channel is not None:
            return channel_values(self._info, data, self._channel)[:, 0].astype(np.float64)
        if self._mask is None:
            means: NDArray[np.float64] = data.reshape(len(data), -1).mean(axis=1, dtype=np.float64)
            return means
        counts = spikes_by_sample(data, self._mask, self._before if follows else None)
        self._before = data[-1].copy()
        return counts.astype(np.float64)
