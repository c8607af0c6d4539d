"""What a hand changes on the oscilloscope, undoably: gains, offsets, autoscale."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from app.window.desk import Desk
from app.window.pane_settings import ScopeGains
from app.window.scope_layout import RowView, scaled_gain
from app.window.scope_picture import ScopePicture


class ScopeEdits:
    """Edits of one picture.

    Parameters
    ----------
    refresh : called after every change, undone ones included
    """

    def __init__(self, desk: Desk, picture: ScopePicture, refresh: Callable[[], None]) -> None:
        self._desk = desk
        self._picture = picture
        self._refresh = refresh
        self._drag_from: RowView | None = None

    @property
    def gains(self) -> ScopeGains:
        """Now, as far as a hand chose them."""
        return ScopeGains(self._picture.common_gain, self._picture.views_by_hand())

    def put_back(self, gains: ScopeGains) -> None:
        """Gains that were saved."""
        for key, view in gains.views.items():
            self._picture.set_view(key, view)
        self._set_common_gain(gains.common)

    def autoscale(self) -> None:
        """Every trace fills its lane."""
        before, gain = dict(self._picture.views), self._picture.common_gain
        after = {**before, **self._picture.fit_all()}
        if before != after or gain != 1.0:
            redo, undo = partial(self._set_all, after, 1.0), partial(self._set_all, before, gain)
            self._desk.edit("autoscale", redo, undo)

    def change_common_gain(self, n_steps: int) -> None:
        """Gain of all traces."""
        before = self._picture.common_gain
        after = scaled_gain(before, n_steps)
        if before != after:
            redo, undo = partial(self._set_common_gain, after), partial(self._set_common_gain, before)
            self._desk.edit("gain of all traces", redo, undo)

    def turn_gain(self, row: int, n_steps: int) -> None:
        """Gain of one trace."""
        key = self._picture.rows[row].key
        self._edit(key, self._picture.turn_gain(key, n_steps), f"gain of {self._picture.rows[row].name}")

    def drag_shift(self, row: int, up_px: float, over: bool) -> None:
        """Move a trace with the mouse; one edit when it is over.

        Parameters
        ----------
        up_px : device pixels since the press
        """
        picture = self._picture
        key = picture.rows[row].key
        if self._drag_from is None:
            self._drag_from = picture.views[key]
        start = self._drag_from
        size = 1.0 if picture.placed is None else max(float(picture.placed.size_px[row]), 1.0)
        moved = replace(start, shift=start.shift + up_px / size)
        if not over:
            self._set(key, moved)
            return
        self._drag_from = None
        picture.views[key] = start
        self._edit(key, moved, f"offset of {picture.rows[row].name}")

    def reset(self, row: int) -> None:
        """Gain and offset of one trace as at first; what fills its lane stays."""
        key = self._picture.rows[row].key
        view = self._picture.views[key]
        self._edit(key, RowView(low=view.low, high=view.high), f"{self._picture.rows[row].name} as at first")

    def _edit(self, key: str, after: RowView, text: str) -> None:
        before = self._picture.views[key]
        if before != after:
            self._desk.edit(text, partial(self._set, key, after), partial(self._set, key, before))

    def _set(self, key: str, view: RowView) -> None:
        self._picture.set_view(key, view)
        self._refresh()

    def _set_all(self, views: Mapping[str, RowView], common_gain: float) -> None:
        self._picture.views = dict(views)
        self._set_common_gain(common_gain)

    def _set_common_gain(self, gain: float) -> None:
        self._picture.common_gain = gain
        self._picture.restyle()
        self._refresh()
