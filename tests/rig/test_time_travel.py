"""Going back, branching, and the intact twin: what only a deterministic subject can do."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rig.errors import SessionError, SpecError, TickError, UnknownUnitError
from rig.lineage import lineage
from rig.log import LogKind
from rig.past import Past, SessionSnapshot
from rig.perturbation import Perturbation, PerturbationKind
from rig.probe import Probe
from rig.session import Session
from rig.storage.recording import Recording

PROBE = Probe("A", ((200.0, 0.0, 0.0),), sigma=200.0)
DRIVE, SILENCE, STUCK_ON = PerturbationKind.DRIVE, PerturbationKind.SILENCE, PerturbationKind.STUCK_ON


def run(session: Session, n: int, stream: str = "charge") -> np.ndarray:
    return np.concatenate([c.data for c in session.advance(n) if c.stream == stream])


def eventful(session: Session, stop: int) -> np.ndarray:
    """Controls and perturbations every 30 ticks, up to tick `stop`."""
    parts = []
    while session.tick < stop:
        if session.tick % 60 == 0:
            session.set_control("gain", 1 + session.tick // 60 % 3)
        elif session.tick % 30 == 0:
            session.perturb(Perturbation(SILENCE, (103,), session.tick + 7, session.tick + 20))
        parts.append(run(session, min(30 - session.tick % 30, stop - session.tick)))
    return np.concatenate(parts)


@settings(max_examples=20, deadline=None)
@given(tick=st.integers(0, 300), spacing=st.sampled_from([0.0, 1e9]))
def test_rewinding_leads_to_what_was(tick, spacing):
    with Session("model-cell") as session, Session("model-cell") as straight:
        for s in (session, straight):
            s.watch("charge")
        session._past.interval_s = spacing  # a snapshot at every block, or at the start alone
        eventful(session, 300)
        session.rewind(tick)
        assert session.tick == tick
        expected = eventful(straight, 300)
        branch = run(session, 40)
        # from there on what was done is undone: the run goes on without it
        with Session("model-cell") as other:
            other.watch("charge")
            if tick:
                eventful(other, tick)
            np.testing.assert_array_equal(branch, run(other, 40))
        earlier = max(tick - 5, 0)
        session.rewind(earlier)
        if tick:
            np.testing.assert_array_equal(eventful(session, tick), expected[earlier:tick])


def test_branches_keep_their_own_past():
    """What was done at the very tick of a snapshot, on another branch, or after it: each counts where it belongs."""
    with Session("model-cell") as session, Session("model-cell") as straight:
        for s in (session, straight):
            s.watch("charge")
            s.advance(100)
            s.set_control("gain", 3)  # at tick 100, before the snapshot of it
        here = session.snapshot()
        session.perturb(Perturbation(STUCK_ON, (103,), 100))  # at tick 100 too, but after it
        session.advance(20)
        session.rewind(50)
        session.set_control("gain", 7)  # another branch
        session.advance(30)
        session.restore(here)
        expected = run(straight, 60)
        np.testing.assert_array_equal(run(session, 60), expected)
        session.rewind(110)
        np.testing.assert_array_equal(run(session, 50), expected[10:])
        kinds = [(e.kind, e.tick) for e in lineage(session.log) if e.kind in (LogKind.CONTROL, LogKind.PERTURB)]
        assert kinds == [(LogKind.CONTROL, 100)]


def test_what_cannot_be_rewound(tmp_path):
    with Session("model-cell") as session:
        session.watch("charge")
        session.advance(50)
        with pytest.raises(TickError, match="began at tick 0"):
            session.rewind(-1)
        session.start_recording(tmp_path / "a.rig")
        with pytest.raises(SessionError, match="while recording"):
            session.rewind(10)


def test_the_past_never_takes_more_memory_than_allowed():
    past = Past(interval_s=0.0, max_bytes=1000)
    for tick in range(0, 5000, 10):
        past.add(SessionSnapshot(tick, 0, np.random.default_rng(tick).bytes(80)))
    ticks = [s.tick for s in past.snapshots]
    assert sum(len(s.blob) for s in past.snapshots) <= 1000
    assert ticks[0] == 0  # one can always go back to the beginning
    assert ticks[-1] == 4990
    assert ticks == sorted(ticks)
    assert past.before(4995).tick == 4990
    past.forget_after(ticks[3])
    assert past.snapshots[-1].tick == ticks[3]


def test_the_twin_is_what_would_have_been():
    with Session("model-cell") as session, Session("model-cell") as intact:
        for s in (session, intact):
            s.watch("charge")
            s.watch("frame")  # an irregular stream, which most blocks have nothing of
            s.watch("spikes", [103, 104])
            s.add_probe(PROBE)
            s.advance(40)
        session.set_twin(True)
        assert set(session.streams) == {
            "charge", "frame", "spikes", "electrodes", "twin.charge", "twin.frame", "twin.spikes", "twin.electrodes",
        }  # fmt: skip
        session.perturb(Perturbation(DRIVE, (104,), 61, 70))
        for s in (session, intact):
            s.set_control("gain", 2)
        chunks = [c for n in (10, 35, 55) for c in session.advance(n)]
        expected = intact.advance(100)
        for name in ("charge", "spikes", "electrodes"):
            twin = np.concatenate([c.data for c in chunks if c.stream == f"twin.{name}"])
            ours = np.concatenate([c.data for c in chunks if c.stream == name])
            straight = np.concatenate([c.data for c in expected if c.stream == name])
            np.testing.assert_array_equal(twin, straight)
            assert (ours != twin).any()
        first = np.flatnonzero(
            (
                ours := np.concatenate([c.data for c in chunks if c.stream == "charge"])
                != np.concatenate([c.data for c in chunks if c.stream == "twin.charge"])
            ).any(axis=1)
        )[0]
        assert session.twin is not None
        assert session.twin.first_difference == 40 + first == 61
        differs = [dict(e.payload) for e in session.log if e.kind is LogKind.TWIN]
        assert differs == [{"action": "on"}, {"action": "differs", "tick": 61}]
        assert ours.any()
        session.rewind(50)
        assert session.twin.first_difference is None
        session.advance(100)
        assert session.twin.first_difference is None  # the drive was undone by going back
        session.set_twin(False)
        assert set(session.streams) == {"charge", "frame", "spikes", "electrodes"}


def test_a_twin_is_never_recorded(tmp_path):
    with Session("model-cell") as session:
        session.watch("charge")
        session.set_twin(True)
        session.start_recording(tmp_path / "a.rig")
        session.perturb(Perturbation(STUCK_ON, (103,), 6))
        session.advance(20)
    with Recording.open(tmp_path / "a.rig") as recording:
        assert list(recording.streams) == ["charge"]
        assert [e.payload.get("tick") for e in recording.log if e.kind is LogKind.TWIN] == [None, 6]


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    path = tmp_path_factory.mktemp("played") / "run.rig"
    with Session("model-cell", {"frame_ticks": "40"}) as session:
        for name in ("spikes", "charge", "counts", "frame"):
            session.watch(name)
        session.add_probe(PROBE)
        session.advance(101)
        session.start_recording(path)
        eventful(session, 500)
    return path


@settings(max_examples=15, deadline=None)
@given(splits=st.lists(st.integers(1, 150), min_size=1, max_size=6), ids=st.sets(st.integers(100, 115), min_size=1))
def test_playback_gives_what_was_recorded(played, splits, ids):
    wanted = np.array(sorted(ids))
    with Session("playback", {"recording": str(played)}) as session, Recording.open(played) as recording:
        assert session.tick == recording.header.start_tick == 101
        for name in ("charge", "counts", "frame", "electrodes"):
            session.watch(name)
        session.watch("spikes", wanted)
        parts: dict[str, list] = {name: [] for name in session.streams}
        for n in splits:
            for chunk in session.advance(min(n, 500 - session.tick)):
                parts[chunk.stream].append(chunk)
        for name, chunks in parts.items():
            samples = recording.read(name, unit_ids=wanted if name == "spikes" else None)
            at = {int(t): i for i, t in enumerate(samples.ticks)}
            k = session.streams[name].ticks_per_sample or 1
            for chunk in chunks:
                ticks = chunk.first_tick + k * np.arange(len(chunk)) if chunk.ticks is None else chunk.ticks
                rows = [at[int(t)] for t in ticks]
                np.testing.assert_array_equal(chunk.data, samples.data[rows])


def test_playback_can_be_searched_and_ends(played):
    with Session("playback", {"recording": str(played)}) as session:
        session.watch("charge")
        later = run(session, 300)[-1]
        session.rewind(400)  # scrubbing, back
        session.rewind(101)
        session.rewind(400)  # and forth
        np.testing.assert_array_equal(run(session, 1)[0], later)
        assert session.tick == 401
        session.advance(99)
        with pytest.raises(TickError, match="ends at tick 500"):
            session.advance(1)
        with pytest.raises(SpecError, match="takes"):
            session.perturb(Perturbation(DRIVE, (103,), 600))
        with pytest.raises(UnknownUnitError, match="none"):
            session.set_control("gain", 1)


@settings(max_examples=20, deadline=None)
@given(tick=st.integers(0, 400), splits=st.lists(st.integers(1, 90), min_size=1, max_size=5), spacing=st.booleans())
def test_another_session_goes_through_the_past(tick, splits, spacing):
    """What was not watched then is seen now, what was done is done again, and the first session goes on untouched."""
    with Session("model-cell") as session, Session("model-cell") as straight, Session("model-cell") as other:
        straight.watch("charge")
        straight.watch("spikes")
        session._past.interval_s = session._past._next_s = 0.0 if spacing else 1e12
        eventful_alone(session, 400)
        expected = [c for n in [400] for c in replayed(straight, session, n)]
        session.watch("charge")
        session.watch("spikes", [103, 104])
        passage = session.passage(tick)
        assert passage.snapshot.tick <= tick
        n_entries = len(session.log)
        other.retrace(passage)
        parts: dict[str, list[np.ndarray]] = {"charge": [], "spikes": []}
        for n in splits:
            for chunk in other.advance(min(n, 400 - other.tick)):
                parts[chunk.stream].append(chunk.data)
        first, stop = passage.snapshot.tick, other.tick
        for name, chunks in parts.items():
            if stop == first:
                continue
            whole = np.concatenate([c.data for c in expected if c.stream == name])[first:stop]
            if name == "spikes":
                whole = np.packbits(np.unpackbits(whole, axis=1, bitorder="little")[:, 3:5], axis=1, bitorder="little")
            np.testing.assert_array_equal(np.concatenate(chunks), whole)
        assert session.tick == 400
        assert len(session.log) == n_entries


def eventful_alone(session: Session, stop: int) -> None:
    """The same as `eventful`, with nobody watching."""
    while session.tick < stop:
        if session.tick % 60 == 0:
            session.set_control("gain", 1 + session.tick // 60 % 3)
        elif session.tick % 30 == 0:
            session.perturb(Perturbation(SILENCE, (103,), session.tick + 7, session.tick + 20))
        session.advance(min(30 - session.tick % 30, stop - session.tick))


def replayed(straight: Session, session: Session, stop: int) -> list:
    """A session by hand: every entry of another's log given at its tick."""
    chunks = []
    for entry in session.log:
        chunks += straight.advance(entry.tick - straight.tick)
        if entry.kind is LogKind.CONTROL:
            straight.set_control(entry.payload["name"], entry.payload["value"])
        elif entry.kind is LogKind.PERTURB:
            p = entry.payload
            straight.perturb(Perturbation(SILENCE, tuple(p["unit_ids"]), p["start_tick"], p["stop_tick"]))
    return chunks + straight.advance(stop - straight.tick)


