"""Going to any tick of a recording that plays back, one seek in flight at a time. Free of Qt."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from rig.process.client import RigClient
from rig.process.protocol import MOVING, State
from rig.process.status import Status
from rig.streams import StreamInfo

LEAD_BYTES = 24 << 20
"""Read before the tick one seeks to, at most: what the panes show of the time before it."""


@dataclass(frozen=True)
class Reach:
    """What can be sought.

    Attributes
    ----------
    first_tick, stop_tick : playback begins and ends here
    bytes_per_tick : of all streams together
    frame_ticks : between two frames of the screen; 0 where there is none
    """

    first_tick: int
    stop_tick: int
    bytes_per_tick: float = 0.0
    frame_ticks: int = 0

    def clipped(self, tick: int) -> int:
        return min(max(tick, self.first_tick), self.stop_tick)

    def lead_ticks(self, span_ticks: int) -> int:
        """How long before a tick to begin so that panes and screen have something to show: as long as is affordable."""
        wanted = max(span_ticks, self.frame_ticks)
        return min(wanted, max(int(LEAD_BYTES / self.bytes_per_tick), 1)) if self.bytes_per_tick > 0 else wanted


def bytes_per_tick(streams: Iterable[StreamInfo]) -> float:
    """Of the regular streams; irregular ones are counted as nothing."""
    return sum(s.sample_bytes / s.ticks_per_sample for s in streams if s.ticks_per_sample is not None)


class Seeker:
    """Told where to go as often as one likes; goes to the last place said, when the last seek is done.

    Parameters
    ----------
    do : lets the client do something
    """

    def __init__(self, do: Callable[[Callable[[RigClient], object]], object]) -> None:
        self._do = do
        self._wanted: int | None = None
        self._seeking = False
        self._resume = False
        self._held = False
        self.n_seeks = 0

    def want(self, tick: int) -> None:
        self._wanted = tick

    def hold(self, held: bool) -> None:
        """While held (a hand is on the bar) nothing runs on; afterwards it does if it did before."""
        self._held = held

    def forget(self) -> None:
        """Another subject."""
        self._wanted, self._seeking, self._resume, self._held = None, False, False, False

    @property
    def at_rest(self) -> bool:
        return self._wanted is None and not self._seeking and not self._resume

    def turn(self, status: Status, reach: Reach, span_ticks: int) -> None:
        """Go on: called on every turn of the pull timer."""
        if self._seeking and status.state is State.STEPPING:
            return
        self._seeking = False
        if self._wanted is None:
            if self._resume and not self._held:
                self._resume = False
                self._do(lambda c: c.run())
            return
        if status.state in MOVING:
            self._resume = True
            self._do(lambda c: c.pause())
        wanted, self._wanted = reach.clipped(self._wanted), None
        begin = max(reach.first_tick, wanted - reach.lead_ticks(span_ticks))
        self.n_seeks += 1
        if self._do(lambda c: c.rewind(begin)) is not None and wanted > begin:
            self._seeking = self._do(lambda c: c.step(wanted - begin)) is not None
