"""The protocol's table with its buttons: add, remove, move, edit."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QAbstractItemView, QHBoxLayout, QHeaderView, QMenu, QTableView, QToolButton, QWidget

from app.protocol.steps import EXAMPLES, Do, Step
from app.window.desk import Desk
from app.window.tools.step_table import AFTER, DO, WHAT, DoDelegate, StepTable
from app.window.tools.tool_tab import row_of

ROW_PX = 24


class StepEditor(QTableView):
    """Shows steps. A change is told as the steps that are wanted and what was done, and shown when it comes back."""

    wanted = Signal(object, str)  # tuple of Step, text

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.desk = desk
        self.table = StepTable(lambda steps: self.wanted.emit(steps, "edit a step"), self)
        self.setModel(self.table)
        self.setItemDelegateForColumn(DO, DoDelegate(self))
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.verticalHeader().setDefaultSectionSize(ROW_PX)
        self.verticalHeader().setMinimumWidth(24)
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.setSectionResizeMode(WHAT, QHeaderView.ResizeMode.Stretch)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.setColumnWidth(AFTER, 56)
        self.setColumnWidth(DO, 92)
        self.setMinimumHeight(4 * ROW_PX)
        self.setToolTip("Double click, or F2, to edit a step; Delete removes the selected ones")
        remove = QShortcut(QKeySequence(Qt.Key.Key_Delete), self)
        remove.setContext(Qt.ShortcutContext.WidgetShortcut)
        remove.activated.connect(self.remove_selected)

    def show_steps(self, steps: tuple[Step, ...], problems: Mapping[int, str]) -> None:
        self.table.show_steps(steps, problems)

    # ---- changing

    def add_step(self, step: Step, at_end: bool = False) -> None:
        """Below the selected one, or at the end; a repeat comes with its end."""
        rows = [] if at_end else self.selected_rows()
        at = rows[-1] + 1 if rows else len(self.table.steps)
        steps = list(self.table.steps)
        steps[at:at] = [step, Step(Do.END_REPEAT)] if step.do is Do.REPEAT else [step]
        self.wanted.emit(tuple(steps), f"add {step.do}")
        self.selectRow(at)

    def remove_selected(self) -> None:
        rows = set(self.selected_rows())
        if rows:
            self.wanted.emit(tuple(s for i, s in enumerate(self.table.steps) if i not in rows), "remove steps")

    def move_selected(self, by: int) -> None:
        """The first selected one, up (−1) or down (1)."""
        rows = self.selected_rows()
        if not rows or not 0 <= rows[0] + by < len(self.table.steps):
            return
        steps = list(self.table.steps)
        steps.insert(rows[0] + by, steps.pop(rows[0]))
        self.wanted.emit(tuple(steps), "move a step")
        self.selectRow(rows[0] + by)

    def selected_rows(self) -> list[int]:
        return sorted({i.row() for i in self.selectionModel().selectedIndexes()})

    # ---- buttons

    def buttons(self, parent: QWidget) -> QHBoxLayout:
        """Add, remove, up, down."""
        add = QToolButton(parent)
        add.setText("Add")
        add.setToolTip("Add a step below the selected one")
        add.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(add)
        for do in Do:
            menu.addAction(str(do)).triggered.connect(lambda _=False, d=do: self.add_step(Step(d, self._example(d))))
        add.setMenu(menu)
        self.add_menu = menu
        remove = tool("Remove", "Remove the selected steps (Delete)", self.remove_selected, parent)
        up = tool("↑", "Move the selected step up", lambda: self.move_selected(-1), parent)
        down = tool("↓", "Move the selected step down", lambda: self.move_selected(1), parent)
        return row_of(add, remove, up, down, QWidget(parent), stretch=4)

    def _example(self, do: Do) -> str:
        """With the names of what is selected in it."""
        description = self.desk.description
        example = EXAMPLES[do]
        if description is None:
            return example
        ids = self.desk.selection.ids or tuple(description.units.unit_id[:1].tolist())
        if ids:
            example = example.replace("UNIT", description.units.name[int(description.units.rows([ids[0]])[0])])
        if description.controls:
            control = description.controls[0]
            example = example.replace("NAME=VALUE", f"{control.name}={str(control.default).lower()}")
        return example


def tool(text: str, tooltip: str, act: Callable[[], None], parent: QWidget) -> QToolButton:
    button = QToolButton(parent)
    button.setText(text)
    button.setToolTip(tooltip)
    button.clicked.connect(lambda: act())
    return button
