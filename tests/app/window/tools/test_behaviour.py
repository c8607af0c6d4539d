"""The behaviour pane by hand: frames, keys, buttons, focus; and what of it is without widgets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QAction, QColor, QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QLineEdit, QMainWindow
from pytestqt.qtbot import QtBot

from app.theme import DARK
from app.window.behaviour import BehaviourPane
from app.window.behaviour_frame import display_aspect, fitted, image_of
from app.window.behaviour_held import HeldControls, momentary_names, stick_prefixes
from app.window.desk import Desk
from rig.log import LogKind
from rig.perturbation import Perturbation, PerturbationKind
from rig.streams import StreamInfo, StreamKind
from rig.subject import ControlInfo

CONSOLE = "console_subject:PLUGIN"
Key = Qt.Key


def sent(bench: Any) -> list[tuple[str, object]]:
    """Controls as the session's log has them."""
    return [(e.payload["name"], e.payload["value"]) for e in bench.told(LogKind.CONTROL)]


# ---- without widgets


def image_stream(*shape: int) -> StreamInfo:
    return StreamInfo("f", "", StreamKind.IMAGE, np.dtype(np.uint8), shape, None)


def test_television_pixels_are_wide_and_others_square() -> None:
    assert display_aspect(image_stream(210, 160)) == pytest.approx(4 / 3)
    assert display_aspect(image_stream(8, 16)) == 2.0
    assert display_aspect(image_stream(64, 160, 3)) == 2.5


@given(st.floats(1, 4000), st.floats(1, 4000), st.floats(0.1, 10))
def test_the_picture_fits_in_the_middle_and_keeps_its_aspect(width: float, height: float, aspect: float) -> None:
    x, y, w, h = fitted(width, height, aspect)
    assert w / h == pytest.approx(aspect)
    assert (w == pytest.approx(width)) or (h == pytest.approx(height))
    assert x == pytest.approx((width - w) / 2)
    assert y == pytest.approx((height - h) / 2)
    assert w <= width * (1 + 1e-9)
    assert h <= height * (1 + 1e-9)


def test_pixels_are_those_of_the_palette() -> None:
    palette = np.array([[0, 0, 0], [10, 20, 30], [255, 128, 1]], np.uint8)
    frame = np.array([[0, 1, 2], [2, 1, 9]], np.uint8)  # 9: beyond the palette is black
    image = image_of(frame, palette)
    seen = [[image.pixelColor(x, y).getRgb()[:3] for x in range(3)] for y in range(2)]
    assert seen == [[(0, 0, 0), (10, 20, 30), (255, 128, 1)], [(255, 128, 1), (10, 20, 30), (0, 0, 0)]]


def test_frames_without_a_palette_are_grey_or_colour() -> None:
    ramp = image_of(np.array([[-1.0, 0.0, 1.0]]), None)
    assert [ramp.pixelColor(x, 0).red() for x in range(3)] == [0, 127, 255]
    colour = image_of(np.array([[[1, 2, 3], [4, 5, 6]]], np.uint8), None)
    assert colour.pixelColor(1, 0).getRgb()[:3] == (4, 5, 6)
    flat = image_of(np.full((2, 2), 3.0), None)
    assert flat.pixelColor(0, 0).red() == 0


def console(names: str) -> tuple[ControlInfo, ...]:
    return tuple(ControlInfo(n, "", False) for n in names.split())


def test_sticks_are_found_by_their_directions() -> None:
    both = console("stick_up stick_down stick_left stick_right fire right_stick_up right_stick_down")
    assert stick_prefixes(both) == ("",)
    both += console("right_stick_left right_stick_right right_fire")
    assert stick_prefixes(both) == ("", "right_")
    assert momentary_names((*both, ControlInfo("color", "", True), ControlInfo("gain", "", 1))) == tuple(
        c.name for c in both
    )


def test_what_two_hold_stays_down_until_both_let_go() -> None:
    held = HeldControls(["fire"])
    assert held.press("fire", "mouse") == [("fire", True)]
    assert held.press("fire", Key.Key_Space) == []
    assert held.release("fire", "mouse") == []
    assert held.release("fire", Key.Key_Space) == [("fire", False)]
    assert held.release("fire", "nobody") == []
    assert held.press("unknown", 1) == []


