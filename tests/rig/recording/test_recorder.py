"""The recorder on a willing disk: what it takes, what it refuses, what it promises."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rig.errors import ContractError, FormatError, RecordingError, TickError
from rig.header import SessionHeader
from rig.log import LogEntry, LogKind
from rig.storage import disk
from rig.storage.recorder import Recorder
from rig.storage.recorder_status import durable_tick
from rig.storage.recording import Recording
from rig.storage.traffic import QUEUE_BYTES
from rig.streams import Chunk, StreamInfo, StreamKind

Layouts = Callable[[], tuple[StreamInfo, ...]]
Header = Callable[..., SessionHeader]
Samples = Callable[..., np.ndarray]


@pytest.fixture
def recorder(tmp_path: Path, make_header: Header, make_layouts: Layouts) -> Recorder:
    return Recorder(tmp_path / "a.rig", make_header(make_layouts()))


def words(step: int | None = 1, shape: tuple[int, ...] = (2,)) -> StreamInfo:
    return StreamInfo("words", "", StreamKind.VALUES, np.dtype("<u2"), shape, step)


def test_the_header_is_there_before_the_first_sample(recorder: Recorder) -> None:
    with Recording.open(recorder.path) as recording:
        assert list(recording.streams) == ["nodes", "lfp", "bus", "screen"]
        assert recording.header.seed == 7
        assert recording.header.info.options == {"key": "value"}
        assert recording.units.name[3] == "u3"
        assert recording.units.outlines is not None
        assert recording.units.outlines.vertices.tolist() == [[0, 1], [2, 3], [4, 5], [6, 7]]
        assert (recording.start_tick, recording.stop_tick) == (0, 0)
        assert len(recording.read("nodes")) == 0
        assert len(recording.problems) == 1
        assert "was not closed" in recording.problems[0]
    recorder.close()


def test_what_is_synced_can_be_read_while_recording_goes_on(recorder: Recorder, make_samples: Samples) -> None:
    data = make_samples(words(shape=()), 0)
    nodes = np.arange(30, dtype=np.uint8).reshape(10, 3)
    recorder.write(Chunk("nodes", 0, nodes))
    recorder.sync()
    with Recording.open(recorder.path) as recording:
        assert (recording.read("nodes").data == nodes).all()
    recorder.write(Chunk("nodes", 10, nodes[:5]))
    recorder.close()
    with Recording.open(recorder.path) as recording:
        assert recording.extent("nodes").n_samples == 15
        assert recording.problems == ()
    assert len(data) == 0


def test_nothing_waits_longer_than_the_sync_interval(tmp_path: Path, make_header: Header) -> None:
    rounds = threading.Semaphore(0)

    def look(path: Path) -> int:
        rounds.release()
        return 1 << 50

    recorder = Recorder(tmp_path / "a.rig", make_header([words()]), sync_interval_s=0.001, free_bytes=look)
    recorder.write(Chunk("words", 0, np.zeros((3, 2), np.uint16)))
    while recorder.status.durable_ticks.get("words") != 3:  # nobody writes or syncs any more
        assert rounds.acquire(timeout=30)
    recorder.close()


def test_the_status_counts(recorder: Recorder) -> None:
    recorder.write(Chunk("nodes", 0, np.zeros((10, 3), np.uint8)))
    recorder.write(Chunk("lfp", 0, np.zeros((2, 2), np.float32)))
    recorder.sync()
    status = recorder.status
    assert status.raw_bytes == 30 + 16
    assert status.n_frames == 2
    assert dict(status.durable_ticks) == {"nodes": 10, "lfp": 10}
    assert status.durable_tick is None  # the bus has given nothing yet
    recorder.write(Chunk("bus", 0, np.zeros(3, recorder_dtype(recorder, "bus"))))
    recorder.sync()
    assert recorder.status.durable_tick == 6
    assert recorder.status.free_bytes is not None
    assert recorder.status.failure is None
    on_disk = sum(f.stat().st_size for f in [*recorder.path.glob("*/*.seg"), recorder.path / "events.jsonl"])
    assert recorder.status.written_bytes == on_disk
    recorder.close()


def recorder_dtype(recorder: Recorder, stream: str) -> np.dtype:
    with Recording.open(recorder.path) as recording:
        return recording.streams[stream].dtype


def test_the_durable_tick_is_that_of_the_slowest_regular_stream() -> None:
    frames = StreamInfo("frames", "", StreamKind.IMAGE, np.dtype("u1"), (2,), None)
    lfp = StreamInfo("lfp", "", StreamKind.FIELD, np.dtype("<f4"), (2,), 5)
    assert durable_tick([words(), lfp, frames], {"words": 17, "lfp": 15, "frames": 2}) == 15
    assert durable_tick([words(), lfp, frames], {"words": 17, "frames": 2}) is None
    assert durable_tick([frames], {"frames": 2}) == 2
    assert durable_tick([frames], {}) is None


def test_a_chunk_is_its_owners_again_after_writing(tmp_path: Path, make_header: Header) -> None:
    buffer = np.zeros((1000, 2), np.uint16)
    with Recorder(tmp_path / "a.rig", make_header([words()])) as recorder:
        for i in range(50):
            buffer[:] = i
            recorder.write(Chunk("words", 1000 * i, buffer))
    with Recording.open(tmp_path / "a.rig") as recording:
        assert (recording.read("words").data == np.repeat(np.arange(50), 1000)[:, None]).all()


def test_large_chunks_become_frames_of_a_megabyte(tmp_path: Path, make_header: Header) -> None:
    data = np.arange(3_000_000, dtype=np.uint16).reshape(-1, 2)
    with Recorder(tmp_path / "a.rig", make_header([words()]), sync_interval_s=1e6, segment_bytes=2 << 20) as recorder:
        recorder.write(Chunk("words", 0, data))
    assert recorder.status.n_frames == 6
    segments = sorted((tmp_path / "a.rig" / "words").glob("*.seg"))
    assert len(segments) == 5  # two full frames and their headers are just over two megabytes
    assert all(s.stat().st_size <= 2 << 20 for s in segments)
    with Recording.open(tmp_path / "a.rig") as recording:
        assert (recording.read("words").data == data).all()


def test_a_sample_larger_than_a_segment_is_recorded(tmp_path: Path, make_header: Header) -> None:
    huge = words(None, (1500, 1000))
    data = np.random.default_rng(0).integers(0, 1 << 16, (2, *huge.shape)).astype(np.uint16)
    with Recorder(tmp_path / "a.rig", make_header([huge]), segment_bytes=1 << 20) as recorder:
        recorder.write(Chunk("words", 5, data, np.array([5, 9])))
    with Recording.open(tmp_path / "a.rig") as recording:
        assert (recording.read("words").data == data).all()
        assert recording.read("words", 6).ticks.tolist() == [9]


def test_the_subject_waits_for_the_disk(tmp_path: Path, make_header: Header, monkeypatch: pytest.MonkeyPatch) -> None:
    gate, done = threading.Event(), threading.Event()
    write_all = disk.write_all

    def gated(file: disk.AppendFile, pieces: list[memoryview]) -> int:
        gate.wait()
        return write_all(file, pieces)

    recorder = Recorder(tmp_path / "a.rig", make_header([words()]))
    monkeypatch.setattr(disk, "write_all", gated)
    chunk = np.ones((1 << 16, 2), np.uint16)
    n_chunks = 3 * QUEUE_BYTES // chunk.nbytes

    def subject() -> None:
        for i in range(n_chunks):
            recorder.write(Chunk("words", i << 16, chunk))
        done.set()

    thread = threading.Thread(target=subject)
    thread.start()
    assert not done.wait(0.3)  # a recorder that dropped or hoarded would be through at once
    gate.set()
    thread.join()
    recorder.close()
    with Recording.open(tmp_path / "a.rig") as recording:
        assert recording.extent("words").n_samples == n_chunks << 16
        assert recording.gaps("words") == ()


def test_log_and_snapshots_are_kept(recorder: Recorder) -> None:
    entries = [LogEntry(i, 3 * i, 1e9 + i, LogKind.NOTE, {"text": f"größe {i}\n"}) for i in range(5)]
    for entry in entries:
        recorder.log(entry)
    recorder.snapshot(0, 0, b"zero")
    recorder.snapshot(40, 2, b"first")
    recorder.snapshot(40, 3, bytes(1 << 20))
    recorder.sync()
    with Recording.open(recorder.path) as recording:
        assert recording.log == tuple(entries)
        assert recording.snapshot_ticks == (0, 40)
        assert recording.snapshot_before(-1) is None
        early, late = recording.snapshot_before(39), recording.snapshot_before(40)
        assert early is not None
        assert (early.tick, early.seq, early.blob) == (0, 0, b"zero")
        assert late is not None
        assert (late.tick, late.seq, late.blob) == (40, 3, bytes(1 << 20))
    recorder.close()


def test_no_sample_is_on_the_disk_before_the_log_entry_that_caused_it(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    write_all, sync_file = disk.write_all, disk.sync_file

    def spy_write(file: disk.AppendFile, pieces: list[memoryview]) -> int:
        order.append("write " + Path(file.name).name)  # type: ignore[attr-defined]
        return write_all(file, pieces)

    def spy_sync(file: disk.AppendFile) -> None:
        order.append("sync " + Path(file.name).name)  # type: ignore[attr-defined]
        sync_file(file)

    monkeypatch.setattr(disk, "write_all", spy_write)
    monkeypatch.setattr(disk, "sync_file", spy_sync)
    recorder.log(LogEntry(0, 0, 0.0, LogKind.PERTURB, {}))
    recorder.write(Chunk("nodes", 0, np.zeros((2, 3), np.uint8)))
    recorder.sync()
    assert order[:4] == ["write events.jsonl", "write 000000.seg", "sync events.jsonl", "sync 000000.seg"]
    monkeypatch.undo()
    recorder.close()


def test_an_existing_recording_is_not_overwritten(recorder: Recorder, make_header: Header, tmp_path: Path) -> None:
    recorder.close()
    before = (recorder.path / "session.json").read_bytes()
    with pytest.raises(RecordingError, match=r"a\.rig; it is there already"):
        Recorder(recorder.path, make_header([words()]))
    assert (recorder.path / "session.json").read_bytes() == before
    (tmp_path / "file").write_text("mine")
    with pytest.raises(RecordingError, match="already"):
        Recorder(tmp_path / "file", make_header([words()]))
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(RecordingError, match="already"):
        Recorder(tmp_path / "link", make_header([words()]))
    (tmp_path / "empty.rig").mkdir()
    Recorder(tmp_path / "empty.rig", make_header([words()])).close()


@pytest.mark.parametrize(
    ("chunk", "error", "message"),
    [
        (Chunk("nose", 0, np.zeros((1, 3), np.uint8)), ContractError, "'nose'; recorded are nodes, lfp"),
        (
            Chunk("nodes", 0, np.zeros((1, 4), np.uint8)),
            ContractError,
            r"samples uint8\[4\]; its layout says uint8\[3\]",
        ),
        (Chunk("nodes", 0, np.zeros((1, 3), np.int8)), ContractError, "samples int8"),
        (Chunk("nodes", 0, np.zeros((1, 3), np.uint8), np.array([0])), ContractError, "regular"),
        (Chunk("screen", 0, np.zeros((1, 4, 3), np.uint8)), ContractError, "irregular"),
        (Chunk("screen", 0, np.zeros((2, 4, 3), np.uint8), np.array([0])), ContractError, "each sample needs one"),
        (Chunk("screen", 9, np.zeros((2, 4, 3), np.uint8), np.array([9, 8])), ContractError, "ascending"),
        (Chunk("nodes", -1, np.zeros((1, 3), np.uint8)), TickError, "tick -1"),
        (Chunk("nodes", 1 << 62, np.zeros((1, 3), np.uint8)), TickError, "2\\^62"),
        (Chunk("nodes", 19, np.zeros((1, 3), np.uint8)), TickError, "recorded up to tick 20"),
        (Chunk("screen", 6, np.zeros((1, 4, 3), np.uint8), np.array([6])), TickError, "recorded up to tick 7"),
    ],
)
def test_chunks_that_break_the_contract_are_refused_and_harm_nothing(
    recorder: Recorder, chunk: Chunk, error: type[Exception], message: str
) -> None:
    recorder.write(Chunk("nodes", 10, np.ones((10, 3), np.uint8)))
    recorder.write(Chunk("screen", 7, np.ones((1, 4, 3), np.uint8), np.array([7])))
    with pytest.raises(error, match=message):
        recorder.write(chunk)
    recorder.write(Chunk("nodes", 20, np.ones((10, 3), np.uint8)))
    recorder.close()
    with Recording.open(recorder.path) as recording:
        assert recording.problems == ()
        assert recording.extent("nodes").n_samples == 20
        assert recording.extent("screen").n_samples == 1


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../up", "a/b", "a\\b", "/root", "snapshots", "session.json", "nul\0", "a.", "-a", "x" * 101],
)
def test_streams_whose_name_is_no_folder_name_are_refused(tmp_path: Path, make_header: Header, name: str) -> None:
    info = StreamInfo(name, "", StreamKind.VALUES, np.dtype("u1"), (1,), 1)
    with pytest.raises(FormatError, match="a stream is named"):
        Recorder(tmp_path / "a.rig", make_header([info]))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("dtype", "shape"),
    [
        (np.dtype([("a", [("b", "u1")])]), (1,)),
        (np.dtype([("a", "u1"), ("b", "<u4")], align=True), (1,)),
        (np.dtype("O"), (1,)),
        (np.dtype("u1"), (0,)),
        (np.dtype("V0"), (1,)),
    ],
)
def test_layouts_that_would_not_come_back_are_refused(
    tmp_path: Path, make_header: Header, dtype: np.dtype, shape: tuple[int, ...]
) -> None:
    with pytest.raises(FormatError, match="'odd'"):
        Recorder(tmp_path / "a.rig", make_header([StreamInfo("odd", "", StreamKind.VALUES, dtype, shape, 1)]))


def test_two_streams_of_one_name_are_refused(tmp_path: Path, make_header: Header) -> None:
    with pytest.raises(FormatError, match="two streams are named"):
        Recorder(
            tmp_path / "a.rig",
            make_header([words(), StreamInfo("WORDS", "", StreamKind.VALUES, np.dtype("u1"), (1,), 1)]),
        )


def test_a_closed_recorder_takes_nothing_more(recorder: Recorder) -> None:
    recorder.close("enough")
    recorder.close("again")
    with pytest.raises(RecordingError, match="this recording is closed"):
        recorder.write(Chunk("nodes", 0, np.zeros((1, 3), np.uint8)))
    with pytest.raises(RecordingError, match="this recording is closed"):
        recorder.sync()
    with Recording.open(recorder.path) as recording:
        assert recording.end_reason == "enough"


def test_leaving_the_block_with_an_error_closes_and_says_so(tmp_path: Path, make_header: Header) -> None:
    def run() -> None:
        with Recorder(tmp_path / "a.rig", make_header([words()])) as recorder:
            recorder.write(Chunk("words", 0, np.ones((4, 2), np.uint16)))
            raise KeyError("subject")

    with pytest.raises(KeyError):
        run()
    with Recording.open(tmp_path / "a.rig") as recording:
        assert recording.end_reason == "KeyError: 'subject'"
        assert recording.extent("words").n_samples == 4


def test_no_thread_is_left_behind(recorder: Recorder) -> None:
    recorder.write(Chunk("nodes", 0, np.zeros((1, 3), np.uint8)))
    recorder.close()
    assert not [t for t in threading.enumerate() if t.name.startswith("recorder-")]


def test_the_files_are_as_documented(recorder: Recorder) -> None:
    recorder.write(Chunk("nodes", 0, np.zeros((1, 3), np.uint8)))
    recorder.snapshot(1, 0, b"x")
    recorder.close("done")
    files = {str(f.relative_to(recorder.path)) for f in recorder.path.rglob("*") if f.is_file()}
    assert files == {
        "session.json",
        "outlines.npz",
        "events.jsonl",
        "closed.json",
        "nodes/000000.seg",
        "nodes/frames.index",
        "snapshots/1.snap",
    }
    session = json.loads((recorder.path / "session.json").read_text())
    assert (session["format"], session["format_version"]) == ("headstage-recording", 1)


def test_a_program_that_forgets_to_close_leaves_a_closed_recording(tmp_path: Path, recorder: Recorder) -> None:
    recorder.close()
    script = """
