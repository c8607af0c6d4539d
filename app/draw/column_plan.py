"""Which samples meet which column of pixels.

Steps. Sample j holds on [edge j, edge j + 1). It meets every column that it reaches into, and besides the column in
which its successor begins, so that the vertical edge between the two is drawn there::

    edges      0         3         6         9        12
    samples    ├── a ────┼── b ────┼── c ────┼── d ────┤
    columns    │    0    ·    │    1    ·    │    2         (columns of 4.5 ticks: a b · b c · c d)
    columns    │    0    │    1    │    2    │    3    │    (columns of 3 ticks:   a · a b · b c · c d)

Lines. Sample j is a vertex at its tick; a column gets the range of the polyline over its closed interval, the points
interpolated at its borders included.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.draw.time_scale import TimeScale


@dataclass(frozen=True, eq=False)
class StepPlan:
    """Column ``first + i`` meets the samples ``[start[i], stop[i])``; `whole` unless older columns were left out."""

    first: int
    whole: bool
    start: NDArray[np.int64]
    stop: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class LinePlan:
    """Column ``first + i`` meets the vertices ``[start[i], start[i + 1])``.

    Its left border (i > 0) lies the fraction ``left[i]`` of the way from vertex ``start[i] − 1`` to vertex
    ``start[i]``; vertex −1 is the last one of the chunk before.
    """

    first: int
    start: NDArray[np.int64]
    left: NDArray[np.float32]


def plan_steps(scale: TimeScale, edges: NDArray[np.int64], n_slots: int) -> StepPlan:
    """Plan a run of samples that hold between consecutive edges.

    Parameters
    ----------
    edges : (n_samples + 1,) int64, ascending, n_samples ≥ 1
    n_slots : of more columns than this only the newest are planned
    """
    last = scale.last_column(int(edges[-1]))
    first = max(scale.column_of(int(edges[0])), last + 1 - n_slots)
    borders = scale.first_ticks(first, last + 2)
    return StepPlan(
        first,
        first == scale.column_of(int(edges[0])),
        np.searchsorted(edges[1:], borders[:-1], "left"),
        np.searchsorted(edges[:-1], borders[1:], "left"),
    )


def plan_lines(scale: TimeScale, ticks: NDArray[np.int64], before: int | None, n_slots: int) -> LinePlan:
    """Plan a polyline.

    Parameters
    ----------
    ticks : (n_samples,) int64, ascending, n_samples ≥ 1
    before : tick of the vertex that these go on from; None where they go on from none
    n_slots : of more columns than this only the newest are planned, and one more, which cannot see its left border
    """
    last = scale.column_of(int(ticks[-1]))
    first = max(scale.column_of(int(ticks[0] if before is None else before)), last - n_slots)
    start = np.searchsorted(ticks, scale.first_ticks(first, last + 2), "left")
    # The first vertex of the plan may come after its column began; what is before its own border is drawn already.
    left = np.zeros(last + 1 - first, np.float32)
    if len(left) > 1:
        vertices = start[1:-1]
        origin = int(ticks[0] if before is None else before)
        known = ticks - origin
        previous = np.where(vertices > 0, known[np.maximum(vertices - 1, 0)], 0)
        step = known[vertices] - previous
        # border − previous, in units of 1 / n_columns of a tick; exact, whatever the age of the session
        nearest = (first + 1) * scale.span_ticks - origin * scale.n_columns
        borders = nearest + scale.span_ticks * np.arange(len(vertices), dtype=np.int64)
        left[1:] = (borders - previous * scale.n_columns) / (step * scale.n_columns)
    return LinePlan(first, start, left)
