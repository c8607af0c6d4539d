"""The status block, between two ends."""

from __future__ import annotations

import math
import secrets
import threading

from rig.process.protocol import State
from rig.process.status import RecorderFigures, Status, StatusBlock


def test_what_is_put_is_got_by_another() -> None:
    ours = StatusBlock.create(f"hs{secrets.token_hex(6)}")
    try:
        theirs = StatusBlock.attach(ours.name)
        assert theirs.get().state is State.STARTING
        figures = RecorderFigures(1000, 300, 50.5, 12.5, 70)
        theirs.put(Status(State.RUNNING, 1 << 40, 500.0, 400.0, math.nan, figures), real_hz=200.0)
        assert ours.get() == Status(State.RUNNING, 1 << 40, 500.0, 400.0, 2.0, figures)
        theirs.put(Status(State.PAUSED, 5, math.inf, 0.0, math.nan, None), real_hz=0.0)
        assert (ours.get().recorder, ours.get().asked_hz, math.isnan(ours.get().times_real)) == (None, math.inf, True)
        assert [theirs.count_ring(), theirs.count_ring(), ours.n_rings] == [0, 1, 2]
        theirs.beat()
        first = ours.silent_s
        assert ours.silent_s >= first >= 0
    finally:
        ours.remove()


def test_a_status_is_never_torn() -> None:
    """All fields of one status carry the same number; so they do whenever they are read."""
    ours = StatusBlock.create(f"hs{secrets.token_hex(6)}")
    theirs = StatusBlock.attach(ours.name)
    stop = threading.Event()

    def write() -> None:
        n = 0
        while not stop.is_set():
            n += 1
            theirs.put(Status(State.RUNNING, n, n, n, math.nan, RecorderFigures(n, n, n, n, n)), real_hz=1.0)

    writer = threading.Thread(target=write)
    try:
        theirs.put(Status(State.RUNNING, 0, 0, 0, math.nan, RecorderFigures(0, 0, 0, 0, 0)), real_hz=1.0)
        writer.start()
        for _ in range(5000):
            status = ours.get()
            n = status.tick
            assert status == Status(State.RUNNING, n, n, n, n, RecorderFigures(n, n, n, n, n))
    finally:
        stop.set()
        writer.join()
        ours.remove()
