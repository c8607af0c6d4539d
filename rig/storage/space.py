"""How long a recording can go on: measured rate of writing against free space."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import Enum

WARN_BELOW_S = 600.0
REARM_ABOVE_S = 720.0  # a rate that wavers about the border warns once, not every time
STOP_BELOW_S = 60.0
RESERVE_BYTES = 4 << 20  # kept for the index, the log and what is queued when the stop comes
_WINDOW_S = 10.0
_SETTLED_S = 1.0  # a rate measured over less says nothing


class SpaceState(Enum):
    AMPLE = "ample"
    LOW = "low"
    OUT = "out"


@dataclass(frozen=True)
class Space:
    """What one look at the disk says.

    Attributes
    ----------
    bytes_per_s : written, over the last ten seconds
    free_bytes : on the disk
    seconds_left : at this rate, infinite while nothing is written
    state : OUT under a minute or under the reserve, LOW under ten minutes
    """

    bytes_per_s: float
    free_bytes: int
    seconds_left: float
    state: SpaceState


class SpaceWatch:
    """Follows the rate of writing over a sliding window."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()
        self._low = False

    def look(self, now_s: float, written_bytes: int, free_bytes: int) -> Space:
        """Take one measurement.

        Parameters
        ----------
        now_s : of a clock that never goes back
        written_bytes : in all since the recording began
        free_bytes : at this moment
        """
        seen = self._seen
        seen.append((now_s, written_bytes))
        while len(seen) > 2 and seen[1][0] <= now_s - _WINDOW_S:
            seen.popleft()
        elapsed_s = now_s - seen[0][0]
        rate = (written_bytes - seen[0][1]) / elapsed_s if elapsed_s > 0 else 0.0
        usable = max(0, free_bytes - RESERVE_BYTES)
        left_s = usable / rate if rate > 0 else float("inf")
        settled = elapsed_s >= _SETTLED_S
        if usable == 0 or (settled and left_s < STOP_BELOW_S):
            state = SpaceState.OUT
        else:
            self._low = settled and left_s < (REARM_ABOVE_S if self._low else WARN_BELOW_S)
            state = SpaceState.LOW if self._low else SpaceState.AMPLE
        return Space(rate, free_bytes, left_s, state)
