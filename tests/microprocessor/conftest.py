"""The 6502, from the folder of reference data beside the repository."""

from __future__ import annotations

from pathlib import Path

import pytest

from subjects.microprocessor.netlist import Netlist, load_netlist


@pytest.fixture(scope="session")
def mos6502_folder() -> Path:
    """Folder with the three Visual6502 files and the golden traces; skips when it is not there."""
    folder = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "mos6502"
    if not (folder / "transdefs.js").exists():
        pytest.skip(f"no Visual6502 files in {folder}")
    return folder


@pytest.fixture(scope="session")
def mos6502(mos6502_folder: Path) -> Netlist:
    return load_netlist(mos6502_folder)
