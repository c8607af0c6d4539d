"""The loader: what is in the 6502, and one clear line for every way its files can be wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rig.errors import AssetError
from subjects.microprocessor.layout_files import read_node_names, read_segments, read_transistors
from subjects.microprocessor.mos6502 import MOS6502
from subjects.microprocessor.netlist import Netlist, load_netlist

TRANSISTORS = """var transdefs = [
['t0', 2, 0, 3, [10, 20, 30, 40],[1, 1, 1, 1, 1] ],
['t1', 2, 3, 0, [10, 20, 50, 60],[1, 1, 1, 1, 1] ],
['t2', 3, 4, 1, [10, 20, 70, 80],[1, 1, 1, 1, 1], true ],
['t3', 3, 4, 0, [10, 20, 70, 80],[1, 1, 1, 1, 1], false ],
]
"""
SEGMENTS = """/* a comment
of two lines */
var segdefs = [
[0,'-',0,0,0,100,0,100,5],
[   1,'-',0,0,90,100,90,100,95],
[2,'-',5,0,20,40,20,40,25],
[3,'+',1,10,20,30,20,30,40,10,40],
[4,'+',1,10,50,30,50,30,70],
]
"""
NAMES = """var nodenames = {
vss: 0, vcc: 1, // two on a line
"in": 2,   // a "quoted // name"
"op-T0/x#": 3,
'~x': 3,
none: -1,
last: 4
}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "transdefs.js").write_text(TRANSISTORS)
    (tmp_path / "segdefs.js").write_text(SEGMENTS)
    (tmp_path / "nodenames.js").write_text(NAMES)
    return tmp_path


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_counts_of_the_6502(mos6502: Netlist):
    rows = set(zip(mos6502.row_gate.tolist(), mos6502.row_c1.tolist(), mos6502.row_c2.tolist(), strict=True))
    parallel = mos6502.multiplicity[mos6502.multiplicity > 1]
    assert mos6502.n_rows == 3510
    assert len(rows) == 3288
    assert mos6502.n_transistors == 3239
    assert (len(parallel), parallel.sum()) == (106, 377)
    assert mos6502.inert.sum() == 19
    assert (mos6502.gate == mos6502.vss).sum() == 16
    assert (mos6502.c1 == mos6502.c2).sum() == 3
    assert mos6502.n_nodes == 1725
    assert (~mos6502.node_exists).sum() == 21
    assert mos6502.pull_up.sum() == 1018
    assert mos6502.live_nodes.sum() == 1312
    assert (len(mos6502.node_ids), len(set(mos6502.node_ids.values()))) == (832, 707)


@pytest.mark.parametrize(
    ("name", "node"),
    [("vss", 558), ("vcc", 657), ("clk0", 1171), ("rw", 1156), ("dpc41_DL/ADL", 1564), ("#C01", 1506), ("~C01", 1506)],
)
def test_nodes_by_name(mos6502: Netlist, name: str, node: int):
    assert mos6502.nodes_named([name]).tolist() == [node]


def test_buses_are_where_the_die_has_them(mos6502: Netlist):
    ab = [268, 451, 1340, 211, 435, 736, 887, 1493, 230, 148, 1443, 399, 1237, 349, 672, 195]
    assert mos6502.nodes_named(MOS6502.memory.address).tolist() == ab
    assert mos6502.nodes_named(MOS6502.memory.data).tolist() == [1005, 82, 945, 650, 1393, 175, 1591, 1349]
    assert "p5" not in mos6502.node_ids


def test_rows_keep_their_transistor(mos6502: Netlist):
    merged = mos6502.row_transistor
    np.testing.assert_array_equal(mos6502.gate[merged], mos6502.row_gate)
    ends = np.sort(np.stack([mos6502.row_c1, mos6502.row_c2]), axis=0)
    np.testing.assert_array_equal(np.sort(np.stack([mos6502.c1[merged], mos6502.c2[merged]]), axis=0), ends)
    np.testing.assert_array_equal(np.bincount(merged), mos6502.multiplicity)


def test_small_chip(folder: Path):
    netlist = load_netlist(folder)
    assert netlist.row_names == ("t0", "t1", "t3")  # weak rows are left out
    assert list(zip(netlist.gate, netlist.c1, netlist.c2, strict=True)) == [(2, 0, 3), (3, 4, 0)]
    assert netlist.row_transistor.tolist() == [0, 0, 1]
    assert netlist.row_bounds[1].tolist() == [10, 20, 50, 60]
    assert netlist.pull_up.tolist() == [False, False, False, True, True]
    assert netlist.node_ids == {"vss": 0, "vcc": 1, "in": 2, "op-T0/x#": 3, "~x": 3, "last": 4}


def test_polygons(folder: Path):
    segments = read_segments(folder / "segdefs.js")
    assert [row.layer for row in segments] == [0, 0, 5, 1, 1]
    assert segments[3].corners.tolist() == [[10, 20], [30, 20], [30, 40], [10, 40]]


