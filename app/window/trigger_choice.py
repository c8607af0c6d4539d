"""What scope and raster trigger on, and the triggers found: one choice, one search, for all panes. Free of Qt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.window.stream_feed import StreamFeed, Stretch
from rig.process.ring_reader import RingReader
from rig.streams import Chunk, StreamInfo
from rig.trigger import Condition

PRE_PERCENTS = (0, 10, 25, 50, 75, 90)
MAX_FOUND = 4096  # newest kept
LOOK_BACK_SPANS = 32  # windows before the one on show in which triggers are searched for when time stands still


@dataclass(frozen=True)
class TriggerSettings:
    """How triggered sweeps are made.

    Attributes
    ----------
    on : panes show sweeps around triggers in place of running time
    condition : None: nothing to trigger on yet
    name : of the condition, short: ``sync ↑``
    pre_percent : of a sweep that lies before its trigger
    n_kept : sweeps laid over one another
    """

    on: bool = False
    condition: Condition | None = None
    name: str = ""
    pre_percent: int = 25
    n_kept: int = 16

    def bounds(self, span_ticks: int) -> tuple[int, int]:
        """(pre, post): a sweep is [trigger − pre, trigger + post)."""
        pre = span_ticks * self.pre_percent // 100
        return pre, span_ticks - pre


class TriggerChoice:
    """The choice, and the triggers that it finds.

    Parameters
    ----------
    find_ring : stream name → its ring, None while it is not watched

    Attributes
    ----------
    settings : now
    version : rises with every change of them
    run : rises whenever the search begins again; what was made of earlier triggers is void then
    n_found : triggers found in this run
    """

    def __init__(self, find_ring: Callable[[str], RingReader | None]) -> None:
        self.settings = TriggerSettings()
        self.version = 0
        self.run = 0
        self.n_found = 0
        self._find_ring = find_ring
        self._listeners: list[Callable[[], None]] = []
        self._memory: Any = None
        self._found: list[int] = []
        self._searched: tuple[int, int] | None = None  # the window searched last
        self._next_tick = -1
        self._info: StreamInfo | None = None  # the layout that `_shown` was made for
        self._shown: Shown | None = None
        self._begin()

    def listen(self, listener: Callable[[], None]) -> None:
        """Be called after every change of the settings."""
        self._listeners.append(listener)

    def set(self, **changes: Any) -> None:
        """Change some of the settings."""
        self.use(replace(self.settings, **changes))

    def use(self, settings: TriggerSettings) -> None:
        """These settings from now on."""
        if settings == self.settings:
            return
        searched_otherwise = settings.condition != self.settings.condition or settings.on != self.settings.on
        self.settings = settings
        self.version += 1
        if searched_otherwise:
            self._begin()
        for listener in self._listeners:
            listener()

    def forget(self) -> None:
        """Another subject."""
        self.set(on=False, condition=None, name="")
        self._begin()

    def search(self, start_tick: int, stop_tick: int, span_ticks: int) -> None:
        """Search what is new of the window; searching the same again costs nothing.

        Parameters
        ----------
        span_ticks : of a sweep; a trigger that comes sooner after the last one is left out, as on any scope
        """
        condition = self.settings.condition
        if condition is None or not self.settings.on or self._searched == (start_tick, stop_tick):
            return
        if self._searched is not None and stop_tick < self._searched[1]:
            self._begin()
        self._searched = start_tick, stop_tick
        taken = self._feed.take(
            start_tick - LOOK_BACK_SPANS * span_ticks if self.n_found == 0 else start_tick, stop_tick
        )
        if taken.restarted:
            self._memory = None
            if self.n_found:
                self._begin()
                return
        reader = self._find_ring(condition.stream)
        if reader is None:
            return
        if reader.info is not self._info:
            self._info, self._shown = reader.info, shown_to(condition, reader.info)
        for stretch in taken.stretches:
            if stretch.first_tick != self._next_tick:
                self._memory = None  # what was skipped may have risen
            self._next_tick = stretch.first_tick + len(stretch.data) * (reader.info.ticks_per_sample or 0)
            ticks, self._memory = scan_stretch(condition, reader.info, self._shown, stretch, self._memory)
            self._keep(ticks, span_ticks)

    def found_since(self, n_seen: int) -> NDArray[np.int64]:
        """Triggers of this run but the first `n_seen`, ascending; of more than MAX_FOUND the newest."""
        n_new = min(self.n_found - n_seen, len(self._found))
        return np.array(self._found[len(self._found) - n_new :], np.int64)

    def _keep(self, ticks: NDArray[np.int64], holdoff_ticks: int) -> None:
        while len(ticks):
            tick = int(ticks[0])
            if not self._found or tick - self._found[-1] >= holdoff_ticks:
                self._found.append(tick)
                self.n_found += 1
            ticks = ticks[np.searchsorted(ticks, self._found[-1] + holdoff_ticks, "left") :]
        del self._found[:-MAX_FOUND]

    def _begin(self) -> None:
        condition = self.settings.condition
        self._feed = StreamFeed(lambda: None if condition is None else self._find_ring(condition.stream))
        self._memory = None
        self._found = []
        self._searched = None
        self._next_tick = -1
        self._info = None
        self.n_found = 0
        self.run += 1


@dataclass(frozen=True, eq=False)
class Shown:
    """The channels of a stream that a condition is shown, and their layout."""

    layout: StreamInfo
    channels: NDArray[np.int64]


def shown_to(condition: Condition, info: StreamInfo) -> Shown | None:
    """What a condition is shown of a stream; None for all of it."""
    if condition.unit_ids is None:
        return None
    return Shown(info.watching(condition.unit_ids), info.channels_of(condition.unit_ids))


def scan_stretch(
    condition: Condition, info: StreamInfo, shown: Shown | None, stretch: Stretch, memory: Any
) -> tuple[NDArray[np.int64], Any]:
    """Let a condition scan samples as they lie in a ring.

    Returns
    -------
    (n,) int64 ticks at which it fires, and what it remembers
    """
    if shown is None:
        return condition.scan(info, Chunk(info.name, stretch.first_tick, stretch.data, stretch.ticks), memory)
    data = channel_values(info, stretch.data, shown.channels)
    if info.packed:
        data = np.packbits(data, axis=1, bitorder="little")
    return condition.scan(shown.layout, Chunk(info.name, stretch.first_tick, data, stretch.ticks), memory)


def channel_values(info: StreamInfo, data: NDArray[Any], channels: NDArray[np.int64]) -> NDArray[Any]:
    """(n_samples, k) of these channels alone: bits as 0 and 1, numbers as they are."""
    if info.packed:
        bits: NDArray[Any] = data[:, channels >> 3] >> (channels & 7).astype(np.uint8) & np.uint8(1)
        return bits
    values: NDArray[Any] = data.reshape(len(data), -1)[:, channels]
    return values
