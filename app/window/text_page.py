"""The text that a subject writes, coloured by what a unit does, its twin's beside it, and a line to talk to it."""

from __future__ import annotations

import html
import math

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QLineEdit, QMenu, QSplitter, QVBoxLayout, QWidget

from app.theme import DARK, Theme
from app.window.desk import Desk, Pull
from app.window.figures import grouped
from app.window.pane_header import add_choice, menu_button
from app.window.text_divergence import Divergence
from app.window.text_flow import FlowingText
from app.window.text_legend import TintLegend
from app.window.text_tints import Coloured, tints_of
from app.window.text_tokens import N_TOKENS, Tokens, first_difference, tokens_before, values_at
from rig.errors import EvictedError
from rig.process.ring_reader import RingReader
from rig.streams import StreamInfo, StreamKind

REFRESH_S = 0.06  # a text that changes more often cannot be read
PROMPT = "prompt"
LEAST_LINES = 6  # of each text that can be seen, however low the window


class TextPage(QWidget):
    """Everything of the behaviour pane for a subject that writes.

    Attributes
    ----------
    own, twin : the two texts; the twin's is hidden where there is none
    prompt : hidden where the subject takes none
    colour_button : for the pane's header
    detail : what the header shall say
    """

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.desk = desk
        self.theme = DARK
        self.own = FlowingText("Nothing has been written yet: run the subject (Space).", self)
        self.twin = FlowingText("The twin has written nothing yet.", self)
        self.twin_caption = QLabel("intact twin", self)
        self.twin_caption.setObjectName("caption")
        self.legend = TintLegend(self)
        self.prompt = QLineEdit(self)
        self.prompt.setPlaceholderText("Say something, Enter sends it")
        self.prompt.setToolTip("The subject reads it before it goes on, also while it runs; \\n is a new line")
        self.prompt.setAccessibleName("prompt")
        self.prompt.returnPressed.connect(self._send)
        self.coloured = Coloured.UNIT
        self.colour_menu = QMenu(self)
        self.colour_button = menu_button("colour ▾", "What the tokens are coloured by", self.colour_menu, self)
        add_choice(self.colour_menu, [str(c) for c in Coloured], str(self.coloured), self._choose_colour)
        self.detail = ""
        self._stream: StreamInfo | None = None
        self._facts: StreamInfo | None = None
        self._distribution: StreamInfo | None = None
        self._divergence = Divergence()
        self._key: tuple[object, ...] = ()
        self._age_s = REFRESH_S
        self._parted: int | None = None
        self._values: NDArray[np.float32] | None = None
        self._fill()

    def _fill(self) -> None:
        lower = QWidget(self)
        below = QVBoxLayout(lower)
        below.setContentsMargins(0, 4, 0, 0)
        below.setSpacing(2)
        below.addWidget(self.twin_caption)
        below.addWidget(self.twin, 1)
        self._lower = lower
        self._split = QSplitter(Qt.Orientation.Vertical, self)
        self._split.setChildrenCollapsible(False)
        self._split.addWidget(self.own)
        self._split.addWidget(lower)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self._split, 1)
        layout.addWidget(self.legend)
        layout.addWidget(self.prompt)
        lower.hide()
        self.prompt.hide()
        self.own.tell = lambda i: self._tip(self.own.tokens, i)
        self.twin.tell = lambda i: self._tip(self.twin.tokens, i)
        for side in (self.own, self.twin):
            side.clicked.connect(self.desk.view.set_crosshair)
        self.desk.view.crosshair_moved.connect(self._mark)

    def apply_theme(self, theme: Theme) -> None:
        self.theme = self.own.theme = self.twin.theme = self.legend.theme = theme
        for widget in (self.own.viewport(), self.twin.viewport(), self.legend):
            widget.update()

    # ---- the subject

    def set_subject(self, text: StreamInfo | None) -> None:
        """Another subject: its stream of text, None where it writes none."""
        self._stream, self._key, self._parted = text, (), None
        description = self.desk.description
        streams = () if description is None else description.streams
        self._facts = next((s for s in streams if text is not None and _tells_of(s, text)), None)
        self._distribution = next((s for s in streams if s.kind is StreamKind.DISTRIBUTION), None)
        controls = () if description is None else description.controls
        self.prompt.setVisible(any(c.name == PROMPT and isinstance(c.default, str) for c in controls))
        self.own.show_tokens(None)
        self.twin.show_tokens(None)
        self._lower.hide()
        # only while there is a text: the pane's other page must be free to be lower
        least_px = 0 if text is None else LEAST_LINES * self.own.fontMetrics().lineSpacing()
        for side in (self.own, self.twin):
            side.setMinimumHeight(least_px)

    def _send(self) -> None:
        text = self.prompt.text()
        if text and self.desk.do(lambda c: c.set_control(PROMPT, text)) is not None:
            self.prompt.clear()

    def _choose_colour(self, name: str) -> None:
        self.coloured, self._key = Coloured(name), ()
        distribution = self._distribution
        wanted = self.coloured is Coloured.DIVERGENCE and distribution is not None
        if wanted and distribution is not None and self.desk.ring(distribution.name) is None:
            self.desk.do(lambda c: c.watch(distribution.name))

    # ---- pulling

    def pull(self, pull: Pull) -> None:
        """Look whether there is something new."""
        self._age_s += pull.elapsed_s
        text = None if self._stream is None else self.desk.shown_ring(self._stream.name)
        if text is None or (pull.live and self._age_s < REFRESH_S):
            return
        self._age_s = 0.0
        twin = self.desk.shown_ring(f"twin.{text.info.name}")
        stop = text.span().stop_tick if pull.live else pull.stop_tick
        key = (text.name, text.span().epoch, stop, twin is None, self.desk.selection.ids[:1], self.coloured)
        if key == self._key and self._divergence_is_known():
            return
        try:
            own = tokens_before(text, self._ring_of_facts(""), stop)
            others = None if twin is None else tokens_before(twin, self._ring_of_facts("twin."), stop)
        except EvictedError:
            return  # the next pull looks again
        self._key = key
        self.own.show_tokens(own)
        self._lower.setVisible(others is not None)
        self.twin.show_tokens(others)
        self._parted = None if others is None else first_difference(own, others)
        self._colour(own, others)
        self._mark()
        self._tell(own, others)

    def _ring_of_facts(self, prefix: str) -> RingReader | None:
        return None if self._facts is None else self.desk.shown_ring(prefix + self._facts.name)

    def _divergence_is_known(self) -> bool:
        return self.coloured is not Coloured.DIVERGENCE or self._values is None or bool(np.isfinite(self._values).all())

    def _tell(self, own: Tokens, others: Tokens | None) -> None:
        n = grouped(len(own))
        parts = [f"last {n} tokens" if len(own) >= N_TOKENS else f"{n} tokens"]
        if others is not None:
            parts.append("as the twin's" if self._parted is None else f"parted at tick {grouped(self._parted)}")
            said = "the same so far" if self._parted is None else f"differs from tick {grouped(self._parted)} on"
            self.twin_caption.setText(f"intact twin · {said}")
        self.detail = " · ".join(parts)

    def _mark(self) -> None:
        for side in (self.own, self.twin):
            side.mark(self.desk.view.crosshair_tick, self._parted)

    # ---- colours

    def _colour(self, own: Tokens, others: Tokens | None) -> None:
        name, mine = self._values_of(own, "")
        theirs = None if others is None else self._values_of(others, "twin.")[1]
        self._values = mine
        if mine is None:
            self.legend.show_scale(name, None)
            self.own.show_tints(None)
            self.twin.show_tints(None)
            return
        # one scale for both, or the two could not be compared
        both = tints_of(mine if theirs is None else np.concatenate([mine, theirs]))
        self.legend.show_scale(name, both)
        self.own.show_tints(both.part(0, len(mine)))
        self.twin.show_tints(None if theirs is None else both.part(len(mine), len(both.levels)))

    def _values_of(self, tokens: Tokens, prefix: str) -> tuple[str, NDArray[np.float32] | None]:
        """What tokens are coloured by, and its value at each; None where there is none."""
        if self.coloured is Coloured.UNIT:
            return self._unit_values(tokens, prefix)
        if self.coloured is Coloured.SURPRISE and "probability" in tokens.facts:
            bits = -np.log2(np.maximum(tokens.facts["probability"].astype(np.float64), 1e-12))
            return "surprise, bits", bits.astype(np.float32)
        if self.coloured is Coloured.ENTROPY and "entropy" in tokens.facts:
            return "entropy of what comes next, bits", tokens.facts["entropy"].astype(np.float32)
        if self.coloured is Coloured.DIVERGENCE:
            return self._divergence_values(tokens)
        return ("" if self.coloured is Coloured.NOTHING else f"this subject tells no {self.coloured}"), None

    def _unit_values(self, tokens: Tokens, prefix: str) -> tuple[str, NDArray[np.float32] | None]:
        description, ids = self.desk.description, self.desk.selection.ids
        activity = self.desk.stream(StreamKind.UNITS)
        if description is None or activity is None or not ids:
            return "Select a unit to see where it is active", None
        row = int(description.units.rows(ids[:1])[0])
        name, signal = description.units.name[row], int(description.units.signal_id[row])
        reader = self.desk.shown_ring(prefix + activity.name)
        carried = None if reader is None else reader.info.unit_ids
        place = [] if carried is None else np.flatnonzero(carried == signal).tolist()
        if reader is None or not place:
            return f"{name} is not watched", None
        unit = f", {activity.physical_unit}" if activity.physical_unit else ""
        return f"{name}{unit}", values_at(reader, place[0], tokens.ticks)

    def _divergence_values(self, tokens: Tokens) -> tuple[str, NDArray[np.float32] | None]:
        if self._distribution is None:
            return "this subject tells no distribution of what comes next", None
        own = self.desk.shown_ring(self._distribution.name)
        twin = self.desk.shown_ring(f"twin.{self._distribution.name}")
        if own is None or twin is None:
            return "an intact twin is needed: put one beside the subject (Ctrl+T)", None
        return "divergence from the twin, nats", self._divergence.at(own, twin, tokens.ticks)

    # ---- what is under the pointer

    def _tip(self, tokens: Tokens | None, index: int) -> str:
        if tokens is None or index >= len(tokens):
            return ""
        text = html.escape(tokens.texts[index]).replace("\n", "⏎").replace(" ", "&nbsp;")
        lines = [f"<b>{text}</b>", f"tick {grouped(int(tokens.ticks[index]))}"]
        facts = {name: float(values[index]) for name, values in tokens.facts.items() if values.dtype.kind == "f"}
        if (p := facts.get("probability")) is not None and math.isfinite(p):
            lines.append(f"probability {p:.3g} · surprise {-math.log2(max(p, 1e-12)):.1f} bits")
        if (entropy := facts.get("entropy")) is not None and math.isfinite(entropy):
            lines.append(f"entropy of what comes next {entropy:.2f} bits")
        if tokens is self.own.tokens and self._values is not None and math.isfinite(self._values[index]):
            lines.append(f"{html.escape(self.legend.name)}: {self._values[index]:.3g}")
        return "<br>".join(lines)


def _tells_of(info: StreamInfo, text: StreamInfo) -> bool:
    """Whether a stream has facts of the tokens of another: named fields on its ticks, a probability among them."""
    return info.ticks_per_sample == text.ticks_per_sample == 1 and "probability" in (info.dtype.names or ())
