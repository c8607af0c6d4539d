"""What scope, raster and spectrogram have in common: a plot on the shared time axis, the crosshair, spans, notices."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtGui import QColor, QFontMetricsF, QHideEvent
from PySide6.QtWidgets import QWidget

from app.theme import DARK, Theme
from app.window.desk import Desk, Pull
from app.window.figures import grouped
from app.window.image_canvas import ImageCanvas
from app.window.pane import Pane
from app.window.pane_header import fitting_text
from app.window.perturbed_spans import PerturbedSpan, PerturbedSpans
from app.window.plot_colours import PlotColours
from app.window.time_axis import TimeAxis
from app.window.time_overlay import SpanLabel, TimeOverlay
from app.window.twin_view import TwinView
from rig.log import LogEntry
from rig.perturbation import SILENCING
from rig.process.protocol import MOVING
from rig.streams import StreamInfo, StreamKind
from rig.twin import PREFIX

RUNNING_S = 0.030  # every second picture of the screen


class TimePane(Pane):
    """Base of the panes with a time axis. A pane that is hidden is not pulled and does nothing.

    Attributes
    ----------
    axis : of the last pull
    """

    def __init__(self, title: str, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(title, desk, parent)
        self.canvas = ImageCanvas(self.body)
        self.overlay = TimeOverlay()
        self.canvas.overlays.append(self.overlay)
        self.spans = PerturbedSpans()
        self.colours = PlotColours.of(DARK)
        self.axis = TimeAxis(0, desk.view.span_ticks, 1)
        self._details: tuple[object, ...] = ()
        self._age_s = 1.0
        self._last_tick = 0
        self.canvas.hovered.connect(self._on_hovered)
        self.canvas.left.connect(lambda: desk.view.set_crosshair(None))
        desk.view.crosshair_moved.connect(self.show_crosshair)
        desk.logged.connect(self._on_logged)
        desk.opening.connect(lambda _: self.show_hint(desk.opening_words))
        desk.opened.connect(self._on_opened)
        desk.closed.connect(self._on_closed)

    def is_early(self, pull: Pull, refresh_s: float) -> bool:
        """Whether to leave out this pull of a picture that runs: thirty a second are enough for what has no fine line.

        Where a quarter of the window and more is new at every one, time races, and what cannot be followed by eye is
        drawn every `refresh_s` only.
        """
        self._age_s += pull.elapsed_s
        if pull.live and pull.status.state in MOVING:
            races = 4 * (pull.tick - self._last_tick) > self.axis.span_ticks
            if self._age_s < (refresh_s if races else RUNNING_S):
                return True
        self._age_s, self._last_tick = 0.0, pull.tick
        return False

    # ---- what subclasses say otherwise

    def tick_at(self, fraction: float) -> int:
        """The tick under a place of the plot."""
        return self.axis.tick_at(fraction)

    def fraction_of(self, tick: int) -> float:
        return self.axis.fraction(tick)

    # ---- shared by all

    def apply_theme(self, theme: Theme) -> None:
        self.colours = PlotColours.of(theme)
        self.overlay.colours = self.colours
        self.canvas.back_colour = QColor(theme.window)
        self.canvas.frame_colour = self.colours.frame
        self.canvas.update()

    def activity_info(self) -> StreamInfo | None:
        """Layout of the subject's activity as it is watched now; None where nobody watches it."""
        info = self.desk.stream(StreamKind.UNITS)
        reader = None if info is None else self.desk.ring(info.name)
        return None if reader is None else reader.info

    def spikes_info(self) -> StreamInfo | None:
        """The same of the stream whose bits are spikes."""
        info = self.desk.spikes_stream
        reader = None if info is None else self.desk.ring(info.name)
        return None if reader is None else reader.info

    def twin_view(self, stream: str) -> TwinView:
        """How the intact twin of a stream is shown; SUBJECT where there is no twin."""
        there = self.desk.ring(PREFIX + stream) is not None
        return self.desk.twin.view if there else TwinView.SUBJECT

    def take_axis(self, pull: Pull) -> TimeAxis:
        """The axis of this pull."""
        self.axis = TimeAxis(pull.stop_tick, pull.stop_tick - pull.start_tick, self.canvas.n_columns)
        return self.axis

    def show_details(self, parts: Sequence[str], short: Sequence[str] = ()) -> None:
        """Say in the header what is shown; where there is no room, of `short` as many parts as there is room for."""
        room = max(self._detail.width(), 60)
        if (room, *parts) == self._details:
            return
        self._details = (room, *parts)
        measure, full = QFontMetricsF(self._detail.font()).horizontalAdvance, " · ".join(parts)
        self.set_detail(full if measure(full) <= room else fitting_text(short or parts, room, measure))
        self._detail.setToolTip(full)

    def show_memory(self, held_from_tick: int | None, pull: Pull) -> None:
        """Where time stands still, say what is missing of it: it is being derived, or is more than the rings hold."""
        shown = held_from_tick is not None and not pull.live
        self.overlay.unknown_until = max(self.axis.fraction(held_from_tick), 0.0) if shown and held_from_tick else 0.0
        self.overlay.notice = "" if pull.live else self.desk.past.notice
        if shown and held_from_tick is not None and not self.overlay.notice:
            self.overlay.notice = f"the rings hold it from tick {grouped(held_from_tick)} on: show less time (])"

    def spans_on_show(self) -> tuple[PerturbedSpan, ...]:
        return self.spans.between(self.axis.start_tick, self.axis.stop_tick)

    def label_spans(self, spans: Sequence[PerturbedSpan], filled: bool = False) -> None:
        """Name the spans over the plot."""
        self.overlay.labels = tuple(
            SpanLabel(
                s.kind,
                self.fraction_of(s.start_tick),
                1.0 if s.stop_tick is None else self.fraction_of(s.stop_tick),
                self._span_text(s),
                filled,
            )
            for s in spans
        )

    def _span_text(self, span: PerturbedSpan) -> str:
        if span.label:
            return span.label
        description = self.desk.description
        word = "silenced" if span.kind in SILENCING else "stimulus"
        n = len(span.unit_ids)
        if n > 1 or description is None:
            return f"{n} units {word}" if word == "silenced" else f"{word} · {n} units"
        row = description.units.rows(sorted(span.unit_ids))[0]
        name = description.units.name[int(row)]
        return f"{name} {word}" if word == "silenced" else f"{word} · {name}"

    def show_crosshair(self) -> None:
        tick = self.desk.view.crosshair_tick
        crosshair = None if tick is None else self.fraction_of(tick)
        if crosshair != self.overlay.crosshair:
            self.overlay.crosshair = crosshair
            self.canvas.update()

    def show_hint(self, text: str) -> None:
        """Say what to do where there is nothing to show; "" where there is something."""
        if text != self.overlay.hint:
            self.overlay.hint = text
            if text:
                self.canvas.show_images([])
                self.overlay.labels = ()
                self.overlay.notice = ""
            self.canvas.update()

    def _on_hovered(self, x: float, y: float) -> None:
        if self.desk.description is not None:
            self.desk.view.set_crosshair(self.tick_at(x))

    def _on_logged(self, entry: LogEntry) -> None:
        self.spans.add(entry)

    def _on_opened(self) -> None:
        self.spans.clear()
        for entry in self.desk.entries:
            self.spans.add(entry)

    def _on_closed(self) -> None:
        self.spans.clear()
        self.desk.view.set_crosshair(None)
        self.show_details(())
        self.show_hint(NOTHING_OPEN)

    def hideEvent(self, event: QHideEvent) -> None:
        self.overlay.crosshair = None
        super().hideEvent(event)


NOTHING_OPEN = "Choose a subject at the left of the strip (Ctrl+O)"
