"""A stimulus as it is typed into the panel, and what the rig makes of it. No widgets."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from app.window.tools.time_text import read_ticks
from app.window.tools.unit_text import spec_of_units
from rig.errors import SpecError
from rig.perturbation import PerturbationKind, PulseTrain
from rig.probe import Probe, squared_distances
from rig.spec import Bench, parse_condition
from rig.streams import StreamKind
from rig.trigger import Trigger
from rig.units import UnitTable


class Mode(StrEnum):
    """What a pulse does. A word of the panel."""

    HIGH = "drive high"
    LOW = "drive low"
    AMPLITUDE = "drive to"
    ADD = "add"
    SCALE = "multiply by"

    @property
    def kind(self) -> PerturbationKind:
        return _KIND.get(self, PerturbationKind.DRIVE)

    @property
    def takes_amplitude(self) -> bool:
        return self not in (Mode.HIGH, Mode.LOW)


_KIND = {Mode.ADD: PerturbationKind.ADD, Mode.SCALE: PerturbationKind.SCALE}
STIMULI = frozenset(mode.kind for mode in Mode)


def possible_modes(kinds: Collection[PerturbationKind]) -> tuple[Mode, ...]:
    """Those that a subject can have done to it."""
    return tuple(mode for mode in Mode if mode.kind in kinds)


class TriggerKind(StrEnum):
    """What starts the train. The words are those of `rig.spec`."""

    NOW = "now"
    RISE = "rise"
    RATE = "rate"
    FRAME = "frame"
    BUS = "bus"


TRIGGER_TEXT = {
    TriggerKind.NOW: "now",
    TriggerKind.RISE: "unit rises",
    TriggerKind.RATE: "rate reaches",
    TriggerKind.FRAME: "frame starts",
    TriggerKind.BUS: "bus address",
}
TRIGGER_HINT = {
    TriggerKind.RISE: "unit, such as {unit}",
    TriggerKind.RATE: "units:count/window, such as {unit}:10/1000",
    TriggerKind.BUS: "address[:read|:write][:value], such as 0x02:write",
}


@dataclass(frozen=True)
class StimulusForm:
    """The panel's fields as text."""

    mode: Mode = Mode.HIGH
    amplitude: str = "1"
    trigger: TriggerKind = TriggerKind.NOW
    condition: str = ""
    onset: str = "0"
    width: str = "5"
    period: str = "30"
    count: str = "1"
    jitter: str = "0"
    holdoff: str = "0"
    max_count: str = ""


@dataclass(frozen=True)
class Target:
    """Whom it reaches.

    Attributes
    ----------
    unit_ids : ids
    weights : an electrode's falloff; empty for 1 everywhere
    spec : the term of `rig.selection` that names them
    falloff : in the subject's space; None for flat
    """

    unit_ids: tuple[int, ...]
    weights: tuple[float, ...] = ()
    spec: str = ""
    falloff: float | None = None


def possible_triggers(bench: Bench) -> tuple[TriggerKind, ...]:
    """Those for which the subject has a stream."""
    kinds = {s.kind for s in bench.streams}
    needed = {
        TriggerKind.RISE: StreamKind.UNITS,
        TriggerKind.RATE: StreamKind.UNITS,
        TriggerKind.FRAME: StreamKind.IMAGE,
        TriggerKind.BUS: StreamKind.BUS,
    }
    return (TriggerKind.NOW, *(t for t, kind in needed.items() if kind in kinds))


def read_train(form: StimulusForm, target: Target, bench: Bench) -> PulseTrain:
    """The train that is asked for.

    Raises
    ------
    SpecError : one line that names the field.
    """
    if not target.unit_ids:
        raise SpecError("asked for a stimulus of nothing; select units on the map or in a list")
    info = bench.info
    count = _whole(form.count, "count")
    width = read_ticks(form.width, info, what="width", least=1)
    # the period of a single pulse means nothing, whatever is in the field
    period = read_ticks(form.period, info, what="period", least=1) if count > 1 else width
    return PulseTrain(
        kind=form.mode.kind,
        unit_ids=target.unit_ids,
        onset_ticks=read_ticks(form.onset, info, what="onset"),
        width_ticks=width,
        period_ticks=period,
        count=count,
        jitter_ticks=read_ticks(form.jitter, info, what="jitter") if count > 1 or form.jitter.strip() else 0,
        amplitude=read_amplitude(form),
        weights=target.weights,
    )


