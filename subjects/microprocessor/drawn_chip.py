"""A chip with everything that is known of it: netlist, drawing, regions; from files as published or from our own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from subjects.microprocessor.chip import ChipDescription
from subjects.microprocessor.chip_file import read_chip
from subjects.microprocessor.geometry import Geometry, build_geometry
from subjects.microprocessor.layout_files import SegmentRow, read_node_names, read_segments, read_transistors
from subjects.microprocessor.netlist import Netlist, netlist_from_rows
from subjects.microprocessor.regions import node_regions, row_regions


@dataclass(frozen=True, eq=False)
class DrawnChip:
    """A chip as it is simulated and shown.

    Attributes
    ----------
    segments : its polygons
    known_regions : region paths of the node ids and of the drawn transistors; None where `chip.regions` gives them
    """

    chip: ChipDescription
    netlist: Netlist
    segments: Sequence[SegmentRow]
    known_regions: tuple[Sequence[str], Sequence[str]] | None = None

    def geometry(self) -> Geometry:
        """Places in micrometres; takes a moment."""
        return build_geometry(self.netlist, self.segments, self.chip.um_per_unit)

    def regions(self, geometry: Geometry) -> tuple[Sequence[str], Sequence[str]]:
        """Region path of every node id ("" where there is no node) and of every drawn transistor."""
        if self.known_regions is not None:
            return self.known_regions
        rules, um_per_unit = self.chip.regions, self.chip.um_per_unit
        return node_regions(self.netlist, geometry, rules, um_per_unit), row_regions(geometry, rules, um_per_unit)


def published_chip(chip: ChipDescription, folder: Path) -> DrawnChip:
    """A chip in three files of the Visual6502 format.

    Raises
    ------
    AssetError : a file is missing, cut short or inconsistent with the others.
    """
    segments = read_segments(folder / "segdefs.js")
    netlist = netlist_from_rows(
        read_transistors(folder / "transdefs.js"),
        segments,
        read_node_names(folder / "nodenames.js"),
        chip.vss_name,
        chip.vcc_name,
        folder,
    )
    return DrawnChip(chip, netlist, segments)


def shipped_chip(chip: ChipDescription, file_name: str) -> DrawnChip:
    """A chip of our own, from the file beside this module.

    Raises
    ------
    AssetError : the file is missing or damaged.
    """
    tables = read_chip(files("subjects.microprocessor") / file_name)
    netlist = tables.netlist(chip.vss_name, chip.vcc_name)
    return DrawnChip(chip, netlist, tables.segments(), (tables.node_regions, tables.row_regions))
