"""Where nodes and transistors lie on the die.

Mask coordinates have x to the right and y up, as the Visual6502 layout browser draws them. They become micrometres by
the chip's `um_per_unit`, origin kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from subjects.microprocessor.layout_files import SegmentRow, read_segments
from subjects.microprocessor.netlist import Netlist

Points = NDArray[np.float64]


@dataclass(frozen=True)
class Geometry:
    """A chip's drawing in micrometres.

    Attributes
    ----------
    polygon_node : (n_polygons,) int32, the node that each polygon belongs to, ascending
    polygon_layer : (n_polygons,) int8, mask layer (`layout_files.N_LAYERS`)
    polygon_start : (n_polygons + 1,) int64, polygon k's corners are [start[k], start[k + 1])
    corners_um : (n_corners, 2) float32, x and y
    node_um : (n_nodes, 2) float64, area-weighted centroid of a node's polygons; NaN where there is no node
    row_um : (n_rows, 2) float64, centre of the bounding box of each drawn transistor
    row_bounds_um : (n_rows, 4) float64, xmin xmax ymin ymax
    """

    polygon_node: NDArray[np.int32]
    polygon_layer: NDArray[np.int8]
    polygon_start: NDArray[np.int64]
    corners_um: NDArray[np.float32]
    node_um: Points
    row_um: Points
    row_bounds_um: Points

    @property
    def bounds_um(self) -> tuple[float, float, float, float]:
        """xmin, xmax, ymin, ymax of the drawing."""
        low, high = self.corners_um.min(axis=0), self.corners_um.max(axis=0)
        return float(low[0]), float(high[0]), float(low[1]), float(high[1])

    def polygons(self, node: int) -> list[NDArray[np.float32]]:
        """Corners of each polygon of a node, (n, 2) float32 in micrometres; none for an id without a node."""
        first, beyond = np.searchsorted(self.polygon_node, [node, node + 1])
        starts = self.polygon_start[first : beyond + 1]
        return [self.corners_um[a:b] for a, b in pairwise(starts)]


def polygon_areas_and_centroids(corners: Points, start: NDArray[np.int64]) -> tuple[Points, Points]:
    """Areas and centroids of many polygons by the shoelace formula.

    Parameters
    ----------
    corners : (n_corners, 2) float64
    start : (n_polygons + 1,) int64, polygon k's corners are [start[k], start[k + 1])

    Returns
    -------
    (n_polygons,) areas, never negative
    (n_polygons, 2) centroids; a polygon without area has the mean of its corners
    """
    n_corners = np.diff(start)
    # each corner's successor, the last one's being the first of its polygon
    following = np.arange(1, len(corners) + 1)
    following[start[1:] - 1] = start[:-1]
    # about each polygon's own first corner, so that small polygons far from the origin lose no digits
    origin = corners[start[:-1]]
    local = corners - np.repeat(origin, n_corners, axis=0)
    other = local[following]
    cross = local[:, 0] * other[:, 1] - other[:, 0] * local[:, 1]
    twice_area = np.add.reduceat(cross, start[:-1])
    moment = np.add.reduceat((local + other) * cross[:, None], start[:-1], axis=0)
    mean = np.add.reduceat(local, start[:-1], axis=0) / n_corners[:, None]
    flat = twice_area == 0
    divisor = np.where(flat, 1.0, 3.0 * twice_area)[:, None]
    return np.abs(twice_area) / 2, origin + np.where(flat[:, None], mean, moment / divisor)


def build_geometry(netlist: Netlist, segments: Sequence[SegmentRow], um_per_unit: float) -> Geometry:
    """Place a netlist's nodes and transistors by its polygons."""
    ordered = sorted(segments, key=lambda row: row.node)
    polygon_node = np.array([row.node for row in ordered], dtype=np.int32)
    start = np.cumsum([0, *(len(row.corners) for row in ordered)], dtype=np.int64)
    corners_um = np.concatenate([row.corners for row in ordered]).astype(np.float64) * um_per_unit
    areas, centroids = polygon_areas_and_centroids(corners_um, start)
    # a node drawn without any area still lies somewhere
    weights = np.maximum(areas, 1e-9)
    total = np.bincount(polygon_node, weights, netlist.n_nodes)
    node_um = np.full((netlist.n_nodes, 2), np.nan)
    for axis in range(2):
        moment = np.bincount(polygon_node, weights * centroids[:, axis], netlist.n_nodes)
        np.divide(moment, total, out=node_um[:, axis], where=total > 0)
    row_bounds_um = netlist.row_bounds.astype(np.float64) * um_per_unit
    return Geometry(
        polygon_node=polygon_node,
        polygon_layer=np.array([row.layer for row in ordered], dtype=np.int8),
        polygon_start=start,
        corners_um=corners_um.astype(np.float32),
        node_um=node_um,
        row_um=np.stack([row_bounds_um[:, :2].mean(axis=1), row_bounds_um[:, 2:].mean(axis=1)], axis=1),
        row_bounds_um=row_bounds_um,
    )


def load_geometry(folder: Path, netlist: Netlist, um_per_unit: float) -> Geometry:
    """Load the drawing of a chip whose netlist has been loaded from the same folder.

    Raises
    ------
    AssetError : `segdefs.js` is missing or corrupt.
    """
    return build_geometry(netlist, read_segments(folder / "segdefs.js"), um_per_unit)
