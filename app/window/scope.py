"""The oscilloscope: traces of the channel list and of every electrode, running or in sweeps around a trigger."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QWidget

from app.theme import Theme
from app.window.desk import Desk, Pull
from app.window.live_activity import live_activity
from app.window.pane_settings import ScopeSettings
from app.window.scope_controls import ScopeControls
from app.window.scope_cursors import Cursors
from app.window.scope_edits import ScopeEdits
from app.window.scope_filters import FilterChoice
from app.window.scope_header import scope_details
from app.window.scope_labels import ScopeLabels
from app.window.scope_layout import Arrangement
from app.window.scope_picture import ScopePicture
from app.window.scope_rows import shown_rows
from app.window.scope_traces import rate_of
from app.window.scope_trigger_row import TriggerRow
from app.window.time_axis import snapped_span
from app.window.time_pane import NOTHING_OPEN, TimePane
from app.window.trigger_offers import trigger_offers
from app.window.unit_states import UnitState, UnitStates
from app.window.watched_streams import watch_stream
from rig.log import LogEntry
from rig.twin import PREFIX

NO_CHANNELS = "No channels: select units on the map, then W"
NOT_WATCHED = "Nobody watches these units: select them on the map, then W"


class ScopePane(TimePane):
    """See the module. Shared with the raster: `desk.trigger`, what sweeps are made around."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__("Oscilloscope", desk, parent)
        self.picture = ScopePicture(desk.shown_ring, desk.trigger)
        self.edits = ScopeEdits(desk, self.picture, self._show_labels)
        self.controls = ScopeControls(self._header)
        self.trigger_row = TriggerRow(desk.trigger, desk.set_trigger, self.body)
        self.labels = ScopeLabels(self.body)
        self.cursors = Cursors()
        self.canvas.overlays.append(self.cursors)
        self.states = UnitStates()
        self._live = live_activity(desk)
        self.settings = ScopeSettings()
        self._rows_stale = True
        self._shown: tuple[object, ...] = ()
        self.header_layout.insertWidget(1, self.controls)
        layout = QGridLayout(self.body)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.setSpacing(0)
        layout.addWidget(self.trigger_row, 0, 0, 1, 2)
        layout.addWidget(self.labels, 1, 0)
        layout.addWidget(self.canvas, 1, 1)
        layout.setRowStretch(1, 1)
        self.show_hint(NOTHING_OPEN)
        self._connect()

    def _connect(self) -> None:
        desk, controls, labels, edits = self.desk, self.controls, self.labels, self.edits
        desk.channels.changed.connect(self._forget_rows)
        desk.stream_opened.connect(self._forget_rows)
        desk.stream_closed.connect(self._forget_rows)
        desk.selection.changed.connect(lambda: labels.show_selected(desk.selection.ids))
        desk.view.changed.connect(self.snap_span)
        desk.trigger.listen(self._on_trigger)
        desk.twin.changed.connect(lambda: self.picture.set_twin_view(desk.twin.view))
        controls.trigger_asked.connect(self.toggle_trigger)
        controls.gain_asked.connect(edits.change_common_gain)
        controls.autoscale_asked.connect(edits.autoscale)
        controls.cursors_asked.connect(self.toggle_cursors)
        controls.arranged.connect(self.arrange)
        controls.filtered.connect(self.filter)
        controls.stream_chosen.connect(self.choose_stream)
        self.trigger_row.shown_changed.connect(self._show_sweeps)
        labels.picked.connect(self._pick)
        labels.gain_turned.connect(edits.turn_gain)
        labels.shift_dragged.connect(
            lambda row, up, over: edits.drag_shift(row, up * self.canvas.devicePixelRatioF(), over)
        )
        labels.reset_asked.connect(edits.reset)
        self.canvas.clicked.connect(self._on_clicked)
        self.canvas.hovered.connect(self._on_moved)
        self.canvas.released.connect(self._on_released)

    # ---- what the keys do

    def pane_actions(self) -> Iterable[tuple[str, str, str, Callable[[], object]]]:
        return (
            ("trigger", "Sweeps around a trigger, or running time", "T", self.toggle_trigger),
            ("autoscale", "Autoscale the traces", "A", self.edits.autoscale),
            ("gain up", "More gain", "+", lambda: self.edits.change_common_gain(1)),
            ("gain down", "Less gain", "-", lambda: self.edits.change_common_gain(-1)),
            ("cursors", "Show or hide the cursors", "C", self.toggle_cursors),
        )

    def toggle_trigger(self) -> None:
        self._fill_rows()
        settings = self.desk.trigger.settings
        if settings.on:
            self.desk.set_trigger("running time", on=False)
        elif settings.condition is not None:
            self.desk.set_trigger("sweeps", on=True)
        elif (offer := self.trigger_row.first(self._liveliest_first(self.desk.selection.ids))) is not None:
            self.desk.set_trigger(f"sweeps around {offer.name}", on=True, condition=offer.condition, name=offer.name)
        self._on_trigger()

    def _liveliest_first(self, ids: Sequence[int]) -> list[int]:
        """Units by their rate: a trigger that never comes shows nothing."""
        description, estimate = self.desk.description, self._live.estimate
        if description is None or estimate is None or not ids:
            return list(ids)
        rates = np.append(estimate.list_rate, 0.0)[estimate.channel_of_row[description.units.rows(ids)]]
        return [ids[i] for i in np.argsort(-rates, kind="stable").tolist()]

    def toggle_cursors(self) -> None:
        self.cursors.on = not self.cursors.on
        self.controls.cursors.setChecked(self.cursors.on)
        self.canvas.update()

    def arrange(self, arrangement: Arrangement) -> None:
        self._change(f"traces {arrangement}", arrangement=arrangement)

    def filter(self, choice: FilterChoice) -> None:
        self._change(str(choice.kind), filter=choice)

    def choose_stream(self, name: str) -> None:
        """Show the units in another of their signals, which is watched if it was not."""
        watch_stream(self.desk, name)
        self._change(f"show {name}", stream=name)

    def _change(self, text: str, **changes: Any) -> None:
        """Choose, undoably."""
        before = self.settings
        after = replace(before, **changes)
        if before != after:
            self.desk.edit(text, partial(self.apply_settings, after), partial(self.apply_settings, before))

    def apply_settings(self, settings: ScopeSettings) -> None:
        """Show it so, at once and in all that says how it is."""
        before, self.settings, picture = self.settings, settings, self.picture
        picture.arrangement = settings.arrangement
        picture.overlaid, picture.averaged = settings.overlaid, settings.averaged
        self.trigger_row.show_shown(settings.overlaid, settings.averaged)
        if settings.filter != before.filter:
            picture.set_filter(settings.filter)
        picture.restyle()
        self._show_labels()
        self._forget_rows()

    def snap_span(self) -> None:
        """Keep the time base at 1, 2 or 5 a division."""
        if self.desk.description is not None:
            view = self.desk.view
            view.set_span(snapped_span(view.span_ticks, self.desk.description.info.tick_hz))

    # ---- pulling

    def _sweep_start(self) -> int | None:
        """Where the newest sweep begins; None in running time."""
        sweeps = self.picture.sweeps
        return None if sweeps is None or sweeps.last_trigger is None else sweeps.last_trigger - sweeps.pre_ticks

    def tick_at(self, fraction: float) -> int:
        start = self._sweep_start()
        return super().tick_at(fraction) if start is None else start + int(fraction * self.axis.span_ticks)

    def fraction_of(self, tick: int) -> float:
        start = self._sweep_start()
        return super().fraction_of(tick) if start is None else (tick - start) / self.axis.span_ticks

    def pull(self, pull: Pull) -> None:
        if self.desk.description is None:
            return
        self._fill_rows()
        axis = self.take_axis(pull)
        self._fit_to_canvas()
        self._show_figures(pull)
        lacking = self._lacking()
        if lacking != self.overlay.hint:
            self._shown = ()
            self.show_hint(lacking)
        if not self.picture.carried:
            return
        if self.picture.triggered:
            self.desk.trigger.search(axis.start_tick, axis.stop_tick, axis.span_ticks)
        changed = self.picture.pull(axis)
        self._show_time(pull, changed)

    def _lacking(self) -> str:
        """What to do where there is nothing to show."""
        if not self.picture.carried:
            return NOT_WATCHED if self.picture.rows else NO_CHANNELS
        trigger = self.desk.trigger
        if self.picture.triggered and trigger.n_found == 0:
            return f"Waiting for {trigger.settings.name}. Choose another trigger above, or T for running time"
        return ""

    def _show_time(self, pull: Pull, changed: bool) -> None:
        """Spans, crosshair, how far the ring reaches; and paint, if there is anything new."""
        sweep_start = self._sweep_start()
        triggered = self.picture.triggered
        if triggered:
            begin = sweep_start or 0
            spans = () if sweep_start is None else self.spans.between(begin, begin + self.axis.span_ticks)
        else:
            spans = self.spans_on_show()
            self.picture.show_spans(spans)
        self.label_spans(spans, filled=triggered)
        self.show_memory(None if self.picture.traces is None else self.picture.traces.held_from_tick, pull)
        tick = self.desk.view.crosshair_tick
        self.overlay.crosshair = None if tick is None else self.fraction_of(tick)
        shown = (self.axis, self.overlay.labels, self.overlay.notice, self.overlay.crosshair, self.picture.version)
        if changed or shown != self._shown:
            self._shown = shown
            self.states.update(pull.tick)
            self.labels.show_lesioned([u for u, s in self.states.of.items() if s is UnitState.LESIONED])
            self.canvas.show_images(self.picture.layers(self.axis))

    def _show_figures(self, pull: Pull) -> None:
        assert self.desk.description is not None
        info, settings = self.desk.description.info, self.desk.trigger.settings
        c = self.cursors
        c.span_ticks, c.tick_hz, c.tick_name = self.axis.span_ticks, info.tick_hz, info.tick_name
        c.zero = settings.pre_percent / 100 if self.picture.triggered else None
        self.show_details(*scope_details(self.picture, settings, info, self.axis, pull.live))

    # ---- rows

    def _forget_rows(self, _: object = None) -> None:
        self._rows_stale = True

    def _fill_rows(self) -> None:
        """Make the rows anew after a change of channels, streams or colours."""
        description = self.desk.description
        if not self._rows_stale or description is None:
            return
        self._rows_stale = False
        shown = shown_rows(
            description, self.desk.channels.ids, self.settings.stream, self.desk.ring, self.colours.theme
        )
        tick_hz = description.info.tick_hz
        self.picture.tick_hz = tick_hz
        rings = {name: self.desk.ring(PREFIX + name) for name in shown.infos}
        twins = {name: reader.info for name, reader in rings.items() if reader is not None}
        self.picture.set_rows(shown.rows, shown.infos, twins)
        self.trigger_row.set_offers(trigger_offers(shown.rows, shown.infos, description.streams))
        analogue = next((shown.infos[r.stream] for r in shown.rows if not r.digital), None)
        rate_hz = None if analogue is None else rate_of(analogue, tick_hz)
        self.controls.offer(
            shown.streams, shown.stream, self.picture.arrangement, self.picture.choice, rate_hz, tick_hz <= 0
        )
        self.labels.show_selected(self.desk.selection.ids)
        self._show_labels()

    def _fit_to_canvas(self) -> None:
        ratio = self.canvas.devicePixelRatioF()
        if self.picture.set_size(self.canvas.n_columns, self.canvas.n_rows, max(round(ratio), 1)):
            self._show_labels()

    def _show_labels(self) -> None:
        if self.picture.placed is not None:
            centres = self.picture.placed.label_px / self.canvas.devicePixelRatioF()
            rows = self.picture.rows
            self.labels.show_rows(rows, centres, [self.picture.views[r.key].gain for r in rows])

    # ---- the mouse

    def _pick(self, row: int, modifiers: Qt.KeyboardModifier) -> None:
        """Select a row's unit in all panes; with Ctrl, add it or take it out."""
        unit_id = self.picture.rows[row].unit_id
        if unit_id is None:
            return
        ids = self.desk.selection.ids
        if modifiers & Qt.KeyboardModifier.ControlModifier:
            self.desk.select([i for i in ids if i != unit_id] if unit_id in ids else [*ids, unit_id])
        else:
            self.desk.select([unit_id])

    def _on_clicked(self, x: float, y: float, modifiers: Qt.KeyboardModifier) -> None:
        if self.cursors.grab(x, self.canvas.width()) or not self.picture.rows:
            return
        row = self.labels.row_at(y * self.labels.height())
        if row is not None:
            self._pick(row, modifiers)

    def _on_moved(self, x: float, y: float) -> None:
        if self.cursors.grabbed is not None:
            self.cursors.drag(x)
            self.canvas.update()
        near = self.cursors.near(x, self.canvas.width())
        self.canvas.setCursor(Qt.CursorShape.SplitHCursor if near else Qt.CursorShape.CrossCursor)

    def _on_released(self) -> None:
        self.cursors.grabbed = None

    # ---- what others change

    def apply_theme(self, theme: Theme) -> None:
        super().apply_theme(theme)
        self.labels.colours = self.cursors.colours = self.picture.colours = self.colours
        self._forget_rows()

    def _on_trigger(self) -> None:
        self.controls.trigger.setChecked(self.desk.trigger.settings.on)

    def _show_sweeps(self, overlaid: bool, averaged: bool) -> None:
        self._change("what sweeps show", overlaid=overlaid, averaged=averaged)

    def _on_logged(self, entry: LogEntry) -> None:
        super()._on_logged(entry)
        self.states.add(entry)

    def _on_opened(self) -> None:
        super()._on_opened()
        self.states.clear()
        for entry in self.desk.entries:
            self.states.add(entry)
        self.picture.forget_views()
        self._forget_rows()
        self.snap_span()

    def _on_closed(self) -> None:
        super()._on_closed()
        self.picture.set_rows((), {})
        self._show_labels()
