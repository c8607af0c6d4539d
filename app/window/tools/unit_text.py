"""Units in words: for a person, and for a specification that can be read back (`rig.selection`)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import numpy as np

from rig.errors import UnknownUnitError
from rig.units import UnitTable

MAX_NAMED = 6
_RESERVED = set(", =*?[]:#")


def describe_units(unit_ids: Sequence[int], units: UnitTable) -> str:
    """``alu3``, ``alu0, alu1, alu2`` or ``alu/adder — 18 nodes``."""
    if not unit_ids:
        return "nothing"
    try:
        rows = units.rows(unit_ids).tolist()
    except UnknownUnitError:
        return f"{len(unit_ids)} units"
    if len(rows) <= 3:
        return ", ".join(units.name[row] for row in rows)
    kinds = {units.kind[row] for row in rows}
    what = f"{len(rows)} {plural(kinds.pop()) if len(kinds) == 1 else 'units'}"
    region = common_region([units.region[row] for row in rows])
    return f"{region} — {what}" if region else what


def short_name(unit_ids: Sequence[int], units: UnitTable) -> str:
    """``alu3``, the region that holds them all, or how many they are: what fits on a tint."""
    rows = units.rows(unit_ids).tolist()
    if len(rows) == 1:
        return units.name[int(rows[0])]
    return common_region([units.region[row] for row in rows]) or f"{len(rows)} units"


def common_region(regions: Sequence[str]) -> str:
    """The innermost region that holds all; empty when there is none."""
    paths = [r.split("/") if r else [] for r in set(regions)]
    common = []
    for parts in zip(*paths, strict=False):
        if len(set(parts)) > 1:
            break
        common.append(parts[0])
    return "/".join(common)


def spec_of_units(unit_ids: Sequence[int], units: UnitTable) -> str:
    """A term of a specification that names exactly these units: names while they are few, else numbers."""
    ids = sorted({int(u) for u in unit_ids})
    if len(ids) <= MAX_NAMED:
        return ",".join(_term(i, units) for i in ids)
    known = np.asarray(units.unit_id)
    # a range may run over numbers that no unit has: consecutive in the table is enough
    rows = units.rows(ids).tolist()
    terms = []
    for _, run in groupby(enumerate(rows), key=lambda pair: pair[1] - pair[0]):
        members = [row for _, row in run]
        first, last = int(known[members[0]]), int(known[members[-1]])
        terms.append(f"#{first}" if first == last else f"#{first}-{last}")
    return ",".join(terms)


def _term(unit_id: int, units: UnitTable) -> str:
    name = units.name[int(units.rows([unit_id])[0])]
    return f"#{unit_id}" if not name or name == "all" or set(name) & _RESERVED else name


def plural(kind: str) -> str:
    if kind.endswith("y") and kind[-2:-1] not in tuple("aeiou"):
        return kind[:-1] + "ies"
    return kind + ("es" if kind.endswith(("s", "x", "ch", "sh")) else "s")


def count_text(n: int, kind: str) -> str:
    """``1 node``, ``18 nodes``."""
    return f"{n} {kind if n == 1 else plural(kind)}"
