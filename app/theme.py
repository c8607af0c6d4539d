"""Colours by role, in dark and light. Red, amber and violet mean recording, stimulating and silencing, nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

LAP_SHARE, MOST_SHARE = 0.4, 0.8  # of the text's colour, when there are more regions than colours


@dataclass(frozen=True)
class Theme:
    """Roles as ``#rrggbb``.

    Attributes
    ----------
    name : ``dark`` or ``light``
    window : behind everything, and under data
    panel, header, field : a pane, its header line, something to type in or press
    line : borders and grids
    text, muted : what is read, what is read second
    accent : selection, crosshair, the live edge
    record, stimulus, silence : recording, stimulating, silencing alone
    good, poor : lamps
    regions : a colour-blind-safe set after Okabe & Ito (2008), lightened or darkened to be told from `window`; then
        those that are furthest from all before them in normal sight, deuteranopia and protanopia alike (CIELAB)
    """

    name: str
    window: str
    panel: str
    header: str
    field: str
    line: str
    text: str
    muted: str
    accent: str
    on_accent: str
    record: str
    stimulus: str
    silence: str
    good: str
    poor: str
    regions: tuple[str, ...]

    @property
    def dark(self) -> bool:
        return self.name == "dark"


DARK = Theme(
    name="dark",
    window="#0E1116",
    panel="#141920",
    header="#1A2029",
    field="#0F141A",
    line="#28313C",
    text="#DCE3EB",
    muted="#8794A5",
    accent="#5BC8F5",
    on_accent="#06202B",
    record="#F0524F",
    stimulus="#FFB454",
    silence="#B98CFF",
    good="#3FCF8E",
    poor="#E6C34A",
    regions=(
        "#2FB98A",
        "#E07B39",
        "#F0E442",
        "#E69F00",
        "#4C9BE8",
        "#7FC4F0",
        "#CC79A7",
        "#F0FFB4",
        "#875A3C",
        "#B4FFF0",
        "#0078F0",
        "#B40096",
    ),
)

LIGHT = Theme(
    name="light",
    window="#FFFFFF",
    panel="#F6F8FA",
    header="#EAEEF2",
    field="#FFFFFF",
    line="#CED6DE",
    text="#1B232C",
    muted="#566270",
    accent="#0A7DB8",
    on_accent="#FFFFFF",
    record="#CF2F2C",
    stimulus="#B96A00",
    silence="#7A45D6",
    good="#1E9E63",
    poor="#A57C00",
    regions=(
        "#008162",
        "#764225",
        "#967E3A",
        "#C98711",
        "#074ACC",
        "#2197FF",
        "#AC2E89",
        "#691E4B",
        "#D278A5",
        "#0F5AB4",
        "#00A569",
        "#5A2D2D",
    ),
)

THEMES = {theme.name: theme for theme in (DARK, LIGHT)}


def rgb(colour: str) -> tuple[int, int, int]:
    """``#rrggbb`` as three numbers."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def argb(colour: str, alpha: int = 255) -> int:
    """``#rrggbb`` as a premultiplied ARGB32 pixel."""
    r, g, b = (c * alpha // 255 for c in rgb(colour))
    return alpha << 24 | r << 16 | g << 8 | b


def region_colours(regions: Iterable[str], theme: Theme) -> dict[str, str]:
    """A colour for each top-level region, the same everywhere: by the order in which the names first occur. Where there
    are more regions than colours, they begin again, nearer to the colour of text.

    A region ``alu/adder`` has the colour of ``alu``; what has no region is muted.
    """
    return dict(_region_colours(tuple(regions), theme))


@lru_cache(maxsize=8)
def _region_colours(regions: tuple[str, ...], theme: Theme) -> dict[str, str]:
    colours: dict[str, str] = {"": theme.muted}
    for region in regions:
        top = region.split("/")[0]
        if top and top not in colours:
            lap, place = divmod(len(colours) - 1, len(theme.regions))
            colours[top] = mixed(theme.regions[place], theme.text, min(lap * LAP_SHARE, MOST_SHARE))
    return colours


def mixed(colour: str, other: str, share: float) -> str:
    """A colour with a share of another."""
    parts = [round(a + (b - a) * share) for a, b in zip(rgb(colour), rgb(other), strict=True)]
    return "#{:02X}{:02X}{:02X}".format(*parts)


def colours_of_units(regions: tuple[str, ...], theme: Theme) -> NDArray[np.uint32]:
    """(n_units,) ARGB32 by region, for the kernels."""
    colours = region_colours(regions, theme)
    return np.array([argb(colours[r.split("/")[0]]) for r in regions], np.uint32)
