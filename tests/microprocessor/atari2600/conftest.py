"""What the board's tests share."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from subjects.microprocessor.atari2600.cartridge import Cartridge, ale_cartridge

# pytest's importlib mode does not make a test's neighbours importable
sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def game() -> Callable[[str], Cartridge]:
    """Cartridges of the installed ale-py by name."""
    pytest.importorskip("ale_py", reason="cartridges come from ale-py, which is not installed")
    return ale_cartridge