def test_the_past_of_twin_and_electrodes_is_gone_through_as_well():
    with Session("model-cell") as session, Session("model-cell") as other:
        session._past.interval_s = session._past._next_s = 0.0
        session.watch("charge")
        session.add_probe(PROBE)
        was = list(session.advance(40))
        session.set_twin(True)
        was += session.advance(20)
        session.perturb(Perturbation(STUCK_ON, (103,), 65))
        for _ in range(10):
            was += session.advance(10)
        for tick in (0, 60, 100):  # before there was a twin, before they part, and after
            other.retrace(session.passage(tick))
            first = other.tick
            assert first == tick
            again = other.advance(160 - first)
            for name in ("charge", "electrodes", "twin.charge", "twin.electrodes"):
                live = np.concatenate([c.data for c in was if c.stream == name])
                start = 160 - len(live)
                mine = np.concatenate([c.data for c in again if c.stream == name])
                from_tick = max(start, first)
                np.testing.assert_array_equal(mine[from_tick - first :], live[from_tick - start :])
        session.rewind(80)
        assert session.passage(200).stop_tick == 80
        assert all(e.tick <= 80 for e in session.passage(0).entries)


def test_a_snapshot_kept_holds_no_more_memory_than_its_bytes():
    """The compressor's own result is as large in memory as what was compressed."""
    past = Past(interval_s=0.0)
    past.add(SessionSnapshot(0, 0, b""))
    tracemalloc.start()
    try:
        for tick in range(1, 101):
            past.add(SessionSnapshot(tick, 0, bytes(100_000)))
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 100 * 2000
    assert past.before(50).blob == bytes(100_000)
