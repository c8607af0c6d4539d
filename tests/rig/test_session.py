"""The session: what it delivers, refuses, logs and records."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rig.errors import ContractError, SessionError, SpecError, TickError, UnknownUnitError
from rig.log import LogKind, entry_from_line, entry_to_line
from rig.perturbation import Perturbation, PerturbationKind, PulseTrain
from rig.probe import Probe
from rig.session import Session
from rig.storage.recording import Recording
from rig.streams import Chunk

PROBE = Probe("A", ((200.0, 0.0, 0.0),), sigma=200.0)


def collect(session: Session, splits: list[int]) -> dict[str, np.ndarray]:
    parts: dict[str, list[np.ndarray]] = {name: [] for name in session.streams}
    for n in splits:
        for chunk in session.advance(n):
            parts[chunk.stream].append(chunk.data)
    return {name: np.concatenate(p) for name, p in parts.items() if p}


@settings(max_examples=20, deadline=None)
@given(
    watched=st.sets(st.integers(100, 115), min_size=1),
    splits=st.lists(st.integers(1, 120), min_size=1, max_size=6),
    armed=st.booleans(),
)
def test_what_is_watched_is_a_part_of_the_whole(watched, splits, armed):
    """Whatever else the rig needs to see (probes, triggers), the person gets exactly what was asked for."""
    ids = sorted(watched)
    with Session("model-cell") as some, Session("model-cell") as every:
        some.watch("spikes", ids)
        some.watch("charge", ids[:1])
        some.add_probe(PROBE)
        for name in ("spikes", "charge"):
            every.watch(name)
        every.add_probe(PROBE)
        if armed:
            from rig.trigger import Trigger, UnitRises

            some.arm(Trigger("t", UnitRises("spikes", 103)))
        got, whole = collect(some, splits), collect(every, [sum(splits)])
    channels = np.array(ids) - 100
    bits = np.unpackbits(whole["spikes"], axis=1, bitorder="little")[:, channels]
    np.testing.assert_array_equal(np.unpackbits(got["spikes"], axis=1, count=len(ids), bitorder="little"), bits)
    np.testing.assert_array_equal(got["charge"], whole["charge"][:, channels[:1]])
    np.testing.assert_array_equal(got["electrodes"], whole["electrodes"])


def test_snapshot_and_restore_include_what_the_rig_computes():
    with Session("model-cell") as session:
        session.watch("charge")
        session.add_probe(PROBE)
        session.advance(137)
        session.perturb(Perturbation(PerturbationKind.DRIVE, (103,), 150, 170))
        snapshot = session.snapshot()
        first = collect(session, [100])
        session.restore(snapshot)
        assert session.tick == 137
        again = collect(session, [33, 67])
        for name, data in first.items():
            np.testing.assert_array_equal(again[name], data)
        assert session.log[-1].kind is LogKind.RESTORE
        assert session.log[-1].payload == {"tick": 137, "from_tick": 237, "seq": snapshot.seq}


def test_recording_locks_what_it_records(tmp_path):
    with Session("model-cell") as session:
        with pytest.raises(SessionError, match="nothing is watched"):
            session.start_recording(tmp_path / "a.rig")
        session.watch("spikes")
        session.start_recording(tmp_path / "a.rig")
        session.advance(10)
        for refused in (
            lambda: session.watch("spikes", [101]),
            lambda: session.add_probe(PROBE),
            lambda: session.reset(1),
            lambda: session.restore(session.snapshot()),
            lambda: session.start_recording(tmp_path / "b.rig"),
        ):
            with pytest.raises(SessionError, match="while recording"):
                refused()
        session.watch("charge")  # looking at something else is free
        assert {c.stream for c in session.advance(10)} == {"spikes", "charge"}
        session.stop_recording()
        session.watch("spikes", [101])
    with Recording.open(tmp_path / "a.rig") as recording:
        assert list(recording.streams) == ["spikes"]
        assert recording.extent("spikes").n_samples == 20


def test_everything_done_is_in_the_log_of_the_recording(tmp_path):
    with Session("model-cell", seed=4) as session:
        session.watch("spikes")
        session.set_control("gain", 3)
        session.start_recording(tmp_path / "a.rig")
        session.advance(7)
        session.perturb(Perturbation(PerturbationKind.STUCK_ON, (101,), 9))
        session.note("first hit")
        session.mark(3)
        session.train(PulseTrain(PerturbationKind.DRIVE, (102,), 5, 2, 10, 3))
        session.advance(50)
        session.stop_recording("enough")
        log = session.log
    with Recording.open(tmp_path / "a.rig") as recording:
        assert list(recording.log) == log
        assert recording.header.seed == 4
        kinds = [e.kind for e in log]
        assert kinds.count(LogKind.PERTURB) == 4
        assert [e.seq for e in log] == list(range(len(log)))
        assert [e.tick for e in log if e.kind is LogKind.NOTE] == [7]
        assert log[-1].payload == {"action": "stop", "reason": "enough"}
    for entry in log:
        assert entry_from_line(entry_to_line(entry)) == entry


@pytest.mark.parametrize(
    ("act", "error", "words"),
    [
        (lambda s: s.watch("nothing"), UnknownUnitError, "spikes, charge"),
        (lambda s: s.watch("spikes", [5]), UnknownUnitError, "unit id 5"),
        (lambda s: s.advance(-1), TickError, "only goes forward"),
        (lambda s: s.set_control("volume", 1), UnknownUnitError, "gain"),
        (lambda s: s.set_control("gain", "loud"), SpecError, "gain='loud'"),
        (lambda s: s.perturb(Perturbation(PerturbationKind.DRIVE, (5,), 100)), UnknownUnitError, "unit id 5"),
        (lambda s: s.perturb(Perturbation(PerturbationKind.DRIVE, (101,), 3)), TickError, "already at tick 10"),
        (lambda s: s.disarm("nobody"), UnknownUnitError, "none"),
    ],
)
def test_bad_input_gets_one_line_and_changes_nothing(act, error, words):
    with Session("model-cell") as session, Session("model-cell") as untouched:
        for s in (session, untouched):
            s.watch("charge")
            s.advance(10)
        n_entries = len(session.log)
        with pytest.raises(error, match=words) as raised:
            act(session)
        assert "\n" not in str(raised.value)
        assert len(session.log) == n_entries
        np.testing.assert_array_equal(collect(session, [50])["charge"], collect(untouched, [50])["charge"])


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda c: Chunk(c.stream, c.first_tick, c.data[:-1]), "samples of 'charge'"),
        (lambda c: Chunk(c.stream, c.first_tick + 1, c.data), "was due"),
        (lambda c: Chunk(c.stream, c.first_tick, c.data[:, :-1]), "declared"),
        (lambda c: Chunk(c.stream, c.first_tick, c.data.astype(np.float64)), "declared"),
        (lambda c: Chunk("spikes", c.first_tick, c.data), "nobody watches"),
    ],
)
def test_a_plugin_that_breaks_the_contract_is_caught(monkeypatch, spoil, words):
    with Session("model-cell") as session:
        session.watch("charge")
        advance = session.subject.advance
        monkeypatch.setattr(session.subject, "advance", lambda n: [spoil(c) for c in advance(n)])
        with pytest.raises(ContractError, match=words):
            session.advance(10)
