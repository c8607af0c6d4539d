"""The pacer, with a clock of its own."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig.process.pacing import BLOCK_S, IDLE_HZ, MAX_LAG_S, Pacer


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def run(pacer: Pacer, clock: Clock, duration_s: float, tick_cost_s: float) -> list[int]:
    """Blocks done in so much of the clock's time, by a subject whose ticks cost as much."""
    blocks = []
    stop_s = clock.now_s + duration_s
    while True:
        clock.now_s += pacer.wait_s()
        if clock.now_s >= stop_s:
            return blocks
        n = pacer.block_ticks()
        clock.now_s += n * tick_cost_s
        pacer.did(n, n * tick_cost_s)
        blocks.append(n)


@given(asked_hz=st.floats(0.5, 1e7), load=st.floats(0.0, 0.9))
def test_the_speed_is_the_one_asked_for(asked_hz: float, load: float) -> None:
    """To within a block at either end, however far it runs: deadlines add up, errors do not."""
    clock = Clock()
    pacer = Pacer(asked_hz, clock)
    blocks = run(pacer, clock, 20.0, load / asked_hz)
    assert abs(sum(blocks) - 20.0 * asked_hz) <= max(blocks) + 1
    if len(blocks) > 1000:
        assert pacer.achieved_hz == pytest.approx(asked_hz, rel=0.1)


@given(tick_cost_s=st.floats(1e-7, 10.0))
def test_blocks_take_about_ten_milliseconds(tick_cost_s: float) -> None:
    clock = Clock()
    blocks = run(Pacer(None, clock), clock, 100 * max(tick_cost_s, BLOCK_S), tick_cost_s)
    assert blocks[0] == 1
    last_s = blocks[-1] * tick_cost_s
    assert blocks[-1] == 1 or BLOCK_S / 4 <= last_s <= BLOCK_S * 1.01


def test_a_subject_that_becomes_slow_is_given_less() -> None:
    clock = Clock()
    pacer = Pacer(None, clock)
    run(pacer, clock, 1.0, 1e-6)
    fast = pacer.block_ticks()
    run(pacer, clock, 1e-3 * fast + 1.0, 1e-3)  # one block as before, and then they shrink
    assert pacer.block_ticks() <= 10 < fast


def test_lost_time_is_caught_up_only_a_little() -> None:
    clock = Clock()
    pacer = Pacer(1000.0, clock)
    run(pacer, clock, 1.0, 0.0)
    clock.now_s += 3600.0  # the machine was asleep
    blocks = run(pacer, clock, 1.0, 0.0)
    assert sum(blocks) <= 1000 * (1.0 + MAX_LAG_S) + 2 * max(blocks)


def test_a_change_of_speed_counts_from_now() -> None:
    clock = Clock()
    pacer = Pacer(10.0, clock)
    run(pacer, clock, 1.05, 0.0)
    pacer.asked_hz = 1000.0
    assert pacer.wait_s() == 0.0
    blocks = run(pacer, clock, 1.0, 0.0)
    assert abs(sum(blocks) - 1000) <= max(blocks)
    pacer.asked_hz = None
    assert pacer.wait_s() == 0.0


def test_the_achieved_speed_is_of_the_last_half_second() -> None:
    clock = Clock()
    pacer = Pacer(None, clock)
    assert math.isnan(pacer.achieved_hz)
    run(pacer, clock, 2.0, 1e-3)
    assert pacer.achieved_hz == pytest.approx(1000.0)
    run(pacer, clock, 0.6, 1e-4)
    assert pacer.achieved_hz == pytest.approx(10_000.0, rel=0.1)


def test_a_hurried_block_takes_ten_milliseconds_whatever_speed_is_asked_for() -> None:
    clock = Clock()
    pacer = Pacer(100.0, clock)
    blocks = []
    for _ in range(20):
        blocks.append(pacer.block_ticks(hurried=True))
        pacer.did(blocks[-1], blocks[-1] * 1e-6)
    assert blocks[-1] * 1e-6 == pytest.approx(BLOCK_S, rel=0.1)
    assert pacer.block_ticks() == 1


@pytest.mark.parametrize("asked_hz", [None, 1e5, 3.0])
def test_silence_does_not_hurry(asked_hz: float | None) -> None:
    clock = Clock()
    pacer = Pacer(asked_hz, clock)
    run(pacer, clock, 1.0, 1e-4)
    pacer.idle = True
    silent = sum(run(pacer, clock, 10.0, 1e-4))
    assert silent == pytest.approx(10 * min(asked_hz or IDLE_HZ, IDLE_HZ), abs=2)
    pacer.idle = False
    assert pacer.wait_s() == 0
    awake = sum(run(pacer, clock, 1.0, 1e-4))
    assert awake == pytest.approx(min(asked_hz or 1e4, 1e4), rel=0.02, abs=2)
