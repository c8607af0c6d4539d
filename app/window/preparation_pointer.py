"""What the map tells of the unit under the pointer, and what it offers to do with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMenu, QWidget

from app.window.activity import rate_of_unit_text
from app.window.figures import grouped
from app.window.live_activity import LiveActivity
from app.window.unit_states import STATE_WORDS
from rig.subject import SubjectInfo
from rig.units import UnitTable

Select = Callable[[Sequence[int], str], None]


def line_of_unit(row: int, units: UnitTable, info: SubjectInfo, live: LiveActivity) -> str:
    """``alu3 · 212/ms · silenced · ALU/output``"""
    parts = [units.name[row]]
    if live.estimate is not None:
        parts.append(rate_of_unit_text(live.estimate, row, info))
    state = live.states.of.get(int(units.unit_id[row]))
    parts.append("" if state is None else STATE_WORDS[state])
    parts.append(units.region[row])
    gate = _gate(units, row)
    if gate is not None:
        parts.append(f"gate {gate[1]}")
    return " · ".join(p for p in parts if p)


def unit_menu(parent: QWidget, units: UnitTable, row: int | None, select: Select) -> QMenu:
    """A menu with what can be selected from here; whoever asked adds more and pops it up."""
    menu = QMenu(parent)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    if row is None:
        return menu
    name, region = units.name[row], units.region[row]
    unit_id = int(units.unit_id[row])
    menu.addAction(f"Select {name}", lambda: select([unit_id], f"select {name}"))
    gate = _gate(units, row)
    if gate is not None:
        menu.addAction(f"Select its gate {gate[1]}", lambda: select([gate[0]], f"select {gate[1]}"))
    if region:
        ids = units.unit_id[np.array([r == region for r in units.region])].tolist()
        menu.addAction(f"Select {region} ({grouped(len(ids))})", lambda: select(ids, f"select {region}"))
    menu.addSeparator()
    return menu


def _gate(units: UnitTable, row: int) -> tuple[int, str] | None:
    """Id and name of the unit whose signal is this one's; None where that is itself."""
    signal = int(units.signal_id[row])
    if signal == int(units.unit_id[row]):
        return None
    return signal, units.name[int(units.rows([signal])[0])]
