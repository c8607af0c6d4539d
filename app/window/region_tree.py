"""The region tree: swatch, name, how many units, how active they are. A click selects, a double click looks there."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QAbstractItemView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QTreeView, QWidget

from app.theme import DARK, Theme, region_colours
from app.window.figures import grouped
from app.window.region_model import NO_REGION, Region, RegionForest
from rig.units import UnitTable

ROW_PX = 20
_INDENT_PX = 14
_SWATCH_PX = 9
_BAR_PX = 48
_BAR_THICK_PX = 4
_FEW = 2  # top regions that are shown with what is below them


class Role(IntEnum):
    """What the rows carry."""

    REGION = Qt.ItemDataRole.UserRole + 1


Index = QModelIndex | QPersistentModelIndex


class RegionTree(QTreeView):
    """Shows a `RegionForest`; says which regions were chosen."""

    chosen = Signal(object)  # list of Region: their units shall be selected
    looked_at = Signal(object)  # Region: the map shall show it

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("regions")
        self.setAccessibleName("Regions")
        self.setToolTip("Click: select the region's units (Ctrl adds) · double click or Enter: look at it on the map")
        self.setHeaderHidden(True)
        self.setStyleSheet("QTreeView { selection-background-color: transparent; }")
        self.setRootIsDecorated(True)
        self.setIndentation(_INDENT_PX)
        self.setUniformRowHeights(True)
        self.setExpandsOnDoubleClick(False)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMinimumHeight(2 * ROW_PX)
        self.theme: Theme = DARK
        self.forest: RegionForest | None = None
        self.colours: dict[str, str] = {}
        self.levels: NDArray[np.float32] = np.empty(0, np.float32)
        self.counts: list[int] = []
        self._units: UnitTable | None = None
        self._items: list[QStandardItem] = []
        self._expanded: list[bool] | None = None  # what was expanded before a search
        self._own_change = False
        self._model = QStandardItemModel(self)
        self.setModel(self._model)
        self.setItemDelegate(_RegionDelegate(self))
        self.selectionModel().selectionChanged.connect(self._on_selection)
        self.doubleClicked.connect(self._look)
        self.activated.connect(self._look)

    def set_units(self, units: UnitTable | None) -> None:
        """Another subject's regions; None for none."""
        self._own_change = True
        self._model.clear()
        self._own_change = False
        self._items = []
        self._expanded = None
        self._units = units
        self.forest = None if units is None else RegionForest(units)
        self.apply_theme(self.theme)
        if self.forest is None:
            return
        for region in self.forest.all:
            item = QStandardItem(region.label)
            item.setData(region, Role.REGION)
            item.setToolTip(f"{region.path}: {grouped(len(region.rows))} units")
            self._items.append(item)
            above = self._model.invisibleRootItem() if region.parent is None else self._items[region.parent.number]
            above.appendRow(item)
        if len(self.forest.tops) <= _FEW:
            self.expandAll()
        self.counts = self.forest.counts(None)
        self.levels = np.zeros(len(self.forest.all), np.float32)

    @property
    def wanted_px(self) -> int:
        """Height in which no top region is hidden."""
        n = 0 if self.forest is None else len(self.forest.all if len(self.forest.tops) <= _FEW else self.forest.tops)
        return n * ROW_PX + 2 * self.frameWidth() + 4

    def apply_theme(self, theme: Theme) -> None:
        self.theme = theme
        self.colours = {} if self._units is None else region_colours(self._units.region, theme)
        self.viewport().update()

    def set_rates(self, row_rates: NDArray[np.float64]) -> None:
        """(n_units,) how active each unit is; bars tell regions from one another, the most active has a full one."""
        if self.forest is None:
            return
        means = self.forest.mean_levels(row_rates)
        top = float(means.max(initial=0.0))
        levels = np.sqrt(means / top) if top > 0 else means
        if (np.abs(levels - self.levels) * _BAR_PX > 0.5).any():
            self.levels = levels
            self.viewport().update()

    def set_found(self, found: NDArray[np.bool_] | None) -> None:
        """(n_units,) what a search names: regions without any are left out. None: no search."""
        if self.forest is None:
            return
        items = [self._model.indexFromItem(item) for item in self._items]
        if found is not None and self._expanded is None:
            self._expanded = [self.isExpanded(index) for index in items]
        self.counts = self.forest.counts(found)
        for region, index, count in zip(self.forest.all, items, self.counts, strict=True):
            self.setRowHidden(index.row(), index.parent(), count == 0)
            if found is not None and region.children:
                # below a region all of which is meant nothing is told apart
                self.setExpanded(index, 0 < count < len(region.rows))
        if found is None and self._expanded is not None:
            for index, expanded in zip(items, self._expanded, strict=True):
                self.setExpanded(index, expanded)
            self._expanded = None
        self.viewport().update()

    def drawBranches(self, painter: QPainter, rect: QRect, index: QModelIndex | QPersistentModelIndex) -> None:
        # the style's own ground of a selected row stops at the arrow; ours goes on
        if index in self.selectionModel().selectedIndexes():
            painter.fillRect(rect, chosen_ground(self.theme))
        super().drawBranches(painter, rect, index)

    def clear_choice(self) -> None:
        """The selection came from elsewhere."""
        self._own_change = True
        self.clearSelection()
        self._own_change = False

    def region_at(self, index: Index) -> Region:
        region = index.data(Role.REGION)
        assert isinstance(region, Region)
        return region

    def _on_selection(self) -> None:
        if not self._own_change:
            indexes = self.selectionModel().selectedIndexes()
            self.chosen.emit([self.region_at(i) for i in indexes])

    def _look(self, index: QModelIndex) -> None:
        self.looked_at.emit(self.region_at(index))


