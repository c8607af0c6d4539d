"""The keys of the console: which control each of them is."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent

# Stella's keys: stick, fire and the two switches
CONSOLE_KEYS = {
    Qt.Key.Key_Left: "stick_left",
    Qt.Key.Key_A: "stick_left",
    Qt.Key.Key_Right: "stick_right",
    Qt.Key.Key_D: "stick_right",
    Qt.Key.Key_Up: "stick_up",
    Qt.Key.Key_W: "stick_up",
    Qt.Key.Key_Down: "stick_down",
    Qt.Key.Key_S: "stick_down",
    Qt.Key.Key_Space: "fire",
    Qt.Key.Key_Control: "fire",
    Qt.Key.Key_F1: "select",
    Qt.Key.Key_F2: "reset",
}
_MODIFIERS_OF_A_PLAYER = (
    Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.KeypadModifier | Qt.KeyboardModifier.ShiftModifier
)


def console_control(event: QKeyEvent) -> str | None:
    """The control of an event's key; None when it is none of the console's."""
    try:
        return CONSOLE_KEYS.get(Qt.Key(event.key()))
    except ValueError:  # a key that Qt has no name for
        return None


def played(event: QKeyEvent) -> bool:
    """Whether a player may press it so: the fire button is a modifier, so that a stick is often moved with it."""
    return not event.modifiers() & ~_MODIFIERS_OF_A_PLAYER
