"""A session in its own process, used as a script and a window use it."""

from __future__ import annotations

import math
import multiprocessing
import os
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rig.process.client
from rig.errors import (
    AssetError,
    EvictedError,
    HeadstageError,
    SessionError,
    SpecError,
    SubjectError,
    TickError,
    UnknownUnitError,
)
from rig.log import LogKind
from rig.perturbation import Perturbation, PerturbationKind, PulseTrain
from rig.probe import Probe
from rig.process.client import RigClient
from rig.process.protocol import Logged, Ready, State, StateChanged, StreamClosed, StreamOpened
from rig.session import Session
from rig.storage.recording import Recording
from rig.streams import Chunk
from rig.trigger import Trigger, UnitRises

MODEL_CELL = "subjects.model_cell:PLUGIN"
UNRULY = "unruly_subject:PLUGIN"
TIMEOUT_S = 120  # to give up after, not to wait for
SHARED_MEMORY = Path("/dev/shm")


@pytest.fixture(autouse=True)
def nothing_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A test that leaves a process, a thread or shared memory behind fails."""
    prefixes = []
    fresh = rig.process.client._fresh_prefix

    def noted() -> str:
        prefixes.append(fresh())
        return prefixes[-1]

    monkeypatch.setattr(rig.process.client, "_fresh_prefix", noted)
    monkeypatch.syspath_prepend(str(Path(__file__).parent))  # the session's process inherits it
    yield
    assert multiprocessing.active_children() == []
    assert [t.name for t in threading.enumerate() if t.name == "headstage-link"] == []
    if SHARED_MEMORY.is_dir():
        assert [n for n in os.listdir(SHARED_MEMORY) if n.startswith(tuple(prefixes))] == []


@pytest.fixture
def client() -> Iterator[RigClient]:
    with RigClient.start(MODEL_CELL, seed=3, installed_only=False) as client:
        yield client


def eventually(condition: Callable[[], bool]) -> bool:
    """Whether it comes true in time."""
    deadline_s, never = time.monotonic() + TIMEOUT_S, threading.Event()
    while not condition() and time.monotonic() < deadline_s:
        never.wait(0.01)
    return condition()


def samples_of(chunks: list[Chunk], stream: str) -> np.ndarray[Any, Any]:
    return np.concatenate([c.data for c in chunks if c.stream == stream])


def test_it_starts_paused_and_describes_its_subject(client: RigClient) -> None:
    description = client.description
    assert (description.info.name, len(description.units)) == ("Model cell", 16)
    assert [s.name for s in description.streams][:2] == ["spikes", "charge"]
    assert PerturbationKind.DRIVE in description.perturbation_kinds
    assert (client.status.state, client.status.tick, client.status.asked_hz) == (State.PAUSED, 0, math.inf)
    assert client.watched == ()
    assert [type(e) for e in client.events()] == [Logged, Ready]
    assert client.events() == []


def test_the_samples_are_those_of_a_session_in_this_process(client: RigClient) -> None:
    client.watch("spikes")
    client.watch("counts", [103, 101])
    client.watch("frame")
    client.add_probe(Probe("A", ((0.0, 0.0, 0.0), (300.0, 50.0, 0.0))))
    client.run_to(20_011)
    assert client.wait_until_paused(TIMEOUT_S) == 20_011
    with Session(MODEL_CELL, seed=3, installed_only=False) as session:
        session.watch("spikes")
        session.watch("counts", [103, 101])
        session.watch("frame")
        session.add_probe(Probe("A", ((0.0, 0.0, 0.0), (300.0, 50.0, 0.0))))
        chunks = session.advance(20_011)
    for stream in ("spikes", "counts", "frame", "electrodes"):
        got = client.ring(stream).since(0)
        assert (got.n_missed, got.epoch) == (0, client.ring(stream).epoch)
        np.testing.assert_array_equal(got.copy().data, samples_of(chunks, stream))
    assert client.ring("counts").info.unit_ids.tolist() == [101, 103]
    assert client.ring("frame").ticks(0, 20_011).ticks().tolist() == list(range(49, 20_011, 50))


def test_steps_are_exact(client: RigClient) -> None:
    client.watch("spikes")
    for n_ticks in (1, 7, 100):
        before = client.status.tick
        assert client.step(n_ticks).tick == before
        assert client.wait_until_paused(TIMEOUT_S) == before + n_ticks
    assert client.ring("spikes").span().stop_tick == 108


def test_running_and_pausing(client: RigClient) -> None:
    client.watch("spikes")
    client.run()
    assert client.events(TIMEOUT_S)
    reader = client.ring("spikes")
    assert eventually(lambda: reader.span().stop_tick > 5000)
    first_tick = client.note("one").tick
    assert eventually(lambda: client.note("one of a flood").tick > first_tick)  # commands do not stop the subject
    ack = client.pause()
    assert client.status.state is State.PAUSED
    assert client.wait_until_paused(TIMEOUT_S) == ack.tick == reader.span().stop_tick == client.status.tick
    changes = [e.state for e in client.events() if isinstance(e, StateChanged)]
    assert changes[-1] is State.PAUSED


def test_an_ack_names_the_tick_and_the_log_entry(client: RigClient) -> None:
    client.run_to(100)
    client.wait_until_paused(TIMEOUT_S)
    client.events()
    ack = client.perturb(Perturbation(PerturbationKind.SILENCE, (100,), 5, 15), from_now=True)
    (logged,) = client.events(TIMEOUT_S)
    assert isinstance(logged, Logged)
    assert (ack.tick, ack.seq) == (100, logged.entry.seq)
    assert logged.entry.kind is LogKind.PERTURB
    assert (logged.entry.payload["start_tick"], logged.entry.payload["stop_tick"]) == (105, 115)
    assert client.note("so far so good").seq == ack.seq + 1
    assert client.mark(3).seq == ack.seq + 2
    client.watch("spikes", [100])
    client.run_to(130)
    client.wait_until_paused(TIMEOUT_S)
    spikes = client.ring("spikes").ticks(100, 130).copy().unpacked()[:, 0]
    assert spikes[5:15].tolist() == [0] * 10
    assert spikes[:5].tolist() + spikes[15:].tolist() == [t % 2 for t in (*range(100, 105), *range(115, 130))]


def test_every_other_command_reaches_the_session(client: RigClient) -> None:
    client.watch("charge", [100])
    client.set_control("gain", 5)
    client.train(PulseTrain(PerturbationKind.DRIVE, (100,), width_ticks=10))
    client.arm(Trigger("sync", UnitRises("spikes", 101), PulseTrain(PerturbationKind.SILENCE, (100,)), max_count=1))
    client.arm(Trigger("never", UnitRises("spikes", 102)))
    client.disarm("never")
    client.run_to(20)
    client.wait_until_paused(TIMEOUT_S)
    with Session(MODEL_CELL, seed=3, installed_only=False) as session:
        session.watch("charge", [100])
        session.set_control("gain", 5)
        session.train(PulseTrain(PerturbationKind.DRIVE, (100,), width_ticks=10))
        session.arm(
            Trigger("sync", UnitRises("spikes", 101), PulseTrain(PerturbationKind.SILENCE, (100,)), max_count=1)
        )
        session.arm(Trigger("never", UnitRises("spikes", 102)))
        session.disarm("never")
        chunks = session.advance(20)
        told = [e.entry for e in client.events() if isinstance(e, Logged)]
        assert [(e.seq, e.tick, e.kind, e.payload) for e in told] == [
            (e.seq, e.tick, e.kind, e.payload) for e in session.log
        ]
    np.testing.assert_array_equal(client.ring("charge").since(0).copy().data, samples_of(chunks, "charge"))


def test_going_back_to_a_snapshot_begins_an_epoch(client: RigClient) -> None:
    client.watch("spikes")
    client.run_to(50)
    client.wait_until_paused(TIMEOUT_S)
    snapshot = client.snapshot()
    client.run_to(90)
    client.wait_until_paused(TIMEOUT_S)
    reader = client.ring("spikes")
    first_time = reader.ticks(50, 90).copy().data
    epoch = reader.epoch
    assert client.restore(snapshot).tick == 50
    assert (reader.epoch, len(reader.span()), reader.span().first_tick) == (epoch + 1, 0, 50)
    with pytest.raises(EvictedError, match=r"holds \[50, 50\)"):
        reader.ticks(40, 50)
    client.run_to(90)
    client.wait_until_paused(TIMEOUT_S)
    np.testing.assert_array_equal(reader.ticks(50, 90).copy().data, first_time)
    assert client.reset(4).tick == 0
    assert (reader.epoch, reader.span().first_tick, client.status.tick) == (epoch + 2, 0, 0)


def test_rings_follow_what_is_watched(client: RigClient) -> None:
    client.watch("spikes")
    client.events()
    first = client.ring("spikes")
    assert client.ring("spikes") is first
    client.watch("spikes", range(100, 116))  # the same units: the ring stays
    assert client.ring("spikes") is first
    client.watch("spikes", [100, 109])
    second = client.ring("spikes")
    assert (first.closed, second.closed) == (True, False)
    assert second.epoch > first.epoch
    assert second.info.unit_ids.tolist() == [100, 109]
    client.watch("spikes", [])
    assert second.closed
    assert client.watched == ()
    with pytest.raises(UnknownUnitError, match="asked for the ring of stream 'spikes'; watched are none: watch it"):
        client.ring("spikes")
    events = [e for e in client.events() if not isinstance(e, Logged)]
    assert [type(e) for e in events] == [StreamOpened, StreamClosed]


def test_rings_are_bounded() -> None:
    with RigClient.start(MODEL_CELL, ring_bytes=1000, installed_only=False) as client:
        client.watch("spikes")
        client.watch("charge")
        client.run_to(5000)
        client.wait_until_paused(TIMEOUT_S)
        assert client.ring("spikes").capacity == 500
        assert client.ring("charge").capacity == 15
        span = client.ring("charge").span()
        assert (span.first_tick, span.stop_tick) == (4985, 5000)


def test_recording_is_the_sessions(client: RigClient, tmp_path: Path) -> None:
    client.watch("spikes")
    client.start_recording(tmp_path / "run.rig")
    client.run_to(1000)
    client.wait_until_paused(TIMEOUT_S)
    assert client.status.recorder is not None
    ack = client.stop_recording("enough")
    with Recording.open(tmp_path / "run.rig") as recording:
        assert (recording.end_reason, recording.start_tick, recording.stop_tick) == ("enough", 0, 1000)
        assert recording.log[-1].seq == ack.seq
        np.testing.assert_array_equal(recording.read("spikes").data, client.ring("spikes").ticks(0, 1000).copy().data)


def test_closing_closes_the_recording(tmp_path: Path) -> None:
    with RigClient.start(MODEL_CELL, installed_only=False) as client:
        client.watch("spikes")
        client.start_recording(tmp_path / "run.rig")
        client.run_to(1000)
        client.wait_until_paused(TIMEOUT_S)
    with Recording.open(tmp_path / "run.rig") as recording:
        assert (recording.end_reason, recording.stop_tick) == ("closed", 1000)
    assert client.status.state is State.STOPPED
    with pytest.raises(SessionError, match="asked for Run; the session is closed: start another"):
        client.run()
    client.close()


def test_speeds(client: RigClient) -> None:
    asked: list[tuple[dict[str, float], float]]
    asked = [({"ticks_per_s": 250.0}, 250.0), ({"times_real": 2.0}, 2000.0), ({}, math.inf)]
    for speed, asked_hz in asked:
        client.set_speed(**speed)
        client.run_to(client.status.tick + 30)
        client.wait_until_paused(TIMEOUT_S)
        assert client.status.asked_hz == asked_hz
        assert (client.status.achieved_hz, client.status.times_real) == (0.0, 0.0)


REFUSALS: list[tuple[str, tuple[Any, ...], type[HeadstageError], str]] = [
    ("watch", ("spokes",), UnknownUnitError, "asked to watch stream 'spokes'; there are spikes"),
    ("watch", ("spikes", [5]), UnknownUnitError, "asked for unit id 5 in stream 'spikes'"),
    ("step", (0,), TickError, "asked to step 0 ticks; a step is at least one tick"),
    ("run_to", (9,), TickError, "asked to run to tick 9; the subject is at tick 10: restore a snapshot to go back"),
    ("set_speed", (-1.0,), SpecError, "asked for a speed of -1.0 ticks a second; it must be a positive number"),
    ("set_speed", (math.inf,), SpecError, "it must be a positive number"),
    ("set_control", ("gain", 99), SpecError, "asked for gain=99"),
    ("perturb", (Perturbation(PerturbationKind.DRIVE, (100,), 3, 5),), TickError, "already at tick 10"),
    ("perturb", (Perturbation(PerturbationKind.DRIVE, (5,), 30, 50),), UnknownUnitError, "unit id 5"),
    ("disarm", ("nobody",), UnknownUnitError, "asked to disarm 'nobody'"),
    ("start_recording", ("/nowhere/run.rig",), SessionError, "nothing is watched"),
]


def test_refusals_are_raised_by_name(client: RigClient) -> None:
    client.step(10)
    client.wait_until_paused(TIMEOUT_S)
    for method, arguments, error, line in REFUSALS:
        with pytest.raises(error) as refused:
            getattr(client, method)(*arguments)
        assert type(refused.value) is error
        assert line in str(refused.value)
        assert "\n" not in str(refused.value)
    assert client.step().tick == 10  # nothing has happened to the session


def test_a_subject_that_raises_at_a_command_refuses_it() -> None:
    with RigClient.start(UNRULY, {"fault": "raise at perturb"}, installed_only=False) as client:
        with pytest.raises(SubjectError, match="KeyError: 'no such thing'"):
            client.perturb(Perturbation(PerturbationKind.DRIVE, (100,), 0))
        client.step()
        assert client.wait_until_paused(TIMEOUT_S) == 1


@pytest.mark.parametrize(
    ("plugin", "options", "error", "line"),
    [
        ("no-such-subject", {}, SubjectError, "asked for subject 'no-such-subject'"),
        (MODEL_CELL, {"unit": "3"}, SubjectError, "did you mean units?"),
        (MODEL_CELL, {"units": "many"}, SpecError, "asked for units=many"),
        (UNRULY, {"fault": "asset"}, AssetError, "asked for the cartridge; there is none: put one in"),
        (UNRULY, {"fault": "raise at open"}, SubjectError, "cannot be opened (RuntimeError: not today)"),
        (UNRULY, {"fault": "exit at open"}, SessionError, "ended before it was ready (exit code 4)"),
    ],
)
def test_a_subject_that_cannot_be_opened(
    plugin: str, options: dict[str, str], error: type[HeadstageError], line: str
) -> None:
    with pytest.raises(error) as refused:
        RigClient.start(plugin, options, installed_only=False)
    assert type(refused.value) is error
    assert line in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_subject_that_does_not_open_in_time() -> None:
    with pytest.raises(SessionError, match=r"asked to open 'unruly_subject:PLUGIN'; it is not ready after 0\.5 s"):
        RigClient.start(UNRULY, {"fault": "sleep at open"}, installed_only=False, start_timeout_s=0.5, grace_s=0.1)


def test_a_start_can_be_given_up() -> None:
    with pytest.raises(SessionError, match="given up before it was ready"):
        RigClient.start(
            UNRULY, {"fault": "sleep at open"}, installed_only=False, start_timeout_s=1e6, given_up=lambda: True
        )


def test_waiting_for_a_pause_that_does_not_come(client: RigClient) -> None:
    client.run()
    with pytest.raises(SessionError, match=r"waited 0.01 s for the session to pause; it is running"):
        client.wait_until_paused(0.01)


def test_two_sessions_side_by_side() -> None:
    with (
        RigClient.start(MODEL_CELL, seed=1, installed_only=False) as one,
        RigClient.start(MODEL_CELL, seed=2, installed_only=False) as other,
    ):
        for client in (one, other):
            client.watch("spikes")
            client.run_to(10)
        for client, seed in ((one, 1), (other, 2)):
            client.wait_until_paused(TIMEOUT_S)
            first_unit = client.ring("spikes").ticks(0, 10).copy().unpacked()[:, 0]
            assert first_unit.tolist() == [int((t + seed) % 2 == 0) for t in range(10)]


SCRIPT = """
from rig.process.client import RigClient

