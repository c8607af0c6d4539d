"""The reading end of a ring: views into shared memory, and whether they still hold what they held."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rig.errors import EvictedError, FormatError, TickError
from rig.process.ordering import Words, load_word
from rig.process.ring import (
    CAPACITY_WORD,
    CLOSED_WORD,
    DATA_OFFSET_WORD,
    EPOCH_WORD,
    HEAD_WORD,
    LAYOUT_VERSION,
    MAGIC,
    MAGIC_WORD,
    RESERVE_WORD,
    TEXT_BYTES_WORD,
    TEXT_OFFSET,
    TICKS_OFFSET_WORD,
    VERSION_WORD,
    RingLayout,
    epoch_record,
    map_samples,
)
from rig.process.shared_memory import attach_shared
from rig.streams import Samples, StreamInfo, stream_from_json

_PATIENCE = 1000  # looks at a ring that changes epoch under our eyes; far more than a live writer can cause


@dataclass(frozen=True)
class RingSpan:
    """What a ring holds of its present epoch.

    Attributes
    ----------
    epoch : its number
    first_index, stop_index : the samples held are [first_index, stop_index)
    first_tick, stop_tick : every sample stamped in [first_tick, stop_tick) is among them
    """

    epoch: int
    first_index: int
    stop_index: int
    first_tick: int
    stop_tick: int

    def __len__(self) -> int:
        return self.stop_index - self.first_index


@dataclass(frozen=True, eq=False)
class RingView:
    """Consecutive samples where they lie in the ring: nothing is copied, and the writer may overwrite them.

    Look at them, then ask `check` whether what was seen can be trusted.

    Attributes
    ----------
    info : layout of the stream
    epoch : that the samples belong to
    first_index : of the first sample
    pieces : one or two arrays (n, *shape), read-only, oldest first
    n_missed : samples that were asked for and were overwritten before this view was made
    tick_pieces : for an irregular stream the ticks of the pieces, likewise
    """

    reader: RingReader
    epoch: int
    first_index: int
    pieces: tuple[NDArray[Any], ...]
    n_missed: int
    tick_pieces: tuple[NDArray[np.int64], ...]
    _first_tick: int

    def __len__(self) -> int:
        return sum(len(p) for p in self.pieces)

    @property
    def info(self) -> StreamInfo:
        return self.reader.info

    @property
    def stop_index(self) -> int:
        return self.first_index + len(self)

    @property
    def intact(self) -> bool:
        """Whether none of the samples has been overwritten until now."""
        return self.reader.oldest_index <= self.first_index

    def check(self) -> None:
        """Raises EvictedError if some of the samples were overwritten meanwhile."""
        oldest = self.reader.oldest_index
        if oldest > self.first_index:
            raise EvictedError(
                f"looked at samples [{self.first_index}, {self.stop_index}) of stream {self.info.name!r}; meanwhile "
                f"the ring was overwritten up to sample {oldest}: look at fewer, or record the stream to keep more"
            )

    def ticks(self) -> NDArray[np.int64]:
        """(n,) stamps of the samples; a copy."""
        k = self.info.ticks_per_sample
        if k is None:
            return np.concatenate(self.tick_pieces) if self.tick_pieces else np.empty(0, np.int64)
        return self._first_tick + k * np.arange(len(self), dtype=np.int64)

    def copy(self) -> Samples:
        """The samples and their ticks, copied and checked.

        Raises
        ------
        EvictedError : they were overwritten before the copy was done.
        """
        empty = np.empty((0, *self.info.shape), self.info.dtype)
        samples = Samples(self.info, self.ticks(), np.concatenate(self.pieces) if self.pieces else empty)
        self.check()
        return samples


class RingReader:
    """Attached to a ring by the name of its memory. Holds nobody up and needs no closing.

    Raises
    ------
    FileNotFoundError : the ring was removed; ask the client for the present one.
    FormatError : it is no ring of this version.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._shared = attach_shared(name)
        self._words: Words = self._shared.array(np.dtype(np.int64), TEXT_OFFSET // 8)
        if load_word(self._words, MAGIC_WORD) != MAGIC or self._words[VERSION_WORD] != LAYOUT_VERSION:
            raise FormatError(f"asked for ring {name!r}; that shared memory is no ring of this Headstage")
        text = self._shared.array(np.dtype(np.uint8), int(self._words[TEXT_BYTES_WORD]), TEXT_OFFSET).tobytes()
        self.info = stream_from_json(json.loads(text))
        self.capacity = int(self._words[CAPACITY_WORD])
        layout = RingLayout(
            text,
            self.capacity,
            int(self._words[TICKS_OFFSET_WORD]),
            int(self._words[DATA_OFFSET_WORD]),
            self._shared.size,
        )
        self._data, self._ticks = map_samples(self._shared, self.info, layout)
        self._data.flags.writeable = False
        self._ticks.flags.writeable = False

    @property
    def closed(self) -> bool:
        """Whether the writer has said that no more will come."""
        return bool(load_word(self._words, CLOSED_WORD))

    @property
    def epoch(self) -> int:
        return load_word(self._words, EPOCH_WORD)

    @property
    def oldest_index(self) -> int:
        """Samples before this index are, or are just being, overwritten."""
        return load_word(self._words, RESERVE_WORD) - self.capacity

    def span(self) -> RingSpan:
        """What the ring holds at this moment."""
        for _ in range(_PATIENCE):
            epoch = load_word(self._words, EPOCH_WORD)
            record = epoch_record(epoch)
            start, base_tick = int(self._words[record + 1]), int(self._words[record + 2])
            done_tick = load_word(self._words, record + 3)  # before the head: samples stamped before it are in
            head = load_word(self._words, HEAD_WORD)
            first = min(max(start, self.oldest_index), head)
            k = self.info.ticks_per_sample
            if k is not None:
                first_tick, done_tick = base_tick + (first - start) * k, base_tick + (head - start) * k
            elif first == start:
                first_tick = base_tick
            else:
                # not the tick of the oldest itself: what was overwritten may have had the same
                first_tick = int(self._ticks[first % self.capacity]) + 1 if first < head else done_tick
            still = load_word(self._words, EPOCH_WORD) == epoch
            if still and (k is not None or first == head or self.oldest_index <= first):
                return RingSpan(epoch, first, head, first_tick, done_tick)
        raise EvictedError(
            f"asked what the ring of stream {self.info.name!r} holds; it changes faster than it can be read: "
            "record the stream"
        )

    def since(self, index: int) -> RingView:
        """Samples from `index` to the newest; those overwritten already, or of an older epoch, count as missed.

        A pane keeps `view.stop_index` and asks from there the next time.
        """
        span = self.span()
        first = min(max(index, span.first_index), span.stop_index)
        return self._view(span, first, span.stop_index, max(first - index, 0))

    def latest(self, n_samples: int) -> RingView:
        """The newest samples, as many as asked or as there are."""
        span = self.span()
        return self._view(span, max(span.stop_index - n_samples, span.first_index), span.stop_index, 0)

    def ticks(self, start_tick: int, stop_tick: int) -> RingView:
        """Samples stamped in [start_tick, stop_tick).

        Raises
        ------
        EvictedError : the ring no longer holds all of them, or does not yet.
        TickError : the interval ends before it starts.
        """
        if stop_tick < start_tick:
            raise TickError(f"asked for ticks [{start_tick}, {stop_tick}); the end must not come before the start")
        span = self.span()
        if start_tick < span.first_tick or stop_tick > span.stop_tick:
            raise EvictedError(
                f"asked for ticks [{start_tick}, {stop_tick}), the ring of stream {self.info.name!r} holds "
                f"[{span.first_tick}, {span.stop_tick}); record the stream to keep more"
            )
        k = self.info.ticks_per_sample
        if k is not None:
            first, stop = (span.first_index - (-(t - span.first_tick) // k) for t in (start_tick, stop_tick))
            return self._view(span, first, stop, 0)
        held = self._view(span, span.first_index, span.stop_index, 0)
        first, stop = (span.first_index + _n_before(held.tick_pieces, t) for t in (start_tick, stop_tick))
        held.check()
        return self._view(span, first, stop, 0)

    def _view(self, span: RingSpan, first: int, stop: int, n_missed: int) -> RingView:
        k = self.info.ticks_per_sample
        slot = first % self.capacity
        n = stop - first
        n_first = min(n, self.capacity - slot)
        slices = [s for s in (slice(slot, slot + n_first), slice(0, n - n_first)) if s.stop > s.start]
        return RingView(
            reader=self,
            epoch=span.epoch,
            first_index=first,
            pieces=tuple(self._data[s] for s in slices),
            n_missed=n_missed,
            tick_pieces=tuple(self._ticks[s] for s in slices) if k is None else (),
            _first_tick=span.first_tick + (first - span.first_index) * (k or 0),
        )


def _n_before(tick_pieces: tuple[NDArray[np.int64], ...], tick: int) -> int:
    """How many of the ascending ticks lie before `tick`."""
    n = 0
    for piece in tick_pieces:
        n_here = int(np.searchsorted(piece, tick))
        n += n_here
        if n_here < len(piece):
            break
    return n
