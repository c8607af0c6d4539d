"""Concepts: where the selected unit is most active in the text, and which units know a word."""

from __future__ import annotations

import html
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QLabel, QLineEdit, QPushButton, QTableWidget, QWidget
from PySide6.QtWidgets import QTableWidgetItem as Item

from app.theme import Theme
from app.window.desk import Desk, Pull
from app.window.text_tints import ground_of, tints_of
from app.window.text_tokens import Tokens, tokens_before, values_at
from app.window.tools.tool_tab import ToolTab, caption, hint, row_of
from app.window.work import Work
from rig.concepts import Selectivity, selectivity, tokens_of_words, top_contexts
from rig.errors import EvictedError, SpecError
from rig.streams import StreamKind

LOOK_S = 0.5
N_LOOKED, N_SEARCHED = 4096, 16384  # newest tokens
N_CONTEXTS = 6
N_BEFORE, N_AFTER = 9, 4  # tokens of a context
N_FOUND = 24
ROW_PX = 22
MAX_SEARCH_BYTES = 256 << 20  # of activity copied for one search: the newest tokens


@dataclass(frozen=True, eq=False)
class Search:
    """What was found, and for what."""

    words: tuple[str, ...]
    unit_ids: NDArray[np.int64]
    found: Selectivity
    n_tokens: int


