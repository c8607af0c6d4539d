"""The oscilloscope's buttons: in the header, so that the plot keeps the room."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QMenu, QWidget

from app.window.pane_header import add_choice, header_button, menu_button
from app.window.scope_filters import FilterChoice, FilterKind, cutoffs
from app.window.scope_layout import Arrangement
from app.window.time_axis import frequency_text


class ScopeControls(QWidget):
    """Buttons and menus; they only say what was asked."""

    trigger_asked = Signal()
    gain_asked = Signal(int)  # steps
    autoscale_asked = Signal()
    cursors_asked = Signal()
    arranged = Signal(object)  # Arrangement
    filtered = Signal(object)  # FilterChoice
    stream_chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(8, 0, 0, 0)
        layout.setSpacing(3)
        self.trigger = header_button("trigger", "Sweeps around a trigger, or running time (T)", None, self)
        self.trigger.setCheckable(True)
        self.trigger.clicked.connect(self.trigger_asked)
        self.menu = QMenu(self)
        self.view = menu_button("view ▾", "Arrangement, signal, filter", self.menu, self)
        self.less = header_button("−", "Less gain for all traces (−)", lambda: self.gain_asked.emit(-1), self)
        self.more = header_button("+", "More gain for all traces (+)", lambda: self.gain_asked.emit(1), self)
        self.fit = header_button("fit", "Autoscale: every trace fills its lane (A)", self.autoscale_asked.emit, self)
        self.cursors = header_button("Δ", "Two cursors: drag them to measure (C)", None, self)
        self.cursors.setCheckable(True)
        self.cursors.clicked.connect(self.cursors_asked)
        for button in (self.trigger, self.view, self.less, self.more, self.fit, self.cursors):
            layout.addWidget(button)

    def offer(
        self,
        streams: Sequence[str],
        stream: str,
        arrangement: Arrangement,
        choice: FilterChoice,
        rate_hz: float | None,
        of_ticks: bool,
    ) -> None:
        """Make the menu anew.

        Parameters
        ----------
        streams : in which units can be seen
        rate_hz : samples a second of the analogue traces; None where there are none
        """
        menu = self.menu
        menu.clear()
        menu.addSection("traces")
        add_choice(menu, [str(a) for a in Arrangement], str(arrangement), lambda t: self.arranged.emit(Arrangement(t)))
        if len(streams) > 1:
            menu.addSection("signal")
            add_choice(menu, streams, stream, self.stream_chosen.emit)
        menu.addSection("filter, of analogue traces")
        if rate_hz is None:
            menu.addAction("there are none: drop a probe on the map").setEnabled(False)
            return
        none = menu.addAction(str(FilterKind.NONE))
        none.setCheckable(True)
        none.setChecked(choice.kind is FilterKind.NONE)
        none.triggered.connect(lambda: self.filtered.emit(FilterChoice()))
        for kind in (FilterKind.HIGH_PASS, FilterKind.LOW_PASS, FilterKind.NOTCH):
            corners = menu.addMenu(str(kind))
            names = {frequency_text(hz, of_ticks): hz for hz in cutoffs(rate_hz)}
            chosen = frequency_text(choice.cutoff_hz, of_ticks) if choice.kind is kind else ""
            add_choice(corners, list(names), chosen, partial(self._filter, kind, names))

    def _filter(self, kind: FilterKind, corners: dict[str, float], text: str) -> None:
        self.filtered.emit(FilterChoice(kind, corners[text]))
