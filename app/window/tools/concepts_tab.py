"""Concepts: where the selected unit is most active in the text, what it is tuned to, and which units know a word."""

from __future__ import annotations

import html

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QLabel, QLineEdit, QPushButton, QTableWidget, QWidget
from PySide6.QtWidgets import QTableWidgetItem as Item

from app.theme import Theme
from app.window.desk import Desk, Pull
from app.window.text_tints import ground_of, tints_of
from app.window.text_tokens import Tokens, tokens_before, values_at
from app.window.tools.concept_search import Search, search, words_of
from app.window.tools.tool_tab import ToolTab, caption, hint, row_of
from app.window.tools.tuning_bars import Bar, TuningBars
from app.window.work import Work
from rig.errors import EvictedError
from rig.selectivity import Tuning, labels_of, top_moments, tuning
from rig.streams import StreamKind
from rig.texts import TOKEN_CLASSES, concept_moments, token_class

LOOK_S = 0.5
N_LOOKED, N_SEARCHED = 4096, 16384  # newest tokens
N_CONTEXTS = 6
N_BEFORE, N_AFTER = 9, 4  # tokens of a context
N_FOUND = 24
ROW_PX = 22
_SHOWN_CLASSES = TOKEN_CLASSES[:-1]  # what writes nothing is not on the page


class Figure(Item):
    """A number that is sorted as one; by how far it is from `middle`."""

    def __init__(self, value: float, unit_id: int, middle: float = 0.0) -> None:
        super().__init__(f"{value:.3f}")
        self.setData(Qt.ItemDataRole.UserRole, unit_id)
        self.distance = abs(value - middle)

    def __lt__(self, other: Item) -> bool:
        return self.distance < other.distance if isinstance(other, Figure) else super().__lt__(other)


