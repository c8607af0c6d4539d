"""What a survey says of all its lesions together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rig.survey.journal import SurveyJournal
from rig.survey.plan import FAILS, SEVERITY
from rig.units import UnitTable


def failure_counts(journal: SurveyJournal) -> NDArray[np.int64]:
    """(n_preparations + 1,) lesions that make 0, 1, … all preparations fail.

    Raises
    ------
    FormatError : the survey is not done.
    """
    n = len(journal.plan.preparations)
    n_failing = sum(journal.outcomes(p)[FAILS].astype(np.int64) for p in range(n))
    return np.bincount(n_failing, minlength=n + 1)


def unit_severity(journal: SurveyJournal, units: UnitTable) -> NDArray[np.float32]:
    """(n_units,) float32: the mean over preparations of the severity of a unit's lesion, the worst where it is in
    several; NaN where it is in none.

    Raises
    ------
    FormatError : the survey is not done.
    """
    plan = journal.plan
    of_lesion = np.mean([journal.outcomes(p)[SEVERITY] for p in range(len(plan.preparations))], axis=0)
    severity = np.full(len(units), -np.inf, np.float32)
    lesion = np.repeat(np.arange(len(plan.lesions)), [len(ids) for ids in plan.lesions])
    np.maximum.at(severity, units.rows([u for ids in plan.lesions for u in ids]), of_lesion[lesion].astype(np.float32))
    severity[np.isneginf(severity)] = np.nan
    return severity