@pytest.mark.parametrize("name", ["transdefs.js", "segdefs.js", "nodenames.js"])
def test_missing_file(folder: Path, name: str):
    (folder / name).unlink()
    with pytest.raises(AssetError, match=rf"{name}: no such file; run `headstage install`"):
        load_netlist(folder)


@pytest.mark.parametrize(("name", "last_line"), [("transdefs.js", 5), ("segdefs.js", 8), ("nodenames.js", 7)])
def test_file_cut_between_lines(folder: Path, name: str, last_line: int):
    lines = (folder / name).read_text().splitlines()[:last_line]
    (folder / name).write_text("\n".join(lines))
    with pytest.raises(AssetError, match=rf"{name}: line {last_line}: the file ends before the closing"):
        load_netlist(folder)


@pytest.mark.parametrize(
    ("name", "n_bytes", "line"), [("transdefs.js", 100, 3), ("segdefs.js", 75, 5), ("nodenames.js", 92, 4)]
)
def test_file_cut_inside_a_line(folder: Path, name: str, n_bytes: int, line: int):
    text = (folder / name).read_text()[:n_bytes]
    assert text.count("\n") == line - 1
    (folder / name).write_text(text)
    with pytest.raises(AssetError, match=rf"{name}: line {line}: expected"):
        load_netlist(folder)


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("transdefs.js", "'t1', 2, 3", "'t1', 2, x", "line 3: expected a transistor"),
        ("transdefs.js", "'t1', 2, 3", "'t1', 99999, 3", "line 3: node 99999 is outside 0 to 65533"),
        ("transdefs.js", "'t1', 2, 3", "'t1', -1, 3", "line 3: node -1 is outside"),
        ("transdefs.js", "'t1', 2, 3", "'t1', 2, 77", "transistor t1 is on node 77, which segdefs.js does not draw"),
        ("transdefs.js", "[10, 20, 50, 60]", "[10, 20, 50]", "line 3: expected a transistor"),
        ("transdefs.js", "var transdefs", "alert('x'); var transdefs", "line 1: expected `var transdefs"),
        ("segdefs.js", "[2,'-',5", "[2,'?',5", "line 6: expected a polygon"),
        ("segdefs.js", "[2,'-',5", "[2,'-',9", "line 6: expected three or more corners x, y and a layer 0 to 5"),
        ("segdefs.js", "40,20,40,25]", "40,20,40]", "line 6: expected three or more corners"),
        ("segdefs.js", "40,20,40,25]", "40,20,,25]", "line 6: expected whole coordinates"),
        ("segdefs.js", "40,20,40,25]", "40,20,40,99999999999]", "line 6: expected whole coordinates"),
        ("segdefs.js", "[2,'-',5", "[70000,'-',5", "line 6: node 70000 is outside"),
        ("segdefs.js", "[4,'+',1", "[3,'-',1", "draw"),
        ("nodenames.js", "vss: 0", "gnd: 0", "no supply named 'vss'"),
        ("nodenames.js", "vcc: 1", "vcc: -1", "no supply named 'vcc'"),
        ("nodenames.js", "last: 4", "last: eval(4)", "line 7: expected an entry name: node"),
        ("nodenames.js", "last: 4", "last: 5", "'last' is node 5, which segdefs.js does not draw"),
    ],
)
def test_corrupt_files(folder: Path, name: str, old: str, new: str, message: str):
    change(folder / name, old, new)
    with pytest.raises(AssetError) as caught:
        load_netlist(folder)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_mixed_pull_up(folder: Path):
    change(folder / "segdefs.js", "[4,'+',1,10", "[4,'+',1,10,50,30,50,30,70],\n[4,'-',1,10")
    with pytest.raises(AssetError, match="node 4 is marked both"):
        load_netlist(folder)


def test_not_text(folder: Path):
    (folder / "segdefs.js").write_bytes(b"\xff\xfe\x00binary")
    with pytest.raises(AssetError, match=r"segdefs.js: cannot be read as text"):
        load_netlist(folder)


@pytest.mark.parametrize(("reader", "name"), [(read_transistors, "transdefs"), (read_segments, "segdefs")])
def test_empty_table(tmp_path: Path, reader, name: str):
    path = tmp_path / f"{name}.js"
    path.write_text(f"var {name} = [\n]\n")
    with pytest.raises(AssetError, match=r"no \w+ in it"):
        reader(path)


def test_names_of_an_empty_table(tmp_path: Path):
    path = tmp_path / "nodenames.js"
    path.write_text("var nodenames ={\n}\n")
    assert read_node_names(path) == {}


def test_unknown_name(mos6502: Netlist):
    with pytest.raises(AssetError, match="asked for node 'p5', the netlist names 832 others"):
        mos6502.nodes_named(["p0", "p5"])
