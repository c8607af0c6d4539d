"""The map on the screen: the picture, and what lies over it. Whoever moves it is `app.window.map_view`."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPolygonF, QResizeEvent
from PySide6.QtWidgets import QWidget

from app.theme import DARK, Theme
from app.window import map_overlay
from app.window.map_layers import MapLayers
from app.window.map_picture import MapPicture
from app.window.preparation_geometry import MapUnits, y_is_up
from app.window.probes import Shaft
from app.window.unit_states import UnitState
from rig.probe import Probe

EMPTY = "No subject is on the table.\nChoose one at the left of the strip (Ctrl+O)"


class MapCanvas(QWidget):
    """Shows a `MapPicture` under `MapLayers`."""

    resized = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("map")
        self.setMinimumSize(120, 72)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setAccessibleName("Map of all units")
        self.theme: Theme = DARK
        self.picture: MapPicture | None = None
        self.hint = EMPTY
        self.layers = MapLayers()
        self.outlined: QPolygonF | None = None  # the rectangle or lasso that is being drawn

    def set_units(self, shown: MapUnits | None, space: str = "um") -> None:
        """Another subject; None for none."""
        self.picture = None if shown is None else MapPicture(shown, self.theme, y_up=y_is_up(space))
        self.layers.clear()
        self.layers.space = space
        self.outlined = None
        self._resize_picture()
        self.update()

    def apply_theme(self, theme: Theme) -> None:
        self.theme = self.layers.theme = theme
        if self.picture is not None:
            self.picture.set_theme(theme)
        self.renew()

    def renew(self) -> None:
        """Something in the layers has changed."""
        self.layers.renew()
        self.update()

    def set_states(self, states: Mapping[int, UnitState]) -> None:
        """What is done to which unit (by its id)."""
        if self.picture is None:
            return
        units = self.picture.shown.units
        rows = {s: units.rows([u for u, state in states.items() if state is s]) for s in UnitState}
        self.layers.driven, self.layers.silenced = rows[UnitState.DRIVEN], rows[UnitState.SILENCED]
        self.layers.struck = rows[UnitState.LESIONED]
        self.picture.set_states(states)
        self.renew()

    def set_selected(self, rows: NDArray[np.int64]) -> None:
        self.layers.selected = rows
        if self.picture is not None:
            self.picture.set_selected(rows)
        self.renew()

    def set_probes(self, probes: tuple[Probe, ...], opened: int | None) -> None:
        """The probes that are in, and the number of the one whose settings are open."""
        self.layers.probes, self.layers.open_probe = probes, opened
        self.renew()

    def fit(self) -> None:
        if self.picture is not None:
            self.picture.fit()
            self.update()

    def zoom_to(self, rows: NDArray[np.int64]) -> None:
        if self.picture is not None:
            self.picture.zoom_to(rows)
            self.update()

    def place_probe(self, ghost: Shaft | None) -> None:
        """The next click drops a probe like this one; None: no longer."""
        self.layers.ghost = ghost
        self.setCursor(self.idle_cursor())
        self.update()

    def idle_cursor(self) -> Qt.CursorShape:
        return Qt.CursorShape.ArrowCursor if self.layers.ghost is None else Qt.CursorShape.CrossCursor

    # ---- painting

    def show_hint(self, text: str) -> None:
        """What is said where there is no map."""
        self.hint = text
        self.update()

    def _resize_picture(self) -> None:
        if self.picture is not None:
            self.picture.set_size(self.width(), self.height(), self.devicePixelRatioF())

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._resize_picture()
        self.resized.emit()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        if self.picture is None:
            painter.fillRect(self.rect(), self.theme.window)
            map_overlay.paint_hint(painter, QRectF(self.rect()), self.hint, self.theme)
            return
        self._resize_picture()  # the ratio may be another screen's
        painter.drawImage(QPointF(0, 0), self.picture.image())
        self.layers.paint(painter, self.picture, self.size(), self.devicePixelRatioF(), self.underMouse())
        if self.outlined is not None:
            map_overlay.paint_gesture(painter, self.outlined, self.theme)
