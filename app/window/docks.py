"""Where the panes lie: a dock each, the timeline's bar below, the layout of the design, and layouts by name."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QByteArray, QSettings, Qt
from PySide6.QtWidgets import QDockWidget, QMainWindow, QSizePolicy, QToolBar, QWidget

from app.window.pane import Pane
from app.window.panes import DOCKS, LEFT

STATE_VERSION = 1
TIMELINE_PX = 112  # more height would show no more
CONSOLE, TIMELINE = "Console", "Timeline"
_GROUP = "layouts"


class Docks:
    """Lays panes into a window, and keeps how they lie.

    Parameters
    ----------
    panes : by title: those of `DOCKS`, the console and the timeline
    settings : the last layout and the named ones are kept in it

    Attributes
    ----------
    of : title → dock
    used : name of the layout used or saved last; "" for the design's
    bar : of the timeline
    """

    def __init__(self, window: QMainWindow, panes: Mapping[str, Pane], settings: QSettings) -> None:
        self._window, self._settings = window, settings
        self.used = ""
        window.setDockNestingEnabled(True)
        # docks alone fill the window: the centre is nothing
        centre = QWidget(window)
        centre.setMaximumSize(0, 0)
        window.setCentralWidget(centre)
        self.of: dict[str, QDockWidget] = {}
        for place in DOCKS:
            self._dock(panes[place.title], place.area)
        self._dock(panes[CONSOLE], LEFT)
        # a bar and not a dock: its height is its own, and the docks share the rest
        self.bar = QToolBar(TIMELINE, window)
        self.bar.setObjectName("timelineBar")
        self.bar.setMovable(False)
        timeline = panes[TIMELINE]
        timeline.setFixedHeight(TIMELINE_PX)
        timeline.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.bar.addWidget(timeline)
        window.addToolBar(Qt.ToolBarArea.BottomToolBarArea, self.bar)
        self._arrange()
        self._first_state = window.saveState(STATE_VERSION)

    def _dock(self, pane: Pane, area: Qt.DockWidgetArea) -> None:
        dock = PaneDock(pane, self._window)
        self.of[pane.title] = dock
        self._window.addDockWidget(area, dock)

    def _arrange(self) -> None:
        """The layout of the design: left the preparation, middle time, right behaviour and tools."""
        window, docks = self._window, self.of
        for place in DOCKS:
            dock = docks[place.title]
            if place.below is not None:
                window.splitDockWidget(docks[place.below], dock, Qt.Orientation.Vertical)
            elif place.right_of is not None:
                window.splitDockWidget(docks[place.right_of], dock, Qt.Orientation.Horizontal)
        # the console is not for everybody: it waits behind the spectrogram
        window.tabifyDockWidget(docks["Spectrogram"], docks[CONSOLE])
        docks[CONSOLE].hide()
        columns = [p for p in DOCKS if p.below is None]
        window.resizeDocks([docks[p.title] for p in columns], [p.width for p in columns], Qt.Orientation.Horizontal)
        window.resizeDocks([docks[p.title] for p in DOCKS], [p.height for p in DOCKS], Qt.Orientation.Vertical)

    def make_room_for_text(self) -> None:
        """As much height for the text as for the tools, where nobody has laid the panes otherwise yet."""
        if self._settings.value("state") is None and not self.used:
            docks = [self.of["Behaviour"], self.of["Tools"]]
            self._window.resizeDocks(docks, [1, 1], Qt.Orientation.Vertical)

    def raise_console(self) -> None:
        self.of[CONSOLE].raise_()

    def reset(self) -> None:
        """The layout of the design."""
        self.used = ""
        self._window.restoreState(self._first_state, STATE_VERSION)
        for title, dock in self.of.items():
            dock.setFloating(False)
            dock.setVisible(title != CONSOLE)  # showing it would start its kernel
        self.bar.show()
        self._arrange()

    # ---- the last layout, and those with a name

    def keep(self) -> None:
        """For the next start."""
        self._settings.setValue("geometry", self._window.saveGeometry())
        self._settings.setValue("state", self._window.saveState(STATE_VERSION))

    def restore(self) -> None:
        """As it was kept; of another version's, the layout of the design."""
        geometry = self._settings.value("geometry")
        if isinstance(geometry, QByteArray):
            self._window.restoreGeometry(geometry)
        self._put(self._settings.value("state"))

    def names(self) -> list[str]:
        """Of the layouts that were saved, in alphabetical order."""
        self._settings.beginGroup(_GROUP)
        names = sorted(self._settings.childKeys(), key=str.lower)
        self._settings.endGroup()
        return names

    def save_as(self, name: str) -> None:
        """Save how the panes lie now; what had this name is replaced."""
        self._settings.setValue(f"{_GROUP}/{name}", self._window.saveState(STATE_VERSION))
        self.used = name

    def use(self, name: str) -> bool:
        """Lay the panes as saved under a name; whether there is such a layout."""
        known = self._put(self._settings.value(f"{_GROUP}/{name}"))
        if known:
            self.used = name
        return known

    def forget(self, name: str) -> None:
        self._settings.remove(f"{_GROUP}/{name}")
        self.used = "" if self.used == name else self.used

    def _put(self, state: object) -> bool:
        if not isinstance(state, QByteArray):
            return False
        if self._window.restoreState(state, STATE_VERSION):
            return True
        self._arrange()
        return False


class PaneDock(QDockWidget):
    """A dock whose title bar is the pane's own header: nothing is said twice."""

    def __init__(self, pane: Pane, parent: QWidget) -> None:
        super().__init__(pane.title, parent)
        self.setObjectName(pane.title)
        self.setTitleBarWidget(pane.take_header())
        self.setWidget(pane)
