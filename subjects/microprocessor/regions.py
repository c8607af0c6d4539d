"""Which region of the die each node and each drawn transistor belongs to, by a chip's rules."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence

from subjects.microprocessor.chip import RegionRule
from subjects.microprocessor.geometry import Geometry, Points
from subjects.microprocessor.netlist import Netlist

ELSEWHERE = "unassigned"
"""Region of what no rule takes."""


def node_regions(netlist: Netlist, geometry: Geometry, rules: Sequence[RegionRule], um_per_unit: float) -> list[str]:
    """Region path of every node id, "" where there is no node."""
    names = _names_of(netlist.node_ids)
    return [
        _region(names[node], geometry.node_um / um_per_unit, node, rules) if netlist.node_exists[node] else ""
        for node in range(netlist.n_nodes)
    ]


def row_regions(geometry: Geometry, rules: Sequence[RegionRule], um_per_unit: float) -> list[str]:
    """Region path of every drawn transistor, by its place alone: transistors have no telling names."""
    centres = geometry.row_um / um_per_unit
    return [_region((), centres, row, rules) for row in range(len(centres))]


def _names_of(node_ids: Mapping[str, int]) -> defaultdict[int, list[str]]:
    names: defaultdict[int, list[str]] = defaultdict(list)
    for name, node in node_ids.items():
        names[node].append(name)
    return names


def _region(names: Sequence[str], places: Points, index: int, rules: Sequence[RegionRule]) -> str:
    x, y = places[index]
    for rule in rules:
        by_name = not rule.names or any(re.fullmatch(pattern, name) for pattern in rule.names for name in names)
        by_place = not rule.boxes or any(x0 <= x < x1 and y0 <= y < y1 for x0, x1, y0, y1 in rule.boxes)
        if by_name and by_place:
            return rule.path
    return ELSEWHERE
