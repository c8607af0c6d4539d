"""Which units are rows of the raster, and in which order. Free of Qt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from app.theme import Theme, argb, region_colours
from app.window.preparation_geometry import depths_on_map
from rig.streams import StreamInfo
from rig.units import UnitTable


class Rows(StrEnum):
    """Which units."""

    ALL = "all units"
    LISTED = "channel list"
    SELECTED = "selected"


class Order(StrEnum):
    """Top to bottom."""

    REGION = "by region"
    DEPTH = "by depth"
    RATE = "by rate"
    CORRELATION = "by correlation"


@dataclass(frozen=True, eq=False)
class ChannelTable:
    """What is known of a stream's channels.

    Attributes
    ----------
    unit_ids : (n,) int64
    names : n
    regions : n, the top of each region's path
    depths : (n,) down the map, NaN where unknown
    region_colour : top region → ``#rrggbb``
    """

    unit_ids: NDArray[np.int64]
    names: tuple[str, ...]
    regions: tuple[str, ...]
    depths: NDArray[np.float64]
    region_colour: dict[str, str]

    @classmethod
    def of(cls, units: UnitTable, info: StreamInfo, space: str, theme: Theme) -> ChannelTable:
        """Raises ValueError when the stream carries no units."""
        if info.unit_ids is None:
            raise ValueError(f"stream {info.name!r} carries no units")
        rows = units.rows(info.unit_ids)
        tops = [r.split("/")[0] for r in units.region]
        return cls(
            info.unit_ids,
            tuple(units.name[r] for r in rows.tolist()),
            tuple(tops[r] for r in rows.tolist()),
            depths_on_map(units.y[rows], space),
            region_colours(units.region, theme),
        )

    def __len__(self) -> int:
        return len(self.unit_ids)

    def pixels(self) -> NDArray[np.uint32]:
        """(n,) uint32 opaque colours by region."""
        table = {region: argb(colour) for region, colour in self.region_colour.items()}
        return np.array([table[r] for r in self.regions], np.uint32)

    def channels(self, unit_ids: Sequence[int]) -> NDArray[np.int64]:
        """Channels of these units, in their order; those that have none are left out."""
        return np.array([self.place[u] for u in unit_ids if u in self.place], np.int64)

    @cached_property
    def place(self) -> dict[int, int]:
        """Unit id → channel."""
        return {u: i for i, u in enumerate(self.unit_ids.tolist())}


def ordered(
    order: Order, channels: NDArray[np.int64], table: ChannelTable, counts: NDArray[np.uint8], reference: int | None
) -> NDArray[np.int64]:
    """The channels, top to bottom; what is equal keeps its order.

    Parameters
    ----------
    counts : (n_channels, n_columns) spikes that are on show: for rate and correlation
    reference : channel to correlate with; None where none is selected, and then the order is by region
    """
    if order is Order.DEPTH:
        depths = table.depths[channels]
        return channels[np.argsort(np.where(np.isnan(depths), np.inf, depths), kind="stable")]
    if order is Order.RATE:
        return channels[np.argsort(-counts[channels].sum(axis=1, dtype=np.int64), kind="stable")]
    if order is Order.CORRELATION and reference is not None:
        return channels[np.argsort(-correlations(counts[channels], counts[reference]), kind="stable")]
    place = {region: i for i, region in enumerate(table.region_colour) if region}  # those without a region come last
    codes = np.array([place.get(table.regions[c], len(table.region_colour)) for c in channels.tolist()], np.int64)
    return channels[np.argsort(codes, kind="stable")]


def correlations(counts: NDArray[np.uint8], with_counts: NDArray[np.uint8]) -> NDArray[np.float64]:
    """(n,) Pearson correlations of rows of counts with one; −1 for a row that never changes."""
    x = counts.astype(np.float32)
    x -= x.mean(axis=1, keepdims=True)
    y = with_counts.astype(np.float32)
    y -= y.mean()
    norms = np.sqrt((x * x).sum(axis=1) * (y * y).sum())
    found = np.full(len(x), -1.0)
    np.divide(x @ y, norms, out=found, where=norms > 0)
    return found


@dataclass(frozen=True)
class Block:
    """Consecutive rows that share a label: [start, stop)."""

    text: str
    colour: str
    start: int
    stop: int


MAX_NAMED_ROWS = 24


def blocks(order: Order, channels: NDArray[np.int64], table: ChannelTable) -> tuple[Block, ...]:
    """What to write beside the rows: each unit's name where they are few, else regions, else what the ends mean."""
    n = len(channels)
    if n <= MAX_NAMED_ROWS:
        return tuple(
            Block(table.names[c], table.region_colour[table.regions[c]], i, i + 1)
            for i, c in enumerate(channels.tolist())
        )
    if order is Order.REGION:
        found: list[Block] = []
        for i, c in enumerate(channels.tolist()):
            region = table.regions[c]
            if found and found[-1].text == (region or "other"):
                found[-1] = Block(found[-1].text, found[-1].colour, found[-1].start, i + 1)
            else:
                found.append(Block(region or "other", table.region_colour[region], i, i + 1))
        return tuple(found)
    top, bottom = {
        Order.DEPTH: ("top of map", "bottom"),
        Order.RATE: ("most spikes", "fewest"),
        Order.CORRELATION: ("most alike", "least alike"),
    }[order]
    muted = table.region_colour[""]
    return Block(top, muted, 0, max(n // 12, 1)), Block(bottom, muted, n - max(n // 12, 1), n)
