"""The board with py65 as its processor against ale-py: RAM and every pixel of every frame of the reference traces."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from py65_processor import Py65Processor

from subjects.microprocessor.atari2600.ale_script import ale_action, ale_loading
from subjects.microprocessor.atari2600.cartridge import Cartridge
from subjects.microprocessor.atari2600.console import apply_inputs
from subjects.microprocessor.atari2600.state import new_board, new_frames

TRACES = ("donkey_kong_script", "space_invaders_noop", "pitfall_noop")


@pytest.mark.parametrize("trace", TRACES)
def test_every_frame_equals_ale(trace: str, shared_data: Path, game: Callable[[str], Cartridge]) -> None:
    name = trace.rpartition("_")[0]
    cartridge = game(name)
    board, frames = new_board(), new_frames(1)
    processor = Py65Processor(cartridge.image, board, frames)
    with np.load(shared_data / "atari2600" / f"{trace}.npz") as golden:
        assert cartridge.md5 == str(golden["rom_md5"])
        actions = [str(action) for action in golden["actions"]]
        ram, screen = golden["ram"], golden["screen"]
    for inputs in ale_loading(name):
        apply_inputs(board, inputs)
        processor.run_frame()
    for k in range(len(ram)):
        if k > 0:
            apply_inputs(board, ale_action(actions[k - 1]))
            processor.run_frame()
        np.testing.assert_array_equal(frames[0]["ram"], ram[k], f"RAM of frame {k}")
        np.testing.assert_array_equal(frames[0]["screen"], screen[k], f"screen of frame {k}")
