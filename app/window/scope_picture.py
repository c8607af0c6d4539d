"""What the oscilloscope shows and how: rows, gains, arrangement, filter; running or triggered. Free of Qt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from app.draw.blend import Pixels
from app.draw.time_scale import Piece
from app.draw.trace_image import Tint, TraceStyle
from app.window.perturbed_spans import PerturbedSpan
from app.window.plot_colours import PlotColours
from app.window.scope_filters import FilterChoice
from app.window.scope_layout import Arrangement, Placed, RowView, fitted, place, scaled_gain
from app.window.scope_rows import ScopeRow
from app.window.scope_sweeps import ScopeSweeps
from app.window.scope_traces import DrawnGroups, FindRing, RowGroup, ScopeTraces, group_rows, row_colours, twin_groups
from app.window.time_axis import TimeAxis
from app.window.trigger_choice import TriggerChoice
from app.window.twin_view import TwinView
from rig.streams import StreamInfo
from rig.twin import PREFIX

_REFIT_EVERY = 30  # pulls
_REFIT_BEYOND, _REFIT_BELOW = 0.15, 0.4  # of the range that fits now


class ScopePicture:
    """Settings may change at any time; what depends on them is made again at the next pull.

    Attributes
    ----------
    rows : on show
    views : by row key, of those that were ever shown
    common_gain : of all rows
    version : rises whenever the same samples look otherwise
    arrangement, choice : where the traces lie, and their filter
    overlaid, averaged : what a triggered picture shows
    twin_view : how an intact twin is shown
    """

    def __init__(self, find_ring: FindRing, trigger: TriggerChoice) -> None:
        self.rows: tuple[ScopeRow, ...] = ()
        self.views: dict[str, RowView] = {}
        self.common_gain = 1.0
        self.version = 0
        self.arrangement = Arrangement.STACKED
        self.choice = FilterChoice()
        self.overlaid, self.averaged = True, True
        self.tick_hz = 0.0
        self.twin_view = TwinView.OVERLAY
        self.colours: PlotColours | None = None
        self.traces: ScopeTraces | None = None
        self.sweeps: ScopeSweeps | None = None
        self.placed: Placed | None = None
        self._find_ring = find_ring
        self._trigger = trigger
        self._groups: tuple[RowGroup, ...] = ()
        self._twins: tuple[RowGroup, ...] = ()  # drawn behind: they show where they differ
        self._size = (0, 0, 1)
        self._fitted: set[str] = set()  # rows that were fitted once
        self._touched: set[str] = set()  # rows whose range a hand chose: they are not fitted again by themselves
        self._n_pulls = 0

    # ---- settings

    def set_rows(
        self, rows: Sequence[ScopeRow], infos: dict[str, StreamInfo], twins: dict[str, StreamInfo] | None = None
    ) -> None:
        """Show other rows; what is known of the old ones is kept.

        Parameters
        ----------
        infos : layouts of the streams that carry them, as they are watched now
        twins : stream → layout of the intact twin's, where there is one
        """
        self.rows = tuple(rows)
        self._groups = group_rows(self.rows, infos)
        self._twins = twin_groups(self._groups, twins or {})
        for row in self.rows:
            self.views.setdefault(row.key, RowView())
        self.rebuild()

    def set_size(self, n_columns: int, height: int, thickness_px: int) -> bool:
        """Device pixels of the plot; whether they are others."""
        changed = (n_columns, height, thickness_px) != self._size
        if changed:
            self._size = n_columns, height, thickness_px
            self.rebuild()
        return changed

    def set_twin_view(self, view: TwinView) -> None:
        """Show the intact twin otherwise, where there is one; rows are fitted again, unless a hand chose."""
        self.twin_view = view
        self._fitted.clear()
        self.rebuild()

    def set_filter(self, choice: FilterChoice) -> None:
        """Filter analogue traces from now on; they are fitted again, unless a hand chose."""
        self.choice = choice
        self._fitted.clear()
        self.rebuild()

    def rebuild(self) -> None:
        """Draw everything anew at the next pull."""
        self.traces = self.sweeps = None
        self.version += 1
        self._place()

    def set_view(self, key: str, view: RowView) -> None:
        self.views[key] = view
        self._touched.add(key)
        self.restyle()

    def views_by_hand(self) -> dict[str, RowView]:
        """Views of the rows that are not fitted by themselves any more."""
        return {key: view for key, view in self.views.items() if key in self._touched}

    def forget_views(self) -> None:
        """Another subject: its rows are fitted as they come."""
        self.views.clear()
        self._touched.clear()
        self._fitted.clear()

    def turn_gain(self, key: str, n_steps: int) -> RowView:
        """The view with more gain; it is not set."""
        view = self.views[key]
        return replace(view, gain=scaled_gain(view.gain, n_steps))

    def restyle(self) -> None:
        """Gains, offsets or colours changed: paint from what is cached."""
        self._place()
        self.version += 1
        for shown in (self.traces, self.sweeps):
            if shown is not None:
                shown.set_styles(self._drawn().styles)

    def fit_all(self) -> dict[str, RowView]:
        """Views in which every trace on show fills its lane; they are not set."""
        low, high = self._extremes()
        found = {}
        for i, row in enumerate(self.rows):
            view = self.views[row.key]
            found[row.key] = RowView() if row.digital else fitted(float(low[i]), float(high[i]), view)
        return found

    # ---- pulling

    @property
    def has_twin(self) -> bool:
        """Whether an intact twin of what is shown is there."""
        return bool(self._twins)

    @property
    def carried(self) -> bool:
        """Whether any row has samples."""
        return bool(self._groups)

    @property
    def triggered(self) -> bool:
        return self._trigger.settings.on and self._trigger.settings.condition is not None

    def pull(self, axis: TimeAxis) -> bool:
        """Take what is new; whether the picture changed."""
        if self.colours is None or min(self._size[:2]) < 1:
            return False
        self._n_pulls += 1
        if self.triggered:
            self.traces = None  # when time runs again, it is drawn anew
            changed = self._pull_sweeps(axis)
        else:
            self.sweeps = None
            changed = self._pull_traces(axis)
        return self._refit() or changed

    def layers(self, axis: TimeAxis) -> list[tuple[Pixels, tuple[Piece, ...] | None, bool]]:
        """Images for the canvas."""
        if self.sweeps is not None:
            return list(self.sweeps.layers())
        if self.traces is not None:
            return [(self.traces.image.pixels, axis.pieces(), True)]
        return []

    def show_spans(self, spans: Sequence[PerturbedSpan]) -> None:
        """Tint these, in running time."""
        if self.traces is not None and self.colours is not None:
            c = self.colours
            self.traces.set_tints([Tint(s.start_tick, s.stop_tick, c.tint(s.kind)) for s in spans])

    def _pull_traces(self, axis: TimeAxis) -> bool:
        if self.traces is None or self.traces.span_ticks != axis.span_ticks:
            assert self.colours is not None
            background = self.colours.rows(self._size[1])
            self.traces = ScopeTraces(self._drawn(), self._find_ring, axis, background, self.choice, self.tick_hz)
            self.traces.pull(axis)
            return True
        return self.traces.pull(axis)

    def _pull_sweeps(self, axis: TimeAxis) -> bool:
        settings = self._trigger.settings
        bounds = settings.bounds(axis.span_ticks)
        s = self.sweeps
        if s is None or (s.pre_ticks, s.post_ticks) != bounds or (s.overlaid, s.averaged) != (
            self.overlaid, self.averaged
        ):  # fmt: skip
            assert self.colours is not None
            background = self.colours.rows(self._size[1])
            self.sweeps = s = ScopeSweeps(
                self._drawn(), self._find_ring, self._trigger, axis.span_ticks, axis.n_columns, background,
                self.choice, self.tick_hz, self.overlaid, self.averaged, self.colours.text,
            )  # fmt: skip
            s.pull(axis.stop_tick)
            return True
        return s.pull(axis.stop_tick)

    # ---- where things lie

    def _place(self) -> None:
        views = [self.views[r.key] for r in self.rows]
        self.placed = place(self.rows, views, self.arrangement, self._size[1], self.common_gain)

    def _styles(self, groups: Sequence[RowGroup] | None = None) -> list[TraceStyle]:
        assert self.placed is not None
        colours = row_colours(self.rows)
        return [g.style(self.placed, colours, self._size[2]) for g in (self._groups if groups is None else groups)]

    def _drawn(self) -> DrawnGroups:
        """What is drawn, of subject and twin."""
        view = self.twin_view if self._twins else TwinView.SUBJECT
        if view is TwinView.OVERLAY:
            styles = (*self._twin_styles(), *self._styles())
            return DrawnGroups((*self._twins, *self._groups), styles, n_behind=len(self._twins))
        groups = self._twins if view is TwinView.TWIN else self._groups
        less = PREFIX if view is TwinView.DIFFERENCE else ""
        return DrawnGroups(groups, tuple(self._styles(groups)), less=less)

    def _twin_styles(self) -> list[TraceStyle]:
        """Where the subject's lie, in the colour of what is read second."""
        assert self.placed is not None
        if self.colours is None or not self._twins:
            return []
        colours = np.full(len(self.rows), self.colours.muted.rgba(), np.uint32)
        return [g.style(self.placed, colours, self._size[2]) for g in self._twins]

    def _extremes(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        shown = self.sweeps or self.traces
        if shown is None:
            return np.full(len(self.rows), np.inf), np.full(len(self.rows), -np.inf)
        return shown.extremes(len(self.rows))

    def _refit(self) -> bool:
        """Fit analogue rows to their first samples, and again where they grow beyond or shrink, unless a hand chose."""
        waiting = [r for r in self.rows if not r.digital and r.key not in self._touched]
        if not waiting or (all(r.key in self._fitted for r in waiting) and self._n_pulls % _REFIT_EVERY):
            return False
        low, high = self._extremes()
        changed = False
        for i, row in enumerate(self.rows):
            if row.digital or row.key in self._touched or not np.isfinite(low[i]) or not np.isfinite(high[i]):
                continue
            view = self.views[row.key]
            room = (view.high - view.low) * _REFIT_BEYOND
            grown = low[i] < view.low - room or high[i] > view.high + room
            if row.key not in self._fitted or grown or 0 < high[i] - low[i] < _REFIT_BELOW * (view.high - view.low):
                self.views[row.key] = fitted(float(low[i]), float(high[i]), view)
                self._fitted.add(row.key)
                changed = True
        if changed:
            self.restyle()
        return changed
