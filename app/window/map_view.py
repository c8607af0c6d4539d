"""The map that a hand holds: pan, zoom, pick, lasso, and probes to drop and drag."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum, auto

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QEnterEvent, QKeyEvent, QKeySequence, QMouseEvent, QPolygonF, QWheelEvent
from PySide6.QtWidgets import QWidget

from app.window import map_overlay
from app.window.map_canvas import MapCanvas
from app.window.preparation_geometry import MapUnits, rows_in_box, rows_within
from app.window.probes import nearest_probe

DRAG_PX = 4
REACH_PX = 6
_ZOOM_STEP = 1.25
_PAN_STEP_PX = 40


class Gesture(Enum):
    """What the pressed button does."""

    NONE = auto()
    PRESSED = auto()  # not yet a drag: a click picks
    BOX = auto()
    LASSO = auto()
    PAN = auto()
    PROBE = auto()
    MENU = auto()  # the right button, not yet a drag


class MapView(MapCanvas):
    """Tells what was picked and what was done to probes, and does neither itself."""

    picked = Signal(object, object)  # rows (int64 array), Qt.KeyboardModifiers
    hovered = Signal(object)  # row or None
    probe_dropped = Signal(float, float)  # x, y in space
    probe_moved = Signal(int, float, float)  # number, by dx, dy
    probe_asked = Signal(int)  # its settings
    menu_asked = Signal(object, QPoint)  # row or None, global position
    placing_ended = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._gesture = Gesture.NONE
        self._start = QPointF()
        self._last = QPointF()
        self._trail: list[QPointF] = []
        self._probe: int | None = None
        self._space_held = self._space_used = False

    def set_units(self, shown: MapUnits | None, space: str = "um") -> None:
        """Another subject; None for none."""
        self._gesture = Gesture.NONE
        super().set_units(shown, space)

    # ---- the mouse

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if self.picture is None or self._gesture is not Gesture.NONE:
            return
        self._start = self._last = event.position()
        button = event.button()
        if button is Qt.MouseButton.MiddleButton or (button is Qt.MouseButton.LeftButton and self._space_held):
            self._space_used = True
            self._begin(Gesture.PAN)
        elif button is Qt.MouseButton.RightButton:
            self._begin(Gesture.MENU)
        elif button is Qt.MouseButton.LeftButton and self.layers.ghost is not None:
            x, y = self.picture.view.to_space(event.position().x(), event.position().y())
            self.probe_dropped.emit(x, y)
        elif button is Qt.MouseButton.LeftButton:
            self._probe = self._probe_at(event.position())
            self._trail = [event.position()]
            self._begin(Gesture.LASSO if event.modifiers() & Qt.KeyboardModifier.AltModifier else Gesture.PRESSED)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        here = event.position()
        if self.picture is None:
            return
        far = (here - self._start).manhattanLength() > DRAG_PX
        if self._gesture is Gesture.NONE:
            self._hover_at(here)
        elif self._gesture is Gesture.PRESSED and far:
            self._begin(Gesture.BOX if self._probe is None else Gesture.PROBE)
        elif self._gesture is Gesture.MENU and far:
            self._begin(Gesture.PAN)
        if self._gesture is Gesture.PAN:
            step = here - self._last
            self.picture.look(self.picture.view.moved(step.x(), step.y()))
            self.update()
        elif self._gesture is Gesture.LASSO:
            self._trail.append(here)
            self.outlined = QPolygonF(self._trail)
        elif self._gesture is Gesture.BOX:
            self.outlined = QPolygonF(QRectF(self._start, here).normalized())
        self._last = here
        if self._gesture is Gesture.PROBE and self._probe is not None:
            self.layers.carried_probe = (self._probe, *self._dragged_by())
        if self._gesture is not Gesture.NONE:
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        gesture, self._gesture = self._gesture, Gesture.NONE
        self.outlined = None
        self._last = event.position()
        self.setCursor(self.idle_cursor())
        if self.picture is None:
            return
        if gesture is Gesture.PRESSED and self._probe is not None:
            self.probe_asked.emit(self._probe)
        elif gesture is Gesture.PRESSED or (gesture is Gesture.LASSO and len(self._trail) < 3):
            row = self.picture.row_at(self._start.x(), self._start.y(), REACH_PX)
            self._pick(np.empty(0, np.int64) if row is None else np.array([row], np.int64), event)
        elif gesture is Gesture.BOX:
            view = self.picture.view
            x0, y0 = view.to_space(self._start.x(), self._start.y())
            x1, y1 = view.to_space(self._last.x(), self._last.y())
            self._pick(rows_in_box(self.picture.shown.units, x0, y0, x1, y1), event)
        elif gesture is Gesture.LASSO:
            lasso = np.array([self.picture.view.to_space(p.x(), p.y()) for p in self._trail])
            self._pick(rows_within(self.picture.shown.units, lasso), event)
        elif gesture is Gesture.PROBE and self._probe is not None:
            self.layers.carried_probe = None
            self.renew()
            self.probe_moved.emit(self._probe, *self._dragged_by())
        elif gesture is Gesture.MENU:
            probe = self._probe_at(self._start)
            if probe is not None:
                self.probe_asked.emit(probe)
            else:
                row = self.picture.row_at(self._start.x(), self._start.y(), REACH_PX)
                self.menu_asked.emit(row, event.globalPosition().toPoint())
        self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton:
            self.fit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.picture is not None and event.angleDelta().y():
            at = event.position()
            self.picture.zoom(_ZOOM_STEP ** (event.angleDelta().y() / 120), at.x(), at.y())
            self.update()
        event.accept()

    def leaveEvent(self, event: QEvent) -> None:
        self._set_hover(None)
        self.update()

    def enterEvent(self, event: QEnterEvent) -> None:
        self.update()

    def _begin(self, gesture: Gesture) -> None:
        self._gesture = gesture
        if gesture in (Gesture.PAN, Gesture.PROBE):
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
        self._set_hover(None)

    def _pick(self, rows: NDArray[np.int64], event: QMouseEvent) -> None:
        assert self.picture is not None
        visible = self.picture.visible
        self.picked.emit(rows if visible is None else rows[visible[rows]], event.modifiers())

    def _dragged_by(self) -> tuple[float, float]:
        """In space, since the press."""
        assert self.picture is not None
        x0, y0 = self.picture.view.to_space(self._start.x(), self._start.y())
        x1, y1 = self.picture.view.to_space(self._last.x(), self._last.y())
        return x1 - x0, y1 - y0

    def _probe_at(self, here: QPointF) -> int | None:
        assert self.picture is not None
        places = [map_overlay.places_px(p, self.picture.view) for p in self.layers.probes]
        return nearest_probe(places, here.x(), here.y(), REACH_PX)

    def _hover_at(self, here: QPointF) -> None:
        assert self.picture is not None
        if self.layers.ghost is not None:
            x, y = self.picture.view.to_space(here.x(), here.y())
            self.layers.ghost = replace(self.layers.ghost, x=x, y=y)
            self.update()
            return
        over_probe = self._probe_at(here) is not None
        self.setCursor(Qt.CursorShape.OpenHandCursor if over_probe else self.idle_cursor())
        self._set_hover(None if over_probe else self.picture.row_at(here.x(), here.y(), REACH_PX // 2))

    def _set_hover(self, row: int | None) -> None:
        if row != self.layers.hover:
            self.layers.hover = row
            self.hovered.emit(row)
            self.update()

    # ---- the keyboard

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            # Space is run or pause everywhere; held here while the mouse drags, it pans
            if event.key() == Qt.Key.Key_Space and self.picture is not None and self.underMouse():
                event.accept()
                return True
            if event.key() == Qt.Key.Key_Escape and self.layers.ghost is not None:
                event.accept()
                return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        steps = {
            Qt.Key.Key_Left: (1, 0),
            Qt.Key.Key_Right: (-1, 0),
            Qt.Key.Key_Up: (0, 1),
            Qt.Key.Key_Down: (0, -1),
        }
        if key == Qt.Key.Key_Space:
            if not event.isAutoRepeat():
                self._space_held, self._space_used = True, False
        elif key == Qt.Key.Key_Escape and self.layers.ghost is not None:
            self.placing_ended.emit()
        elif self.picture is not None and key in steps:
            dx, dy = steps[Qt.Key(key)]
            self.picture.look(self.picture.view.moved(dx * _PAN_STEP_PX, dy * _PAN_STEP_PX))
            self.update()
        elif self.picture is not None and key in (Qt.Key.Key_PageUp, Qt.Key.Key_PageDown):
            factor = _ZOOM_STEP if key == Qt.Key.Key_PageUp else 1 / _ZOOM_STEP
            self.picture.zoom(factor, self.width() / 2, self.height() / 2)
            self.update()
        elif key == Qt.Key.Key_Home:
            self.fit()
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            if self._space_held and not self._space_used:
                self._pass_space_on()
            self._space_held = False
        else:
            super().keyReleaseEvent(event)

    def _pass_space_on(self) -> None:
        """Space was pressed and nothing was dragged: it meant what it means everywhere."""
        widget: QWidget | None = self
        while widget is not None:
            for action in widget.actions():
                if QKeySequence(Qt.Key.Key_Space) in action.shortcuts():
                    action.trigger()
                    return
            widget = widget.parentWidget()
