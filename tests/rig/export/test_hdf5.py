"""Plain HDF5, read back by h5py alone; and files that are refused."""

from __future__ import annotations

import json

import h5py
import numpy as np
import pytest

from rig.errors import FormatError
from rig.export import hdf5
from rig.export.hdf5_checked import open_checked
from rig.export.source import Cut


def export(tmp_path, cut):
    path = tmp_path / "out.h5"
    hdf5.write(cut, path, lambda fraction: None)
    hdf5.verify(path, cut)
    return path


def spikes_of(on, ticks, k):
    rises = (on[1:] == 1) & (on[:-1] == 0) & (np.diff(ticks) == k)[:, None]
    return [ticks[1:][rises[:, c]] for c in range(on.shape[1])]


@pytest.mark.parametrize("gap", [None, (2000, 2400)], ids=["whole", "gap"])
def test_every_stream_comes_back_bit_for_bit(record, tmp_path, gap):
    made = record(gap=gap)
    with h5py.File(export(tmp_path, Cut.of(made.disk)), "r") as file:
        assert set(file["streams"]) == set(made.memory.streams)
        for name, group in file["streams"].items():
            ticks, data = made.memory.data[name]
            assert group["data"].dtype == data.dtype
            assert np.array_equal(group["data"][:], data)
            if "tick" in group:
                assert np.array_equal(group["tick"][:], ticks)
            else:
                k = group.attrs["ticks_per_sample"]
                assert np.array_equal(group.attrs["first_tick"] + k * np.arange(len(data)), ticks)
            if made.memory.streams[name].unit_ids is not None:
                assert np.array_equal(group["unit_id"][:], made.memory.streams[name].unit_ids)
        assert file["streams/electrodes/channel_name"].asstr()[:].tolist() == ["A1", "A2", "A3"]
        assert np.array_equal(file["streams/screen/palette"][:], made.memory.streams["screen"].palette)
        ticks, data = made.memory.data["nodes"]
        start, tick = file["spikes/nodes/start"][:], file["spikes/nodes/tick"][:]
        for channel, spikes in enumerate(spikes_of(np.unpackbits(data, axis=1, count=37, bitorder="little"), ticks, 1)):
            assert np.array_equal(tick[start[channel] : start[channel + 1]], spikes)


def test_tables_and_provenance(record, tmp_path):
    made = record()
    with h5py.File(export(tmp_path, Cut.of(made.disk)), "r") as file:
        units = made.memory.units
        assert np.array_equal(file["units/unit_id"][:], units.unit_id)
        assert file["units/name"].asstr()[:].tolist() == list(units.name)
        assert np.array_equal(file["units/y"][:], units.y)
        assert file["perturbations/kind"].asstr()[:].tolist() == ["silence", "drive", "drive", "stuck_on"]
        assert file["perturbations/unit_names"].asstr()[0] == "n1 n4"
        assert 'the ship moved µ, "left"\nand stopped' in file["events/value"].asstr()[:].tolist()
        assert len(file["command_log"].asstr()[()].splitlines()) == len(made.memory.log)
        session = json.loads(file["session"].asstr()[()])
        assert session["seed"] == 7
        assert session["subject"]["fingerprint"] == "f00d"


def test_a_part_in_time_and_units(record, tmp_path):
    made = record()
    ids = made.memory.units.unit_id[[3, 17, 20]]
    with h5py.File(export(tmp_path, Cut.of(made.disk, 1503, 1900, ["nodes", "ram"], ids)), "r") as file:
        part = made.memory.read("nodes", 1503, 1900, ids)
        assert np.array_equal(file["streams/nodes/data"][:], part.data)
        assert file["streams/nodes"].attrs["first_tick"] == 1503
        assert np.array_equal(file["streams/ram/data"][:], made.memory.read("ram", 1503, 1900).data)
        assert set(file["streams"]) == {"nodes", "ram"}
        assert file["spikes/nodes/start"][-1] == sum(map(len, spikes_of(part.unpacked(), part.ticks, 1)))


def test_what_is_not_there_cannot_be_exported(record):
    made = record()
    from rig.errors import TickError, UnknownUnitError

    with pytest.raises(TickError, match=r"asked to export ticks \[0, 4000\)"):
        Cut.of(made.disk, 0)
    with pytest.raises(TickError, match="choose a part"):
        Cut.of(made.disk, 1500, 1500)
    with pytest.raises(UnknownUnitError, match="stream 'sound'"):
        Cut.of(made.disk, streams=["sound"])
    with pytest.raises(UnknownUnitError, match="unit id 3"):
        Cut.of(made.disk, unit_ids=[2, 3])
    with pytest.raises(UnknownUnitError, match="carries any of them"):
        Cut.of(made.disk, unit_ids=made.memory.units.unit_id[-2:])