def test_a_stick_never_points_both_ways() -> None:
    held = HeldControls(["stick_left", "stick_right", "stick_up"])
    held.press("stick_left", 1)
    assert held.press("stick_right", 2) == [("stick_left", False), ("stick_right", True)]
    assert held.press("stick_up", 3) == [("stick_up", True)]
    assert held.release("stick_right", 2) == [("stick_right", False), ("stick_left", True)]
    assert held.release_all() == [("stick_left", False), ("stick_up", False)]


@given(st.lists(st.tuples(st.booleans(), st.sampled_from(["stick_left", "stick_right", "fire"]), st.integers(0, 2))))
def test_changes_always_lead_from_what_was_down_to_what_is(acts: list[tuple[bool, str, int]]) -> None:
    held = HeldControls(["stick_left", "stick_right", "fire"])
    down: set[str] = set()
    for press, name, holder in acts:
        for changed, is_down in held.press(name, holder) if press else held.release(name, holder):
            assert (changed in down) != is_down
            (down.add if is_down else down.discard)(changed)
        assert down == held.down
        assert not {"stick_left", "stick_right"} <= down
    held.release_all()
    assert held.down == frozenset()


# ---- the pane


def test_nothing_on_the_table_says_what_to_do(empty_desk: Desk, qtbot: QtBot) -> None:
    pane = BehaviourPane(empty_desk)
    qtbot.addWidget(pane)
    pane.show()
    assert "Put a subject on the table" in pane.picture._line
    assert not pane.board.isVisible()


def test_the_newest_frame_is_shown_with_its_number_and_rate(bench: Any) -> None:
    pane = BehaviourPane(bench.desk)
    bench.put(pane)
    bench.run_to(1000)
    pane.pull(bench.pull())
    assert pane._detail.text() == "frame 19 · 20.0 Hz"  # frames at 49, 99 … 999
    ring = bench.desk.ring("frame")
    newest = ring.latest(1).copy().data[0]
    seen = [[int(pane.picture.image.pixelColor(x, y).red() > 127) for x in range(16)] for y in range(8)]
    assert seen == newest.tolist()


def test_looking_back_shows_the_frame_of_then(bench: Any) -> None:
    pane = BehaviourPane(bench.desk)
    bench.put(pane)
    bench.run_to(1000)
    data = bench.desk.ring("frame").latest(20).copy().data
    for stop, number in ((100, 1), (99, 0), (550, 10), (1000, 19)):
        pane.pull(bench.pull(stop))
        image = pane.picture.image
        assert image is not None
        seen = [[int(image.pixelColor(x, y).red() > 127) for x in range(16)] for y in range(8)]
        assert seen == data[number].tolist(), stop
    pane.pull(bench.pull(49))  # the first frame is stamped 49: it is not before tick 49
    assert pane.picture.image is None
    assert "no frame yet" in pane.picture._line


