"""Gathering the chunks of one stream into frames of about a megabyte."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rig.errors import ContractError, TickError
from rig.storage.segment import MAX_TICK, samples_per_frame
from rig.streams import Chunk, StreamInfo


@dataclass(frozen=True, eq=False)
class Frame:
    """Samples on their way to the disk.

    Attributes
    ----------
    stream : name
    first_tick, last_tick : stamps of the first and the last sample
    rows : (n_samples, sample_bytes) uint8
    ticks : (n_samples,) int64 for an irregular stream
    buffer : the memory that `rows` is the beginning of, to be given back
    """

    stream: str
    first_tick: int
    last_tick: int
    rows: NDArray[np.uint8]
    ticks: NDArray[np.int64] | None
    buffer: NDArray[np.uint8]

    @property
    def n_bytes(self) -> int:
        return self.rows.nbytes + (0 if self.ticks is None else self.ticks.nbytes)


class Gatherer:
    """Copies samples into frames: the chunk's memory is its owner's again when `add` is done."""

    def __init__(self, info: StreamInfo) -> None:
        self.info = info
        self._capacity = samples_per_frame(info)
        self._spare: list[NDArray[np.uint8]] = []
        self._buffer: NDArray[np.uint8] | None = None
        self._ticks = np.empty(0 if info.regular else self._capacity, np.int64)
        self._first_tick = 0
        self._n = 0
        self._next_tick = 0  # the earliest stamp that the next sample may have

    def accept(self, chunk: Chunk) -> None:
        """Check a chunk against the layout and against what came before it.

        Raises
        ------
        ContractError : dtype, shape or ticks are not the stream's. TickError : it begins before the last one ended.
        """
        info, data = self.info, chunk.data
        if data.dtype != info.dtype or data.shape[1:] != info.shape:
            raise ContractError(
                f"got a chunk of stream {info.name!r} with samples {data.dtype}{list(data.shape[1:])}; its layout says "
                f"{info.dtype}{list(info.shape)}"
            )
        if info.regular != (chunk.ticks is None):
            got, due = ("with ticks", "a regular") if info.regular else ("without ticks", "an irregular")
            raise ContractError(f"got a chunk {got}; stream {info.name!r} is {due} one")
        first, last = chunk.first_tick, chunk.first_tick + (len(data) - 1) * (info.ticks_per_sample or 0)
        if chunk.ticks is not None:
            if chunk.ticks.shape != (len(data),) or (np.diff(chunk.ticks) < 0).any():
                raise ContractError(
                    f"got a chunk of stream {info.name!r} with {len(data)} samples and ticks of shape "
                    f"{chunk.ticks.shape}; each sample needs one, ascending"
                )
            first, last = int(chunk.ticks[0]), int(chunk.ticks[-1])
        if not 0 <= first <= last < MAX_TICK:
            raise TickError(f"got a chunk of stream {info.name!r} at tick {first}; ticks lie in [0, 2^62)")
        if first < self._next_tick:
            raise TickError(
                f"got a chunk of stream {info.name!r} at tick {first}; it is recorded up to tick {self._next_tick}: "
                "time cannot go back within a recording, start another"
            )

    def add(self, chunk: Chunk) -> Iterator[Frame]:
        """Take an accepted chunk; frames come out as they fill up, and where a gap ends one early."""
        step = self.info.ticks_per_sample
        rows = np.ascontiguousarray(chunk.data).reshape(-1).view(np.uint8).reshape(len(chunk), -1)
        done = 0
        while done < len(rows):
            first = (
                int(chunk.ticks[done])
                if step is None and chunk.ticks is not None
                else (chunk.first_tick + done * (step or 0))
            )
            if self._n and step is not None and first != self._next_tick and (frame := self.take()):
                yield frame
            if self._buffer is None:
                self._buffer = self._spare.pop() if self._spare else self._new_buffer()
            if self._n == 0:
                self._first_tick = first
            n = min(len(rows) - done, self._capacity - self._n)
            self._buffer[self._n : self._n + n] = rows[done : done + n]
            if chunk.ticks is not None:
                self._ticks[self._n : self._n + n] = chunk.ticks[done : done + n]
                self._next_tick = int(chunk.ticks[done + n - 1])
            else:
                self._next_tick = first + n * (step or 0)
            self._n += n
            done += n
            if self._n == self._capacity and (full := self.take()):
                yield full

    def take(self) -> Frame | None:
        """What has been gathered so far, if anything."""
        if self._n == 0 or self._buffer is None:
            return None
        n, self._n = self._n, 0
        buffer, self._buffer = self._buffer, None
        ticks = None if self.info.regular else self._ticks[:n].copy()
        last = self._first_tick + (n - 1) * (self.info.ticks_per_sample or 0) if ticks is None else int(ticks[-1])
        return Frame(self.info.name, self._first_tick, last, buffer[:n], ticks, buffer)

    def recycle(self, frame: Frame) -> None:
        """Give a written frame's memory back, so that the next need not touch fresh pages."""
        self._spare.append(frame.buffer)

    def _new_buffer(self) -> NDArray[np.uint8]:
        return np.empty((self._capacity, self.info.sample_bytes), np.uint8)
