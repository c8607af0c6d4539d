"""Closed loops in subject time: what a trigger does may not depend on how time was divided into blocks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rig.errors import SpecError, UnknownUnitError
from rig.log import LogKind
from rig.perturbation import PerturbationKind, PulseTrain
from rig.session import Session
from rig.trigger import Condition, FieldsMatch, FrameStarts, RateOver, Trigger, UnitRises


def spikes_of(session: Session, splits: list[int]) -> np.ndarray:
    """(n_ticks, n_units) 0/1, advancing by the given steps."""
    layout = session.streams["spikes"]
    parts = []
    for n in splits:
        for chunk in session.advance(n):
            if chunk.stream == "spikes":
                parts.append(np.unpackbits(chunk.data, axis=1, count=layout.n_channels, bitorder="little"))
    return np.concatenate(parts)


def naive(trigger: Trigger, n_ticks: int, fires_at: object) -> np.ndarray:
    """One tick at a time: look, and perturb the next ticks by hand."""
    session = Session("model-cell", {"frame_ticks": "50"})
    session.watch("spikes", None)
    session.watch("frame", None)
    session.watch("word", None)
    rows, silent_until, n_fired = [], 0, 0
    history: list[np.ndarray] = []
    for tick in range(n_ticks):
        chunks = {c.stream: c for c in session.advance(1)}
        row = np.unpackbits(chunks["spikes"].data, axis=1, count=16, bitorder="little")[0]
        rows.append(row)
        history.append(row)
        allowed = trigger.max_count is None or n_fired < trigger.max_count
        if fires_at(tick, history, chunks) and tick >= silent_until and allowed:
            n_fired += 1
            silent_until = tick + 1 + trigger.holdoff_ticks
            assert trigger.train is not None
            for pulse in trigger.train.pulses(tick + 1, 0):
                session.perturb(pulse)
    return np.array(rows)


@dataclass(frozen=True)
class Case:
    condition: Condition
    fires: object


def _rises(tick: int, history: list[np.ndarray], chunks: dict) -> bool:
    return tick > 0 and history[-1][3] == 1 and history[-2][3] == 0


def _rate(tick: int, history: list[np.ndarray], chunks: dict) -> bool:
    def over(stop: int) -> bool:
        h = np.array(history[:stop])
        spikes = np.zeros_like(h)
        spikes[1:] = (h[1:] == 1) & (h[:-1] == 0)
        return int(spikes[-20:, [2, 5, 7]].sum()) >= 8

    return over(tick + 1) and (tick == 0 or not over(tick))


def _match(tick: int, history: list[np.ndarray], chunks: dict) -> bool:
    def match(row: np.ndarray) -> bool:
        return int(np.packbits(row[:8], bitorder="little")[0]) == 0b0000_1001

    return match(history[-1]) and (tick == 0 or not match(history[-2]))


CASES = {
    "unit rises": Case(UnitRises("spikes", 103), _rises),
    "rate": Case(RateOver("spikes", (102, 105, 107), 8, 20), _rate),
    "frame": Case(FrameStarts("frame"), lambda tick, history, chunks: len(chunks.get("frame", ())) > 0),
    "bus": Case(FieldsMatch("word", (("data", 0b0000_1001),)), _match),
}


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=12, deadline=None)
@given(
    splits=st.lists(st.integers(1, 90), min_size=3, max_size=8),
    onset=st.integers(0, 30),
    width=st.integers(1, 9),
    count=st.integers(1, 3),
    jitter=st.integers(0, 3),
    holdoff=st.sampled_from([0, 11, 200]),
    max_count=st.sampled_from([None, 2]),
)
def test_blocks_cannot_be_seen(name, splits, onset, width, count, jitter, holdoff, max_count):
    case = CASES[name]
    # the train holds the unit that fires it among others, so that a firing changes later firings
    train = PulseTrain(
        PerturbationKind.SILENCE if onset % 2 else PerturbationKind.DRIVE,
        (102, 103, 104),
        onset,
        width,
        width + 2 * jitter + 3,
        count,
        jitter,
    )
    trigger = Trigger("loop", case.condition, train, holdoff, max_count)
    with Session("model-cell", {"frame_ticks": "50"}) as session:
        session.watch("spikes", None)
        session.arm(trigger)
        seen = spikes_of(session, splits)
    np.testing.assert_array_equal(seen, naive(trigger, sum(splits), case.fires))


def test_firings_are_logged_with_their_ticks():
    with Session("model-cell") as session:
        session.watch("spikes", None)
        train = PulseTrain(PerturbationKind.DRIVE, (110,), onset_ticks=2, width_ticks=3)
        session.arm(Trigger("frames", FrameStarts("frame"), train, max_count=2))
        session.advance(500)
        fired = [e.payload["tick"] for e in session.log if e.payload.get("action") == "fire"]
        pulses = [(e.payload["start_tick"], e.payload["stop_tick"]) for e in session.log if e.kind is LogKind.PERTURB]
    assert fired == [49, 99]
    assert pulses == [(52, 55), (102, 105)]
    assert session.triggers == ()  # spent, so disarmed


def test_a_trigger_without_a_train_only_marks():
    with Session("model-cell") as session:
        session.watch("spikes", None)
        session.arm(Trigger("sweep", UnitRises("spikes", 108)))
        plain = Session("model-cell")
        plain.watch("spikes", None)
        np.testing.assert_array_equal(spikes_of(session, [300]), spikes_of(plain, [300]))
        fired = [e.payload["tick"] for e in session.log if e.payload.get("action") == "fire"]
    assert fired == list(range(10, 300, 10))  # unit 108 spikes at 0 (nothing before it), 10, 20 …


@pytest.mark.parametrize(
    ("trigger", "error", "words"),
    [
        (Trigger("t", UnitRises("spikes", 999)), UnknownUnitError, "999"),
        (Trigger("t", UnitRises("nothing", 100)), UnknownUnitError, "spikes"),
        (Trigger("t", FrameStarts("spikes")), SpecError, "every 1 ticks"),
        (Trigger("t", FieldsMatch("word", (("colour", 1),))), SpecError, "address"),
        (Trigger("t", FrameStarts("frame"), PulseTrain(PerturbationKind.DRIVE, (7,))), UnknownUnitError, "7"),
    ],
)
def test_a_trigger_that_does_not_fit_is_refused(trigger, error, words):
    with Session("model-cell") as session:
        with pytest.raises(error, match=words):
            session.arm(trigger)
        assert session.triggers == ()
