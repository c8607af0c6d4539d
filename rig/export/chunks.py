"""Filling HDF5 datasets chunk by chunk, compressed here and handed over as they are."""

from __future__ import annotations

from types import TracebackType
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from rig.errors import ExportError
from rig.export.deflate import shuffle_deflate

CHUNK_BYTES = 128 << 10
_PACKED_ROWS = 1 << 15


def chunk_shape(n_samples: int, shape: tuple[int, ...], dtype: np.dtype[Any], packed: bool) -> tuple[int, ...]:
    """The chunks of a stream's dataset.

    Bits are stored a byte column a chunk: eight neighbours over a long time deflate three times faster and better
    than all units over a short one (4096 × 213 bytes of a 6502: 68 MB/s, ratio 1.6; 32768 × 1: 194 MB/s, 6.1).
    """
    if packed:
        return (min(n_samples, _PACKED_ROWS), 1)
    sample_bytes = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    return (max(1, min(n_samples, 2 * CHUNK_BYTES // max(sample_bytes, 1))), *shape)


def gzip_options(dtype: np.dtype[Any]) -> dict[str, Any]:
    """What a dataset must be created with for these writers."""
    return {"compression": "gzip", "compression_opts": 1, "shuffle": dtype.itemsize > 1}


class SampleWriter:
    """Appends samples to a dataset of known length, in order; a context that flushes at its end.

    Parameters
    ----------
    dataset : (n_samples, …), chunked in time and perhaps along its last axis, made with `gzip_options`
    """

    def __init__(self, dataset: h5py.Dataset) -> None:
        self._dataset = dataset
        self._rows = dataset.chunks[0]
        self._columns = dataset.chunks[-1] if dataset.ndim > 1 else 0
        self._buffer = np.zeros((self._rows, *dataset.shape[1:]), dataset.dtype)
        self._n_buffered = 0
        self._n_written = 0

    def append(self, data: NDArray[Any]) -> None:
        """(n, …) further samples."""
        taken = 0
        while taken < len(data):
            n = min(self._rows - self._n_buffered, len(data) - taken)
            self._buffer[self._n_buffered : self._n_buffered + n] = data[taken : taken + n]
            self._n_buffered += n
            taken += n
            if self._n_buffered == self._rows:
                self._flush()

    def _flush(self) -> None:
        buffer, row = self._buffer, self._n_written
        buffer[self._n_buffered :] = 0
        width = buffer.shape[-1] if buffer.ndim > 1 else 0
        if buffer.ndim == 2 and self._columns < width:
            columns = np.ascontiguousarray(buffer.reshape(self._rows, -1, self._columns).transpose(1, 0, 2))
            for i, chunk in enumerate(columns):
                self._dataset.id.write_direct_chunk((row, i * self._columns), shuffle_deflate(chunk))
        else:
            offset = (row,) + (0,) * (buffer.ndim - 1)
            self._dataset.id.write_direct_chunk(offset, shuffle_deflate(buffer))
        self._n_written += self._n_buffered
        self._n_buffered = 0

    def __enter__(self) -> SampleWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None and self._n_buffered:
            self._flush()


class RaggedWriter:
    """Fills the rows of a ragged 1-D dataset a little each, in any order of rows, ascending within each.

    Spikes come sorted by time and are stored sorted by unit. Chunks are kept open until they are full; a row has about
    one open at a time, so memory is bounded by rows × chunk, whatever the length of the recording. A context: at its
    end every row must be full.

    Parameters
    ----------
    dataset : (start[-1],), chunked, made with `gzip_options`
    start : (n_rows + 1,) int64, where each row begins
    """

    def __init__(self, dataset: h5py.Dataset, start: NDArray[np.int64]) -> None:
        self._dataset = dataset
        self._size = int(start[-1])
        self._chunk = int(dataset.chunks[0])
        self._next: list[int] = start[:-1].tolist()
        self._end: list[int] = start[1:].tolist()
        self._open: dict[int, NDArray[Any]] = {}
        self._n_missing: dict[int, int] = {}
        self._spare: list[NDArray[Any]] = []  # fresh memory for every chunk would cost as much as filling it

    def append(self, row: int, values: NDArray[Any]) -> None:
        """Further values of one row."""
        position, taken, n = self._next[row], 0, len(values)
        if position + n > self._end[row]:
            raise ExportError("more spikes were found than were counted; the recording changed: export it again")
        self._next[row] = position + n
        while taken < n:
            index, offset = divmod(position, self._chunk)
            buffer = self._open.get(index)
            if buffer is None:
                buffer = self._open[index] = self._spare.pop() if self._spare else self._new_buffer()
                self._n_missing[index] = min(self._chunk, self._size - index * self._chunk)
            k = min(self._chunk - offset, n - taken)
            buffer[offset : offset + k] = values[taken : taken + k]
            self._n_missing[index] -= k
            if not self._n_missing[index]:
                self._dataset.id.write_direct_chunk((index * self._chunk,), shuffle_deflate(buffer))
                self._spare.append(self._open.pop(index))
                del self._n_missing[index]
            position += k
            taken += k

    def _new_buffer(self) -> NDArray[Any]:
        return np.zeros(self._chunk, self._dataset.dtype)

    def __enter__(self) -> RaggedWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        n_missing = sum(self._end) - sum(self._next)
        if kind is None and n_missing:
            raise ExportError(
                f"{n_missing} of {self._size} spikes counted were not found again; the recording "
                "changed while it was exported: export it again"
            )


def ragged_chunk(n_values: int, n_rows: int, budget_bytes: int = 256 << 20) -> int:
    """Elements (of 8 bytes) a chunk, such that the open chunks of all rows stay within the budget."""
    most = budget_bytes // (8 * 2 * max(n_rows, 1))
    return max(1, min(n_values, max(512, min(most, CHUNK_BYTES // 8))))
