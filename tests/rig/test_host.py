"""What becomes of a session when its subject, or its client, ends badly. Real processes, really killed."""

from __future__ import annotations

import multiprocessing
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

import rig.process.client
from rig.errors import SessionError
from rig.process.client import RigClient
from rig.process.protocol import Event, RecordingFailed, State, StateChanged, SubjectCrashed, SubjectFailed, SubjectHung
from rig.process.ring_reader import RingReader
from rig.storage.recording import Recording

UNRULY = "unruly_subject:PLUGIN"
TIMEOUT_S = 120  # to give up after, not to wait for
GRACE_S = 0.5
SHORT_S = 0.5
HERE = Path(__file__).parent
SHARED_MEMORY = Path("/dev/shm")


@pytest.fixture(autouse=True)
def nothing_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A test that leaves a process, a thread or shared memory behind fails. Gives the prefixes of this test's names."""
    prefixes: list[str] = []
    fresh = rig.process.client._fresh_prefix

    def noted() -> str:
        prefixes.append(fresh())
        return prefixes[-1]

    monkeypatch.setattr(rig.process.client, "_fresh_prefix", noted)
    monkeypatch.syspath_prepend(str(HERE))  # the session's process inherits it
    yield prefixes
    assert multiprocessing.active_children() == []
    assert [t.name for t in threading.enumerate() if t.name == "headstage-link"] == []
    assert shared_memory_of(prefixes) == []


def shared_memory_of(prefixes: list[str]) -> list[str]:
    if not SHARED_MEMORY.is_dir():
        return []
    return [name for name in os.listdir(SHARED_MEMORY) if name.startswith(tuple(prefixes))]


def eventually(condition: Callable[[], bool]) -> bool:
    """Whether it comes true in time."""
    deadline_s, never = time.monotonic() + TIMEOUT_S, threading.Event()
    while not condition() and time.monotonic() < deadline_s:
        never.wait(0.01)
    return condition()


def start(fault: str, at_tick: int = 1000) -> RigClient:
    return RigClient.start(
        UNRULY,
        {"fault": fault, "at_tick": str(at_tick)},
        seed=3,
        installed_only=False,
        hang_timeout_s=TIMEOUT_S,
        grace_s=GRACE_S,
    )


def record_to_the_fault(client: RigClient, path: Path) -> RingReader:
    """Record the thousand ticks before the fault, exactly, and go on into it; the ring, opened while all is well."""
    client.watch("spikes")
    client.start_recording(path)
    client.run_to(1000)
    client.wait_until_paused(TIMEOUT_S)
    assert eventually(lambda: (figures := client.status.recorder) is not None and figures.durable_tick == 1000)
    reader = client.ring("spikes")
    client.run()
    return reader


def still_there(client: RigClient) -> None:
    """Ask until it does not answer any more."""
    while True:
        client.note("still there?")


def wait_for_event(client: RigClient, kind: type[Event]) -> list[Event]:
    """Everything told until the session is over, one of them of this kind."""
    told: list[Event] = []
    deadline_s = time.monotonic() + TIMEOUT_S
    while not any(isinstance(e, kind) for e in told) and time.monotonic() < deadline_s:
        told += client.events(1.0)
    return told


