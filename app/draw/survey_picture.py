"""The map of a survey: every unit coloured by how much its lesion takes away."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.draw.blend import Pixels
from app.draw.colour_maps import colour_map
from app.draw.map_image import N_LEVELS, MapImage
from app.draw.polygon_fill import View
from rig.units import UnitTable

BACKGROUND, NOT_TRIED, NO_EFFECT = 0xFF0E1116, 0xFF1A2029, 0xFF2C3A4A
MIN_RADIUS_PX = 1.5
FIRST_LEVEL = 70  # of the colour map: the least effect is told from none


def survey_pixels(units: UnitTable, severity: NDArray[np.float32], width: int, y_up: bool = True) -> Pixels:
    """Draw a survey.

    Parameters
    ----------
    severity : (n_units,) float32, 0 to 1; NaN where a unit was not tried
    width : pixels; the height follows from the space

    Returns
    -------
    (h, width) uint32
    """
    tried = np.isfinite(severity)
    shown = MapImage(units, 1, 1, BACKGROUND)
    x_min, y_min, x_max, y_max = shown.bounds()
    height = max(round(width * (y_max - y_min) / max(x_max - x_min, 1e-9)), 1)
    view = View.fitting((x_min, y_min, x_max, y_max), width, height, y_up=y_up)
    picture = MapImage(units, width, height, BACKGROUND, point_radius_um=MIN_RADIUS_PX / view.scale)
    kinds = np.asarray(units.kind)
    same_kind = np.isin(kinds, np.unique(kinds[tried]))
    picture.look(view, same_kind)
    steps = np.linspace(FIRST_LEVEL, N_LEVELS - 1, N_LEVELS).round().astype(np.int64)
    by_severity = colour_map("inferno")[steps].copy()
    by_severity[0] = NO_EFFECT
    luts = np.stack([by_severity, np.full(N_LEVELS, NOT_TRIED, np.uint32)])
    picture.colour(np.nan_to_num(severity), luts, (~tried).astype(np.uint8))
    return picture.pixels
