"""Samples of a stream for a window of time that moves: what is new when it follows, all of it when it jumps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rig.errors import EvictedError
from rig.process.ring_reader import RingReader, RingView
from rig.streams import StreamInfo

MAX_PULL_BYTES = 8 << 20
"""Looked at in one pull; the rest comes with the next. A jump into a long window fills it in a few frames."""
MIN_PULL_SAMPLES = 4096


@dataclass(frozen=True, eq=False)
class Stretch:
    """Consecutive samples where they lie in the ring.

    Attributes
    ----------
    first_tick : stamp of the first
    data : (n_samples, *shape), read-only; the writer may overwrite them
    ticks : (n_samples,) for an irregular stream
    """

    first_tick: int
    data: NDArray[Any]
    ticks: NDArray[np.int64] | None = None


@dataclass(frozen=True, eq=False)
class Take:
    """What a feed has for a window.

    Attributes
    ----------
    restarted : what was taken before is no part of this: forget it
    stretches : ascending, what was not taken yet
    held_from_tick : where the ring's memory begins, if that is within the window
    """

    restarted: bool
    stretches: tuple[Stretch, ...] = ()
    held_from_tick: int | None = None
    view: RingView | None = None

    @property
    def intact(self) -> bool:
        """Whether what was looked at has not been overwritten meanwhile."""
        return self.view is None or self.view.intact


class StreamFeed:
    """Follows one stream.

    Parameters
    ----------
    find_ring : the present ring of the stream, None while it is not watched
    info : the layout that samples must have: of a ring with another one, nothing is taken. None: any
    """

    def __init__(self, find_ring: Callable[[], RingReader | None], info: StreamInfo | None = None) -> None:
        self._find_ring = find_ring
        self._info = info
        self.forget()

    def forget(self) -> None:
        """The next take begins again."""
        self._reader: RingReader | None = None
        self._epoch = -1
        self._done_tick = 0
        self._stop_tick = 0

    @property
    def done_tick(self) -> int:
        """Everything before it has been taken, or is lost, or was before the window."""
        return self._done_tick

    def take(self, start_tick: int, stop_tick: int) -> Take:
        """Samples of the window [start, stop) that were not taken yet.

        A window that ends earlier than the last one, another run of the subject, or another layout begin again. Of
        what passed while nobody looked, only what is in the window is taken.
        """
        reader = self._find_ring()
        fits = reader is self._reader or reader is None or self._info is None or same_layout(reader.info, self._info)
        if reader is None or not fits:
            restarted = self._reader is not None
            self.forget()
            return Take(restarted)
        try:
            return self._take(reader, max(start_tick, 0), stop_tick)
        except EvictedError:  # it raced away under our eyes; the next pull begins again, nearer to the present
            self.forget()
            return Take(True)

    def _take(self, reader: RingReader, start_tick: int, stop_tick: int) -> Take:
        span, info = reader.span(), reader.info
        k = info.ticks_per_sample or 1
        restarted = reader is not self._reader or span.epoch != self._epoch or stop_tick < self._stop_tick
        self._reader, self._epoch, self._stop_tick = reader, span.epoch, stop_tick
        begin = max(start_tick, span.first_tick)
        if not restarted:
            begin = max(begin, self._done_tick)
        begin = -(-begin // k) * k
        end = min(stop_tick // k * k, span.stop_tick)
        if info.regular:
            end = min(end, begin + max(MAX_PULL_BYTES // max(info.sample_bytes, 1), MIN_PULL_SAMPLES) * k)
        held_from = span.first_tick if span.first_tick > start_tick else None
        if end <= begin:
            self._done_tick = max(begin, 0) if restarted else self._done_tick
            return Take(restarted, (), held_from)
        view = reader.ticks(begin, end)
        if view.epoch != span.epoch:
            self.forget()
            return Take(True)
        self._done_tick = end
        stretches, tick = [], begin
        for i, piece in enumerate(view.pieces):
            ticks = view.tick_pieces[i] if view.tick_pieces else None
            stretches.append(Stretch(tick if ticks is None else int(ticks[0]), piece, ticks))
            tick += len(piece) * k
        return Take(restarted, tuple(stretches), held_from, view)


def same_layout(one: StreamInfo, other: StreamInfo) -> bool:
    """Whether samples of both are read the same way."""
    if one is other:
        return True
    if (one.shape, one.dtype, one.channel_names) != (other.shape, other.dtype, other.channel_names):
        return False
    if one.unit_ids is None or other.unit_ids is None:
        return one.unit_ids is other.unit_ids
    return np.array_equal(one.unit_ids, other.unit_ids)


def samples_of(reader: RingReader, start_tick: int, stop_tick: int) -> Stretch | None:
    """The samples of a regular stream in [start, stop), copied; None where the ring does not hold all of them."""
    k = reader.info.ticks_per_sample or 1
    first, stop = -(-start_tick // k) * k, stop_tick // k * k
    if first < 0 or stop <= first:
        return None
    try:
        view = reader.ticks(first, stop)
        data = view.copy().data
    except EvictedError:
        return None
    return Stretch(first, data)
