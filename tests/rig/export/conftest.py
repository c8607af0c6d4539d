"""A small recording with every kind of stream that an export must know."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rig.header import SessionHeader
from rig.log import LogEntry, LogKind
from rig.perturbation import Perturbation, PerturbationKind, perturbation_to_json
from rig.probe import Probe
from rig.storage.recorder import Recorder
from rig.storage.recording import Recording
from rig.streams import Chunk, Samples, StreamInfo, StreamKind
from rig.subject import SubjectInfo
from rig.units import UnitTable

TICK_HZ = 2386363.6
BUS = np.dtype([("address", "<u2"), ("data", "u1"), ("rw", "u1"), ("sync", "u1"), ("a", "u1")])


@dataclass(frozen=True)
class Extent:
    start_tick: int
    stop_tick: int
    n_samples: int


@dataclass(frozen=True, eq=False)
class MemoryRecording:
    """A recording held in memory: what the exports of a real one are compared with."""

    header: SessionHeader
    data: dict[str, tuple[np.ndarray, np.ndarray]]
    log: tuple[LogEntry, ...]
    problems: tuple[Any, ...] = ()

    @property
    def units(self):
        return self.header.units

    @property
    def streams(self):
        return {s.name: s for s in self.header.streams}

    @property
    def start_tick(self):
        return self.header.start_tick

    @property
    def stop_tick(self):
        ends = [self.header.start_tick]
        for name, (ticks, _) in self.data.items():
            if len(ticks):
                ends.append(int(ticks[-1]) + (self.streams[name].ticks_per_sample or 1))
        return max(ends)

    def extent(self, stream):
        ticks, _ = self.data[stream]
        return Extent(int(ticks[0]), int(ticks[-1]) + 1, len(ticks))

    def gaps(self, stream):
        ticks, k = self.data[stream][0], self.streams[stream].ticks_per_sample
        if k is None:
            return ()
        holes = np.flatnonzero(np.diff(ticks) != k)
        return tuple((int(ticks[i]) + k, int(ticks[i + 1])) for i in holes)

    def read(self, stream, start_tick=None, stop_tick=None, unit_ids=None):
        ticks, data = self.data[stream]
        a = 0 if start_tick is None else int(np.searchsorted(ticks, start_tick))
        b = len(ticks) if stop_tick is None else int(np.searchsorted(ticks, stop_tick))
        whole = self.streams[stream]
        part = Samples(whole, ticks[a:b], data[a:b])
        if unit_ids is None:
            return part
        info, channels = whole.watching(unit_ids), whole.channels_of(unit_ids)
        chosen = part.unpacked()[:, channels]
        return Samples(info, part.ticks, np.packbits(chosen, axis=1, bitorder="little") if whole.packed else chosen)

    def blocks(self, stream, start_tick=None, stop_tick=None, unit_ids=None, max_bytes=32 << 20):
        part = self.read(stream, start_tick, stop_tick, unit_ids)
        n = max(1, max_bytes // max(part.info.sample_bytes, 1))
        for i in range(0, len(part), n):
            yield Samples(part.info, part.ticks[i : i + n], part.data[i : i + n])


@dataclass(frozen=True, eq=False)
class Script:
    """What a test recording is to hold."""

    header: SessionHeader
    chunks: tuple[Chunk, ...]
    log: tuple[LogEntry, ...]

    def in_memory(self) -> MemoryRecording:
        data = {}
        for info in self.header.streams:
            parts = [c for c in self.chunks if c.stream == info.name]
            k = info.ticks_per_sample
            ticks = [np.arange(len(c)) * k + c.first_tick if c.ticks is None else c.ticks for c in parts]
            data[info.name] = (
                np.concatenate(ticks) if ticks else np.zeros(0, np.int64),
                np.concatenate([c.data for c in parts]) if parts else np.zeros((0, *info.shape), info.dtype),
            )
        return MemoryRecording(self.header, data, self.log)


def unit_table(n_nodes: int) -> UnitTable:
    rng = np.random.default_rng(5)
    n = n_nodes + 4
    return UnitTable.build(
        unit_id=np.arange(n) * 3 + 2,
        name=[f"n{i}" for i in range(n_nodes)] + [f"t{i}" for i in range(4)],
        region=["alu/adder" if i % 2 else "" for i in range(n)],
        kind=["node"] * n_nodes + ["transistor"] * 4,
        x=rng.uniform(0, 5000, n),
        y=rng.uniform(0, 5000, n),
        extra={"pull_up": np.arange(n) % 3 == 0, "layer": np.array(["metal"] * n)},
    )


def streams_of(units: UnitTable, n_nodes: int, probe: Probe) -> tuple[StreamInfo, ...]:
    node_ids = units.unit_id[:n_nodes]
    return (
        StreamInfo(
            "nodes", "level of each node", StreamKind.UNITS, np.dtype("u1"), ((n_nodes + 7) // 8,), 1,
            unit_ids=node_ids, packed=True,
        ),
        StreamInfo("bus", "what the pins carry", StreamKind.BUS, BUS, (), 1),
        StreamInfo("ram", "the 16 bytes", StreamKind.VALUES, np.dtype("u1"), (16,), None),
        StreamInfo(
            "screen", "the picture", StreamKind.IMAGE, np.dtype("u1"), (21, 16), None,
            palette=np.arange(384, dtype=np.uint8).reshape(128, 3),
        ),
        StreamInfo(
            "electrodes", "Gaussian-weighted switching", StreamKind.FIELD, np.dtype("<f4"), (3,), 4,
            channel_names=probe.channel_names, channel_xyz=np.asarray(probe.electrodes, np.float32),
        ),
        StreamInfo(
            "potential", "graded units", StreamKind.UNITS, np.dtype("<f4"), (5,), 2, unit_ids=node_ids[:5],
            physical_unit="mV",
        ),
    )  # fmt: skip


def perturbations_of(units: UnitTable, start: int) -> tuple[Perturbation, ...]:
    a, b, c = (int(u) for u in units.unit_id[[1, 4, 8]])
    return (
        Perturbation(PerturbationKind.SILENCE, (a, b), start + 10, start + 60, label="train 1"),
        Perturbation(PerturbationKind.DRIVE, (b, c), start + 20),
        Perturbation(PerturbationKind.RELEASE, (c,), start + 90),
        Perturbation(PerturbationKind.STUCK_ON, (int(units.unit_id[-1]),), start + 30, label="lesion, with a comma"),
    )


def log_entries(given: Sequence[Perturbation], start: int, n_ticks: int) -> tuple[LogEntry, ...]:
    payloads: list[tuple[int, LogKind, dict[str, Any]]] = [
        (0, LogKind.RESET, {"seed": 7}),
        (start, LogKind.WATCH, {"stream": "nodes", "unit_ids": None}),
        *((p.start_tick, LogKind.PERTURB, perturbation_to_json(p)) for p in given),
        (start + 25, LogKind.CONTROL, {"name": "fire", "value": True}),
        (start + 40, LogKind.CONTROL, {"name": "fire", "value": False}),
        (start + 41, LogKind.NOTE, {"text": 'the ship moved µ, "left"\nand stopped'}),
        (start + n_ticks // 2, LogKind.MARK, {"number": 3}),
        (start + n_ticks // 2 + 1, LogKind.WARNING, {"text": "11 minutes of space left"}),
    ]
    return tuple(LogEntry(i, t, 1.7e9 + i / 8, k, p) for i, (t, k, p) in enumerate(payloads))


def make_script(
    n_ticks: int = 3000,
    n_nodes: int = 37,
    n_frames: int = 30,
    start_tick: int = 1000,
    gap: tuple[int, int] | None = None,
    tick_hz: float = TICK_HZ,
    seed: int = 11,
    perturbations: Sequence[Perturbation] | None = None,
    more: Sequence[tuple[StreamInfo, Chunk]] = (),
) -> Script:
    """Random activity. start_tick a multiple of 4; gap: ticks [start, stop), multiples of 4, that are missing."""
    rng = np.random.default_rng(seed)
    units = unit_table(n_nodes)
    probe = Probe("A", ((100.0, 200.0, 0.0), (300.0, 250.0, 0.0), (900.0, 50.0, 0.0)), sigma=500.0)
    streams = (*streams_of(units, n_nodes, probe), *(info for info, _ in more))
    info = SubjectInfo(
        "MOS 6502 / test", "microprocessor", "A processor that is none", "made here", "MIT", "half-cycle", tick_hz,
        "um", {"cartridge": "none"}, "f00d",
    )  # fmt: skip
    header = SessionHeader("fake", 7, info, units, streams, (probe,), start_tick, 1.7e9, {"headstage": "0.1.0"})
    spans = [(start_tick, start_tick + n_ticks)]
    if gap is not None:
        spans = [(start_tick, gap[0]), (gap[1], start_tick + n_ticks)]
    chunks: list[Chunk] = []
    for first, stop in spans:
        n = stop - first
        on = (rng.random((n, n_nodes)) < rng.uniform(0.02, 0.98, n_nodes)).astype(np.uint8)
        chunks.append(Chunk("nodes", first, np.packbits(on, axis=1, bitorder="little")))
        bus = np.zeros(n, BUS)
        for field in BUS.names or ():
            bus[field] = rng.integers(0, np.iinfo(BUS[field]).max, n, endpoint=True)
        chunks.append(Chunk("bus", first, bus))
        chunks.append(Chunk("electrodes", first, rng.normal(size=(n // 4, 3)).astype("<f4")))
        chunks.append(Chunk("potential", first, rng.normal(size=(n // 2, 5)).astype("<f4")))
    frames = np.sort(rng.choice(np.arange(start_tick, start_tick + n_ticks), n_frames, replace=False)).astype(np.int64)
    if gap is not None:
        frames = frames[(frames < gap[0]) | (frames >= gap[1])]
    for name, shape in (("ram", (16,)), ("screen", (21, 16))):
        data = rng.integers(0, 128, (len(frames), *shape), dtype=np.uint8)
        chunks.append(Chunk(name, int(frames[0]), data, frames))
    chunks += [chunk for _, chunk in more]
    given = perturbations_of(units, start_tick) if perturbations is None else perturbations
    return Script(header, tuple(chunks), log_entries(given, start_tick, n_ticks))


@dataclass(frozen=True, eq=False)
class Recorded:
    """A recording on disk, and in memory what was put into it."""

    disk: Recording
    memory: MemoryRecording


@pytest.fixture
def record(tmp_path: Path) -> Iterator[Callable[..., Recorded]]:
    """Writes a script with the real recorder; arguments as `make_script`."""
    opened: list[Recording] = []

    def record(**options: Any) -> Recorded:
        script = make_script(**options)
        path = tmp_path / f"run{len(opened)}.rig"
        with Recorder(path, script.header) as recorder:
            for entry in script.log:
                recorder.log(entry)
            for chunk in script.chunks:
                recorder.write(chunk)
        opened.append(Recording.open(path))
        return Recorded(opened[-1], script.in_memory())

    yield record
    for recording in opened:
        recording.close()
