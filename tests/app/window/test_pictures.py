"""Pictures and data of panes, saved as a hand saves them; the files are read back."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QMainWindow, QMenu

from app.window.pictures import Pictures, header_of
from app.window.raster import RasterPane
from app.window.raster_rows import Rows
from app.window.scope import ScopePane
from app.window.scope_filters import FilterKind
from app.window.shown_data import Table, offers_data, shown_data, write_table
from app.window.spectrogram import SpectrogramPane
from app.window.watch_list import WatchListPane
from rig.errors import EvictedError, HeadstageError
from rig.probe import Probe

SPAN = 200
UNITS = (100, 103, 107)


@pytest.fixture
def shown(cell_table, qtbot, tmp_path):
    """Scope, raster, spectrogram and watch list of a model cell at tick 600, showing 200 ticks."""
    desk = cell_table.desk
    desk.do(lambda c: c.set_probes([Probe("A", ((200.0, 0.0, 0.0),), sigma=300.0)]))
    desk.view.set_span(SPAN)
    desk.channels.set(UNITS)
    window = QMainWindow()
    window.resize(900, 600)
    qtbot.addWidget(window)
    panes = {}
    for make in (ScopePane, RasterPane, SpectrogramPane, WatchListPane):
        pane = make(desk)
        panes[pane.title] = pane
        cell_table.lay(pane, 700, 300)
    panes["Raster"].choose_rows(Rows.LISTED)
    cell_table.run_to(600)
    cell_table.pull()
    pictures = Pictures(panes, desk, lambda: tmp_path, window)
    window.show()
    yield pictures, panes
    pictures.work.stop()


def rows_of(path):
    with path.open(newline="") as file:
        rows = list(csv.reader(file))
    return rows[0], rows[1:]


def saved(qtbot, pictures, pane, path):
    pictures.save_data(pane, path)
    qtbot.waitUntil(lambda: not pictures.work.running, timeout=30_000)
    return rows_of(path)


def test_scope_data_are_the_samples_on_show(qtbot, shown, cell_table, tmp_path):
    pictures, panes = shown
    header, rows = saved(qtbot, pictures, panes["Oscilloscope"], tmp_path / "scope.csv")
    span = cell_table.desk.view.span_ticks
    assert header[:5] == ["tick", "time_s", "cell0", "cell3", "cell7"]
    assert header[5].startswith("LFP A1")
    assert [int(r[0]) for r in rows] == list(range(600 - span, 600))
    assert float(rows[0][1]) == (600 - span) / 1000
    samples = cell_table.desk.ring("spikes").ticks(600 - span, 600).copy().unpacked()[:, [0, 3, 7]]
    np.testing.assert_array_equal([[int(v) for v in r[2:5]] for r in rows], samples)
    fields = cell_table.desk.ring("electrodes").ticks(600 - span, 600).copy()
    np.testing.assert_allclose([float(r[5]) for r in rows], fields.data[:, 0])
    assert f"saved {span} rows of Oscilloscope" in cell_table.said[-1]


def test_scope_data_of_streams_with_other_rates(shown, cell_table, tmp_path):
    pane = shown[1]["Oscilloscope"]
    pane.choose_stream("counts")
    cell_table.pull()
    write_table(shown_data(pane), tmp_path / "scope.csv")
    header, rows = rows_of(tmp_path / "scope.csv")
    counts = [r[header.index("cell3")] for r in rows]
    assert [c != "" for c in counts[:8]] == [int(r[0]) % 4 == 0 for r in rows[:8]]
    samples = cell_table.desk.ring("counts").latest(10).copy()
    by_tick = {int(r[0]): r[header.index("cell3")] for r in rows}
    for tick, row in zip(samples.ticks.tolist(), samples.data, strict=True):
        assert int(by_tick[tick]) == row[3]
    assert all(r[-1] != "" for r in rows)  # the field has a sample at every tick


def test_raster_data_are_the_spikes_on_show(qtbot, shown, cell_table, tmp_path):
    pictures, panes = shown
    header, rows = saved(qtbot, pictures, panes["Raster"], tmp_path / "raster.csv")
    span = cell_table.desk.view.span_ticks
    assert header == ["tick", "time_s", "unit_id", "unit", "region"]
    on = cell_table.desk.ring("spikes").ticks(600 - span, 600).copy().unpacked()[:, [0, 3, 7]]
    at, channel = np.nonzero((on[1:] == 1) & (on[:-1] == 0))
    expected = {(600 - span + 1 + int(t), UNITS[c]) for t, c in zip(at, channel, strict=True)}
    assert {(int(r[0]), int(r[2])) for r in rows} == expected
    assert len(rows) == len(expected)
    assert {(r[3], r[4]) for r in rows} == {("cell0", "front/left"), ("cell3", "front/right"), ("cell7", "front/right")}


def test_spectrogram_data_are_levels_by_frequency(qtbot, shown, cell_table, tmp_path):
    pictures, panes = shown
    pane = panes["Spectrogram"]
    pane.choose_source("LFP A1")
    cell_table.pull()
    header, rows = saved(qtbot, pictures, pane, tmp_path / "spectra.csv")
    plan = pane.picture.plan
    assert header[:2] == ["tick", "time_s"]
    assert header[2] == "0_Hz"
    assert header[-1] == "500_Hz"
    assert len(header) == 2 + plan.length // 2 + 1
    ticks = np.array([int(r[0]) for r in rows])
    np.testing.assert_array_equal(np.diff(ticks), plan.hop)
    values = cell_table.desk.ring("electrodes").ticks(ticks[0], ticks[0] + plan.length).copy().data[:, 0]
    levels = 10 * np.log10(np.maximum(plan.densities(values[None].astype(np.float64))[0], 1e-30))
    np.testing.assert_allclose([float(v) for v in rows[0][2:]], levels, atol=2e-3)


def test_a_note_says_what_the_file_does_not(shown):
    pane = shown[1]["Oscilloscope"]
    assert shown_data(pane).note == ""
    kind = next(k for k in FilterKind if k is not FilterKind.NONE)
    pane.filter(type(pane.picture.choice)(kind, 50.0))
    assert "before the filter" in shown_data(pane).note


def test_png_holds_the_panes_pixels(shown, tmp_path):
    pictures, panes = shown
    path = tmp_path / "scope.png"
    pictures.save_picture(panes["Oscilloscope"], path)
    image, now = QImage(str(path)), panes["Oscilloscope"].grab().toImage()
    assert image.size() == now.size()
    assert image.convertToFormat(QImage.Format.Format_RGB32) == now.convertToFormat(QImage.Format.Format_RGB32)
    assert [p.name for p in tmp_path.iterdir()] == ["scope.png"]


def test_svg_holds_text_and_looks_like_the_pane(shown, tmp_path):
    pictures, panes = shown
    pane, path = panes["Oscilloscope"], tmp_path / "scope.svg"
    pictures.save_picture(pane, path)
    text = path.read_text()
    assert "cell3" in text  # a name is text
    assert "<image" in text  # what is painted is embedded
    renderer = QSvgRenderer(str(path))
    assert renderer.isValid()
    assert renderer.viewBox().size() == pane.size()
    drawn = QImage(QSize(pane.size()), QImage.Format.Format_RGB32)
    painter = QPainter(drawn)
    renderer.render(painter, QRectF(0, 0, pane.width(), pane.height()))
    painter.end()
    there = pane.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    shape = (pane.height(), pane.width())
    a, b = (np.frombuffer(i.constBits(), np.uint32).reshape(shape) for i in (drawn, there))
    canvas = pane.canvas.geometry().translated(pane.body.pos())
    inside = np.s_[canvas.top() + 20 : canvas.bottom() - 20, canvas.left() + 4 : canvas.right() - 4]
    assert np.mean(a[inside] == b[inside]) > 0.9


def test_the_menu_on_the_header(qtbot, shown, tmp_path):
    pictures, panes = shown
    header = header_of(panes["Raster"])
    header.customContextMenuRequested.emit(QPoint(20, 8))
    menu = next(w for w in QApplication.topLevelWidgets() if isinstance(w, QMenu) and w.isVisible())
    assert [a.text() for a in menu.actions()] == ["Save picture…", "Save data…"]
    picture = menu.actions()[0]
    QTest.mouseClick(menu, Qt.MouseButton.LeftButton, pos=menu.actionGeometry(picture).center())
    qtbot.waitUntil(lambda: pictures._window.findChild(QFileDialog) is not None)
    dialog = pictures._window.findChild(QFileDialog)
    assert not dialog.isModal()
    assert dialog.selectedFiles() == [str(tmp_path / "raster-1.png")]
    dialog.accept()
    qtbot.waitUntil((tmp_path / "raster-1.png").is_file)
    assert not QImage(str(tmp_path / "raster-1.png")).isNull()


def test_panes_without_samples_offer_a_picture_alone(shown):
    pictures, panes = shown
    watch = panes["Watch list"]
    assert not offers_data(watch)
    assert not pictures.menu(watch).actions()[1].isEnabled()
    names = [name for name, *_ in pictures.commands()]
    assert "picture Watch list" in names
    assert "data Watch list" not in names
    with pytest.raises(HeadstageError, match="it shows no samples"):
        shown_data(watch)


def test_a_folder_that_refuses_is_one_line(qtbot, shown, cell_table, tmp_path):
    pictures, panes = shown
    for suffix in (".png", ".svg"):
        pictures.save_picture(panes["Raster"], tmp_path / "gone" / f"raster{suffix}")
        assert "choose another folder" in cell_table.said[-1]
    pictures.save_data(panes["Raster"], tmp_path / "gone" / "raster.csv")
    qtbot.waitUntil(lambda: not pictures.work.running)
    assert "the disk refuses" in cell_table.said[-1]
    assert not (tmp_path / "gone").exists()


def test_nothing_left_in_the_ring_is_said(shown, cell_table):
    cell_table.desk.view.look_at(100_000_000)
    cell_table.pull()
    with pytest.raises(EvictedError, match="the ring holds nothing of it"):
        shown_data(shown[1]["Raster"])


def test_a_cancelled_table_leaves_nothing(tmp_path):
    table = Table(("a",), lambda: iter([[(1,)], [(2,)]]))
    with pytest.raises(HeadstageError, match="cancelled"):
        write_table(table, tmp_path / "t.csv", lambda: True)
    assert list(tmp_path.iterdir()) == []
    assert write_table(table, tmp_path / "t.csv") == 2
    assert (tmp_path / "t.csv").read_text().split() == ["a", "1", "2"]
