"""What the table of units says about the selection: identity, neighbours in the netlist, counts. No widgets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rig.errors import UnknownUnitError
from rig.subject import SubjectInfo
from rig.units import UnitTable

NETLIST = ("gate", "c1", "c2")


@dataclass(frozen=True)
class Fact:
    """A line of the inspector."""

    label: str
    text: str


@dataclass(frozen=True)
class Neighbours:
    """Units that stand in one relation to the inspected one."""

    relation: str
    unit_ids: tuple[int, ...]


def facts_of(unit_id: int, units: UnitTable, info: SubjectInfo) -> tuple[Fact, ...]:
    """Identity of one unit. Raises UnknownUnitError."""
    row = int(units.rows([unit_id])[0])
    facts = [
        Fact("kind", f"{units.kind[row]} #{unit_id}"),
        Fact("region", units.region[row] or "none"),
        Fact("place", place_text(float(units.x[row]), float(units.y[row]), float(units.z[row]), info.space)),
    ]
    for name, column in units.extra.items():
        if name in NETLIST:
            continue
        value = column[row]
        if text := _value_text(value):
            facts.append(Fact(name.replace("_", " "), text))
    signal = int(units.signal_id[row])
    if signal != unit_id:
        facts.append(Fact("activity", f"that of {name_of(signal, units)}"))
    return tuple(facts)


def _value_text(value: object) -> str:
    if isinstance(value, np.bool_ | bool):
        return "yes" if value else ""
    if isinstance(value, np.floating | float):
        return "" if np.isnan(value) else f"{value:.4g}"
    return str(value)


def place_text(x: float, y: float, z: float, space: str) -> str:
    """``x 1200, y 3400 µm``."""
    axes = [(n, v) for n, v in (("x", x), ("y", y), ("z", z)) if not np.isnan(v)]
    if not axes:
        return "everywhere or nowhere"
    unit = " µm" if space == "um" else ""
    return ", ".join(f"{n} {v:.0f}" if abs(v) >= 10 else f"{n} {v:.3g}" for n, v in axes) + unit


def name_of(unit_id: int, units: UnitTable) -> str:
    try:
        return units.name[int(units.rows([unit_id])[0])]
    except UnknownUnitError:
        return f"#{unit_id}"


def neighbours_of(unit_id: int, units: UnitTable) -> tuple[Neighbours, ...]:
    """Neighbours in a netlist of switches: a transistor connects c1 and c2 while its gate is high.

    Empty where the subject has no netlist. Raises UnknownUnitError.
    """
    if any(column not in units.extra for column in NETLIST):
        return ()
    gate, c1, c2 = (np.asarray(units.extra[column], np.int64) for column in NETLIST)
    row = int(units.rows([unit_id])[0])
    ids = units.unit_id
    if gate[row] >= 0:
        found = [("gate", gate[[row]]), ("connects", np.array([c1[row], c2[row]]))]
        same = (gate == gate[row]) & (np.minimum(c1, c2) == min(c1[row], c2[row]))
        same &= np.maximum(c1, c2) == max(c1[row], c2[row])
        same[row] = False
        found.append(("in parallel", ids[same]))
    else:
        touches = (gate >= 0) & ((c1 == unit_id) | (c2 == unit_id))
        across = np.where(c1[touches] == unit_id, c2[touches], c1[touches])
        found = [
            ("gates", ids[gate == unit_id]),
            ("gated by", np.unique(gate[touches])),
            ("through", ids[touches]),
            ("to", np.unique(across)),
        ]
    there = [(r, i[np.isin(i, ids)]) for r, i in found]
    return tuple(Neighbours(r, tuple(dict.fromkeys(i.tolist()))) for r, i in there if len(i))


@dataclass(frozen=True)
class Share:
    """Selected units of one region and kind."""

    label: str
    unit_ids: tuple[int, ...]


def shares_of(unit_ids: Sequence[int], units: UnitTable, by: str) -> tuple[Share, ...]:
    """The selection by top-level ``region`` or by ``kind``, largest first. Raises UnknownUnitError."""
    ids = np.asarray(unit_ids, np.int64)
    rows = units.rows(ids)
    column = units.kind if by == "kind" else units.region
    labels = [column[row].split("/")[0] or "no region" for row in rows.tolist()]
    counts = Counter(labels)
    array = np.array(labels)
    return tuple(Share(label, tuple(ids[array == label].tolist())) for label, _ in counts.most_common())


def signals_of(unit_ids: Sequence[int], units: UnitTable) -> NDArray[np.int64]:
    """(n,) ids of the units whose recorded activity is theirs. Raises UnknownUnitError."""
    return units.signal_id[units.rows(np.asarray(unit_ids, np.int64))]