def check_recording(path: Path, end_reason: str | None) -> None:
    with Recording.open(path) as recording:
        assert recording.end_reason == end_reason
        assert (recording.problems == ()) == (end_reason is not None)
        samples = recording.read("spikes", 0, 1000)
        expected = [int((t + 3) % 2 == 0) for t in range(1000)]
        assert samples.unpacked()[:, 0].tolist() == expected


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        ("raise", "ZeroDivisionError: a cell divided by nothing"),
        ("system exit", "SystemExit: enough"),
    ],
)
def test_a_subject_that_raises(fault: str, line: str, tmp_path: Path) -> None:
    with start(fault) as client:
        record_to_the_fault(client, tmp_path / "run.rig")
        told = wait_for_event(client, SubjectFailed)
        (failed,) = [e for e in told if isinstance(e, SubjectFailed)]
        assert (failed.line, failed.tick) == (line, 1000)
        assert "in misbehave" in failed.details
        assert [e.state for e in told if isinstance(e, StateChanged)][-1] is State.FAILED
        assert (client.status.state, client.status.tick, client.status.recorder) == (State.FAILED, 1000, None)
        check_recording(tmp_path / "run.rig", f"the subject failed: {line}")
        with pytest.raises(SessionError, match=r"asked for Run; the subject has failed \(.*\): restart it"):
            client.run()
        with pytest.raises(SessionError, match="waited for the session to pause; it is failed"):
            client.wait_until_paused(TIMEOUT_S)
        assert client.ring("spikes").span().stop_tick == 1000  # what came before can still be looked at
        assert client.restart().info.name == "Model cell"
        assert (client.status.state, client.status.tick, client.watched) == (State.PAUSED, 0, ())
        client.watch("spikes")
        client.run_to(500)
        assert client.wait_until_paused(TIMEOUT_S) == 500


@pytest.mark.parametrize(
    ("fault", "words"),
    [("exit", "exit code 3"), ("segfault", "signal 11, SIGSEGV"), ("kill", "signal 9, SIGKILL")],
)
def test_a_subject_that_takes_its_process_with_it(
    fault: str, words: str, tmp_path: Path, nothing_left: list[str]
) -> None:
    with start(fault) as client:
        reader = record_to_the_fault(client, tmp_path / "run.rig")
        told = wait_for_event(client, SubjectCrashed)
        (crashed,) = [e for e in told if isinstance(e, SubjectCrashed)]
        assert crashed.line == f"the subject's process ended by itself ({words}) at tick 1000: restart the session"
        assert ("in misbehave" in crashed.details) == (fault == "segfault")
        assert (client.status.state, client.status.tick, client.status.recorder) == (State.CRASHED, 1000, None)
        assert shared_memory_of(nothing_left) == []
        for _ in range(2):
            with pytest.raises(SessionError, match="asked for Run; the subject's process ended by itself"):
                client.run()
        with pytest.raises(SessionError, match="waited for the session to pause; it is crashed"):
            client.wait_until_paused(TIMEOUT_S)
        assert client.ring("spikes") is reader  # what came before can still be looked at
        assert len(reader.ticks(0, 1000).copy()) == 1000
        client.restart()
        client.watch("spikes")
        client.run_to(500)
        assert client.wait_until_paused(TIMEOUT_S) == 500
        assert not any(isinstance(e, SubjectCrashed) for e in client.events())
    check_recording(tmp_path / "run.rig", None)  # nobody was left to close it; what was durable is there


def test_a_command_under_way_when_the_process_dies() -> None:
    with start("kill", at_tick=0) as client:
        client.run()
        with pytest.raises(SessionError, match="the subject's process ended by itself"):
            still_there(client)
        assert client.status.state is State.CRASHED


@pytest.mark.parametrize("fault", ["sleep", "spin", "lock"])
def test_a_subject_that_hangs(fault: str, tmp_path: Path) -> None:
    with start(fault) as client:
        record_to_the_fault(client, tmp_path / "run.rig")
        client.hang_timeout_s = SHORT_S  # not before: a busy machine may hold up a healthy process, too
        told = wait_for_event(client, SubjectHung)
        (hung,) = [e for e in told if isinstance(e, SubjectHung)]
        assert hung.silent_s > SHORT_S
        assert hung.line == f"the session gives no sign of life for {hung.silent_s:.0f} s: wait, or restart it"
        assert (client.status.state, client.status.tick) == (State.HUNG, 1000)
        with pytest.raises(SessionError, match="asked for Pause; the session gives no sign of life"):
            client.pause()
        client.hang_timeout_s = TIMEOUT_S
        client.restart()
        client.watch("spikes")
        client.run_to(500)
        assert client.wait_until_paused(TIMEOUT_S) == 500
    if fault == "lock":  # nothing could be closed, for nothing of Python's could run
        check_recording(tmp_path / "run.rig", None)
    else:
        check_recording(tmp_path / "run.rig", "the process was told to end, and the subject does not answer")


