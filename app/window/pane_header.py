"""What panes with a time axis put into their header: flat buttons, and a detail that gives way where room is short."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu, QToolButton, QWidget


def header_button(text: str, tip: str, act: Callable[[], object] | None, parent: QWidget) -> QToolButton:
    """A small button for a header."""
    button = QToolButton(parent)
    button.setText(text)
    button.setToolTip(tip)
    button.setAccessibleName(tip)
    button.setStyleSheet("padding: 1px 6px;")
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    if act is not None:
        button.clicked.connect(lambda: act())
    return button


def menu_button(text: str, tip: str, menu: QMenu, parent: QWidget) -> QToolButton:
    """A small button that opens a menu."""
    button = header_button(text, tip, None, parent)
    button.setMenu(menu)
    button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
    button.setStyleSheet("QToolButton { padding: 1px 6px; } QToolButton::menu-indicator { image: none; width: 0; }")
    return button


def add_choice(menu: QMenu, names: Sequence[str], chosen: str, act: Callable[[str], object]) -> list[QAction]:
    """Exclusive entries of a menu."""
    group = QActionGroup(menu)
    actions = []
    for name in names:
        action = menu.addAction(name)
        action.setCheckable(True)
        action.setChecked(name == chosen)
        group.addAction(action)
        action.triggered.connect(lambda checked=False, name=name: act(name))
        actions.append(action)
    return actions


def check_choice(menu: QMenu, chosen: str) -> None:
    """Mark another of a menu's exclusive entries."""
    for action in menu.actions():
        action.setChecked(action.text() == chosen)


def fitting_text(parts: Sequence[str], width: float, measure: Callable[[str], float]) -> str:
    """As many of the parts as have room, the first ones first."""
    text = ""
    for part in parts:
        longer = f"{text} · {part}" if text else part
        if text and measure(longer) > width:
            break
        text = longer
    return text
