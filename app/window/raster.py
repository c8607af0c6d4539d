"""The raster: spikes of many units in running time; around triggers, trials of the selected units and their average."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QGridLayout, QLabel, QMenu, QWidget

from app.draw.trace_image import Tint
from app.theme import DARK, Theme, argb
from app.window.desk import Desk, Pull
from app.window.pane_header import add_choice, check_choice, menu_button
from app.window.pane_settings import RasterSettings
from app.window.raster_header import peak_text, raster_details, trial_details
from app.window.raster_histogram import Histogram
from app.window.raster_labels import RasterLabels, draw_marked
from app.window.raster_picture import RasterPicture
from app.window.raster_rows import Block, Order, Rows, blocks
from app.window.raster_trials import TrialRaster
from app.window.raster_units import RasterUnits
from app.window.time_pane import NOTHING_OPEN, TimePane
from app.window.twin_view import TwinView

NOT_WATCHED = "Nobody watches the units: select them on the map, then W"
NO_ROWS = "Select units on the map, or choose all units above"
MOST_MARKED = 64
REFRESH_S = 0.033  # while time races


class RasterPane(TimePane):
    """See the module."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__("Raster", desk, parent)
        self.settings = RasterSettings()
        self.labels = RasterLabels(self.body)
        self.histogram = Histogram(self.body)
        self.histogram_name = QLabel("PSTH ", self.body)
        self.histogram_name.setObjectName("caption")
        self.histogram_name.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.units: RasterUnits | None = None
        self.picture: RasterPicture | None = None
        self.trials: TrialRaster | None = None
        self._theme = DARK
        self._stale = True
        self._order_when_full = True
        self._marked_of: tuple[NDArray[np.int64], tuple[int, ...]] | None = None  # rows and units it was looked up for
        self._marked: NDArray[np.int64] = np.empty(0, np.int64)
        self._shown: tuple[object, ...] = ()
        self.canvas.overlays[:] = [self.labels.draw_borders, self._draw_selected, self.overlay]
        self.overlay.divided = False
        self._fill_header()
        layout = QGridLayout(self.body)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.setSpacing(0)
        layout.addWidget(self.histogram_name, 0, 0)
        layout.addWidget(self.histogram, 0, 1)
        layout.addWidget(self.labels, 1, 0)
        layout.addWidget(self.canvas, 1, 1)
        layout.setRowStretch(1, 1)
        self.histogram.hide()
        self.histogram_name.hide()
        self.show_hint(NOTHING_OPEN)
        desk.stream_opened.connect(self._forget)
        desk.stream_closed.connect(self._forget)
        desk.channels.changed.connect(self._on_units_changed)
        desk.selection.changed.connect(self._on_units_changed)
        desk.trigger.listen(self._on_trigger)
        self.canvas.clicked.connect(self._on_clicked)
        self.labels.picked.connect(self._pick_block)

    def _fill_header(self) -> None:
        self.rows_menu, self.order_menu = QMenu(self), QMenu(self)
        self.rows_button = menu_button(f"{self.which} ▾", "Which units are rows", self.rows_menu, self._header)
        tip = "How the rows are ordered; choose again to order by what is on show now"
        self.order_button = menu_button(f"{self.order} ▾", tip, self.order_menu, self._header)
        add_choice(self.rows_menu, [str(r) for r in Rows], str(self.which), lambda t: self.choose_rows(Rows(t)))
        add_choice(self.order_menu, [str(o) for o in Order], str(self.order), lambda t: self.choose_order(Order(t)))
        self.header_layout.insertWidget(1, self.rows_button)
        self.header_layout.insertWidget(2, self.order_button)

    # ---- choices

    @property
    def which(self) -> Rows:
        return self.settings.rows

    @property
    def order(self) -> Order:
        return self.settings.order

    def choose_rows(self, which: Rows) -> None:
        self._change(f"rows: {which}", RasterSettings(which, self.order))

    def choose_order(self, order: Order) -> None:
        if order is self.order:
            self._order_rows()  # by what is on show now
        else:
            self._change(f"rows {order}", RasterSettings(self.which, order))

    def _change(self, text: str, after: RasterSettings) -> None:
        """Choose, undoably."""
        before = self.settings
        if before != after:
            self.desk.edit(text, partial(self.apply_settings, after), partial(self.apply_settings, before))

    def apply_settings(self, settings: RasterSettings) -> None:
        """Show it so, at once and in all that says how it is."""
        self.settings = settings
        for button, menu, text in (
            (self.rows_button, self.rows_menu, str(settings.rows)),
            (self.order_button, self.order_menu, str(settings.order)),
        ):
            button.setText(f"{text} ▾")
            check_choice(menu, text)
        self._show_rows()

    @property
    def triggered(self) -> bool:
        settings = self.desk.trigger.settings
        return settings.on and settings.condition is not None

    # ---- pulling

    def _trial_start(self) -> int | None:
        """Where the newest trial begins; None in running time."""
        t = self.trials if self.triggered else None
        return None if t is None or t.last_trigger is None else t.last_trigger - t.pre_ticks

    def tick_at(self, fraction: float) -> int:
        start = self._trial_start()
        return super().tick_at(fraction) if start is None else start + int(fraction * self.axis.span_ticks)

    def fraction_of(self, tick: int) -> float:
        start = self._trial_start()
        return super().fraction_of(tick) if start is None else (tick - start) / self.axis.span_ticks

    def pull(self, pull: Pull) -> None:
        if self.desk.description is None:
            return
        axis = self.take_axis(pull)
        self._find_units()
        if self.units is None:
            self.show_hint(NOT_WATCHED)
            return
        self.show_hint("" if self.triggered or self.picture is None or len(self.picture.rows) else NO_ROWS)
        if not self.triggered and self.picture is not None and self.is_early(pull, REFRESH_S):
            return
        changed = self._pull_trials() if self.triggered else self._pull_spikes(pull)
        spans = () if self.triggered else self.spans_on_show()
        if self.picture is not None and not self.triggered:
            self.picture.set_tints([Tint(s.start_tick, s.stop_tick, self.colours.tint(s.kind)) for s in spans])
        self.label_spans(spans)
        tick = self.desk.view.crosshair_tick
        self.overlay.crosshair = None if tick is None else self.fraction_of(tick)
        shown = (axis, self.overlay.labels, self.overlay.notice, self.overlay.crosshair, self.desk.selection.ids)
        if (changed or shown != self._shown) and not self.overlay.hint:
            self._shown = shown
            picture = self.trials if self.triggered else self.picture
            if picture is not None:
                self.canvas.show_images([(picture.image.pixels, None if self.triggered else axis.pieces(), True)])

    def _find_units(self) -> None:
        """Look anew after a change of what is watched, or of colours."""
        description = self.desk.description
        if not self._stale or description is None:
            return
        self._stale = False
        info = self.spikes_info()
        carries = info is not None and info.regular
        self.units = (
            RasterUnits(description.units, info, description.info.space, self._theme)
            if info is not None and carries
            else None
        )
        self.picture = self.trials = self._marked_of = None

    def _pull_spikes(self, pull: Pull) -> bool:
        axis, height, p, units, desk = self.axis, self.canvas.n_rows, self.picture, self.units, self.desk
        assert units is not None
        assert desk.description is not None
        view = self.twin_view(units.info.name)
        wanted = axis.span_ticks, axis.n_columns, height, view
        fresh = p is None or (p.span_ticks, p.n_columns, p.height, p.twin_view) != wanted
        if p is None or fresh:
            channels = units.rows(self.which, desk.channels.ids, desk.selection.ids)
            p = RasterPicture(units.info, units.table, channels, desk.shown_ring, axis, height, self.colours, view)
            self.picture, self._order_when_full = p, True
        changed = p.pull(axis)
        full = bool(p.columns.known.all())
        if fresh or (full and self._order_when_full):  # once more when there is a whole window to judge by
            self._order_when_full = not full
            self._order_rows()
        self.show_memory(p.held_from_tick, pull)
        self.show_details(raster_details(p, self.order, self._reference() is not None, desk.description.info, axis))
        return changed or fresh

    def _pull_trials(self) -> bool:
        axis, height, t, units = self.axis, self.canvas.n_rows, self.trials, self.units
        trigger = self.desk.trigger
        assert units is not None
        trigger.search(axis.start_tick, axis.stop_tick, axis.span_ticks)
        view = self.twin_view(units.info.name)
        layout = (*trigger.settings.bounds(axis.span_ticks), axis.n_columns, height, view)
        if t is None or (t.pre_ticks, t.post_ticks, t.n_columns, t.height, t.twin_view) != layout:
            channels = units.trial_channels(self.desk.selection.ids)
            colour = units.colour(channels, self._theme.text)
            self.histogram.colour = QColor(colour)
            t = TrialRaster(
                units.info, channels, self.desk.shown_ring, trigger, axis.span_ticks, axis.n_columns, height,
                self.colours, argb(colour), view,
            )  # fmt: skip
            self.trials = t
            self._show_blocks()
        changed = t.pull(axis.stop_tick)
        if changed:
            self._show_histogram(t, units)
        self.overlay.notice = ""
        return changed

    def _show_histogram(self, t: TrialRaster, units: RasterUnits) -> None:
        assert self.desk.description is not None
        info = self.desk.description.info
        name = units.table.names[int(units.trial_channels(self.desk.selection.ids)[0])]
        self.histogram.zero = t.pre_ticks / t.span_ticks
        self.histogram.top_text = peak_text(t, info)
        self.histogram.show_rates(t.rates(), t.twin_rates(), t.twin_view is TwinView.DIFFERENCE)
        self.show_details(trial_details(t, name, self.desk.trigger.settings.name, info))

    # ---- rows

    def _reference(self) -> int | None:
        return None if self.units is None else self.units.reference(self.desk.selection.ids)

    def _show_rows(self) -> None:
        if self.picture is not None and self.units is not None:
            self.picture.show(self.units.rows(self.which, self.desk.channels.ids, self.desk.selection.ids))
            self._order_rows()

    def _order_rows(self) -> None:
        if self.picture is not None:
            self.picture.order(self.order, self._reference())
            self._show_blocks()
            self._shown = ()

    def _show_blocks(self) -> None:
        if self.units is None:
            return
        if self.triggered:
            self.labels.show_blocks((Block("trials", self._theme.muted, 0, 1),), 1)
        elif self.picture is not None:
            order = Order.REGION if self.order is Order.CORRELATION and self._reference() is None else self.order
            self.labels.show_blocks(blocks(order, self.picture.rows, self.units.table), len(self.picture.rows))

    def _draw_selected(self, painter: QPainter, area: QRectF) -> None:
        """Mark the selected units' rows."""
        p, units, ids = self.picture, self.units, self.desk.selection.ids
        if p is None or units is None or self.triggered or self.overlay.hint or not ids:
            return
        if self._marked_of is None or self._marked_of[0] is not p.rows or self._marked_of[1] is not ids:
            self._marked_of = p.rows, ids
            self._marked = np.flatnonzero(np.isin(p.rows, units.channels(ids[:MOST_MARKED])))
        draw_marked(painter, area, self._marked, len(p.rows), self.colours.accent)

    # ---- the mouse

    def _on_clicked(self, x: float, y: float, modifiers: Qt.KeyboardModifier) -> None:
        if self.picture is None or self.triggered or self.units is None or self.overlay.hint:
            return
        channel = self.picture.row_at(y)
        if channel is None:
            return
        unit_id, ids = int(self.units.table.unit_ids[channel]), self.desk.selection.ids
        if modifiers & Qt.KeyboardModifier.ControlModifier:
            self.desk.select([i for i in ids if i != unit_id] if unit_id in ids else [*ids, unit_id])
        else:
            self.desk.select([unit_id])

    def _pick_block(self, i: int) -> None:
        if self.picture is not None and self.units is not None and not self.triggered:
            block = self.labels.blocks[i]
            channels = np.sort(self.picture.rows[block.start : block.stop])
            self.desk.select(self.units.table.unit_ids[channels].tolist())

    # ---- what others change

    def _on_units_changed(self) -> None:
        self.trials = None
        if self.which is not Rows.ALL:
            self._show_rows()
        elif self.order is Order.CORRELATION:
            self._order_rows()

    def _on_trigger(self) -> None:
        self.trials = None
        for widget in (self.histogram, self.histogram_name):
            widget.setVisible(self.triggered)
        self._show_blocks()
        self._shown = ()

    def _forget(self, _: object = None) -> None:
        self._stale = True

    def apply_theme(self, theme: Theme) -> None:
        super().apply_theme(theme)
        self._theme = theme
        self.labels.colours = self.histogram.colours = self.colours
        self._forget()

    def _on_opened(self) -> None:
        super()._on_opened()
        self._forget()

    def _on_closed(self) -> None:
        super()._on_closed()
        self.picture = self.trials = self.units = None
        self.labels.show_blocks((), 0)
