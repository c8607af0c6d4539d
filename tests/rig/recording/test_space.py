"""When to warn and when to stop, with time and disk made up."""

from __future__ import annotations

import pytest

from rig.storage.space import RESERVE_BYTES, SpaceState, SpaceWatch

RATE = 1_000_000


def fed(watch: SpaceWatch, start_s: int, stop_s: int, free_bytes: int, rate: int = RATE) -> list[SpaceState]:
    return [watch.look(t, t * rate, free_bytes).state for t in range(start_s, stop_s)]


@pytest.mark.parametrize(
    ("seconds_left", "state"),
    [
        (10_000, SpaceState.AMPLE),
        (601, SpaceState.AMPLE),
        (599, SpaceState.LOW),
        (61, SpaceState.LOW),
        (59, SpaceState.OUT),
    ],
)
def test_the_borders_are_ten_minutes_and_one(seconds_left: int, state: SpaceState) -> None:
    watch = SpaceWatch()
    fed(watch, 0, 20, 1 << 60)
    space = watch.look(20, 20 * RATE, seconds_left * RATE + RESERVE_BYTES)
    assert space.state is state
    assert space.bytes_per_s == RATE
    assert space.seconds_left == seconds_left
    assert space.free_bytes == seconds_left * RATE + RESERVE_BYTES


def test_the_first_burst_is_no_rate() -> None:
    watch = SpaceWatch()
    watch.look(0.0, 0, 1 << 30)
    assert watch.look(0.1, 1 << 28, 1 << 30).state is SpaceState.AMPLE
    assert watch.look(1.0, 1 << 28, 1 << 30).state is SpaceState.OUT


def test_the_rate_is_that_of_the_last_ten_seconds() -> None:
    watch = SpaceWatch()
    fed(watch, 0, 100, 1 << 60)
    spaces = [watch.look(t, 99 * RATE, 1 << 60) for t in range(100, 120)]
    assert spaces[0].bytes_per_s > spaces[5].bytes_per_s > 0
    assert spaces[-1].bytes_per_s == 0
    assert spaces[-1].seconds_left == float("inf")


def test_a_wavering_rate_warns_once_until_there_is_clearly_more() -> None:
    watch = SpaceWatch()
    fed(watch, 0, 20, 1 << 60)
    around = [599, 610, 590, 650, 710, 599, 721, 700, 599]
    states = [watch.look(20 + i, (20 + i) * RATE, s * RATE + RESERVE_BYTES).state for i, s in enumerate(around)]
    low, ample = SpaceState.LOW, SpaceState.AMPLE
    assert states == [low, low, low, low, low, low, ample, ample, low]


def test_a_full_disk_stops_even_a_recording_that_rests() -> None:
    watch = SpaceWatch()
    assert watch.look(0, 0, RESERVE_BYTES).state is SpaceState.OUT
    assert watch.look(1, 0, RESERVE_BYTES + 1).state is SpaceState.AMPLE
