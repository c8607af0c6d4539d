"""The schedule of perturbations against a naive reading of its rules, tick by tick."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig.errors import SpecError, TickError
from rig.perturbation import LESIONS, Perturbation, PerturbationKind, PulseTrain
from rig.schedule import Schedule

HOLDS = (PerturbationKind.DRIVE, PerturbationKind.SILENCE)


@st.composite
def perturbations(draw):
    kind = draw(st.sampled_from([*HOLDS, PerturbationKind.RELEASE, PerturbationKind.STUCK_ON]))
    units = tuple(draw(st.sets(st.integers(0, 4), min_size=1)))
    start = draw(st.integers(0, 30))
    stop = start + draw(st.integers(1, 15)) if kind in HOLDS and draw(st.booleans()) else None
    return Perturbation(kind, units, start, stop)


def holder_naively(given_: list[Perturbation], unit: int, tick: int) -> Perturbation | None:
    """Of what holds the unit at a tick, the one that started last; of equals, the one given last."""
    holding = []
    for i, p in enumerate(given_):
        if p.kind not in HOLDS or unit not in p.unit_ids or p.start_tick > tick:
            continue
        if p.stop_tick is not None and tick >= p.stop_tick:
            continue
        released = any(
            r.kind is PerturbationKind.RELEASE
            and unit in r.unit_ids
            and r.start_tick <= tick
            and (r.start_tick, j) > (p.start_tick, i)
            for j, r in enumerate(given_)
        )
        if not released:
            holding.append((p.start_tick, i, p))
    return max(holding, key=lambda h: h[:2])[2] if holding else None


@given(st.lists(perturbations(), max_size=12), st.lists(st.integers(1, 9), min_size=6, max_size=20))
def test_holders_follow_the_rules_however_time_is_divided(given_, steps):
    schedule = Schedule()
    for p in given_:
        schedule.add(p, 0)
    held: dict[int, Perturbation | None] = {}
    lesions: list[Perturbation] = []
    tick = 0
    for step in steps:
        stop = tick + step
        while tick < stop:
            changes = schedule.take(tick)
            held.update(changes.held)
            lesions += changes.lesions
            until = schedule.next_tick()
            until = stop if until is None else min(stop, until)
            assert until > tick
            for t in range(tick, until):
                for unit in range(5):
                    expected = holder_naively(given_, unit, t)
                    actual = held.get(unit)
                    assert (actual is None) == (expected is None)
                    if actual is not None and expected is not None:
                        assert (actual.kind, actual.start_tick) == (expected.kind, expected.start_tick)
            tick = until
            schedule = Schedule.from_bytes(schedule.to_bytes())
    due = [p for p in given_ if p.kind in LESIONS and p.start_tick < tick]
    assert sorted(lesions, key=str) == sorted(due, key=str)


def test_what_starts_in_the_past_is_refused():
    with pytest.raises(TickError, match=r"already at tick 10"):
        Schedule().add(Perturbation(PerturbationKind.DRIVE, (1,), 9), 10)


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: Perturbation(PerturbationKind.DRIVE, (), 0), SpecError),
        (lambda: Perturbation(PerturbationKind.DRIVE, (1,), -1), TickError),
        (lambda: Perturbation(PerturbationKind.DRIVE, (1,), 5, 5), TickError),
        (lambda: Perturbation(PerturbationKind.REMOVE, (1,), 5, 9), TickError),
        (lambda: Perturbation(PerturbationKind.RELEASE, (1,), 5, 9), TickError),
        (lambda: Perturbation(PerturbationKind.DRIVE, (1, 2), 5, 9, weights=(1.0,)), SpecError),
        (lambda: PulseTrain(PerturbationKind.REMOVE, (1,)), SpecError),
        (lambda: PulseTrain(PerturbationKind.DRIVE, (1,), width_ticks=0), SpecError),
        (
            lambda: PulseTrain(PerturbationKind.DRIVE, (1,), width_ticks=5, period_ticks=6, count=2, jitter_ticks=1),
            SpecError,
        ),
    ],
)
def test_nonsense_is_refused(make, error):
    with pytest.raises(error):
        make()


@given(
    origin=st.integers(0, 10**9),
    seed=st.integers(0, 2**40),
    onset=st.integers(0, 50),
    width=st.integers(1, 10),
    extra=st.integers(0, 20),
    count=st.integers(1, 20),
    jitter=st.integers(0, 5),
)
def test_trains(origin, seed, onset, width, extra, count, jitter):
    period = width + 2 * jitter + extra
    train = PulseTrain(PerturbationKind.DRIVE, (1,), onset, width, period, count, jitter)
    pulses = train.pulses(origin, seed)
    assert pulses == train.pulses(origin, seed)
    assert len(pulses) == count
    for k, pulse in enumerate(pulses):
        nominal = origin + onset + k * period
        assert origin <= pulse.start_tick
        assert abs(pulse.start_tick - nominal) <= jitter
        assert pulse.stop_tick == pulse.start_tick + width
    for a, b in itertools.pairwise(pulses):
        assert a.stop_tick is not None
        assert a.stop_tick <= b.start_tick


def test_weights_reach_binary_units_from_half_on():
    p = Perturbation(PerturbationKind.DRIVE, (1, 2, 3), 0, 5, weights=(0.2, 0.5, 1.0))
    reached = p.binary()
    assert reached is not None
    assert reached.unit_ids == (2, 3)
    assert Perturbation(PerturbationKind.DRIVE, (1,), 0, 5, weights=(0.2,)).binary() is None
    left = p.without({2})
    assert left is not None
    assert (left.unit_ids, left.weights) == ((1, 3), (0.2, 1.0))
