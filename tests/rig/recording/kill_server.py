"""Records in child processes, kills them at random moments, and looks at what they left. Run by test_kill.py.

    python kill_server.py FOLDER N_KILLS SEED

Children are forked from this process, so that none of them has to import anything. Prints one JSON object.
"""

from __future__ import annotations

import json
import os
import random
import select
import shutil
import signal
import struct
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from rig.errors import FormatError
from rig.header import SessionHeader
from rig.log import LogEntry, LogKind
from rig.storage.recorder import Recorder
from rig.storage.recording import Recording
from rig.streams import Chunk, StreamInfo, StreamKind
from rig.subject import SubjectInfo
from rig.units import UnitTable

ACK = struct.Struct("<qqqq")  # durable: tick of regular streams, tick of all, log entries, latest snapshot
STREAMS = (
    StreamInfo("nodes", "", StreamKind.UNITS, np.dtype("u1"), (9,), 1, np.arange(70, dtype=np.int64), packed=True),
    StreamInfo("lfp", "", StreamKind.FIELD, np.dtype("<f8"), (3,), 4),
    StreamInfo("frames", "", StreamKind.IMAGE, np.dtype("u1"), (64,), None),
)


def pattern(stream: str, ticks: np.ndarray) -> np.ndarray:
    """What a stream holds at some ticks: every sample tells which it is."""
    mixed = (ticks.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    if stream == "nodes":
        rows = np.zeros((len(ticks), 9), np.uint8)
        rows[:, :8] = mixed.view(np.uint8).reshape(-1, 8)
        return rows
    if stream == "lfp":
        return np.stack([ticks, -ticks, ticks / 3], axis=1).astype(np.float64)
    return np.tile(mixed.view(np.uint8).reshape(-1, 8), (1, 8))


def record(path: Path, acks: int, seed: int) -> None:
    """Record until killed; write to `acks` what is acknowledged."""
    rng = random.Random(seed)
    units = UnitTable.build(np.arange(70), [f"u{i}" for i in range(70)])
    subject = SubjectInfo("kill", "kill", "", "", "", "tick", 1.0, "um")
    header = SessionHeader("kill", seed, subject, units, STREAMS, (), 0, time.time(), {})
    recorder = Recorder(path, header, sync_interval_s=0.002, segment_bytes=rng.choice([2_000, 50_000, 64 << 20]))
    polite = rng.random() < 0.7
    tick = n_log = 0
    snapshot = -1
    while True:
        n = 4 * rng.randrange(1, 2000)
        if rng.random() < 0.3:
            recorder.log(LogEntry(n_log, tick, 0.0, LogKind.NOTE, {"text": "x" * rng.randrange(200)}))
            n_log += 1
        if rng.random() < 0.1:
            recorder.snapshot(tick, n_log, tick.to_bytes(8, "little") * 1000)
            snapshot = tick
        ticks = np.arange(tick, tick + n)
        recorder.write(Chunk("nodes", tick, pattern("nodes", ticks)))
        recorder.write(Chunk("lfp", tick, pattern("lfp", ticks[::4])))
        frames = ticks[ticks % 700 == 3]
        if len(frames):
            recorder.write(Chunk("frames", int(frames[0]), pattern("frames", frames), frames))
        tick += n
        if polite and rng.random() < 0.5:
            recorder.sync()
            os.write(acks, ACK.pack(tick, tick, n_log, snapshot))
        else:
            os.write(acks, ACK.pack(recorder.status.durable_tick or 0, 0, 0, -1))


def run_and_kill(path: Path, rng: random.Random) -> tuple[int, int, int, int]:
    """Fork a child, kill it somewhere; returns the most that it acknowledged."""
    reading, writing = os.pipe()
    seed = rng.randrange(1 << 30)
    child = os.fork()
    if child == 0:
        try:
            os.close(reading)
            record(path, writing, seed)
        finally:
            os._exit(1)
    os.close(writing)
    received = b""
    if rng.random() < 0.8:  # most die at work, the others perhaps before
        while len(received) < ACK.size and (data := os.read(reading, 4096)):
            received += data
    die_s = time.monotonic() + rng.uniform(0, 0.06)
    while (left_s := die_s - time.monotonic()) > 0 and select.select([reading], [], [], left_s)[0]:
        if not (data := os.read(reading, 65536)):
            break
        received += data
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    while data := os.read(reading, 65536):
        received += data
    os.close(reading)
    acks = list(ACK.iter_unpack(received[: len(received) // ACK.size * ACK.size]))
    tick, synced, n_log, snapshot = np.max([(0, 0, 0, -1), *acks], axis=0).tolist()
    return tick, synced, n_log, snapshot


def look(path: Path, ack: tuple[int, int, int, int]) -> tuple[list[str], int]:
    """What is wrong with what a child left, and how many frames were torn."""
    tick, synced, n_log, snapshot = ack
    try:
        recording = Recording.open(path)
    except FormatError as error:
        return ([f"acknowledged {ack}, but: {error}"] if tick or n_log else []), 0
    wrong: list[str] = []
    with recording:
        for info in STREAMS:
            found = recording.read(info.name)
            if not (found.data == pattern(info.name, found.ticks)).all():
                wrong.append(f"{info.name}: wrong data")
            # the durable tick does not speak of irregular streams, a sync speaks of all
            due = np.arange(tick if info.regular else synced)
            due = due[:: info.ticks_per_sample] if info.regular else due[due % 700 == 3]
            if not np.isin(due, found.ticks).all():
                wrong.append(f"{info.name}: {len(due)} samples acknowledged, {len(found)} there")
            if recording.gaps(info.name):
                wrong.append(f"{info.name}: gaps {recording.gaps(info.name)}, {recording.problems}")
            torn = [p for p in recording.problems if p.startswith(info.name + ":")]
            if len(torn) > 1 or any("the last frame was torn" not in p for p in torn):
                wrong.append(f"{info.name}: {torn}")
        if [e.seq for e in recording.log] != list(range(len(recording.log))) or len(recording.log) < n_log:
            wrong.append(f"log: {n_log} entries acknowledged, {len(recording.log)} there")
        for at in recording.snapshot_ticks:
            stored = recording.snapshot_before(at)
            if stored is None or stored.blob != at.to_bytes(8, "little") * 1000:
                wrong.append(f"snapshot {at} is wrong")
        if snapshot >= 0 and snapshot not in recording.snapshot_ticks:
            wrong.append(f"snapshot {snapshot} was acknowledged")
        others = [p for p in recording.problems if not p.startswith(tuple(s.name for s in STREAMS))]
        expected = ("the recording was not closed", "the last line of events.jsonl was torn")
        if any(not p.startswith(expected) for p in others):
            wrong.append(str(others))
        n_torn = len(recording.problems) - len(others)
    return wrong, n_torn


def main() -> None:
    folder, n_kills, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    rng = random.Random(seed)
    result: dict[str, Any] = {"n_kills": 0, "n_acknowledged": 0, "n_ticks": 0, "n_torn": 0, "wrong": []}
    for k in range(n_kills):
        path = folder / f"{k}.rig"
        ack = run_and_kill(path, rng)
        wrong, n_torn = look(path, ack)
        result["n_kills"] += 1
        result["n_acknowledged"] += ack[0] > 0
        result["n_ticks"] += ack[0]
        result["n_torn"] += n_torn
        result["wrong"] += [f"kill {k}: {line}" for line in wrong]
        shutil.rmtree(path, ignore_errors=True)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
