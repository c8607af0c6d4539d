"""Probes, perturbations and triggers by what a person types.

    probe          NAME x=1200 y=500..3500 n=16 sigma=200
    perturbation   silence alu3 at=1000 for=500
                   drive region:alu at=2ms for=5 every=50 times=8 jitter=2 level=0
                   drive near:A3:120 falloff=60 for=10
                   stuck_off t1234 at=0
                   drive sync on=rise:alu3 after=20 for=5 holdoff=1000 max=3
                   patch L3H2 from=other.rig of=200 at=1000 for=20
    on=            rise:UNIT  rate:UNITS:COUNT/WINDOW  frame  bus:ADDRESS[:read|:write][:VALUE]

Times are ticks, or carry ``us``, ``ms`` or ``s`` of the original system's time.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from rig.errors import SpecError
from rig.perturbation import LESIONS, Perturbation, PerturbationKind, PulseTrain
from rig.probe import Probe, squared_distances
from rig.recorded import patch_from
from rig.selection import select_units
from rig.storage.recording import Recording
from rig.streams import StreamInfo, StreamKind
from rig.subject import SubjectInfo
from rig.trigger import Condition, FieldsMatch, FrameStarts, RateOver, Trigger, UnitRises
from rig.units import UnitTable

_SECONDS = {"us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0}
_PERTURB_KEYS = ("at", "for", "every", "times", "jitter", "level", "falloff", "on", "after", "holdoff", "max", "name")
_PATCH_KEYS = ("at", "for", "from", "of", "stream")
_PROBE_KEYS = ("x", "y", "z", "n", "sigma")


@dataclass(frozen=True)
class Bench:
    """What a specification is read against: the subject on the table and the probes in it."""

    info: SubjectInfo
    units: UnitTable
    streams: Sequence[StreamInfo]
    probes: Sequence[Probe] = field(default_factory=tuple)


def parse_ticks(text: str, info: SubjectInfo) -> int:
    """Ticks of ``500``, ``20us``, ``1.5ms`` or ``2s``. Raises SpecError."""
    for suffix, seconds in _SECONDS.items():
        number = text.removesuffix(suffix)
        if number != text and number and (number[-1].isdigit() or number[-1] == "."):
            if info.tick_hz <= 0:
                raise SpecError(f"asked for {text}; {info.name} has no clock of its own: give {info.tick_name}s")
            return round(_number(number, text) * seconds * info.tick_hz)
    value = _number(text, text)
    if value != int(value):
        raise SpecError(f"asked for {text} {info.tick_name}s; it must be whole")
    return int(value)


def parse_probe(text: str) -> Probe:
    """See the module. A range ``a..b`` spaces the n electrodes evenly from a to b. Raises SpecError."""
    name, given = _words(text, _PROBE_KEYS, "a probe", "A x=1200 y=500..3500 n=16 sigma=200")
    if "x" not in given or "y" not in given:
        raise SpecError(f"asked for probe {text!r}; it needs x= and y=, such as: A x=1200 y=500..3500 n=16 sigma=200")
    n = int(_number(given.get("n", "1"), text))
    if not 1 <= n <= 4096:
        raise SpecError(f"asked for probe {text!r} with {n} electrodes; 1 to 4096 are possible")
    axes = [_spaced(given.get(axis, "0"), n, text) for axis in ("x", "y", "z")]
    return Probe(name, tuple(zip(*axes, strict=True)), _number(given.get("sigma", "500"), text))


@dataclass(frozen=True)
class PerturbRequest:
    """What a perturbation's text asks for: perturbations at set ticks, or a trigger."""

    perturbations: tuple[Perturbation, ...] = ()
    trigger: Trigger | None = None


