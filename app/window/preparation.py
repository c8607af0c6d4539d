"""The preparation: a map of all units with their activity, a search field over it, the region tree under it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, Qt, Slot
from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QMenu,
    QSizePolicy,
    QSplitter,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.theme import DARK, Theme
from app.window.activity import ActivityEstimate
from app.window.desk import Desk, Level, Pull
from app.window.figures import grouped
from app.window.live_activity import live_activity
from app.window.map_canvas import EMPTY
from app.window.map_view import MapView
from app.window.pane import Pane
from app.window.preparation_geometry import MapUnits, map_units
from app.window.preparation_icons import kinds_icon, probe_icon
from app.window.preparation_pointer import line_of_unit, unit_menu
from app.window.preparation_probes import MapProbes
from app.window.preparation_search_field import SearchField
from app.window.region_model import Region
from app.window.region_tree import RegionTree
from rig.units import UnitTable

CAPTION = "drag: select · right-drag: pan"
_FLAT_TREE, _MOST_TREE = 0.62, 0.4  # shares of the height
_FLAT = 0.35  # a preparation flatter than this leaves its height to the tree


class PreparationPane(Pane):
    """Left column of the window."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__("Preparation", desk, parent)
        self.theme: Theme = DARK
        self._live = live_activity(desk)
        self._shown: MapUnits | None = None
        self._carried: NDArray[np.int64] = np.empty(0, np.int64)
        self._drawn = (-1, -1, -1)  # changes, courses, states of what is on show
        self._estimate: ActivityEstimate | None = None
        self._hover: int | None = None
        self._told = CAPTION
        self._choosing = False
        self.kind = ""  # the only one on the map; "" for all

        self.search = SearchField(self.body)
        self.kinds = QToolButton(self.body)
        self.kinds.setCheckable(True)
        self.kinds.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.kinds.setStyleSheet("QToolButton::menu-indicator { image: none; width: 0; }")
        self.kinds.setToolTip("Which kinds of unit the map shows, and a hand can pick")
        self.probe_button = QToolButton(self.body)
        self.probe_button.setCheckable(True)
        self.probe_button.setToolTip("Drop a probe: P, then click on the map (Esc: not after all)")
        self.map = MapView(self.body)
        self.map.setToolTipDuration(4000)
        self.caption = QLabel(CAPTION, self.body)
        self.caption.setObjectName("caption")
        self.caption.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.tree = RegionTree(self.body)
        self.probes = MapProbes(desk, self.map, self.probe_button, self.body)
        self._lay_out()
        self._connect()
        self._on_opened()

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.setSpacing(4)
        top.addWidget(self.search.field, 1)
        top.addWidget(self.kinds)
        top.addWidget(self.probe_button)
        upper = QWidget(self.body)
        upper_layout = QVBoxLayout(upper)
        upper_layout.setContentsMargins(0, 0, 0, 0)
        upper_layout.setSpacing(2)
        upper_layout.addWidget(self.map, 1)
        upper_layout.addWidget(self.caption)
        self.splitter = QSplitter(Qt.Orientation.Vertical, self.body)
        self.splitter.setChildrenCollapsible(False)
        self.splitter.addWidget(upper)
        self.splitter.addWidget(self.tree)
        self.splitter.setStretchFactor(0, 3)
        self.splitter.setStretchFactor(1, 1)
        layout = QVBoxLayout(self.body)
        layout.setContentsMargins(8, 8, 8, 4)
        layout.setSpacing(4)
        layout.addLayout(top)
        layout.addWidget(self.search.line)
        layout.addWidget(self.splitter, 1)

    def _connect(self) -> None:
        self.desk.opening.connect(lambda _: self.map.show_hint(self.desk.opening_words))
        self.desk.opened.connect(self._on_opened)
        self.desk.closed.connect(self._on_opened)
        self.desk.selection.changed.connect(self._on_selection)
        self.search.found.connect(self._on_found)
        self.search.taken.connect(self._on_taken)
        self.map.picked.connect(self._on_picked)
        self.map.hovered.connect(self._on_hovered)
        self.map.menu_asked.connect(self._open_menu)
        self.tree.chosen.connect(self._on_regions)
        self.tree.looked_at.connect(lambda region: self.map.zoom_to(region.rows))

    def pane_actions(self) -> list[tuple[str, str, str, Callable[[], object]]]:
        """Name, text, key and what it does."""
        return [
            ("find", "Find a unit or region", "/", self.search.focus),
            ("probe", "Drop a probe on the map", "P", self.probe_button.click),
            ("fit map", "Show the whole preparation", "", self.map.fit),
            ("select none", "Select nothing", "Ctrl+Shift+A", lambda: self.desk.select((), "select nothing")),
        ]

    def apply_theme(self, theme: Theme) -> None:
        self.theme = theme
        self.kinds.setIcon(kinds_icon(theme.text))
        self.probe_button.setIcon(probe_icon(theme.text))
        self.map.apply_theme(theme)
        self.tree.apply_theme(theme)

    # ---- the subject comes and goes

    @Slot()
    def _on_opened(self) -> None:
        description = self.desk.description
        self._drawn, self._estimate = (-1, -1, -1), None
        self._hover = None
        if description is None:
            self._shown = None
            self.map.show_hint(EMPTY)
            self.map.set_units(None)
            self.tree.set_units(None)
            self.search.set_units(None, ())
        else:
            self._shown = map_units(description.units)
            self.map.set_units(self._shown, description.info.space)
            self.tree.set_units(description.units)
            self.search.set_units(description.units, lambda: self.probes.placed.probes)
            self._divide(self._shown)
        stream = self._live.stream
        self._carried = np.empty(0, np.int64) if stream is None or stream.unit_ids is None else stream.unit_ids
        self.probes.set_units(self._shown)
        self._offer_kinds()
        self._told = CAPTION if description is not None else ""
        self.caption.setText(self._told)
        self._tell()

    def _divide(self, shown: MapUnits) -> None:
        """A row of cells needs no square: what the map does not need is the tree's."""
        width = max(shown.bounds[2] - shown.bounds[0], 1e-9)
        flat = (shown.bounds[3] - shown.bounds[1]) / width < _FLAT
        wanted = self.tree.wanted_px / max(self.splitter.height(), 1)
        share = round(1000 * (_FLAT_TREE if flat else min(wanted, _MOST_TREE)))
        self.splitter.setSizes([1000 - share, share])

    def _offer_kinds(self) -> None:
        units = None if self._shown is None else self._shown.units
        kinds = [] if units is None else list(dict.fromkeys(units.kind))
        self.kinds.setVisible(len(kinds) > 1)
        menu = QMenu(self.kinds)
        group = QActionGroup(menu)
        for kind in ("", *kinds):
            action = menu.addAction(f"{kind}s" if kind else "all kinds")
            action.setCheckable(True)
            action.setData(kind)
            group.addAction(action)
            action.triggered.connect(lambda _checked, kind=kind: self.show_kind(kind))
        old = self.kinds.menu()
        self.kinds.setMenu(menu)
        if old is not None:
            old.deleteLater()
        self.show_kind("")

    def show_kind(self, kind: str) -> None:
        """Have only units of a kind on the map; "" for all. The strip says where there are none of it."""
        units = self.units
        if kind and units is not None and kind not in units.kind:
            self.desk.say(
                Level.WARNING, f"asked for {kind}s on the map; there are {', '.join(sorted(set(units.kind)))}"
            )
            kind = ""
        self.kind = kind
        if self.map.picture is not None and units is not None:
            self.map.picture.set_visible(np.array([k == kind for k in units.kind]) if kind else None)
        for action in self.kinds.menu().actions():
            action.setChecked(action.data() == kind)
        self.kinds.setChecked(bool(kind))
        self.kinds.setText(f"{kind}s")
        style = Qt.ToolButtonStyle.ToolButtonTextBesideIcon if kind else Qt.ToolButtonStyle.ToolButtonIconOnly
        self.kinds.setToolButtonStyle(style)
        self.map.update()

    # ---- the selection

    @property
    def units(self) -> UnitTable | None:
        return None if self._shown is None else self._shown.units

    @Slot(object, object)
    def _on_picked(self, rows: NDArray[np.int64], modifiers: Qt.KeyboardModifier) -> None:
        if self.units is None:
            return
        ids = self.units.unit_id[rows].tolist()
        before = self.desk.selection.ids
        if modifiers & Qt.KeyboardModifier.ShiftModifier:
            self.desk.select((*before, *ids), "add to the selection")
        elif modifiers & Qt.KeyboardModifier.ControlModifier:
            both = set(before) & set(ids)
            self.desk.select([i for i in (*before, *ids) if i not in both], "change the selection")
        else:
            self.desk.select(ids, "select on the map")

    @Slot(object)
    def _on_regions(self, regions: list[Region]) -> None:
        if self.units is None or not regions:
            return
        rows = np.unique(np.concatenate([r.rows for r in regions]))
        ids = self.units.unit_id[rows]
        carried = ids[np.isin(ids, self._carried)]
        self._choosing = True  # the tree shows already what was chosen in it
        self.desk.select((carried if len(carried) else ids).tolist(), f"select {', '.join(r.label for r in regions)}")
        self._choosing = False

    @Slot()
    def _on_selection(self) -> None:
        if not self._choosing:
            self.tree.clear_choice()
        if self.units is not None:
            ids = self.desk.selection.array()
            known = ids[np.isin(ids, self.units.unit_id)]
            self.map.set_selected(self.units.rows(known))
        self._tell()

    @Slot(object)
    def _on_found(self, found: NDArray[np.bool_] | None) -> None:
        self.tree.set_found(found)
        if self.map.picture is not None:
            self.map.picture.set_found(found)
            self.map.update()

    @Slot(object)
    def _on_taken(self, ids: NDArray[np.int64]) -> None:
        self.desk.select(ids.tolist(), "select what was found")
        self.map.setFocus()
        self.desk.say(Level.NOTE, f"{grouped(len(ids))} selected; W watches them")

    def _tell(self) -> None:
        if self.units is None:
            self.set_detail("")
            return
        chosen = len(self.desk.selection)
        n_units = grouped(len(self.units))
        self.set_detail(f"{grouped(chosen)} of {n_units} selected" if chosen else f"{n_units} units")

    # ---- the pointer

    @Slot(object)
    def _on_hovered(self, row: int | None) -> None:
        self._hover = row
        self._caption()

    def _caption(self) -> None:
        if self.units is None or self.desk.description is None:
            return
        text = (
            CAPTION
            if self._hover is None
            else line_of_unit(self._hover, self.units, self.desk.description.info, self._live)
        )
        if text != self.caption.text():
            room = self.caption.width() - 2
            self.caption.setText(self.caption.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, room))
            self.map.setToolTip(text.replace(" · ", "\n") if self._hover is not None else "")

    @Slot(object, QPoint)
    def _open_menu(self, row: int | None, at: QPoint) -> None:
        units = self.units
        if units is None:
            return
        menu = unit_menu(self.map, units, row, self.desk.select)
        menu.addAction("Drop a probe (P)", self.probe_button.click)
        menu.addAction("Show everything (Home)", self.map.fit)
        menu.popup(at)

    # ---- pulling

    def pull(self, pull: Pull) -> None:
        live = self._live
        live.update(pull)
        changes, courses, states = self._drawn
        if live.n_states != states:
            states = live.n_states
            self.map.set_states(live.states.of)
        estimate = live.estimate
        if estimate is not None and live.n_changes != changes:
            changes = live.n_changes
            if self.map.picture is not None:
                self.map.picture.set_levels(estimate.row_levels())
                self.map.update()
            if live.n_courses != courses:
                courses = live.n_courses
                if self.tree.forest is not None and self._estimate is not estimate:
                    self._estimate = estimate
                    self.tree.forest.set_carried(estimate.channel_of_row >= 0)
                self.tree.set_rates(np.append(estimate.list_rate, 0.0)[estimate.channel_of_row])
                self._caption()
        self._drawn = changes, courses, states
