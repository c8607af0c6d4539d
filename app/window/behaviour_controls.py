"""The controls under the screen, made of what the subject says it takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.window.behaviour_held import momentary_names, stick_prefixes
from rig.subject import ControlInfo, ControlValue

ARROW_PX = 26
LEAST_FOLDED_PX = 90  # three rows
MOST_TYPED = 2  # texts to type that are always in view
_ARROWS = {"left": "◀", "up": "▲", "down": "▼", "right": "▶"}
KEYS_OF = {
    "stick_left": "← or A",
    "stick_up": "↑ or W",
    "stick_down": "↓ or S",
    "stick_right": "→ or D",
    "fire": "Space or Ctrl",
    "select": "F1",
    "reset": "F2",
}


class ControlBoard(QWidget):
    """Buttons that are held, switches, choices and texts. It only tells what hands do; the pane decides."""

    pressed = Signal(str)
    released = Signal(str)
    chosen = Signal(str, object)  # name, value

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.held: dict[str, HeldButton] = {}
        self.set: dict[str, QCheckBox | QComboBox | QLineEdit] = {}
        self.more = QToolButton(self)
        self.more.setText("⋯")
        self.more.setAccessibleName("more controls")
        self.more.setObjectName("heldButton")
        self.more.setCheckable(True)
        self.more.setToolTip("Show the other controls of this subject")
        self.more.toggled.connect(self._on_more)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(8, 6, 8, 8)
        self._layout.setSpacing(4)
        self._content: QWidget | None = None
        self._rest: QWidget | None = None
        self.more.hide()

    def set_controls(self, controls: Sequence[ControlInfo]) -> None:
        """Build anew."""
        if self._content is not None:
            self.more.setParent(self)
            self._layout.removeWidget(self._content)
            self._content.deleteLater()
        self.held, self.set, self._rest = {}, {}, None
        self._content = QWidget(self)
        rows = QVBoxLayout(self._content)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(4)
        by_name = {c.name: c for c in controls}
        momentary = momentary_names(controls)
        prefixes = stick_prefixes(controls)
        first_row = self._row(rows) if momentary else None
        rest = QWidget(self._content)
        rest_rows = QVBoxLayout(rest)
        rest_rows.setContentsMargins(0, 0, 0, 0)
        rest_rows.setSpacing(4)
        for k, prefix in enumerate(prefixes):
            row = first_row if k == 0 and first_row is not None else self._row(rest_rows)
            self._add_stick(row, prefix, by_name)
            if k == 0:
                for name in momentary:
                    if name in ("select", "reset"):
                        self._add_held(row, by_name[name], name)
            row.addStretch(1)
        for name in momentary:  # a console without a stick
            if name not in self.held and first_row is not None:
                self._add_held(first_row, by_name[name], name.replace("_", " "))
        others = [c for c in controls if c.name not in self.held]
        typed = [c for c in others if isinstance(c.default, str) and not c.choices]
        many_typed = not momentary and len(typed) > MOST_TYPED
        if many_typed:  # the switches stay in view, with the button that brings the others
            first_row = self._row(rows)
            for control in (c for c in others if isinstance(c.default, bool)):
                self._add_switch(first_row, control)
            first_row.addStretch(1)
            others = [c for c in others if not isinstance(c.default, bool)]
        self._add_others(rest_rows, others)
        foldable = many_typed or (bool(momentary) and (bool(others) or len(prefixes) > 1))
        if foldable and first_row is not None:
            first_row.addWidget(self.more)
        self.more.setVisible(foldable)
        self.more.setChecked(False)
        self._rest = FoldedRows(rest, self._content) if foldable else rest
        rows.addWidget(self._rest)
        self._rest.setVisible(not foldable)
        self._layout.addWidget(self._content)
        self.setVisible(bool(controls))

    def show_values(self, values: Mapping[str, ControlValue]) -> None:
        """Where the controls stand, whoever moved them."""
        for name, button in self.held.items():
            button.setChecked(bool(values.get(name, False)))
        for name, widget in self.set.items():
            if name not in values:
                continue
            widget.blockSignals(True)
            if isinstance(widget, QCheckBox):
                widget.setChecked(bool(values[name]))
            elif isinstance(widget, QComboBox):
                widget.setCurrentIndex(max(widget.findData(values[name]), 0))
            elif not widget.hasFocus():
                widget.setText(str(values[name]))
            widget.blockSignals(False)

    # ---- building

    def _row(self, rows: QVBoxLayout) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(4)
        rows.addLayout(row)
        return row

    def _add_stick(self, row: QHBoxLayout, prefix: str, by_name: Mapping[str, ControlInfo]) -> None:
        label = QLabel("stick" if not prefix else prefix.strip("_").replace("_", " "), self)
        label.setObjectName("caption")
        row.addWidget(label)
        for direction, arrow in _ARROWS.items():
            self._add_held(row, by_name[f"{prefix}stick_{direction}"], arrow)
        if f"{prefix}fire" in by_name:
            self._add_held(row, by_name[f"{prefix}fire"], "fire")

    def _add_held(self, row: QHBoxLayout, control: ControlInfo, text: str) -> None:
        button = HeldButton(text, self)
        button.setObjectName("heldButton")
        button.setCheckable(True)
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the keyboard stays the console's
        if text in _ARROWS.values():
            button.setFixedWidth(ARROW_PX)
        key = KEYS_OF.get(control.name)
        button.setToolTip(f"{control.description}" + (f" ({key})" if key else ""))
        button.setAccessibleName(control.name)
        button.pressed.connect(lambda name=control.name: self.pressed.emit(name))
        for let_go in (button.released, button.let_go):
            let_go.connect(lambda name=control.name: self.released.emit(name))
        self.held[control.name] = button
        row.addWidget(button)

    def _add_others(self, rows: QVBoxLayout, controls: Sequence[ControlInfo]) -> None:
        row: QHBoxLayout | None = None
        for control in controls:
            if isinstance(control.default, bool):
                row = row or self._row(rows)
                self._add_switch(row, control)
        if row is not None:
            row.addStretch(1)
        line: QHBoxLayout | None = None
        for control in controls:
            if isinstance(control.default, bool):
                continue
            short = bool(control.choices) or not isinstance(control.default, str)
            if line is None or not short or line.count() >= 4:  # two choices or numbers share a line
                line = self._row(rows)
            label = QLabel(control.name.replace("_", " "), self)
            label.setObjectName("caption")
            label.setToolTip(control.description)
            line.addWidget(label)
            line.addWidget(self._choice(control) if control.choices else self._edit(control), 1)
            line = line if short else None

    def _add_switch(self, row: QHBoxLayout, control: ControlInfo) -> None:
        box = QCheckBox(control.name.replace("_", " "), self)
        box.setChecked(bool(control.default))
        box.setToolTip(control.description)
        box.toggled.connect(lambda on, name=control.name: self.chosen.emit(name, on))
        self.set[control.name] = box
        row.addWidget(box)

    def _choice(self, control: ControlInfo) -> QComboBox:
        box = QComboBox(self)
        for value in control.choices:
            box.addItem(str(value), value)
        box.setCurrentIndex(max(box.findData(control.default), 0))
        box.setToolTip(control.description)
        box.activated.connect(lambda i, name=control.name, b=box: self.chosen.emit(name, b.itemData(i)))
        self.set[control.name] = box
        return box

    def _edit(self, control: ControlInfo) -> QLineEdit:
        edit = QLineEdit(str(control.default), self)
        edit.setToolTip(f"{control.description} (Enter sets it)")
        if control.default == "":
            edit.setPlaceholderText(control.description)
        edit.returnPressed.connect(lambda c=control, e=edit: self.chosen.emit(c.name, typed_value(c, e.text())))
        self.set[control.name] = edit
        return edit

    def _on_more(self, on: bool) -> None:
        if self._rest is not None:
            self._rest.setVisible(on)


class FoldedRows(QScrollArea):
    """Rows that can be shown beside the others: in a low window some of them at a time, lest it grows."""

    def __init__(self, rows: QWidget, parent: QWidget) -> None:
        super().__init__(parent)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWidgetResizable(True)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self._rows = rows
        self.setWidget(rows)
        for part in (self.viewport(), rows):
            part.setAutoFillBackground(False)

    def sizeHint(self) -> QSize:
        return self._rows.sizeHint()

    def minimumSizeHint(self) -> QSize:
        least = self._rows.minimumSizeHint()
        return QSize(least.width(), min(least.height(), LEAST_FOLDED_PX))


class HeldButton(QPushButton):
    """Down while the mouse holds it; what it shows follows the control, not the click."""

    let_go = Signal()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        self.let_go.emit()  # `released` is not told of a button that moved away meanwhile

    def nextCheckState(self) -> None:
        pass  # a click switches nothing


def typed_value(control: ControlInfo, text: str) -> ControlValue:
    """What was typed, in the control's own type; as text where it is none, so that the subject says what it takes."""
    kind = type(control.default)
    try:
        return kind(text) if kind in (int, float) else text
    except ValueError:
        return text