def parse_perturbation(text: str, bench: Bench, now_tick: int, seed: int) -> PerturbRequest:
    """See the module.

    Parameters
    ----------
    now_tick : where ``at`` is not given
    seed : for jitter

    Raises
    ------
    SpecError, UnknownUnitError, TickError : one line that says what to write.
    """
    kind_text, _, rest = text.strip().partition(" ")
    try:
        kind = PerturbationKind(kind_text)
    except ValueError:
        kinds = ", ".join(k.value for k in PerturbationKind)
        raise SpecError(f"asked for {kind_text!r} in {text!r}; it must be one of {kinds}") from None
    if kind is PerturbationKind.PATCH:
        return PerturbRequest((_parse_patch(rest, bench, now_tick),))
    unit_text, given = _words(rest, _PERTURB_KEYS, f"a {kind}", f"{kind} alu3 at=1000 for=500")
    ids = select_units(unit_text, bench.units, probes=bench.probes)
    units = tuple(int(u) for u in ids)
    weights = _falloff(unit_text, given, bench, ids)
    level = _number(given["level"], text) if "level" in given else None

    def ticks(key: str, default: int) -> int:
        return parse_ticks(given[key], bench.info) if key in given else default

    if kind in LESIONS or kind is PerturbationKind.RELEASE:
        extra = sorted(set(given) - {"at"})
        if extra:
            raise SpecError(f"asked for {kind} with {extra[0]}=; a {kind} takes only at=")
        return PerturbRequest((Perturbation(kind, units, ticks("at", now_tick)),))
    if "for" not in given and "on" not in given and "times" not in given:
        at = ticks("at", now_tick)
        return PerturbRequest((Perturbation(kind, units, at, None, level, weights),))
    width = ticks("for", 1)
    train = PulseTrain(
        kind=kind,
        unit_ids=units,
        onset_ticks=ticks("after", 0),
        width_ticks=width,
        period_ticks=ticks("every", width),
        count=int(_number(given.get("times", "1"), text)),
        jitter_ticks=ticks("jitter", 0),
        amplitude=level,
        weights=weights,
    )
    if "on" not in given:
        return PerturbRequest(train.pulses(ticks("at", now_tick), seed))
    if "at" in given:
        raise SpecError(f"asked for {text!r}; give at= (a tick) or on= (a trigger), not both")
    trigger = Trigger(
        name=given.get("name", given["on"]),
        condition=parse_condition(given["on"], bench),
        train=train,
        holdoff_ticks=ticks("holdoff", 0),
        max_count=int(_number(given["max"], text)) if "max" in given else None,
    )
    return PerturbRequest(trigger=trigger)


def _parse_patch(text: str, bench: Bench, now_tick: int) -> Perturbation:
    """``UNITS from=RECORDING of=TICK for=TICKS``: as they did there; ``of`` is where it begins unless said."""
    example = "patch L3H2 from=other.rig of=200 at=1000 for=20"
    unit_text, given = _words(text, _PATCH_KEYS, "a patch", example)
    if "from" not in given or "for" not in given:
        raise SpecError(f"asked for a patch of {unit_text}; it needs from= and for=, such as: {example}")
    ids = select_units(unit_text, bench.units, probes=bench.probes)
    at = parse_ticks(given["at"], bench.info) if "at" in given else now_tick
    path = Path(given["from"]).expanduser()
    with Recording.open(path) as recording:
        of = parse_ticks(given["of"], bench.info) if "of" in given else recording.start_tick
        return patch_from(
            recording, ids.tolist(), of, parse_ticks(given["for"], bench.info), at, given.get("stream", ""), path.stem
        )


