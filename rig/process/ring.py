"""The ring: the newest samples of a stream in shared memory. One writer, any number of readers in other processes.

Samples carry an index that counts from 0 and never wraps; sample i lies in slot ``i % capacity``. The writer waits for
nobody. It announces what it is about to overwrite, writes, and then moves the head::

    writer    reserve = stop ── fence ── slots ── fence ── head = stop
    reader    head ── fence ── slots ── fence ── reserve:   index ≥ reserve − capacity ?  intact : overwritten

Ticks follow from indices within an *epoch*: a stretch over which the stream's clock just runs. Where it does not (the
session went back to a snapshot, or was reset), an epoch ends, its samples are no longer served, and a new one begins.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rig.errors import ContractError, StorageError
from rig.process.ordering import Words, store_word
from rig.process.shared_memory import Shared, create_shared
from rig.streams import Chunk, StreamInfo, stream_to_json

MAGIC = 0x48535247  # "HSRG"
LAYOUT_VERSION = 1

# Words of the header. What one side writes often has a cache line (8 words) of its own.
MAGIC_WORD, VERSION_WORD, CAPACITY_WORD, TICKS_OFFSET_WORD, DATA_OFFSET_WORD, TEXT_BYTES_WORD = range(6)
RESERVE_WORD, HEAD_WORD, EPOCH_WORD, CLOSED_WORD = 8, 16, 24, 32
EPOCHS_WORD, EPOCH_WORDS, N_EPOCHS = 40, 4, 64  # a record: epoch, index and tick of its first sample, ticks done
TEXT_OFFSET = (EPOCHS_WORD + EPOCH_WORDS * N_EPOCHS) * 8

_MIN_BYTES = 1 << 20
_MIN_SAMPLES = 2


@dataclass(frozen=True)
class RingLayout:
    """Where things lie in a ring's memory.

    Attributes
    ----------
    text : the stream's layout as JSON
    capacity : samples
    ticks_offset : bytes to the tick of each sample (irregular streams; else as data_offset)
    data_offset : bytes to the samples
    n_bytes : of the shared memory
    """

    text: bytes
    capacity: int
    ticks_offset: int
    data_offset: int
    n_bytes: int

    @classmethod
    def within(cls, info: StreamInfo, budget_bytes: int) -> RingLayout:
        """As many samples as fit in the budget, at least two."""
        text = json.dumps(stream_to_json(info)).encode()
        tick_bytes = 0 if info.regular else 8
        capacity = max(budget_bytes // (info.sample_bytes + tick_bytes), _MIN_SAMPLES)
        ticks_offset = _aligned(TEXT_OFFSET + len(text), 64)
        data_offset = _aligned(ticks_offset + capacity * tick_bytes, 4096)
        return cls(text, capacity, ticks_offset, data_offset, data_offset + capacity * info.sample_bytes)


class RingWriter:
    """The writing end; it owns the memory.

    Parameters
    ----------
    info : layout of the stream; a change of it needs another ring
    name : of the shared memory
    budget_bytes : for samples and ticks; halved until the system grants it
    tick : ticks done when the ring begins
    epoch : number of the first epoch

    Raises
    ------
    StorageError : not even a small ring can be had.
    """

    def __init__(self, info: StreamInfo, name: str, budget_bytes: int, tick: int = 0, epoch: int = 0) -> None:
        self.info = info
        self.name = name
        self.epoch = epoch - 1
        self._head = 0
        self._base_tick = 0
        self._epoch_start = 0
        self._done_tick = tick
        self._shared, self._layout = _allocate(info, name, budget_bytes)
        self._words: Words = self._shared.array(np.dtype(np.int64), TEXT_OFFSET // 8)
        self._words[VERSION_WORD] = LAYOUT_VERSION
        self._words[CAPACITY_WORD] = self.capacity
        self._words[TICKS_OFFSET_WORD] = self._layout.ticks_offset
        self._words[DATA_OFFSET_WORD] = self._layout.data_offset
        self._words[TEXT_BYTES_WORD] = len(self._layout.text)
        text = np.frombuffer(self._layout.text, np.uint8)
        self._shared.array(text.dtype, len(text), TEXT_OFFSET)[:] = text
        self._data, self._ticks = map_samples(self._shared, info, self._layout)
        self.restart(tick)
        store_word(self._words, MAGIC_WORD, MAGIC)

    @property
    def capacity(self) -> int:
        return self._layout.capacity

    @property
    def head(self) -> int:
        """Index after the newest sample."""
        return self._head

    def restart(self, tick: int) -> None:
        """Begin an epoch: the stream's clock goes on from `tick` ticks done, whatever came before."""
        k = self.info.ticks_per_sample or 1
        self.epoch += 1
        self._epoch_start = self._head
        self._base_tick = tick // k * k
        self._done_tick = tick
        record = epoch_record(self.epoch)
        self._words[record : record + EPOCH_WORDS] = self.epoch, self._epoch_start, self._base_tick, tick
        store_word(self._words, EPOCH_WORD, self.epoch)

    def write(self, chunk: Chunk) -> None:
        """Append a chunk. One that does not continue the epoch's clock begins a new epoch.

        Raises
        ------
        ContractError : its samples are not of this stream's layout.
        """
        self._check(chunk)
        n = len(chunk)
        if n == 0:
            return
        if chunk.first_tick != self._next_tick() if chunk.ticks is None else chunk.first_tick < self._next_tick():
            self.restart(chunk.first_tick)
        stop = self._head + n
        start = max(self._head, stop - self.capacity)  # of more than fits only the end is kept
        skipped = n - (stop - start)
        store_word(self._words, RESERVE_WORD, stop)
        _copy_around(self._data, start, chunk.data[skipped:])
        if chunk.ticks is not None:
            _copy_around(self._ticks, start, chunk.ticks[skipped:])
        store_word(self._words, HEAD_WORD, stop)
        self._head = stop
        if chunk.ticks is not None:
            self.done(max(self._done_tick, int(chunk.ticks[-1])))  # one more may come with that same tick

    def done(self, tick: int) -> None:
        """Say that `tick` ticks are done: every sample stamped before is written. For irregular streams."""
        self._done_tick = tick
        store_word(self._words, epoch_record(self.epoch) + 3, tick)

    def close(self) -> None:
        """Tell the readers that no more will come, and remove the memory; readers keep what they have attached."""
        store_word(self._words, CLOSED_WORD, 1)
        del self._words, self._data, self._ticks
        with suppress(FileNotFoundError):  # a relative was quicker
            self._shared.unlink()
        self._shared.close()

    def _next_tick(self) -> int:
        if self.info.ticks_per_sample is None:
            return self._done_tick
        return self._base_tick + (self._head - self._epoch_start) * self.info.ticks_per_sample

    def _check(self, chunk: Chunk) -> None:
        info = self.info
        if chunk.data.shape[1:] != info.shape or chunk.data.dtype != info.dtype:
            raise ContractError(
                f"a chunk of stream {info.name!r} has samples {chunk.data.shape[1:]} of {chunk.data.dtype}, "
                f"the stream says {info.shape} of {info.dtype}; the subject's plugin is wrong"
            )
        if (chunk.ticks is None) != info.regular or (chunk.ticks is not None and len(chunk.ticks) != len(chunk)):
            raise ContractError(
                f"a chunk of stream {info.name!r} must come "
                f"{'without ticks' if info.regular else 'with a tick for each sample'}; the subject's plugin is wrong"
            )


