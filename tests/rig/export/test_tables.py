"""Parquet, CSV, npz and MATLAB, each read back by a reader of its own."""

from __future__ import annotations

import csv
import json

import numpy as np
import pyarrow.parquet
import pytest
import scipy.io

from rig.errors import ExportError
from rig.export import matlab, npz, tables
from rig.export.source import Cut


def quiet(fraction):
    """Nobody asked."""


def spikes_of(on, ticks, k):
    """(tick, channel) sorted by both, from the definition."""
    rises = (on[1:] == 1) & (on[:-1] == 0) & (np.diff(ticks) == k)[:, None]
    rows, channels = np.nonzero(rises)
    return ticks[1:][rows], channels


def node_spikes(made):
    ticks, data = made.memory.data["nodes"]
    ticks, channels = spikes_of(np.unpackbits(data, axis=1, count=37, bitorder="little"), ticks, 1)
    return ticks, made.memory.units.unit_id[channels]


@pytest.fixture(params=[None, (2000, 2400)], ids=["whole", "gap"])
def made(request, record):
    return record(gap=request.param)


def test_parquet(made, tmp_path):
    cut = Cut.of(made.disk, thresholds={"potential": 0.5})
    notes = tables.write_parquet(cut, tmp_path / "out", quiet)
    tables.verify_parquet(tmp_path / "out", cut)
    assert any("packed bits" in note for note in notes)

    def column(table, name):
        return pyarrow.parquet.read_table(tmp_path / "out" / f"{table}.parquet")[name].to_numpy()

    ticks, ids = node_spikes(made)
    assert np.array_equal(column("spikes_nodes", "tick"), ticks)
    assert np.array_equal(column("spikes_nodes", "unit_id"), ids)
    assert np.array_equal(column("spikes_nodes", "time_s"), ticks / cut.tick_hz)
    ticks, data = made.memory.data["potential"]
    expected, _ = spikes_of((data >= 0.5).astype(int), ticks, 2)
    assert np.array_equal(column("spikes_potential", "tick"), expected)
    for channel, unit in enumerate(made.memory.units.unit_id[:5]):
        assert np.array_equal(column("stream_potential", f"unit_{unit}"), data[:, channel])
    ticks, bus = made.memory.data["bus"]
    assert np.array_equal(column("stream_bus", "tick"), ticks)
    for field in bus.dtype.names:
        assert column("stream_bus", field).dtype == bus.dtype[field]
        assert np.array_equal(column("stream_bus", field), bus[field])
    assert np.array_equal(column("stream_electrodes", "A2"), made.memory.data["electrodes"][1][:, 1])
    assert np.array_equal(column("stream_ram", "v3"), made.memory.data["ram"][1][:, 3])
    assert np.array_equal(np.stack(column("stream_screen", "data")), made.memory.data["screen"][1].reshape(-1, 21 * 16))
    assert column("units", "name").tolist() == list(made.memory.units.name)
    assert column("perturbations", "kind").tolist() == ["silence", "drive", "drive", "stuck_on"]
    assert column("events", "tick").tolist() == sorted(e.tick for e in made.memory.log if e.tick >= 1000)
    session = json.loads((tmp_path / "out" / "session.json").read_text())
    assert session["seed"] == 7
    assert session["streams"]["bus"]["dtype"][0] == ["address", "<u2", []]


def test_csv(made, tmp_path):
    cut = Cut.of(made.disk)
    tables.write_csv(cut, tmp_path / "out", quiet)
    tables.verify_csv(tmp_path / "out", cut)

    def rows(table):
        with (tmp_path / "out" / f"{table}.csv").open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    ticks, ids = node_spikes(made)
    found = rows("spikes_nodes")
    assert [int(r["tick"]) for r in found] == ticks.tolist()
    assert [int(r["unit_id"]) for r in found] == ids.tolist()
    assert [float(r["time_s"]) for r in found] == (ticks / cut.tick_hz).tolist()
    ticks, data = made.memory.data["electrodes"]
    found = rows("stream_electrodes")
    for channel, name in enumerate(("A1", "A2", "A3")):
        assert np.array_equal(np.array([r[name] for r in found], np.float32), data[:, channel])
    _, bus = made.memory.data["bus"]
    assert [int(r["address"]) for r in rows("stream_bus")] == bus["address"].tolist()
    _, frames = made.memory.data["screen"]
    found = np.array([[r[f"v{i}"] for i in range(21 * 16)] for r in rows("stream_screen")], np.uint8)
    assert np.array_equal(found, frames.reshape(len(frames), -1))
    assert 'the ship moved µ, "left"\nand stopped' in [r["value"] for r in rows("events")]
    assert rows("perturbations")[3]["label"] == "lesion, with a comma"
    assert [r["name"] for r in rows("units")] == list(made.memory.units.name)


