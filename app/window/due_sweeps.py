"""Which sweeps to take now: those that are complete, a few a pull. Free of Qt."""

from __future__ import annotations

from collections import deque

from app.draw.sweeps import TriggerQueue
from app.window.trigger_choice import TriggerChoice

MAX_SWEEPS_A_PULL = 4
"""So that no frame gets late. What comes faster waits; of more than MAX_WAITING the oldest are passed by."""
MAX_WAITING = 64

PAINT_EVERY = 4
"""Pulls between pictures where every pull brings sweeps: each time, all that are kept are painted."""


class DueSweeps:
    """Follows the triggers that a choice finds.

    Parameters
    ----------
    pre_ticks, post_ticks : a sweep is [trigger − pre, trigger + post)
    """

    def __init__(self, trigger: TriggerChoice, pre_ticks: int, post_ticks: int) -> None:
        self.pre_ticks, self.post_ticks = pre_ticks, post_ticks
        self._trigger = trigger
        self._run, self._n_seen = trigger.run, 0
        self._queue = TriggerQueue(pre_ticks, post_ticks)
        self._waiting: deque[int] = deque(maxlen=MAX_WAITING)

    def has_begun_again(self) -> bool:
        """Whether the search has: what was made of earlier triggers is void. Told once."""
        if self._trigger.run == self._run:
            return False
        self._run, self._n_seen = self._trigger.run, 0
        self._queue = TriggerQueue(self.pre_ticks, self.post_ticks)
        self._waiting.clear()
        return True

    def take(self, stop_tick: int) -> tuple[int, ...]:
        """Triggers whose sweeps are complete when `stop_tick` ticks are done, ascending; each is told once."""
        self._queue.add(self._trigger.found_since(self._n_seen))
        self._n_seen = self._trigger.n_found
        self._waiting.extend(self._queue.due(stop_tick))
        return tuple(self._waiting.popleft() for _ in range(min(len(self._waiting), MAX_SWEEPS_A_PULL)))
