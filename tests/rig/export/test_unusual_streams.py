"""Streams as other subjects have them: half floats, flags, words of text, patterns, single numbers, nothing at all."""

from __future__ import annotations

import h5py
import numpy as np
import pyarrow.parquet
import pynwb
import pytest
import scipy.io
from nwbinspector import Importance, inspect_nwbfile, load_config

from rig.export.formats import FORMATS
from rig.export.source import Cut
from rig.streams import Chunk, StreamInfo, StreamKind

N = 300
START = 1000


def stream(name, kind, data, ticks=None, k=None, **facts):
    info = StreamInfo(name, f"the {name}", kind, data.dtype, data.shape[1:], k, **facts)
    return info, Chunk(name, START if ticks is None else int(ticks[0]), data, ticks)


@pytest.fixture
def made(record):
    rng = np.random.default_rng(4)
    ids = np.array([2, 5, 8])
    ticks = (START + np.sort(rng.choice(3000, N, replace=False))).astype(np.int64)
    regular = (START + 7 + 10 * np.arange(N)).astype(np.int64)
    words = np.array([b"Once", b"upon", "µ".encode(), b"a"] * (N // 4))
    more = [
        stream("half", StreamKind.UNITS, rng.normal(size=(3000, 3)).astype("<f2"), k=1, unit_ids=ids),
        stream("flags", StreamKind.UNITS, rng.random((3000, 3)) < 0.4, k=1, unit_ids=ids),
        stream("words", StreamKind.TEXT, words, ticks),
        stream("pattern", StreamKind.VALUES, rng.normal(size=(N, 2, 3)).astype("<f4"), ticks),
        stream("loss", StreamKind.VALUES, rng.normal(size=N), ticks, physical_unit="nat"),
        stream("one", StreamKind.VALUES, rng.integers(0, 9, (N, 1)).astype("<i8"), regular),
    ]
    return record(more=more)


def export(made, tmp_path, name):
    path = tmp_path / f"out{FORMATS[name].suffix}"
    cut = Cut.of(made.disk, thresholds={"half": 0.25})
    FORMATS[name].write(cut, path, lambda fraction: None)
    FORMATS[name].verify(path, cut)
    return path


def rises(on):
    """Samples at which each channel goes on."""
    return [np.flatnonzero((on[1:, c] == 1) & (on[:-1, c] == 0)) + 1 for c in range(on.shape[1])]


def test_nwb(made, tmp_path):
    path = export(made, tmp_path, "nwb")
    data = {name: made.memory.data[name][1] for name in made.memory.streams}
    with pynwb.NWBHDF5IO(str(path), "r") as io:
        file = io.read()
        assert np.array_equal(file.acquisition["half"].data[:], data["half"].astype(np.float32))
        assert np.array_equal(file.acquisition["flags"].data[:].astype(bool), data["flags"])
        words = file.acquisition["words"]
        assert words["annotation"][:].tolist() == [w.decode() for w in data["words"]]
        assert words["tick"][:].tolist() == made.memory.data["words"][0].tolist()
        assert np.array_equal(file.acquisition["pattern"].data[:], data["pattern"])
        assert np.array_equal(file.acquisition["loss"].data[:], data["loss"])
        assert file.acquisition["loss"].unit == "nat"
        one = file.acquisition["one"]
        assert np.array_equal(one.data[:], data["one"][:, 0])
        # frames that come as regularly as a clock have a rate, as the inspector wants it
        assert one.rate == pytest.approx(2386363.6 / 10)
        assert round(one.starting_time * 2386363.6) == 1007
        table = file.units.to_dataframe()
        for name, on in (("half", data["half"] >= 0.25), ("flags", data["flags"])):
            rows = table[table["stream"] == name]
            for times, samples in zip(rows["spike_times"], rises(on.astype(int)), strict=True):
                assert np.array_equal(np.rint(times * 2386363.6).astype(int), START + samples)
    found = inspect_nwbfile(nwbfile_path=str(path), config=load_config("dandi"))
    assert [m for m in found if m.importance.value >= Importance.BEST_PRACTICE_VIOLATION.value] == []


def test_hdf5_and_npz_keep_every_dtype(made, tmp_path):
    with (
        h5py.File(export(made, tmp_path, "hdf5")) as file,
        np.load(export(made, tmp_path, "npz"), allow_pickle=False) as archive,
    ):
        for name, (_, data) in made.memory.data.items():
            for read in (file[f"streams/{name}/data"][:], archive[name]):
                assert read.dtype == data.dtype
                assert np.array_equal(read, data)


def test_matlab(made, tmp_path):
    read = scipy.io.loadmat(export(made, tmp_path, "mat"), simplify_cells=True)["streams"]
    data = {name: made.memory.data[name][1] for name in made.memory.streams}
    assert np.array_equal(read["half"]["data"], data["half"].astype(np.float32))
    assert np.array_equal(read["flags"]["data"].astype(bool), data["flags"])
    assert read["words"]["data"].tolist() == [w.decode() for w in data["words"]]
    assert np.array_equal(read["pattern"]["data"], data["pattern"])
    assert np.array_equal(read["one"]["data"], data["one"][:, 0])


def test_parquet_and_csv(made, tmp_path):
    folder = export(made, tmp_path, "parquet")
    data = {name: made.memory.data[name][1] for name in made.memory.streams}

    def column(table, name):
        return pyarrow.parquet.read_table(folder / f"stream_{table}.parquet")[name].to_numpy()

    assert np.array_equal(column("half", "unit_5"), data["half"][:, 1])
    assert np.array_equal(column("flags", "unit_8"), data["flags"][:, 2])
    assert column("words", "value").tolist() == [w.decode() for w in data["words"]]
    assert np.array_equal(column("pattern", "v4"), data["pattern"][:, 1, 1])
    folder = export(made, tmp_path, "csv")
    lines = (folder / "stream_words.csv").read_text(encoding="utf-8").splitlines()
    assert lines[1].endswith('"Once"')
    half = np.loadtxt(folder / "stream_half.csv", delimiter=",", skiprows=1)
    assert np.array_equal(half[:, 3].astype(np.float16), data["half"][:, 1])


def test_open_ephys_takes_the_flags(made, tmp_path):
    folder = export(made, tmp_path, "open-ephys")
    states = np.load(next(folder.rglob("Headstage-100.flags/TTL/states.npy")), allow_pickle=False)
    on = made.memory.data["flags"][1].astype(int)
    rows, lines = np.nonzero(np.diff(on, axis=0))
    assert np.array_equal(states, np.where(on[rows + 1, lines] == 1, lines + 1, -lines - 1))