def test_a_command_under_way_when_the_subject_hangs() -> None:
    with start("sleep", at_tick=0) as client:
        client.run()
        client.hang_timeout_s = SHORT_S
        with pytest.raises(SessionError, match="gives no sign of life"):
            still_there(client)


def test_a_session_that_was_only_stopped_comes_back() -> None:
    with start("none") as client:
        assert client.pid is not None
        os.kill(client.pid, signal.SIGSTOP)
        client.hang_timeout_s = SHORT_S
        assert any(isinstance(e, SubjectHung) for e in wait_for_event(client, SubjectHung))
        os.kill(client.pid, signal.SIGCONT)
        assert StateChanged(State.PAUSED, 0) in wait_for_event(client, StateChanged)
        client.hang_timeout_s = TIMEOUT_S
        assert eventually(lambda: client.status.state is State.PAUSED)
        client.step(5)
        assert client.wait_until_paused(TIMEOUT_S) == 5


def test_restarting_a_healthy_session() -> None:
    with start("none") as client:
        client.run()
        client.restart()
        assert (client.status.state, client.status.tick) == (State.PAUSED, 0)
        assert not any(isinstance(e, SubjectCrashed | SubjectHung) for e in client.events())


def client_process(
    folder: Path, script: str, *arguments: str, start_new_session: bool = False
) -> subprocess.Popen[str]:
    """A client in a process of its own."""
    path = folder / "client.py"
    path.write_text(script)
    return subprocess.Popen(
        [sys.executable, path, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(rig.__file__).parent.parent)},
        start_new_session=start_new_session,
    )


def kill_and_wait_for_host(process: subprocess.Popen[str], host_pid: int) -> str:
    """Kill a client; wait for its session's process, and for Python's tracker, which holds the client's output.

    Returns
    -------
    what any of them complained of
    """
    if not hasattr(os, "pidfd_open"):
        pytest.skip("this system cannot wait for a process that is no child (pidfd)")
    host = os.pidfd_open(host_pid)
    try:
        process.kill()
        assert select.select([host], [], [], TIMEOUT_S)[0] == [host]
    finally:
        os.close(host)
    return process.communicate(timeout=TIMEOUT_S)[1]


CLIENT = """
import sys, threading
sys.path.insert(0, {here!r})
from rig.process.client import RigClient

def main():
    client = RigClient.start(
        {plugin!r}, {{"fault": sys.argv[1]}}, seed=3, installed_only=False, grace_s={grace_s}
    )
    client.watch("spikes")
    client.start_recording(sys.argv[2])
    client.run_to(1000)
    client.wait_until_paused()
    while client.status.recorder.durable_tick < 1000:
        threading.Event().wait(0.01)
    if sys.argv[3] == "run":
        client.run()
    print(client.pid, client.ring("spikes").name.partition("-")[0], flush=True)
    threading.Event().wait()  # to be killed

if __name__ == "__main__":
    main()
"""


@pytest.mark.parametrize(
    ("fault", "then", "end_reason"),
    [
        ("none", "pause", "the client is gone"),
        ("none", "run", "the client is gone"),
        ("raise", "run", "the subject failed: ZeroDivisionError: a cell divided by nothing"),
        ("sleep", "run", "the client is gone, and the subject does not answer"),
        ("spin", "run", "the client is gone, and the subject does not answer"),
        ("lock", "run", None),
    ],
)
def test_a_client_that_is_killed(
    fault: str, then: str, end_reason: str | None, tmp_path: Path, nothing_left: list[str]
) -> None:
    """The session closes the recording and goes, whatever its subject is doing; nothing stays."""
    path = tmp_path / "run.rig"
    script = CLIENT.format(here=str(HERE), plugin=UNRULY, grace_s=GRACE_S)
    with client_process(tmp_path, script, fault, str(path), then) as process:
        assert process.stdout is not None
        pid, prefix = process.stdout.readline().split()
        nothing_left.append(prefix)
        assert shared_memory_of([prefix]) or not SHARED_MEMORY.is_dir()
        complaints = kill_and_wait_for_host(process, int(pid))
    # where even Python was stuck, its tracker removes the shared memory, and mentions it
    assert (complaints == "") == (fault != "lock")
    assert shared_memory_of([prefix]) == []
    check_recording(path, end_reason)


