"""Two cursors over the oscilloscope's plot: drag them, read Δ and 1/Δ. They stand still while time runs below them."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPen

from app.window.figures import span_text
from app.window.plot_colours import PlotColours
from app.window.time_axis import frequency_text

GRAB_PX = 6.0


class Cursors:
    """Drawn by `ImageCanvas`.

    Attributes
    ----------
    on : shown
    at : fractions of the plot's width, the first is the one that Δ is counted from
    zero : where 0 of time lies (the trigger), a fraction; None in running time, where the first says nothing
    """

    def __init__(self) -> None:
        self.colours: PlotColours | None = None
        self.on = False
        self.at = [0.25, 0.43]
        self.zero: float | None = None
        self.span_ticks = 0
        self.tick_hz = 0.0
        self.tick_name = "tick"
        self.grabbed: int | None = None

    def grab(self, x: float, width: float) -> bool:
        """Take hold of the cursor near a fraction of the width; whether there is one."""
        distances = [abs(a - x) * width for a in self.at]
        nearest = min(range(2), key=lambda i: distances[i])
        self.grabbed = nearest if self.on and distances[nearest] <= GRAB_PX else None
        return self.grabbed is not None

    def near(self, x: float, width: float) -> bool:
        return self.on and any(abs(a - x) * width <= GRAB_PX for a in self.at)

    def drag(self, x: float) -> None:
        if self.grabbed is not None:
            self.at[self.grabbed] = min(max(x, 0.0), 1.0)

    def texts(self) -> tuple[str, str]:
        """What is written at the two."""
        delta = (self.at[1] - self.at[0]) * self.span_ticks
        first = "T" if self.zero is None else f"T {self._time((self.at[0] - self.zero) * self.span_ticks)}"
        second = f"Δ {self._time(delta)}"
        if delta:
            per = (self.tick_hz if self.tick_hz > 0 else 1.0) / abs(delta)
            second += f" · {frequency_text(per, self.tick_hz <= 0)}"
        return first, second

    def _time(self, ticks: float) -> str:
        return span_text(ticks, self.tick_hz, self.tick_name)

    def __call__(self, painter: QPainter, area: QRectF) -> None:
        if not self.on or self.colours is None:
            return
        metrics = QFontMetricsF(painter.font())
        base = area.bottom() - metrics.descent() - 4
        styles = ((self.colours.accent, Qt.PenStyle.DashLine), (self.colours.words, Qt.PenStyle.DotLine))
        free_from, row = -1.0, 0
        for i in sorted(range(2), key=lambda i: self.at[i]):
            colour, style = styles[i]
            x = round(area.left() + self.at[i] * (area.width() - 1))
            painter.setPen(QPen(colour, 1, style))
            painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
            text = self.texts()[i]
            width = metrics.horizontalAdvance(text)
            left = min(x + 4, area.right() - width - 4)
            row = 1 if left < free_from else 0
            box = QRectF(left - 2, base - metrics.ascent() - row * (metrics.height() + 2), width + 4, metrics.height())
            painter.fillRect(box, self.colours.backing)
            painter.drawText(QPointF(left, base - row * (metrics.height() + 2)), text)
            free_from = left + width + 6
