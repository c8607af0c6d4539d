"""Whatever is recorded, however it is cut into chunks, is read back bit for bit."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rig.header import SessionHeader
from rig.storage.recorder import Recorder
from rig.storage.recording import Recording
from rig.streams import Chunk, StreamInfo, StreamKind

DTYPES = [
    "u1",
    "<i2",
    ">u4",
    "<f4",
    "<f8",
    "<c8",
    "?",
    "<M8[us]",
    "S3",
    [("a", "<u2"), ("b", "u1")],
    [("x", "<f4", (2, 2)), ("on", "?"), ("y", "<i8")],
]


@dataclass
class Take:
    """One stream, what it gave, and the chunks that it came in."""

    info: StreamInfo
    ticks: np.ndarray
    data: np.ndarray
    chunks: list[Chunk]


@st.composite
def takes(draw: st.DrawFn, name: str) -> Take:
    packed = draw(st.booleans())
    regular = draw(st.booleans())
    step = draw(st.integers(1, 1000)) if regular else None
    ids = None
    if packed:
        ids = np.cumsum(draw(st.lists(st.integers(1, 9), min_size=1, max_size=70))).astype(np.int64)
        dtype, shape = np.dtype("u1"), ((len(ids) + 7) // 8,)
    else:
        spec = draw(st.sampled_from(DTYPES))
        dtype, shape = np.dtype(spec), tuple(draw(st.lists(st.integers(1, 4), max_size=3)))
        if shape and draw(st.booleans()):
            ids = np.arange(7, 7 + shape[0], dtype=np.int64)
    info = StreamInfo(name, "", StreamKind.VALUES, dtype, shape, step, ids, packed)
    lengths = draw(st.lists(st.integers(0, 40), max_size=12))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    n = sum(lengths)
    if draw(st.booleans()):
        raw = rng.integers(0, 256, (n, info.sample_bytes), np.uint8)
    else:
        raw = np.repeat(rng.integers(0, 2, (n, 1), np.uint8), info.sample_bytes, axis=1)
    if packed and ids is not None:  # bits beyond the last channel are 0
        raw[:, -1] &= 0xFF >> -len(ids) % 8
    data: np.ndarray = raw.reshape(-1).view(dtype).reshape(n, *shape)
    chunks, ticks, at = [], np.empty(n, np.int64), 0
    tick = draw(st.integers(0, 1 << 40)) * (step or 1)
    for length in lengths:
        part = slice(at, at + length)
        if step is not None:
            tick += step * draw(st.sampled_from([0, 0, 0, 1, 50]))  # gaps, now and then
            ticks[part] = tick + step * np.arange(length)
            chunks.append(Chunk(name, tick, data[part]))
            tick += step * length
        else:
            ticks[part] = tick + np.cumsum(rng.integers(0, 5, length))
            chunks.append(Chunk(name, int(ticks[at]) if length else tick, data[part], ticks[part]))
            tick = int(ticks[at + length - 1]) if length else tick
        at += length
    return Take(info, ticks, data, chunks)


def same(a: np.ndarray, b: np.ndarray) -> bool:
    """Equal in dtype, shape and every bit (NaNs are equal to themselves)."""
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def expected_gaps(take: Take) -> list[tuple[int, int]]:
    step = take.info.ticks_per_sample
    if step is None:
        return []
    return [(int(a) + step, int(b)) for a, b in zip(take.ticks, take.ticks[1:], strict=False) if b - a > step]


def chosen_channels(take: Take, unit_ids: Any) -> np.ndarray:
    """The samples of some units, made from the whole by numpy alone."""
    wanted = np.isin(take.info.unit_ids, unit_ids)
    if not take.info.packed:
        return take.data[:, wanted]
    bits = np.unpackbits(take.data, axis=1, bitorder="little")[:, : len(wanted)]
    return np.packbits(bits[:, wanted], axis=1, bitorder="little")


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_recording_and_reading_is_the_identity(make_header: Callable[..., SessionHeader], data: st.DataObject) -> None:
    recorded = [data.draw(takes(name)) for name in "abc"[: data.draw(st.integers(1, 3))]]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.rig"
        first_tick = min((int(t.ticks[0]) for t in recorded if len(t.ticks)), default=0)
        recorder = Recorder(
            path,
            make_header([t.info for t in recorded], first_tick),
            sync_interval_s=data.draw(st.sampled_from([1e-4, 0.1])),
            segment_bytes=data.draw(st.sampled_from([1, 500, 64 << 20])),
        )
        queues = [list(t.chunks) for t in recorded]
        while any(queues):
            queue = data.draw(st.sampled_from([q for q in queues if q]))
            recorder.write(queue.pop(0))
            if data.draw(st.integers(0, 9)) == 0:
                recorder.sync()
        recorder.close()
        if data.draw(st.booleans()):
            for sidecar in path.glob("*/frames.index"):
                sidecar.unlink()
        with Recording.open(path) as recording:
            assert recording.problems == ()
            assert recording.start_tick == first_tick
            for take in recorded:
                check(recording, take, data)
            assert recording.problems == ()


def check(recording: Recording, take: Take, data: st.DataObject) -> None:
    name, n = take.info.name, len(take.ticks)
    extent = recording.extent(name)
    assert extent.n_samples == n
    if n:
        step = take.info.ticks_per_sample or 1
        assert (extent.start_tick, extent.stop_tick) == (take.ticks[0], take.ticks[-1] + step)
    assert list(recording.gaps(name)) == expected_gaps(take)
    whole = recording.read(name)
    assert same(whole.data, take.data)
    assert same(whole.ticks, take.ticks)
    # any stretch
    bounds = st.integers(recording.start_tick, recording.stop_tick)
    if n:
        bounds |= st.sampled_from(take.ticks.tolist())
    start, stop = sorted((data.draw(bounds), data.draw(bounds)))
    inside = (take.ticks >= start) & (take.ticks < stop)
    part = recording.read(name, start, stop)
    assert same(part.ticks, take.ticks[inside])
    assert same(part.data, take.data[inside])
    # some units, in blocks
    unit_ids = None
    expected = take.data
    if take.info.unit_ids is not None:
        unit_ids = data.draw(st.lists(st.sampled_from(take.info.unit_ids.tolist()), min_size=1, unique=True))
        expected = chosen_channels(take, unit_ids)
    max_bytes = data.draw(st.sampled_from([1, 100, 32 << 20]))
    blocks = list(recording.blocks(name, start, stop, unit_ids, max_bytes))
    for block in blocks:
        assert len(block) > 0
        assert block.data.nbytes + block.ticks.nbytes <= max_bytes or len(block) == 1
        assert block.info.sample_bytes * len(block) == block.data.nbytes
    chosen = np.ascontiguousarray(expected[inside])
    assert sum(len(b) for b in blocks) == len(chosen)
    assert all(b.data.dtype == chosen.dtype and b.data.shape[1:] == chosen.shape[1:] for b in blocks)
    assert b"".join(b.data.tobytes() for b in blocks) == chosen.tobytes()
    assert b"".join(b.ticks.tobytes() for b in blocks) == take.ticks[inside].tobytes()