class _RegionDelegate(QStyledItemDelegate):
    """Paints a row; the tree paints the arrows."""

    def __init__(self, tree: RegionTree) -> None:
        super().__init__(tree)
        self._tree = tree

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(120, ROW_PX)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        tree = self._tree
        theme, region = tree.theme, tree.region_at(index)
        area = QRectF(option.rect)
        state = option.state
        painter.save()
        if state & QStyle.StateFlag.State_Selected:
            painter.fillRect(area, chosen_ground(theme))
        elif state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(area, QColor(theme.header))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        top = "" if region.path.split("/")[0] == NO_REGION else region.path.split("/")[0]
        colour = QColor(tree.colours.get(top, theme.muted))
        middle = area.center().y()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        size = _SWATCH_PX if region.parent is None else _SWATCH_PX - 3
        painter.drawRoundedRect(QRectF(area.left() + 2 + (_SWATCH_PX - size) / 2, middle - size / 2, size, size), 2, 2)
        right = tree.viewport().width() - 8.0
        bar = QRectF(right - _BAR_PX, middle - _BAR_THICK_PX / 2, _BAR_PX, _BAR_THICK_PX)
        painter.setBrush(QColor(theme.line))
        painter.drawRoundedRect(bar, 2, 2)
        level = float(tree.levels[region.number]) if region.number < len(tree.levels) else 0.0
        if level > 0:
            painter.setBrush(colour)
            painter.drawRoundedRect(
                QRectF(bar.left(), bar.top(), max(_BAR_PX * min(level, 1.0), 2), bar.height()), 2, 2
            )
        font = tabular(option.font)
        painter.setFont(font)
        metrics = QFontMetricsF(font)
        count = grouped(tree.counts[region.number])
        left, count_left = area.left() + 18, bar.left() - 8 - metrics.horizontalAdvance(count)
        painter.setPen(QColor(theme.muted))
        flags = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
        painter.drawText(QRectF(count_left, area.top(), 80, area.height()), int(flags), count)
        painter.setPen(QColor(theme.text))
        name = metrics.elidedText(region.label, Qt.TextElideMode.ElideRight, count_left - left - 6)
        painter.drawText(QRectF(left, area.top(), count_left - left, area.height()), int(flags), name)
        painter.restore()


def chosen_ground(theme: Theme) -> QColor:
    """Behind a chosen row."""
    ground = QColor(theme.accent)
    ground.setAlpha(46)
    return ground


def tabular(font: QFont) -> QFont:
    """The font with figures of equal width, where it has them."""
    figures = QFont(font)
    figures.setFeature(QFont.Tag("tnum"), 1)
    return figures
