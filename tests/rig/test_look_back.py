"""Looking back beyond the rings of a session that goes on: real processes; samples equal those that were live."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from rig.log import LogKind
from rig.perturbation import Perturbation, PerturbationKind
from rig.probe import Probe
from rig.process.client import RigClient
from rig.process.look_back import LookBack, Wanted
from rig.process.protocol import State
from rig.storage.recording import Recording

RING_BYTES = 1 << 20
TIMEOUT_S = 120  # to give up after, not to wait for
PROBE = Probe("A", ((200.0, 0.0, 0.0),), sigma=200.0)
STREAMS = ("spikes", "charge", "counts", "frame", "electrodes")


def eventually(condition: Callable[[], bool]) -> bool:
    deadline_s, never = time.monotonic() + TIMEOUT_S, threading.Event()
    while not condition() and time.monotonic() < deadline_s:
        never.wait(0.01)
    return condition()


@pytest.fixture
def live() -> Iterator[RigClient]:
    with RigClient.start("model-cell", seed=3, ring_bytes=RING_BYTES) as client:
        for name in STREAMS[:-1]:
            client.watch(name)
        client.add_probe(PROBE)
        yield client


@pytest.fixture
def looking(live: RigClient) -> Iterator[LookBack]:
    look_back = LookBack(live)
    yield look_back
    look_back.close()


def held(look_back: LookBack, stream: str, start: int, stop: int) -> bool:
    ring = look_back.ring(stream)
    return ring is not None and ring.span().first_tick <= start and ring.span().stop_tick >= stop


def derived(look_back: LookBack, stream: str, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:

    def there() -> bool:
        look_back.want(Wanted(max(start - 100, 0), start, stop))  # as a window does, at every turn
        return held(look_back, stream, start, stop) or bool(look_back.progress().failure)

    assert eventually(there)
    assert look_back.progress().failure == ""
    ring = look_back.ring(stream)
    assert ring is not None
    samples = ring.ticks(start, stop).copy()
    return samples.ticks, samples.data


def test_the_past_is_derived_while_the_live_session_goes_on_and_records(live, looking, tmp_path):
    live.start_recording(tmp_path / "run.rig")
    live.set_speed(40_000)
    live.run()
    assert eventually(lambda: live.status.tick > 3000)
    live.set_control("gain", 3)
    ack = live.perturb(Perturbation(PerturbationKind.SILENCE, (103,), 100, 900), from_now=True)
    gone = ack.tick + 2000
    assert eventually(lambda: live.ring("charge").span().first_tick > gone)
    windows = [(ack.tick - 500, ack.tick + 1500), (200, 900), (ack.tick, ack.tick + 400)]
    seen = {(name, w): derived(looking, name, *w) for w in windows for name in STREAMS}
    assert live.status.state is State.RUNNING
    live.pause()
    live.stop_recording()
    with Recording.open(tmp_path / "run.rig") as recording:
        assert recording.gaps("charge") == ()
        for (name, (start, stop)), (ticks, data) in seen.items():
            samples = recording.read(name, start, stop)
            np.testing.assert_array_equal(ticks, samples.ticks)
            np.testing.assert_array_equal(data, samples.data)
    assert [e.kind for e in (event.entry for event in live.events() if hasattr(event, "entry"))].count(
        LogKind.RESTORE
    ) == 0


def test_units_that_were_not_watched_then_are_seen(live, looking):
    live.watch("spikes", [101])
    live.run_to(30_000)
    live.wait_until_paused()
    live.watch("spikes", [104, 105])
    ticks, data = derived(looking, "spikes", 1000, 1400)
    bits = np.unpackbits(data, axis=1, count=2, bitorder="little")
    phases = [3 * (i + 1) % (i + 2) for i in (4, 5)]
    for channel, (i, phase) in enumerate(zip((4, 5), phases, strict=True)):
        np.testing.assert_array_equal(bits[:, channel], (ticks + phase) % (i + 2) == 0)
    live.watch("spikes", [110])
    looking.forget()
    assert looking.ring("spikes") is None  # what it holds has the channels of before
    _, data = derived(looking, "spikes", 1000, 1400)
    np.testing.assert_array_equal(data[:, 0], (ticks + 3 * 11 % 12) % 12 == 0)


def test_going_back_in_time_makes_another_past(live, looking):
    live.run_to(2000)
    live.wait_until_paused()
    live.perturb(Perturbation(PerturbationKind.STUCK_ON, (102,), 2000))
    live.run_to(4000)
    live.wait_until_paused()
    _, lesioned = derived(looking, "charge", 3000, 3200)
    live.rewind(1500)
    looking.forget()
    live.run_to(4000)
    live.wait_until_paused()
    _, intact = derived(looking, "charge", 3000, 3200)
    np.testing.assert_array_equal(intact, live.ring("charge").ticks(3000, 3200).copy().data)
    assert (lesioned[:, 2] != intact[:, 2]).any()
    np.testing.assert_array_equal(np.delete(lesioned, 2, 1), np.delete(intact, 2, 1))


def test_more_than_the_rings_can_hold_shows_its_end(live, looking):
    capacity = live.ring("charge").capacity
    stop = 3 * capacity
    live.run_to(stop)
    live.wait_until_paused()
    looking.want(Wanted(0, 0, stop))
    assert eventually(lambda: (r := looking.ring("charge")) is not None and r.span().stop_tick == stop)
    ring = looking.ring("charge")
    assert ring is not None
    assert ring.span().first_tick == stop - capacity
    assert eventually(lambda: looking.progress().share == 1.0)  # the status follows the samples
    kept = looking.progress().kept
    assert kept is not None
    assert 0 < kept.n_bytes <= kept.max_bytes == 256 << 20


def test_what_cannot_be_had_is_said_once(live, looking):
    live.run_to(1000)
    live.wait_until_paused()
    looking.want(Wanted(0, 900, 2000))
    assert eventually(lambda: "only 1000 are done" in looking.progress().failure)
    looking.want(Wanted(0, 900, 2000))
    assert "only 1000 are done" in looking.progress().failure
    derived(looking, "charge", 100, 200)


def test_the_assistant_rests_when_nobody_looks(live):
    look_back = LookBack(live, rest_s=0.3)
    live.run_to(1000)
    live.wait_until_paused()
    derived(look_back, "charge", 100, 200)
    assert eventually(lambda: look_back.ring("charge") is None)
    derived(look_back, "charge", 100, 200)  # and comes again
    look_back.close()
    look_back.want(Wanted(0, 100, 200))
    assert look_back.ring("charge") is None


def test_it_survives_its_assistants_death(live, looking):
    live.run_to(1000)
    live.wait_until_paused()
    derived(looking, "charge", 100, 200)
    assistant = looking._assistant
    assert assistant is not None
    os.kill(assistant.pid or 0, signal.SIGKILL)
    assert eventually(lambda: "has ended" in looking.progress().failure)
    derived(looking, "charge", 150, 300)
