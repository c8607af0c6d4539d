"""Which channels of the activity stream stand for which units. Free of Qt."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from app.theme import Theme
from app.window.raster_rows import ChannelTable, Rows
from rig.streams import StreamInfo
from rig.units import UnitTable


class RasterUnits:
    """The units of a stream as it is watched.

    Parameters
    ----------
    units : the subject's; a unit is shown by its signal (a transistor by its gate node)
    info : of the stream
    space : in which the units lie
    """

    def __init__(self, units: UnitTable, info: StreamInfo, space: str, theme: Theme) -> None:
        self.info = info
        self.table = ChannelTable.of(units, info, space, theme)
        self._units = units

    def channels(self, unit_ids: Sequence[int]) -> NDArray[np.int64]:
        """(k,) ascending channels of these units; those that nobody watches are left out."""
        if not len(unit_ids):
            return np.empty(0, np.int64)
        signals = self._units.signal_id[self._units.rows(np.asarray(unit_ids, np.int64))]
        return np.unique(self.table.channels(signals.tolist()))

    def rows(self, which: Rows, listed: Sequence[int], selected: Sequence[int]) -> NDArray[np.int64]:
        """Channels to show."""
        if which is Rows.ALL:
            return np.arange(len(self.table))
        return self.channels(selected if which is Rows.SELECTED else listed)

    def reference(self, selected: Sequence[int]) -> int | None:
        """The channel of the unit that was selected first."""
        channels = self.channels(selected[:1])
        return int(channels[0]) if len(channels) else None

    def trial_channels(self, selected: Sequence[int]) -> NDArray[np.int64]:
        """Whose spikes trials hold: the selected units', or all."""
        channels = self.channels(selected)
        return channels if len(channels) else np.arange(len(self.table))

    def colour(self, channels: NDArray[np.int64], mixed: str) -> str:
        """The region's colour where all are of one region; else `mixed`."""
        regions = {self.table.regions[c] for c in channels.tolist()}
        return self.table.region_colour[regions.pop()] if len(regions) == 1 else mixed
