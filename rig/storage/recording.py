"""A recording, opened to be read. Nothing is loaded before it is asked for, but the header, the log and the index."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType, TracebackType

import numpy as np
from numpy.typing import NDArray

from rig.errors import FormatError, TickError, UnknownUnitError
from rig.header import SessionHeader
from rig.log import LogEntry
from rig.probe import Probe
from rig.storage.frame_index import Interval
from rig.storage.header_file import read_end, read_header
from rig.storage.log_file import read_log
from rig.storage.snapshot_file import StoredSnapshot, read_snapshot, snapshot_ticks
from rig.storage.stream_reader import Extent, StreamReader
from rig.streams import Samples, StreamInfo
from rig.units import UnitTable

__all__ = ["Extent", "Recording", "StoredSnapshot"]

UnitIds = NDArray[np.int64] | Sequence[int] | None


class Recording:
    """The folder ``NAME.rig``; make one with `Recording.open`. Also a context manager.

    Attributes
    ----------
    path : the folder
    header : what it says of itself
    log : the command log, in order
    end_reason : why it was closed; None where it was not: whoever wrote it died, or still writes
    """

    def __init__(
        self,
        path: Path,
        header: SessionHeader,
        log: tuple[LogEntry, ...],
        end_reason: str | None,
        readers: Mapping[str, StreamReader],
        problems: Sequence[str],
    ) -> None:
        self.path = path
        self.header = header
        self.log = log
        self.end_reason = end_reason
        self._readers = dict(readers)
        self._problems = list(problems)
        self.streams: Mapping[str, StreamInfo] = MappingProxyType({s.name: s for s in header.streams})

    @classmethod
    def open(cls, path: Path | str) -> Recording:
        """Open a recording, finished or not.

        Raises
        ------
        FormatError : no recording, of another format or version, or its header is damaged.
        StorageError : the disk refuses.
        """
        path = Path(path)
        header, problems = read_header(path)
        log, log_problems = read_log(path)
        problems += log_problems
        readers: dict[str, StreamReader] = {}
        try:
            for info in header.streams:
                readers[info.name] = StreamReader(path / info.name, info, header.created_s)
        except BaseException:
            for reader in readers.values():
                reader.close()
            raise
        end_reason = read_end(path)
        if end_reason is None:
            problems.append("the recording was not closed: whoever wrote it died, or still writes")
        return cls(path, header, log, end_reason, readers, problems)

    @property
    def units(self) -> UnitTable:
        return self.header.units

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong with the files, one line each; damage that is met only when reading is added."""
        return (*self._problems, *(line for reader in self._readers.values() for line in reader.problems))

    @property
    def start_tick(self) -> int:
        """The first tick: of the first sample, or of the header where that is earlier."""
        return min([self.header.start_tick, *(e.start_tick for e in self._extents())])

    @property
    def stop_tick(self) -> int:
        """The tick behind the last sample."""
        return max([self.header.start_tick, *(e.stop_tick for e in self._extents())])

    def extent(self, stream: str) -> Extent:
        """What there is of a stream. Raises UnknownUnitError."""
        return self._reader(stream).extent

    def gaps(self, stream: str) -> tuple[Interval, ...]:
        """Intervals [start, stop) of ticks whose samples are missing, within the extent. Raises UnknownUnitError.

        Of an irregular stream, only what damage took: between its samples there is nothing to miss.
        """
        return self._reader(stream).gaps

    def read(
        self, stream: str, start_tick: int | None = None, stop_tick: int | None = None, unit_ids: UnitIds = None
    ) -> Samples:
        """The samples stamped [start_tick, stop_tick).

        Parameters
        ----------
        stream : name
        start_tick, stop_tick : within the recording; None for its own
        unit_ids : None for all; a packed stream is packed anew

        Raises
        ------
        UnknownUnitError : no such stream or unit. TickError : outside the recording. StorageError : the disk refuses.
        """
        start, stop = self._interval(stream, start_tick, stop_tick)
        (samples,) = self._reader(stream).blocks(start, stop, unit_ids, None)
        return samples

    def blocks(
        self,
        stream: str,
        start_tick: int | None = None,
        stop_tick: int | None = None,
        unit_ids: UnitIds = None,
        max_bytes: int = 32 << 20,
    ) -> Iterator[Samples]:
        """The same samples in order, in pieces of at most max_bytes (at least one sample); for what exceeds the memory.

        Raises
        ------
        UnknownUnitError, TickError : as `read`, at once. StorageError : the disk refuses.
        """
        start, stop = self._interval(stream, start_tick, stop_tick)
        return self._reader(stream).blocks(start, stop, unit_ids, max_bytes)

    def rederive(
        self,
        stream: str,
        unit_ids: UnitIds,
        start_tick: int,
        stop_tick: int,
        probes: Sequence[Probe] = (),
    ) -> Samples:
        """Run [start_tick, stop_tick) again, watching these units. See `rig.rederive.rederive`."""
        from rig.rederive import rederive  # it opens the subject, which reading a recording never needs

        return rederive(self, stream, unit_ids, start_tick, stop_tick, probes)

    @property
    def snapshot_ticks(self) -> tuple[int, ...]:
        """Ticks of the snapshots, ascending."""
        return snapshot_ticks(self.path)

    def snapshot_before(self, tick: int) -> StoredSnapshot | None:
        """The latest intact snapshot taken at this tick or before; None where there is none."""
        for candidate in reversed([t for t in self.snapshot_ticks if t <= tick]):
            try:
                return read_snapshot(self.path, candidate)
            except FormatError as error:
                if str(error) not in self._problems:
                    self._problems.append(str(error))
        return None

    def close(self) -> None:
        """Close the files; reading opens them again."""
        for reader in self._readers.values():
            reader.close()

    def __enter__(self) -> Recording:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _extents(self) -> list[Extent]:
        return [e for e in (reader.extent for reader in self._readers.values()) if e.n_samples]

    def _reader(self, stream: str) -> StreamReader:
        if stream not in self._readers:
            raise UnknownUnitError(
                f"asked for stream {stream!r}; the recording has {', '.join(self._readers) or 'no streams'}"
            )
        return self._readers[stream]

    def _interval(self, stream: str, start_tick: int | None, stop_tick: int | None) -> Interval:
        self._reader(stream)
        first, end = self.start_tick, self.stop_tick
        start = first if start_tick is None else int(start_tick)
        stop = end if stop_tick is None else int(stop_tick)
        if not first <= start <= stop <= end:
            raise TickError(
                f"asked for ticks [{start}, {stop}) of stream {stream!r}; the recording holds [{first}, {end})"
            )
        return start, stop
