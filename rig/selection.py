"""Units by what a person types: ``alu*,region:registers/x,#1024-1031``."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from fnmatch import fnmatchcase

import numpy as np
from numpy.typing import NDArray

from rig.errors import SpecError, UnknownUnitError
from rig.probe import Probe, squared_distances
from rig.units import UnitTable

GRAMMAR = """\
a comma-separated list of
  NAME            a unit
  alu*            names that match (*, ?, [..])
  region:PATH     a region and all below it, such as region:decode/pla_west
  kind:KIND       units of a kind
  #ID or #A-B     units by number
  near:E:R        what electrode E (such as A3) reaches within R
  all             every unit
and A&B, what both terms name, such as near:A3:120&kind:transistor"""

_ID = re.compile(r"#(\d+)(?:-(\d+))?")


def select_units(
    text: str,
    units: UnitTable,
    among: NDArray[np.int64] | None = None,
    probes: Sequence[Probe] = (),
) -> NDArray[np.int64]:
    """Ids of the units that the text names.

    Parameters
    ----------
    text : see GRAMMAR
    among : (k,) int64, ids that count (those that a stream carries); None for all
    probes : for ``near:``

    Returns
    -------
    (n,) int64, ascending, unique, at least one

    Raises
    ------
    UnknownUnitError : a term names nothing. SpecError : a term cannot be read.
    """
    counted = np.ones(len(units), np.bool_) if among is None else np.isin(units.unit_id, among)
    chosen = np.zeros(len(units), np.bool_)
    for term in text.split(","):
        rows = np.ones(len(units), np.bool_)
        for part in term.split("&"):
            rows &= _rows_of_term(part.strip(), units, probes)
        here = rows & counted
        if not here.any():
            if rows.any():
                raise UnknownUnitError(
                    f"asked for {term.strip()!r}; it names {rows.sum()} units, none of them carried here"
                )
            raise UnknownUnitError(_nothing(term.strip(), units))
        chosen |= here
    return units.unit_id[chosen]


def _rows_of_term(term: str, units: UnitTable, probes: Sequence[Probe]) -> NDArray[np.bool_]:
    rows = np.zeros(len(units), np.bool_)
    if not term:
        raise SpecError(f"asked for an empty unit; give {GRAMMAR}")
    if term == "all":
        rows[:] = True
    elif term in units.id_of_name:
        rows[units.rows([units.id_of_name[term]])] = True
    elif match := _ID.fullmatch(term):
        low = int(match[1])
        high = int(match[2] or low)
        rows[:] = (units.unit_id >= low) & (units.unit_id <= high)
    elif term.startswith("region:"):
        path = _plain(term.removeprefix("region:").strip("/"))
        rows[:] = [_plain(r) == path or _plain(r).startswith(path + "/") for r in units.region]
    elif term.startswith("kind:"):
        rows[:] = [k == term.removeprefix("kind:") for k in units.kind]
    elif term.startswith("near:"):
        electrode, reach = _near(term, probes)
        rows[:] = squared_distances(units, np.asarray([electrode]))[:, 0] <= reach**2
    else:
        rows[:] = [fnmatchcase(n, term) for n in units.name]
        if not rows.any() and "aliases" in units.extra:
            rows[:] = [term in str(aliases).split() for aliases in units.extra["aliases"]]
    return rows


def _plain(region: str) -> str:
    """``PLA west`` and ``pla_west`` are one region: a word on a command line has no spaces."""
    return region.lower().replace(" ", "_")


def _near(term: str, probes: Sequence[Probe]) -> tuple[tuple[float, float, float], float]:
    """Position and reach of ``near:A3:120``."""
    parts = term.split(":")
    places = {name: place for p in probes for name, place in zip(p.channel_names, p.electrodes, strict=True)}
    if len(parts) != 3:
        raise SpecError(f"asked for {term!r}; write near:ELECTRODE:RADIUS, such as near:A3:120")
    if parts[1] not in places:
        raise UnknownUnitError(
            f"asked for electrode {parts[1]!r}; there are {', '.join(places) or 'none: put in a probe'}"
        )
    try:
        return places[parts[1]], float(parts[2])
    except ValueError:
        raise SpecError(f"asked for {term!r}; the radius must be a number, such as near:A3:120") from None


def _nothing(term: str, units: UnitTable) -> str:
    if term.startswith("region:"):
        there = sorted(set(units.region) - {""})
        names = sorted({_plain(r) for r in there} | {_plain(r.split("/")[0]) for r in there})
        close = difflib.get_close_matches(_plain(term.removeprefix("region:")), names, n=3, cutoff=0.4) or names[:8]
        return f"asked for {term!r}; there is no such region: there are {', '.join(close) or 'none'} …"
    if term.startswith("kind:"):
        return f"asked for {term!r}; kinds are {', '.join(sorted(set(units.kind)))}"
    if term.startswith(("#", "near:")):
        return f"asked for {term!r}; no unit is there"
    close = difflib.get_close_matches(term, units.name, n=3)
    hint = f"did you mean {', '.join(close)}?" if close else f"names look like {', '.join(units.name[:3])}"
    return f"asked for unit {term!r}; none of the {len(units)} units is called so: {hint}"
