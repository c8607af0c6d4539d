"""Points in an array as Qt's polygon, copied in one go: a point at a time costs more than to draw them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyqtgraph  # type: ignore[import-untyped]
from numpy.typing import NDArray
from PySide6.QtGui import QPolygonF


def polyline(x: NDArray[np.floating[Any]], y: NDArray[np.floating[Any]]) -> QPolygonF:
    """The points (x, y), in order."""
    if not len(x):
        return QPolygonF()
    polygon: QPolygonF = pyqtgraph.functions.arrayToQPolygonF(x, y)
    return polygon
