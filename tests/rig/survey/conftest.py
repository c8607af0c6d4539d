from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from rig.perturbation import PerturbationKind
from rig.survey.plan import SurveyPlan
from tests.rig.survey.counting_survey import UNITS

MakePlan = Callable[..., SurveyPlan]


@pytest.fixture
def make_plan() -> MakePlan:
    def make(extra: Mapping[str, str] | None = None, **changes: object) -> SurveyPlan:
        given = {
            "plugin": "tests.rig.survey.counting_survey:PLUGIN",
            "preparations": tuple({"game": game, **(extra or {})} for game in ("1", "3")),
            "kind": PerturbationKind.STUCK_ON,
            "lesions": tuple((int(u),) for u in UNITS.unit_id),
            "n_frames": 2,
            "portion_lesions": 8,
            "fingerprints": ("counting ", "counting "),
        }
        return SurveyPlan(**(given | changes))  # type: ignore[arg-type]

    return make
