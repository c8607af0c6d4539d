"""The command line as a person uses it: words in, files and one clear line out."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

from rig.log import LogKind
from rig.storage.recording import Recording

ENVIRONMENT = {"COLUMNS": "120", "NO_COLOR": "1"}


def headstage(*words: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "app.cli.main", *map(str, words)]
    path = str(Path(__file__).resolve().parents[2])
    return subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **ENVIRONMENT, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def done(*words: str | Path, cwd: Path) -> str:
    result = headstage(*words, cwd=cwd)
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def recorded(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("cli")
    summary = done(
        "record", "model-cell", "--set", "units=12", "--ticks", "2s", "--seed", "3", "--out", "cell.rig", "--json",
        "--probe", "A x=100 y=0..200 n=2 sigma=300", "--perturb", "silence cell3 at=100 for=50",
        "--perturb", "drive cell4 on=frame after=5 for=2 max=3", "--control", "gain=2@500", cwd=folder,
    )  # fmt: skip
    facts = json.loads(summary)
    assert facts["ticks"] == 2000
    assert facts["frames"] == 40
    assert not facts["interrupted"]
    return folder / "cell.rig"


def test_what_was_asked_for_is_in_the_file(recorded):
    with Recording.open(recorded) as recording:
        assert recording.problems == ()
        assert (recording.start_tick, recording.stop_tick) == (0, 2000)
        assert recording.header.seed == 3
        assert set(recording.streams) == {"spikes", "charge", "counts", "word", "frame", "electrodes"}
        assert recording.streams["electrodes"].channel_names == ("A1", "A2")
        silenced = recording.read("spikes", 100, 150, [103]).unpacked()
        assert silenced.sum() == 0
        controls = [(e.tick, dict(e.payload)) for e in recording.log if e.kind is LogKind.CONTROL]
        assert controls == [(500, {"name": "gain", "value": 2})]
        driven = [e.payload["start_tick"] for e in recording.log if e.payload.get("label") == "trigger frame"]
        assert driven == [55, 105, 155]


def test_info(recorded):
    facts = json.loads(done("info", recorded, "--json", cwd=recorded.parent))
    assert facts["stop_tick"] == 2000
    assert {s["name"]: s["n_samples"] for s in facts["streams"]}["counts"] == 500
    text = done("info", recorded, cwd=recorded.parent)
    assert "Model cell" in text
    assert "electrodes" in text
    log = done("info", recorded, "--log", cwd=recorded.parent).splitlines()
    assert [json.loads(line)["seq"] for line in log] == list(range(len(log)))


def test_rederive(recorded, tmp_path):
    done(
        "rederive",
        recorded,
        "--watch",
        "charge:cell3",
        "--start",
        "90",
        "--stop",
        "160",
        "--out",
        "new.rig",
        cwd=tmp_path,
    )
    with Recording.open(recorded) as old, Recording.open(tmp_path / "new.rig") as new:
        expected = old.read("charge", 90, 160, [103])
        np.testing.assert_array_equal(new.read("charge").data, expected.data)


def test_frames_end_a_recording(tmp_path):
    facts = json.loads(done("record", "model-cell", "--frames", "3", "--out", "f.rig", "--json", cwd=tmp_path))
    assert facts["frames"] == 3


def test_export(recorded, tmp_path):
    done("export", recorded, "--to", "npz", "--out", "spikes.npz", "--start", "100", "--stop", "300", cwd=tmp_path)
    assert (tmp_path / "spikes.npz").exists()


def test_subjects():
    listed = json.loads(done("subjects", "--json", cwd=Path.cwd()))
    assert {"model-cell", "microprocessor"} <= {s["name"] for s in listed}


def test_bench(tmp_path):
    facts = json.loads(done("bench", "model-cell", "--seconds", "0.05", "--json", cwd=tmp_path))
    assert set(facts["ticks_per_s"]) == {"bare", "watched", "recorded"}


@pytest.mark.parametrize("command", ["subjects", "install", "record", "info", "export", "rederive", "bench", "demo"])
def test_help(command, tmp_path):
    assert "Examples" in done(command, "--help", cwd=tmp_path)


@pytest.mark.parametrize(
    ("words", "code", "line"),
    [
        (["record", "model-cell", "--out", "a.rig"], 1, "--ticks, --seconds, --frames"),
        (["record", "modelcell", "--ticks", "5", "--out", "a.rig"], 1, "did you mean model-cell"),
        (["record", "model-cell", "--set", "unit=5", "--ticks", "5", "--out", "a.rig"], 1, "did you mean units"),
        (["record", "model-cell", "--set", "units=x", "--ticks", "5", "--out", "a.rig"], 1, "units=x"),
        (["record", "model-cell", "--set", "units", "--ticks", "5", "--out", "a.rig"], 1, "KEY=VALUE"),
        (["record", "model-cell", "--ticks", "0", "--out", "a.rig"], 1, "at least one tick"),
        (["record", "model-cell", "--ticks", "5", "--watch", "nodes", "--out", "a.rig"], 1, "spikes, charge"),
        (["record", "model-cell", "--ticks", "5", "--watch", "spikes:x", "--out", "a.rig"], 1, "names look like"),
        (["record", "model-cell", "--ticks", "5", "--perturb", "kill cell1", "--out", "a.rig"], 1, "must be one of"),
        (["record", "model-cell", "--ticks", "5", "--control", "gain=loud", "--out", "a.rig"], 1, "takes a number"),
        (["record", "model-cell", "--frames", "5", "--watch", "spikes", "--out", "a.rig"], 1, "no stream of frames"),
        (["info", "nothing.rig"], 1, "nothing.rig"),
        (["install", "z80"], 1, "mos6502"),
        (["fly"], 2, "fly"),
    ],
)
def test_bad_words_get_one_line(words, code, line, tmp_path):
    result = headstage(*words, cwd=tmp_path)
    assert result.returncode == code
    assert line in result.stderr
    assert "Traceback" not in result.stderr
    if code == 1:
        assert len(result.stderr.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []  # nothing is left behind by what was refused


def test_an_existing_recording_is_kept_unless_told(recorded, tmp_path):
    done("record", "model-cell", "--ticks", "5", "--out", "a.rig", cwd=tmp_path)
    result = headstage("record", "model-cell", "--ticks", "9", "--out", "a.rig", cwd=tmp_path)
    assert result.returncode == 1
    assert "--overwrite" in result.stderr
    done("record", "model-cell", "--ticks", "9", "--out", "a.rig", "--overwrite", cwd=tmp_path)
    with Recording.open(tmp_path / "a.rig") as recording:
        assert recording.stop_tick == 9
    (tmp_path / "mine").mkdir()
    result = headstage("record", "model-cell", "--ticks", "9", "--out", "mine", "--overwrite", cwd=tmp_path)
    assert result.returncode == 1
    assert (tmp_path / "mine").is_dir()


def test_ctrl_c_keeps_what_was_recorded(tmp_path):
    command = [sys.executable, "-m", "app.cli.main", "record", "model-cell", "--ticks", str(10**12), "--out", "a.rig"]
    path = str(Path(__file__).resolve().parents[2])
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        env={**os.environ, **ENVIRONMENT, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        segment = tmp_path / "a.rig" / "spikes" / "000000.seg"
        while process.poll() is None and not (segment.exists() and segment.stat().st_size > 0):
            pass
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert b"interrupted" in out
    with Recording.open(tmp_path / "a.rig") as recording:
        assert recording.problems == ()
        assert recording.end_reason == "interrupted"
        assert recording.stop_tick > 0


@pytest.mark.usefixtures("installed_chip")
def test_the_whole_way_of_a_new_user(tmp_path):
    """Space Invaders on the netlist, one node silenced for a while, exported to NWB, opened elsewhere, re-derived."""
    pytest.importorskip("ale_py", reason="the game comes with ale-py")
    pynapple = pytest.importorskip("pynapple")
    game = ["record", "microprocessor", "--set", "cartridge=space_invaders"]
    done(*game, "--frames", "5", "--out", "game.rig", "--perturb", "silence alu3 at=10ms for=2ms", cwd=tmp_path)
    done("export", "game.rig", "--to", "nwb", "--out", "game.nwb", cwd=tmp_path)
    probe = ["--probe", "A x=2500 y=2000 sigma=300"]
    done("rederive", "game.rig", *probe, "--start", "20000", "--stop", "24000", "--out", "field.rig", cwd=tmp_path)
    with Recording.open(tmp_path / "game.rig") as recording, Recording.open(tmp_path / "field.rig") as field:
        assert recording.extent("screen").n_samples == 5
        hz, units = recording.header.info.tick_hz, recording.units
        alu3 = units.id_of_name["alu3"]
        level = recording.read("nodes", unit_ids=[alu3]).unpacked()[:, 0].astype(int)
        silenced = slice(round(0.010 * hz), round(0.012 * hz))
        assert level[silenced].sum() == 0
        assert level.sum() > 0
        rises = np.flatnonzero(np.diff(level) == 1) + 1
        assert field.read("electrodes").data.std() > 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the reader's own
        spikes = pynapple.load_file(str(tmp_path / "game.nwb"))["units"]
        names = list(spikes["unit_name" if "unit_name" in spikes.metadata_columns else "name"])
        times = spikes[spikes.index[names.index("alu3")]].times()
    np.testing.assert_allclose(times, rises / hz, atol=1e-9)


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("missing.rig", "there is no such recording or session"),
        ("martian", "martian"),
        ("broken.session.json", "broken.session.json"),
    ],
)
def test_what_cannot_be_opened_is_told_before_there_is_a_window(tmp_path, what, words):
    (tmp_path / "broken.session.json").write_text("{")
    result = headstage("open", what, cwd=tmp_path)
    assert result.returncode == 1
    assert result.stderr.startswith("headstage: ")
    assert words in result.stderr
    assert len(result.stderr.splitlines()) == 1
