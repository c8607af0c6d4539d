"""The protocol as a table that can be edited: a model over a tuple of steps, and a list of choices for one column."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QAbstractItemModel, QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QColor, QFont
from PySide6.QtWidgets import QComboBox, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from app.protocol.steps import EXAMPLES, Do, Step
from app.theme import DARK, Theme
from app.window.fonts import text_px
from rig.perturbation import SILENCING, TIMED

Index = QModelIndex | QPersistentModelIndex
COLUMNS = ("after", "do", "what")
AFTER, DO, WHAT = range(3)


class StepTable(QAbstractTableModel):
    """Shows steps and what is wrong with them; an edit is handed to `edited`, which decides.

    Parameters
    ----------
    edited : called with the steps as they are wanted
    """

    def __init__(self, edited: Callable[[tuple[Step, ...]], None], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._edited = edited
        self.theme: Theme = DARK
        self.steps: tuple[Step, ...] = ()
        self.problems: Mapping[int, str] = {}
        self.current_row: int | None = None

    def show_steps(self, steps: tuple[Step, ...], problems: Mapping[int, str]) -> None:
        if len(steps) == len(self.steps):
            self.steps, self.problems = steps, problems
            self._tell_all()
            return
        self.beginResetModel()
        self.steps, self.problems = steps, problems
        self.endResetModel()

    def show_current(self, row: int | None) -> None:
        """The step that is due next, while it runs."""
        if row != self.current_row:
            self.current_row = row
            self._tell_all()

    def rowCount(self, parent: Index | None = None) -> int:
        return len(self.steps)

    def columnCount(self, parent: Index | None = None) -> int:
        return len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        return COLUMNS[section] if orientation is Qt.Orientation.Horizontal else section + 1

    def flags(self, index: Index) -> Qt.ItemFlag:
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEditable

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        step = self.steps[index.row()]
        match role:
            case Qt.ItemDataRole.DisplayRole | Qt.ItemDataRole.EditRole:
                if index.column() == WHAT and role == Qt.ItemDataRole.DisplayRole:
                    return "    " * self._depth(index.row()) + step.what
                return (step.after, str(step.do), step.what)[index.column()]
            case Qt.ItemDataRole.ToolTipRole:
                example = EXAMPLES[step.do]
                return self.problems.get(index.row()) or f"{step.do} {step.what}".strip() + (
                    f"\nsuch as: {example}" if example else ""
                )
            case Qt.ItemDataRole.ForegroundRole:
                return self._colour(index.row(), index.column(), step)
            case Qt.ItemDataRole.BackgroundRole if index.row() == self.current_row:
                return QColor(self.theme.line)
            case Qt.ItemDataRole.FontRole if index.row() in self.problems:
                font = QFont()
                font.setPixelSize(text_px(12))
                font.setUnderline(True)
                return font
        return None

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        if role != Qt.ItemDataRole.EditRole:
            return False
        step, text = self.steps[index.row()], " ".join(str(value).split("\n")).strip()
        if index.column() == AFTER:
            new = replace(step, after=text or "0")
        elif index.column() == DO:
            new = replace(step, do=Do(text))
        else:
            new = replace(step, what=text)
        if new != step:
            steps = list(self.steps)
            steps[index.row()] = new
            self._edited(tuple(steps))
        return True

    def _depth(self, row: int) -> int:
        """Repeats that a row lies in."""
        opened = sum(s.do is Do.REPEAT for s in self.steps[:row])
        closed = sum(s.do is Do.END_REPEAT for s in self.steps[: row + 1])
        return max(opened - closed, 0)

    def _colour(self, row: int, column: int, step: Step) -> QColor | None:
        if row in self.problems:
            return QColor(self.theme.poor)
        if column == AFTER and step.after in ("", "0"):
            return QColor(self.theme.muted)
        if column == DO and step.do is Do.PERTURB:
            word = step.what.split(" ", 1)[0]
            if word in SILENCING:
                return QColor(self.theme.silence)
            if word in TIMED:
                return QColor(self.theme.stimulus)
        if column == DO and step.do in (Do.RECORD, Do.STOP_RECORDING):
            return QColor(self.theme.record)
        return None

    def _tell_all(self) -> None:
        if self.steps:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self.steps) - 1, len(COLUMNS) - 1))


class DoDelegate(QStyledItemDelegate):
    """A list of what a step can do."""

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: Index) -> QWidget:
        box = QComboBox(parent)
        box.addItems([str(d) for d in Do])
        box.activated.connect(lambda: self._finish(box))
        return box

    def setEditorData(self, editor: QWidget, index: Index) -> None:
        if isinstance(editor, QComboBox):
            editor.setCurrentText(str(index.data(Qt.ItemDataRole.EditRole)))

    def setModelData(self, editor: QWidget, model: QAbstractItemModel, index: Index) -> None:
        if isinstance(editor, QComboBox):
            model.setData(index, editor.currentText())

    def _finish(self, box: QComboBox) -> None:
        self.commitData.emit(box)
        self.closeEditor.emit(box)
