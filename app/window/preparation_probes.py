"""Probes on the map: dropping, dragging and setting them, between the map's hand and the session."""

from __future__ import annotations

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QToolButton, QWidget

from app.window.desk import Desk, Level
from app.window.map_view import MapView
from app.window.preparation_geometry import MapUnits
from app.window.preparation_probe_form import ProbeForm
from app.window.probes import ProbeSet, downwards, moved, new_shaft, shaft_of
from rig.probe import Probe

PLACE_HINT = "click on the map to drop the probe; Esc: not after all"
_MARGIN_PX = 8


class MapProbes(QObject):
    """Holds what is placed, and the form that is open.

    Parameters
    ----------
    button : pressed while the next click drops a probe
    ground : what the form is laid over

    Attributes
    ----------
    placed : what the session has
    """

    def __init__(self, desk: Desk, map_view: MapView, button: QToolButton, ground: QWidget) -> None:
        super().__init__(map_view)
        self._desk, self._map, self._button = desk, map_view, button
        self._shown: MapUnits | None = None
        self._open: int | None = None  # number of the probe whose form is open
        self.placed = ProbeSet(desk, self)
        self.form = ProbeForm(ground)
        self._ground = ground
        self.placed.changed.connect(self._on_changed)
        button.toggled.connect(self._on_placing)
        map_view.placing_ended.connect(lambda: button.setChecked(False))
        map_view.probe_dropped.connect(self._drop)
        map_view.probe_moved.connect(self._move)
        map_view.probe_asked.connect(self.open_form)
        self.form.changed.connect(self._change)
        self.form.removed.connect(self._remove)
        self.form.closed.connect(self.close_form)
        map_view.resized.connect(self._put_form)

    def set_units(self, shown: MapUnits | None) -> None:
        """Another subject."""
        self._shown = shown
        self._button.setChecked(False)
        self._button.setEnabled(shown is not None and shown.real_space)
        self.close_form()
        self._on_changed()

    @property
    def _y_up(self) -> bool:
        return self._map.picture is not None and self._map.picture.y_up

    @Slot()
    def _on_changed(self) -> None:
        if self._open is not None and self._open >= len(self.placed.probes):
            self._open = None
        self._map.set_probes(self.placed.probes, self._open)
        self.form.setVisible(self._open is not None)

    @Slot(bool)
    def _on_placing(self, placing: bool) -> None:
        if not placing or self._shown is None:
            self._map.place_probe(None)
            return
        names = [p.name for p in self.placed.probes]
        x0, y0, x1, y1 = self._shown.bounds
        self.close_form()
        self._map.place_probe(new_shaft(self._shown, names, (x0 + x1) / 2, (y0 + y1) / 2, self._y_up))
        self._map.setFocus()
        self._desk.say(Level.NOTE, PLACE_HINT)

    @Slot(float, float)
    def _drop(self, x: float, y: float) -> None:
        self._button.setChecked(False)
        if self._shown is None:
            return
        names = [p.name for p in self.placed.probes]
        probe = new_shaft(self._shown, names, x, y, self._y_up).to_probe()
        if self.placed.put((*self.placed.probes, probe)):
            self._desk.say(
                Level.NOTE, f"probe {probe.name} is in: {len(probe.electrodes)} electrodes; drag it, click it to set it"
            )

    @Slot(int, float, float)
    def _move(self, number: int, dx: float, dy: float) -> None:
        if number < len(self.placed.probes):
            self._replace(number, moved(self.placed.probes[number], dx, dy))

    @Slot(int)
    def open_form(self, number: int) -> None:
        """Show the settings of a probe."""
        if self._shown is None or number >= len(self.placed.probes):
            return
        probe = self.placed.probes[number]
        others = [p.name for i, p in enumerate(self.placed.probes) if i != number]
        pitch = new_shaft(self._shown, (), 0, 0, self._y_up).pitch
        self._open = number
        self.form.open_for(shaft_of(probe, pitch, downwards(self._y_up)), others, self._map.layers.space)
        self._put_form()
        self.form.n.setFocus()
        self._on_changed()

    def _put_form(self) -> None:
        """At the bottom: over the tree, so that the probe can be seen while it changes."""
        if self._open is not None:
            self.form.setFixedWidth(self._ground.width() - 2 * _MARGIN_PX)
            self.form.adjustSize()
            self.form.move(_MARGIN_PX, max(self._ground.height() - self.form.height() - _MARGIN_PX, 0))

    @Slot()
    def close_form(self) -> None:
        self._open = None
        self._on_changed()

    @Slot(object)
    def _change(self, probe: Probe) -> None:
        if self._open is not None:
            self._replace(self._open, probe)

    @Slot()
    def _remove(self) -> None:
        number = self._open
        if number is not None and self.placed.put([p for i, p in enumerate(self.placed.probes) if i != number]):
            self.close_form()
            self._map.setFocus()

    def _replace(self, number: int, probe: Probe) -> None:
        probes = list(self.placed.probes)
        probes[number] = probe
        if not self.placed.put(probes):
            self._map.update()  # it is where it was
