"""The timeline keeps up with a run."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject
from pytestqt.qtbot import QtBot

from app.window.desk import Pull
from app.window.timeline import TimelinePane
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
