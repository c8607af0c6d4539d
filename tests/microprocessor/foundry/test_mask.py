"""The mask and its picture: every net in one piece, wires on tracks of their own, and a PNG that others can read."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtGui import QImage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from subjects.microprocessor import drawn_chip
from subjects.microprocessor.chip_file import ChipTables, read_chip
from subjects.microprocessor.foundry.floorplan import DIE_UM
from subjects.microprocessor.foundry.picture import STEP, draw_picture
from subjects.microprocessor.foundry.routing import METAL, POLY, Tracks, route
from subjects.microprocessor.hs6502 import FILE_NAME

ROOT = Path(drawn_chip.__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def tables() -> ChipTables:
    return read_chip(Path(drawn_chip.__file__).parent / FILE_NAME)


def pixels_of(path: Path) -> np.ndarray:
    """As Qt reads them."""
    image = QImage(str(path)).convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).copy()


def n_pieces(rects: np.ndarray) -> int:
    """Into how many pieces rectangles fall that touch or overlap."""
    x0, x1, y0, y1 = rects.T
    touch = (x0[:, None] <= x1) & (x0 <= x1[:, None]) & (y0[:, None] <= y1) & (y0 <= y1[:, None])
    return int(connected_components(coo_array(touch), directed=False, return_labels=False))


def test_every_net_is_in_one_piece(tables: ChipTables):
    """Its wires, diffusions, loads and pads, and the transistors that it is the gate of; the supplies are left out."""
    supplies = [tables.names.index(name) for name in ("vss", "vcc")]
    for node in np.setdiff1d(np.arange(len(tables.names)), supplies).tolist():
        rects = np.concatenate(
            [tables.shape_bounds[tables.shape_node == node], tables.bounds[tables.rows[:, 0] == node]]
        )
        assert n_pieces(rects) == 1, tables.names[node]


def test_everything_lies_on_the_die(tables: ChipTables):
    x0, x1, y0, y1 = tables.shape_bounds.T
    assert (x0 < x1).all()
    assert (y0 < y1).all()
    assert min(x0.min(), y0.min()) >= 0
    assert x1.max() <= DIE_UM[0]
    assert y1.max() <= DIE_UM[1]


def test_wires_lie_beside_each_other():
    """Nets whose trunks want the same place, and one that lies elsewhere along it."""
    places = {"a": ((0, 0), (100, 0)), "b": ((10, 0), (90, 0)), "c": ((200, 0), (300, 0))}
    rects = {shape.net: shape.rect for shape in route(places, ()) if shape.rect[1] - shape.rect[0] > 50}
    assert rects["c"][2:] == rects["b"][2:]  # the short one first
    assert rects["a"][2] >= rects["b"][3] or rects["a"][3] <= rects["b"][2]


def test_level_is_metal_and_upright_polysilicon():
    for shape in route({"a": ((0, 0), (400, 0), (200, 90)), "b": ((50, 500), (50, 10), (90, 60))}, ()):
        x0, x1, y0, y1 = shape.rect
        if max(x1 - x0, y1 - y0) > 20:
            assert shape.layer == (METAL if x1 - x0 > y1 - y0 else POLY)


def test_what_finds_no_track_stays_where_it_wanted_to_be():
    tracks = Tracks()
    found = [tracks.take(50, 0, 10, half=2, farthest=5) for _ in range(4)]
    assert found == [50, 55, 45, 50]
    assert tracks.take(50, 20, 30, half=2, farthest=5) == 50


def test_the_picture_command(tmp_path: Path, tables: ChipTables):
    """Its PNG holds, to another reader, what was drawn; the README's is that picture."""
    path = tmp_path / "die.png"
    command = [sys.executable, "-m", "subjects.microprocessor.foundry", "--picture", str(path)]
    subprocess.run(command, check=True, cwd=ROOT, capture_output=True)
    drawn = draw_picture(tables)
    np.testing.assert_array_equal(pixels_of(path), drawn)
    difference = np.abs(pixels_of(ROOT / "app" / "pictures" / "hs6502.png").astype(int) - drawn)
    assert difference.max() <= STEP  # a machine may round the other way
    assert (difference > 0).mean() < 0.001


def test_the_picture_shows_the_transistors(tables: ChipTables):
    """Bright where they lie, dark where there is nothing."""
    drawn = draw_picture(tables).astype(int).sum(axis=2)
    x, y = ((tables.bounds[:, [k, k + 1]].mean(axis=1) / 4).astype(int) for k in (0, 2))
    at = drawn[len(drawn) - 1 - y, x]
    assert np.median(at) > 500
    assert drawn[:8].max() < 100
