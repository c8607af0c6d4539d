"""Segments cut, flipped, blanked: what is read is always right, and what is lost is always said."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rig.errors import FormatError
from rig.storage.recording import Recording
from rig.storage.segment import HEADER_BYTES
from rig.storage.stream_reader import StreamReader
from rig.streams import StreamInfo

Truth = dict[str, tuple[np.ndarray, np.ndarray]]
STREAMS = ["nodes", "lfp", "screen"]
N_ROUNDS = 3
INFO: dict[str, StreamInfo] = {}


@pytest.fixture(scope="module", autouse=True)
def _info(make_layouts: Callable[[], tuple[StreamInfo, ...]]) -> None:
    INFO.update({info.name: info for info in make_layouts()})


@pytest.fixture(scope="module", params=[True, False], ids=["closed", "killed"])
def recording_folder(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, make_recording: Callable[..., Truth]
) -> tuple[Path, Truth, bool]:
    """Three frames a stream, with sidecars and without, as a kill leaves it."""
    path = tmp_path_factory.mktemp("damage") / "a.rig"
    return path, make_recording(path, N_ROUNDS, closed=request.param), request.param


@pytest.fixture
def folder(recording_folder: tuple[Path, Truth, bool]) -> tuple[Path, Truth, bool]:
    """The same, restored after each test."""
    path, truth, closed = recording_folder
    originals = {file: file.read_bytes() for file in path.glob("*/*.seg")}
    yield path, truth, closed
    for file, data in originals.items():
        file.write_bytes(data)


def frames(data: bytes) -> list[int]:
    """Where the frames of an intact segment begin, by their own lengths."""
    starts, offset = [], 0
    while offset < len(data):
        starts.append(offset)
        offset += HEADER_BYTES + int.from_bytes(data[offset + 36 : offset + 40], "little")
    return starts


def read_damaged(path: Path, stream: str, truth: Truth) -> tuple[np.ndarray, list[str]]:
    """Ticks found and problems told; every sample found must be one that was recorded."""
    ticks, data = truth[stream]
    reader = StreamReader(path / stream, INFO[stream], 1.5e9)
    (found,) = reader.blocks(0, 1 << 60, None, None)
    gaps, extent, problems = reader.gaps, reader.extent, reader.problems
    reader.close()
    assert len(np.unique(found.ticks)) == len(found.ticks) == extent.n_samples
    at = np.searchsorted(ticks, found.ticks)
    assert (ticks[at] == found.ticks).all()
    assert data[at].tobytes() == found.data.tobytes()
    for start, stop in gaps:
        assert not ((found.ticks >= start) & (found.ticks < stop)).any()
    assert not any("\n" in p for p in problems)
    # what is missing between what was found is told as a gap
    missing = np.setdiff1d(ticks, found.ticks)
    if len(found.ticks):
        inner = missing[(missing > found.ticks[0]) & (missing < found.ticks[-1])]
        assert all(any(a <= t < b for a, b in gaps) for t in inner.tolist())
    return found.ticks, problems


def test_the_fixture_is_three_intact_frames(folder: tuple[Path, Truth, bool]) -> None:
    path, truth, _ = folder
    for stream in STREAMS:
        assert len(frames((path / stream / "000000.seg").read_bytes())) == N_ROUNDS
        ticks, problems = read_damaged(path, stream, truth)
        assert ticks.tolist() == truth[stream][0].tolist()
        assert problems == []


@pytest.mark.parametrize("stream", STREAMS)
def test_cut_at_every_byte(folder: tuple[Path, Truth, bool], stream: str) -> None:
    path, truth, closed = folder
    segment = path / stream / "000000.seg"
    data = segment.read_bytes()
    starts = frames(data)
    all_ticks = truth[stream][0]
    for size in range(len(data)):
        segment.write_bytes(data[:size])
        ticks, problems = read_damaged(path, stream, truth)
        n_whole = sum(end <= size for end in [*starts[1:], len(data)])
        assert len(ticks) == n_whole * len(all_ticks) // N_ROUNDS
        if size not in starts:
            assert len(problems) == 1  # exactly one torn frame
        if closed:
            assert problems  # the sidecar knows of frames that are gone without a trace


@pytest.mark.parametrize("stream", STREAMS)
def test_every_flipped_bit(folder: tuple[Path, Truth, bool], stream: str) -> None:
    path, truth, _ = folder
    segment = path / stream / "000000.seg"
    data = segment.read_bytes()
    starts = frames(data)
    all_ticks = truth[stream][0]
    for bit in range(8 * len(data)):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        segment.write_bytes(flipped)
        ticks, problems = read_damaged(path, stream, truth)
        hit = sum(start <= bit // 8 for start in starts) - 1
        kept = np.delete(all_ticks.reshape(N_ROUNDS, -1), hit, axis=0).reshape(-1)
        assert ticks.tolist() == kept.tolist()  # that frame, and no other
        assert len(problems) == 1


@settings(deadline=None, max_examples=150)
@given(data=st.data())
def test_any_stretch_blanked_removed_or_put_in(recording_folder: tuple[Path, Truth, bool], data: st.DataObject) -> None:
    path, truth, _ = recording_folder
    stream = data.draw(st.sampled_from(STREAMS))
    segment = path / stream / "000000.seg"
    original = segment.read_bytes()
    starts = [*frames(original), len(original)]
    at, end = sorted(data.draw(st.tuples(*[st.integers(0, len(original))] * 2)))
    how = data.draw(st.sampled_from(["zeros", "removed", "noise put in", "frames put in"]))
    if how == "zeros":
        broken = original[:at] + bytes(end - at) + original[end:]
    elif how == "removed":
        broken = original[:at] + original[end:]
    elif how == "noise put in":
        end, broken = at, original[:at] + data.draw(st.binary(min_size=1, max_size=200)) + original[at:]
    else:  # the same frames once more
        broken = original[:at] + original + original[at:]
    try:
        segment.write_bytes(broken)
        ticks, problems = read_damaged(path, stream, truth)
    finally:
        segment.write_bytes(original)
    if broken != original:
        assert problems
    if how != "frames put in":
        per_frame = truth[stream][0].reshape(N_ROUNDS, -1)
        for k in range(N_ROUNDS):
            untouched = starts[k + 1] <= at or starts[k] >= end
            if untouched:
                assert np.isin(per_frame[k], ticks).all()


def test_damage_in_an_earlier_segment_is_found_when_it_is_read(
    tmp_path: Path, make_header: Callable[..., object], make_layouts: Callable[[], tuple[object, ...]]
) -> None:
    from rig.storage.recorder import Recorder
    from rig.streams import Chunk

    nodes = make_layouts()[0]
    data = np.random.default_rng(0).integers(0, 256, (100, 3), np.uint8)
    with Recorder(tmp_path / "a.rig", make_header([nodes]), sync_interval_s=1e6, segment_bytes=300) as recorder:
        for i in range(0, 100, 10):
            recorder.write(Chunk("nodes", i, data[i : i + 10]))
            recorder.sync()
    segments = sorted((tmp_path / "a.rig" / "nodes").glob("*.seg"))
    assert len(segments) == 4
    broken = bytearray(segments[1].read_bytes())
    broken[HEADER_BYTES + 5] ^= 4
    segments[1].write_bytes(broken)
    with Recording.open(tmp_path / "a.rig") as recording:
        assert recording.problems == ()
        assert recording.read("nodes", 0, 20).data.tobytes() == data[:20].tobytes()
        assert recording.problems == ()
        kept = np.delete(np.arange(100), np.arange(30, 40))
        found = recording.read("nodes")
        assert found.ticks.tolist() == kept.tolist()
        assert found.data.tobytes() == data[kept].tobytes()
        assert recording.gaps("nodes") == ((30, 40),)
        assert recording.extent("nodes").n_samples == 90
        assert len(recording.problems) == 1
        assert "ticks [30, 40) are lost (segment 000001, byte 0)" in recording.problems[0]
        assert recording.read("nodes", 25, 45).ticks.tolist() == [*range(25, 30), *range(40, 45)]
        assert len(recording.problems) == 1
    segments[2].unlink()
    with Recording.open(tmp_path / "a.rig") as recording:
        assert "nodes: segment 000002 is missing" in recording.problems
        found = recording.read("nodes")
        assert found.data.tobytes() == data[found.ticks].tobytes()
        assert (30, 40) in recording.gaps("nodes") or (30, 90) in recording.gaps("nodes")


def test_frames_of_another_recording_are_not_taken(
    folder: tuple[Path, Truth, bool], tmp_path: Path, make_recording: Callable[..., Truth]
) -> None:
    path, truth, _ = folder
    # a stream's frames in the place of another's
    (path / "lfp" / "000000.seg").write_bytes((path / "nodes" / "000000.seg").read_bytes())
    with Recording.open(path) as recording:
        assert recording.extent("lfp").n_samples == 0
        assert any(p.startswith("lfp: ") for p in recording.problems)
        assert recording.read("nodes").data.tobytes() == truth["nodes"][1].tobytes()


def test_segments_in_the_wrong_order_give_no_wrong_data(
    tmp_path: Path, make_header: Callable[..., object], make_layouts: Callable[[], tuple[object, ...]]
) -> None:
    from rig.storage.recorder import Recorder
    from rig.streams import Chunk

    nodes = make_layouts()[0]
    data = np.random.default_rng(0).integers(0, 256, (40, 3), np.uint8)
    with Recorder(tmp_path / "a.rig", make_header([nodes]), sync_interval_s=1e6, segment_bytes=1) as recorder:
        for i in range(0, 40, 10):
            recorder.write(Chunk("nodes", i, data[i : i + 10]))
            recorder.sync()
    folder = tmp_path / "a.rig" / "nodes"
    (folder / "000001.seg").rename(folder / "x")
    (folder / "000002.seg").rename(folder / "000001.seg")
    (folder / "x").rename(folder / "000002.seg")
    (folder / "frames.index").unlink()
    with Recording.open(tmp_path / "a.rig") as recording:
        found = recording.read("nodes")
        assert found.ticks.tolist() == [*range(10), *range(20, 40)]
        assert found.data.tobytes() == data[found.ticks].tobytes()
        assert any("ticks [10, 20) lies behind later ones" in p for p in recording.problems)


def test_an_empty_folder_of_that_name_is_no_recording(tmp_path: Path) -> None:
    (tmp_path / "a.rig").mkdir()
    with pytest.raises(FormatError, match="it has no session"):
        Recording.open(tmp_path / "a.rig")
