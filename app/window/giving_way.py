"""What matters less in a row makes room for what matters more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtWidgets import QLayout, QWidget


@dataclass(frozen=True)
class Optional:
    """Widgets of a row that can be done without.

    Attributes
    ----------
    wanted : whether they are shown where there is room
    """

    widgets: tuple[QWidget, ...]
    wanted: Callable[[], bool]


class GivingWay:
    """Hides what a row has no room for, the first of `optional` first.

    Parameters
    ----------
    row : its layout is horizontal
    optional : what matters least first
    """

    def __init__(self, row: QWidget, optional: Sequence[Optional]) -> None:
        self._row = row
        self._optional = optional
        self._fitted: tuple[object, ...] = ()

    def fit(self) -> None:
        """Show as much as there is room for; cheap where nothing changed."""
        layout = self._row.layout()
        assert layout is not None
        wants = tuple(o.wanted() for o in self._optional)
        if self._fitted == (self._row.width(), wants, layout.minimumSize().width()):
            return
        for optional, wanted in zip(self._optional, wants, strict=True):
            _show(optional.widgets, wanted)
        for optional, wanted in zip(self._optional, wants, strict=True):
            if _needed_px(layout) <= self._row.width():
                break
            if wanted:
                _show(optional.widgets, False)
        self._fitted = (self._row.width(), wants, _needed_px(layout))


def _show(widgets: Sequence[QWidget], shown: bool) -> None:
    for widget in widgets:
        if widget.isHidden() == shown:
            widget.setVisible(shown)
            # Qt would tell the layouts around it only when control is back in its loop
            box = widget.parentWidget()
            if box is not None:
                box.updateGeometry()


def _needed_px(layout: QLayout) -> int:
    layout.invalidate()
    return layout.minimumSize().width()