class ConceptsTab(ToolTab):
    """Follows the selected unit; searches when asked."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__("Concepts", desk, parent)
        self.contexts = QLabel("", self)
        self.contexts.setWordWrap(True)
        self.contexts.setTextFormat(Qt.TextFormat.RichText)
        self.contexts.linkActivated.connect(lambda tick: desk.view.set_crosshair(int(tick)))
        self.words = QLineEdit(self)
        self.words.setPlaceholderText("king, queen, lord")
        self.words.setToolTip("Words that name a concept, separated by commas; Enter searches")
        self.words.setAccessibleName("concept")
        self.words.returnPressed.connect(self.search)
        self.button = QPushButton("Find units", self)
        self.button.setToolTip("Units whose activity tells these words from all others, against shuffled labels")
        self.button.clicked.connect(self.search)
        self.said = hint("")
        self.table = QTableWidget(0, 3, self)
        self.table.setHorizontalHeaderLabels(["unit", "AUC", "p"])
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(ROW_PX)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.table.setMinimumHeight(120)
        self.table.hide()
        self.table.itemSelectionChanged.connect(self._on_picked)
        self.rows.addWidget(caption("where the selected unit is most active"))
        self.rows.addWidget(self.contexts)
        self.rows.addWidget(caption("units that know"))
        self.rows.addLayout(row_of(self.words, self.button))
        self.rows.addWidget(self.said)
        self.rows.addWidget(self.table, 8)
        self.rows.addStretch(1)
        self.work = Work(self)
        self.work.done.connect(self._on_found)
        self.work.failed.connect(self._say)
        self._since_look_s = LOOK_S
        desk.selection.changed.connect(self._look_soon)
        self.on_closed()

    @property
    def offered(self) -> bool:
        """Whether the subject writes: nothing here is of use for another."""
        return self.desk.stream(StreamKind.TEXT) is not None

    def on_opened(self) -> None:
        self.on_closed()

    def on_closed(self) -> None:
        self.work.cancel()
        self.table.hide()
        self.table.setRowCount(0)
        self._say("")
        self.contexts.setText("Select a unit: click on the map, or find one below.")
        self._look_soon()

    def _look_soon(self) -> None:
        self._since_look_s = LOOK_S

    def _say(self, line: str) -> None:
        self.said.setText(line)
        self.said.setVisible(bool(line))
        self.button.setEnabled(True)

    # ---- contexts of the selected unit

    def pull(self, pull: Pull) -> None:
        self._since_look_s += pull.elapsed_s
        if self._since_look_s < LOOK_S:
            return
        self._since_look_s = 0.0
        found = self._tokens(pull.stop_tick, N_LOOKED)
        place = self._place_of_selected()
        if found is None or place is None:
            return
        reader = self.desk.shown_ring(place[0])
        if reader is not None:
            values = values_at(reader, place[1], found.ticks)
            self._show_contexts(found, values)

    def _tokens(self, stop_tick: int, n_most: int) -> Tokens | None:
        stream = self.desk.stream(StreamKind.TEXT)
        reader = None if stream is None else self.desk.shown_ring(stream.name)
        if reader is None:
            return None
        try:
            return tokens_before(reader, None, stop_tick, n_most)
        except EvictedError:
            return None  # the next look finds it

    def _place_of_selected(self) -> tuple[str, int] | None:
        """Stream and channel of the first selected unit."""
        description, ids = self.desk.description, self.desk.selection.ids
        stream = self.desk.stream(StreamKind.UNITS)
        reader = None if stream is None else self.desk.shown_ring(stream.name)
        if description is None or not ids or reader is None or reader.info.unit_ids is None:
            return None
        signal = description.units.signal_id[description.units.rows(ids[:1])[0]]
        place = np.flatnonzero(reader.info.unit_ids == signal)
        return (reader.info.name, int(place[0])) if len(place) else None

    def _show_contexts(self, tokens: Tokens, values: NDArray[np.float32]) -> None:
        levels = tints_of(values).levels
        lines = []
        for place in top_contexts(values, N_CONTEXTS, N_BEFORE).tolist():
            words = []
            for i in range(max(place - N_BEFORE, 0), min(place + N_AFTER + 1, len(tokens))):
                text = html.escape(tokens.texts[i].replace("\n", " ⏎ ")).replace(" ", "&nbsp;" if i == place else " ")
                level = float(levels[i])
                ground = self.theme.panel if level != level else ground_of(level, self.theme)
                bold = "font-weight:600;" if i == place else ""
                words.append(f'<span style="background:{ground};{bold}">{text}</span>')
            tick = int(tokens.ticks[place])
            link = f'<a href="{tick}" style="color:{self.theme.muted};text-decoration:none">{values[place]:.2f}</a>'
            lines.append(f"<tr><td>{link}&nbsp;&nbsp;</td><td>{''.join(words)}</td></tr>")
        if lines:
            self.contexts.setText(f"<table>{''.join(lines)}</table>")

    # ---- units that know

    def search(self) -> None:
        """Search all units that are watched, beside the window's thread."""
        words = tuple(dict.fromkeys(w.strip() for w in self.words.text().split(",") if w.strip()))
        stream = self.desk.stream(StreamKind.UNITS)
        ring = None if stream is None else self.desk.ring(stream.name)
        tokens = self._tokens(self.desk.tick, N_SEARCHED)
        if not words or tokens is None or ring is None or ring.info.unit_ids is None:
            self._say("Type a word that the text has, such as: king")
            return
        ids, sample_bytes = ring.info.unit_ids, max(ring.info.sample_bytes, 1)

        def find(progress: object, cancel: object) -> Search:
            span = ring.span()
            held = tokens.ticks[tokens.ticks >= max(span.first_tick, span.stop_tick - MAX_SEARCH_BYTES // sample_bytes)]
            held = held[held < span.stop_tick]
            if not len(held):
                raise SpecError("asked for units that know a concept; nothing has been written yet: run the subject")
            samples = ring.ticks(int(held[0]), int(held[-1]) + 1).copy()
            named = tokens_of_words(tokens.texts, words)[np.isin(tokens.ticks, held)]
            values = samples.unpacked().reshape(len(samples), len(ids))[held - held[0]]
            return Search(words, ids, selectivity(values, named), len(held))

        self._say("searching …")
        self.button.setEnabled(False)
        self.work.start(find)

    def _on_found(self, search: object) -> None:
        assert isinstance(search, Search)
        description = self.desk.description
        if description is None:
            return
        n_known = int((search.found.p <= 0.05).sum())
        self._say(
            f"{search.found.n_tokens} of {search.n_tokens} tokens name {', '.join(search.words)}; {n_known} of "
            f"{len(search.unit_ids)} units tell them at p ≤ 0.05, corrected for the search by shuffles"
        )
        order = search.found.ranking()[:N_FOUND]
        rows = description.units.rows(search.unit_ids[order])
        self.table.blockSignals(True)
        self.table.setRowCount(len(order))
        for line, (place, row) in enumerate(zip(order.tolist(), rows.tolist(), strict=True)):
            texts = (description.units.name[row], f"{search.found.auc[place]:.3f}", f"{search.found.p[place]:.3f}")
            for column, text in enumerate(texts):
                item = Item(text)
                item.setData(Qt.ItemDataRole.UserRole, int(search.unit_ids[place]))
                self.table.setItem(line, column, item)
        self.table.clearSelection()
        self.table.blockSignals(False)
        self.table.show()

    def _on_picked(self) -> None:
        picked = self.table.selectedItems()
        if picked:
            self.desk.select([int(picked[0].data(Qt.ItemDataRole.UserRole))])

    def apply_theme(self, theme: Theme) -> None:
        super().apply_theme(theme)
        self._look_soon()
