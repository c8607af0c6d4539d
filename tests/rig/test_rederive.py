"""What was not recorded can be derived; what was recorded comes out the same."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import rig.record_node
from rig.errors import RecordingError, TickError, UnknownUnitError
from rig.perturbation import Perturbation, PerturbationKind, PulseTrain
from rig.probe import Probe
from rig.rederive import Rederivation, rederive, rederive_to
from rig.session import Session
from rig.storage.recording import Recording
from rig.trigger import FrameStarts, Trigger

PROBE = Probe("A", ((200.0, 0.0, 0.0), (900.0, 0.0, 0.0)), sigma=300.0)
STREAMS = ("spikes", "charge", "counts", "word", "frame")
N_TICKS = 700
START = 130


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """The same eventful run twice: everything recorded, and almost nothing, with a snapshot every few blocks."""
    paths = []
    for everything in (True, False):
        path = tmp_path_factory.mktemp("run") / "run.rig"
        paths.append(path)
        with pytest.MonkeyPatch.context() as patch, Session("model-cell", {"frame_ticks": "40"}, seed=5) as session:
            patch.setattr(rig.record_node, "SNAPSHOT_INTERVAL_S", 0.0)
            for name in STREAMS if everything else ("word",):
                session.watch(name)
            if everything:
                session.add_probe(PROBE)
            train = PulseTrain(PerturbationKind.DRIVE, (104, 105), 3, 4, 8, 2, 1)
            session.arm(Trigger("frames", FrameStarts("frame"), train, holdoff_ticks=90))
            session.advance(START)
            session.start_recording(path)
            for i in range(10):
                session.set_control("gain", 1 + i % 3)
                session.perturb(Perturbation(PerturbationKind.SILENCE, (107,), session.tick + 5, session.tick + 25))
                if i == 6:
                    session.perturb(Perturbation(PerturbationKind.STUCK_ON, (110,), session.tick + 1))
                session.advance(N_TICKS // 10)
            session.stop_recording()
    return paths


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(stream=st.sampled_from([*STREAMS, "electrodes"]), bounds=st.tuples(st.integers(0, 699), st.integers(1, 700)))
def test_what_is_derived_is_what_was_recorded(recordings, stream, bounds):
    start, stop = START + min(bounds), START + max(bounds)
    if start == stop:
        stop += 1
    with Recording.open(recordings[0]) as whole, Recording.open(recordings[1]) as poor:
        recorded = whole.read(stream, start, stop)
        sources = [whole] if stream == "electrodes" else [whole, poor]
        for source in sources:
            derived = rederive(source, stream, None, start, stop)
            # a bin that begins before the end may end after it, and is then not derived
            n = len(derived)
            assert len(recorded) - n in (0, 1) if stream == "counts" else len(recorded) == n
            np.testing.assert_array_equal(derived.ticks, recorded.ticks[:n])
            np.testing.assert_array_equal(derived.data, recorded.data[:n])


def test_a_probe_put_in_afterwards(recordings):
    with Recording.open(recordings[0]) as whole, Recording.open(recordings[1]) as poor:
        recorded = whole.read("electrodes", START + 100, START + 300)
        derived = rederive(poor, "electrodes", None, START + 100, START + 300, [PROBE])
    np.testing.assert_array_equal(derived.data, recorded.data)


def test_other_units_by_method(recordings):
    with Recording.open(recordings[0]) as whole, Recording.open(recordings[1]) as poor:
        recorded = whole.read("charge", START + 10, START + 90, [103, 111])
        derived = poor.rederive("charge", [103, 111], START + 10, START + 90)
    np.testing.assert_array_equal(derived.data, recorded.data)
    np.testing.assert_array_equal(derived.info.unit_ids, [103, 111])


def test_as_a_recording_of_its_own(recordings, tmp_path):
    wanted = Rederivation(START + 50, START + 150, {"spikes": np.array([101, 107])}, (PROBE,))
    with Recording.open(recordings[1]) as poor:
        rederive_to(poor, wanted, tmp_path / "new.rig")
    with Recording.open(recordings[0]) as whole, Recording.open(tmp_path / "new.rig") as new:
        assert new.problems == ()
        assert (new.start_tick, new.stop_tick) == (START + 50, START + 150)
        np.testing.assert_array_equal(
            new.read("spikes").data, whole.read("spikes", START + 50, START + 150, [101, 107]).data
        )
        np.testing.assert_array_equal(
            new.read("electrodes").data, whole.read("electrodes", START + 50, START + 150).data
        )
        # and what was derived can be derived from
        again = rederive(new, "charge", None, START + 60, START + 80)
        np.testing.assert_array_equal(again.data, whole.read("charge", START + 60, START + 80).data)


def test_refusals(recordings):
    with Recording.open(recordings[1]) as poor:
        with pytest.raises(TickError, match=r"the recording holds \[130, 830\)"):
            rederive(poor, "charge", None, 0, 10)
        with pytest.raises(UnknownUnitError, match="spikes"):
            rederive(poor, "voltage", None, 200, 210)
        with pytest.raises(UnknownUnitError, match="no probe"):
            rederive(poor, "electrodes", None, 200, 210)
        with pytest.raises(RecordingError, match="other files"):
            rederive(poor, "charge", None, 200, 210, options={"units": "20"})
