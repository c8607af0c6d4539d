"""Samples of one recorded stream: found by tick, decoded frame by frame."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rig.storage.codec import DamagedPayloadError, Decoder
from rig.storage.disk import storage_error
from rig.storage.frame_index import Interval, build_index, stop_tick_of
from rig.storage.segment import header_of_row, stream_tag
from rig.storage.segment_reader import Found, SegmentFiles
from rig.streams import Samples, StreamInfo


@dataclass(frozen=True)
class Extent:
    """What a recording holds of a stream: [start_tick, stop_tick), both 0 where it holds nothing."""

    start_tick: int
    stop_tick: int
    n_samples: int


class StreamReader:
    """One stream of a recording.

    Parameters
    ----------
    folder : the stream's
    info : its layout as recorded
    created_s : of the recording

    Raises
    ------
    StorageError : the disk refuses.
    """

    def __init__(self, folder: Path, info: StreamInfo, created_s: float) -> None:
        self.info = info
        tag = stream_tag(info.name, created_s)
        self._files = SegmentFiles(folder, info, tag)
        self._decoder = Decoder()
        try:
            index = build_index(self._files, info, tag)
        except OSError as error:
            self.close()
            raise storage_error(f"asked to read stream {info.name!r} in {folder.parent}", error) from error
        self._rows = index.rows
        self._lost = list(index.lost)
        self.problems = list(index.problems)

    @property
    def extent(self) -> Extent:
        rows = self._rows
        if not len(rows):
            return Extent(0, 0, 0)
        stop = int(stop_tick_of(rows["last_tick"][-1], self.info))
        return Extent(int(rows["first_tick"][0]), stop, int(rows["n_samples"].sum(dtype=np.int64)))

    @property
    def gaps(self) -> tuple[Interval, ...]:
        """Intervals of ticks without samples within the extent, merged: recorded as gaps, or lost to damage."""
        extent = self.extent
        found = [(a, b) for a, b in self._lost if a < extent.stop_tick and b > extent.start_tick]
        if self.info.regular and len(self._rows) > 1:
            stops = stop_tick_of(self._rows["last_tick"][:-1], self.info)
            starts = self._rows["first_tick"][1:]
            at = np.flatnonzero(starts > stops)
            found += zip(stops[at].tolist(), starts[at].tolist(), strict=True)
        merged: list[Interval] = []
        for start, stop in sorted(found):
            if merged and start <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
            else:
                merged.append((start, stop))
        return tuple(merged)

    def blocks(self, start_tick: int, stop_tick: int, unit_ids: Any, max_bytes: int | None) -> Iterator[Samples]:
        """Samples stamped [start_tick, stop_tick), in order, in pieces of at most max_bytes; one piece when None.

        Raises
        ------
        UnknownUnitError : at once, not at the first piece. StorageError : the disk refuses.
        """
        info = self.info.watching(unit_ids)
        channels = None if unit_ids is None else self.info.channels_of(unit_ids)
        if channels is not None and len(channels) == len(self.info.unit_ids if self.info.unit_ids is not None else ()):
            channels = None  # all of them, in their own order
        return self._blocks(info, channels, start_tick, stop_tick, max_bytes)

    def _blocks(
        self,
        info: StreamInfo,
        channels: NDArray[np.int64] | None,
        start_tick: int,
        stop_tick: int,
        max_bytes: int | None,
    ) -> Iterator[Samples]:
        # frames are in order, so the ones that are touched are neighbours
        low = int(np.searchsorted(self._rows["last_tick"], start_tick, "left"))
        high = int(np.searchsorted(self._rows["first_tick"], stop_tick, "left"))
        rows = self._rows[low : max(low, high)]
        left = int(rows["n_samples"].sum(dtype=np.int64))
        room = left if max_bytes is None else max(1, max_bytes // (info.sample_bytes + 8))
        data, ticks, n = _empty(info, min(room, left)), np.empty(min(room, left), np.int64), 0
        for row in rows:
            left -= int(row["n_samples"])
            piece = self._decode(row, channels)
            if piece is None:
                continue
            piece_ticks, piece_data = piece
            done, stop = np.searchsorted(piece_ticks, (start_tick, stop_tick), "left").tolist()
            while done < stop:
                take = min(stop - done, len(ticks) - n)
                ticks[n : n + take] = piece_ticks[done : done + take]
                data[n : n + take] = piece_data[done : done + take]
                n, done = n + take, done + take
                if n == len(ticks) and (done < stop or left):
                    yield Samples(info, ticks, data)
                    size = min(room, stop - done + left)
                    data, ticks, n = _empty(info, size), np.empty(size, np.int64), 0
        if n or max_bytes is None:
            yield Samples(info, ticks[:n], data[:n])

    def _decode(self, row: Any, channels: NDArray[np.int64] | None) -> tuple[NDArray[np.int64], NDArray[Any]] | None:
        """Ticks and samples of a frame; None, and a problem more, when it turns out damaged."""
        info, header = self.info, header_of_row(row)
        n = header.n_samples
        try:
            payload = self._files.payload(Found(int(row["segment"]), int(row["offset"]), header))
            if payload is None:
                raise DamagedPayloadError("its checksum disagrees")
            packed_channels = channels if info.packed else None
            ticks, rows = self._decoder.decode(
                header.codec, payload, n, info.sample_bytes, not info.regular, packed_channels
            )
            if ticks is None:
                ticks = header.first_tick + (info.ticks_per_sample or 0) * np.arange(n, dtype=np.int64)
            elif (ticks[0], ticks[-1]) != (header.first_tick, header.last_tick) or (np.diff(ticks) < 0).any():
                raise DamagedPayloadError("its ticks disagree with its header")
        except DamagedPayloadError as error:
            self._drop(row, str(error))
            return None
        except OSError as error:
            if error.errno != errno.EIO:
                raise storage_error(
                    f"asked to read stream {info.name!r} in {self._files.folder.parent}", error
                ) from error
            self._drop(row, "the disk cannot read it")
            return None
        if info.packed:
            return ticks, rows
        data = rows.reshape(-1).view(info.dtype).reshape(n, *info.shape)
        return ticks, data if channels is None else data[:, channels]

    def _drop(self, row: Any, reason: str) -> None:
        at = np.flatnonzero((self._rows["segment"] == row["segment"]) & (self._rows["offset"] == row["offset"]))
        if not len(at):
            return
        self._rows = np.delete(self._rows, at)
        start, stop = int(row["first_tick"]), int(stop_tick_of(row["last_tick"], self.info))
        self._lost.append((start, stop))
        self.problems.append(
            f"{self.info.name}: a frame is damaged ({reason}) and left out, ticks [{start}, {stop}) are lost "
            f"(segment {row['segment']:06d}, byte {row['offset']})"
        )

    def close(self) -> None:
        self._files.close()


def _empty(info: StreamInfo, n_samples: int) -> NDArray[Any]:
    return np.empty((n_samples, *info.shape), info.dtype)
