"""The recorder on a disk that refuses: one clear line, and everything acknowledged stays."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from rig.errors import RecordingError, StorageError
from rig.header import SessionHeader
from rig.log import LogEntry, LogKind
from rig.storage import disk
from rig.storage.recorder import Recorder
from rig.storage.recorder_status import RecorderEvent, RecorderEventKind
from rig.storage.recording import Recording
from rig.streams import Chunk, StreamInfo, StreamKind

Header = Callable[..., SessionHeader]
WORDS = StreamInfo("words", "", StreamKind.VALUES, np.dtype("<u2"), (50,), 1)


def rows(first: int, n: int) -> Chunk:
    return Chunk("words", first, np.repeat(np.arange(first, first + n, dtype=np.uint16)[:, None], 50, axis=1))


def fill(recorder: Recorder, limit: int = 1_000_000) -> tuple[int, StorageError]:
    """Record and sync until the disk refuses: the ticks acknowledged, and what was said."""
    acknowledged = 0
    try:
        for tick in range(0, limit, 100):
            recorder.write(rows(tick, 100))
            recorder.sync()
            acknowledged = tick + 100
    except StorageError as error:
        return acknowledged, error
    raise AssertionError("the disk never refused")


def holds(path: Path, n: int) -> tuple[int, tuple[str, ...]]:
    """Samples and problems of a recording, which must begin with the n ticks acknowledged and be right beyond."""
    with Recording.open(path) as recording:
        found = recording.read("words")
        problems = recording.problems
    assert len(found) >= n
    assert found.ticks.tolist() == list(range(len(found)))
    assert (found.data == np.arange(len(found)).astype(np.uint16)[:, None]).all()
    assert not any("torn" in problem for problem in problems)
    return len(found), problems


@pytest.fixture
def events() -> list[RecorderEvent]:
    return []


@pytest.fixture
def recorder(tmp_path: Path, make_header: Header, events: list[RecorderEvent]) -> Iterator[Recorder]:
    recorder = Recorder(tmp_path / "a.rig", make_header([WORDS]), on_event=events.append, sync_interval_s=1e6)
    yield recorder
    with suppress(StorageError):
        recorder.close()


def failing_write(monkeypatch: pytest.MonkeyPatch, name: str, error: OSError, after: int) -> None:
    """Let some writes to a file through, then half of one, then none."""
    write_all, seen = disk.write_all, [0]

    def write(file: disk.AppendFile, pieces: list[memoryview]) -> int:
        if not str(file.name).endswith(name):  # type: ignore[attr-defined]
            return write_all(file, pieces)
        seen[0] += 1
        if seen[0] > after:
            if seen[0] == after + 1:
                write_all(file, [pieces[0], pieces[-1][: len(pieces[-1]) // 2]])
            raise error
        return write_all(file, pieces)

    monkeypatch.setattr(disk, "write_all", write)


@pytest.mark.parametrize(
    ("number", "words"),
    [(errno.ENOSPC, "the disk is full"), (errno.EIO, "input/output error"), (errno.EDQUOT, "quota")],
)
def test_a_refused_write_ends_the_recording_and_loses_nothing_acknowledged(
    recorder: Recorder, events: list[RecorderEvent], monkeypatch: pytest.MonkeyPatch, number: int, words: str
) -> None:
    failing_write(monkeypatch, ".seg", OSError(number, os.strerror(number)), after=7)
    acknowledged, error = fill(recorder)
    assert acknowledged == 700
    assert words in str(error)
    assert "up to tick 700 is safe" in str(error)
    assert "\n" not in str(error)
    assert [e.kind for e in events] == [RecorderEventKind.FAILED]
    assert events[0].message == str(error) == recorder.status.failure
    assert recorder.status.durable_ticks == {"words": 700}
    for act in (lambda: recorder.write(rows(800, 1)), recorder.sync, lambda: recorder.snapshot(0, 0, b"")):
        with pytest.raises(StorageError, match=words):
            act()
    recorder.close()  # said before
    n_samples, _ = holds(recorder.path, 700)
    assert n_samples == 700  # half a frame was taken back
    assert not [t for t in threading.enumerate() if t.name.startswith("recorder-")]


def test_what_was_written_before_the_refusal_is_saved_though_nobody_asked(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing_write(monkeypatch, "events.jsonl", OSError(errno.ENOSPC, "full"), after=0)
    recorder.write(rows(0, 20_000))  # a full frame and a half
    recorder.log(LogEntry(0, 0, 0.0, LogKind.NOTE, {}))
    with pytest.raises(StorageError, match="up to tick 10485 is safe"):
        recorder.close()
    holds(recorder.path, 10_485)


def test_a_failed_sync_acknowledges_nothing(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder.write(rows(0, 100))
    recorder.sync()

    def refuse(file: disk.AppendFile) -> None:
        raise OSError(errno.EIO, "no")

    monkeypatch.setattr(disk, "sync_file", refuse)
    recorder.write(rows(100, 100))
    with pytest.raises(StorageError, match="up to tick 100 is safe"):
        recorder.sync()
    # after one failed sync the next may pretend: the kernel has forgotten the pages, so it must not be asked again
    assert recorder.status.durable_ticks == {"words": 100}


def test_a_failure_nobody_was_told_of_comes_out_at_the_end(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    failing_write(monkeypatch, ".seg", OSError(errno.ENOSPC, "full"), after=0)
    recorder.write(rows(0, 10))
    with pytest.raises(StorageError, match="the disk is full; nothing was recorded"):
        recorder.close()
    recorder.close()


@pytest.mark.parametrize("what", ["deleted", "moved", "replaced", "stream deleted"])
def test_a_folder_that_goes_away_is_noticed_before_anything_more_is_acknowledged(
    recorder: Recorder, tmp_path: Path, events: list[RecorderEvent], what: str
) -> None:
    recorder.write(rows(0, 100))
    recorder.sync()
    if what == "deleted":
        shutil.rmtree(recorder.path)
    elif what == "stream deleted":
        shutil.rmtree(recorder.path / "words")
    else:
        recorder.path.rename(tmp_path / "elsewhere.rig")
        if what == "replaced":
            shutil.copytree(tmp_path / "elsewhere.rig", recorder.path)
    recorder.write(rows(100, 100))
    with pytest.raises(StorageError, match="its folder was moved, deleted or unplugged"):
        recorder.sync()
    assert recorder.status.durable_ticks == {"words": 100}
    assert [e.kind for e in events] == [RecorderEventKind.FAILED]
    if what in ("moved", "replaced"):
        holds(tmp_path / "elsewhere.rig", 100)


def test_a_folder_that_goes_away_while_the_subject_rests_is_noticed(tmp_path: Path, make_header: Header) -> None:
    told = threading.Event()
    recorder = Recorder(
        tmp_path / "a.rig", make_header([WORDS]), sync_interval_s=0.001, on_event=lambda event: told.set()
    )
    shutil.rmtree(recorder.path)
    assert told.wait(timeout=30)
    with pytest.raises(StorageError, match="unplugged"):
        recorder.write(rows(0, 1))


def test_a_listener_that_fails_does_not_matter(
    tmp_path: Path, make_header: Header, caplog: pytest.LogCaptureFixture
) -> None:
    def listen(event: RecorderEvent) -> None:
        raise KeyError("listener")

    recorder = Recorder(tmp_path / "a.rig", make_header([WORDS]), on_event=listen, free_bytes=lambda path: 0)
    _, error = fill(recorder)
    recorder.close()
    assert "less than a minute" in str(error)
    assert "whoever listens to the recorder failed" in caplog.text


# ---- space


def test_under_a_minute_of_space_the_recording_is_closed_cleanly(
    tmp_path: Path, make_header: Header, events: list[RecorderEvent]
) -> None:
    free = [1 << 50]
    recorder = Recorder(
        tmp_path / "a.rig",
        make_header([WORDS]),
        on_event=events.append,
        free_bytes=lambda p: free[0],
        sync_interval_s=1e6,
    )
    recorder.write(rows(0, 500))
    recorder.sync()
    free[0] = 1000
    recorder.write(rows(500, 500))
    recorder.sync()  # this one is kept, and finds the disk full
    _, error = fill(recorder)
    assert "less than a minute of space was left" in str(error)
    assert "everything up to tick 1000 is safe" in str(error)
    assert [e.kind for e in events] == [RecorderEventKind.STOPPED]
    recorder.close()
    assert holds(tmp_path / "a.rig", 1000) == (1000, ())
    with Recording.open(tmp_path / "a.rig") as recording:
        assert recording.end_reason == "less than a minute of space was left"


def test_under_ten_minutes_it_warns_once(tmp_path: Path, make_header: Header, events: list[RecorderEvent]) -> None:
    now, free = [0.0], [1 << 50]
    recorder = Recorder(
        tmp_path / "a.rig",
        make_header([WORDS]),
        on_event=events.append,
        sync_interval_s=1e6,
        free_bytes=lambda path: free[0],
        clock=lambda: now[0],
    )
    for second in range(60):
        now[0] = float(second)
        if second == 10:  # 100 rows and a frame's header a second, for 300 s
            free[0] = (4 << 20) + 300 * 10_048
        if second == 40:
            free[0] = 1 << 50
        if second == 50:
            free[0] = (4 << 20) + 300 * 10_048
        recorder.write(rows(100 * second, 100))
        recorder.sync()
    recorder.close()
    assert [e.kind for e in events] == [RecorderEventKind.SPACE_LOW] * 2
    assert "space for 5 more minutes at 0.01 MB/s" in events[0].message
    assert recorder.status.failure is None


# ---- disks that really refuse


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Two megabytes of tmpfs."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.decode().strip()}")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_disk_that_is_really_full(small_disk: Path, make_header: Header) -> None:
    recorder = Recorder(small_disk / "a.rig", make_header([WORDS]), free_bytes=lambda path: 1 << 50)
    acknowledged, error = fill(recorder)
    assert "the disk is full" in str(error)
    assert acknowledged > 10_000
    recorder.close()
    holds(small_disk / "a.rig", acknowledged)
    with suppress(OSError), open(small_disk / "rest", "wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    with pytest.raises(StorageError, match="the disk is full"):
        Recorder(small_disk / "b.rig", make_header([WORDS]))
    assert not (small_disk / "b.rig").exists()


def test_a_disk_that_becomes_read_only(small_disk: Path, make_header: Header) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(StorageError, match=r"asked to record to .*small/a\.rig: the disk is read-only"):
        Recorder(small_disk / "a.rig", make_header([WORDS]))


CHILD = """
import os, resource, sys
from pathlib import Path
import numpy as np
from rig.errors import StorageError
from rig.storage.recorder import Recorder
from rig.storage.recording import Recording
from rig.header import header_from_json
import json
header = header_from_json(json.loads(Path(sys.argv[1]).read_text()))
path = Path(sys.argv[2])
"""


def run_child(tmp_path: Path, make_header: Header, body: str, path: Path) -> subprocess.CompletedProcess[str]:
    # the header of a recording made here, for the child to use
    Recorder(tmp_path / "model.rig", make_header([WORDS])).close()
    session = tmp_path / "model.rig" / "session.json"
    return subprocess.run(
        [sys.executable, "-c", CHILD + textwrap.dedent(body), str(session), str(path)], capture_output=True, text=True
    )


def test_a_file_that_may_not_grow_further(tmp_path: Path, make_header: Header) -> None:
    body = """
        from rig.streams import Chunk
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
        recorder = Recorder(path, header)
        try:
            for tick in range(0, 100_000, 100):
                recorder.write(Chunk("words", tick, np.repeat(np.arange(tick, tick + 100, dtype="u2")[:, None], 50, 1)))
                recorder.sync()
                print(tick + 100)
        except StorageError as error:
            print(error)
    """
    ran = run_child(tmp_path, make_header, body, tmp_path / "a.rig")
    *acknowledged, said = ran.stdout.splitlines()
    assert ran.stderr == ""
    assert "a file may not grow further" in said
    assert int(acknowledged[-1]) >= 1500
    holds(tmp_path / "a.rig", int(acknowledged[-1]))


def test_a_folder_without_permission(tmp_path: Path, make_header: Header) -> None:
    locked = tmp_path / "locked"
    locked.mkdir()
    body = """
        os.chmod(path.parent, 0o500)
        if os.geteuid() == 0:
            os.seteuid(65534)
        try:
            Recorder(path, header)
        except StorageError as error:
            print(error)
    """
    ran = run_child(tmp_path, make_header, body, locked / "a.rig")
    assert ran.stderr == ""
    assert ran.stdout.strip() == f"asked to record to {locked / 'a.rig'}: there is no permission"


def test_a_place_that_is_not_there(tmp_path: Path, make_header: Header) -> None:
    with pytest.raises(StorageError, match="the folder is not there"):
        Recorder(tmp_path / "no" / "a.rig", make_header([WORDS]))
    (tmp_path / "file").write_text("")
    with pytest.raises((StorageError, RecordingError), match="a part of the path is not a folder"):
        Recorder(tmp_path / "file" / "a.rig", make_header([WORDS]))
