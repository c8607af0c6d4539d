"""The table of units of a chip: its nodes by their own numbers, then every drawn transistor.

A node's id is its number in the netlist. A transistor's is its row in the netlist counted from the next power of ten
above the nodes: with 1725 nodes, row 42 is unit 10042. A transistor's activity is that of its gate, and transistors,
not nodes, are what electrodes pick up: their channels switch the currents.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from rig.units import Outlines, UnitTable
from subjects.microprocessor.drawn_chip import DrawnChip
from subjects.microprocessor.geometry import Geometry
from subjects.microprocessor.layout_files import N_LAYERS
from subjects.microprocessor.netlist import Netlist

NODE, TRANSISTOR = "node", "transistor"
TRANSISTOR_LAYER = N_LAYERS
"""Layer of the transistors' outlines: above all of the mask's own."""


def first_transistor_id(netlist: Netlist) -> int:
    """Unit id of the first drawn transistor: the first power of ten that no node reaches."""
    return int(10 ** len(str(netlist.n_nodes - 1)))


def names_of_nodes(node_ids: Mapping[str, int]) -> dict[int, tuple[str, ...]]:
    """All names of each named node, the one to use first.

    A name with # comes after one without (a selection reads ``#12`` as a number, a shell as a comment), then the file's
    order decides.
    """
    names: defaultdict[int, list[str]] = defaultdict(list)
    for name, node in node_ids.items():
        names[node].append(name)
    return {node: tuple(sorted(given, key=lambda name: "#" in name)) for node, given in names.items()}


def microprocessor_units(drawn: DrawnChip) -> UnitTable:
    """Nodes and transistors with names, places in micrometres, regions and outlines.

    Extra columns: ``aliases`` (a node's other names, separated by blanks), ``pull_up`` (a node has a depletion load),
    ``gate``, ``c1``, ``c2`` (node ids of a transistor, −1 for a node). The supplies are everywhere and have no place.
    """
    netlist, geometry = drawn.netlist, drawn.geometry()
    node_regions, row_regions = drawn.regions(geometry)
    nodes = np.flatnonzero(netlist.node_exists)
    first = first_transistor_id(netlist)
    names = names_of_nodes(netlist.node_ids)
    node_names = [names[n][0] if n in names else f"n{n}" for n in nodes.tolist()]
    taken = set(node_names)
    row_names = [f"{name}.transistor" if name in taken else name for name in netlist.row_names]
    places = geometry.node_um.copy()
    places[[netlist.vss, netlist.vcc]] = np.nan
    n_nodes, n_rows = len(nodes), netlist.n_rows

    def column(of_nodes: NDArray[np.int64], of_rows: NDArray[np.int32]) -> NDArray[np.int64]:
        return np.concatenate([of_nodes, of_rows]).astype(np.int64)

    no_node = np.full(n_nodes, -1)
    return UnitTable.build(
        unit_id=column(nodes, first + np.arange(n_rows, dtype=np.int32)),
        name=[*node_names, *row_names],
        region=[*(node_regions[n] for n in nodes.tolist()), *row_regions],
        kind=[NODE] * n_nodes + [TRANSISTOR] * n_rows,
        x=np.concatenate([places[nodes, 0], geometry.row_um[:, 0]]),
        y=np.concatenate([places[nodes, 1], geometry.row_um[:, 1]]),
        signal_id=column(nodes, netlist.row_gate),
        emits=np.arange(n_nodes + n_rows) >= n_nodes,
        extra={
            "aliases": np.array([" ".join(names.get(n, ())[1:]) for n in nodes.tolist()] + [""] * n_rows),
            "pull_up": np.concatenate([netlist.pull_up[nodes], np.zeros(n_rows, np.bool_)]),
            "gate": column(no_node, netlist.row_gate),
            "c1": column(no_node, netlist.row_c1),
            "c2": column(no_node, netlist.row_c2),
        },
        outlines=_outlines(geometry, first),
    )


def _outlines(geometry: Geometry, first_transistor: int) -> Outlines:
    """The mask's polygons, then a rectangle a transistor."""
    x0, x1, y0, y1 = geometry.row_bounds_um.T
    corners = np.stack([x0, y0, x1, y0, x1, y1, x0, y1], axis=1).reshape(-1, 2)
    n_rows = len(geometry.row_bounds_um)
    return Outlines(
        vertices=np.concatenate([geometry.corners_um, corners]).astype(np.float32),
        start=np.concatenate([geometry.polygon_start, geometry.polygon_start[-1] + 4 * np.arange(1, n_rows + 1)]),
        unit_id=np.concatenate([geometry.polygon_node, first_transistor + np.arange(n_rows)]).astype(np.int64),
        layer=np.concatenate([geometry.polygon_layer, np.full(n_rows, TRANSISTOR_LAYER)]).astype(np.uint8),
    )