class ConceptsTab(ToolTab):
    """Follows the selected unit; searches when asked."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__("Concepts", desk, parent)
        self.contexts = QLabel("", self)
        self.contexts.setWordWrap(True)
        self.contexts.setTextFormat(Qt.TextFormat.RichText)
        self.contexts.linkActivated.connect(lambda tick: desk.view.set_crosshair(int(tick)))
        self.bars = TuningBars(self)
        self.words = QLineEdit(self)
        self.words.setPlaceholderText("king, queen, lord")
        self.words.setToolTip(
            "Words that name a concept, separated by commas: the selected unit's tuning to each is shown above;\n"
            "Enter searches all units for those that know the concept"
        )
        self.words.setAccessibleName("concept")
        self.words.returnPressed.connect(self.search)
        self.words.textChanged.connect(self._look_soon)
        self.button = QPushButton("Find units", self)
        self.button.setToolTip("Units whose activity tells these words from all others, against shuffled labels")
        self.button.clicked.connect(self.search)
        self.said = hint("")
        self.table = _table(self)
        self.table.itemSelectionChanged.connect(self._on_picked)
        self._where = caption("")
        self._tuned = caption("tuning")
        self.rows.addWidget(self._where)
        self.rows.addWidget(self.contexts)
        self.rows.addWidget(self._tuned)
        self.rows.addWidget(self.bars)
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
        self._show_nothing()
        self._look_soon()

    def _look_soon(self) -> None:
        self._since_look_s = LOOK_S

    def _say(self, line: str) -> None:
        self.said.setText(line)
        self.said.setVisible(bool(line))
        self.button.setEnabled(True)

    # ---- the selected unit

    def pull(self, pull: Pull) -> None:
        self._since_look_s += pull.elapsed_s
        if self._since_look_s < LOOK_S:
            return
        self._since_look_s = 0.0
        found = self._tokens(pull.stop_tick, N_LOOKED)
        place = self._place_of_selected()
        reader = None if place is None else self.desk.shown_ring(place[0])
        if found is None or place is None or reader is None or not len(found):
            self._show_nothing()
            return
        values = values_at(reader, place[1], found.ticks)
        self._where.setText(f"where {place[2]} is most active")
        self._tuned.setText(f"{place[2]} at sorts of tokens, and at the words below")
        self._tuned.show()
        self.bars.show()
        self._show_contexts(found, values)
        self._show_tuning(found, values)

    def _show_nothing(self) -> None:
        self._where.setText("where the selected unit is most active")
        self.contexts.setText("Select a unit: click on the map, or find one below.")
        self._tuned.hide()
        self.bars.hide()

    def _tokens(self, stop_tick: int, n_most: int) -> Tokens | None:
        stream = self.desk.stream(StreamKind.TEXT)
        reader = None if stream is None else self.desk.shown_ring(stream.name)
        if reader is None:
            return None
        try:
            return tokens_before(reader, None, stop_tick, n_most)
        except EvictedError:
            return None  # the next look finds it

    def _place_of_selected(self) -> tuple[str, int, str] | None:
        """Stream and channel of the first selected unit, and its name."""
        description, ids = self.desk.description, self.desk.selection.ids
        stream = self.desk.stream(StreamKind.UNITS)
        reader = None if stream is None else self.desk.shown_ring(stream.name)
        if description is None or not ids or reader is None or reader.info.unit_ids is None:
            return None
        row = int(description.units.rows(ids[:1])[0])
        place = np.flatnonzero(reader.info.unit_ids == description.units.signal_id[row])
        return (reader.info.name, int(place[0]), description.units.name[row]) if len(place) else None

    def _show_contexts(self, tokens: Tokens, values: NDArray[np.float32]) -> None:
        levels = tints_of(values).levels
        lines = []
        for place in top_moments(values, N_CONTEXTS, N_BEFORE).tolist():
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

    def _show_tuning(self, tokens: Tokens, values: NDArray[np.float32]) -> None:
        """Of the classes of tokens, then of each word that is typed."""
        labels = labels_of(_SHOWN_CLASSES, [token_class(t) for t in tokens.texts])
        bars = _bars(_SHOWN_CLASSES, tuning(values, labels, len(_SHOWN_CLASSES)))
        for word in words_of(self.words.text()):
            named = np.where(concept_moments(tokens.texts, [word]), 0, -1)
            bars += _bars([word], tuning(values, named, 1))
        self.bars.show_bars(bars)

    # ---- units that know

    def search(self) -> None:
        """Search all units that are watched, beside the window's thread."""
        words = words_of(self.words.text())
        stream = self.desk.stream(StreamKind.UNITS)
        ring = None if stream is None else self.desk.ring(stream.name)
        tokens = self._tokens(self.desk.tick, N_SEARCHED)
        if not words or tokens is None or ring is None or ring.info.unit_ids is None:
            self._say("Type a word that the text has, such as: king")
            return
        self._say("searching …")
        self.button.setEnabled(False)
        self.work.start(lambda progress, cancel: search(ring, tokens, words))

    def _on_found(self, found: object) -> None:
        assert isinstance(found, Search)
        description = self.desk.description
        if description is None:
            return
        self._say(found.told())
        order = found.found.ranking()[:N_FOUND]
        rows = description.units.rows(found.unit_ids[order])
        self.table.blockSignals(True)
        self.table.setSortingEnabled(False)
        self.table.setRowCount(len(order))
        for line, (place, row) in enumerate(zip(order.tolist(), rows.tolist(), strict=True)):
            unit_id = int(found.unit_ids[place])
            name = Item(description.units.name[row])
            name.setData(Qt.ItemDataRole.UserRole, unit_id)
            self.table.setItem(line, 0, name)
            self.table.setItem(line, 1, Figure(float(found.found.auc[place]), unit_id, middle=0.5))
            self.table.setItem(line, 2, Figure(float(found.found.p[place]), unit_id))
        self.table.sortItems(1, Qt.SortOrder.DescendingOrder)
        self.table.setSortingEnabled(True)
        self.table.clearSelection()
        self.table.blockSignals(False)
        self.table.show()

    def _on_picked(self) -> None:
        picked = self.table.selectedItems()
        if picked:
            self.desk.select([int(picked[0].data(Qt.ItemDataRole.UserRole))])

    def apply_theme(self, theme: Theme) -> None:
        super().apply_theme(theme)
        self.bars.apply_theme(theme)
        self._look_soon()


def _bars(names: tuple[str, ...] | list[str], found: Tuning) -> list[Bar]:
    columns = zip(names, found.means.tolist(), found.errors.tolist(), found.counts.tolist(), strict=True)
    return [Bar(*column) for column in columns]


def _table(parent: QWidget) -> QTableWidget:
    table = QTableWidget(0, 3, parent)
    table.setHorizontalHeaderLabels(["unit", "AUC", "p"])
    table.setToolTip(
        "AUC: how surely a unit's value tells the concept's tokens from others; 1/2 not at all,\n"
        "1 higher and 0 lower at every one. p: how often shuffled labels do as well with any unit.\n"
        "A click selects the unit; a click on a heading sorts"
    )
    table.verticalHeader().hide()
    table.verticalHeader().setDefaultSectionSize(ROW_PX)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
    table.setMinimumHeight(120)
    table.hide()
    return table