def parse_condition(text: str, bench: Bench) -> Condition:
    """What follows ``on=``. Raises SpecError, UnknownUnitError."""
    word, _, rest = text.partition(":")
    by_kind = {s.kind: s for s in reversed(bench.streams)}
    if word == "rise" and (stream := by_kind.get(StreamKind.UNITS)) is not None:
        ids = select_units(rest, bench.units, stream.unit_ids)
        if len(ids) != 1:
            raise SpecError(f"asked for {text!r}; it names {len(ids)} units, a rise is of one")
        return UnitRises(stream.name, int(ids[0]))
    if word == "rate" and (stream := by_kind.get(StreamKind.UNITS)) is not None:
        unit_text, _, figures = rest.rpartition(":")
        count, slash, window = figures.partition("/")
        if not unit_text or not slash:
            raise SpecError(f"asked for {text!r}; write rate:UNITS:COUNT/WINDOW, such as rate:alu*:40/1000")
        ids = select_units(unit_text, bench.units, stream.unit_ids)
        return RateOver(
            stream.name, tuple(int(u) for u in ids), int(_number(count, text)), parse_ticks(window, bench.info)
        )
    if word == "frame" and (stream := by_kind.get(StreamKind.IMAGE)) is not None:
        return FrameStarts(stream.name)
    if word == "bus" and (stream := by_kind.get(StreamKind.BUS)) is not None:
        return _bus_condition(stream.name, rest, text)
    raise SpecError(
        f"asked for on={text}; {bench.info.name} takes rise:UNIT, rate:UNITS:COUNT/WINDOW, frame or "
        "bus:ADDRESS[:read|:write][:VALUE], as far as it has such streams"
    )


def _bus_condition(stream: str, rest: str, text: str) -> Condition:
    values: list[tuple[str, int]] = []
    address, *more = rest.split(":")
    try:
        values.append(("address", _integer(address)))
        for word in more:
            if word in ("read", "write"):
                values.append(("rw", int(word == "read")))
            else:
                values.append(("data", _integer(word)))
    except ValueError:
        raise SpecError(
            f"asked for {text!r}; write bus:ADDRESS[:read|:write][:VALUE], such as bus:0x02:write"
        ) from None
    return FieldsMatch(stream, tuple(values))


def _falloff(
    unit_text: str, given: Mapping[str, str], bench: Bench, ids: np.ndarray[tuple[int], np.dtype[np.int64]]
) -> tuple[float, ...]:
    """Weights exp(−d² / 2 falloff²) by the distance to the nearest electrode named in ``near:``."""
    if "falloff" not in given:
        return ()
    names = [term.split(":")[1] for term in unit_text.split(",") if term.strip().startswith("near:")]
    places = [e for p in bench.probes for name, e in zip(p.channel_names, p.electrodes, strict=True) if name in names]
    falloff = _number(given["falloff"], f"falloff={given['falloff']}")
    if not places or falloff <= 0:
        raise SpecError(f"asked for falloff={given['falloff']}; it takes a distance > 0 and units given as near:E:R")
    d2 = squared_distances(bench.units, np.asarray(places))[bench.units.rows(ids)].min(axis=1)
    weights = np.where(np.isfinite(d2), np.exp(-d2 / (2 * falloff**2)), 0.0)
    return tuple(float(w) for w in weights)


def _words(text: str, keys: Sequence[str], what: str, example: str) -> tuple[str, dict[str, str]]:
    """The first word, and the key=value words after it."""
    words = text.split()
    if not words or "=" in words[0]:
        raise SpecError(f"asked for {what} as {text!r}; write for example: {example}")
    given: dict[str, str] = {}
    for word in words[1:]:
        key, equals, value = word.partition("=")
        if not equals or key not in keys or not value:
            raise SpecError(f"asked for {what} with {word!r}; it takes {'=, '.join(keys)}=, for example: {example}")
        given[key] = value
    return words[0], given


def _spaced(text: str, n: int, whole: str) -> list[float]:
    first, dots, last = text.partition("..")
    start = _number(first, whole)
    stop = _number(last, whole) if dots else start
    return [float(v) for v in np.linspace(start, stop, n)]


def _number(text: str, whole: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise SpecError(f"asked for {whole!r}; {text!r} is no number")
    return value


def _integer(text: str) -> int:
    """``0x2c``, ``$2c`` or ``44``."""
    return int(text[1:], 16) if text.startswith("$") else int(text, 0)
