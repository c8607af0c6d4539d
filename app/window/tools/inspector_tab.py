"""Inspector: what the selected unit is, whom it touches, and how it fires."""

from __future__ import annotations

from html import escape

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from app.theme import Theme, region_colours
from app.window.desk import Desk, Pull
from app.window.elided_label import ElidedLabel
from app.window.tools.tool_tab import ToolTab, caption, clear_layout, hint
from app.window.tools.unit_facts import facts_of, name_of, neighbours_of, shares_of, signals_of
from app.window.tools.unit_plots import UnitPlots, rate_text
from app.window.tools.unit_samples import rates_of_units, stats_of_unit, streams_of_units
from app.window.tools.unit_text import count_text, describe_units
from rig.errors import UnknownUnitError
from rig.process.protocol import Description

LOOK_S = 0.25
MAX_LINKS = 12
MAX_LISTED = 40


class InspectorTab(ToolTab):
    """Follows the selection; costs nothing while another tab is in front."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__("Inspector", desk, parent)
        self.title = ElidedLabel("", self)
        self.title.setObjectName("toolTarget")
        self.rows.addWidget(self.title)
        self.facts: dict[str, str] = {}
        self.links: dict[str, QLabel] = {}
        self._identity = _grid()
        self.rows.addLayout(self._identity)
        self.figures = QLabel("", self)
        self.figures.setWordWrap(True)
        self.rows.addWidget(self.figures)
        self.plots: UnitPlots | None = None  # made when first needed: it takes a while
        self._plots_at = self.rows.count()
        self._others = _grid()
        self.rows.addLayout(self._others)
        self.rows.addStretch(1)
        self._since_look_s = LOOK_S
        self._shown: tuple[object, ...] | None = None
        self._stale = True
        desk.selection.changed.connect(self._on_selection)
        self._on_selection()

    # ---- what it is

    def on_opened(self) -> None:
        self._on_selection()

    def on_closed(self) -> None:
        self._on_selection()

    def showEvent(self, event: object) -> None:
        if self._stale:
            self._show_selection()

    def _on_selection(self) -> None:
        self._stale = True
        self._shown = None
        self._since_look_s = LOOK_S
        if self.isVisible():
            self._show_selection()

    def _show_selection(self) -> None:
        self._stale = False
        description, ids = self.desk.description, self.desk.selection.ids
        clear_layout(self._identity)
        clear_layout(self._others)
        self.facts, self.links = {}, {}
        self.figures.setText("")
        self.figures.setVisible(bool(ids) and description is not None)
        if self.plots is not None:
            self.plots.hide()
        if description is None:
            self.title.set_whole("no subject on the table")
            self._identity.addWidget(hint("Put one there: the button at the left of the strip."), 0, 0, 1, 2)
        elif not ids:
            self.title.set_whole("nothing selected")
            self._identity.addWidget(
                hint("Select units: click or drag on the map, or find one by name (/)."), 0, 0, 1, 2
            )
        elif len(ids) == 1:
            self._show_unit(description, ids[0])
        else:
            self._show_several(description, ids)

    def _show_unit(self, description: Description, unit_id: int) -> None:
        units = description.units
        try:
            facts, neighbours = facts_of(unit_id, units, description.info), neighbours_of(unit_id, units)
        except UnknownUnitError as error:
            self.title.set_whole(str(error))
            return
        self.title.set_whole(name_of(unit_id, units))
        for k, fact in enumerate(facts):
            self._identity.addWidget(caption(fact.label), k, 0)
            self._identity.addWidget(ElidedLabel(fact.text, self), k, 1)
            self.facts[fact.label] = fact.text
        for group in neighbours:
            self._add_links(f"{group.relation} {len(group.unit_ids)}", group.unit_ids, description, MAX_LINKS)

    def _show_several(self, description: Description, ids: tuple[int, ...]) -> None:
        units = description.units
        try:
            by_region, by_kind = shares_of(ids, units, "region"), shares_of(ids, units, "kind")
        except UnknownUnitError as error:
            self.title.set_whole(str(error))
            return
        self.title.set_whole(describe_units(ids, units) if len(ids) > 3 else f"{len(ids)} units")
        for label, shares in (("regions", by_region), ("kinds", by_kind)):
            links = " · ".join(
                f'<a href="{label}/{i}">{escape(s.label)}</a> {len(s.unit_ids)}' for i, s in enumerate(shares)
            )
            groups = {f"{label}/{i}": s.unit_ids for i, s in enumerate(shares)}
            self._add_label(label, links, groups)
        self._add_links("units", ids, description, MAX_LISTED)

    def _add_links(self, label: str, ids: tuple[int, ...], description: Description, most: int) -> None:
        """A caption, and names that select what they name."""
        named = {
            i: description.units.name[row] for i, row in zip(ids, description.units.rows(ids).tolist(), strict=True)
        }
        ids = tuple(sorted(ids, key=lambda i: _is_number(named[i])))  # real names first
        names = [f'<a href="{i}">{escape(named[i])}</a>' for i in ids[:most]]
        groups: dict[str, tuple[int, ...]] = {str(i): (i,) for i in ids[:most]}
        if len(ids) > most:
            names.append(f"… {len(ids) - most} more")
        if len(ids) > 1 and len(ids) != len(self.desk.selection):
            names.append('<a href="all">select all</a>')
            groups["all"] = ids
        self._add_label(label, "&nbsp; ".join(names), groups)

    def _add_label(self, label: str, text: str, groups: dict[str, tuple[int, ...]]) -> None:
        links = QLabel(text.replace("<a ", f'<a style="text-decoration:none; color:{self.theme.accent}" '), self)
        links.setWordWrap(True)
        links.setTextFormat(Qt.TextFormat.RichText)
        links.setTextInteractionFlags(
            Qt.TextInteractionFlag.LinksAccessibleByMouse | Qt.TextInteractionFlag.LinksAccessibleByKeyboard
        )
        links.setToolTip("Click a name to select it (Tab and Enter by keyboard)")
        links.linkActivated.connect(lambda href: self.desk.select(groups[href]))
        self.links[label] = links
        row = self._others.rowCount()
        self._others.addWidget(caption(label), row, 0, Qt.AlignmentFlag.AlignTop)
        self._others.addWidget(links, row, 1)

    # ---- how it fires

    def pull(self, pull: Pull) -> None:
        self._since_look_s += pull.elapsed_s
        if self._since_look_s < LOOK_S or not self.desk.selection.ids or self.desk.description is None:
            return
        self._since_look_s = 0.0
        stop_tick = None if pull.live else pull.stop_tick
        key = (self.desk.selection.ids, pull.tick if pull.live else stop_tick)
        if key == self._shown:
            return
        self._shown = key
        if len(self.desk.selection) == 1:
            self._look_at_unit(self.desk.description, self.desk.selection.ids[0], stop_tick)
        else:
            self._look_at_several(self.desk.description, stop_tick)

    def _look_at_unit(self, description: Description, unit_id: int, stop_tick: int | None) -> None:
        signal = int(signals_of([unit_id], description.units)[0])
        for stream in streams_of_units(description.streams):
            reader = self.desk.shown_ring(stream.name)
            stats = None if reader is None else stats_of_unit(reader, signal, stop_tick)
            if stats is None:
                continue
            plots = self._plots()
            row = int(description.units.rows([unit_id])[0])
            colours = region_colours(description.units.region, self.theme)
            colour = colours[description.units.region[row].split("/")[0]]
            self.figures.setText(plots.show_stats(stats, stream, description.info, colour))
            return
        self.figures.setText("No samples of it yet: run the subject (Space), or watch it (W).")
        if self.plots is not None:
            self.plots.hide()

    def _look_at_several(self, description: Description, stop_tick: int | None) -> None:
        signals = signals_of(self.desk.selection.ids, description.units)
        for stream in streams_of_units(description.streams):
            reader = self.desk.shown_ring(stream.name)
            found = None if reader is None else rates_of_units(reader, signals, stop_tick)
            if found is None:
                continue
            rates, _ = found
            mean = float(np.nanmean(rates))
            n_silent = int(np.count_nonzero(rates == 0))
            text = f"mean rate {rate_text(mean, description.info)}"
            if n_silent:
                text += f" · {count_text(n_silent, 'unit')} without a spike"
            self.figures.setText(text)
            return
        self.figures.setText("No samples of them yet: run the subject (Space), or watch them (W).")

    def _plots(self) -> UnitPlots:
        if self.plots is None:
            self.plots = UnitPlots(self)
            self.plots.apply_theme(self.theme)
            self.rows.insertWidget(self._plots_at, self.plots)
        self.plots.show()
        return self.plots

    def apply_theme(self, theme: Theme) -> None:
        super().apply_theme(theme)
        if self.plots is not None:
            self.plots.apply_theme(theme)
        self._on_selection()  # links and curves take their colours anew


def _is_number(name: str) -> bool:
    """Whether it has only a number for a name."""
    return name[:1] == "n" and name[1:].isdigit()


def _grid() -> QGridLayout:
    """Captions, and what they caption."""
    grid = QGridLayout()
    grid.setHorizontalSpacing(12)
    grid.setVerticalSpacing(4)
    grid.setColumnStretch(1, 1)
    return grid
