"""A survey whose outcomes are known, and that leaves a trace of every lesion it tried."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rig.errors import SubjectError
from rig.perturbation import PerturbationKind
from rig.subject import Subject, SubjectPlugin
from rig.survey.plan import Lesion, OutcomeColumn, PublishedCounts, outcome_dtype
from rig.units import UnitTable

N_UNITS = 40
UNITS = UnitTable.build(np.arange(100, 100 + N_UNITS), [f"u{i}" for i in range(N_UNITS)])


class CountingSurvey:
    """`sum` is the game's number times the sum of the lesioned ids; `gate` in the options makes it wait for a file."""

    columns = (
        OutcomeColumn("sum", "<i8", "game × ids"),
        OutcomeColumn("half", "<f8", "half of it"),
        OutcomeColumn("fails", "?", "the sum is divisible by 3"),
        OutcomeColumn("severity", "<f8", "sum over 1000"),
    )
    kinds = frozenset({PerturbationKind.STUCK_ON})
    varied_option = "game"
    portion_lesions = 8

    def published(self, kind: PerturbationKind, n_preparations: int) -> PublishedCounts | None:
        return PublishedCounts("nobody, Nowhere (1980)", (40, 0, 0), ("none",)) if n_preparations == 2 else None

    def preparation(self, options: Mapping[str, str]) -> tuple[UnitTable, NDArray[np.int64], str]:
        return UNITS, UNITS.unit_id, f"counting {options.get('made', '')}"

    def arranged(self, options: Mapping[str, str], kind: PerturbationKind, lesions: Sequence[Lesion]) -> list[Lesion]:
        return list(lesions)

    def run(
        self,
        options: Mapping[str, str],
        kind: PerturbationKind,
        lesions: Sequence[Lesion],
        n_frames: int,
        cancelled: Callable[[], bool],
    ) -> NDArray[np.void] | None:
        if trace := options.get("trace"):
            with open(trace, "a") as file:
                file.write(f"{os.getpid()} {options['game']} {lesions[0][0]}\n")
        if (victim := options.get("dies")) and not Path(victim).exists() and lesions[0][0] == 108:
            Path(victim).touch()
            os.abort()
        if options.get("always_dies"):
            os.abort()
        if (gate := options.get("gate")) and lesions[0][0] <= 124:
            while not Path(gate).exists():
                if cancelled():
                    return None
        found = np.zeros(len(lesions), outcome_dtype(self.columns))
        found["sum"] = [int(options["game"]) * sum(ids) * n_frames for ids in lesions]
        found["half"] = found["sum"] / 2
        found["fails"] = found["sum"] % 3 == 0
        found["severity"] = found["sum"] / 1000
        return found


def _open(options: Mapping[str, str]) -> Subject:
    raise SubjectError("nothing to open")


PLUGIN = SubjectPlugin(name="counting", summary="", open=_open, lesion_survey=CountingSurvey)
