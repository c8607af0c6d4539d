"""The console's controls by name: two sticks, their fire buttons, the switches."""

from __future__ import annotations

from collections.abc import Mapping

from rig.errors import SpecError, UnknownUnitError
from rig.subject import ControlInfo, ControlValue
from subjects.microprocessor.atari2600.console import ConsoleInputs, Stick

_DIRECTIONS = ("up", "down", "left", "right")


def _stick(prefix: str, what: str) -> tuple[ControlInfo, ...]:
    directions = tuple(ControlInfo(f"{prefix}stick_{d}", f"{what} stick held {d}", False) for d in _DIRECTIONS)
    return (*directions, ControlInfo(f"{prefix}fire", f"{what} fire button held", False))


CONTROLS = (
    *_stick("", "left"),
    ControlInfo("select", "game select switch held", False),
    ControlInfo("reset", "game reset switch held: most games start with it", False),
    ControlInfo("color", "television type switch on colour; black and white when off", True),
    ControlInfo("difficulty_left", "left difficulty switch", "B", ("A", "B")),
    ControlInfo("difficulty_right", "right difficulty switch", "B", ("A", "B")),
    *_stick("right_", "right"),
)
_BY_NAME = {control.name: control for control in CONTROLS}


def check_control(name: str, value: ControlValue) -> None:
    """Raises UnknownUnitError for another name, SpecError for a value that the control does not take."""
    control = _BY_NAME.get(name)
    if control is None:
        raise UnknownUnitError(f"asked for control {name!r}; there are {', '.join(_BY_NAME)}")
    if type(value) is not type(control.default) or (control.choices and value not in control.choices):
        wanted = " or ".join(map(str, control.choices)) if control.choices else "true or false"
        raise SpecError(f"asked for {name}={value!r}; it takes {wanted}")


def default_controls() -> dict[str, ControlValue]:
    return {control.name: control.default for control in CONTROLS}


def console_inputs(values: Mapping[str, ControlValue]) -> ConsoleInputs:
    """What the values of all controls mean to the console."""

    def stick(prefix: str) -> Stick:
        return Stick(
            **{direction: bool(values[f"{prefix}stick_{direction}"]) for direction in _DIRECTIONS},
            fire=bool(values[f"{prefix}fire"]),
        )

    return ConsoleInputs(
        stick0=stick(""),
        stick1=stick("right_"),
        reset=bool(values["reset"]),
        select=bool(values["select"]),
        color=bool(values["color"]),
        difficulty0_a=values["difficulty_left"] == "A",
        difficulty1_a=values["difficulty_right"] == "A",
    )
