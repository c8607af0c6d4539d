"""The text in the behaviour pane: flow, colours, the twin's, talking to it; driven by hand where a hand would."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from scipy.stats import entropy
from writing_subject import WORDS

from app.theme import DARK, LIGHT
from app.window.behaviour import BehaviourPane
from app.window.text_divergence import divergence
from app.window.text_layout import flow
from app.window.text_tints import Coloured, ground_of, tints_of
from app.window.text_tokens import Tokens, first_difference
from app.window.tools.concepts_tab import ConceptsTab
from rig.log import LogKind
from rig.perturbation import Perturbation, PerturbationKind

WRITER = "writing_subject:PLUGIN"


def word(bench: Any, tick: int) -> str:
    """What the writing cell writes at a tick when nothing holds it: unit i spikes where t mod (i + 2) is 0."""
    return WORDS[sum(tick % (i + 2) == 0 for i in range(8))]


@pytest.fixture
def writing(open_bench: Callable[..., Any]) -> tuple[Any, BehaviourPane]:
    bench = open_bench(WRITER)
    pane = BehaviourPane(bench.desk)
    pane.apply_theme(DARK)
    bench.put(pane, 420, 620)
    return bench, pane


def pull(bench: Any, pane: BehaviourPane, stop_tick: int | None = None) -> None:
    pane.pull(bench.pull(stop_tick))
    pane.repaint()


# ---- flow


@settings(max_examples=200, deadline=None)
@given(
    texts=st.lists(st.text(st.sampled_from("ab \n"), min_size=1, max_size=6), max_size=30),
    width=st.integers(3, 30),
)
def test_everything_flows_in_order_and_fits(texts, width):
    pieces = flow(texts, len, width)
    assert "".join(p.text for p in pieces) == "".join(texts).replace("\n", "")
    assert [p.token for p in pieces] == sorted(p.token for p in pieces)
    for before, after in pairwise(pieces):
        same_line = after.line == before.line
        assert same_line or after.line > before.line
        assert after.x == (before.x + before.width if same_line else 0)
    assert all(p.x == 0 or p.x + p.width <= width for p in pieces)


def test_words_stay_whole_and_lines_break_where_the_text_says():
    pieces = flow(["The", " jen", "ni", "fer", " sits", ".\n", "So"], len, 11)
    lines = [[p.text for p in pieces if p.line == n] for n in range(4)]
    assert lines == [["The"], [" jen", "ni", "fer"], [" sits", "."], ["So"]]


# ---- texts and colours


def test_tints_are_symmetric_about_zero_only_where_values_are():
    one = tints_of(np.array([0, 1, 2, 4, np.nan], np.float32))
    assert one.low == 0
    assert one.levels[0] == 0
    assert np.isnan(one.levels[4])
    both = tints_of(np.array([-2, 0, 1], np.float32))
    assert both.low == -both.high
    assert both.levels[0] < 0 < both.levels[2]
    assert not tints_of(np.zeros(3, np.float32)).levels.any()


@pytest.mark.parametrize("theme", [DARK, LIGHT])
def test_letters_can_be_read_on_every_ground(theme):
    """A contrast of 4.5 : 1, as WCAG 2.1 asks for."""

    def luminance(colour: str) -> float:
        channels = [QColor(colour).redF(), QColor(colour).greenF(), QColor(colour).blueF()]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for level in np.linspace(-1, 1, 41):
        a, b = sorted((luminance(theme.text), luminance(ground_of(float(level), theme))))
        assert (b + 0.05) / (a + 0.05) >= 4.5


def test_divergence_is_scipys():
    p, q = np.random.default_rng(0).dirichlet(np.ones(20), 2)
    assert divergence(np.log(p), np.log(q)) == pytest.approx(entropy(p, q))
    assert divergence(np.log([0.5, 0.5]), np.log([0.25, 0.75])) == pytest.approx(0.1438, abs=1e-4)


def test_two_texts_part_where_they_first_differ():
    def tokens(*texts: str, start: int = 0) -> Tokens:
        return Tokens(np.arange(start, start + len(texts)), texts, {})

    assert first_difference(tokens("a", "b", "c"), tokens("a", "x", "c")) == 1
    assert first_difference(tokens("a", "b", "c"), tokens("a", "b")) is None
    assert first_difference(tokens("b", "c", start=1), tokens("x", "b", "y")) == 2
    assert first_difference(tokens(), tokens("a")) is None


# ---- the pane


def test_it_is_written_as_it_runs_and_looked_back_at(writing):
    bench, pane = writing
    assert pane.text.isVisible()
    bench.run_to(30)
    pull(bench, pane)
    assert pane.text.own.plain_text == "".join(word(bench, t) for t in range(30))
    assert pane._detail.text() == "30 tokens"
    pull(bench, pane, 12)
    assert pane.text.own.plain_text == "".join(word(bench, t) for t in range(12))


def test_before_anything_is_written_it_says_what_to_do(writing):
    bench, pane = writing
    pull(bench, pane)
    assert pane.text.own.plain_text == ""
    assert pane.text.own.viewport().grab().toImage().pixelColor(2, 2).name() == DARK.window.lower()
    assert not pane.text.own._pieces


def test_a_click_on_a_token_moves_the_crosshair_of_all(writing, qtbot):
    bench, pane = writing
    bench.run_to(30)
    pull(bench, pane)
    own = pane.text.own
    index = own.tokens.at(17)
    centre = own.box_of(index).center().toPoint()
    QTest.mouseClick(own.viewport(), Qt.MouseButton.LeftButton, pos=centre)
    assert bench.desk.view.crosshair_tick == 17
    assert own._marked == index
    framed = own.viewport().grab().toImage()
    bench.desk.view.set_crosshair(None)
    assert own.viewport().grab().toImage() != framed
    tip = own.tell(index)
    n = WORDS.index(word(bench, 17))
    assert f"probability {1 / (1 + n):.3g}" in tip
    assert f"next {0.5 * n:.2f} bits" in tip
    assert "tick 17" in tip


def test_tokens_are_coloured_by_the_selected_unit(writing):
    bench, pane = writing
    bench.run_to(40)
    pull(bench, pane)
    assert pane.text.legend.ends is None
    assert pane.text.legend.name == "Select a unit to see where it is active"
    bench.desk.select([103])
    pull(bench, pane)
    assert pane.text.legend.name == "cell3, pC"
    own = pane.text.own
    charge = np.cumsum([t % 5 == 0 for t in range(40)])
    np.testing.assert_allclose(own._tints.levels, np.clip(charge / np.quantile(charge, 0.98), 0, 1), rtol=1e-5)
    image, box = own.viewport().grab().toImage(), own.box_of(own.tokens.at(39))
    ratio = image.devicePixelRatio()
    found = image.pixelColor(round((box.left() + 1) * ratio), round((box.top() + 2) * ratio)).name()
    assert found == ground_of(1.0, DARK)


@pytest.mark.parametrize(
    ("coloured", "expected"),
    [
        (Coloured.SURPRISE, lambda n: np.log2(1 + n)),
        (Coloured.ENTROPY, lambda n: 0.5 * n),
    ],
)
def test_tokens_are_coloured_by_what_the_subject_tells(writing, coloured, expected):
    bench, pane = writing
    bench.run_to(20)
    next(a for a in pane.text.colour_menu.actions() if a.text() == str(coloured)).trigger()
    pull(bench, pane)
    counts = np.array([WORDS.index(word(bench, t)) for t in range(20)])
    np.testing.assert_allclose(pane.text._values, expected(counts), rtol=1e-5, atol=1e-6)


def test_it_is_talked_to_with_enter(writing, qtbot):
    bench, pane = writing
    bench.run_to(10)
    QTest.mouseClick(pane.text.prompt, Qt.MouseButton.LeftButton)
    qtbot.keyClicks(pane.text.prompt, "good day")
    QTest.keyClick(pane.text.prompt, Qt.Key.Key_Return)
    assert [e.payload["value"] for e in bench.told(LogKind.CONTROL)] == ["good day"]
    assert pane.text.prompt.text() == ""
    bench.run_to(14)
    pull(bench, pane)
    expected = [word(bench, t) for t in range(10)] + [" good", " day"] + [word(bench, t) for t in (12, 13)]
    assert pane.text.own.plain_text == "".join(expected)
    assert pane.text.own.tokens.facts["given"].tolist() == [0] * 10 + [1, 1, 0, 0]
    QTest.keyClick(pane.text.prompt, Qt.Key.Key_Return)
    assert len(bench.told(LogKind.CONTROL)) == 1, "nothing typed, nothing sent"


def test_the_twins_text_stands_below_and_shows_where_they_part(writing):
    bench, pane = writing
    bench.client.set_twin(True)
    bench.run_to(20)
    pull(bench, pane)
    assert pane.text.twin.isVisible()
    assert pane.text.twin.plain_text == pane.text.own.plain_text
    assert "same so far" in pane.text.twin_caption.text()
    bench.client.perturb(Perturbation(PerturbationKind.DRIVE, (100, 101), 25, 40))
    bench.run_to(40)
    pull(bench, pane)
    parted = next(t for t in range(25, 40) if t % 2 or t % 3)
    assert pane.text._parted == parted
    assert f"from tick {parted} on" in pane.text.twin_caption.text()
    assert pane.text.twin.plain_text == "".join(word(bench, t) for t in range(40))
    next(a for a in pane.text.colour_menu.actions() if a.text() == str(Coloured.DIVERGENCE)).trigger()
    bench.run_to(60)
    pull(bench, pane)
    values = pane.text._values
    ticks = pane.text.own.tokens.ticks
    known = np.isfinite(values)
    assert known[ticks >= 40].all()
    np.testing.assert_allclose(values[ticks >= 40], 0, atol=1e-6)
    bench.client.set_twin(False)
    bench.hear()
    pull(bench, pane)
    assert not pane.text.twin.isVisible()


def test_what_is_seldom_set_folds_away_and_the_prompt_has_a_line_of_its_own(writing):
    _, pane = writing
    assert "prompt" not in pane.board.set
    assert pane.board.set["light"].isVisible()
    assert not pane.board.set["gain"].isVisible()
    assert not pane.board.set["note_0"].isVisible()
    pane.board.more.click()
    assert pane.board.set["gain"].isVisible()
    assert pane.board.set["note_2"].isVisible()


def test_it_stays_at_the_end_unless_scrolled_away(writing):
    bench, pane = writing
    pane.resize(300, 300)
    bench.run_to(200)
    pull(bench, pane)
    bar = pane.text.own.verticalScrollBar()
    assert bar.maximum() > 0
    assert bar.value() == bar.maximum()
    bar.setValue(0)
    bench.run_to(260)
    pull(bench, pane)
    assert bar.value() == 0
    assert pane.text.own.token_at(12, 12) == 0


# ---- concepts


def test_units_that_know_a_word_are_found_and_picked(writing, qtbot):
    bench, _ = writing
    tab = ConceptsTab(bench.desk)
    tab.apply_theme(DARK)
    bench.put(tab, 360, 480)
    assert tab.offered
    qtbot.keyClicks(tab.words, "off, dog")
    bench.run_to(4)
    QTest.keyClick(tab.words, Qt.Key.Key_Return)
    bench.until(lambda: "at least 3" in tab.said.text())
    assert not tab.table.isVisible()
    bench.run_to(300)
    QTest.mouseClick(tab.button, Qt.MouseButton.LeftButton)
    bench.until(tab.table.isVisible)
    n = sum(word(bench, t).strip() in ("off", "dog") for t in range(300))
    assert tab.said.text().startswith(f"{n} of 300 tokens name off, dog")
    assert tab.table.rowCount() == 8
    centre = tab.table.visualItemRect(tab.table.item(2, 0)).center()
    QTest.mouseClick(tab.table.viewport(), Qt.MouseButton.LeftButton, pos=centre)
    picked = tab.table.item(2, 0).text()
    assert bench.desk.selection.ids == (bench.desk.description.units.id_of_name[picked],)
    tab.pull(bench.pull())
    assert tab.contexts.text().count("<tr>") == 6
    tick = int(tab.contexts.text().split('href="')[1].split('"')[0])
    assert tick > 280, "charge only grows"
    tab.contexts.linkActivated.emit(str(tick))
    assert bench.desk.view.crosshair_tick == tick
    tab.work.stop()
