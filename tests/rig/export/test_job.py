"""Exports from beginning to end: in a process of their own, atomic, whatever happens to it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import h5py
import numpy as np
import pytest

from rig import worker
from rig.errors import ExportError
from rig.export import job
from rig.export.formats import FORMATS, ExportFormat
from rig.export.job import export

# A format that does what a test asks for by the name of its target.
STUB = """
import os, signal, threading

def write(cut, path, progress):
    path.write_bytes(b"half")
    if "STUB_ALIVE" in os.environ:
        os.open(os.environ["STUB_ALIVE"], os.O_WRONLY)  # stays open as long as this process lives
    progress(0.5)
    name = path.stem.split(".")[1]
    if name == "hang":
        threading.Event().wait()
    if name == "abort":
        os.kill(os.getpid(), signal.SIGKILL)
    if name == "full":
        raise OSError(28, "No space left on device")
    if name == "bug":
        raise KeyError("a mistake\\nin two lines")
    if name == "chatty":
        print("what a library prints")
        os.write(1, b"and what C code prints\\n")
    path.write_bytes(b"whole")
    return ("a note",)

def verify(path, cut):
    from rig.errors import ExportError
    if path.stem.split(".")[1] == "invalid":
        raise ExportError("the stub is not valid")
"""


@pytest.fixture
def stub(tmp_path, monkeypatch):
    folder = tmp_path / "modules"
    folder.mkdir()
    (folder / "stub_format.py").write_text(STUB)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setitem(FORMATS, "stub", ExportFormat("stub", ".stub", "for tests", "stub_format"))


@pytest.fixture
def out(tmp_path):
    folder = tmp_path / "exports"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("name", list(FORMATS))
def test_every_format_is_made_whole_and_alone(record, out, name):
    made = record(n_ticks=400, n_frames=5)
    seen = []
    target = out / f"run{FORMATS[name].suffix}"
    report = export(made.disk.path, name, target, progress=seen.append)
    assert report.path == target
    assert report.format == name
    assert (report.start_tick, report.stop_tick) == (1000, 1400)
    assert list(out.iterdir()) == [target]
    assert report.n_bytes == sum(p.stat().st_size for p in [target, *target.rglob("*")] if p.is_file())
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
    assert len(seen) > 3


def test_a_part_is_exported_as_asked(record, out):
    made = record()
    ids = made.memory.units.unit_id[[3, 17, 20]].tolist()
    report = export(
        made.disk.path, "hdf5", out / "x.h5", start_tick=1500, stop_tick=1900, streams=["nodes"], unit_ids=ids
    )
    assert (report.start_tick, report.stop_tick) == (1500, 1900)
    with h5py.File(out / "x.h5") as file:
        assert np.array_equal(file["streams/nodes/data"][:], made.memory.read("nodes", 1500, 1900, ids).data)


def test_thresholds_reach_the_writer(record, out):
    export(record().disk.path, "hdf5", out / "x.h5", streams=["potential"], thresholds={"potential": 0.5})
    with h5py.File(out / "x.h5") as file:
        assert "0.5 mV" in file["streams/potential"].attrs["spike_definition"]


def test_an_export_is_never_overwritten_unless_told(record, out, stub):
    made = record()
    target = out / "plain.stub"
    target.write_bytes(b"old")
    with pytest.raises(ExportError, match="there already"):
        export(made.disk.path, "stub", target)
    assert target.read_bytes() == b"old"
    report = export(made.disk.path, "stub", target, overwrite=True)
    assert target.read_bytes() == b"whole"
    assert report.notes == ("a note",)
    assert list(out.iterdir()) == [target]


def test_a_folder_is_replaced_only_if_it_is_an_export(record, out):
    made = record(n_ticks=400, n_frames=5)
    target = out / "tables"
    export(made.disk.path, "csv", target)
    export(made.disk.path, "csv", target, overwrite=True, stop_tick=1200)
    assert list(out.iterdir()) == [target]
    other = out / "thesis"
    other.mkdir()
    (other / "chapter1").write_text("years of work")
    with pytest.raises(ExportError, match="no export"):
        export(made.disk.path, "csv", other, overwrite=True)
    with pytest.raises(ExportError, match="the recording itself"):
        export(made.disk.path, "csv", made.disk.path, overwrite=True)
    with pytest.raises(ExportError, match="the recording itself"):
        export(made.disk.path, "csv", made.disk.path / "csv")
    assert (other / "chapter1").read_text() == "years of work"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("abort", "died; nothing was written"),
        ("full", "the disk refuses the export"),
        ("bug", "the export failed (KeyError"),
        ("invalid", "the stub is not valid"),
    ],
)
def test_a_failure_leaves_the_old_state_and_says_one_line(record, out, stub, name, says):
    made = record()
    target = out / f"{name}.stub"
    target.write_bytes(b"old")
    with pytest.raises(ExportError) as caught:
        export(made.disk.path, "stub", target, overwrite=True)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    assert list(out.iterdir()) == [target]
    assert target.read_bytes() == b"old"


def test_cancelling_leaves_nothing(record, out, stub):
    cancel = threading.Event()
    with pytest.raises(ExportError, match="cancelled"):
        export(record().disk.path, "stub", out / "hang.stub", progress=lambda fraction: cancel.set(), cancel=cancel)
    assert list(out.iterdir()) == []


def test_a_killed_process_leaves_nothing(record, out, stub, monkeypatch):
    started = []

    class Watched(subprocess.Popen):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            started.append(self)

    monkeypatch.setattr(worker.subprocess, "Popen", Watched)
    with pytest.raises(ExportError, match="died; nothing was written"):
        export(record().disk.path, "stub", out / "hang.stub", progress=lambda fraction: started[0].kill())
    assert list(out.iterdir()) == []
    assert started[0].poll() == -signal.SIGKILL


def test_an_interrupted_caller_leaves_nothing(record, out, stub):
    def interrupt(fraction):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export(record().disk.path, "stub", out / "hang.stub", progress=interrupt)
    assert list(out.iterdir()) == []


def test_what_libraries_print_does_not_disturb(record, out, stub):
    export(record().disk.path, "stub", out / "chatty.stub")
    assert (out / "chatty.stub").read_bytes() == b"whole"


CALLER = """
import sys
from rig.export.formats import FORMATS, ExportFormat
from rig.export.job import export
FORMATS["stub"] = ExportFormat("stub", ".stub", "for tests", "stub_format")
export(sys.argv[1], "stub", sys.argv[2], progress=lambda fraction: print("half", flush=True))
"""


@pytest.mark.skipif(os.name == "nt", reason="needs named pipes")
def test_a_killed_caller_takes_its_worker_and_the_half_file_along(record, out, stub, tmp_path):
    root = Path(job.__file__).parents[2]
    path = os.pathsep.join([str(root), str(tmp_path / "modules")])
    alive = tmp_path / "alive"
    os.mkfifo(alive)
    with (
        subprocess.Popen(
            [sys.executable, "-c", CALLER, str(record().disk.path), str(out / "hang.stub")],
            env=os.environ | {"PYTHONPATH": path, "STUB_ALIVE": str(alive)},
            stdout=subprocess.PIPE,
        ) as caller,
        alive.open("rb") as worker,
    ):
        assert caller.stdout is not None
        assert caller.stdout.readline() == b"half\n"
        assert len(list(out.iterdir())) == 1
        caller.kill()
        assert worker.read() == b""  # returns when the worker is gone
    assert list(out.iterdir()) == []


def test_a_damaged_recording_is_exported_with_its_gap_and_said(record, out):
    made = record(n_ticks=100_000, n_nodes=200)  # three frames of nodes
    segment = next((made.disk.path / "nodes").glob("*.seg"))
    content = bytearray(segment.read_bytes())
    content[len(content) // 2] ^= 0x10
    segment.write_bytes(content)
    report = export(made.disk.path, "hdf5", out / "x.h5", streams=["nodes"])
    assert any(note.startswith("the recording: ") for note in report.notes)
    with h5py.File(out / "x.h5") as file:
        ticks = file["streams/nodes/tick"][:]
        assert 0 < len(ticks) < 100_000
        assert np.array_equal(file["streams/nodes/data"][:], made.memory.data["nodes"][1][ticks - 1000])


def test_bad_requests_are_one_line(record, out):
    made = record(n_ticks=400, n_frames=5)
    path = made.disk.path
    with pytest.raises(ExportError, match=r"asked for format 'edf'; there are nwb, open-ephys"):
        export(path, "edf", out / "x.edf")
    with pytest.raises(ExportError, match="make it first"):
        export(path, "hdf5", out / "none" / "x.h5")
    with pytest.raises(ExportError, match=r"asked to export ticks \[0, 1400\)"):
        export(path, "hdf5", out / "x.h5", start_tick=0)
    with pytest.raises(ExportError, match="stream 'sound'"):
        export(path, "hdf5", out / "x.h5", streams=["sound"])
    with pytest.raises(ExportError) as caught:
        export(out, "hdf5", out / "x.h5")
    assert "\n" not in str(caught.value)
    assert list(out.iterdir()) == []
