"""``headstage demo``: somebody sits at the rig. The same window, driven by keys, with a picture of each scene."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QEventLoop, QSettings, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.theme import THEMES
from app.window.desk import Opening
from app.window.main_window import MainWindow
from app.window.tools.tools_pane import ToolsPane
from rig.log import LogKind
from rig.perturbation import Perturbation, PerturbationKind
from rig.selection import select_units
from rig.streams import StreamKind

PATIENCE_S = 120.0


@dataclass(frozen=True)
class Scene:
    """A moment worth a picture."""

    name: str
    act: Callable[[MainWindow], None]


class DemoError(Exception):
    """A scene did not come about."""


def run_demo(
    application: QApplication,
    opening: Opening,
    out: Path,
    sizes: tuple[tuple[int, int], ...],
    themes: tuple[str, ...],
    tell: Callable[[str], None],
) -> list[Path]:
    """Drive the window through its scenes.

    Parameters
    ----------
    opening : the subject
    out : folder for pictures and the recording
    sizes, themes : each scene is pictured in all of them

    Returns
    -------
    the pictures
    """
    out.mkdir(parents=True, exist_ok=True)
    settings = QSettings(str(out / "window.ini"), QSettings.Format.IniFormat)
    settings.clear()
    settings.setValue("recordings", str(out))
    window = MainWindow(settings)
    window.resize(*sizes[0])
    window.show()
    pictures = []
    try:
        for scene in scenes(opening):
            tell(scene.name)
            scene.act(window)
            for theme in themes:
                window.set_theme(THEMES[theme])
                for width, height in sizes:
                    window.resize(width, height)
                    rest(0.4)
                    path = out / f"{scene.name}-{theme}-{width}x{height}.png"
                    window.grab().save(str(path))
                    pictures.append(path)
    finally:
        window.close()
        application.processEvents()
    return pictures


def scenes(opening: Opening) -> Iterator[Scene]:
    yield Scene("start", lambda w: _start(w, opening))
    yield Scene("running", _settle)
    yield Scene("selected", _select)
    yield Scene("stimulated", _stimulate)
    yield Scene("recording", _record)
    yield Scene("twin", _twin)
    yield Scene("keys", lambda w: _press(w, Qt.Key.Key_F12))
    yield Scene("error", _fail)
    yield Scene("playback", _play_back)


def _start(window: MainWindow, opening: Opening) -> None:
    window.start_with(opening)
    until(lambda: window.desk.tick > 0 or window.messages.text != "", "the subject did not come up")
    if window.desk.description is None:
        raise DemoError(window.messages.text)


def _settle(window: MainWindow) -> None:
    window.tour.end()
    rest(3.0)


def _select(window: MainWindow) -> None:
    """Everything of one region, in the channel list too."""
    description = window.desk.description
    stream = window.desk.stream(StreamKind.UNITS)
    assert description is not None
    assert stream is not None
    regions = [r.split("/")[0] for r in description.units.region if r]
    region = "ALU" if "ALU" in regions else regions[0]
    ids = select_units(f"region:{region}", description.units, stream.unit_ids)
    window.desk.select(ids.tolist())
    window.desk.set_channels([*window.desk.channels.ids[:6], *ids.tolist()[:8]])
    rest(0.5)


def _stimulate(window: MainWindow) -> None:
    """A pulse to one unit, another silenced for good until it is released."""
    chosen = window.desk.selection.ids
    tools = window.panes["Tools"]
    assert isinstance(tools, ToolsPane)
    tools.show_tab("Stimulate")
    window.desk.select(chosen[:1])
    _press(window, Qt.Key.Key_S)
    until(lambda: any(e.kind is LogKind.PERTURB for e in window.desk.entries), "no stimulus was given")
    window.desk.select(chosen[-1:])
    _press(window, Qt.Key.Key_X)
    rest(0.5)
    window.desk.select(chosen[:4])


def _record(window: MainWindow) -> None:
    _press(window, Qt.Key.Key_R)
    status = window.desk.status
    until(lambda: (s := window.desk.status) is not None and s.recorder is not None, f"nothing is recorded ({status})")
    rest(2.0)
    _press(window, Qt.Key.Key_5)
    rest(1.0)


def _twin(window: MainWindow) -> None:
    _press(window, Qt.Key.Key_R)  # stops
    until(lambda: (s := window.desk.status) is not None and s.recorder is None, "the recording did not stop")
    held = tuple({u for e in window.desk.entries if e.kind is LogKind.PERTURB for u in e.payload["unit_ids"]})
    release = Perturbation(PerturbationKind.RELEASE, held, 0)
    window.desk.do(lambda c: c.perturb(release, from_now=True))
    window.toggle_twin()
    rest(0.5)
    _press(window, Qt.Key.Key_S)
    rest(1.5)


def _fail(window: MainWindow) -> None:
    _press(window, Qt.Key.Key_F12)
    window.desk.do(lambda c: c.set_control("volume", 1))
    rest(0.2)


def _play_back(window: MainWindow) -> None:
    recent = window.recordings.recent()
    if not recent:
        raise DemoError("no recording was made")
    window.subject_menu.play_back(Path(recent[0]))
    until(lambda: (d := window.desk.description) is not None and d.info.end_tick is not None, "it does not play back")
    window.desk.do(lambda c: c.run())
    rest(1.5)


def _press(window: MainWindow, key: Qt.Key) -> None:
    if not window.isActiveWindow():  # keys reach the active window alone, and a bare X server activates none
        window.activateWindow()
        until(window.isActiveWindow, "the window cannot have the keys")
    QTest.keyClick(window, key)
    rest(0.1)


def rest(seconds: float) -> None:
    """Let the window live for a while."""
    loop = QEventLoop()
    QTimer.singleShot(round(seconds * 1000), loop.quit)
    loop.exec()


def until(condition: Callable[[], bool], failure: str) -> None:
    """Let it live until something is so. Raises DemoError when that takes too long."""
    stop_s = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > stop_s:
            raise DemoError(failure)
        rest(0.05)
