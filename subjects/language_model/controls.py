"""The controls of a language model by name."""

from __future__ import annotations

import math
from collections.abc import Mapping

from rig.errors import SpecError, UnknownUnitError
from rig.subject import ControlInfo, ControlValue
from subjects.language_model.directions import FORMS

N_DIRECTIONS = 4
KEEP, REWRITE = "from now", "rewrite history"

CONTROLS = (
    ControlInfo("prompt", "typed now and read before it goes on; \\n is a new line", ""),
    ControlInfo("write", "goes on by itself; off: waits for a prompt when it has read the last one", True),
    ControlInfo("temperature", "of the draw: 0 the likeliest, 1 as the model has it", 0.8),
    ControlInfo("top_p", "draw among the likeliest tokens that together have this probability", 0.95),
    ControlInfo("seed", "with the run's seed it decides the draws", 0),
    ControlInfo(
        "history",
        "what a perturbation changes: what is read from now on, or also keys and values of all that was read",
        KEEP,
        (KEEP, REWRITE),
    ),
    *(ControlInfo(f"direction_{i + 1}", f"{FORMS}: dir{i + 1}", "") for i in range(N_DIRECTIONS)),
)
_BY_NAME = {control.name: control for control in CONTROLS}
_RANGES: Mapping[str, tuple[float, float]] = {"temperature": (0.0, 10.0), "top_p": (0.0, 1.0)}


def check_control(name: str, value: ControlValue) -> ControlValue:
    """The value, as the control's own type.

    Raises
    ------
    UnknownUnitError : no such control. SpecError : a value that it does not take.
    """
    control = _BY_NAME.get(name)
    if control is None:
        raise UnknownUnitError(f"asked for control {name!r}; there are {', '.join(_BY_NAME)}")
    if type(control.default) is float and type(value) is int:
        value = float(value)
    if type(value) is not type(control.default) or (control.choices and value not in control.choices):
        words = {bool: "true or false", float: "a number", int: "a whole number", str: "a text"}
        wanted = " or ".join(map(str, control.choices)) if control.choices else words[type(control.default)]
        raise SpecError(f"asked for {name}={value!r}; it takes {wanted}")
    if name in _RANGES and isinstance(value, float):
        low, high = _RANGES[name]
        if not math.isfinite(value) or not low <= value <= high:
            raise SpecError(f"asked for {name}={value:g}; it takes {low:g} to {high:g}")
    return value


def default_controls() -> dict[str, ControlValue]:
    return {control.name: control.default for control in CONTROLS}
