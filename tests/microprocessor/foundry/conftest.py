"""The HS6502 as it ships."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from subjects.microprocessor.drawn_chip import DrawnChip, shipped_chip
from subjects.microprocessor.hs6502 import FILE_NAME, HS6502
from subjects.microprocessor.netlist import Netlist

# pytest's importlib mode does not make a test's neighbours importable
sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def drawn() -> DrawnChip:
    return shipped_chip(HS6502, FILE_NAME)


@pytest.fixture(scope="session")
def hs6502(drawn: DrawnChip) -> Netlist:
    return drawn.netlist
