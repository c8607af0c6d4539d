"""The tools pane: tabs that act on the selection."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QLabel, QStackedWidget, QTabBar, QVBoxLayout, QWidget

from app.theme import Theme
from app.window.desk import Desk, Pull
from app.window.pane import Pane
from app.window.tools.concepts_tab import ConceptsTab
from app.window.tools.inspector_tab import InspectorTab
from app.window.tools.protocol_tab import ProtocolTab
from app.window.tools.silence_tab import SilenceTab
from app.window.tools.stimulate_tab import StimulateTab
from app.window.tools.tool_tab import ToolTab

TEND_MS = 8


class ToolsPane(Pane):
    """Inspector, Stimulate, Silence, Protocol, and Concepts for what writes. The tabs take the place of the header."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__("Tools", desk, parent)
        self.inspector = InspectorTab(desk, self)
        self.stimulate = StimulateTab(desk, self)
        self.silence = SilenceTab(desk, self)
        self.protocol = ProtocolTab(desk, self)
        self.concepts = ConceptsTab(desk, self)
        self._tabs = (self.inspector, self.stimulate, self.silence, self.protocol, self.concepts)
        self.tab_bar = QTabBar(self._header)
        self.tab_bar.setDrawBase(False)
        self.tab_bar.setExpanding(False)
        self.tab_bar.setUsesScrollButtons(False)
        self.tab_bar.setElideMode(Qt.TextElideMode.ElideNone)
        self.pages = QStackedWidget(self.body)
        for tab in self._tabs:
            self.pages.addWidget(tab)
            self.tab_bar.addTab(tab.name)
        self.tab_bar.currentChanged.connect(self.pages.setCurrentIndex)
        desk.opened.connect(self._offer_tabs)
        self._offer_tabs()
        # the tabs are the header's name; what is right of them is left to drag the pane by
        title = self._header.findChild(QLabel, "paneTitle")
        if title is not None:
            title.hide()
        self._detail.hide()
        self.header_layout.insertWidget(0, self.tab_bar)
        self.header_layout.addStretch(1)
        self.header_layout.setContentsMargins(0, 0, 8, 0)
        layout = QVBoxLayout(self.body)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.pages)
        self.stimulate.planned.connect(self.protocol.add_perturbation)
        # a protocol goes on whether its pane is seen or not; the timer stands still while none runs
        self._tending = QTimer(self)
        self._tending.setInterval(TEND_MS)
        self._tending.timeout.connect(self._tend)
        self.protocol.started.connect(self._tending.start)

    def _offer_tabs(self) -> None:
        """Without the tabs that are of no use for this subject."""
        self.tab_bar.setTabVisible(self._tabs.index(self.concepts), self.concepts.offered)
        self.tab_bar.updateGeometry()  # Qt forgets to: the last tab would have no room

    def _tend(self) -> None:
        self.protocol.tend()
        if not self.protocol.busy:
            self._tending.stop()

    def pull(self, pull: Pull) -> None:
        tab = self.pages.currentWidget()
        if isinstance(tab, ToolTab) and tab.isVisible():
            tab.pull(pull)

    def apply_theme(self, theme: Theme) -> None:
        for tab in self._tabs:
            tab.apply_theme(theme)

    def show_tab(self, name: str) -> None:
        """Bring a tab to the front, by its name."""
        names = [self.tab_bar.tabText(i) for i in range(self.tab_bar.count())]
        if name in names:
            self.tab_bar.setCurrentIndex(names.index(name))

    def stimulate_now(self) -> None:
        """Key S."""
        self.stimulate.stimulate_now()

    def silence_selection(self) -> None:
        """Key X."""
        self.silence.silence_selection()
