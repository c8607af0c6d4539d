"""Build the HS6502 and write its file: `python -m subjects.microprocessor.foundry`."""

from __future__ import annotations

from pathlib import Path

from subjects.microprocessor.chip_file import to_bytes
from subjects.microprocessor.foundry.chip import build_tables, draw_chip
from subjects.microprocessor.hs6502 import FILE_NAME

if __name__ == "__main__":
    tables = build_tables(draw_chip())
    path = Path(__file__).resolve().parent.parent / FILE_NAME
    path.write_bytes(to_bytes(tables))
    print(f"{path.name}: {len(tables.names)} nodes, {len(tables.rows)} transistors, {len(tables.shape_node)} shapes")
