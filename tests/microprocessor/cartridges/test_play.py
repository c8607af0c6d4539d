"""Our games can be played, won and lost, and play themselves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ale_run import AleRun
from console_run import GAME_OVER, PLAY, SELF_PLAY, TITLE, ConsoleRun

from subjects.microprocessor.atari2600.console import ConsoleInputs, Stick
from subjects.microprocessor.cartridges.names import GAMES

FIRE = ConsoleInputs(stick0=Stick(fire=True))
NOTHING = ConsoleInputs()
SOON_FRAMES = 60
PLAYER_X = {"vesper": "cart_x_px", "belfry": "climber_x_px", "tundra": "fox_x_px"}


@pytest.mark.parametrize("name", GAMES)
def test_left_alone_it_soon_plays_itself(name: str):
    run = ConsoleRun(name)
    assert run.frame()["phase"] == TITLE
    title = [run.frame() and run.screen for _ in range(20)][-1]
    assert len(np.unique(title)) > 8, "a picture in colours"
    begun = run.until("phase", SELF_PLAY, SOON_FRAMES)
    run.frame()
    frames = [run.frame() for _ in range(150)]
    assert any(frame["left"] or frame["right"] or frame["up"] for frame in frames)
    assert frames[-1]["score"] > begun["score"] == 0


@pytest.mark.parametrize("name", GAMES)
def test_fire_and_reset_begin_a_game_and_select_chooses_one(name: str):
    for switch in (FIRE, ConsoleInputs(reset=True)):
        run = ConsoleRun(name)
        run.until("phase", SELF_PLAY, SOON_FRAMES)
        assert run.frame(switch)["phase"] == PLAY
        found = run.frame(NOTHING)
        assert (found["score"], found["lives"], found["level"]) == (0, 2, 0)
    for level in (1, 2, 3, 0):
        assert run.frame(ConsoleInputs(select=True))["phase"] == TITLE
        assert run.frame(NOTHING)["level"] == level
    assert run.frame(FIRE)["phase"] == PLAY


@pytest.mark.parametrize("name", GAMES)
def test_the_stick_moves_the_player(name: str):
    run = ConsoleRun(name)
    run.frame()
    run.frame(FIRE)
    start = run.frame(NOTHING)[PLAYER_X[name]]
    right = [run.frame(ConsoleInputs(stick0=Stick(right=True))) for _ in range(8)][-1]
    left = [run.frame(ConsoleInputs(stick0=Stick(left=True))) for _ in range(16)][-1]
    assert right[PLAYER_X[name]] - start == pytest.approx(8, abs=1)
    assert right[PLAYER_X[name]] - left[PLAYER_X[name]] == pytest.approx(16, abs=1)
    assert (right["right"], right["left"], left["right"], left["left"]) == (1, 0, 0, 1)


def test_what_the_button_does():
    run = ConsoleRun("vesper")
    run.frame()
    run.frame(FIRE)
    run.frame(NOTHING)
    flight = [run.frame(FIRE)["spark_y_lines"] for _ in range(12)]
    assert set(np.diff([y for y in flight if y >= 0])) == {4}
    for name, height, at_most in (("belfry", "climber_y_lines", 28), ("tundra", "fox_y_lines", 24)):
        run = ConsoleRun(name)
        run.frame()
        run.frame(FIRE)
        ground = run.frame(NOTHING)[height]
        flight = [run.frame(FIRE)[height] - ground, *(run.frame(NOTHING)[height] - ground for _ in range(20))]
        assert 18 < max(flight) < at_most
        assert (np.diff(np.diff(flight)) <= 1).all(), "it is thrown, and falls"


@pytest.mark.parametrize("name", GAMES)
def test_a_game_is_lost_and_the_next_is_played_up_to_higher_levels(name: str, tmp_path: Path):
    """Nobody touches the stick of a person's game: it is lost life by life; then come title and self-play."""
    run = AleRun(name, tmp_path)
    assert run.variables()["phase"] == PLAY
    lives, phases, levels, scores = [2], [PLAY], [], []
    for _ in range(12_000):
        found = run.frame()
        if found["phase"] != phases[-1]:
            phases.append(found["phase"])
        if found["phase"] == PLAY and found["lives"] != lives[-1]:
            lives.append(found["lives"])
        if found["phase"] == SELF_PLAY:
            levels.append(found["level"])
            scores.append(found["score"])
        if max(levels, default=0) >= 1:
            break
    assert phases[:4] == [PLAY, GAME_OVER, TITLE, SELF_PLAY]
    assert lives == [2, 1, 0]
    assert max(levels) >= 1
    assert max(scores) >= 200