def main():
    client = RigClient.start("subjects.model_cell:PLUGIN", seed=1, installed_only=False)
    client.watch("spikes")
    client.run_to(1000)
    client.wait_until_paused()
    print(client.ring("spikes").ticks(0, 1000).copy().unpacked().sum())
    {ending}

{guard}main()
"""
GUARD = 'if __name__ == "__main__": '


def run_script(folder: Path, ending: str, guard: str = GUARD) -> subprocess.CompletedProcess[str]:
    path = folder / "script.py"
    path.write_text(textwrap.dedent(SCRIPT).format(ending=ending, guard=guard))
    root = Path(rig.__file__).parent.parent
    return subprocess.run(
        [sys.executable, "-W", "error", path],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(root)},
    )


@pytest.mark.parametrize("ending", ["client.close()", "client.run()", "client = None"])
def test_a_script_ends_without_a_word_closed_or_not(tmp_path: Path, ending: str) -> None:
    done = run_script(tmp_path, ending)
    assert (done.returncode, done.stderr) == (0, "")
    assert int(done.stdout) == sum(1 for unit in range(16) for t in range(1000) if (t + unit + 1) % (unit + 2) == 0)


def test_a_script_without_a_main_guard_is_told_what_to_do(tmp_path: Path) -> None:
    done = run_script(tmp_path, "client.close()", guard="")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "rig.errors.SessionError: asked to start a session while the script is being imported by that session's own "
        'process; in the script, start sessions only under: if __name__ == "__main__":'
    )
    assert done.stderr.count("Traceback") == 1
