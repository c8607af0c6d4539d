"""What a survey is to do, and what can do it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from rig.errors import FormatError, SpecError
from rig.perturbation import LESIONS, PerturbationKind
from rig.selection import select_units
from rig.units import UnitTable

Lesion = tuple[int, ...]
"""Ids of the units that are lesioned together: one, or two for a double lesion."""


@dataclass(frozen=True)
class Portion:
    """A part of a survey that one process does in one go: some lesions of one preparation.

    Attributes
    ----------
    preparation : index in `SurveyPlan.preparations`
    first, stop : of `SurveyPlan.lesions`
    """

    preparation: int
    first: int
    stop: int

    @property
    def key(self) -> str:
        return f"{self.preparation}:{self.first}-{self.stop}"

    def __len__(self) -> int:
        return self.stop - self.first


@dataclass(frozen=True)
class SurveyPlan:
    """Everything that decides a survey's outcomes, and how it is divided.

    Attributes
    ----------
    plugin : the subject's entry point
    preparations : options that each is opened with
    kind : of every lesion
    lesions : each is given in every preparation, alone, from tick 0 on
    n_frames : how long each is watched, in frames of the intact subject
    portion_lesions : lesions in one portion; outcomes do not depend on it
    fingerprints : of the preparations as they were when the survey was planned
    """

    plugin: str
    preparations: tuple[Mapping[str, str], ...]
    kind: PerturbationKind
    lesions: tuple[Lesion, ...]
    n_frames: int
    portion_lesions: int
    fingerprints: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.kind not in LESIONS:
            raise SpecError(f"asked for a survey of {self.kind}; a lesion is {', '.join(sorted(LESIONS))}")
        if not self.lesions or not self.preparations:
            raise SpecError("asked for a survey of nothing; name at least one lesion and one preparation")
        if self.n_frames < 1:
            raise SpecError(f"asked for {self.n_frames} frames; a survey watches at least one")

    @property
    def portions(self) -> tuple[Portion, ...]:
        """All of it, in order."""
        n = len(self.lesions)
        return tuple(
            Portion(p, first, min(first + self.portion_lesions, n))
            for p in range(len(self.preparations))
            for first in range(0, n, self.portion_lesions)
        )

    @property
    def hash(self) -> str:
        """SHA-256; two plans that are divided alike and give the same outcomes have the same."""
        return hashlib.sha256(json.dumps(plan_to_json(self), sort_keys=True).encode()).hexdigest()


FAILS, SEVERITY = "fails", "severity"
"""Columns that every survey has: whether the subject fails (bool), and how much of what it does is lost (0 to 1)."""


@dataclass(frozen=True)
class PublishedCounts:
    """What somebody else found with the same lesions.

    Attributes
    ----------
    source : where it is published
    counts : (n_preparations + 1,) lesions that make 0, 1, … all preparations fail
    differences : why ours are others, a line each
    """

    source: str
    counts: tuple[int, ...]
    differences: tuple[str, ...]


@dataclass(frozen=True)
class OutcomeColumn:
    """One thing that is found out of every lesion.

    Attributes
    ----------
    name : such as ``bus_differs_tick``
    dtype : of numpy, a number or bool; a missing tick is −1, a missing measure NaN
    description : one line, with the definition
    """

    name: str
    dtype: str
    description: str


class LesionSurvey(Protocol):
    """A subject's way of trying many lesions. Everything in it can be made anew in any process."""

    @property
    def columns(self) -> tuple[OutcomeColumn, ...]:
        """`FAILS` and `SEVERITY` among them."""

    @property
    def kinds(self) -> frozenset[PerturbationKind]: ...
    @property
    def varied_option(self) -> str:
        """The option in which preparations of one survey differ, such as ``cartridge``."""

    @property
    def portion_lesions(self) -> int:
        """Lesions that are best done in one go."""

    def published(self, kind: PerturbationKind, n_preparations: int) -> PublishedCounts | None:
        """What to compare the survey of every single lesion of a kind with."""

    def preparation(self, options: Mapping[str, str]) -> tuple[UnitTable, NDArray[np.int64], str]:
        """Units, ids of those that can be lesioned, and fingerprint of a preparation.

        Raises
        ------
        HeadstageError : it cannot be opened so.
        """

    def arranged(self, options: Mapping[str, str], kind: PerturbationKind, lesions: Sequence[Lesion]) -> list[Lesion]:
        """The lesions so ordered that those best done together are neighbours, and the slowest come last."""

    def run(
        self,
        options: Mapping[str, str],
        kind: PerturbationKind,
        lesions: Sequence[Lesion],
        n_frames: int,
        cancelled: Callable[[], bool],
    ) -> NDArray[np.void] | None:
        """Outcomes of lesions, (n_lesions,) with a field for each column, whatever they are done together with.

        None where it was cancelled.
        """


def outcome_dtype(columns: Sequence[OutcomeColumn]) -> np.dtype[np.void]:
    return np.dtype([(c.name, c.dtype) for c in columns])


def plan_to_json(plan: SurveyPlan) -> dict[str, Any]:
    return {
        "plugin": plan.plugin,
        "preparations": [dict(p) for p in plan.preparations],
        "kind": str(plan.kind),
        "lesions": [list(ids) for ids in plan.lesions],
        "n_frames": plan.n_frames,
        "portion_lesions": plan.portion_lesions,
        "fingerprints": list(plan.fingerprints),
    }


def plan_from_json(value: Any) -> SurveyPlan:
    """Inverse of `plan_to_json`.

    Raises
    ------
    FormatError : no such value.
    """
    try:
        return SurveyPlan(
            plugin=str(value["plugin"]),
            preparations=tuple({str(k): str(v) for k, v in p.items()} for p in value["preparations"]),
            kind=PerturbationKind(value["kind"]),
            lesions=tuple(tuple(int(u) for u in ids) for ids in value["lesions"]),
            n_frames=int(value["n_frames"]),
            portion_lesions=max(int(value["portion_lesions"]), 1),
            fingerprints=tuple(str(f) for f in value["fingerprints"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError, SpecError) as error:
        raise FormatError(
            f"asked for a survey's plan; what is there is none ({error}): start it anew elsewhere"
        ) from error


def read_pairs(text: str, units: UnitTable, lesionable: NDArray[np.int64]) -> Iterator[Lesion]:
    """Double lesions from a list: two units a line, by name or as ``#ID``; empty lines and ``# …`` are passed over.

    Raises
    ------
    SpecError : a line with another number of units, or the same twice. UnknownUnitError : a unit that is not there.
    """
    for number, line in enumerate(text.splitlines(), 1):
        words = line.replace(",", " ").split()
        if not words or words[0] == "#":
            continue
        if len(words) != 2:
            raise SpecError(f"asked for pairs; line {number} has {len(words)} words: write two units a line")
        ids = [select_units(word, units, among=lesionable) for word in words]
        if any(len(i) != 1 for i in ids) or ids[0][0] == ids[1][0]:
            raise SpecError(f"asked for pairs; line {number}, {line.strip()!r}, does not name two different units")
        yield int(ids[0][0]), int(ids[1][0])
