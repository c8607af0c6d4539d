"""Units, probes, perturbations and triggers as a person types them."""

from __future__ import annotations

import numpy as np
import pytest

from rig.errors import SpecError, TickError, UnknownUnitError
from rig.perturbation import Perturbation, PerturbationKind, PulseTrain
from rig.probe import Probe
from rig.registry import open_subject
from rig.selection import select_units
from rig.spec import Bench, parse_condition, parse_perturbation, parse_probe, parse_ticks
from rig.trigger import FieldsMatch, FrameStarts, RateOver, UnitRises

PROBE = Probe("A", ((0.0, 0.0, 0.0), (500.0, 0.0, 0.0)), sigma=100.0)


@pytest.fixture(scope="module")
def bench() -> Bench:
    subject = open_subject("model-cell")
    return Bench(subject.info, subject.units, subject.streams, (PROBE,))


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("cell3", [103]),
        ("cell1,cell0", [100, 101]),
        ("cell1?", [110, 111, 112, 113, 114, 115]),
        ("#104", [104]),
        ("#104-106", [104, 105, 106]),
        ("region:front/left,cell1", [100, 101, 102, 104, 106, 108, 110, 112, 114]),
        ("region:front", list(range(100, 116))),
        ("region:Front/LEFT,cell1", [100, 101, 102, 104, 106, 108, 110, 112, 114]),
        ("kind:cell", list(range(100, 116))),
        ("all", list(range(100, 116))),
        ("near:A2:150", [104, 105, 106]),
        ("near:A2:150&region:front/left,cell1", [101, 104, 106]),
    ],
)
def test_units(bench, text, ids):
    np.testing.assert_array_equal(select_units(text, bench.units, probes=bench.probes), ids)


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("cel3", UnknownUnitError, "did you mean cell3"),
        ("#9", UnknownUnitError, "no unit is there"),
        ("region:back", UnknownUnitError, "front/left"),
        ("kind:neuron", UnknownUnitError, "kinds are cell"),
        ("near:B1:10", UnknownUnitError, "A1, A2"),
        ("near:A1", SpecError, "near:A3:120"),
        ("near:A1:far", SpecError, "number"),
        ("cell1,,cell2", SpecError, "empty"),
    ],
)
def test_what_names_no_unit(bench, text, error, words):
    with pytest.raises(error, match=words):
        select_units(text, bench.units, probes=bench.probes)


def test_units_of_a_stream_only(bench):
    with pytest.raises(UnknownUnitError, match="none of them carried here"):
        select_units("cell1", bench.units, among=np.array([102]))


@pytest.mark.parametrize(("text", "ticks"), [("500", 500), ("2ms", 2), ("1.5s", 1500), ("3000us", 3), ("0", 0)])
def test_ticks(bench, text, ticks):
    assert parse_ticks(text, bench.info) == ticks


@pytest.mark.parametrize("text", ["", "x", "1.5", "5min", "nan", "infs"])
def test_no_ticks(bench, text):
    with pytest.raises(SpecError):
        parse_ticks(text, bench.info)


def test_probe():
    probe = parse_probe("B x=10 y=0..30 n=4 sigma=25")
    assert probe == Probe("B", ((10, 0, 0), (10, 10, 0), (10, 20, 0), (10, 30, 0)), 25.0)
    assert probe.channel_names == ("B1", "B2", "B3", "B4")


@pytest.mark.parametrize(
    "text", ["", "A", "A x=1", "A x=1 y=2 n=0", "A x=1 y=2 w=3", "A x=1 y=2 sigma=0", "A-1 x=1 y=2", "A x=q y=2"]
)
def test_no_probe(text):
    with pytest.raises(SpecError):
        parse_probe(text)


DRIVE, SILENCE = PerturbationKind.DRIVE, PerturbationKind.SILENCE


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("silence cell3 at=1000 for=500", [Perturbation(SILENCE, (103,), 1000, 1500)]),
        ("silence cell3", [Perturbation(SILENCE, (103,), 7)]),
        ("drive cell3 level=0 at=10", [Perturbation(DRIVE, (103,), 10, None, 0.0)]),
        ("release cell3,cell4 at=20ms", [Perturbation(PerturbationKind.RELEASE, (103, 104), 20)]),
        ("stuck_off cell3 at=0", [Perturbation(PerturbationKind.STUCK_OFF, (103,), 0)]),
        (
            "drive cell3 at=100 for=2 every=10 times=3",
            [Perturbation(DRIVE, (103,), t, t + 2) for t in (100, 110, 120)],
        ),
    ],
)
def test_perturbations(bench, text, expected):
    assert list(parse_perturbation(text, bench, now_tick=7, seed=0).perturbations) == expected


def test_falloff_weighs_by_distance(bench):
    (p,) = parse_perturbation("drive near:A2:200 falloff=100 for=5", bench, 0, 0).perturbations
    assert p.unit_ids == (103, 104, 105, 106, 107)
    np.testing.assert_allclose(p.weights, np.exp(-(np.array([2, 1, 0, 1, 2]) ** 2) / 2), rtol=1e-6)


def test_trigger(bench):
    request = parse_perturbation("drive cell1 on=rise:cell3 after=20 for=5 holdoff=100 max=3", bench, 0, 0)
    assert request.perturbations == ()
    trigger = request.trigger
    assert trigger is not None
    assert trigger.condition == UnitRises("spikes", 103)
    assert trigger.train == PulseTrain(DRIVE, (101,), 20, 5, 5)
    assert (trigger.holdoff_ticks, trigger.max_count) == (100, 3)


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("rate:cell1,cell2:40/1s", RateOver("spikes", (101, 102), 40, 1000)),
        ("frame", FrameStarts("frame")),
        ("bus:0x10", FieldsMatch("word", (("address", 16),))),
        ("bus:$2C:write:255", FieldsMatch("word", (("address", 0x2C), ("rw", 0), ("data", 255)))),
        ("bus:44:read", FieldsMatch("word", (("address", 44), ("rw", 1)))),
    ],
)
def test_conditions(bench, text, condition):
    assert parse_condition(text, bench) == condition


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("kill cell1", SpecError),
        ("silence", SpecError),
        ("silence at=5", SpecError),
        ("silence nobody", UnknownUnitError),
        ("silence cell1 for=0", SpecError),
        ("silence cell1 when=5", SpecError),
        ("stuck_on cell1 for=5", SpecError),
        ("drive cell1 at=5 on=frame", SpecError),
        ("drive cell1 on=rise:cell*", SpecError),
        ("drive cell1 on=rate:cell1:5", SpecError),
        ("drive cell1 on=bus:here", SpecError),
        ("drive cell1 on=sunrise", SpecError),
        ("drive cell1 falloff=10 for=2", SpecError),
        ("drive cell1 at=-5 for=2", TickError),
    ],
)
def test_what_cannot_be_read(bench, text, error):
    with pytest.raises(error) as raised:
        parse_perturbation(text, bench, 0, 0)
    assert "\n" not in str(raised.value)
