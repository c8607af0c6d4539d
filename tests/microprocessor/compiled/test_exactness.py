"""The lists of perturbations that run event by event: a part of the survey that made them, made again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from subjects.microprocessor.compiled.trial import is_listed
from subjects.microprocessor.opening import CHIPS, open_chip
from subjects.microprocessor.survey_exactness import ExactnessSurvey, Kind, candidates, perturbation

N_OF_EACH = 3


@pytest.fixture(scope="module", params=["hs6502", "mos6502"])
def survey(request: pytest.FixtureRequest) -> ExactnessSurvey:
    folder = ""
    if request.param == "mos6502":
        shared: Path = request.getfixturevalue("shared_data")
        folder = str(shared / "mos6502")
    chip = CHIPS[request.param]
    return ExactnessSurvey(open_chip(chip, folder).netlist, chip)


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("listed", [True, False])
def test_the_list_says_what_the_survey_finds(survey: ExactnessSurvey, kind: Kind, listed: bool) -> None:
    given = [perturbation(survey.netlist, kind, c) for c in candidates(survey.netlist, kind)]
    chosen = [p for p in given if is_listed(survey.netlist, survey.chip.inexact, *p) is listed]
    places = np.random.default_rng(11).choice(len(chosen), N_OF_EACH, replace=False)
    found = [survey.judge(*chosen[i]).parting is not None for i in places.tolist()]
    assert found == [listed] * N_OF_EACH
