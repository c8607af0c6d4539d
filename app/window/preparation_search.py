"""What a person types into the search field, to units."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rig.errors import SpecError, UnknownUnitError
from rig.probe import Probe
from rig.selection import select_units
from rig.units import UnitTable

_GRAMMAR_SIGNS = set("*?[]#:")


def find_units(text: str, units: UnitTable, probes: Sequence[Probe] = ()) -> NDArray[np.int64]:
    """Ids of what is meant: the grammar of `rig.selection`, or a part of a name, of an alias or of a region.

    Parameters
    ----------
    text : terms between commas, not empty

    Returns
    -------
    (n,) int64, ascending, at least one

    Raises
    ------
    SpecError, UnknownUnitError : a term cannot be read, or means nothing.
    """
    terms = [term for part in text.split(",") if (term := part.strip())]
    if not terms:
        raise SpecError("asked for nothing; type a part of a name or of a region")
    found = [_find_term(term, units, probes) for term in terms]
    return np.unique(np.concatenate(found))


def _find_term(term: str, units: UnitTable, probes: Sequence[Probe]) -> NDArray[np.int64]:
    if _GRAMMAR_SIGNS & set(term):
        return select_units(term, units, probes=probes)
    wanted = term.lower()
    aliases = units.extra.get("aliases")
    other = aliases.tolist() if aliases is not None else [""] * len(units)
    exact = [wanted == n.lower() or wanted in a.lower().split() for n, a in zip(units.name, other, strict=True)]
    if any(exact):
        return _ids(units, exact)
    part = [
        wanted in n.lower() or wanted in r.lower() or wanted in a.lower()
        for n, r, a in zip(units.name, units.region, other, strict=True)
    ]
    if any(part):
        return _ids(units, part)
    try:
        return select_units(term, units, probes=probes)  # ``all``, and a telling refusal with names that come near
    except UnknownUnitError as error:
        hint = str(error).rpartition(": ")[2]
        raise UnknownUnitError(f"no unit or region has {term!r} in its name; {hint}") from error


def _ids(units: UnitTable, chosen: Sequence[bool]) -> NDArray[np.int64]:
    ids: NDArray[np.int64] = units.unit_id[np.asarray(chosen, np.bool_)]
    return ids
