"""The one estimate of what every unit does, shared by the panes of a desk and brought up to date once a pull."""

from __future__ import annotations

import time

from PySide6.QtCore import QObject, Signal

from app.window.activity import ActivityEstimate
from app.window.desk import Desk, Pull
from app.window.unit_states import UnitStates
from rig.log import LogEntry
from rig.streams import StreamInfo, StreamKind


class LiveActivity(QObject):
    """Follows the subject's first stream of units. Get it with `live_activity`.

    Attributes
    ----------
    estimate : None until samples can be had
    states : what is held or lesioned
    n_states : ascending, unchanged where `states` are
    """

    renewed = Signal()  # another estimate: another subject, or other units are watched

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._desk = desk
        self._pull: Pull | None = None
        self._index = 0
        self._epoch = -1
        self._ring = ""
        self._looked_s = time.monotonic()
        self.estimate: ActivityEstimate | None = None
        self.states = UnitStates()
        self.n_states = 0
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
        if self.states.update(pull.tick):
            self.n_states += 1
        now_s = time.monotonic()
        elapsed_s, self._looked_s = now_s - self._looked_s, now_s
        description, stream = self._desk.description, self.stream
        ring = None if stream is None else self._desk.ring(stream.name)
        if description is None or ring is None:
            return
        estimate = self.estimate
        if estimate is None or not same_channels(estimate.info, ring.info):
            estimate = self.estimate = ActivityEstimate(description.units, ring.info)
            self._index, self._epoch = 0, -1
            self.renewed.emit()
        if ring.name != self._ring:
            self._ring, self._index = ring.name, 0
        view = ring.since(self._index)
        if view.epoch != self._epoch:
            if self._epoch >= 0:
                estimate.clear()  # time was turned back
            self._epoch = view.epoch
        self._index = view.stop_index
        estimate.take(view, elapsed_s)

    def _on_opened(self) -> None:
        self.estimate = None
        self._pull = None
        self._index, self._epoch = 0, -1
        self.states.clear()
        self.n_states += 1

    def _on_closed(self) -> None:
        self.estimate = None

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