def test_npz_without_pickles(made, tmp_path):
    path = tmp_path / "out.npz"
    cut = Cut.of(made.disk)
    npz.write(cut, path, quiet)
    npz.verify(path, cut)
    with np.load(path, allow_pickle=False) as archive:
        for name, (ticks, data) in made.memory.data.items():
            assert archive[name].dtype == data.dtype
            assert np.array_equal(archive[name], data)
            if f"{name}_tick" in archive:
                assert np.array_equal(archive[f"{name}_tick"], ticks)
            else:
                k = archive[f"{name}_ticks_per_sample"]
                assert np.array_equal(archive[f"{name}_first_tick"] + k * np.arange(len(data)), ticks)
        ticks, ids = node_spikes(made)
        assert np.array_equal(archive["spikes_nodes_tick"], ticks)
        assert np.array_equal(archive["spikes_nodes_unit_id"], ids)
        assert archive["units_name"].tolist() == list(made.memory.units.name)
        assert archive["perturbations_stop_tick"].tolist() == [1060, 4000, 1090, 4000]
        assert json.loads(str(archive["session"]))["seed"] == 7


def test_matlab(made, tmp_path):
    path = tmp_path / "out.mat"
    cut = Cut.of(made.disk)
    matlab.write(cut, path, quiet)
    matlab.verify(path, cut)
    read = scipy.io.loadmat(path, simplify_cells=True)
    for name, (ticks, data) in made.memory.data.items():
        struct = read["streams"][name]
        assert np.array_equal(struct["tick"], ticks)
        if data.dtype.names is None:
            assert struct["data"].dtype == data.dtype
            assert np.array_equal(struct["data"], data)
        else:
            for field in data.dtype.names:
                assert struct["data"][field].dtype == data.dtype[field]
                assert np.array_equal(struct["data"][field], data[field])
    ticks, ids = node_spikes(made)
    assert np.array_equal(read["spikes"]["nodes"]["tick"], ticks)
    assert np.array_equal(read["spikes"]["nodes"]["unit_id"], ids)
    assert read["units"]["name"].tolist() == list(made.memory.units.name)
    assert read["perturbations"]["kind"].tolist() == ["silence", "drive", "drive", "stuck_on"]
    assert json.loads(read["session"])["seed"] == 7


def test_matlab_refuses_what_is_too_large(record, tmp_path, monkeypatch):
    monkeypatch.setattr(matlab, "MAX_BYTES", 100_000)
    with pytest.raises(ExportError, match="export hdf5"):
        matlab.write(Cut.of(record().disk), tmp_path / "out.mat", quiet)
    assert list(tmp_path.glob("*.mat")) == []


def test_a_part_in_time_and_units(record, tmp_path):
    made = record()
    ids = made.memory.units.unit_id[[3, 17, 20]]
    cut = Cut.of(made.disk, 1500, 1900, unit_ids=ids, streams=["nodes"])
    part = made.memory.read("nodes", 1500, 1900, ids)
    ticks, channels = spikes_of(part.unpacked(), part.ticks, 1)
    npz.write(cut, tmp_path / "out.npz", quiet)
    with np.load(tmp_path / "out.npz", allow_pickle=False) as archive:
        assert np.array_equal(archive["nodes"], part.data)
        assert np.array_equal(archive["spikes_nodes_tick"], ticks)
        assert np.array_equal(archive["spikes_nodes_unit_id"], ids[channels])
    tables.write_parquet(cut, tmp_path / "tables", quiet)
    table = pyarrow.parquet.read_table(tmp_path / "tables" / "spikes_nodes.parquet")
    assert np.array_equal(table["tick"].to_numpy(), ticks)
