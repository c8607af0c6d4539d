"""A theme's roles as the pixels and brushes of a plot."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QColor

from app.theme import Theme, argb
from rig.perturbation import SILENCING, PerturbationKind

STIMULUS_ALPHA, SILENCE_ALPHA = 42, 36
GRID_ALPHA = 150
BACKING_ALPHA = 225  # under words that lie over data


@dataclass(frozen=True)
class PlotColours:
    """Colours of a plot.

    Attributes
    ----------
    background : pixel under data
    unknown : pixel where nothing is known: the ring does not reach there
    text : pixel of what has no region
    """

    theme: Theme
    background: int
    unknown: int
    text: int
    frame: QColor
    grid: QColor
    backing: QColor
    words: QColor
    muted: QColor
    accent: QColor
    stimulus: QColor
    silence: QColor

    @classmethod
    def of(cls, theme: Theme) -> PlotColours:
        grid = QColor(theme.line)
        grid.setAlpha(GRID_ALPHA)
        backing = QColor(theme.window)
        backing.setAlpha(BACKING_ALPHA)
        return cls(
            theme=theme,
            background=argb(theme.window),
            unknown=argb(theme.panel),
            text=argb(theme.text),
            frame=QColor(theme.line),
            grid=grid,
            backing=backing,
            words=QColor(theme.text),
            muted=QColor(theme.muted),
            accent=QColor(theme.accent),
            stimulus=QColor(theme.stimulus),
            silence=QColor(theme.silence),
        )

    def tint(self, kind: PerturbationKind) -> int:
        """Premultiplied pixel that lies over a span."""
        if kind in SILENCING:
            return argb(self.theme.silence, SILENCE_ALPHA)
        return argb(self.theme.stimulus, STIMULUS_ALPHA)

    def tint_text(self, kind: PerturbationKind) -> QColor:
        return self.silence if kind in SILENCING else self.stimulus

    def rows(self, height: int) -> NDArray[np.uint32]:
        """(height,) the background, a colour a row."""
        return np.full(height, self.background, np.uint32)

    def unknown_rows(self, height: int) -> NDArray[np.uint32]:
        return np.full(height, self.unknown, np.uint32)
