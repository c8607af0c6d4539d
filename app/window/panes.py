"""Which panes there are, and where they lie at first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import Qt

from app.window.behaviour import BehaviourPane
from app.window.desk import Desk
from app.window.pane import Pane
from app.window.preparation import PreparationPane
from app.window.raster import RasterPane
from app.window.scope import ScopePane
from app.window.spectrogram import SpectrogramPane
from app.window.tools.tools_pane import ToolsPane
from app.window.watch_list import WatchListPane

LEFT = Qt.DockWidgetArea.LeftDockWidgetArea


@dataclass(frozen=True)
class Place:
    """A pane and its place: under another, or right of another's column."""

    title: str
    make: Callable[[Desk], Pane]
    width: int
    height: int
    below: str | None = None
    right_of: str | None = None
    area: Qt.DockWidgetArea = LEFT


DOCKS: tuple[Place, ...] = (
    Place("Preparation", PreparationPane, 325, 560),
    Place("Oscilloscope", ScopePane, 875, 360, right_of="Preparation"),
    Place("Behaviour", BehaviourPane, 370, 330, right_of="Oscilloscope"),
    Place("Watch list", WatchListPane, 325, 260, below="Preparation"),
    Place("Raster", RasterPane, 875, 280, below="Oscilloscope"),
    Place("Spectrogram", SpectrogramPane, 875, 220, below="Raster"),
    Place("Tools", ToolsPane, 370, 480, below="Behaviour"),
)
