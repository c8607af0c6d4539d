"""Opening recordings: what is asked wrongly, what is foreign, what is hostile."""

from __future__ import annotations

import json
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rig.errors import FormatError, TickError, UnknownUnitError
from rig.header import SessionHeader
from rig.storage import header_file
from rig.storage.recording import Recording
from rig.storage.segment import FrameHeader, pack_header, stream_tag
from rig.streams import StreamInfo

Truth = dict[str, tuple[np.ndarray, np.ndarray]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.rig"


@pytest.fixture
def truth(path: Path, make_recording: Callable[..., Truth]) -> Truth:
    """Three rounds of 20 ticks."""
    return make_recording(path, 3)


# ---- asking


def test_a_stream_that_is_not_there(path: Path, truth: Truth) -> None:
    with Recording.open(path) as recording:
        for ask in (recording.read, recording.blocks, recording.extent, recording.gaps):
            with pytest.raises(
                UnknownUnitError, match="asked for stream 'nose'; the recording has nodes, lfp, bus, screen"
            ):
                ask("nose")


def test_units_that_are_not_there(path: Path, truth: Truth) -> None:
    with Recording.open(path) as recording:
        for ask in (recording.read, recording.blocks):
            with pytest.raises(UnknownUnitError, match="unit id 99 in stream 'nodes'"):
                ask("nodes", unit_ids=[100, 99])
            with pytest.raises(UnknownUnitError, match="its channels are no units"):
                ask("lfp", unit_ids=[100])


@pytest.mark.parametrize(("start", "stop"), [(-1, 5), (0, 61), (30, 20), (61, 62)])
def test_ticks_outside_the_recording(path: Path, truth: Truth, start: int, stop: int) -> None:
    with Recording.open(path) as recording:
        for ask in (recording.read, recording.blocks):
            with pytest.raises(TickError, match=rf"asked for ticks \[{start}, {stop}\).*the recording holds \[0, 60\)"):
                ask("nodes", start, stop)


def test_an_empty_stretch_is_empty(path: Path, truth: Truth) -> None:
    with Recording.open(path) as recording:
        assert recording.read("nodes", 7, 7).data.shape == (0, 3)
        assert recording.read("screen", 1, 4).data.shape == (0, 4, 3)
        assert recording.read("nodes", 7, 9, [100]).data.shape == (2, 1)


def test_only_the_frames_that_are_needed_are_read(path: Path, truth: Truth, monkeypatch: pytest.MonkeyPatch) -> None:
    with Recording.open(path) as recording:
        reads: list[int] = []
        files = recording._readers["nodes"]._files
        read = files.read
        monkeypatch.setattr(files, "read", lambda *a: reads.append(a[1]) or read(*a))
        recording.read("nodes", 25, 30)
        assert len(reads) == 1
        recording.read("nodes", 39, 41)
        assert len(reads) == 3


def test_reading_goes_on_after_closing(path: Path, truth: Truth) -> None:
    recording = Recording.open(path)
    recording.close()
    assert (recording.read("bus").data == truth["bus"][1]).all()
    recording.close()


# ---- the sidecar


def test_without_a_sidecar_the_index_is_rebuilt(path: Path, truth: Truth) -> None:
    for sidecar in path.glob("*/frames.index"):
        sidecar.unlink()
    check(path, truth, ())


def test_a_damaged_sidecar_is_not_believed(path: Path, truth: Truth) -> None:
    for sidecar in path.glob("*/frames.index"):
        data = bytearray(sidecar.read_bytes())
        data[40] ^= 1
        sidecar.write_bytes(data)
    check(path, truth, ())


def test_a_sidecar_of_another_stream_is_not_believed(path: Path, truth: Truth) -> None:
    (path / "nodes" / "frames.index").write_bytes((path / "lfp" / "frames.index").read_bytes())
    check(path, truth, ())


def test_a_sidecar_of_absurd_size_is_not_read(path: Path, truth: Truth) -> None:
    with open(path / "nodes" / "frames.index", "wb") as file:
        file.truncate(1 << 40)
    check(path, truth, ())


def check(path: Path, truth: Truth, problems: tuple[str, ...]) -> None:
    with Recording.open(path) as recording:
        assert recording.problems == problems
        for name, (ticks, data) in truth.items():
            found = recording.read(name)
            assert found.ticks.tolist() == ticks.tolist()
            assert found.data.tobytes() == data.tobytes()


# ---- foreign and broken headers


def rewrite(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change session.json as somebody would who knows the checksum."""
    value = json.loads((path / "session.json").read_text())
    del value["crc32"]
    change(value)
    (path / "session.json").write_bytes(header_file._sealed(value))


def refusal(path: Path) -> str:
    with pytest.raises(FormatError) as caught:
        Recording.open(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_no_folder_no_header_no_recording(tmp_path: Path, path: Path, truth: Truth) -> None:
    assert "there is no such folder" in refusal(tmp_path / "b.rig")
    assert "it has no session.json, so it is no recording" in refusal(tmp_path)
    assert "there is no such folder" in refusal(path / "session.json")


def test_a_newer_format_says_what_to_do(path: Path, truth: Truth) -> None:
    rewrite(path, lambda v: v.update(format_version=2))
    assert "has format version 2, this Headstage reads version 1; open it with the Headstage that wrote it" in refusal(
        path
    )


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "[" * 100_000, '{"format": "other"}', "\0\0\0", "NaN", "{}"])
def test_a_garbled_header(path: Path, truth: Truth, text: str) -> None:
    (path / "session.json").write_text(text)
    refusal(path)


def test_a_flipped_bit_anywhere_in_the_header_is_noticed(path: Path, truth: Truth) -> None:
    (path / "outlines.npz").unlink()
    data = (path / "session.json").read_bytes()
    for position in range(len(data)):
        flipped = bytearray(data)
        flipped[position] ^= 1 << position % 8
        (path / "session.json").write_bytes(flipped)
        with pytest.raises(FormatError):
            header_file.read_header(path)


@pytest.mark.parametrize(
    "change",
    [
        {"name": "../../etc"},
        {"name": "a/b"},
        {"name": "lfp"},
        {"name": "snapshots"},
        {"shape": [1 << 62, 1 << 62]},
        {"shape": [-1]},
        {"shape": [0]},
        {"shape": [4]},
        {"shape": [[3]]},
        {"shape": "xyz"},
        {"dtype": "O"},
        {"dtype": "<f4"},
        {"dtype": "evil"},
        {"dtype": [["a", "O", []]]},
        {"dtype": [["a", "<u2", [1 << 40]]]},
        {"dtype": 7},
        {"ticks_per_sample": 0},
        {"ticks_per_sample": 1 << 100},
        {"ticks_per_sample": -5},
        {"unit_ids": [1 << 70]},
        {"unit_ids": ["x"]},
        {"unit_ids": [1]},
        {"kind": "surprise"},
    ],
)
def test_hostile_layouts(path: Path, truth: Truth, change: dict[str, Any]) -> None:
    rewrite(path, lambda v: v["streams"][0].update(change))
    refusal(path)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@settings(deadline=None)
@given(data=st.data())
def test_any_value_anywhere_in_the_header_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, make_recording: Callable[..., Truth], data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("fuzz") / "a.rig"
    make_recording(path, 1)

    def change(value: dict[str, Any]) -> None:
        place: Any = value
        while True:
            key = data.draw(st.sampled_from(list(place) if isinstance(place, dict) else list(range(len(place)))))
            inner = place[key]
            if not isinstance(inner, (dict, list)) or not inner or data.draw(st.booleans()):
                place[key] = data.draw(JSON)
                return
            place = inner

    rewrite(path, change)
    said = ""
    try:
        with Recording.open(path) as recording:
            for name in recording.streams:
                recording.read(name)
    except FormatError as error:
        said = str(error)
    assert "\n" not in said


# ---- hostile files


def hostile_frame(path: Path, header: FrameHeader, payload: bytes = b"") -> None:
    """Put a frame with a right checksum behind those of the nodes."""
    with open(path / "nodes" / "000000.seg", "ab") as file:
        file.write(pack_header(header, stream_tag("nodes", 1.5e9)) + payload)


@pytest.mark.parametrize(
    ("header", "payload"),
    [
        (FrameHeader(0, 60, 60 + (1 << 32) - 2, (1 << 32) - 1, 3, zlib.crc32(b"abc")), b"abc"),  # 13 GB of samples
        (FrameHeader(0, 60, 60, 1, (1 << 32) - 1, 0), b"abc"),  # 4 GB of payload
        (FrameHeader(0, -5, -5, 1, 3, zlib.crc32(b"abc")), b"abc"),
        (FrameHeader(0, 3, 3, 1, 3, zlib.crc32(b"abc")), b"abc"),  # long past
    ],
)
def test_hostile_frames_are_left_out(path: Path, truth: Truth, header: FrameHeader, payload: bytes) -> None:
    hostile_frame(path, header, payload)
    with Recording.open(path) as recording:
        assert len(recording.problems) >= 1
        assert recording.read("nodes").data.tobytes() == truth["nodes"][1].tobytes()


@pytest.mark.parametrize(("codec", "payload"), [(9, b"abc"), (0, b"abcd"), (1, b"abc"), (2, b"\x28\xb5\x2f\xfd")])
def test_frames_whose_payload_is_no_such_thing_are_found_when_read(
    path: Path, truth: Truth, codec: int, payload: bytes
) -> None:
    hostile_frame(path, FrameHeader(codec, 60, 60, 1, len(payload), zlib.crc32(payload)), payload)
    with Recording.open(path) as recording:
        assert recording.read("nodes").data.tobytes() == truth["nodes"][1].tobytes()
        assert any("ticks [60, 61) are lost" in p for p in recording.problems)
        assert recording.stop_tick == 60


def test_links_and_pipes_are_not_followed(path: Path, truth: Truth) -> None:
    segment = path / "nodes" / "000000.seg"
    segment.rename(path / "elsewhere")
    segment.symlink_to(path / "elsewhere")
    (path / "lfp" / "000000.seg").unlink()
    os.mkfifo(path / "lfp" / "000000.seg")
    (path / "bus" / "000000.seg").unlink()
    (path / "bus" / "000000.seg").mkdir()
    with Recording.open(path) as recording:
        for name in ("nodes", "lfp", "bus"):
            assert recording.extent(name).n_samples == 0
            assert any(p == f"{name}: segment 000000 is missing" for p in recording.problems)
        assert recording.read("screen").data.tobytes() == truth["screen"][1].tobytes()


def test_a_whole_stream_is_gone(path: Path, truth: Truth) -> None:
    for file in (path / "nodes").iterdir():
        file.unlink()
    (path / "nodes").rmdir()
    with Recording.open(path) as recording:
        assert len(recording.read("nodes")) == 0
        assert recording.read("bus").data.tobytes() == truth["bus"][1].tobytes()


# ---- log, snapshots, outlines


def test_damaged_lines_of_the_log_are_left_out(path: Path, truth: Truth) -> None:
    from rig.log import LogEntry, LogKind, entry_to_line

    lines = [entry_to_line(LogEntry(i, i, 0.0, LogKind.NOTE, {"text": "x"})).encode() for i in range(4)]
    (path / "events.jsonl").write_bytes(
        b"\n".join([lines[0], lines[1].replace(b"x", b"y"), b"\xff\xfe", lines[2], lines[3][:20]])
    )
    with Recording.open(path) as recording:
        assert [e.seq for e in recording.log] == [0, 2]
        assert [p[:28] for p in recording.problems] == [
            "line 2 of events.jsonl is da",
            "line 3 of events.jsonl is da",
            "the last line of events.json",
        ]
    (path / "events.jsonl").unlink()
    with Recording.open(path) as recording:
        assert recording.problems == ("events.jsonl is missing: what was done to the subject is not known",)


def test_a_damaged_snapshot_gives_way_to_the_one_before(
    tmp_path: Path, make_header: Callable[..., SessionHeader], make_layouts: Callable[[], tuple[StreamInfo, ...]]
) -> None:
    from rig.storage.recorder import Recorder

    with Recorder(tmp_path / "b.rig", make_header(make_layouts())) as recorder:
        recorder.snapshot(10, 1, b"ten" * 100)
        recorder.snapshot(20, 2, b"twenty" * 100)
    file = tmp_path / "b.rig" / "snapshots" / "20.snap"
    data = file.read_bytes()
    (file.parent / "99999999999999999999999.snap").write_bytes(b"")
    (file.parent / "020.snap").write_bytes(data)
    for bit in range(8 * len(data)):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        file.write_bytes(flipped)
        with Recording.open(tmp_path / "b.rig") as recording:
            assert recording.snapshot_ticks == (10, 20)
            stored = recording.snapshot_before(1000)
            assert stored is not None
            assert (stored.tick, stored.seq, stored.blob) == (10, 1, b"ten" * 100)
            assert [p for p in recording.problems if "the snapshot of tick 20 is damaged" in p]
    # a claim of petabytes, with its checksum made right
    claim = struct.pack("<8sqqQQ", data[:8], 20, 2, 1 << 50, len(data) - 44)
    file.write_bytes(claim + struct.pack("<I", zlib.crc32(data[44:], zlib.crc32(claim))) + data[44:])
    with Recording.open(tmp_path / "b.rig") as recording:
        assert recording.snapshot_before(1000).tick == 10  # type: ignore[union-attr]


def test_damaged_outlines_cost_only_the_outlines(path: Path, truth: Truth) -> None:
    file = path / "outlines.npz"
    data = file.read_bytes()
    n_noticed = 0
    for position in range(len(data)):
        flipped = bytearray(data)
        flipped[position] ^= 0x55
        file.write_bytes(flipped)
        with Recording.open(path) as recording:
            outlines = recording.units.outlines
            if outlines is None:
                n_noticed += 1
                assert [p for p in recording.problems if "outlines.npz is damaged" in p]
            else:  # a byte that means nothing, such as a time stamp
                assert outlines.vertices.tolist() == [[0, 1], [2, 3], [4, 5], [6, 7]]
                assert (outlines.start.tolist(), outlines.unit_id.tolist()) == ([0, 4], [101])
    assert n_noticed > len(data) // 2


def test_outlines_never_run_code(path: Path, truth: Truth) -> None:
    marker = path / "ran"

    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return (marker.write_text, ("ran",))

    payload = np.array([Evil()], dtype=object)
    np.savez(path / "outlines.npz", vertices=payload, start=payload, unit_id=payload, layer=payload)
    with Recording.open(path) as recording:
        assert recording.units.outlines is None
    assert not marker.exists()
