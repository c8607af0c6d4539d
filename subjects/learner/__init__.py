"""The learner: a small transformer that learns in front of the rig, one training step a tick."""

from __future__ import annotations

from collections.abc import Mapping

from rig.subject import OptionInfo, Subject, SubjectPlugin


def _open(options: Mapping[str, str]) -> Subject:
    from subjects.learner.opening import open_learner

    return open_learner(options)


PLUGIN = SubjectPlugin(
    name="learner",
    summary="a two-layer transformer that learns while you watch, from bigrams to an induction head",
    open=_open,
    options=(
        OptionInfo("heads", "attention heads in each of the two layers, 1 to 8", "4"),
        OptionInfo("width", "residual directions, a multiple of the heads, 8 to 128", "64"),
        OptionInfo("vocabulary", "tokens there are, 8 to 256", "64"),
        OptionInfo("context", "tokens in a sequence, 8 to 128, a multiple of 4", "64"),
        OptionInfo("batch", "sequences in a step, 1 to 128", "32"),
    ),
)