def test_pixels_on_the_screen_follow_the_frames(bench: Any) -> None:
    pane = BehaviourPane(bench.desk)
    bench.put(pane)
    bench.run_to(50)
    pane.pull(bench.pull())
    lit = pane.picture.grab().toImage()
    bench.client.set_control("light", False)  # the next frame is inverted
    bench.run_to(100)
    pane.pull(bench.pull())
    dark = pane.picture.grab().toImage()
    assert lit != dark
    middle = [lit.pixelColor(lit.width() // 2 + dx, lit.height() // 2) for dx in range(-60, 60, 5)]
    assert {c.red() > 127 for c in middle} == {True, False}


def test_the_intact_twin_is_shown_and_where_it_differs(bench: Any) -> None:
    pane = BehaviourPane(bench.desk)
    bench.put(pane)
    pane.pull(bench.pull())
    assert not pane.twin_button.isVisible()
    bench.client.set_twin(True)
    try:
        bench.client.perturb(Perturbation(PerturbationKind.SILENCE, (100, 101, 105), 0))
        bench.run_to(300)
        mine, twins = (bench.desk.ring(n).latest(1).copy().data[0] for n in ("frame", "twin.frame"))
        assert (mine != twins).any()
        views = {}
        for _ in range(4):
            pane.pull(bench.pull())
            views[pane.twin_button.text()] = (pixels(pane), pane._detail.whole)
            QTest.mouseClick(pane.twin_button, Qt.MouseButton.LeftButton)
        assert views["subject alone"][0] == [[(255,) * 3 if v else (0,) * 3 for v in row] for row in mine.tolist()]
        assert views["twin alone"][0] == [[(255,) * 3 if v else (0,) * 3 for v in row] for row in twins.tolist()]
        accent = QColor(DARK.accent).getRgb()[:3]
        assert [[p == accent for p in row] for row in views["difference"][0]] == (mine != twins).tolist()
        assert f" · {(mine != twins).sum()} px differ" in views["difference"][1]
        for seen, alone, apart in zip(
            *(np.array(views[v][0]).reshape(-1, 3) for v in ("overlay", "subject alone")),
            (mine != twins).ravel(),
            strict=True,
        ):
            assert tuple(seen) == (accent if apart else tuple(alone))
        assert views["twin alone"][1].startswith("twin's frame 5")
    finally:
        bench.client.set_twin(False)
    bench.hear()
    pane.pull(bench.pull())
    assert not pane.twin_button.isVisible()


def pixels(pane: BehaviourPane) -> list[list[tuple[int, ...]]]:
    image = pane.picture.image
    assert image is not None
    return [[image.pixelColor(x, y).getRgb()[:3] for x in range(image.width())] for y in range(image.height())]


def test_the_cells_controls_are_there_and_are_logged(bench: Any) -> None:
    pane = BehaviourPane(bench.desk)
    bench.put(pane)
    light, gain, label = pane.board.set["light"], pane.board.set["gain"], pane.board.set["label"]
    QTest.mouseClick(light, Qt.MouseButton.LeftButton, pos=QPoint(8, light.height() // 2))
    assert isinstance(gain, QComboBox)
    gain.setFocus()
    QTest.keyClick(gain, Key.Key_Down)
    assert isinstance(label, QLineEdit)
    label.setFocus()
    QTest.keyClicks(label, "hello")
    QTest.keyClick(label, Key.Key_Return)
    assert sent(bench) == [("light", False), ("gain", 2), ("label", "hello")]


def test_controls_show_what_others_set_and_what_a_reset_undoes(bench: Any) -> None:
    pane = BehaviourPane(bench.desk)
    bench.put(pane)
    bench.client.set_control("gain", 5)
    bench.client.set_control("light", False)
    bench.hear()
    assert pane.board.set["gain"].currentData() == 5
    assert not pane.board.set["light"].isChecked()
    bench.client.reset(0)
    bench.hear()
    assert pane.board.set["gain"].currentData() == 1
    assert pane.board.set["light"].isChecked()


def test_a_refused_control_stays_where_it_was(open_bench: Callable[..., Any]) -> None:
    bench = open_bench(CONSOLE)
    pane = BehaviourPane(bench.desk)
    bench.put(pane)
    pane.board.more.click()
    gain = pane.board.set["gain"]
    gain.setFocus()
    gain.selectAll()
    QTest.keyClicks(gain, "much")
    QTest.keyClick(gain, Key.Key_Return)
    assert sent(bench) == []
    assert "gain='much'" in bench.messages[-1].line


@pytest.fixture
def playing(open_bench: Callable[..., Any]) -> tuple[Any, BehaviourPane]:
    bench = open_bench(CONSOLE)
    pane = BehaviourPane(bench.desk)
    bench.put(pane)
    QTest.mouseClick(pane.picture, Qt.MouseButton.LeftButton)
    bench.qtbot.waitUntil(pane.hasFocus)
    return bench, pane


@pytest.mark.parametrize(
    ("key", "name"),
    [
        (Key.Key_Left, "stick_left"),
        (Key.Key_A, "stick_left"),
        (Key.Key_Right, "stick_right"),
        (Key.Key_D, "stick_right"),
        (Key.Key_Up, "stick_up"),
        (Key.Key_W, "stick_up"),
        (Key.Key_Down, "stick_down"),
        (Key.Key_S, "stick_down"),
        (Key.Key_Space, "fire"),
        (Key.Key_Control, "fire"),
        (Key.Key_F1, "select"),
        (Key.Key_F2, "reset"),
    ],
)
def test_each_key_is_a_button(playing: tuple[Any, BehaviourPane], key: Qt.Key, name: str) -> None:
    bench, pane = playing
    QTest.keyPress(pane, key)
    bench.hear()
    assert pane.board.held[name].isChecked()
    QTest.keyRelease(pane, key)
    assert sent(bench) == [(name, True), (name, False)]
    assert not pane.board.held[name].isChecked()


def test_held_keys_do_not_repeat(playing: tuple[Any, BehaviourPane]) -> None:
    bench, pane = playing
    QTest.keyPress(pane, Key.Key_Left)
    for kind in (QEvent.Type.KeyRelease, QEvent.Type.KeyPress):
        again = QKeyEvent(kind, Key.Key_Left, Qt.KeyboardModifier.NoModifier, "", True)
        QApplication.sendEvent(pane, again)
    assert sent(bench) == [("stick_left", True)]


def test_everything_is_let_go_when_the_focus_goes(playing: tuple[Any, BehaviourPane]) -> None:
    bench, pane = playing
    QTest.keyPress(pane, Key.Key_Up)
    QTest.keyPress(pane, Key.Key_Space)
    QTest.keyClick(pane, Key.Key_Escape)
    assert not pane.hasFocus()
    assert sent(bench) == [("stick_up", True), ("fire", True), ("fire", False), ("stick_up", False)]
    QTest.keyRelease(pane, Key.Key_Up)  # the late release says nothing twice
    assert len(sent(bench)) == 4


def test_the_pane_shows_whose_the_keys_are(playing: tuple[Any, BehaviourPane]) -> None:
    bench, pane = playing
    bench.run_to(40)
    pane.pull(bench.pull())
    assert pane._hint.text() == "playing"
    with_ring = pane.picture.grab().toImage()
    pane.clearFocus()
    assert pane._hint.text() == "click to play"
    assert pane.picture.grab().toImage() != with_ring


def test_the_consoles_keys_are_no_shortcuts_while_it_plays(open_bench: Callable[..., Any]) -> None:
    bench = open_bench(CONSOLE)
    window = QMainWindow()
    pane = BehaviourPane(bench.desk, window)
    window.setCentralWidget(pane)
    fired: list[str] = []
    for keys in ("Space", "S", "W", "F1", "Ctrl+K"):
        action = QAction(keys, window)
        action.setShortcut(keys)
        action.triggered.connect(lambda _=False, k=keys: fired.append(k))
        window.addAction(action)
    bench.put(window)
    pane.setFocus()
    bench.qtbot.waitUntil(pane.hasFocus)
    for key in (Key.Key_Space, Key.Key_S, Key.Key_W, Key.Key_F1):
        QTest.keyClick(pane, key)
    assert fired == []
    assert [name for name, down in sent(bench) if down] == ["fire", "stick_down", "stick_up", "select"]
    QTest.keyClick(pane, Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    assert fired == ["Ctrl+K"]
    QTest.keyClick(pane, Key.Key_Escape)
    QTest.keyClick(window, Key.Key_Space)
    assert fired == ["Ctrl+K", "Space"]


def test_buttons_on_the_screen_are_held_by_the_mouse(playing: tuple[Any, BehaviourPane]) -> None:
    bench, pane = playing
    fire = pane.board.held["fire"]
    QTest.mousePress(fire, Qt.MouseButton.LeftButton)
    bench.hear()
    assert fire.isChecked()
    QTest.mouseRelease(fire, Qt.MouseButton.LeftButton)
    bench.hear()
    assert not fire.isChecked()
    pane.board.more.click()
    second = pane.board.held["right_stick_up"]
    QTest.mouseClick(second, Qt.MouseButton.LeftButton)
    assert sent(bench) == [("fire", True), ("fire", False), ("right_stick_up", True), ("right_stick_up", False)]
    assert pane.hasFocus()


def test_a_text_is_shown_as_text_and_looked_back_at(open_bench: Callable[..., Any]) -> None:
    bench = open_bench(CONSOLE, text="yes")
    pane = BehaviourPane(bench.desk)
    bench.put(pane)
    bench.run_to(36)
    pane.pull(bench.pull())
    assert pane.text.isVisible()
    assert pane.text.own.plain_text == "abcdef"
    pane.pull(bench.pull(15))
    assert pane.text.own.plain_text == "abc"


def test_another_subject_brings_its_own_controls(open_bench: Callable[..., Any], qtbot: QtBot) -> None:
    bench = open_bench(CONSOLE)
    pane = BehaviourPane(bench.desk)
    bench.put(pane)
    assert set(pane.board.held) >= {"stick_left", "fire"}
    bench.desk.client = None  # the session is shared with other tests
    open_bench()
    assert pane.board.held == {}
    assert set(pane.board.set) == {"gain", "light", "label"}
    assert not pane._hint.isVisible()
