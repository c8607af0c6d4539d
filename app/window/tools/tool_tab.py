"""What the tools' tabs share: a scrolling form, and buttons below it that never scroll away."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFormLayout, QHBoxLayout, QLabel, QLayout, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from app.theme import DARK, Theme
from app.window.desk import Desk, Pull

FIELD_PX = 26  # a field's height: what its caption is centred on


class ToolTab(QWidget):
    """One tab: `form_body` scrolls when it must, `foot` stays.

    Parameters
    ----------
    name : on the tab
    desk : shared by all
    """

    def __init__(self, name: str, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.name = name
        self.desk = desk
        self.theme: Theme = DARK
        self.form_body = QWidget(self)
        self.form_body.setObjectName("toolBody")
        self.rows = QVBoxLayout(self.form_body)
        self.rows.setContentsMargins(8, 8, 8, 8)
        self.rows.setSpacing(8)
        self._scroll = QScrollArea(self)
        self._scroll.setObjectName("toolScroll")
        self._scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        self._scroll.setWidgetResizable(True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll.setWidget(self.form_body)
        self.foot = QVBoxLayout()
        self.foot.setContentsMargins(8, 0, 8, 8)
        self.foot.setSpacing(6)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._scroll, 1)
        layout.addLayout(self.foot)
        desk.opened.connect(self.on_opened)
        desk.closed.connect(self.on_closed)

    def on_opened(self) -> None:
        """Another subject lies on the table."""

    def on_closed(self) -> None:
        """None does."""

    def pull(self, pull: Pull) -> None:
        """Called while it is visible."""

    def apply_theme(self, theme: Theme) -> None:
        self.theme = theme
        self.setStyleSheet(
            "#toolScroll, #toolBody { background: transparent; }"
            "#toolTarget { font-weight: 600; }"
            f"#toolSource {{ color: {theme.accent}; }}"
            f"QPushButton[role]:disabled {{ background: {theme.header}; color: {theme.muted}; }}"
        )
        self.update()


def caption(text: str, tooltip: str = "") -> QLabel:
    label = QLabel(text)
    label.setObjectName("caption")
    label.setToolTip(tooltip)
    return label


def field_caption(text: str) -> QLabel:
    """Beside a field in a form, on its line."""
    label = caption(text)
    label.setMinimumHeight(FIELD_PX)
    return label


def hint(text: str) -> QLabel:
    label = QLabel(text)
    label.setObjectName("hint")
    label.setWordWrap(True)
    return label


def row_of(*widgets: QWidget, stretch: int | None = 0) -> QHBoxLayout:
    """Side by side; `stretch` is the index that takes what room there is, None for none."""
    row = QHBoxLayout()
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(6)
    for i, widget in enumerate(widgets):
        row.addWidget(widget, 1 if i == stretch else 0)
    return row


def form() -> QFormLayout:
    layout = QFormLayout()
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setHorizontalSpacing(12)
    layout.setVerticalSpacing(4)
    layout.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    layout.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    return layout


def shrinkable(widget: QWidget) -> QWidget:
    """May become narrower than its content would like: the column decides."""
    widget.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
    widget.setMinimumWidth(60)
    return widget


def clear_layout(layout: QLayout) -> None:
    while (item := layout.takeAt(0)) is not None:
        if (widget := item.widget()) is not None:
            widget.hide()  # it is painted until the event loop comes round to deleting it
            widget.deleteLater()
        elif (inner := item.layout()) is not None:
            clear_layout(inner)
