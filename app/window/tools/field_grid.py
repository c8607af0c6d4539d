"""Captioned fields in one column where there is height, in two where there is not."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from app.window.tools.tool_tab import field_caption, shrinkable


@dataclass(eq=False)
class _Field:
    label: QLabel
    widget: QWidget
    whole_row: bool
    shown: bool = True


class FieldGrid(QWidget):
    """Lays out what was added, in order; hidden fields take no place."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._fields: list[_Field] = []
        self._n_columns = 1
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(8)
        self._grid.setVerticalSpacing(4)

    @property
    def n_columns(self) -> int:
        return self._n_columns

    def add(self, caption: str, widget: QWidget, *, whole_row: bool = False) -> None:
        label = field_caption(caption)
        label.setParent(self)
        label.setBuddy(widget)
        shrinkable(widget)
        self._fields.append(_Field(label, widget, whole_row))
        self._lay()

    def set_columns(self, n: int) -> None:
        if n != self._n_columns:
            self._n_columns = n
            self._lay()

    def show_field(self, widget: QWidget, shown: bool) -> None:
        for field in self._fields:
            if field.widget is widget and field.shown != shown:
                field.shown = shown
                self._lay()

    def _lay(self) -> None:
        for field in self._fields:
            self._grid.removeWidget(field.label)
            self._grid.removeWidget(field.widget)
        row = column = 0
        for field in self._fields:
            field.label.setVisible(field.shown)
            field.widget.setVisible(field.shown)
            if not field.shown:
                continue
            whole = field.whole_row and self._n_columns > 1
            if whole and column:
                row, column = row + 1, 0
            self._grid.addWidget(field.label, row, 2 * column)
            self._grid.addWidget(field.widget, row, 2 * column + 1, 1, 2 * self._n_columns - 1 if whole else 1)
            column += self._n_columns if whole else 1
            if column >= self._n_columns:
                row, column = row + 1, 0
        for k in range(2):
            self._grid.setColumnStretch(2 * k + 1, 1 if k < self._n_columns else 0)
