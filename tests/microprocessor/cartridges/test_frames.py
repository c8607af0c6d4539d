"""Every frame of our games has 262 lines, and is on ale-py what it is on our board."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from ale_run import open_ale, ram_at_power_on
from console_run import ConsoleRun, restless_hands
from py65_processor import Py65Processor

from subjects.microprocessor.atari2600.ale_script import ALE_ACTIONS, N_IDLE_FRAMES, ale_action, ale_loading
from subjects.microprocessor.atari2600.cartridge import own_cartridge
from subjects.microprocessor.atari2600.console import apply_inputs
from subjects.microprocessor.atari2600.state import new_board, new_frames
from subjects.microprocessor.cartridges.names import GAMES

N_LINES = 262


@pytest.mark.parametrize("name", GAMES)
def test_an_unattended_frame_has_262_lines(name: str):
    run = ConsoleRun(name)
    run.frame()  # power-on
    for _ in range(250):
        run.frame()
        assert run.n_lines == N_LINES, f"frame {run.n_frames}"


@pytest.mark.parametrize("name", GAMES)
def test_whatever_the_hands_do_a_frame_has_262_lines(name: str):
    run = ConsoleRun(name, ram=np.random.default_rng(5).integers(0, 256, 128).astype(np.uint8))
    run.frame()
    for inputs in islice(restless_hands(seed=3), 250):
        run.frame(inputs)
        assert run.n_lines == N_LINES, f"frame {run.n_frames}"


@pytest.mark.parametrize("name", GAMES)
def test_frames_equal_ale(name: str, tmp_path: Path):
    """A second opinion on every byte and pixel, whatever the hands do."""
    cartridge = own_cartridge(name)
    # Loading runs 60 frames, then switches off and on again; what is left in the RAM is the seed of the run
    first = ConsoleRun(name, ram_at_power_on(tmp_path))
    for _ in range(N_IDLE_FRAMES):
        first.frame()
    board, frames = new_board(), new_frames(1)
    board["ram"] = first.frames["ram"]
    processor = Py65Processor(cartridge.image, board, frames)
    for inputs in ale_loading("donkey_kong"):
        apply_inputs(board, inputs)
        processor.run_frame()
    ale = open_ale(cartridge.image, tmp_path)
    rng = np.random.default_rng(11)
    action = 0
    for k in range(400):
        np.testing.assert_array_equal(frames["ram"][0], ale.getRAM(), f"RAM of frame {k}")
        np.testing.assert_array_equal(frames["screen"][0], ale.getScreen(), f"picture of frame {k}")
        if k % 9 == 0:
            action = int(rng.integers(len(ALE_ACTIONS)))
        apply_inputs(board, ale_action(ALE_ACTIONS[action]))
        processor.run_frame()
        ale.act(action)
