"""Regions as a tree, with the units of each: ``decode/PLA west`` lies under ``decode``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rig.units import UnitTable

NO_REGION = "no region"


@dataclass(eq=False)
class Region:
    """One region.

    Attributes
    ----------
    path : whole, ``decode/PLA west``
    label : its last part
    number : its place in the list of all regions
    rows : (n,) int64, rows of all units in it and below it
    """

    path: str
    label: str
    number: int
    rows: NDArray[np.int64]
    parent: Region | None = None
    children: list[Region] = field(default_factory=list)


class RegionForest:
    """All regions of a table of units, top ones in the order in which they first occur, as their colours go.

    Attributes
    ----------
    tops : regions without a parent
    all : every region, a parent before its children
    """

    def __init__(self, units: UnitTable) -> None:
        self.tops: list[Region] = []
        self.all: list[Region] = []
        rows_of: dict[str, list[int]] = {}
        for row, path in enumerate(units.region):
            rows_of.setdefault(path, []).append(row)
        by_path: dict[str, Region] = {}
        rows: dict[str, list[int]] = {}
        for path, own in rows_of.items():
            parts = (path or NO_REGION).split("/")
            for depth in range(1, len(parts) + 1):
                rows.setdefault("/".join(parts[:depth]), []).extend(own)
        for path, members in rows.items():
            above, _, label = path.rpartition("/")
            parent = by_path.get(above)
            region = Region(path, label, len(self.all), np.sort(np.array(members, np.int64)), parent)
            by_path[path] = region
            self.all.append(region)
            (self.tops if parent is None else parent.children).append(region)
        self.set_carried(np.ones(len(units), np.bool_))

    def set_carried(self, carried: NDArray[np.bool_]) -> None:
        """Say of which units the activity is known: (n_units,)."""
        self._members = [region.rows[carried[region.rows]] for region in self.all]
        self._sizes = np.array([len(m) for m in self._members], np.int64)
        self._flat = np.concatenate(self._members) if self._members else np.empty(0, np.int64)

    def mean_levels(self, row_levels: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
        """(n_regions,) mean of (n_units,) levels over the units whose activity is known; 0 for none."""
        sums = np.concatenate(([0.0], np.cumsum(row_levels[self._flat], dtype=np.float64)))
        stops = np.cumsum(self._sizes)
        totals = sums[stops] - sums[stops - self._sizes]
        means: NDArray[np.float32] = (totals / np.maximum(self._sizes, 1)).astype(np.float32)
        return means

    def counts(self, found: NDArray[np.bool_] | None) -> list[int]:
        """Units of each region, or those of them that a search found."""
        return [len(r.rows) if found is None else int(found[r.rows].sum()) for r in self.all]
