"""Sheets over the window: the palette of all commands, and the sheet of all keys. Escape closes them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPersistentModelIndex, QSize, Qt
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence, QPainter, QPalette
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

KEYS_ROLE = Qt.ItemDataRole.UserRole + 1


class Overlay(QFrame):
    """A sheet in the middle of its window."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self.setObjectName("overlay")
        window.installEventFilter(self)
        self.hide()

    def open_over(self) -> None:
        """Open; or close, when it is open."""
        if self.isVisible():
            self.hide()
            return
        self.place()
        self.show()
        self.raise_()
        self.setFocus()

    def place(self) -> None:
        """In the middle, a little above; within the window."""
        window = self.parentWidget()
        if window is not None:
            self.adjustSize()
            x, y = (window.width() - self.width()) // 2, (window.height() - self.height()) // 3
            self.move(max(x, 8), max(y, 8))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.Resize and watched is self.parentWidget() and self.isVisible():
            self.place()
        return super().eventFilter(watched, event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.hide()
        else:
            super().keyPressEvent(event)


class Wish(NamedTuple):
    """A line of the palette that is no action of the window."""

    text: str
    act: Callable[[], object]


class _Line(QStyledItemDelegate):
    """A command at the left, its key at the right."""

    HEIGHT_PX, MARGIN_PX = 24, 10

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(super().sizeHint(option, index).width(), self.HEIGHT_PX)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        super().paint(painter, option, index)
        painter.save()
        painter.setPen(option.palette.color(QPalette.ColorRole.PlaceholderText))
        area = option.rect.adjusted(0, 0, -self.MARGIN_PX, 0)
        painter.drawText(area, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, index.data(KEYS_ROLE) or "")
        painter.restore()


class Palette(Overlay):
    """Every command by typing a part of its name (Ctrl+K).

    Parameters
    ----------
    wishes : what there is to wish for beside the actions; asked for when it opens
    """

    def __init__(self, actions: Sequence[QAction], wishes: Callable[[], Sequence[Wish]], window: QWidget) -> None:
        super().__init__(window)
        self._actions, self._find_wishes = list(actions), wishes
        self._wishes: Sequence[Wish] = ()
        self.field = QLineEdit(self)
        self.field.setPlaceholderText("type a part of a command")
        self.field.setToolTip("Arrows choose, Return does it, Esc puts it away")
        self.list = QListWidget(self)
        self.list.setMinimumSize(520, 400)
        self.list.setItemDelegate(_Line(self.list))
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        layout = QVBoxLayout(self)
        layout.addWidget(self.field)
        layout.addWidget(self.list)
        self.field.textChanged.connect(self._fill)
        self.field.installEventFilter(self)
        self.list.itemActivated.connect(self._run)

    def open_over(self) -> None:
        self._wishes = self._find_wishes()
        self.field.clear()
        self._fill("")
        super().open_over()
        self.field.setFocus()

    def _fill(self, text: str) -> None:
        self.list.clear()
        words = text.lower().split()
        for action in self._actions:
            if action.isEnabled() and all(w in action.text().lower() for w in words):
                item = QListWidgetItem(action.text())
                item.setData(KEYS_ROLE, action.shortcut().toString(QKeySequence.SequenceFormat.NativeText))
                item.setData(Qt.ItemDataRole.UserRole, action.trigger)
                self.list.addItem(item)
        for wish in self._wishes:
            if all(w in wish.text.lower() for w in words):
                item = QListWidgetItem(wish.text)
                item.setData(Qt.ItemDataRole.UserRole, wish.act)
                self.list.addItem(item)
        self.list.setCurrentRow(0)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            if event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
                step = 1 if event.key() == Qt.Key.Key_Down else -1
                self.list.setCurrentRow(max(0, min(self.list.currentRow() + step, self.list.count() - 1)))
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.list.currentItem() is not None:
                self._run(self.list.currentItem())
                return True
            if event.key() == Qt.Key.Key_Escape:
                self.hide()
                return True
        return super().eventFilter(watched, event)

    def _run(self, item: QListWidgetItem) -> None:
        self.hide()
        act: Callable[[], object] = item.data(Qt.ItemDataRole.UserRole)
        act()


class KeySheet(Overlay):
    """Every key (F12)."""

    CONSOLE = (
        ("← ↑ → ↓, W A S D", "stick, while the behaviour pane has the focus"),
        ("Space, left Ctrl", "fire, there"),
        ("F1, F2", "select, reset, there"),
    )

    def __init__(self, actions: Sequence[QAction], window: QWidget) -> None:
        super().__init__(window)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        grid = QGridLayout(self)
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(3)
        rows = [
            (", ".join(k.toString() for k in a.shortcuts()), a.text())
            for a in actions
            if a.shortcuts() and not a.text().startswith("Event mark")
        ]
        rows += [("1 … 9", "Event marks"), *self.CONSOLE]
        half = (len(rows) + 1) // 2
        for i, (keys, text) in enumerate(rows):
            key, words = QLabel(keys, self), QLabel(text, self)
            key.setObjectName("caption")
            grid.addWidget(key, i % half, 2 * (i // half))
            grid.addWidget(words, i % half, 2 * (i // half) + 1)
