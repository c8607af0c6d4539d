"""A desk with a subject on it, and panes that are pulled as the main window pulls them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from pytestqt.qtbot import QtBot

from app.theme import DARK
from app.window.desk import Desk, Opening, Pull
from app.window.pane import Pane

OPEN_MS = 120_000


class Table:
    """A desk and the panes that are laid on it."""

    def __init__(self, qtbot: QtBot, opening: Opening) -> None:
        self._qtbot = qtbot
        self.desk = Desk()
        self.panes: list[Pane] = []
        self.said: list[str] = []
        self.desk.said.connect(lambda message: self.said.append(message.line))
        with qtbot.waitSignal(self.desk.opened, timeout=OPEN_MS):
            self.desk.open(opening)

    def lay(self, pane: Pane, width: int = 260, height: int = 460) -> None:
        """Show a pane as it is on the window."""
        self._qtbot.addWidget(pane)
        self.panes.append(pane)
        apply = getattr(pane, "apply_theme", None)
        if apply is not None:
            apply(DARK)
        pane.resize(width, height)
        pane.show()
        self._qtbot.waitExposed(pane)

    def pull(self) -> None:
        """One turn of the window's timer."""
        self.desk.poll()
        status = self.desk.status
        assert status is not None
        start, stop = self.desk.view.bounds(status.tick)
        pull = Pull(status.tick, start, stop, self.desk.view.live, status, 1 / 60)
        for pane in self.panes:
            pane.pull(pull)

    def until(self, condition: Callable[[], bool], timeout_ms: int = 30_000) -> None:
        """Pull until something is so."""

        def turn() -> bool:
            self.pull()
            return condition()

        self._qtbot.waitUntil(turn, timeout=timeout_ms)

    def run_to(self, tick: int) -> None:
        """Let the subject get there, and the panes see it."""
        assert self.desk.client is not None
        self.desk.client.run_to(tick)
        self.desk.client.wait_until_paused()
        self.pull()


@pytest.fixture
def cell_table(qtbot: QtBot) -> Iterator[Table]:
    """The model cell, paused at tick 0."""
    table = Table(qtbot, Opening("model-cell", {}))
    yield table
    table.desk.close()


@pytest.fixture
def chip_table(qtbot: QtBot, installed_chip: Path) -> Iterator[Table]:
    """The processor on its board."""
    pytest.importorskip("ale_py", reason="the game comes with ale-py")
    table = Table(qtbot, Opening("microprocessor", {"cartridge": "space_invaders"}))
    yield table
    table.desk.close()
