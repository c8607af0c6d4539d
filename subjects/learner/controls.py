"""What the learner is given from outside: how it learns, and what from."""

from __future__ import annotations

import math
from collections.abc import Mapping

from rig.errors import SpecError, UnknownUnitError
from rig.subject import ControlInfo, ControlValue
from subjects.learner.data import Kind

MAX_RATE = 0.1

CONTROLS = (
    ControlInfo("learning_rate", f"of AdamW, 0 to {MAX_RATE:g}", 0.003),
    ControlInfo("freeze", "no weight changes, and the optimiser keeps what it knows", False),
    ControlInfo("markov", "share of the batch in which a token tells the next, against the other two", 1.0),
    ControlInfo("repeats", "share of the batch that is random and told again and again", 1.0),
    ControlInfo("random", "share of the batch that cannot be learned", 0.0),
)
_SHARE = {Kind.MARKOV: "markov", Kind.REPEATS: "repeats", Kind.RANDOM: "random"}


def checked(name: str, value: ControlValue, now: Mapping[str, ControlValue]) -> ControlValue:
    """The value, if the control takes it beside the others as they are. Raises UnknownUnitError, SpecError."""
    info = next((c for c in CONTROLS if c.name == name), None)
    if info is None:
        raise UnknownUnitError(f"asked for control {name!r}; there are {', '.join(c.name for c in CONTROLS)}")
    if type(value) is not type(info.default):
        raise SpecError(f"asked for {name}={value!r}; it takes a {type(info.default).__name__}")
    if isinstance(value, float):
        most = MAX_RATE if name == "learning_rate" else math.inf
        if not (math.isfinite(value) and 0 <= value <= most):
            raise SpecError(f"asked for {name}={value:g}; it takes 0 to {most:g}")
        if name != "learning_rate" and not any(mix({**now, name: value}).values()):
            raise SpecError(f"asked for {name}=0; something must be read: give another share first")
    return value


def mix(values: Mapping[str, ControlValue]) -> dict[Kind, float]:
    return {kind: float(values[name]) for kind, name in _SHARE.items()}
