"""How fast recordings are written and read, against plain files and HDF5 in the same run.

    python tests/bench/bench_recorder.py [--mb 1000] [--folder DIR] [--rounds 3]

Packed bits: the 6502 trace of the shared reference data, repeated, where it is there; a Markov process with as many
toggles otherwise. Graded: white noise, which no codec makes smaller. Every writer syncs its file every 100 ms and at
the end. Rounds alternate between the writers, back and forth after one that is thrown away; medians are told.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from rig.header import SessionHeader
from rig.storage.codec import Encoder, codec_of
from rig.storage.recorder import Recorder
from rig.storage.recording import Recording
from rig.storage.segment import samples_per_frame
from rig.streams import Chunk, StreamInfo, StreamKind
from rig.subject import SubjectInfo
from rig.units import UnitTable

N_NODES = 1725
CHUNK_SAMPLES = 5000
SYNC_S = 0.1
TRACE = Path(__file__).resolve().parents[3] / "shared" / "data" / "mos6502" / "trace_p0.npz"


def packed_data(n_bytes: int) -> tuple[str, NDArray[np.uint8]]:
    """Rows of packed bits as a microprocessor gives them, and where they are from."""
    if TRACE.is_file():
        states, source = np.load(TRACE)["states"][:20_000], "6502 trace, repeated"
    else:
        rng = np.random.default_rng(0)
        period = 2 ** rng.integers(1, 12, N_NODES)  # some nodes toggle with every clock, most seldom
        bits = np.cumsum(rng.random((20_000, N_NODES)) < 1 / period, axis=0) & 1
        states, source = np.packbits(bits.astype(np.uint8), axis=1, bitorder="little"), "Markov process"
    return source, np.tile(states, (n_bytes // states.nbytes + 1, 1))


def header(info: StreamInfo) -> SessionHeader:
    subject = SubjectInfo("bench", "bench", "", "", "", "tick", 1.0, "schematic")
    units = UnitTable.build(np.arange(N_NODES), [f"n{i}" for i in range(N_NODES)])
    return SessionHeader("bench", 0, subject, units, (info,), (), 0, time.time(), {})


def write_recording(path: Path, info: StreamInfo, data: NDArray[Any]) -> None:
    with Recorder(path, header(info)) as recorder:
        for i in range(0, len(data), CHUNK_SAMPLES):
            recorder.write(Chunk(info.name, i, data[i : i + CHUNK_SAMPLES]))


def write_plain(path: Path, info: StreamInfo, data: NDArray[Any]) -> None:
    synced_s = time.monotonic()
    with open(path, "wb", buffering=0) as file:
        for i in range(0, len(data), CHUNK_SAMPLES):
            file.write(data[i : i + CHUNK_SAMPLES].data)
            if time.monotonic() - synced_s >= SYNC_S:
                os.fdatasync(file.fileno())
                synced_s = time.monotonic()
        os.fdatasync(file.fileno())


def write_hdf5(path: Path, info: StreamInfo, data: NDArray[Any], **filters: Any) -> None:
    synced_s = time.monotonic()
    with h5py.File(path, "w") as file, open(path, "rb") as same:
        chunks = (samples_per_frame(info), *info.shape)
        dataset = file.create_dataset(
            info.name, (0, *info.shape), info.dtype, maxshape=(None, *info.shape), chunks=chunks, **filters
        )
        for i in range(0, len(data), CHUNK_SAMPLES):
            piece = data[i : i + CHUNK_SAMPLES]
            dataset.resize(i + len(piece), axis=0)
            dataset[i:] = piece
            if time.monotonic() - synced_s >= SYNC_S:
                file.flush()
                os.fdatasync(same.fileno())
                synced_s = time.monotonic()
    with open(path, "rb") as written:
        os.fdatasync(written.fileno())


def race(
    writers: dict[str, Callable[[Path, StreamInfo, NDArray[Any]], None]],
    info: StreamInfo,
    data: NDArray[Any],
    folder: Path,
    rounds: int,
) -> None:
    """Print wall and processor speed of each writer, and the ratio to the second one."""
    wall: dict[str, list[float]] = {name: [] for name in writers}
    cpu: dict[str, list[float]] = {name: [] for name in writers}
    size: dict[str, int] = {}
    for k in range(rounds + 1):
        for name, write in list(writers.items())[:: -1 if k % 2 else 1]:
            path = folder / f"{info.name}-{name.split()[0]}"
            os.sync()
            began, began_cpu = time.perf_counter(), time.process_time()
            write(path, info, data)
            if k:  # the first round only touches memory that the page cache has not had before
                wall[name].append(time.perf_counter() - began)
                cpu[name].append(time.process_time() - began_cpu)
            size[name] = sum(f.stat().st_size for f in path.rglob("*.seg")) if path.is_dir() else path.stat().st_size
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
    reference = list(writers)[1]
    for name in writers:
        mb = data.nbytes / 1e6
        ratio = statistics.median(a / b for a, b in zip(wall[reference], wall[name], strict=True))
        speed, a_core = mb / statistics.median(wall[name]), mb / statistics.median(cpu[name])
        print(
            f"  {name:22s} {speed:7.0f} MB/s   {a_core:7.0f} MB/s a core   {data.nbytes / size[name]:5.2f} : 1"
            f"   {ratio:5.2f} × {reference}"
        )


def bench_codec(info: StreamInfo, data: NDArray[Any]) -> None:
    encoder, codec, n = Encoder(), codec_of(info), samples_per_frame(info)
    rows = data[: 200 * n].reshape(-1).view(np.uint8).reshape(-1, info.sample_bytes)
    began = time.process_time()
    size = sum(piece.nbytes for i in range(0, len(rows), n) for piece in encoder.encode(codec, rows[i : i + n], None))
    took_s = time.process_time() - began
    print(f"  codec alone            {rows.nbytes / took_s / 1e6:7.0f} MB/s a core, {rows.nbytes / size:.2f} : 1")


def bench_reading(info: StreamInfo, data: NDArray[Any], folder: Path) -> None:
    path, plain = folder / "read.rig", folder / "read.bin"
    write_recording(path, info, data)
    write_plain(plain, info, data)

    def speed(read: Callable[[], object]) -> float:
        began = time.perf_counter()
        read()
        return data.nbytes / (time.perf_counter() - began) / 1e6

    def consume(unit_ids: NDArray[np.int64] | None) -> None:
        with Recording.open(path) as recording:
            for _ in recording.blocks(info.name, unit_ids=unit_ids):
                pass

    def consume_plain() -> None:
        with open(plain, "rb", buffering=0) as file:
            while np.fromfile(file, np.uint8, 32 << 20).size:
                pass

    chosen = {"all": None}
    if info.packed:
        rng = np.random.default_rng(1)
        chosen |= {f"{k} units": np.sort(rng.choice(N_NODES, k, replace=False)) for k in (10, 400)}
    consume(None), consume_plain()
    for what, unit_ids in chosen.items():
        consume(unit_ids)
        print(f"  read in blocks, {what:9s} {speed(lambda ids=unit_ids: consume(ids)):7.0f} MB/s of recorded data")
    print(f"  plain file             {speed(consume_plain):7.0f} MB/s")
    with Recording.open(path) as recording:
        rng = np.random.default_rng(2)
        starts = rng.integers(0, len(data) - 1000, 200)
        began = time.perf_counter()
        for start in starts.tolist():
            recording.read(info.name, start, start + 1000)
        print(f"  1000 samples anywhere  {(time.perf_counter() - began) / len(starts) * 1e3:7.2f} ms")
    shutil.rmtree(path)
    plain.unlink()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mb", type=int, default=1000)
    parser.add_argument("--folder", type=Path, default=None)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=args.folder) as name:
        folder = Path(name)
        source, bits = packed_data(args.mb * 1_000_000)
        nodes = StreamInfo(
            "nodes", "", StreamKind.UNITS, np.dtype("u1"), (216,), 1, np.arange(N_NODES, dtype=np.int64), True
        )
        print(f"packed bits ({source}), {bits.nbytes / 1e6:.0f} MB, XOR + zstd")
        bench_codec(nodes, bits)
        writers = {
            "recorder": write_recording,
            "plain file": write_plain,
            "HDF5": write_hdf5,
            "HDF5-gzip1": lambda p, i, d: write_hdf5(p, i, d, compression="gzip", compression_opts=1),
        }
        race(writers, nodes, bits, folder, args.rounds)
        bench_reading(nodes, bits, folder)
        del bits, writers["HDF5-gzip1"]
        traces = np.random.default_rng(0).normal(size=(args.mb * 1_000_000 // 256, 64)).astype(np.float32)
        graded = StreamInfo("traces", "", StreamKind.FIELD, np.dtype("<f4"), (64,), 1)
        print(f"graded (white noise), {traces.nbytes / 1e6:.0f} MB, as they are")
        race(writers, graded, traces, folder, args.rounds)
        bench_reading(graded, traces, folder)


if __name__ == "__main__":
    main()
