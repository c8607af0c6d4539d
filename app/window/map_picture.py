"""The map as an image: units, view, colours and marks in, pixels out. No widget, no mouse."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage

from app.draw.blend import Pixels
from app.draw.canvas import image_over
from app.draw.map_image import MapImage
from app.draw.polygon_fill import View
from app.theme import Theme
from app.window.map_kernels import halve
from app.window.preparation_colours import MapColours
from app.window.preparation_geometry import MapUnits
from app.window.unit_states import UnitState

MAX_EDGED = 60
"""Selected units that are outlined one by one; of more, what is not selected steps back."""
_FINE_RATIO = 1.5  # below this many device pixels a pixel the map is drawn at twice the size and halved
_DEEPEST = 400.0
_FARTHEST = 0.5
_MARGIN_PX = 6
_SCALE_PX = 18  # at the lower edge: the bar of the scale hides no unit of the whole preparation


class MapPicture:
    """One subject's map at one size.

    Parameters
    ----------
    shown : what is drawn
    theme : colours
    y_up : space's y grows upwards on the screen

    Attributes
    ----------
    view : of logical pixels
    """

    def __init__(self, shown: MapUnits, theme: Theme, y_up: bool) -> None:
        self.shown = shown
        self.y_up = y_up
        self.visible: NDArray[np.bool_] | None = None  # kinds that are switched off are not drawn
        self._found: NDArray[np.bool_] | None = None
        self._selected = np.empty(0, np.int64)
        self._states: Mapping[int, UnitState] = {}
        self._levels = np.zeros(len(shown.units), np.float32)
        self._width, self._height, self._ratio = 0, 0, 1.0
        self._map: MapImage | None = None
        self._halved: Pixels | None = None
        self._image: QImage | None = None
        self._stale_index = self._stale_colours = True
        self.fitted = True
        self.view = View(0, 0, 1, y_up)
        self._colours = MapColours(shown.units, theme)

    # ---- what to show

    def set_theme(self, theme: Theme) -> None:
        self._colours = MapColours(self.shown.units, theme)
        self._map = None
        self._remark()

    def set_size(self, width: int, height: int, ratio: float) -> None:
        """Logical pixels, and device pixels each."""
        if (width, height, ratio) == (self._width, self._height, self._ratio):
            return
        before = self.view.to_space(self._width / 2, self._height / 2)
        self._width, self._height, self._ratio = width, height, ratio
        self._map = None
        if self.fitted:
            self.fit()
        else:  # what was in the middle stays there
            x, y = self.view.to_pixels(np.array([before]))[0]
            self.look(self.view.moved(width / 2 - x, height / 2 - y))

    def set_levels(self, row_levels: NDArray[np.float32]) -> None:
        """(n_units,) 0 … 1."""
        self._levels = row_levels
        self._stale_colours = True

    def set_states(self, states: Mapping[int, UnitState]) -> None:
        self._states = states
        self._remark()

    def set_found(self, found: NDArray[np.bool_] | None) -> None:
        """(n_units,) what a search names; the others step back. None: no search."""
        self._found = found
        self._remark()

    def set_selected(self, rows: NDArray[np.int64]) -> None:
        self._selected = rows
        self._remark()

    def set_visible(self, visible: NDArray[np.bool_] | None) -> None:
        """(n_units,) which units are drawn and can be picked; None: all."""
        self.visible = visible
        self._stale_index = True

    def _remark(self) -> None:
        emphasised = self._found
        if emphasised is None and len(self._selected) > MAX_EDGED:
            emphasised = np.zeros(len(self.shown.units), np.bool_)
            emphasised[self._selected] = True
        self._colours.mark(self._states, emphasised)
        self._stale_colours = True

    # ---- where to look

    def fit(self) -> None:
        """All of it."""
        size = max(self._width, 1), max(self._height - _SCALE_PX, 1)
        self.look(View.fitting(self.shown.bounds, *size, _MARGIN_PX, self.y_up))
        self.fitted = True

    def look(self, view: View) -> None:
        self.view = view
        self.fitted = False
        self._stale_index = True

    def zoom(self, factor: float, x_px: float, y_px: float) -> None:
        """Magnify about a point, within limits."""
        fit = View.fitting(self.shown.bounds, max(self._width, 1), max(self._height, 1), _MARGIN_PX, self.y_up).scale
        wanted = min(max(self.view.scale * factor, fit * _FARTHEST), fit * _DEEPEST)
        self.look(self.view.zoomed(wanted / self.view.scale, x_px, y_px))

    def zoom_to(self, rows: NDArray[np.int64]) -> None:
        """Show these units, with some of what lies around them."""
        x, y = self.shown.units.x[rows], self.shown.units.y[rows]
        x, y = x[np.isfinite(x) & np.isfinite(y)], y[np.isfinite(x) & np.isfinite(y)]
        if not len(x):
            return
        pad_x, pad_y = self.shown.pitch
        bounds = float(x.min()) - pad_x, float(y.min()) - pad_y, float(x.max()) + pad_x, float(y.max()) + pad_y
        margin = min(self._width, self._height) / 12
        self.look(View.fitting(bounds, max(self._width, 1), max(self._height, 1), margin, self.y_up))

    # ---- the picture

    def image(self) -> QImage:
        """As it is now, at device pixels; painted anew only where something changed."""
        picture = self._map
        if picture is None:
            picture = self._make()
        if self._stale_index:
            picture.look(self._device_view(), self.visible)
            self._stale_index, self._stale_colours = False, True
        if self._stale_colours:
            picture.colour(self._levels, self._colours.luts, self._colours.lut_of_unit)
            if self._halved is not None:
                halve(picture.pixels, self._halved)
            self._stale_colours = False
        assert self._image is not None
        return self._image

    def row_at(self, x_px: float, y_px: float, reach_px: float) -> int | None:
        """Row of the unit at a logical pixel, else of the nearest within reach."""
        if self._map is None or self._stale_index:
            self.image()
        assert self._map is not None
        scale = self._pixels_each()
        return self._map.unit_at(int(x_px * scale), int(y_px * scale), round(reach_px * scale))

    def _make(self) -> MapImage:
        width, height = max(round(self._width * self._ratio), 1), max(round(self._height * self._ratio), 1)
        times = self._times()
        picture = MapImage(self.shown.units, width * times, height * times, self._colours.background)
        self._halved = np.empty((height, width), np.uint32) if times == 2 else None
        self._image = image_over(picture.pixels if self._halved is None else self._halved)
        self._image.setDevicePixelRatio(self._ratio)
        self._map = picture
        self._stale_index = True
        return picture

    def _times(self) -> int:
        return 2 if self._ratio < _FINE_RATIO else 1

    def _pixels_each(self) -> float:
        return self._ratio * self._times()

    def _device_view(self) -> View:
        return View(self.view.left, self.view.top, self.view.scale * self._pixels_each(), self.y_up)
