"""How fast recordings are exported, in MB of native (raw, uncompressed) data a second, against reading them alone.

    python tests/bench/bench_export.py [--mb 200] [--formats nwb hdf5 ...] [--rounds 3] [--folder DIR] [--profile nwb]

The recording: every node of a 6502 (the trace of the shared reference data, repeated, where it is there; a Markov
process with as many toggles otherwise), a bus, electrodes at every fourth tick, a screen every 39,824 ticks. Formats
whose size explodes (csv) are best measured with fewer MB. Each round reads, then writes each format in this process,
without the worker's start and the check afterwards; the middle round is told. The compressors have one thread.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import resource
import shutil
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rig.export.formats import FORMATS
from rig.export.source import Cut
from rig.header import SessionHeader
from rig.probe import Probe
from rig.spikes import SpikeDetector
from rig.storage.recorder import Recorder
from rig.storage.recording import Recording
from rig.streams import Chunk, StreamInfo, StreamKind
from rig.subject import SubjectInfo
from rig.units import UnitTable

N_NODES = 1704
FRAME_TICKS = 39_824
CHUNK_TICKS = 20_000
BUS = np.dtype(
    [("address", "<u2"), ("data", "u1"), ("rw", "u1"), ("sync", "u1"), ("a", "u1"), ("x", "u1"), ("y", "u1")]
)
TRACE = Path(__file__).resolve().parents[3] / "shared" / "data" / "mos6502" / "trace_p0.npz"


def nodes() -> tuple[str, NDArray[np.uint8]]:
    """CHUNK_TICKS rows of packed bits, and where they are from."""
    if TRACE.is_file():
        with np.load(TRACE) as trace:
            bits = np.unpackbits(trace["states"][:CHUNK_TICKS], axis=1, bitorder="little")[:, :1725]
            bits, source = bits[:, trace["node_exists"]], "6502 trace, repeated"
    else:
        rng = np.random.default_rng(0)
        period = 2 ** rng.integers(1, 12, N_NODES)  # some nodes toggle with every clock, most seldom
        bits = (np.cumsum(rng.random((CHUNK_TICKS, N_NODES)) < 1 / period, axis=0) & 1).astype(np.uint8)
        source = "Markov process"
    return source, np.packbits(bits, axis=1, bitorder="little")


def make_recording(path: Path, n_bytes: int) -> tuple[str, int]:
    """Record about n_bytes; where the nodes are from, and the raw bytes."""
    source, rows = nodes()
    rng = np.random.default_rng(1)
    probe = Probe("A", tuple((500.0 * i, 1000.0, 0.0) for i in range(8)))
    ids = np.arange(N_NODES)
    xyz = np.asarray(probe.electrodes, np.float32)
    streams = (
        StreamInfo("nodes", "", StreamKind.UNITS, np.dtype("u1"), (rows.shape[1],), 1, unit_ids=ids, packed=True),
        StreamInfo("bus", "", StreamKind.BUS, BUS, (), 1),
        StreamInfo(
            "electrodes", "", StreamKind.FIELD, np.dtype("<f4"), (8,), 4,
            channel_names=probe.channel_names, channel_xyz=xyz,
        ),
        StreamInfo("screen", "", StreamKind.IMAGE, np.dtype("u1"), (210, 160), None),
    )  # fmt: skip
    subject = SubjectInfo("bench", "bench", "", "", "", "half-cycle", 2386363.6, "um")
    units = UnitTable.build(
        ids, [f"n{i}" for i in ids], x=rng.uniform(0, 9000, N_NODES), y=rng.uniform(0, 9000, N_NODES)
    )
    header = SessionHeader("bench", 0, subject, units, streams, (probe,), 0, time.time(), {})
    raw_bytes, tick = 0, 0
    bus = np.zeros(CHUNK_TICKS, BUS)
    for field in BUS.names or ():
        bus[field] = np.repeat(rng.integers(0, 256, CHUNK_TICKS // 4), 4)
    with Recorder(path, header) as recorder:
        while raw_bytes < n_bytes:
            chunks = [
                Chunk("nodes", tick, rows),
                Chunk("bus", tick, bus),
                Chunk("electrodes", tick, rng.normal(size=(CHUNK_TICKS // 4, 8)).astype("<f4")),
            ]
            if tick // FRAME_TICKS < (tick + CHUNK_TICKS) // FRAME_TICKS:
                at = np.array([(tick // FRAME_TICKS + 1) * FRAME_TICKS - 1], np.int64)
                picture = np.repeat(rng.integers(0, 128, (1, 210, 8), np.uint8), 20, axis=2)
                chunks.append(Chunk("screen", int(at[0]), picture, at))
            for chunk in chunks:
                recorder.write(chunk)
                raw_bytes += chunk.data.nbytes
            tick += CHUNK_TICKS
    return source, raw_bytes


def read_all(cut: Cut) -> float:
    began_s = time.perf_counter()
    for stream in cut.streams:
        for _ in cut.blocks(stream):
            pass
    return time.perf_counter() - began_s


def write(name: str, cut: Cut, folder: Path) -> tuple[float, int]:
    """Seconds, and bytes of the export."""
    path = folder / f"out{FORMATS[name].suffix}"
    began_s = time.perf_counter()
    FORMATS[name].write(cut, path, lambda fraction: None)
    wall_s = time.perf_counter() - began_s
    if path.is_dir():
        n_bytes = sum(p.stat().st_size for p in path.rglob("*") if p.is_file())
        shutil.rmtree(path)
    else:
        n_bytes = path.stat().st_size
        path.unlink()
    return wall_s, n_bytes


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--mb", type=int, default=200)
    parser.add_argument("--formats", nargs="+", default=["nwb", "hdf5", "npz", "parquet", "open-ephys"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--profile", metavar="FORMAT")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=asked.folder) as name:
        folder = Path(name)
        source, raw_bytes = make_recording(folder / "bench.rig", asked.mb * 1_000_000)
        with Recording.open(folder / "bench.rig") as recording:
            cut = Cut.of(recording)
            detector = SpikeDetector(recording.streams["nodes"])
            n_spikes = sum(int(detector.counts(block).sum()) for block in cut.blocks("nodes"))
            print(f"{raw_bytes / 1e6:.0f} MB native, {n_spikes / 1e6:.1f} M spikes ({source})")
            if asked.profile:
                profile = cProfile.Profile()
                profile.runcall(write, asked.profile, cut, folder)
                pstats.Stats(profile).sort_stats("tottime").print_stats(20)
                return
            read_s: list[float] = []
            wrote: dict[str, list[tuple[float, int]]] = {f: [] for f in asked.formats}
            for _ in range(asked.rounds):
                read_s.append(read_all(cut))
                for name in asked.formats:
                    wrote[name].append(write(name, cut, folder))
            reference = statistics.median(read_s)
            print(f"{'reading alone':14} {raw_bytes / 1e6 / reference:7.0f} MB/s   1.000")
            for name, rounds in wrote.items():
                wall_s = statistics.median(wall for wall, _ in rounds)
                print(
                    f"{name:14} {raw_bytes / 1e6 / wall_s:7.1f} MB/s   {reference / wall_s:.3f} of reading"
                    f"   {rounds[0][1] / 1e6:7.0f} MB written"
                )
            print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
