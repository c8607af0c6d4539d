"""A chip in one file: what Headstage ships of its own.

The file is JSON in a zstd frame: columns of equal length, one table after the other.

    nodes     name, region (index into `regions`), pull_up (0 or 1); a node's number is its row
    rows      drawn transistors: gate, c1, c2, region, bounds [x0, x1, y0, y1]
    shapes    rectangles of the mask: node, layer, bounds
    regions   paths

Numbers are micrometres. The three tables of the Visual6502 format hold the same, except the regions.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources.abc import Traversable

import numpy as np
import zstandard
from numpy.typing import NDArray

from rig.errors import AssetError
from subjects.microprocessor.layout_files import SegmentRow
from subjects.microprocessor.netlist import Netlist, build_netlist

FORMAT = "headstage chip 1"


@dataclass(frozen=True)
class ChipTables:
    """A chip as numbers.

    Attributes
    ----------
    names : (n_nodes,) of the nodes, vss and vcc among them
    pull_up : (n_nodes,) bool
    rows : (n_rows, 3) int32, gate, c1, c2
    bounds : (n_rows, 4) int32, xmin xmax ymin ymax of each gate, µm
    shape_node, shape_layer : (n_shapes,) int32
    shape_bounds : (n_shapes, 4) int32
    node_regions, row_regions : paths
    """

    names: tuple[str, ...]
    pull_up: NDArray[np.bool_]
    rows: NDArray[np.int32]
    bounds: NDArray[np.int32]
    shape_node: NDArray[np.int32]
    shape_layer: NDArray[np.int32]
    shape_bounds: NDArray[np.int32]
    node_regions: tuple[str, ...]
    row_regions: tuple[str, ...]

    def netlist(self, vss_name: str, vcc_name: str) -> Netlist:
        """Build the netlist: every number is a node."""
        node_ids = {name: k for k, name in enumerate(self.names)}
        return build_netlist(
            [f"m{k}" for k in range(len(self.rows))],
            self.rows,
            np.ones(len(self.names), np.bool_),
            self.pull_up,
            node_ids,
            node_ids[vss_name],
            node_ids[vcc_name],
            self.bounds,
        )

    def segments(self) -> list[SegmentRow]:
        """The mask, each rectangle as a polygon of four corners."""
        corners = self.shape_bounds[:, [0, 2, 1, 2, 1, 3, 0, 3]].reshape(-1, 4, 2)
        columns = zip(self.shape_node.tolist(), self.shape_layer.tolist(), corners, strict=True)
        return [SegmentRow(node, bool(self.pull_up[node]), layer, polygon) for node, layer, polygon in columns]


def to_bytes(tables: ChipTables) -> bytes:
    """The file's contents. The same tables give the same JSON; only the compression may differ between machines."""
    paths = sorted({*tables.node_regions, *tables.row_regions})
    index = {path: k for k, path in enumerate(paths)}
    document = {
        "format": FORMAT,
        "regions": paths,
        "nodes": {
            "name": list(tables.names),
            "region": [index[path] for path in tables.node_regions],
            "pull_up": tables.pull_up.astype(int).tolist(),
        },
        "rows": {
            **{name: tables.rows[:, k].tolist() for k, name in enumerate(("gate", "c1", "c2"))},
            "region": [index[path] for path in tables.row_regions],
            "bounds": tables.bounds.T.tolist(),
        },
        "shapes": {
            "node": tables.shape_node.tolist(),
            "layer": tables.shape_layer.tolist(),
            "bounds": tables.shape_bounds.T.tolist(),
        },
    }
    text = json.dumps(document, separators=(",", ":")).encode()
    return zstandard.ZstdCompressor(level=19).compress(text)


def read_chip(path: Traversable) -> ChipTables:
    """Read a chip's file.

    Raises
    ------
    AssetError : missing, or not such a file.
    """
    try:
        document = json.loads(zstandard.ZstdDecompressor().decompress(path.read_bytes()))
        if document["format"] != FORMAT:
            raise ValueError(f"its format is {document['format']!r}")
        paths: Sequence[str] = document["regions"]
        nodes, rows, shapes = document["nodes"], document["rows"], document["shapes"]
        return ChipTables(
            names=tuple(nodes["name"]),
            pull_up=np.array(nodes["pull_up"], dtype=np.bool_),
            rows=np.array([rows["gate"], rows["c1"], rows["c2"]], dtype=np.int32).T,
            bounds=np.array(rows["bounds"], dtype=np.int32).T,
            shape_node=np.array(shapes["node"], dtype=np.int32),
            shape_layer=np.array(shapes["layer"], dtype=np.int32),
            shape_bounds=np.array(shapes["bounds"], dtype=np.int32).T,
            node_regions=tuple(paths[k] for k in nodes["region"]),
            row_regions=tuple(paths[k] for k in rows["region"]),
        )
    except (OSError, ValueError, KeyError, IndexError, zstandard.ZstdError) as error:
        raise AssetError(f"{path}: not a chip that Headstage ships ({error}); install Headstage again") from None
