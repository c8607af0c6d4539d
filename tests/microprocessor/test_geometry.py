"""Where things lie on the die, and in which region."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from subjects.microprocessor.chip import RegionRule
from subjects.microprocessor.geometry import Geometry, load_geometry, polygon_areas_and_centroids
from subjects.microprocessor.mos6502 import MOS6502, UM_PER_UNIT
from subjects.microprocessor.netlist import Netlist
from subjects.microprocessor.regions import ELSEWHERE, node_regions, row_regions

# an L of two unit squares above one another and one to the right of the lower, and a line there and back
L_SHAPE = [(0, 0), (2, 0), (2, 1), (1, 1), (1, 2), (0, 2)]
LINE = [(5, 5), (9, 5), (7, 5)]


@pytest.fixture(scope="module")
def geometry(mos6502: Netlist, mos6502_folder: Path) -> Geometry:
    return load_geometry(mos6502_folder, mos6502, UM_PER_UNIT)


@pytest.fixture(scope="module")
def regions(mos6502: Netlist, geometry: Geometry) -> list[str]:
    return node_regions(mos6502, geometry, MOS6502.regions, UM_PER_UNIT)


def test_areas_and_centroids_of_known_polygons():
    corners = np.array(L_SHAPE + LINE + L_SHAPE[::-1], dtype=np.float64)
    areas, centroids = polygon_areas_and_centroids(corners, np.array([0, 6, 9, 15]))
    np.testing.assert_allclose(areas, [3, 0, 3])
    np.testing.assert_allclose(centroids, [[5 / 6, 5 / 6], [7, 5], [5 / 6, 5 / 6]])


@given(st.integers(-9000, 9000), st.integers(-9000, 9000), st.integers(1, 500), st.integers(1, 500))
def test_centroid_of_a_moved_rectangle(x: int, y: int, width: int, height: int):
    corners = np.array([(x, y), (x + width, y), (x + width, y + height), (x, y + height)], dtype=np.float64)
    areas, centroids = polygon_areas_and_centroids(corners, np.array([0, 4]))
    np.testing.assert_allclose(areas, [width * height])
    np.testing.assert_allclose(centroids, [[x + width / 2, y + height / 2]], atol=1e-6)


def test_die_is_3_9_by_4_3_millimetres(geometry: Geometry):
    x_min, x_max, y_min, y_max = geometry.bounds_um
    assert x_max - x_min == pytest.approx(3900, abs=50)
    assert y_max - y_min == pytest.approx(4300, abs=50)


def test_every_node_and_transistor_lies_on_the_die(mos6502: Netlist, geometry: Geometry):
    x_min, x_max, y_min, y_max = geometry.bounds_um
    np.testing.assert_array_equal(np.isfinite(geometry.node_um).all(axis=1), mos6502.node_exists)
    places = np.vstack([geometry.node_um[mos6502.node_exists], geometry.row_um])
    assert (places > [x_min, y_min]).all()
    assert (places < [x_max, y_max]).all()
    assert (geometry.row_bounds_um[:, 0] < geometry.row_bounds_um[:, 1]).all()


def test_centre_of_a_transistor_as_drawn(geometry: Geometry):
    # t0 in transdefs.js: [1450, 1510, 5143, 5320]
    np.testing.assert_allclose(geometry.row_um[0], np.array([1480, 5231.5]) * UM_PER_UNIT)


def test_polygons_of_a_node(mos6502: Netlist, geometry: Geometry):
    # node 1722 is the last in segdefs.js
    drawn = geometry.polygons(mos6502.node_ids["pchp0"])
    np.testing.assert_allclose(drawn[-1][0], np.array([5273, 4115]) * UM_PER_UNIT, rtol=1e-6)
    n_polygons = sum(len(geometry.polygons(node)) for node in range(mos6502.n_nodes))
    assert n_polygons == len(geometry.polygon_node) == 8233
    assert geometry.polygons(30) == []  # an id without a node


def test_bits_of_a_register_lie_in_one_column(mos6502: Netlist, geometry: Geometry):
    for name in "axys":
        places = geometry.node_um[mos6502.nodes_named(MOS6502.registers[name].bits)]
        assert np.ptp(places[:, 0]) < 10
        assert (np.diff(places[:, 1]) < 0).all()  # bit 0 on top


@pytest.mark.parametrize(
    ("name", "region"),
    [
        ("a0", "registers/A"),
        ("notx7", "registers/X"),
        ("y3", "registers/Y"),
        ("s0", "registers/S"),
        ("pclp2", "registers/PC low"),
        ("#pchp5", "registers/PC high"),
        ("p3", "status"),
        ("sb0", "buses/special"),
        ("#(AxBxC)4", "ALU/logic"),
        ("alu5", "ALU/output"),
        ("dasb5", "ALU/decimal"),
        ("op-T0-lda", "decode/PLA west"),
        ("op-T2-php", "decode/PLA east"),
        ("op-T0-cpy/iny", "decode/PLA west"),
        ("op-SUMS", "control/random logic"),
        ("dpc23_SBAC", "control/datapath drivers"),
        ("notir5", "decode/instruction register"),
        ("clock1", "decode/timing"),
        ("NMIP", "control/interrupts"),
        ("ab15", "pads/address"),
        ("db0", "pads/data"),
        ("irq", "pads/control"),
        ("cclk", "clock"),
        ("vss", "power"),
    ],
)
def test_named_nodes_are_where_they_belong(mos6502: Netlist, regions: list[str], name: str, region: str):
    assert regions[mos6502.node_ids[name]] == region


def test_no_node_or_transistor_is_without_a_region(mos6502: Netlist, geometry: Geometry, regions: list[str]):
    of_rows = row_regions(geometry, MOS6502.regions, UM_PER_UNIT)
    assert [region == "" for region in regions] == (~mos6502.node_exists).tolist()
    assert ELSEWHERE not in {*regions, *of_rows}
    assert len(of_rows) == mos6502.n_rows
    # a transistor mostly lies in the region of one of its ends
    shared = sum(
        of_rows[row] in (regions[mos6502.row_gate[row]], regions[mos6502.row_c1[row]], regions[mos6502.row_c2[row]])
        for row in range(mos6502.n_rows)
    )
    assert shared > 0.8 * mos6502.n_rows


def test_rules_apply_in_order_and_leave_a_rest(mos6502: Netlist, geometry: Geometry):
    left_half = (RegionRule("first", names=("a0",)), RegionRule("left", boxes=((0, 4000, 0, 10_000),)))
    regions = node_regions(mos6502, geometry, left_half, UM_PER_UNIT)
    assert regions[mos6502.node_ids["a0"]] == "first"
    assert regions[mos6502.node_ids["x0"]] == "left"
    assert regions[mos6502.node_ids["a1"]] == ELSEWHERE
