"""What concerns the window itself, within reach of the mouse: layouts, panes, theme, keys. At its lower right."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QToolButton, QWidget

from app.window.ask_line import AskLine
from app.window.desk import Desk, Level
from app.window.docks import Docks
from app.window.overlays import Wish

_ENTRIES = ("palette", "keys", "tour", "", "theme", "layout", "save layout", "", "save session", "open session")


class Layouts:
    """Saving, using and forgetting layouts by name, and saying so."""

    def __init__(self, docks: Docks, desk: Desk, ask: AskLine) -> None:
        self._docks, self._desk, self._ask = docks, desk, ask

    def ask_save(self) -> None:
        self._ask.ask("Save the layout as", "a name; one that is there is replaced", self.save, self._docks.used)

    def save(self, name: str) -> None:
        plain = name.replace("/", "-").replace("\\", "-")
        self._docks.save_as(plain)
        self._desk.say(Level.NOTE, f"saved the layout as {plain}")

    def use(self, name: str) -> None:
        if not self._docks.use(name):
            self._desk.say(Level.ERROR, f"asked for the layout {name}; it cannot be read: save it again")

    def wishes(self) -> list[Wish]:
        """For the palette."""
        names = self._docks.names()
        return [
            *(Wish(f"Layout: {name}", partial(self.use, name)) for name in names),
            *(Wish(f"Forget the layout {name}", partial(self._docks.forget, name)) for name in names),
        ]

    def fill(self, menu: QMenu) -> None:
        """Those there are, and forgetting them."""
        names = self._docks.names()
        for name in names:
            action = menu.addAction(name, partial(self.use, name))
            action.setCheckable(True)
            action.setChecked(name == self._docks.used)
        if names:
            forget = menu.addMenu("forget")
            for name in names:
                forget.addAction(name, partial(self._docks.forget, name))


class WindowMenu(QToolButton):
    """A button with a menu, made anew whenever it opens.

    Parameters
    ----------
    actions : of the window, by name
    """

    def __init__(self, layouts: Layouts, actions: Mapping[str, QAction], parent: QWidget) -> None:
        super().__init__(parent)
        self._layouts, self._actions = layouts, actions
        self.setText("☰")
        self.setObjectName("windowMenu")
        tip = "Layouts, panes, theme, keys (Ctrl+K has all commands)"
        self.setToolTip(tip)
        self.setAccessibleName(tip)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self)
        menu.aboutToShow.connect(lambda: self.fill(menu))
        self.setMenu(menu)

    def fill(self, menu: QMenu) -> None:
        menu.clear()
        for name in _ENTRIES:
            if name:
                menu.addAction(self._actions[name])
            else:
                menu.addSeparator()
        menu.addSection("Layouts")
        self._layouts.fill(menu)
        menu.addSection("Panes")
        for name, action in self._actions.items():
            if name.startswith("dock "):
                menu.addAction(action)
