"""What all panes share: the stretch of time they show, the crosshair, and the selected units."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

MIN_SPAN_TICKS = 8
MAX_SPAN_TICKS = 1 << 40


class TimeView(QObject):
    """The stretch [stop − span, stop) of ticks on show. Live: its end follows the subject."""

    changed = Signal()  # span, end or liveness; not told of every tick that passes while live
    crosshair_moved = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._span_ticks = 2048
        self._stop_tick: int | None = None
        self._crosshair_tick: int | None = None

    @property
    def span_ticks(self) -> int:
        return self._span_ticks

    @property
    def live(self) -> bool:
        return self._stop_tick is None

    @property
    def crosshair_tick(self) -> int | None:
        return self._crosshair_tick

    def bounds(self, now_tick: int) -> tuple[int, int]:
        """(start, stop) ticks on show when `now_tick` ticks are done; start may be negative."""
        stop = now_tick if self._stop_tick is None else self._stop_tick
        return stop - self._span_ticks, stop

    def set_span(self, span_ticks: int) -> None:
        span_ticks = max(MIN_SPAN_TICKS, min(span_ticks, MAX_SPAN_TICKS))
        if span_ticks != self._span_ticks:
            self._span_ticks = span_ticks
            self.changed.emit()

    def look_at(self, stop_tick: int) -> None:
        """Stand still with the end here."""
        if stop_tick != self._stop_tick:
            self._stop_tick = max(stop_tick, 1)
            self.changed.emit()

    def go_live(self) -> None:
        if self._stop_tick is not None:
            self._stop_tick = None
            self.changed.emit()

    def set_crosshair(self, tick: int | None) -> None:
        if tick != self._crosshair_tick:
            self._crosshair_tick = tick
            self.crosshair_moved.emit()


class UnitSet(QObject):
    """A set of units that panes agree on (the selection, the channel list), in an order."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._ids: tuple[int, ...] = ()

    @property
    def ids(self) -> tuple[int, ...]:
        return self._ids

    def array(self) -> NDArray[np.int64]:
        return np.asarray(self._ids, np.int64)

    def set(self, ids: Iterable[int]) -> None:
        """Replace; what is there twice counts once."""
        new = tuple(dict.fromkeys(int(i) for i in ids))
        if new != self._ids:
            self._ids = new
            self.changed.emit()

    def __len__(self) -> int:
        return len(self._ids)

    def __contains__(self, unit_id: int) -> bool:
        return unit_id in self._ids
