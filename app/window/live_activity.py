"""The one estimate of what every unit does, shared by the panes of a desk and brought up to date once a pull."""

from __future__ import annotations

import time

from PySide6.QtCore import QObject

from app.window.activity import ActivityEstimate
from app.window.desk import Desk, Pull
from app.window.unit_states import UnitStates
from rig.errors import EvictedError
from rig.log import LogEntry
from rig.process.protocol import MOVING
from rig.process.ring_reader import RingReader
from rig.streams import StreamInfo, StreamKind

RUNNING_S = 0.030  # thirty looks a second are enough for a glow that lasts a quarter of one


class LiveActivity(QObject):
    """Follows the subject's first stream of units; where the view stands still, it tells of the stretch on show.

    Get it with `live_activity`.

    Attributes
    ----------
    estimate : of what is on show; None until samples can be had
    states : what is held or lesioned now
    n_states : ascending, unchanged where `states` are
    n_changes : ascending, unchanged where the estimate is
    n_courses : ascending, unchanged where the estimate's history is
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._desk = desk
        self._pull: Pull | None = None
        self._now: ActivityEstimate | None = None
        self._past: ActivityEstimate | None = None
        self._looked_at: tuple[int, int] | None = None  # the stretch that `_past` tells of
        self._index = 0
        self._epoch = -1
        self._ring = ""
        self._looked_s = time.monotonic()
        self._age_s = RUNNING_S
        self._seen: tuple[int, int] = (-1, -1)
        self.estimate: ActivityEstimate | None = None
        self.states = UnitStates()
        self.n_states = self.n_changes = self.n_courses = 0
        for entry in desk.entries:
            self.states.add(entry)
        desk.opened.connect(self._on_opened)
        desk.closed.connect(self._on_closed)
        desk.logged.connect(self._on_logged)

    @property
    def stream(self) -> StreamInfo | None:
        """The stream that is followed, whole."""
        return self._desk.stream(StreamKind.UNITS)

    def update(self, pull: Pull) -> None:
        """Take in what is new; does nothing the second time in a pull."""
        if pull is self._pull:
            return
        self._pull = pull
        self._age_s += pull.elapsed_s
        if pull.live and pull.status.state in MOVING and self._age_s < RUNNING_S and self.estimate is not None:
            return
        self._age_s = 0.0
        if self.states.update(pull.tick):
            self.n_states += 1
        description, stream = self._desk.description, self.stream
        ring = None if stream is None else self._desk.ring(stream.name)
        if description is None or ring is None:
            return
        if self._now is None or not same_channels(self._now.info, ring.info):
            self._now, self._past = (ActivityEstimate(description.units, ring.info) for _ in range(2))
            self._index, self._epoch, self._looked_at = 0, -1, None
        assert self._past is not None
        if pull.live:
            self._looked_at = None
            self._follow(self._now, ring)
            self._show(self._now)
        else:
            self._look_back(self._past, self._desk.shown_ring(ring.info.name) or ring, pull)
            self._show(self._past)

    def _follow(self, estimate: ActivityEstimate, ring: RingReader) -> None:
        now_s = time.monotonic()
        elapsed_s, self._looked_s = now_s - self._looked_s, now_s
        if ring.name != self._ring:
            self._ring, self._index = ring.name, 0
        view = ring.since(self._index)
        if view.epoch != self._epoch:
            if self._epoch >= 0:
                estimate.clear()  # time was turned back
            self._epoch = view.epoch
        self._index = view.stop_index
        estimate.take(view, elapsed_s)

    def _look_back(self, estimate: ActivityEstimate, ring: RingReader, pull: Pull) -> None:
        """Tell of what the ring holds of the stretch on show."""
        span = ring.span()
        start = min(max(pull.start_tick, span.first_tick), span.stop_tick)
        stop = max(min(pull.stop_tick, span.stop_tick), start)
        if (start, stop) == self._looked_at or start == stop:
            return
        try:
            seen = estimate.look_at(ring.ticks(start, stop))
        except EvictedError:
            seen = False  # overwritten while it was asked for: the next pull clips it anew
        if seen:
            self._looked_at = start, stop

    def _show(self, estimate: ActivityEstimate) -> None:
        if estimate is not self.estimate:
            self.estimate, self._seen = estimate, (-1, -1)
        seen = estimate.n_updates, estimate.n_bins
        self.n_changes += seen[0] != self._seen[0]
        # a stretch of the past has always as many bins: it is new whenever the estimate is
        self.n_courses += seen[1] != self._seen[1] or (estimate is self._past and seen != self._seen)
        self._seen = seen

    def _on_opened(self) -> None:
        self._on_closed()
        self.states.clear()
        self.n_states += 1

    def _on_closed(self) -> None:
        self.estimate = self._now = self._past = self._pull = None
        self.n_changes += 1
        self.n_courses += 1

    def _on_logged(self, entry: LogEntry) -> None:
        self.states.add(entry)


def same_channels(one: StreamInfo, other: StreamInfo) -> bool:
    """Whether two layouts of a stream carry the same units."""
    if one is other:
        return True
    if one.name != other.name or one.unit_ids is None or other.unit_ids is None:
        return False
    return one.shape == other.shape and bool((one.unit_ids == other.unit_ids).all())


def live_activity(desk: Desk) -> LiveActivity:
    """The desk's own; made when first asked for."""
    found = desk.findChild(LiveActivity)
    return found if isinstance(found, LiveActivity) else LiveActivity(desk)