OPENING_CLIENT = """
import multiprocessing, sys, threading
sys.path.insert(0, {here!r})
import rig.process.client

def main():
    rig.process.client._fresh_prefix = lambda: sys.argv[1]
    options = {{"fault": "sleep at open"}}
    start = dict(installed_only=False, grace_s={grace_s})
    started = rig.process.client.RigClient.start
    threading.Thread(target=started, args=({plugin!r}, options), kwargs=start, daemon=True).start()
    while not multiprocessing.active_children():
        threading.Event().wait(0.01)
    print(multiprocessing.active_children()[0].pid, flush=True)
    threading.Event().wait()  # to be killed

if __name__ == "__main__":
    main()
"""


def test_a_client_that_is_killed_while_the_subject_opens(tmp_path: Path, nothing_left: list[str]) -> None:
    prefix = rig.process.client._fresh_prefix()
    script = OPENING_CLIENT.format(here=str(HERE), plugin=UNRULY, grace_s=GRACE_S)
    with client_process(tmp_path, script, prefix) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        assert kill_and_wait_for_host(process, pid) == ""
    assert shared_memory_of([prefix]) == []


INTERRUPTED_CLIENT = """
import sys
from rig.process.client import RigClient

def main():
    with RigClient.start("subjects.model_cell:PLUGIN", installed_only=False) as client:
        client.watch("spikes")
        client.start_recording(sys.argv[1])
        client.run()
        print(client.status.state, flush=True)
        client.wait_until_paused()

if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        print("interrupted")
"""


def test_ctrl_c_is_the_clients_to_handle(tmp_path: Path) -> None:
    """A terminal interrupts both processes; the session's waits for what its client makes of it."""
    path = tmp_path / "run.rig"
    with client_process(tmp_path, INTERRUPTED_CLIENT, str(path), start_new_session=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "running\n"
        os.killpg(process.pid, signal.SIGINT)
        output, errors = process.communicate(timeout=TIMEOUT_S)
    assert (output, errors, process.returncode) == ("interrupted\n", "", 0)
    with Recording.open(path) as recording:
        assert (recording.end_reason, recording.problems) == ("closed", ())


def test_a_recording_that_fails_is_told_and_the_subject_goes_on(tmp_path: Path) -> None:
    """As when the disk is unplugged: the folder goes away under the recorder."""
    with start("none") as client:
        client.watch("spikes")
        client.start_recording(tmp_path / "run.rig")
        client.run()
        (tmp_path / "run.rig").rename(tmp_path / "gone.rig")
        (failed,) = [e for e in wait_for_event(client, RecordingFailed) if isinstance(e, RecordingFailed)]
        assert "run.rig" in failed.line
        assert eventually(lambda: client.status.recorder is None)
        assert client.status.state is State.RUNNING
        client.pause()
        client.start_recording(tmp_path / "second.rig")
        client.step(10)
        client.wait_until_paused(TIMEOUT_S)
        client.stop_recording()


def test_samples_do_not_depend_on_speed_or_commands(tmp_path: Path) -> None:
    """One run in one go, one run interrupted all the time: the same file."""
    read = []
    for name in ("calm", "busy"):
        with start("none") as client:
            client.watch("charge")
            client.start_recording(tmp_path / f"{name}.rig")
            client.run_to(3000)
            while name == "busy" and client.status.tick < 3000:
                client.pause()
                client.set_speed(20_000 + client.status.tick)
                client.step(7)
                client.wait_until_paused(TIMEOUT_S)
                if client.status.tick < 3000:
                    client.run_to(3000)
            client.wait_until_paused(TIMEOUT_S)
            client.stop_recording()
        with Recording.open(tmp_path / f"{name}.rig") as recording:
            read.append(recording.read("charge", 0, 3000).data)
    np.testing.assert_array_equal(read[0], read[1])
