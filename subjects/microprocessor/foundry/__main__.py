"""Build the HS6502 and write its file: `python -m subjects.microprocessor.foundry`; with `--picture FILE`, the die."""

from __future__ import annotations

import argparse
from pathlib import Path

from subjects.microprocessor.chip_file import read_chip, to_bytes
from subjects.microprocessor.foundry.chip import build_tables, draw_chip
from subjects.microprocessor.foundry.picture import draw_picture, to_png
from subjects.microprocessor.hs6502 import FILE_NAME

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m subjects.microprocessor.foundry", description=__doc__)
    parser.add_argument("--picture", type=Path, metavar="FILE", help="write a PNG of the chip that is there instead")
    picture = parser.parse_args().picture
    path = Path(__file__).resolve().parent.parent / FILE_NAME
    if picture is not None:
        picture.write_bytes(to_png(draw_picture(read_chip(path))))
        print(f"{picture}: {picture.stat().st_size // 1000} kB")
    else:
        tables = build_tables(draw_chip())
        path.write_bytes(to_bytes(tables))
        counts = f"{len(tables.names)} nodes, {len(tables.rows)} transistors, {len(tables.shape_node)} shapes"
        print(f"{path.name}: {counts}")
