"""The table of units: what a subject is made of, and where it lies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rig.errors import UnknownUnitError


@dataclass(frozen=True)
class Outlines:
    """Polygons of units, for a map. Polygon k is `vertices[start[k]:start[k + 1]]` and belongs to `unit_id[k]`.

    Attributes
    ----------
    vertices : (n_vertices, 2) float32, in the subject's space
    start : (n_polygons + 1,) int64
    unit_id : (n_polygons,) int64
    layer : (n_polygons,) uint8, the subject's own numbering of layers, drawn in ascending order
    """

    vertices: NDArray[np.float32]
    start: NDArray[np.int64]
    unit_id: NDArray[np.int64]
    layer: NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class UnitTable:
    """One row a unit.

    Attributes
    ----------
    unit_id : (n,) int64, unique, ascending; stable between runs
    name : n strings, unique
    region : n strings, a path such as ``alu/adder``; empty where unknown
    kind : n strings, such as ``node``, ``transistor``, ``neuron``
    x, y, z : (n,) float32, in the subject's space (`SubjectInfo.space`); NaN where unknown
    signal_id : (n,) int64, the unit whose recorded activity is this unit's (a transistor's is its gate node);
        the unit itself by default; a unit that does not emit may have one that no stream carries
    emits : (n,) bool, whether the unit contributes to field potentials; all by default
    extra : further columns of the subject's own, each (n,)
    """

    unit_id: NDArray[np.int64]
    name: tuple[str, ...]
    region: tuple[str, ...]
    kind: tuple[str, ...]
    x: NDArray[np.float32]
    y: NDArray[np.float32]
    z: NDArray[np.float32]
    signal_id: NDArray[np.int64]
    emits: NDArray[np.bool_]
    extra: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    outlines: Outlines | None = None

    @classmethod
    def build(
        cls,
        unit_id: Sequence[int] | NDArray[np.int64],
        name: Sequence[str],
        region: Sequence[str] | None = None,
        kind: Sequence[str] | str = "unit",
        x: Sequence[float] | NDArray[np.floating[Any]] | None = None,
        y: Sequence[float] | NDArray[np.floating[Any]] | None = None,
        z: Sequence[float] | NDArray[np.floating[Any]] | None = None,
        signal_id: Sequence[int] | NDArray[np.int64] | None = None,
        emits: Sequence[bool] | NDArray[np.bool_] | None = None,
        extra: Mapping[str, NDArray[Any]] | None = None,
        outlines: Outlines | None = None,
    ) -> UnitTable:
        """Make a table, filling what is left out and checking that the columns agree.

        Raises
        ------
        ValueError : columns of different length, ids not ascending, or names not unique.
        """
        ids = np.asarray(unit_id, dtype=np.int64)
        n = len(ids)

        def position(values: Any) -> NDArray[np.float32]:
            return np.full(n, np.nan, np.float32) if values is None else np.asarray(values, dtype=np.float32)

        table = cls(
            unit_id=ids,
            name=tuple(name),
            region=("",) * n if region is None else tuple(region),
            kind=(kind,) * n if isinstance(kind, str) else tuple(kind),
            x=position(x),
            y=position(y),
            z=position(z),
            signal_id=ids.copy() if signal_id is None else np.asarray(signal_id, dtype=np.int64),
            emits=np.ones(n, np.bool_) if emits is None else np.asarray(emits, dtype=np.bool_),
            extra=dict(extra or {}),
            outlines=outlines,
        )
        columns: dict[str, Any] = {c: getattr(table, c) for c in _COLUMNS} | dict(table.extra)
        for column, values in columns.items():
            if len(values) != n:
                raise ValueError(f"unit table: column {column!r} has {len(values)} rows, unit_id has {n}")
        if n and not (np.diff(ids) > 0).all():
            raise ValueError("unit table: unit_id must be unique and ascending")
        if len(set(table.name)) != n:
            raise ValueError("unit table: names must be unique")
        return table

    def __len__(self) -> int:
        return len(self.unit_id)

    @cached_property
    def id_of_name(self) -> dict[str, int]:
        return dict(zip(self.name, self.unit_id.tolist(), strict=True))

    def rows(self, unit_ids: Sequence[int] | NDArray[np.int64]) -> NDArray[np.int64]:
        """Rows of the given ids.

        Parameters
        ----------
        unit_ids : (k,) int

        Returns
        -------
        (k,) int64

        Raises
        ------
        UnknownUnitError : an id is not in the table.
        """
        wanted = np.asarray(unit_ids, dtype=np.int64).reshape(-1)
        if len(self) == 0 and len(wanted):
            raise UnknownUnitError(f"asked for unit {wanted[0]}; this subject has no units")
        rows = np.searchsorted(self.unit_id, wanted)
        found = self.unit_id[np.minimum(rows, max(len(self) - 1, 0))] == wanted if len(wanted) else np.ones(0, bool)
        if not found.all():
            missing = wanted[~found]
            raise UnknownUnitError(
                f"asked for unit id {missing[0]}"
                + (f" and {len(missing) - 1} more" if len(missing) > 1 else "")
                + f"; there are {len(self)} units, ids {self.unit_id[0]} to {self.unit_id[-1]}"
            )
        return rows.astype(np.int64)


_COLUMNS = ("name", "region", "kind", "x", "y", "z", "signal_id", "emits")


def table_to_json(table: UnitTable) -> dict[str, Any]:
    """The table as JSON values, outlines left out (they travel as arrays)."""
    return {
        "unit_id": table.unit_id.tolist(),
        "name": list(table.name),
        "region": list(table.region),
        "kind": list(table.kind),
        **{axis: [None if np.isnan(v) else float(v) for v in getattr(table, axis)] for axis in ("x", "y", "z")},
        "signal_id": table.signal_id.tolist(),
        "emits": table.emits.astype(int).tolist(),
        "extra": {
            k: {"dtype": np.asarray(v).dtype.str, "values": np.asarray(v).tolist()} for k, v in table.extra.items()
        },
    }


def table_from_json(value: Mapping[str, Any], outlines: Outlines | None = None) -> UnitTable:
    """Inverse of `table_to_json`.

    Raises
    ------
    ValueError, KeyError, TypeError : the value is not such a table.
    """
    return UnitTable.build(
        unit_id=value["unit_id"],
        name=value["name"],
        region=value["region"],
        kind=value["kind"],
        **{axis: [np.nan if v is None else v for v in value[axis]] for axis in ("x", "y", "z")},
        signal_id=value["signal_id"],
        emits=value["emits"],
        extra={k: np.asarray(v["values"], dtype=np.dtype(v["dtype"])) for k, v in value["extra"].items()},
        outlines=outlines,
    )
