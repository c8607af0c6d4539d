"""How many ticks to do next, and when: speed as asked, in blocks of about 10 ms. Changes when, never what."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable

BLOCK_S = 0.010
WINDOW_S = 0.5  # over which the achieved speed is measured
MAX_LAG_S = 0.25  # time lost beyond this is not caught up
IDLE_HZ = 30.0  # at most, while nothing happens: silence that rushes past is of no use, and work for all who look
MAX_BLOCK_TICKS = 1 << 22
GROWTH = 4  # at most from one block to the next: the first estimate may be far off


class Pacer:
    """The clock of a running session.

    Each block has a deadline, the sum of all blocks before at the asked speed, so that rounding and late wake-ups do
    not add up.

    Parameters
    ----------
    asked_hz : ticks a second; None for as fast as may be
    clock : seconds, monotonic
    """

    def __init__(self, asked_hz: float | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._cost_s = BLOCK_S  # of a tick; the first block is a single tick
        self._last_n = 1
        self._done: deque[tuple[float, int]] = deque()
        self._deadline = 0.0
        self._asked_hz = asked_hz
        self._idle = False
        self.start()

    @property
    def asked_hz(self) -> float | None:
        return self._asked_hz

    @asked_hz.setter
    def asked_hz(self, value: float | None) -> None:
        self._asked_hz = value
        self.start()

    @property
    def idle(self) -> bool:
        """Whether nothing happens, and no more than IDLE_HZ ticks a second go by."""
        return self._idle

    @idle.setter
    def idle(self, value: bool) -> None:
        if value != self._idle:
            self._idle = value
            self.start()

    @property
    def _hz(self) -> float | None:
        """The speed to keep."""
        if self._idle:
            return min(self._asked_hz or IDLE_HZ, IDLE_HZ)
        return self._asked_hz

    def start(self) -> None:
        """The session goes on from here, or at another speed."""
        now = self._clock()
        self._deadline = now
        self._done.clear()
        self._done.append((now, 0))

    def wait_s(self) -> float:
        """Seconds until the next block is due, 0 when it is."""
        return 0.0 if self._hz is None else max(self._deadline - self._clock(), 0.0)

    def block_ticks(self, *, hurried: bool = False) -> int:
        """Ticks that take about 10 ms, by what they cost lately and, unless hurried, by what was asked; at least 1."""
        n = min(BLOCK_S / self._cost_s, self._last_n * GROWTH, MAX_BLOCK_TICKS)
        if self._hz is not None and not hurried:
            n = min(n, self._hz * BLOCK_S)
        return max(int(n), 1)

    def did(self, n_ticks: int, busy_s: float) -> None:
        """Account for a block of n_ticks ≥ 1 that took busy_s."""
        now = self._clock()
        self._cost_s = max((self._cost_s + busy_s / n_ticks) / 2, 1e-12)
        self._last_n = n_ticks
        self._done.append((now, self._done[-1][1] + n_ticks))
        while len(self._done) > 2 and self._done[1][0] <= now - WINDOW_S:
            self._done.popleft()
        if self._hz is not None:
            begun = now - busy_s
            self._deadline = max(self._deadline, begun - MAX_LAG_S) + n_ticks / self._hz

    @property
    def achieved_hz(self) -> float:
        """Ticks a second over the last half second, or over the last block where that took longer; NaN at first."""
        (first_s, first_n), (last_s, last_n) = self._done[0], self._done[-1]
        return (last_n - first_n) / (last_s - first_s) if last_s > first_s else math.nan