def read_amplitude(form: StimulusForm) -> float:
    if form.mode.takes_amplitude:
        try:
            value = float(form.amplitude.replace("−", "-"))
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise SpecError(f"asked for amplitude {form.amplitude!r}; type a number")
        return value
    return 1.0 if form.mode is Mode.HIGH else 0.0


def condition_text(form: StimulusForm) -> str:
    """As after ``on=`` in `rig.spec`. Raises SpecError when the field is empty."""
    if form.trigger is TriggerKind.FRAME:
        return "frame"
    condition = form.condition.replace(" ", "")
    if not condition:
        raise SpecError(f"asked for a trigger: {TRIGGER_TEXT[form.trigger]} …; type what in the field beside it")
    return f"{form.trigger}:{condition}"


def read_trigger(form: StimulusForm, target: Target, bench: Bench, name: str) -> Trigger:
    """The armed train. Raises SpecError, UnknownUnitError."""
    if form.trigger is TriggerKind.NOW:
        raise SpecError("asked to arm without a trigger; choose one under start: a rise, a rate, a frame, an address")
    return Trigger(
        name=name,
        condition=parse_condition(condition_text(form), bench),
        train=read_train(form, target, bench),
        holdoff_ticks=read_ticks(form.holdoff or "0", bench.info, what="holdoff"),
        max_count=_whole(form.max_count, "times") if form.max_count.strip() else None,
    )


def spec_text(form: StimulusForm, target: Target, bench: Bench) -> str:
    """The same as one line of `rig.spec`, for a protocol. Raises SpecError, UnknownUnitError when it is none."""
    train = read_train(form, target, bench)
    words = [str(train.kind), target.spec, f"for={train.width_ticks}"]
    if train.count > 1:
        words += [f"every={train.period_ticks}", f"times={train.count}"]
    if train.jitter_ticks:
        words.append(f"jitter={train.jitter_ticks}")
    if train.amplitude != 1.0 or train.kind is PerturbationKind.SCALE:
        words.append(f"level={train.amplitude:g}")
    if target.falloff is not None:
        words.append(f"falloff={target.falloff:g}")
    if form.trigger is not TriggerKind.NOW:
        trigger = read_trigger(form, target, bench, "plan")
        words.append(f"on={condition_text(form)}")
        if trigger.holdoff_ticks:
            words.append(f"holdoff={trigger.holdoff_ticks}")
        if trigger.max_count is not None:
            words.append(f"max={trigger.max_count}")
    if train.onset_ticks:
        words.append(f"after={train.onset_ticks}")
    return " ".join(words)


def target_of_selection(unit_ids: Sequence[int], units: UnitTable) -> Target:
    ids = tuple(sorted({int(u) for u in unit_ids}))
    return Target(ids, spec=spec_of_units(ids, units) if ids else "")


def target_near(electrode: str, radius_text: str, falloff_text: str, bench: Bench) -> Target:
    """Units within a radius of an electrode, weighted by a Gaussian of the distance unless the falloff is empty.

    Raises
    ------
    SpecError : no such electrode, or a length that is none.
    """
    radius = _length(radius_text, "radius")
    falloff = _length(falloff_text, "falloff") if falloff_text.strip() else None
    place = place_of(electrode, bench.probes)
    d2 = squared_distances(bench.units, np.asarray([place]))[:, 0]
    reached = np.flatnonzero(d2 <= radius**2)
    if len(reached) == 0:
        raise SpecError(f"asked for units within {radius:g} of {electrode}; none is there: give a larger radius")
    weights = () if falloff is None else tuple(np.exp(-d2[reached] / (2 * falloff**2)).tolist())
    ids = tuple(bench.units.unit_id[reached].tolist())
    return Target(ids, weights, f"near:{electrode}:{radius:g}", falloff)


def place_of(electrode: str, probes: Sequence[Probe]) -> tuple[float, float, float]:
    for probe in probes:
        for name, place in zip(probe.channel_names, probe.electrodes, strict=True):
            if name == electrode:
                return place
    raise SpecError(f"asked for electrode {electrode!r}; it is not in any more: choose another")


def _length(text: str, what: str) -> float:
    try:
        value = float(text.replace("µm", "").replace("um", ""))
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0):
        raise SpecError(f"asked for {what} {text.strip()!r}; type a distance above 0")
    return value


def _whole(text: str, what: str) -> int:
    try:
        value = int(text.replace(" ", ""))
    except ValueError:
        value = 0
    if value < 1:
        raise SpecError(f"asked for {what} {text.strip()!r}; type a whole number from 1 on")
    return value
