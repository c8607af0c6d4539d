"""The inspector: follows the selection, and says what the samples say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.theme import DARK, LIGHT
from app.window.tools.inspector_tab import InspectorTab
from app.window.tools.tools_pane import ToolsPane


@pytest.fixture
def inspected(bench: Any) -> tuple[Any, ToolsPane, InspectorTab]:
    pane = ToolsPane(bench.desk)
    pane.apply_theme(DARK)
    bench.put(pane, 340, 520)
    pane.show_tab("Inspector")
    return bench, pane, pane.inspector


def test_nothing_selected_says_how_to_select(inspected: tuple[Any, ToolsPane, InspectorTab]) -> None:
    _, _, tab = inspected
    assert tab.title.whole == "nothing selected"
    assert tab.figures.text() == ""


def test_one_unit_has_identity_figures_and_plots(inspected: tuple[Any, ToolsPane, InspectorTab]) -> None:
    bench, pane, tab = inspected
    bench.desk.select([103])  # on where t % 5 = 0
    assert tab.title.whole == "cell3"
    assert tab.facts == {"kind": "cell #103", "region": "front/right", "place": "x 300, y 0 µm"}
    pane.pull(bench.pull())
    assert "run the subject" in tab.figures.text()
    bench.run_to(1000)
    pane.pull(bench.pull())
    assert tab.figures.text() == "199\u202fHz · duty 20.0 % · 199 spikes in 1.00 s · median interval 5.00 ms"
    assert tab.plots is not None
    assert tab.plots.isVisible()
    counts = tab.plots.intervals._curve.getData()[1]
    assert counts.tolist() == [0, 0, 0, 0, 0, 198]
    assert tab.plots.left_caption.text() == "intervals, ms"


def test_looking_back_it_speaks_of_then(inspected: tuple[Any, ToolsPane, InspectorTab]) -> None:
    bench, pane, tab = inspected
    bench.desk.select([103])
    bench.run_to(500)
    pane.silence_selection()
    bench.run_to(1000)
    pane.pull(bench.pull(500))
    assert tab.figures.text().startswith("198\u202fHz · duty 20.0 % · 99 spikes in 500 ms")
    pane.pull(bench.pull())
    assert "99 spikes in 1.00 s" in tab.figures.text()


def test_it_looks_at_most_four_times_a_second_and_only_at_what_is_new(
    inspected: tuple[Any, ToolsPane, InspectorTab], monkeypatch: pytest.MonkeyPatch
) -> None:
    bench, pane, _ = inspected
    looks: list[int] = []
    real = InspectorTab._look_at_unit
    monkeypatch.setattr(InspectorTab, "_look_at_unit", lambda self, *a: (looks.append(1), real(self, *a)))
    bench.desk.select([103])
    bench.run_to(100)
    quick = bench.pull()
    quick = type(quick)(quick.tick, quick.start_tick, quick.stop_tick, True, quick.status, 0.016)
    for _ in range(40):  # 0.64 s of a subject that stands still
        pane.pull(quick)
    assert len(looks) == 1
    for tick in range(101, 141):
        bench.run_to(tick)
        status = bench.desk.status
        pane.pull(type(quick)(status.tick, 0, status.tick, True, status, 0.016))
    assert len(looks) in (3, 4)
    pane.show_tab("Silence")
    n = len(looks)
    bench.run_to(200)
    pane.pull(bench.pull())
    assert len(looks) == n


def test_several_units_are_counted_and_lead_to_their_parts(inspected: tuple[Any, ToolsPane, InspectorTab]) -> None:
    bench, pane, tab = inspected
    bench.desk.select([100, 101, 102, 103])
    assert tab.title.whole == "front — 4 cells"
    bench.run_to(600)
    pane.pull(bench.pull())
    rates = [sum(t % n == 0 for t in range(1, 600)) / 0.6 for n in (2, 3, 4, 5)]
    assert tab.figures.text() == f"mean rate {np.mean(rates):.3g}\u202fHz"
    assert ">front<" in tab.links["regions"].text()
    tab.links["units"].linkActivated.emit("102")
    assert bench.desk.selection.ids == (102,)
    bench.desk.undo.undo()
    assert bench.desk.selection.ids == (100, 101, 102, 103)


def test_a_link_is_clicked_by_the_mouse(inspected: tuple[Any, ToolsPane, InspectorTab]) -> None:
    bench, _, tab = inspected
    bench.desk.select([105, 106])
    link = tab.links["units"]
    bench.qtbot.waitUntil(lambda: link.width() > 50)
    QTest.mouseClick(link, Qt.MouseButton.LeftButton, pos=link.rect().topLeft() + type(link.pos())(8, 8))
    assert bench.desk.selection.ids == (105,)


def test_silent_units_are_counted(inspected: tuple[Any, ToolsPane, InspectorTab]) -> None:
    bench, pane, tab = inspected
    bench.desk.select([100, 101])
    pane.silence_selection()
    bench.run_to(300)
    pane.pull(bench.pull())
    assert tab.figures.text() == "mean rate 0\u202fHz · 2 units without a spike"


def test_graded_activity_has_values_in_place_of_intervals(inspected: tuple[Any, ToolsPane, InspectorTab]) -> None:
    bench, pane, tab = inspected
    bench.client.watch("spikes", [])  # leaves the charge, which grows by one a spike
    bench.hear()
    bench.desk.select([100])
    bench.run_to(400)
    pane.pull(bench.pull())
    assert tab.figures.text() == "100.5 ± 57.7 pC · from 1 to 200"
    assert tab.plots is not None
    assert tab.plots.left_caption.text() == "values, pC"


def test_a_theme_change_reaches_plots_and_links(inspected: tuple[Any, ToolsPane, InspectorTab]) -> None:
    bench, pane, tab = inspected
    bench.desk.select([100, 101])
    assert DARK.accent in tab.links["units"].text()
    pane.apply_theme(LIGHT)
    assert LIGHT.accent in tab.links["units"].text()
