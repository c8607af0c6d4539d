"""The index of a stream's frames: from its sidecar where that fits, rebuilt by a scan where not; and what is lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rig.storage.layout import INDEX_FILE
from rig.storage.segment import HEADER_BYTES, ROW_DTYPE, pack_row, parse_index, plausible_rows
from rig.storage.segment_reader import Found, Lost, SegmentFiles
from rig.streams import StreamInfo

Interval = tuple[int, int]


@dataclass(frozen=True, eq=False)
class FrameIndex:
    """The frames of one stream that can be read.

    Attributes
    ----------
    rows : (n_frames,) `ROW_DTYPE`, in order of ticks
    lost : intervals of ticks in which damage took samples
    problems : one line each
    """

    rows: NDArray[Any]
    lost: tuple[Interval, ...]
    problems: tuple[str, ...]


def build_index(files: SegmentFiles, info: StreamInfo, tag: int) -> FrameIndex:
    """Index a stream.

    Every header is checked, or the sidecar that copies them; the payloads are checked in the last segment here, in the
    others when they are read. Raises OSError.
    """
    sizes = files.sizes_bytes()
    promised = _read_sidecar(files, sum(sizes.values()), tag)
    problems = [f"{info.name}: segment {n:06d} is missing" for n in _missing_numbers(sizes, promised)]
    fits = promised is not None and _fits(promised, sizes, info)
    last = max(sizes, default=-1)
    pieces: list[Found | Lost] = []
    for segment, size in sizes.items():
        if segment == last or not fits:
            pieces += files.scan(segment, size, thorough=segment == last)
    found = np.frombuffer(
        b"".join(pack_row(p.segment, p.offset, p.header) for p in pieces if isinstance(p, Found)), ROW_DTYPE
    )
    if promised is not None and fits:
        found = np.concatenate([promised[promised["segment"] != last], found])
    rows, disorder = _in_order(found, info)
    problems += disorder
    if promised is None:
        lost, lines = _losses_by_neighbours(pieces, rows, info)
    else:
        lost, lines = _losses_by_promise(promised, rows, info)
        if not lost:  # bytes too many
            lines = [_describe(info, piece, []) for piece in pieces if isinstance(piece, Lost)]
    return FrameIndex(rows, tuple(lost), tuple(problems + lines))


def stop_tick_of(last_tick: Any, info: StreamInfo) -> Any:
    """The tick behind the samples that end with this stamp; for arrays too."""
    return last_tick + (info.ticks_per_sample or 1)


def _read_sidecar(files: SegmentFiles, segment_bytes: int, tag: int) -> NDArray[Any] | None:
    path = files.folder / INDEX_FILE
    if not path.is_file() or path.is_symlink():
        return None
    if path.stat().st_size > 4096 + 4 * segment_bytes:  # more than frames without samples would need
        return None
    return parse_index(path.read_bytes(), tag)


def _missing_numbers(sizes: dict[int, int], promised: NDArray[Any] | None) -> list[int]:
    expected = set() if promised is None else set(np.unique(promised["segment"]).tolist())
    if sizes:
        # numbers come from file names: a stray 999999.seg must not list a million others
        numbers = [-1, *sizes]
        expected |= {b - 1 for a, b in pairwise(numbers) if b - a > 1}
    return sorted(expected - set(sizes))


def _fits(rows: NDArray[Any], sizes: dict[int, int], info: StreamInfo) -> bool:
    """Whether a sidecar describes just these segments."""
    if not len(rows):
        return not sizes
    end = rows["offset"] + rows["length_bytes"] + np.uint64(HEADER_BYTES)
    starts = np.flatnonzero(np.append(True, np.diff(rows["segment"].astype(np.int64)) != 0))
    follows = np.append(np.uint64(0), end[:-1])
    follows[starts] = 0
    lasts = np.append(starts[1:] - 1, len(rows) - 1)
    return (
        bool((follows == rows["offset"]).all())
        and dict(zip(rows["segment"][lasts].tolist(), end[lasts].tolist(), strict=True)) == sizes
        and plausible_rows(rows, info)
    )


def _in_order(rows: NDArray[Any], info: StreamInfo) -> tuple[NDArray[Any], list[str]]:
    """Leave out frames that go back in time."""
    limit = stop_tick_of(rows["last_tick"], info) if info.regular else rows["last_tick"]
    if len(rows) < 2 or (rows["first_tick"][1:] >= limit[:-1]).all():
        return rows, []
    keep: list[int] = []
    problems: list[str] = []
    for i, row in enumerate(rows):
        if keep and row["first_tick"] < limit[keep[-1]]:
            stop = stop_tick_of(row["last_tick"], info)
            problems.append(
                f"{info.name}: a frame of ticks [{row['first_tick']}, {stop}) lies behind later ones and is left out "
                f"(segment {row['segment']:06d}, byte {row['offset']})"
            )
        else:
            keep.append(i)
    return rows[keep], problems


def _losses_by_neighbours(
    pieces: Sequence[Found | Lost], rows: NDArray[Any], info: StreamInfo
) -> tuple[list[Interval], list[str]]:
    """What is missing, judged by the frames around it: there is no sidecar to tell."""
    lost: list[Interval] = []
    lines: list[str] = []
    for i, piece in enumerate(pieces):
        if isinstance(piece, Found):
            continue
        before = next((p for p in reversed(pieces[:i]) if isinstance(p, Found)), None)
        after = next((p for p in pieces[i + 1 :] if isinstance(p, Found)), None)
        if piece.header is not None:
            start: int | None = piece.header.first_tick
        else:
            start = None if before is None else stop_tick_of(before.header.last_tick, info)
        if after is not None and (info.regular or piece.header is None):
            stop: int | None = after.header.first_tick
        else:
            stop = None if piece.header is None else stop_tick_of(piece.header.last_tick, info)
        if start is None or stop is None:
            lines.append(_describe(info, piece, None, start))
        else:
            intervals = _without(start, stop, rows, info)
            lost += intervals
            lines.append(_describe(info, piece, intervals))
    return lost, lines


def _losses_by_promise(
    promised: NDArray[Any], rows: NDArray[Any], info: StreamInfo
) -> tuple[list[Interval], list[str]]:
    """What is missing of the frames that the sidecar lists."""
    identity = ["first_tick", "last_tick", "n_samples", "payload_crc32"]
    missing = np.flatnonzero(~np.isin(promised[identity].copy(), rows[identity].copy()))
    runs = np.split(missing, np.flatnonzero(np.diff(missing) > 1) + 1) if len(missing) else []
    lost = [
        (int(promised["first_tick"][run[0]]), int(stop_tick_of(promised["last_tick"][run[-1]], info))) for run in runs
    ]
    return lost, [f"{info.name}: damaged frames are left out, ticks [{a}, {b}) are lost" for a, b in lost]


def _without(start: int, stop: int, rows: NDArray[Any], info: StreamInfo) -> list[Interval]:
    """An interval less the ticks of the frames that are there."""
    low = int(np.searchsorted(rows["last_tick"], start, "left"))
    high = int(np.searchsorted(rows["first_tick"], stop, "left"))
    left: list[Interval] = []
    for row in rows[low:high]:
        if start < int(row["first_tick"]):
            left.append((start, int(row["first_tick"])))
        start = max(start, int(stop_tick_of(row["last_tick"], info)))
    return [*left, (start, stop)] if start < stop else left


def _describe(info: StreamInfo, piece: Lost, intervals: list[Interval] | None, start: int | None = None) -> str:
    where = f"segment {piece.segment:06d}, bytes {piece.start} to {piece.stop}"
    what = "the last frame was torn and is dropped" if piece.torn else "a damaged stretch is left out"
    if intervals:
        ticks = f"ticks [{intervals[0][0]}, {intervals[-1][1]}) are lost"
    elif intervals is None and start is not None:
        ticks = f"ticks from {start} on are lost"
    elif intervals is None:
        ticks = "how much is lost is not known"
    else:
        ticks = "no samples are lost"
    return f"{info.name}: {what}, {ticks} ({where})"
