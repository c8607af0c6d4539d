"""Names of the traces at the left of the oscilloscope: click selects, wheel sets the gain, dragging moves a trace."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QHelpEvent, QMouseEvent, QPainter, QPaintEvent, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app.window.fonts import text_px
from app.window.plot_colours import PlotColours
from app.window.scope_rows import NOT_CARRIED, ScopeRow

WIDTH = 88
_BAR_WIDTH = 3
_DRAG_PX = 4  # less is a click
_LEAST_SPACING = 13.0  # between the names' middles


class ScopeLabels(QWidget):
    """One label a row, where its trace lies."""

    picked = Signal(int, object)  # row, Qt.KeyboardModifiers
    gain_turned = Signal(int, int)  # row, steps
    shift_dragged = Signal(int, float, bool)  # row, pixels upwards since the press, whether it is over
    reset_asked = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedWidth(WIDTH)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)
        self.setMouseTracking(True)
        self.colours: PlotColours | None = None
        self._rows: tuple[ScopeRow, ...] = ()
        self._centres: NDArray[np.float64] = np.empty(0)
        self._gains: tuple[float, ...] = ()
        self._selected: Collection[int] = ()
        self._struck: Collection[int] = ()
        self._pressed: tuple[int, float] | None = None
        self._dragging = False
        self._turned = 0.0

    def sizeHint(self) -> QSize:
        return QSize(WIDTH, 120)

    def show_rows(self, rows: Sequence[ScopeRow], centres: NDArray[np.float64], gains: Sequence[float]) -> None:
        """Show these, their middles at `centres` in this widget's units."""
        self._rows, self._gains = tuple(rows), tuple(gains)
        self._centres = spread(centres, _LEAST_SPACING, self.height())
        self.update()

    def show_selected(self, unit_ids: Collection[int]) -> None:
        self._selected = unit_ids
        self.update()

    def show_lesioned(self, unit_ids: Collection[int]) -> None:
        """Strike these through."""
        if set(unit_ids) != set(self._struck):
            self._struck = set(unit_ids)
            self.update()

    def row_at(self, y: float) -> int | None:
        """The row whose name is nearest; None without rows."""
        return int(np.abs(self._centres - y).argmin()) if len(self._centres) else None

    def centre_of(self, row: int) -> QPointF:
        """The middle of a row's name."""
        return QPointF(self.width() / 2, float(self._centres[row]))

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.colours is None or not self._rows:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = painter.font()
        spacing = float(np.diff(np.sort(self._centres)).min()) if len(self._rows) > 1 else 24.0
        every = max(int(np.ceil(11.0 / max(spacing, 0.01))), 1)
        if spacing < 15:
            font.setPixelSize(text_px(10))
            painter.setFont(font)
        metrics = QFontMetricsF(font)
        height = min(max(spacing - 3, 8.0), 20.0)
        for i in range(0, len(self._rows), every):
            self._draw(painter, metrics, i, height if every == 1 else 11.0)
        painter.end()

    def _draw(self, painter: QPainter, metrics: QFontMetricsF, i: int, height: float) -> None:
        c, row, y = self.colours, self._rows[i], float(self._centres[i])
        assert c is not None
        box = QRectF(0, y - height / 2, self.width() - 6, height)
        chosen = row.unit_id is not None and row.unit_id in self._selected
        if height > 11:
            painter.setPen(c.accent if chosen else Qt.PenStyle.NoPen)
            painter.setBrush(QColor(c.theme.header))
            painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), 3, 3)
        painter.fillRect(QRectF(box.left(), box.top(), _BAR_WIDTH, height), QColor(row.colour))
        carried = row.channel != NOT_CARRIED
        painter.setPen(c.accent if chosen else c.words if carried else c.muted)
        gain = self._gains[i]
        note = "" if gain == 1.0 else f"×{gain:.3g}"
        room = box.width() - _BAR_WIDTH - 10
        note_width = metrics.horizontalAdvance(note) + 4 if note else 0.0
        name = metrics.elidedText(row.name, Qt.TextElideMode.ElideRight, max(room - note_width, 8))
        base = y + (metrics.ascent() - metrics.descent()) / 2
        painter.drawText(QPointF(box.left() + _BAR_WIDTH + 5, base), name)
        if row.unit_id is not None and row.unit_id in self._struck:
            painter.drawLine(
                QPointF(box.left() + _BAR_WIDTH + 4, y),
                QPointF(box.left() + _BAR_WIDTH + 6 + metrics.horizontalAdvance(name), y),
            )
        if note:
            painter.setPen(c.muted)
            painter.drawText(QPointF(box.right() - note_width + 1, base), note)

    # ---- the mouse

    def mousePressEvent(self, event: QMouseEvent) -> None:
        row = self.row_at(event.position().y())
        if row is not None and event.button() is Qt.MouseButton.LeftButton:
            self._pressed, self._dragging = (row, event.position().y()), False

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._pressed is None:
            return
        row, start = self._pressed
        moved = start - event.position().y()
        if self._dragging or abs(moved) >= _DRAG_PX:
            self._dragging = True
            self.shift_dragged.emit(row, moved, False)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._pressed is None:
            return
        (row, start), self._pressed = self._pressed, None
        if self._dragging:
            self.shift_dragged.emit(row, start - event.position().y(), True)
        else:
            self.picked.emit(row, event.modifiers())

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        row = self.row_at(event.position().y())
        if row is not None:
            self.reset_asked.emit(row)

    def wheelEvent(self, event: QWheelEvent) -> None:
        row = self.row_at(event.position().y())
        self._turned += event.angleDelta().y() / 120  # fine wheels give parts of a step
        steps = int(self._turned)
        if row is not None and steps:
            self._turned -= steps
            self.gain_turned.emit(row, steps)
        event.accept()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            row = self.row_at(event.position().y()) if hasattr(event, "position") else self.row_at(event.pos().y())
            if row is not None:
                QToolTip.showText(event.globalPos(), self._tip(self._rows[row]), self)
                return True
        return super().event(event)

    @staticmethod
    def _tip(row: ScopeRow) -> str:
        what = f"{row.name} · stream {row.stream}" + (f" · {row.physical_unit}" if row.physical_unit else "")
        if row.channel == NOT_CARRIED:
            what += "\nnot watched: select it, then W"
        return f"{what}\nclick selects · wheel: gain · drag: offset · double click: as at first"


def spread(centres: NDArray[np.float64], least: float, height: float) -> NDArray[np.float64]:
    """Middles moved apart so that names do not cover one another, in the same order; where there is room for that."""
    n = len(centres)
    if n < 2 or n * least > height:
        return centres
    order = np.argsort(centres, kind="stable")
    places = centres[order].astype(np.float64)
    places[0] = max(places[0], least / 2)
    for i in range(1, n):
        places[i] = max(places[i], places[i - 1] + least)
    places[-1] = min(places[-1], height - least / 2)
    for i in range(n - 2, -1, -1):
        places[i] = min(places[i], places[i + 1] - least)
    out = np.empty(n)
    out[order] = places
    return out
