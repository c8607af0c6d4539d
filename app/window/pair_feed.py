"""The subject's samples less its intact twin's, fed like those of one stream. Free of Qt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.window.stream_feed import MAX_PULL_BYTES, MIN_PULL_SAMPLES, Stretch, Take, same_layout, samples_of
from rig.errors import EvictedError
from rig.process.ring_reader import RingReader
from rig.streams import StreamInfo

FindRing = Callable[[str], RingReader | None]


class PairFeed:
    """Follows two regular streams of one layout where both have samples.

    Parameters
    ----------
    find_ring : stream → its ring, None while it is not watched
    stream, other : names: the first less the second
    info : the layout that samples of both must have
    """

    def __init__(self, find_ring: FindRing, stream: str, other: str, info: StreamInfo) -> None:
        self._find_ring, self._names, self._info = find_ring, (stream, other), info
        self.forget()

    def forget(self) -> None:
        """The next take begins again."""
        self._seen: tuple[object, ...] = ()
        self._done_tick = self._stop_tick = 0

    def take(self, start_tick: int, stop_tick: int) -> Take:
        """See `StreamFeed.take`. Bits are 1 where they differ, numbers subtracted."""
        readers = [r for r in (self._find_ring(n) for n in self._names) if r is not None]
        if len(readers) < 2 or not all(same_layout(r.info, self._info) for r in readers):
            restarted = bool(self._seen)
            self.forget()
            return Take(restarted)
        try:
            return self._take(readers, max(start_tick, 0), stop_tick)
        except EvictedError:
            self.forget()
            return Take(True)

    def _take(self, readers: list[RingReader], start_tick: int, stop_tick: int) -> Take:
        spans, k = [r.span() for r in readers], self._info.ticks_per_sample or 1
        seen = tuple((r.name, s.epoch) for r, s in zip(readers, spans, strict=True))
        restarted = seen != self._seen or stop_tick < self._stop_tick
        self._seen, self._stop_tick = seen, stop_tick
        first = max(s.first_tick for s in spans)
        begin = max(start_tick, first, 0 if restarted else self._done_tick)
        begin = -(-begin // k) * k
        most = max(MAX_PULL_BYTES // max(self._info.sample_bytes, 1), MIN_PULL_SAMPLES) * k
        end = min(stop_tick // k * k, begin + most, *(s.stop_tick for s in spans))
        held_from = first if first > start_tick else None
        if end <= begin:
            return Take(restarted, (), held_from)
        ours, theirs = (r.ticks(begin, end).copy().data for r in readers)
        self._done_tick = end
        return Take(restarted, (Stretch(begin, difference(self._info, ours, theirs)),), held_from)


def samples_less(find_ring: FindRing, stream: str, less: str, start_tick: int, stop_tick: int) -> Stretch | None:
    """The samples of a regular stream in [start, stop), copied.

    Parameters
    ----------
    less : prefix of the stream of one layout that is subtracted; "" for none

    Returns
    -------
    None where a ring does not hold all of them
    """
    reader = find_ring(stream)
    ours = None if reader is None else samples_of(reader, start_tick, stop_tick)
    if reader is None or ours is None or not less:
        return ours
    other = find_ring(less + stream)
    if other is None or not same_layout(reader.info, other.info):
        return None
    theirs = samples_of(other, start_tick, stop_tick)
    return None if theirs is None else replace(ours, data=difference(reader.info, ours.data, theirs.data))


def difference(info: StreamInfo, ours: NDArray[Any], theirs: NDArray[Any]) -> NDArray[Any]:
    """(n, *shape) bits that differ, or numbers subtracted."""
    if info.packed:
        apart: NDArray[Any] = ours ^ theirs
    else:
        apart = ours.astype(np.float64) - theirs.astype(np.float64)
    return apart
