"""What the subject does, in figures: the newest of each measure under the screen."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QWidget

from app.theme import DARK, Theme
from app.window.desk import Desk, Pull
from app.window.scope_rows import is_measures
from rig.errors import EvictedError
from rig.process.ring_reader import RingReader
from rig.streams import StreamInfo

MEAN_OF_SAMPLES = 10  # single samples flicker


class Measures(QLabel):
    """Name and value of each measure of the subject, in as many lines as they need."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("", parent)
        self.theme: Theme = DARK
        self._streams: tuple[StreamInfo, ...] = ()
        self._told: tuple[tuple[str, str], ...] = ()
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.RichText)
        self.setContentsMargins(8, 4, 8, 0)
        self.hide()

    def set_streams(self, streams: tuple[StreamInfo, ...]) -> None:
        """Another subject."""
        self._streams, self._told = tuple(s for s in streams if is_measures(s)), ()
        self.clear()
        self.setVisible(bool(self._streams))
        if self._streams:
            self.setToolTip("\n".join(s.description for s in self._streams))

    def pull(self, desk: Desk, pull: Pull) -> None:
        told = []
        for info in self._streams:
            reader = desk.shown_ring(info.name)
            values = None if reader is None else newest_means(reader, pull.stop_tick)
            if values is not None:
                told += [(name, figure(float(v))) for name, v in zip(info.channel_names, values, strict=True)]
        if tuple(told) != self._told:
            self._told = tuple(told)
            self._write()

    def apply_theme(self, theme: Theme) -> None:
        self.theme = theme
        self._write()

    def _write(self) -> None:
        words = [
            f'<span style="color:{self.theme.muted}">{name.replace(" ", "&nbsp;")}</span>&nbsp;{value}'
            for name, value in self._told
        ]
        self.setText(" &nbsp; ".join(words))


def newest_means(reader: RingReader, stop_tick: int) -> np.ndarray[tuple[int], np.dtype[np.float64]] | None:
    """(n_channels,) means of the last samples before stop_tick; None where the ring has none."""
    try:
        span = reader.span()
        stop = min(stop_tick, span.stop_tick)
        start = max(span.first_tick, stop - MEAN_OF_SAMPLES * (reader.info.ticks_per_sample or 1))
        data = reader.ticks(start, stop).copy().data if stop > start else np.empty((0, reader.info.n_channels))
    except EvictedError:
        return None
    return data.mean(axis=0, dtype=np.float64) if len(data) else None


def figure(value: float) -> str:
    """``4.12``, ``0.38``: always as wide."""
    return f"{value:.2f}" if math.isfinite(value) and abs(value) < 1000 else f"{value:.3g}"
