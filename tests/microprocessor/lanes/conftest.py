"""The 6502, its lesions that lanes can be given, and single machines to compare lanes with."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from subjects.microprocessor.compiled.maskable import Maskable, maskable
from subjects.microprocessor.mos6502 import MOS6502
from subjects.microprocessor.netlist import Netlist

# pytest's importlib mode does not make a test's neighbours importable
sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "atari2600")]


@pytest.fixture(scope="session")
def can_be_masked(mos6502: Netlist) -> Maskable:
    return maskable(mos6502, MOS6502)
