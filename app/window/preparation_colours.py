"""The map's colours: for each region a ramp from still to full, and flat ones for what is done to a unit."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from app.draw.map_image import region_lut
from app.theme import Theme, region_colours, rgb
from app.window.unit_states import UnitState
from rig.units import UnitTable

_STILL = 0.26  # how much of its region's colour a still unit shows
_DIMMED = 0.12, 0.42  # and one that a search leaves out: still, and at its most active
_N_EXTRA = 3


class MapColours:
    """Look-up tables for `app.draw.map_image.MapImage.colour`.

    Parameters
    ----------
    units : of the subject
    theme : to be made again when it changes

    Attributes
    ----------
    luts : (n_luts, 256) uint32: the regions, the regions dimmed, then driven, silenced, lesioned
    lut_of_unit : (n_units,) uint8, as marked last
    """

    def __init__(self, units: UnitTable, theme: Theme) -> None:
        colours = region_colours(units.region, theme)
        tops = list(colours)
        self._n = len(tops)
        background = mixed(theme.window, theme.window, 0)
        ramps = [_ramp(theme, colour) for colour in colours.values()]
        dimmed = [region_lut(*(mixed(theme.window, c, share) for share in _DIMMED)) for c in colours.values()]
        lesion = 0x000000 if theme.dark else mixed(theme.window, theme.text, 1.0)
        flat = [mixed(background_of(theme), theme.stimulus, 1.0), mixed(background_of(theme), theme.silence, 1.0)]
        self.luts: NDArray[np.uint32] = np.stack(
            [*ramps, *dimmed, *(region_lut(colour, colour) for colour in (*flat, lesion))]
        )
        self.background = 0xFF000000 | background
        place = {top: i for i, top in enumerate(tops)}
        self._plain = np.array([place[r.split("/")[0]] for r in units.region], np.uint8)
        self._ids = units.unit_id
        self.lut_of_unit = self._plain.copy()

    def mark(self, states: Mapping[int, UnitState], found: NDArray[np.bool_] | None) -> None:
        """Mark what is held or lesioned, and dim what a search leaves out.

        Parameters
        ----------
        states : unit id → what is done to it
        found : (n_units,) bool, what a search names; None: no search
        """
        self.lut_of_unit[:] = self._plain
        if found is not None:
            self.lut_of_unit[~found] += np.uint8(self._n)
        if states:
            ids = np.fromiter(states.keys(), np.int64, len(states))
            rows = np.minimum(np.searchsorted(self._ids, ids), len(self._ids) - 1)
            known = self._ids[rows] == ids
            first = 2 * self._n - int(UnitState.DRIVEN)
            values = np.fromiter((first + int(s) for s in states.values()), np.uint8, len(states))
            self.lut_of_unit[rows[known]] = values[known]


def background_of(theme: Theme) -> str:
    """What lies under the map."""
    return theme.window


def mixed(below: str, above: str, share: float) -> int:
    """``0xRRGGBB`` of one colour over another."""
    parts = (round(b + (a - b) * share) for b, a in zip(rgb(below), rgb(above), strict=True))
    red, green, blue = parts
    return red << 16 | green << 8 | blue


def _ramp(theme: Theme, colour: str) -> NDArray[np.uint32]:
    """Still, the region's own colour at two thirds, and on towards white (in the dark) or black."""
    still = mixed(theme.window, colour, _STILL)
    full = mixed(colour, "#FFFFFF" if theme.dark else "#000000", 0.35 if theme.dark else 0.15)
    own = mixed(colour, colour, 0)
    low, high = region_lut(still, own), region_lut(own, full)
    return np.concatenate([low[np.arange(170) * 255 // 169], high[np.arange(86) * 255 // 85]])
