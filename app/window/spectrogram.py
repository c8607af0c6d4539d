"""The spectrogram of one channel, and its mean spectrum at the left."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QFontMetricsF, QPainter
from PySide6.QtWidgets import QGridLayout, QMenu, QWidget

from app.theme import Theme
from app.window.desk import Desk, Pull
from app.window.pane_header import add_choice, check_choice, menu_button
from app.window.pane_settings import SpectrogramSettings
from app.window.spectrogram_picture import (
    LENGTHS,
    OVERLAPS,
    RANGES_DB,
    Scale,
    SpectrogramChoice,
    SpectrogramPicture,
)
from app.window.spectrogram_side import FrequencySide
from app.window.spectrogram_source import Source, chosen, sources
from app.window.stream_feed import same_layout
from app.window.time_axis import frequency_text
from app.window.time_pane import NOTHING_OPEN, TimePane
from app.window.twin_view import TwinView
from rig.field import FIELD_STREAM

NOT_WATCHED = "Nobody watches the units: select them on the map, then W"
PSD_EVERY_S = 0.1  # a mean spectrum that changes more often cannot be read
REFRESH_S = 0.066  # while time races


class SpectrogramPane(TimePane):
    """See the module."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__("Spectrogram", desk, parent)
        self.settings = SpectrogramSettings()
        self.side = FrequencySide(self.body)
        self.picture: SpectrogramPicture | None = None
        self.offered: tuple[Source, ...] = ()
        self._stale = True
        self._psd_age_s = PSD_EVERY_S
        self._shown: tuple[object, ...] = ()
        self._pointer: tuple[float, float] | None = None
        self.overlay.divided = False
        self.canvas.overlays.append(self._draw_pointer)
        self.source_menu, self.view_menu = QMenu(self), QMenu(self)
        self.source_button = menu_button("population rate ▾", "Channel", self.source_menu, self._header)
        tip = "Frequency scale, window, overlap, range of levels"
        self.view_button = menu_button("view ▾", tip, self.view_menu, self._header)
        self.header_layout.insertWidget(1, self.source_button)
        self.header_layout.insertWidget(2, self.view_button)
        self._fill_view_menu()
        layout = QGridLayout(self.body)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.setSpacing(0)
        layout.addWidget(self.side, 0, 0)
        layout.addWidget(self.canvas, 0, 1)
        self.show_hint(NOTHING_OPEN)
        desk.stream_opened.connect(self._forget)
        desk.stream_closed.connect(self._forget)
        desk.selection.changed.connect(self._forget)
        self.canvas.hovered.connect(self._on_pointed)
        self.canvas.left.connect(partial(self._on_pointed, None, None))

    # ---- choices

    @property
    def choice(self) -> SpectrogramChoice:
        return self.settings.choice

    def choose_source(self, key: str) -> None:
        """An electrode by its name, the selected unit, or the population."""
        self._change(f"spectrogram of {key}", replace(self.settings, source=key))

    def choose(self, **changes: Any) -> None:
        """Change some of how spectra are made."""
        self._change("how spectra are made", replace(self.settings, choice=replace(self.choice, **changes)))

    def _change(self, text: str, after: SpectrogramSettings) -> None:
        """Choose, undoably."""
        before = self.settings
        if before != after:
            self.desk.edit(text, partial(self.apply_settings, after), partial(self.apply_settings, before))

    def apply_settings(self, settings: SpectrogramSettings) -> None:
        """Show it so, at once and in all that says how it is."""
        if settings.choice != self.choice:
            self.picture = None
        self.settings = settings
        self._check_view_menu()
        self._forget()

    def _fill_view_menu(self) -> None:
        menu = self.view_menu
        menu.addSection("frequency")
        add_choice(menu, [str(s) for s in Scale], "", lambda t: self.choose(scale=Scale(t)))
        self._lengths, self._overlaps, self._ranges = (menu.addMenu(t) for t in ("window", "overlap", "levels"))
        lengths = {_length_text(n): n for n in (0, *LENGTHS)}
        add_choice(self._lengths, list(lengths), "", lambda t: self.choose(length=lengths[t]))
        overlaps = {f"{n} %": n for n in OVERLAPS}
        add_choice(self._overlaps, list(overlaps), "", lambda t: self.choose(overlap_percent=overlaps[t]))
        ranges = {_range_text(n): n for n in RANGES_DB}
        add_choice(self._ranges, list(ranges), "", lambda t: self.choose(range_db=ranges[t]))
        self._check_view_menu()

    def _check_view_menu(self) -> None:
        c = self.choice
        check_choice(self.view_menu, str(c.scale))
        check_choice(self._lengths, _length_text(c.length))
        check_choice(self._overlaps, f"{c.overlap_percent} %")
        check_choice(self._ranges, _range_text(c.range_db))

    # ---- pulling

    def pull(self, pull: Pull) -> None:
        description = self.desk.description
        if description is None:
            return
        axis, height = self.take_axis(pull), self.canvas.n_rows
        if self._stale:
            self._offer()
        source = chosen(self.offered, self.settings.source)
        self.show_hint("" if source is not None else NOT_WATCHED)
        if source is None:
            return
        p = self.picture
        fits = (
            p is not None
            and p.source == source
            and (p.span_ticks, p.n_columns, p.height) == (axis.span_ticks, axis.n_columns, height)
            and p.twin_view is self.twin_view(source.stream)
        )
        if p is None or not fits:
            reader = self.desk.ring(source.stream)
            if reader is None:
                return
            hz = description.info.tick_hz
            p = SpectrogramPicture(
                source, reader.info, self.desk.shown_ring, self.choice, axis, height, self.colours, hz,
                self.twin_view(source.stream),
            )  # fmt: skip
            self.picture = p
            self.side.show_rows(p.rows, hz <= 0)
            self._age_s = self._psd_age_s = 1.0
        if self.is_early(pull, REFRESH_S):
            return
        changed = p.pull(axis)
        self._show_time(pull, p, changed)

    def _show_time(self, pull: Pull, p: SpectrogramPicture, changed: bool) -> None:
        self._psd_age_s += max(pull.elapsed_s, 0.016)
        if changed and self._psd_age_s >= PSD_EVERY_S:
            self._psd_age_s = 0.0
            twins = np.empty(0) if p.twin is None else p.twin.levels_db()
            self.side.show_levels(p.levels_db(), twins, p.low_db, p.high_db)
        self.label_spans(self.spans_on_show(), filled=True)
        self.show_memory(p.held_from_tick, pull)
        tick = self.desk.view.crosshair_tick
        self.overlay.crosshair = None if tick is None else self.fraction_of(tick)
        shown = (self.axis, self.overlay.labels, self.overlay.notice, self.overlay.crosshair)
        if changed or shown != self._shown:
            self._shown = shown
            self.canvas.show_images([(p.image.pixels, self.axis.pieces(), True)])
        details = [p.source.name, f"Hann {p.plan.length}", f"{p.choice.overlap_percent} %", str(p.choice.scale)]
        if p.twin_view is TwinView.DIFFERENCE:
            style = p.image.style
            details.insert(0, f"blue less, yellow more than the twin, ±{style.high_db:.0f} dB")
        else:
            details.append(f"{p.low_db:.0f} … {p.high_db:.0f} dB")
            details += ["the intact twin"] if p.twin_view is TwinView.TWIN else []
        if p.plan.length * p.k > self.axis.span_ticks:
            details.insert(0, "the window is longer than the time on show: more time with [")
        self.show_details(details)

    def _offer(self) -> None:
        """What there is to choose from, now."""
        description = self.desk.description
        assert description is not None
        self._stale = False
        field = self.desk.ring(FIELD_STREAM)
        info = None if field is None else field.info
        self.offered = sources(
            description.units, self.activity_info(), self.spikes_info(), info, self.desk.selection.ids
        )
        source = chosen(self.offered, self.settings.source)
        reader = None if source is None else self.desk.ring(source.stream)
        p = self.picture
        if p is not None and (source != p.source or reader is None or not same_layout(p.info, reader.info)):
            self.picture = None
        self.source_menu.clear()
        by_name = {s.name: s.key for s in self.offered}
        name = "" if source is None else source.name
        add_choice(self.source_menu, list(by_name), name, lambda t: self.choose_source(by_name[t]))
        self.source_button.setText(f"{name} ▾" if name else "channel ▾")

    # ---- what is under the pointer

    def _on_pointed(self, x: float | None, y: float | None) -> None:
        self._pointer = None if x is None or y is None else (x, y)
        self.canvas.update()

    def frequency_at(self, y: float) -> float | None:
        """The frequency at a fraction of the height, from the top; cycles a tick where there is no clock."""
        if self.picture is None:
            return None
        edges = self.picture.rows.edges_hz
        return float(edges[min(int(y * (len(edges) - 1)), len(edges) - 2)])

    def _draw_pointer(self, painter: QPainter, area: QRectF) -> None:
        description = self.desk.description
        if self._pointer is None or self.picture is None or description is None or self.overlay.hint:
            return
        hz = self.frequency_at(self._pointer[1])
        assert hz is not None
        text = frequency_text(hz, description.info.tick_hz <= 0)
        metrics = QFontMetricsF(painter.font())
        width, y = metrics.horizontalAdvance(text), area.top() + self._pointer[1] * area.height()
        left = area.left() + self._pointer[0] * area.width() + 10
        left = left if left + width + 6 < area.right() else left - width - 24
        base = max(y, area.top() + metrics.height())
        painter.fillRect(
            QRectF(left - 3, base - metrics.ascent() - 1, width + 6, metrics.height()), self.colours.backing
        )
        painter.setPen(self.colours.words)
        painter.drawText(QPointF(left, base), text)

    # ---- what others change

    def _forget(self, _: object = None) -> None:
        self._stale = True

    def apply_theme(self, theme: Theme) -> None:
        super().apply_theme(theme)
        self.side.colours = self.colours
        self.picture = None

    def _on_opened(self) -> None:
        super()._on_opened()
        self.picture = None
        self._forget()

    def _on_closed(self) -> None:
        super()._on_closed()
        self.picture = None
        self.offered = ()
        self.side.show_rows(None, False)


def _length_text(length: int) -> str:
    return f"Hann {length}" if length else "suits the time on show"


def _range_text(range_db: int) -> str:
    return f"{range_db} dB" if range_db else "suit the levels"
