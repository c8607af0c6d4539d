"""What a map needs to know of a subject's space: an outline for every unit, how far apart units lie, a scale bar."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from rig.units import Outlines, UnitTable

FILL = 0.84
"""Share of the distance between units that a unit without an outline is drawn over."""
_STRIP = 0.14  # height of a row of units, against its length
_GRID_WASTE = 4  # as many empty places a unit as a grid may have
_TOP_LAYER = 255

Bounds = tuple[float, float, float, float]


@dataclass(frozen=True, eq=False)
class MapUnits:
    """A subject's units as a map draws them.

    Attributes
    ----------
    units : the subject's table, with an outline for every unit that has a place; without any places, laid out by region
    bounds : (x_min, y_min, x_max, y_max) of all that is drawn, in the subject's space
    pitch : (x, y) typical distance between units, in that space
    placed : (n_units,) bool, whether a unit is on the map
    real_space : False where the layout is made up: probes have nothing to be near to
    """

    units: UnitTable
    bounds: Bounds
    pitch: tuple[float, float]
    placed: NDArray[np.bool_]
    real_space: bool

    @property
    def extent(self) -> float:
        """The longer side."""
        return max(self.bounds[2] - self.bounds[0], self.bounds[3] - self.bounds[1])


def map_units(units: UnitTable) -> MapUnits:
    """Give every unit a shape: its own, or a rectangle sized to the spacing."""
    placed = np.isfinite(units.x) & np.isfinite(units.y)
    real = bool(placed.any())
    if not real:
        x, y = _made_up_layout(units.region)
        units, placed = replace(units, x=x, y=y), np.ones(len(units), np.bool_)
    drawn = np.zeros(len(units), np.bool_)
    own = units.outlines
    if own is not None:
        drawn = np.isin(units.unit_id, own.unit_id)
    bare = np.flatnonzero(placed & ~drawn)
    points = np.stack([units.x[bare], units.y[bare]], axis=1).astype(np.float64)
    everything = np.stack([units.x[placed], units.y[placed]], axis=1).astype(np.float64)
    pitch = typical_pitch(everything)
    if len(bare):
        boxes = _boxes(points, units.unit_id[bare], pitch)
        units = replace(units, outlines=boxes if own is None else _joined(own, boxes))
    outlines = units.outlines
    corners = everything if outlines is None else outlines.vertices
    if not len(corners):
        return MapUnits(units, (0.0, 0.0, 1.0, 1.0), pitch, placed, real)
    (x0, y0), (x1, y1) = corners.min(axis=0), corners.max(axis=0)
    return MapUnits(units, (float(x0), float(y0), float(x1), float(y1)), pitch, placed | drawn, real)


def y_is_up(space: str) -> bool:
    """Whether y grows upwards on the map: so it does on a die, while a schematic is read from the top down."""
    return space == "um"


def depths_on_map(y: NDArray[np.floating[Any]], space: str) -> NDArray[np.float64]:
    """How far down the map places lie: the least is at its top; NaN where unknown."""
    down = np.asarray(y, np.float64)
    return -down if y_is_up(space) else down


def typical_pitch(points: NDArray[np.float64]) -> tuple[float, float]:
    """How far apart units lie along x and y.

    Parameters
    ----------
    points : (n, 2) places

    Returns
    -------
    (x, y) > 0: of a grid, its steps; of a row, its step and a height in which it can be seen; otherwise the median
    distance to the nearest neighbour, twice
    """
    distinct = np.unique(points, axis=0)
    if len(distinct) < 2:
        return 1.0, 1.0
    steps = [_step(distinct[:, 0]), _step(distinct[:, 1])]
    extent = np.ptp(distinct, axis=0)
    for along, across in ((0, 1), (1, 0)):
        if extent[across] == 0:
            steps[across] = max(steps[along], _STRIP * float(extent[along]))
            return steps[0], steps[1]
    places = [len(np.unique(distinct[:, axis])) for axis in (0, 1)]
    if places[0] * places[1] <= _GRID_WASTE * len(distinct):
        return steps[0], steps[1]
    nearest = float(np.median(cKDTree(distinct).query(distinct, k=2)[0][:, 1]))
    return nearest, nearest


def _step(values: NDArray[np.float64]) -> float:
    gaps = np.diff(np.unique(values))
    return float(np.median(gaps)) if len(gaps) else 0.0


def _boxes(points: NDArray[np.float64], unit_ids: NDArray[np.int64], pitch: tuple[float, float]) -> Outlines:
    half_x, half_y = pitch[0] * FILL / 2, pitch[1] * FILL / 2
    corners = np.array([(-half_x, -half_y), (half_x, -half_y), (half_x, half_y), (-half_x, half_y)])
    return Outlines(
        vertices=(points[:, None, :] + corners[None]).reshape(-1, 2).astype(np.float32),
        start=np.arange(len(points) + 1, dtype=np.int64) * 4,
        unit_id=unit_ids.astype(np.int64),
        layer=np.full(len(points), _TOP_LAYER, np.uint8),
    )


def _joined(own: Outlines, more: Outlines) -> Outlines:
    return Outlines(
        vertices=np.concatenate([own.vertices, more.vertices]),
        start=np.concatenate([own.start, own.start[-1] + more.start[1:]]),
        unit_id=np.concatenate([own.unit_id, more.unit_id]),
        layer=np.concatenate([own.layer, more.layer]),
    )


def _made_up_layout(regions: tuple[str, ...]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Rows of a square, region after region."""
    n = len(regions)
    order = np.argsort(np.array(regions, dtype=object), kind="stable") if n else np.empty(0, np.int64)
    across = max(int(np.ceil(np.sqrt(n))), 1)
    place = np.empty(n, np.int64)
    place[order] = np.arange(n)
    return (place % across).astype(np.float32), (-(place // across)).astype(np.float32)


def polygons_of(outlines: Outlines, unit_id: int) -> list[NDArray[np.float32]]:
    """(n, 2) corners of each polygon of a unit, in space."""
    return [
        outlines.vertices[outlines.start[k] : outlines.start[k + 1]]
        for k in np.flatnonzero(outlines.unit_id == unit_id).tolist()
    ]


def nice_length(most: float) -> float:
    """The largest 1, 2 or 5 times a power of ten that is not longer."""
    if not most > 0:
        return 1.0
    power = 10.0 ** np.floor(np.log10(most))
    return float(max(m * power for m in (1.0, 2.0, 5.0) if m * power <= most * (1 + 1e-9)))


def length_text(length: float, space: str) -> str:
    """``500 µm``, ``1 mm``; of a drawing without a measure the bare number."""
    if space != "um":
        return f"{length:g}"
    return f"{length / 1000:g} mm" if length >= 1000 else f"{length:g} µm"


def rows_within(units: UnitTable, lasso: NDArray[np.float64]) -> NDArray[np.int64]:
    """Rows of the units whose place lies inside a polygon of space, by the even-odd rule.

    Parameters
    ----------
    lasso : (n, 2) corners

    Returns
    -------
    (k,) int64, ascending
    """
    x, y = units.x.astype(np.float64), units.y.astype(np.float64)
    inside = np.zeros(len(units), np.bool_)
    for (x0, y0), (x1, y1) in zip(lasso, np.roll(lasso, -1, axis=0), strict=True):
        if y0 == y1:
            continue
        crosses = (y0 > y) != (y1 > y)
        inside ^= crosses & (x < (x1 - x0) * (y - y0) / (y1 - y0) + x0)
    return np.flatnonzero(inside & np.isfinite(x) & np.isfinite(y)).astype(np.int64)


def rows_in_box(units: UnitTable, x0: float, y0: float, x1: float, y1: float) -> NDArray[np.int64]:
    """Rows of the units whose place lies in a rectangle of space, whichever way it was drawn."""
    inside = (units.x >= min(x0, x1)) & (units.x <= max(x0, x1))
    inside &= (units.y >= min(y0, y1)) & (units.y <= max(y0, y1))
    return np.flatnonzero(inside).astype(np.int64)
