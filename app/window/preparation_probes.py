"""Probes on the map: dropping, dragging and setting them, between the map's hand and the session."""

from __future__ import annotations

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QToolButton

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

    Attributes
    ----------
    placed : what the session has
    form : over the map
    """

    def __init__(self, desk: Desk, map_view: MapView, button: QToolButton) -> None:
        super().__init__(map_view)
        self._desk, self._map, self._button = desk, map_view, button
        self._shown: MapUnits | None = None
        self.placed = ProbeSet(desk, self)
        self.form = ProbeForm(map_view)
        self.placed.changed.connect(self._on_changed)
        button.toggled.connect(self._on_placing)
        map_view.placing_ended.connect(lambda: button.setChecked(False))
        map_view.probe_dropped.connect(self._drop)
        map_view.probe_moved.connect(self._move)
        map_view.probe_asked.connect(self.open_form)
        self.form.changed.connect(self._change)
        self.form.removed.connect(self._remove)
        self.form.closed.connect(self.close_form)

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
        self._map.set_probes(self.placed.probes)
        if self._map.open_probe is None:
            self.form.hide()

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
        self._map.open_probe = number
        self.form.open_for(shaft_of(probe, pitch, downwards(self._y_up)), others, self._map.space)
        self.form.move(_MARGIN_PX, _MARGIN_PX)
        self.form.n.setFocus()
        self._map.update()

    @Slot()
    def close_form(self) -> None:
        self._map.open_probe = None
        self.form.hide()
        self._map.update()

    @Slot(object)
    def _change(self, probe: Probe) -> None:
        if self._map.open_probe is not None:
            self._replace(self._map.open_probe, probe)

    @Slot()
    def _remove(self) -> None:
        number = self._map.open_probe
        if number is not None and self.placed.put([p for i, p in enumerate(self.placed.probes) if i != number]):
            self.close_form()
            self._map.setFocus()

    def _replace(self, number: int, probe: Probe) -> None:
        probes = list(self.placed.probes)
        probes[number] = probe
        if not self.placed.put(probes):
            self._map.update()  # it is where it was
