"""The ring's writer against a plain memcpy of the same bytes: ``python tests/bench/bench_ring.py``.

Writes 216-byte samples (1725 packed nodes of a 6502) as fast as it can, alone and with one reader in another process
that looks at every sample, and says which part of a core 2.4 M samples/s would take. The reference is numpy's copy of
the same chunks into as much ordinary memory, measured in turn with it. Processor time is used, not wall time: on a
busy machine a writer is interrupted.
"""

from __future__ import annotations

import argparse
import multiprocessing
import secrets
import statistics
import time
from collections.abc import Callable
from multiprocessing.synchronize import Event

import numpy as np
from numpy.typing import NDArray

from rig.process.ring import RingWriter
from rig.process.ring_reader import RingReader
from rig.streams import Chunk, StreamInfo, StreamKind

SAMPLE_BYTES = 216
RATE_HZ = 2.4e6
CHUNK_S = 0.010  # what the host writes at a time
RING_BYTES = 64 << 20
TARGET = 0.15


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5.0, help="of stream time in a round (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    n_chunks = max(int(arguments.seconds / CHUNK_S), 1)
    n = int(RATE_HZ * CHUNK_S)
    chunk = np.random.default_rng(0).integers(0, 256, (n, SAMPLE_BYTES), dtype=np.uint8)
    plain = np.zeros((RING_BYTES // SAMPLE_BYTES, SAMPLE_BYTES), np.uint8)
    info = StreamInfo("nodes", "", StreamKind.UNITS, np.dtype(np.uint8), (SAMPLE_BYTES,), 1)
    ring = RingWriter(info, f"hs{secrets.token_hex(6)}", RING_BYTES)
    try:
        print(f"{n_chunks} chunks of {n} samples of {SAMPLE_BYTES} bytes, ring of {ring.capacity} samples")
        alone = _compare("no reader", ring, plain, chunk, n_chunks, arguments.rounds)
        context = multiprocessing.get_context("spawn")
        ready, stop = context.Event(), context.Event()
        reader = context.Process(target=_read, args=(ring.name, ready, stop))
        reader.start()
        ready.wait()
        read = _compare("one reader", ring, plain, chunk, n_chunks, arguments.rounds)
        stop.set()
        reader.join()
    finally:
        ring.close()
    worst = max(alone, read)
    print(f"worst: {worst:.1%} of a core at {RATE_HZ / 1e6} M samples/s; target {TARGET:.0%}: {_verdict(worst)}")


def _verdict(fraction: float) -> str:
    return "met" if fraction < TARGET else "MISSED"


def _compare(
    label: str, ring: RingWriter, plain: NDArray[np.uint8], chunk: NDArray[np.uint8], n_chunks: int, n_rounds: int
) -> float:
    """Fraction of a core that the ring takes; prints it and the ratio to the plain copy."""
    n = len(chunk)

    def write(k: int) -> None:
        ring.write(Chunk("nodes", ring.head, chunk))

    def copy(k: int) -> None:
        slot = k * n % (len(plain) - n)
        plain[slot : slot + n] = chunk

    ring_s, plain_s = [], []
    for _ in range(n_rounds):  # in turn, so that both meet the same neighbours
        plain_s.append(_processor_seconds(copy, n_chunks))
        ring_s.append(_processor_seconds(write, n_chunks))
    stream_s = n * n_chunks / RATE_HZ
    fraction = statistics.median(ring_s) / stream_s
    ratio = statistics.median(r / p for r, p in zip(ring_s, plain_s, strict=True))
    speed = n * n_chunks * SAMPLE_BYTES / statistics.median(ring_s) / 1e9
    print(f"{label:>10}: {fraction:6.2%} of a core, {speed:5.2f} GB/s, {ratio:.2f} × the time of a plain copy")
    return fraction


def _processor_seconds(act: Callable[[int], None], n: int) -> float:
    begun = time.thread_time()
    for k in range(n):
        act(k)
    return time.thread_time() - begun


def _read(name: str, ready: Event, stop: Event) -> None:
    """Look at every byte of what comes, at 60 Hz like a pane, and say what was seen."""
    reader = RingReader(name)
    ready.set()
    cursor, n_seen, n_missed = reader.span().stop_index, 0, 0
    while not stop.wait(1 / 60):
        view = reader.since(cursor)
        for piece in view.pieces:
            piece.view(np.uint64).max(axis=0)
        n_seen += len(view) if view.intact else 0
        n_missed += view.n_missed if view.intact else view.n_missed + len(view)
        cursor = view.stop_index
    print(f"            the reader saw {n_seen} samples in time, missed {n_missed}")


if __name__ == "__main__":
    main()
