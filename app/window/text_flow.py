"""A text that flows: tokens on coloured grounds, each to be pointed at and clicked."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QHelpEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QAbstractScrollArea, QToolTip, QWidget

from app.theme import DARK, Theme
from app.window.text_layout import Piece, flow
from app.window.text_tints import Tints, ground_of
from app.window.text_tokens import Tokens

_MARGIN_PX = 8
_LINE = 1.35  # of the font's height


class FlowingText(QAbstractScrollArea):
    """Shows tokens; stays at the end while the end is on show."""

    clicked = Signal(int)  # tick

    def __init__(self, empty: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme: Theme = DARK
        self.tell: Callable[[int], str] = lambda index: ""
        """What the tip of a token says."""
        self._empty = empty
        self._tokens: Tokens | None = None
        self._tints: Tints | None = None
        self._pieces: list[Piece] = []
        self._lines: list[int] = []
        self._widths: dict[str, float] = {}
        self._marked: int | None = None
        self._parted: int | None = None
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setMinimumHeight(48)
        self.viewport().setCursor(Qt.CursorShape.PointingHandCursor)

    # ---- what is shown

    @property
    def tokens(self) -> Tokens | None:
        return self._tokens

    @property
    def plain_text(self) -> str:
        return "" if self._tokens is None else "".join(self._tokens.texts)

    def show_tokens(self, tokens: Tokens | None) -> None:
        self._tokens, self._tints = tokens, None
        self._lay_out()

    def show_tints(self, tints: Tints | None) -> None:
        """Of the tokens that are shown."""
        self._tints = tints
        self.viewport().update()

    def mark(self, tick: int | None, parted_tick: int | None) -> None:
        """Frame the token under the crosshair; draw a line before the one at which two texts part."""
        t = self._tokens
        marked = None if tick is None or t is None else t.at(tick)
        parted = None if parted_tick is None or t is None else t.at(parted_tick)
        if (marked, parted) != (self._marked, self._parted):
            self._marked, self._parted = marked, parted
            self.viewport().update()

    def sizeHint(self) -> QSize:
        return QSize(320, 200)

    def minimumSizeHint(self) -> QSize:
        return QSize(120, 48)

    # ---- layout

    def _line_px(self) -> float:
        return QFontMetricsF(self.font()).height() * _LINE

    def _measure(self, text: str) -> float:
        width = self._widths.get(text)
        if width is None:
            width = self._widths[text] = QFontMetricsF(self.font()).horizontalAdvance(text)
        return width

    def _lay_out(self) -> None:
        bar = self.verticalScrollBar()
        at_end = bar.value() >= bar.maximum() - 2
        texts = () if self._tokens is None else self._tokens.texts
        self._pieces = flow(texts, self._measure, self.viewport().width() - 2 * _MARGIN_PX)
        self._lines = [p.line for p in self._pieces]
        n_lines = self._lines[-1] + 1 if self._lines else 0
        height = self.viewport().height()
        bar.setRange(0, max(0, int(n_lines * self._line_px()) + 2 * _MARGIN_PX - height))
        bar.setPageStep(height)
        bar.setSingleStep(int(self._line_px()))
        if at_end:
            bar.setValue(bar.maximum())
        self.viewport().update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._lay_out()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._widths.clear()
            self._lay_out()

    def _box(self, piece: Piece) -> QRectF:
        line = self._line_px()
        top = _MARGIN_PX + piece.line * line - self.verticalScrollBar().value()
        return QRectF(_MARGIN_PX + piece.x, top, piece.width, line)

    def token_at(self, x: float, y: float) -> int | None:
        """The token under a point of the viewport."""
        line = int((y + self.verticalScrollBar().value() - _MARGIN_PX) // self._line_px())
        for piece in self._pieces[bisect_left(self._lines, line) : bisect_left(self._lines, line + 1)]:
            if self._box(piece).contains(x, y):
                return piece.token
        return None

    def box_of(self, token: int) -> QRectF | None:
        """Where a token is on the viewport; the first line of it."""
        return next((self._box(p) for p in self._pieces if p.token == token), None)

    # ---- painting

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        painter.fillRect(self.viewport().rect(), QColor(self.theme.window))
        if not self._pieces:
            painter.setPen(QColor(self.theme.muted))
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(QRectF(self.viewport().rect()).adjusted(16, 4, -16, -4), int(flags), self._empty)
            return
        line_px, top = self._line_px(), self.verticalScrollBar().value() - _MARGIN_PX
        first = bisect_left(self._lines, int(top // line_px))
        stop = bisect_left(self._lines, int((top + self.viewport().height()) // line_px) + 1)
        given = self._tokens.facts.get("given") if self._tokens is not None else None
        text, muted, accent = (QColor(c) for c in (self.theme.text, self.theme.muted, self.theme.accent))
        for piece in self._pieces[first:stop]:
            box = self._box(piece)
            level = float("nan") if self._tints is None else float(self._tints.levels[piece.token])
            if level == level and level != 0:
                painter.fillRect(box.adjusted(0, 1, 0, -1), QColor(ground_of(level, self.theme)))
            painter.setPen(muted if given is not None and given[piece.token] else text)
            painter.drawText(box, int(Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine), piece.text)
            if piece.token == self._marked:
                painter.setPen(QPen(accent, 1))
                painter.drawRect(box.adjusted(-0.5, 0.5, 0.5, -1.5))
        if self._parted is not None and (box_ := self.box_of(self._parted)) is not None:
            painter.fillRect(QRectF(box_.left() - 2, box_.top(), 2, box_.height()), accent)

    # ---- the mouse

    def mousePressEvent(self, event: QMouseEvent) -> None:
        super().mousePressEvent(event)
        token = self.token_at(event.position().x(), event.position().y())
        if token is not None and self._tokens is not None:
            self.clicked.emit(int(self._tokens.ticks[token]))

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            token = self.token_at(event.pos().x(), event.pos().y())
            QToolTip.showText(event.globalPos(), "" if token is None else self.tell(token), self.viewport())
            return True
        return super().viewportEvent(event)
