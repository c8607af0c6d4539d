"""Small recordings to write, damage and read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from rig.header import SessionHeader
from rig.storage.recorder import Recorder
from rig.streams import Chunk, StreamInfo, StreamKind
from rig.subject import SubjectInfo
from rig.units import Outlines, UnitTable

BUS = np.dtype([("address", "<u2"), ("data", "u1"), ("flags", "u1", (2,))])
N_UNITS = 20


def layouts() -> tuple[StreamInfo, ...]:
    """One stream of each sort: packed bits, graded, structured, irregular."""
    ids = np.arange(100, 100 + N_UNITS, dtype=np.int64)
    return (
        StreamInfo("nodes", "bits", StreamKind.UNITS, np.dtype("u1"), (3,), 1, ids, packed=True),
        StreamInfo("lfp", "graded", StreamKind.FIELD, np.dtype("<f4"), (2,), 5, physical_unit="uV"),
        StreamInfo("bus", "structured", StreamKind.BUS, BUS, (), 2),
        StreamInfo("screen", "irregular", StreamKind.IMAGE, np.dtype("u1"), (4, 3), None),
    )


def header(streams: Sequence[StreamInfo], start_tick: int = 0) -> SessionHeader:
    subject = SubjectInfo("test", "test", "a test", "none", "none", "tick", 1000.0, "um", {"key": "value"}, "abc")
    outlines = Outlines(
        np.arange(8, dtype=np.float32).reshape(4, 2), np.array([0, 4]), np.array([101]), np.zeros(1, np.uint8)
    )
    units = UnitTable.build(np.arange(100, 100 + N_UNITS), [f"u{i}" for i in range(N_UNITS)], outlines=outlines)
    return SessionHeader("test", 7, subject, units, tuple(streams), (), start_tick, 1.5e9, {"headstage": "0"})


def samples(info: StreamInfo, n: int, seed: int = 0) -> np.ndarray:
    """n samples of a stream, any bits; the same for the same seed."""
    raw = np.random.default_rng(seed).integers(0, 256, (n, info.sample_bytes), np.uint8)
    if info.dtype.kind == "f":
        raw[...] = (
            np.random.default_rng(seed).normal(size=(n, *info.shape)).astype(info.dtype).reshape(n, -1).view("u1")
        )
    return raw.reshape(-1).view(info.dtype).reshape(n, *info.shape)


def written(path: Path, n_rounds: int, *, closed: bool = True) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Record `n_rounds` frames of 20 ticks a stream; returns stream → (ticks, data). Not closed: left as by a kill."""
    streams = layouts()
    truth: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    steps = {"nodes": 1, "lfp": 5, "bus": 2, "screen": 4}
    for seed, info in enumerate(streams):
        n = n_rounds * 20 // steps[info.name]
        truth[info.name] = (np.arange(n) * steps[info.name], samples(info, n, seed))
    recorder = Recorder(path, header(streams), sync_interval_s=1e6)
    for k in range(n_rounds):
        for info in streams:
            ticks, data = truth[info.name]
            part = slice(k * len(ticks) // n_rounds, (k + 1) * len(ticks) // n_rounds)
            own = None if info.regular else ticks[part]
            recorder.write(Chunk(info.name, int(ticks[part][0]), data[part], own))
        recorder.sync()
    recorder.close("done")
    if not closed:
        for leftover in [path / "closed.json", *path.glob("*/frames.index")]:
            leftover.unlink()
    return truth


@pytest.fixture(scope="session")
def make_layouts() -> Callable[[], tuple[StreamInfo, ...]]:
    return layouts


@pytest.fixture(scope="session")
def make_header() -> Callable[..., SessionHeader]:
    return header


@pytest.fixture(scope="session")
def make_samples() -> Callable[..., np.ndarray]:
    return samples


@pytest.fixture(scope="session")
def make_recording() -> Callable[..., dict[str, tuple[np.ndarray, np.ndarray]]]:
    return written