import json, sys
from pathlib import Path
import numpy as np
from rig.header import header_from_json
from rig.storage.recorder import Recorder
from rig.streams import Chunk
recorder = Recorder(Path(sys.argv[2]), header_from_json(json.loads(Path(sys.argv[1]).read_text())))
recorder.write(Chunk("nodes", 0, np.ones((5, 3), np.uint8)))
"""
    model, path = recorder.path / "session.json", tmp_path / "b.rig"
    ran = subprocess.run([sys.executable, "-c", script, str(model), str(path)], capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (0, "")
    with Recording.open(path) as recording:
        assert recording.problems == ()
        assert recording.end_reason == "the program ended"
        assert recording.extent("nodes").n_samples == 5


def test_an_interrupted_wait_loses_no_frame(
    tmp_path: Path, make_header: Header, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = threading.Event()
    write_all = disk.write_all

    def gated(file: disk.AppendFile, pieces: list[memoryview]) -> int:
        gate.wait()
        return write_all(file, pieces)

    recorder = Recorder(tmp_path / "a.rig", make_header([words()]), sync_interval_s=1e6)
    monkeypatch.setattr(disk, "write_all", gated)
    wait_for = recorder._traffic.changed.wait_for
    n_samples = 1 << 18  # a frame

    def interrupted(condition: Callable[[], bool], timeout: float | None = None) -> bool:
        if threading.current_thread() is threading.main_thread() and not condition():
            raise KeyboardInterrupt
        return wait_for(condition, timeout)

    monkeypatch.setattr(recorder._traffic.changed, "wait_for", interrupted)
    chunk = np.ones((n_samples, 2), np.uint16)
    begun = 0

    def subject() -> None:
        nonlocal begun
        while True:
            begun += n_samples
            recorder.write(Chunk("words", begun - n_samples, chunk))

    with pytest.raises(KeyboardInterrupt):
        subject()
    gate.set()
    recorder.close()
    with Recording.open(tmp_path / "a.rig") as recording:
        assert recording.extent("words").n_samples == begun
        assert recording.gaps("words") == ()
