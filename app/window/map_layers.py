"""What lies over the map's picture. What stands still is kept as one pixmap; only what moves is drawn every frame."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPainterPath, QPixmap

from app.draw.polygon_fill import View
from app.theme import DARK, Theme
from app.window import map_overlay
from app.window.map_picture import MAX_EDGED, MapPicture
from app.window.preparation_geometry import polygons_of
from app.window.probes import Shaft, moved
from rig.probe import Probe

MAX_NAMED = 60
"""Units in view up to which their names are written on them."""


class MapLayers:
    """Probes, marks, the pointer's unit, names, the scale.

    Attributes
    ----------
    probes : that are in
    open_probe : number of the one whose settings are open, and whose reach shows
    carried_probe : (number, dx, dy in space) of the one that is being dragged
    driven, silenced, struck : rows of units that are held, and of lesioned ones
    selected : rows of selected units
    hover : row of the unit under the pointer
    ghost : the probe that a click would drop
    """

    def __init__(self) -> None:
        self.theme: Theme = DARK
        self.space = "um"
        self.probes: tuple[Probe, ...] = ()
        self.open_probe: int | None = None
        self.carried_probe: tuple[int, float, float] | None = None
        self.driven: NDArray[np.int64] = np.empty(0, np.int64)
        self.silenced: NDArray[np.int64] = np.empty(0, np.int64)
        self.struck: NDArray[np.int64] = np.empty(0, np.int64)
        self.selected: NDArray[np.int64] = np.empty(0, np.int64)
        self.hover: int | None = None
        self.ghost: Shaft | None = None
        self._still: QPixmap | None = None
        self._still_of: tuple[object, ...] = ()
        self._hover_path: tuple[int, View, QPainterPath] | None = None

    def clear(self) -> None:
        """Another subject."""
        self.probes, self.open_probe, self.carried_probe, self.ghost, self.hover = (), None, None, None, None
        self.driven = self.silenced = self.struck = self.selected = np.empty(0, np.int64)
        self.renew()

    def renew(self) -> None:
        """Something that stands still has changed."""
        self._still = None

    def paint(self, painter: QPainter, picture: MapPicture, size: QSize, ratio: float, pointed: bool) -> None:
        """Draw everything; the painter is set up for logical pixels.

        Parameters
        ----------
        pointed : the pointer is over the map
        """
        view = picture.view
        still_of = (view, size, ratio, self.carried_probe is None)
        if self._still is None or self._still_of != still_of:
            self._still, self._still_of = self._draw_still(picture, size, ratio, painter.font()), still_of
        painter.drawPixmap(QPointF(0, 0), self._still)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.hover is not None:
            map_overlay.paint_outline(painter, self._path_of_hover(picture, self.hover), QColor(self.theme.text), 1)
        if self.carried_probe is not None:
            number, dx, dy = self.carried_probe
            probe = moved(self.probes[number], dx, dy)
            map_overlay.paint_probe(painter, probe, view, self.theme, lit=True, reach=True)
        if self.ghost is not None and pointed:
            map_overlay.paint_probe(painter, self.ghost.to_probe(), view, self.theme, lit=True, reach=False)

    def _draw_still(self, picture: MapPicture, size: QSize, ratio: float, font: QFont) -> QPixmap:
        pixmap = QPixmap(size * ratio)
        pixmap.setDevicePixelRatio(ratio)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(font)
        units, view, theme = picture.shown.units, picture.view, self.theme
        area = QRectF(QPointF(0, 0), size)
        for rows, colour in ((self.silenced, theme.silence), (self.driven, theme.stimulus)):
            self._draw_outlines(painter, picture, rows, colour)
        self._draw_outlines(painter, picture, self.selected, theme.accent)
        self._draw_names(painter, picture, area)
        if len(self.struck):
            points = np.stack([units.x[self.struck], units.y[self.struck]], axis=1)
            map_overlay.paint_strikes(painter, view.to_pixels(points[np.isfinite(points).all(axis=1)]), theme)
        carried = None if self.carried_probe is None else self.carried_probe[0]
        for number, probe in enumerate(self.probes):
            if number != carried:
                lit = number == self.open_probe
                map_overlay.paint_probe(painter, probe, view, theme, lit, reach=lit)
        if picture.shown.real_space:
            map_overlay.paint_scale(painter, view, area, self.space, theme)
        painter.end()
        return pixmap

    def _draw_outlines(self, painter: QPainter, picture: MapPicture, rows: NDArray[np.int64], colour: str) -> None:
        """A line round each of a few units; of many their colour has to tell."""
        units = picture.shown.units
        if not 0 < len(rows) <= MAX_EDGED or units.outlines is None:
            return
        path = QPainterPath()
        for unit_id in units.unit_id[rows].tolist():
            path.addPath(map_overlay.outline_path(polygons_of(units.outlines, unit_id), picture.view))
        map_overlay.paint_outline(painter, path, QColor(self.theme.window), 3.5)
        map_overlay.paint_outline(painter, path, QColor(colour), 1.6)

    def _draw_names(self, painter: QPainter, picture: MapPicture, area: QRectF) -> None:
        """Names on units, where few enough are in view and there is room."""
        units = picture.shown.units
        points = picture.view.to_pixels(np.stack([units.x, units.y], axis=1))
        x, y = points[:, 0], points[:, 1]
        inside = (x >= 0) & (x < area.width()) & (y >= 0) & (y < area.height())
        if picture.visible is not None:
            inside &= picture.visible
        rows = np.flatnonzero(inside)
        room = picture.shown.pitch[0] * picture.view.scale
        metrics = QFontMetricsF(painter.font())
        if len(rows) > MAX_NAMED or room < metrics.averageCharWidth() * 3:
            return
        taken: list[QRectF] = []
        for row in rows.tolist():
            name = units.name[row]
            box = metrics.boundingRect(name)
            at = QPointF(float(x[row]) - box.width() / 2, float(y[row]) + metrics.ascent() / 2)
            box = box.translated(at).adjusted(-3, -2, 3, 2)
            if not any(box.intersects(other) for other in taken):
                taken.append(box)
                map_overlay.paint_label(painter, at, name, self.theme, QColor(self.theme.text))

    def _path_of_hover(self, picture: MapPicture, row: int) -> QPainterPath:
        kept = self._hover_path
        if kept is None or kept[0] != row or kept[1] != picture.view:
            units = picture.shown.units
            polygons = [] if units.outlines is None else polygons_of(units.outlines, int(units.unit_id[row]))
            kept = self._hover_path = row, picture.view, map_overlay.outline_path(polygons, picture.view)
        return kept[2]