def epoch_record(epoch: int) -> int:
    """The word at which the record of an epoch begins."""
    return EPOCHS_WORD + EPOCH_WORDS * (epoch % N_EPOCHS)


def map_samples(memory: Shared, info: StreamInfo, layout: RingLayout) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Arrays over a ring's memory: (capacity, *shape) samples and (capacity,) ticks, (0,) for a regular stream."""
    data = memory.array(info.dtype, layout.capacity * int(np.prod(info.shape, dtype=np.int64)), layout.data_offset)
    ticks = memory.array(np.dtype(np.int64), 0 if info.regular else layout.capacity, layout.ticks_offset)
    return data.reshape(layout.capacity, *info.shape), ticks


def _allocate(info: StreamInfo, name: str, budget_bytes: int) -> tuple[Shared, RingLayout]:
    while True:
        layout = RingLayout.within(info, budget_bytes)
        try:
            return create_shared(name, layout.n_bytes), layout
        except StorageError:
            budget_bytes //= 2
            if budget_bytes < _MIN_BYTES:
                raise


def _copy_around(ring: NDArray[Any], start: int, samples: NDArray[Any]) -> None:
    slot = start % len(ring)
    n_first = min(len(samples), len(ring) - slot)
    ring[slot : slot + n_first] = samples[:n_first]
    ring[: len(samples) - n_first] = samples[n_first:]


def _aligned(offset: int, alignment: int) -> int:
    return -(-offset // alignment) * alignment
