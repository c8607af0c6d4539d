"""The timeline keeps up with a run, and one goes back with it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.window.desk import Pull
from app.window.timeline import Mark, Span, TimelinePane
from rig.log import LogKind
from rig.perturbation import Perturbation, PerturbationKind
from tests.app.window.conftest import Table


class Paints(QObject):
    """Counts how often a widget was painted."""

    n = 0

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        self.n += event.type() is QEvent.Type.Paint
        return False


def test_it_is_painted_anew_as_the_run_grows_though_now_stays_in_place(qtbot: QtBot, cell_table: Table) -> None:
    pane = TimelinePane(cell_table.desk)
    cell_table.lay(pane, 720, 90)
    status = cell_table.desk.status
    assert status is not None
    paints = Paints()
    pane.bar.installEventFilter(paints)
    for tick in (40_000_000, 60_000_000, 60_500_000):  # the last moves what lies in the middle by three pixels
        seen = paints.n
        pane.bar.show_time(Pull(tick, tick - 2000, tick, True, status, 0.1), 2.4e6, "half-cycle")
        qtbot.waitUntil(lambda seen=seen: paints.n > seen, timeout=2000)


def test_going_on_from_an_earlier_moment_undoes_what_came_after(cell_table: Table) -> None:
    pane = TimelinePane(cell_table.desk)
    cell_table.lay(pane, 720, 90)
    client = cell_table.desk.client
    assert client is not None
    cell_table.run_to(300)
    client.perturb(Perturbation(PerturbationKind.SILENCE, (104,), 0), from_now=True)
    cell_table.run_to(600)
    client.perturb(Perturbation(PerturbationKind.RELEASE, (104,), 0), from_now=True)
    client.note("too late")
    cell_table.run_to(900)
    assert pane.events.spans == [Span("silence", 300, 600)]
    assert not pane.branch.isVisible()
    QTest.mouseClick(pane.bar, Qt.MouseButton.LeftButton, pos=QPoint(pane.bar._x(500), 20))
    cell_table.pull()
    assert pane.branch.isVisible()
    shown = cell_table.desk.view.bounds(900)[1]
    assert abs(shown - 500) <= 2
    QTest.mouseClick(pane.branch, Qt.MouseButton.LeftButton)
    cell_table.until(lambda: cell_table.desk.tick == shown)
    assert cell_table.desk.view.live
    assert cell_table.desk.entries[-1].kind is LogKind.RESTORE
    assert pane.events.spans == [Span("silence", 300, None)]  # it was not released yet
    assert pane.events.marks == [Mark("mark", shown, "rewound")]
    cell_table.pull()
    assert not pane.branch.isVisible()
    cell_table.desk.branch()
    assert cell_table.said == ["asked to go on from an earlier moment; drag the timeline to it first"]
