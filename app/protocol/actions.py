"""Steps read against the subject on the table: what each will do, or why it cannot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.protocol.steps import Do, Protocol, Step, ends_of_repeats, repeat_count
from rig.errors import HeadstageError, SpecError, UnknownUnitError
from rig.perturbation import Perturbation, PerturbationKind
from rig.spec import Bench, PerturbRequest, parse_condition, parse_perturbation, parse_ticks
from rig.subject import ControlInfo, ControlValue
from rig.trigger import Condition

HOPS_HZ = 100.0
"""How often a ``wait until`` looks, in the subject's time, unless told by every=."""
_TRUTHS = {"true": True, "on": True, "1": True, "false": False, "off": False, "0": False}


@dataclass(frozen=True)
class Table:
    """What a protocol is read against.

    Attributes
    ----------
    bench : subject and probes
    controls, kinds : what the subject takes
    seed : of the run, for jitter
    """

    bench: Bench
    controls: Sequence[ControlInfo]
    kinds: frozenset[PerturbationKind]
    seed: int = 0


@dataclass(frozen=True)
class Wait:
    """Time passes. A ``repeat`` and its end are waits of none."""

    n_ticks: int = 0


@dataclass(frozen=True)
class WaitUntil:
    """Until a condition fires; looked at every hop_ticks. The wait ends at the look after the firing."""

    condition: Condition
    hop_ticks: int
    within_ticks: int | None = None


@dataclass(frozen=True)
class Perturb:
    """Perturbations from the tick of the step on, or a trigger that is armed then."""

    text: str


@dataclass(frozen=True)
class SetControl:
    name: str
    value: ControlValue


@dataclass(frozen=True)
class WriteNote:
    text: str


@dataclass(frozen=True)
class SetMark:
    number: int


@dataclass(frozen=True)
class Record:
    name: str


@dataclass(frozen=True)
class StopRecording:
    """Close the recording."""


Action = Wait | WaitUntil | Perturb | SetControl | WriteNote | SetMark | Record | StopRecording


@dataclass(frozen=True)
class ReadStep:
    """A step that can be done."""

    delay_ticks: int
    action: Action


@dataclass(frozen=True)
class Problem:
    """Why a step cannot be done. Row −1 is the protocol as a whole."""

    row: int
    line: str


def read_protocol(protocol: Protocol, table: Table) -> tuple[tuple[ReadStep, ...], tuple[Problem, ...]]:
    """Every step read; with problems the protocol cannot be run."""
    read, problems = [], []
    try:
        ends_of_repeats(protocol.steps)
    except SpecError as error:
        number = str(error).removeprefix("step ").split(":")[0]
        problems.append(Problem(int(number) - 1, str(error).split(": ", 1)[1]))
    for row, step in enumerate(protocol.steps):
        try:
            read.append(read_step(step, row, table))
        except HeadstageError as error:
            problems.append(Problem(row, str(error).removeprefix(f"step {row + 1}: ")))
    return tuple(read), tuple(problems)


def read_step(step: Step, row: int, table: Table) -> ReadStep:
    """Raises SpecError, UnknownUnitError, TickError: one line without the step's number."""
    return ReadStep(_time(step.after or "0", "after", table), _action(step, row, table))


def _action(step: Step, row: int, table: Table) -> Action:
    what = step.what.strip()
    match step.do:
        case Do.PERTURB:
            perturb_request(what, table, 0)
            return Perturb(what)
        case Do.CONTROL:
            return _control(what, table)
        case Do.NOTE:
            if not what:
                raise SpecError("asked for a note without a text; write one")
            return WriteNote(what)
        case Do.MARK:
            if not (what.isdecimal() and 1 <= int(what) <= 9):
                raise SpecError(f"asked for mark {what!r}; marks are 1 to 9")
            return SetMark(int(what))
        case Do.RECORD:
            if "/" in what or "\\" in what or what in (".", ".."):
                raise SpecError(f"asked to record {what!r}; give a name, not a path: it goes to the recordings' folder")
            return Record(what)
        case Do.STOP_RECORDING:
            return StopRecording()
        case Do.WAIT:
            return Wait(_time(what, "wait", table))
        case Do.WAIT_UNTIL:
            return _wait_until(what, table)
        case Do.REPEAT:
            repeat_count(step, row)
            return Wait()
        case Do.END_REPEAT:
            return Wait()


def perturb_request(text: str, table: Table, tick: int) -> PerturbRequest:
    """The perturbations of a step that is done at `tick`, or its trigger. Raises SpecError, UnknownUnitError."""
    words = text.split()
    if any(word.startswith("at=") for word in words):
        raise SpecError(f"asked for {text!r}; leave at= out: the step's own time says when")
    request = parse_perturbation(text, table.bench, tick, table.seed)
    wanted = {p.kind for p in request.perturbations}
    if request.trigger is not None and request.trigger.train is not None:
        wanted.add(request.trigger.train.kind)
    if lacking := wanted - table.kinds:
        kinds = ", ".join(sorted(table.kinds)) or "none"
        raise SpecError(f"asked for {sorted(lacking)[0]}; {table.bench.info.name} takes {kinds}")
    labelled = tuple(_labelled(p) for p in request.perturbations)
    return replace(request, perturbations=labelled)


def _labelled(p: Perturbation) -> Perturbation:
    return p if p.label else replace(p, label="protocol")


def _control(text: str, table: Table) -> SetControl:
    name, equals, value_text = text.partition("=")
    name, value_text = name.strip(), value_text.strip()
    control = next((c for c in table.controls if c.name == name), None)
    if not equals or control is None:
        there = ", ".join(c.name for c in table.controls) or "none"
        raise UnknownUnitError(f"asked for control {text!r}; write NAME=VALUE, the controls are {there}")
    value = control_value(control, value_text)
    return SetControl(name, value)


def control_value(control: ControlInfo, text: str) -> ControlValue:
    """What was typed, as a value that the control takes. Raises SpecError."""
    value: ControlValue
    try:
        if isinstance(control.default, bool):
            value = _TRUTHS[text.lower()]
        elif isinstance(control.default, int | float):
            value = type(control.default)(text)
        else:
            value = text
    except (KeyError, ValueError):
        wanted = "true or false" if isinstance(control.default, bool) else "a number"
        raise SpecError(f"asked for {control.name}={text}; it takes {wanted}") from None
    if control.choices and value not in control.choices:
        choices = ", ".join(str(c) for c in control.choices)
        raise SpecError(f"asked for {control.name}={text}; it takes one of {choices}")
    return value


def _wait_until(text: str, table: Table) -> WaitUntil:
    condition, *words = text.split() or [""]
    given = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or key not in ("within", "every"):
            raise SpecError(f"asked to wait until {text!r}; write for example: rise:UNIT within=2s every=10ms")
        given[key] = _time(value, key, table, least=1)
    # once in 10 ms: a look takes a turn of the window, and need not be finer than an eye
    hop = given.get("every", max(1, round(table.bench.info.tick_hz / HOPS_HZ)))
    return WaitUntil(parse_condition(condition, table.bench), hop, given.get("within"))


def _time(text: str, what: str, table: Table, least: int = 0) -> int:
    ticks = parse_ticks(text.replace(" ", ""), table.bench.info)
    if ticks < least:
        raise SpecError(f"asked for {what} {text!r}; it must be at least {least} {table.bench.info.tick_name}")
    return ticks
