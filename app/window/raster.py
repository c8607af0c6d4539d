"""The raster: spikes of many units in running time; around triggers, trials of the selected units and their average."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QGridLayout, QLabel, QMenu, QWidget

from app.draw.trace_image import Tint
from app.theme import Theme, argb
from app.window.desk import Desk, Pull
from app.window.figures import grouped, rate_text
from app.window.pane_header import add_choice, menu_button
from app.window.raster_labels import Histogram, RasterLabels
from app.window.raster_picture import RasterPicture
from app.window.raster_rows import Block, ChannelTable, Order, Rows, blocks
from app.window.raster_trials import TrialRaster
from app.window.time_axis import bin_text
from app.window.time_pane import NOTHING_OPEN, TimePane
from rig.streams import StreamInfo

NOT_WATCHED = "Nobody watches the units: select them on the map, then W"
NO_SELECTION = "Select units on the map, or choose all units above"
FEW_SELECTED = 64
REFRESH_S = 0.033  # while time races


class RasterPane(TimePane):
    """See the module."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__("Raster", desk, parent)
        self.which, self.order = Rows.ALL, Order.REGION
        self.labels = RasterLabels(self.body)
        self.histogram = Histogram(self.body)
        self.histogram_name = QLabel("PSTH ", self.body)
        self.histogram_name.setObjectName("caption")
        self.histogram_name.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.picture: RasterPicture | None = None
        self.trials: TrialRaster | None = None
        self._table: ChannelTable | None = None
        self._info: StreamInfo | None = None
        self._stale = True
        self._order_when_full = True
        self._shown: tuple[object, ...] = ()
        self.canvas.overlays[:] = [self.labels.draw_borders, self._draw_selected, self.overlay]
        self.overlay.divided = False
        self.rows_menu, self.order_menu = QMenu(self), QMenu(self)
        tip = "Which units are rows"
        self.rows_button = menu_button(f"{self.which} ▾", tip, self.rows_menu, self._header)
        tip = "How the rows are ordered; choose again to order by what is on show now"
        self.order_button = menu_button(f"{self.order} ▾", tip, self.order_menu, self._header)
        add_choice(self.rows_menu, [str(r) for r in Rows], str(self.which), lambda t: self.choose_rows(Rows(t)))
        add_choice(self.order_menu, [str(o) for o in Order], str(self.order), lambda t: self.choose_order(Order(t)))
        self.header_layout.insertWidget(1, self.rows_button)
        self.header_layout.insertWidget(2, self.order_button)
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

    # ---- choices

    def choose_rows(self, which: Rows) -> None:
        self.which = which
        self.rows_button.setText(f"{which} ▾")
        self._show_rows()

    def choose_order(self, order: Order) -> None:
        self.order = order
        self.order_button.setText(f"{order} ▾")
        self._order_rows()

    @property
    def triggered(self) -> bool:
        settings = self.desk.trigger.settings
        return settings.on and settings.condition is not None

    # ---- pulling

    def tick_at(self, fraction: float) -> int:
        t = self.trials if self.triggered else None
        if t is None or t.last_trigger is None:
            return super().tick_at(fraction)
        return t.last_trigger - t.pre_ticks + int(fraction * t.span_ticks)

    def fraction_of(self, tick: int) -> float:
        t = self.trials if self.triggered else None
        if t is None or t.last_trigger is None:
            return super().fraction_of(tick)
        return (tick - t.last_trigger + t.pre_ticks) / t.span_ticks

    def pull(self, pull: Pull) -> None:
        description = self.desk.description
        if description is None:
            return
        axis = self.take_axis(pull)
        if self._stale:
            self._stale = False
            self._info = self.activity_info()
            self._table = None if self._info is None else ChannelTable.of(description.units, self._info, self._theme)
            self.picture = self.trials = None
        if self._info is None or self._table is None or not self._info.regular:
            self.show_hint(NOT_WATCHED)
            return
        self.show_hint("" if self.triggered or len(self._channels()) else NO_SELECTION)
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

    def _pull_spikes(self, pull: Pull) -> bool:
        axis, height, p = self.axis, self.canvas.n_rows, self.picture
        assert self._info is not None
        assert self._table is not None
        fresh = p is None or (p.span_ticks, p.n_columns, p.height) != (axis.span_ticks, axis.n_columns, height)
        if p is None or fresh:
            p = RasterPicture(self._info, self._table, self._channels(), self.desk.ring, axis, height, self.colours)
            self.picture, self._order_when_full = p, True
        changed = p.pull(axis)
        full = bool(p.columns.known.all())
        if fresh or (full and self._order_when_full):  # once more when there is a whole window to judge by
            self._order_when_full = not full
            self._order_rows()
        self.show_memory(p.held_from_tick, pull)
        self._show_figures()
        return changed or fresh

    def _show_figures(self) -> None:
        description, p = self.desk.description, self.picture
        assert description is not None
        assert p is not None
        info = description.info
        per_column = self.axis.span_ticks / max(self.axis.n_columns, 1)
        n = len(p.rows)
        details = [f"{grouped(n)} unit{'s' if n != 1 else ''} {self.order}"]
        if self.order is Order.CORRELATION and self._reference() is None:
            details = [f"{grouped(n)} units · select one to order by correlation with it"]
        details.append(f"bins {bin_text(per_column, info.tick_hz, info.tick_name)}")
        if p.digitiser.text:
            details.append(f"spikes {p.digitiser.text}")
        self.show_details(details)

    # ---- around triggers

    def _trial_channels(self) -> NDArray[np.int64]:
        """Whose spikes the trials hold: the selected units', or all."""
        assert self._table is not None
        selected = self._table.channels(self._signals(self.desk.selection.ids))
        return selected if len(selected) else np.arange(len(self._table))

    def _pull_trials(self) -> bool:
        axis, height, t = self.axis, self.canvas.n_rows, self.trials
        assert self._info is not None
        assert self._table is not None
        bounds = self.desk.trigger.settings.bounds(axis.span_ticks)
        self.desk.trigger.search(axis.start_tick, axis.stop_tick, axis.span_ticks)
        if t is None or ((t.pre_ticks, t.post_ticks), t.n_columns, t.height) != (bounds, axis.n_columns, height):
            channels = self._trial_channels()
            regions = {self._table.regions[c] for c in channels.tolist()}
            name = self._table.region_colour[regions.pop()] if len(regions) == 1 else self._theme.text
            self.histogram.colour = QColor(name)
            t = TrialRaster(
                self._info, channels, self.desk.ring, self.desk.trigger, axis.span_ticks, axis.n_columns, height,
                self.colours, argb(name),
            )  # fmt: skip
            self.trials = t
            self._show_blocks()
        changed = t.pull(axis.stop_tick)
        if changed:
            self._show_histogram(t)
        self.overlay.notice = ""
        return changed

    def _show_histogram(self, t: TrialRaster) -> None:
        description = self.desk.description
        assert description is not None
        info = description.info
        rates = t.rates()
        per_s = info.tick_hz if info.tick_hz > 0 else 1.0
        peak = float(rates.max()) * per_s if len(rates) else 0.0
        per = "s" if info.tick_hz > 0 else info.tick_name
        self.histogram.zero = t.pre_ticks / t.span_ticks
        self.histogram.top_text = f"{rate_text(peak)} spikes/{per} a unit" if t.n_trials else ""
        self.histogram.show_rates(rates)
        units = f"{grouped(t.n_units)} units"
        if t.n_units == 1:
            assert self._table is not None
            units = self._table.names[int(self._trial_channels()[0])]
        trials = f"{grouped(t.n_trials)} trials" if t.n_trials else "waiting for the trigger"
        bins = f"bins {bin_text(t.bin_ticks, info.tick_hz, info.tick_name)}"
        self.show_details([f"{units} around {self.desk.trigger.settings.name}", trials, bins])

    # ---- rows

    def _signals(self, unit_ids: tuple[int, ...]) -> list[int]:
        """The units whose activity is that of these."""
        assert self.desk.description is not None
        units = self.desk.description.units
        return [int(u) for u in units.signal_id[units.rows(unit_ids)]] if unit_ids else []

    def _channels(self) -> NDArray[np.int64]:
        assert self._table is not None
        if self.which is Rows.ALL:
            return np.arange(len(self._table))
        ids = self.desk.selection.ids if self.which is Rows.SELECTED else self.desk.channels.ids
        return np.unique(self._table.channels(self._signals(ids)))

    def _reference(self) -> int | None:
        """The channel of the unit that was selected first."""
        if self._table is None:
            return None
        channels = self._table.channels(self._signals(self.desk.selection.ids[:1]))
        return int(channels[0]) if len(channels) else None

    def _show_rows(self) -> None:
        if self.picture is not None and self._table is not None:
            self.picture.show(self._channels())
            self._order_rows()

    def _order_rows(self) -> None:
        if self.picture is not None:
            self.picture.order(self.order, self._reference())
            self._show_blocks()
            self._shown = ()

    def _show_blocks(self) -> None:
        if self._table is None:
            return
        if self.triggered:
            muted = self._theme.muted
            self.labels.show_blocks((Block("trials", muted, 0, 1),), 1)
        elif self.picture is not None:
            order = Order.REGION if self.order is Order.CORRELATION and self._reference() is None else self.order
            self.labels.show_blocks(blocks(order, self.picture.rows, self._table), len(self.picture.rows))

    def _draw_selected(self, painter: QPainter, area: QRectF) -> None:
        """Mark the selected units' rows at the left border."""
        p, table = self.picture, self._table
        if p is None or table is None or self.triggered or not len(p.rows) or self.overlay.hint:
            return
        chosen = table.channels(self._signals(self.desk.selection.ids[:FEW_SELECTED]))
        if not len(chosen):
            return
        places = np.flatnonzero(np.isin(p.rows, chosen))
        height = area.height() / len(p.rows)
        painter.setPen(Qt.PenStyle.NoPen)
        for y in (area.top() + places * height).tolist():
            painter.fillRect(QRectF(area.left(), y, 5, max(height, 2)), self.colours.accent)
        if len(places) == 1:
            painter.setPen(QPen(self.colours.accent, 1, Qt.PenStyle.DotLine))
            y = area.top() + (places[0] + 0.5) * height
            painter.drawLine(int(area.left()), int(y), int(area.right()), int(y))

    # ---- what others change

    def _on_clicked(self, x: float, y: float, modifiers: Qt.KeyboardModifier) -> None:
        if self.picture is None or self.triggered or self._table is None or self.overlay.hint:
            return
        channel = self.picture.row_at(y)
        if channel is None:
            return
        unit_id, ids = int(self._table.unit_ids[channel]), self.desk.selection.ids
        if modifiers & Qt.KeyboardModifier.ControlModifier:
            self.desk.select([i for i in ids if i != unit_id] if unit_id in ids else [*ids, unit_id])
        else:
            self.desk.select([unit_id])

    def _pick_block(self, i: int) -> None:
        if self.picture is not None and self._table is not None and not self.triggered:
            block = self.labels.blocks[i]
            self.desk.select(self._table.unit_ids[np.sort(self.picture.rows[block.start : block.stop])].tolist())

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
        self.picture = self.trials = self._table = self._info = None
        self.labels.show_blocks((), 0)
