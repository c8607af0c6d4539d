"""Colours for levels: 256 opaque pixels from low to high.

The maps are those that pyqtgraph brings: magma, inferno, plasma, viridis (Smith & van der Walt, 2015), cividis (Nuñez,
Anderton & Renslow, PLoS ONE 13(7): e0199239, 2018). Their lightness rises from end to end, so they are read in grey
and by colour-blind eyes.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pyqtgraph  # type: ignore[import-untyped]
from numpy.typing import NDArray

from app.draw.blend import pixels_of_rgb

COLOUR_MAPS = ("magma", "inferno", "viridis", "cividis", "plasma", "grey")


@cache
def diverging_map(low: int, middle: int, high: int) -> NDArray[np.uint32]:
    """(256,) uint32, read-only: from ``0xRRGGBB`` by another to a third, straight through sRGB."""
    ends = np.array([[c >> s & 255 for s in (16, 8, 0)] for c in (low, middle, high)], np.float64)
    share = np.linspace(0, 2, 256)
    rgb = np.stack([np.interp(share, (0, 1, 2), ends[:, i]) for i in range(3)], axis=1)
    pixels = pixels_of_rgb(np.round(rgb).astype(np.uint8))
    pixels.flags.writeable = False
    return pixels


@cache
def colour_map(name: str, reverse: bool = False) -> NDArray[np.uint32]:
    """(256,) uint32, read-only; reversed, low levels are light, for a light window.

    Raises
    ------
    ValueError : there is none of this name.
    """
    if name not in COLOUR_MAPS:
        raise ValueError(f"asked for colour map {name!r}; there are {', '.join(COLOUR_MAPS)}")
    if name == "grey":
        rgb = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)
    else:
        rgb = np.asarray(pyqtgraph.colormap.get(name).getLookupTable(nPts=256), np.uint8)[:, :3]
    pixels = pixels_of_rgb(rgb[::-1] if reverse else rgb)
    pixels.flags.writeable = False
    return pixels