def test_units_that_were_not_watched_are_left_out_and_said(record, tmp_path):
    made = record()
    cut = Cut.of(made.disk, unit_ids=made.memory.units.unit_id[[3, -1]], streams=["nodes"])
    notes = hdf5.write(cut, tmp_path / "out.h5", lambda fraction: None)
    assert notes == ("1 of the chosen units are in no stream that was recorded: left out",)


# ---- hostile files


def external_link(file):
    file["group/elsewhere"] = h5py.ExternalLink("/etc/passwd.h5", "/x")


def dangling_soft_link(file):
    file["soft"] = h5py.SoftLink("/nowhere/at/all")


def soft_link_through_an_external_one(file):
    file["a"] = h5py.SoftLink("/z/x")
    file["z"] = h5py.ExternalLink("/etc/passwd.h5", "/")


def circle_of_soft_links(file):
    file["a"] = h5py.SoftLink("/b")
    file["b"] = h5py.SoftLink("/a")


def external_storage(file):
    file.create_dataset("raw", shape=(4,), dtype="u1", external=[("/etc/passwd", 0, 4)])


def virtual_dataset(file):
    layout = h5py.VirtualLayout((4,), "u1")
    layout[:] = h5py.VirtualSource("/etc/other.h5", "x", shape=(4,))
    file.create_virtual_dataset("virtual", layout)


def opaque_bytes(file):
    file.create_dataset("opaque", data=np.array([b"abcd"], dtype="V4"))


def vlen_of_references(file):
    file.create_dataset("refs", shape=(1,), dtype=h5py.vlen_dtype(h5py.ref_dtype))


def opaque_attribute(file):
    file.create_dataset("d", data=[1]).attrs["o"] = np.array([b"abcd"], dtype="V4")


def plugin_filter(file):
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_chunk((4,))
    plist.set_filter(32001, h5py.h5z.FLAG_OPTIONAL, (1,))
    space = h5py.h5s.create_simple((4,))
    h5py.h5d.create(file.id, b"blosc", h5py.h5t.STD_U8LE, space, dcpl=plist)


def deep(file):
    file.create_group("/".join(["g"] * 200))


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (external_link, "/group/elsewhere is a link to another file"),
        (dangling_soft_link, "/soft points to /nowhere/at/all"),
        (soft_link_through_an_external_one, "/z is a link to another file"),
        (circle_of_soft_links, "/a points to /b"),
        (external_storage, "/raw keeps its data in another file"),
        (virtual_dataset, "/virtual is made of other files' data"),
        (opaque_bytes, "/opaque holds opaque bytes"),
        (vlen_of_references, "/refs holds references"),
        (opaque_attribute, "attribute o holds opaque bytes"),
        (plugin_filter, "needs filter 32001"),
        (deep, "nested deeper"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_hostile_files_are_refused_in_a_line(tmp_path, make, says):
    path = tmp_path / "hostile.h5"
    with h5py.File(path, "w") as file:
        file["data"] = np.arange(4)
        make(file)
    with pytest.raises(FormatError, match=r"hostile\.h5") as caught:
        open_checked(path)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_stays_inside_is_opened(tmp_path):
    path = tmp_path / "fine.h5"
    with h5py.File(path, "w") as file:
        file["data"] = np.arange(4)
        file["group/again"] = file["data"]
        file["group/up"] = file["/"]  # a cycle
        file["soft"] = h5py.SoftLink("/group/again")
        file["data"].attrs["points_to"] = file["group"].ref
        file["text"] = "a"
    with open_checked(path) as file:
        assert file["soft"][:].tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("content", [b"", b"\x89HDF\r\n\x1a\n" + b"\x00" * 40, b"no such thing" * 100])
def test_what_is_no_hdf5_is_said(tmp_path, content):
    path = tmp_path / "x.h5"
    path.write_bytes(content)
    with pytest.raises(FormatError, match="cannot be opened as HDF5"):
        open_checked(path)


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(FormatError, match="cannot be opened"):
        open_checked(tmp_path / "none.h5")


def refusal(path):
    try:
        open_checked(path).close()
    except FormatError as error:
        return str(error)
    return None


def test_a_damaged_file_never_gets_further_than_a_format_error(record, tmp_path):
    whole = export(tmp_path, Cut.of(record().disk)).read_bytes()
    path = tmp_path / "damaged.h5"
    rng = np.random.default_rng(3)
    n_refused = 0
    for _ in range(60):
        content = bytearray(whole)
        for at in rng.integers(0, min(len(whole), 4000), 8):
            content[at] ^= int(rng.integers(1, 256))
        path.write_bytes(content)
        said = refusal(path)
        n_refused += said is not None
        assert said is None or "\n" not in said
    assert n_refused
