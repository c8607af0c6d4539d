"""A desk with a real session behind it; one process serves all tests of a file."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
# pytest's importlib mode does not make a test's neighbours importable
sys.path.insert(0, str(Path(__file__).parent))

from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.theme import DARK
from app.window.desk import Desk, Message, Opening, Pull
from app.window.style import apply_style
from rig.log import LogEntry, LogKind
from rig.process.client import RigClient

PATIENCE_MS = 60_000  # to give up after
start_session = RigClient.start  # before a test puts its own in its place


class Bench:
    """A desk, and the hands of a test at it."""

    def __init__(self, desk: Desk, qtbot: QtBot) -> None:
        self.desk = desk
        self.qtbot = qtbot
        self.messages: list[Message] = []
        desk.said.connect(self.messages.append)

    @property
    def client(self) -> RigClient:
        assert self.desk.client is not None
        return self.desk.client

    def put(self, widget: QWidget, width: int = 320, height: int = 460) -> None:
        """Show it as the column does."""
        self.qtbot.addWidget(widget)
        widget.resize(width, height)
        with self.qtbot.waitExposed(widget):
            widget.show()
        widget.activateWindow()

    def run_to(self, tick: int) -> None:
        self.client.run_to(tick)
        self.client.wait_until_paused(PATIENCE_MS / 1000)
        self.desk.poll()

    def step(self, n: int = 1) -> None:
        self.client.step(n)
        self.client.wait_until_paused(PATIENCE_MS / 1000)
        self.desk.poll()

    def hear(self) -> None:
        """Everything that the session has told by now."""
        self.client.pause()
        self.desk.poll()

    def pull(self, stop_tick: int | None = None) -> Pull:
        status = self.desk.status
        assert status is not None
        stop = status.tick if stop_tick is None else stop_tick
        return Pull(status.tick, stop - 2048, stop, stop_tick is None, status, 1.0)

    def told(self, kind: LogKind) -> list[LogEntry]:
        self.hear()
        return [e for e in self.desk.entries if e.kind is kind]

    def until(self, condition: Callable[[], bool]) -> None:
        def polled() -> bool:
            self.desk.poll()
            return condition()

        self.qtbot.waitUntil(polled, timeout=PATIENCE_MS)


class Sessions:
    """Session processes by plugin and options, started once."""

    def __init__(self) -> None:
        self._clients: dict[tuple[str, tuple[tuple[str, str], ...]], RigClient] = {}

    def get(self, plugin: str, options: Mapping[str, str]) -> RigClient:
        key = plugin, tuple(sorted(options.items()))
        if key not in self._clients:
            self._clients[key] = start_session(plugin, dict(options), installed_only=False)
        client = self._clients[key]
        client.pause()
        client.stop_recording()
        client.set_speed()
        client.set_probes(())
        client.reset(0)
        client.events()
        return client

    def close(self) -> None:
        for client in self._clients.values():
            client.close()


@pytest.fixture(scope="module")
def sessions() -> Iterator[Sessions]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parent))  # a session's process inherits it
        sessions = Sessions()
        yield sessions
        sessions.close()


@pytest.fixture
def empty_desk(qapp: QApplication) -> Iterator[Desk]:
    apply_style(qapp, DARK)
    desk = Desk()
    yield desk
    desk.client = None
    desk.deleteLater()


OpenBench = Callable[..., Bench]


@pytest.fixture
def open_bench(
    sessions: Sessions, empty_desk: Desk, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Bench]:
    """Puts a subject on the desk: ``open_bench(plugin, **options)``; the model cell when nothing is said."""

    def start(plugin: str, options: Mapping[str, str], seed: int, given_up: Callable[[], bool]) -> RigClient:
        return sessions.get(plugin, options)

    monkeypatch.setattr("app.window.desk.RigClient.start", start)

    def open_it(plugin: str = "subjects.model_cell:PLUGIN", **options: str) -> Bench:
        bench = Bench(empty_desk, qtbot)
        with qtbot.waitSignal(empty_desk.opened, timeout=PATIENCE_MS):
            empty_desk.open(Opening(plugin, options))
        return bench

    return open_it


@pytest.fixture
def bench(open_bench: Callable[..., Bench]) -> Bench:
    return open_bench()
