"""The watch list: the oscilloscope's channels in their order, each with its rate and what is done to it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from PySide6.QtCore import QItemSelection, QItemSelectionModel, QPoint, Qt, Slot
from PySide6.QtGui import QKeyEvent, QKeySequence, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QLabel, QListView, QMenu, QStackedLayout, QWidget

from app.theme import DARK, Theme, region_colours
from app.window.activity import rate_text, rate_unit
from app.window.desk import Desk, Level, Pull
from app.window.figures import grouped
from app.window.live_activity import live_activity
from app.window.pane import Pane
from app.window.watch_model import WatchModel, watchable
from app.window.watch_rows import WatchDelegate, WatchRow

EMPTY = "No channels.\nSelect units on the map, then press W to watch them"
NO_SUBJECT = "No subject is on the table.\nChoose one at the left of the strip (Ctrl+O)"


class WatchListPane(Pane):
    """Under the preparation. What is done to the list is done to `desk.channels`, and can be undone."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__("Watch list", desk, parent)
        self.theme: Theme = DARK
        self._live = live_activity(desk)
        self._drawn = (-1, -1)
        self._following = False
        self._colours: dict[str, str] = {}
        self._rows: list[int] = []  # of the table of units, for each channel
        self.model = WatchModel(lambda ids: desk.set_channels(ids, "reorder channels"))
        self.model.setParent(self)
        self.list = _List(self.body)
        self.list.setModel(self.model)
        self.delegate = WatchDelegate(self.list, self._row_at)
        self.list.setItemDelegate(self.delegate)
        self.hint = QLabel(NO_SUBJECT, self.body)
        self.hint.setObjectName("hint")
        self.hint.setWordWrap(True)
        self.hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._stack = QStackedLayout(self.body)
        self._stack.addWidget(self.hint)
        self._stack.addWidget(self.list)
        desk.opening.connect(lambda _: self.hint.setText(desk.opening_words))
        desk.opened.connect(self._on_opened)
        desk.closed.connect(self._on_opened)
        desk.channels.changed.connect(self._on_channels)
        desk.selection.changed.connect(self._follow_selection)
        self.list.selectionModel().selectionChanged.connect(self._on_chosen)
        self.list.remove_asked = self.remove_chosen
        self.list.move_asked = self.move_chosen
        self.list.customContextMenuRequested.connect(self._open_menu)
        self._on_opened()

    def pane_actions(self) -> list[tuple[str, str, str, Callable[[], object]]]:
        """Name, text, key and what it does."""
        return [
            ("watch", "Watch the selection", "W", self.watch_selection),
            ("unwatch", "Watch the selection no longer", "Shift+W", self.unwatch_selection),
        ]

    def apply_theme(self, theme: Theme) -> None:
        self.theme = theme
        self.delegate.theme = theme
        self._recolour()

    # ---- what can be done

    def watch_selection(self) -> None:
        """Add the selected units to the channels; a transistor's signal is its gate's."""
        description, stream = self.desk.description, self._live.stream
        if description is None or stream is None or stream.unit_ids is None:
            self.desk.say(Level.WARNING, "nothing to watch: choose a subject at the left of the strip")
            return
        if not len(self.desk.selection):
            self.desk.say(Level.NOTE, "nothing is selected: select units on the map, then W")
            return
        ids = watchable(description.units, stream.unit_ids, self.desk.selection.ids)
        new = [i for i in ids if i not in self.desk.channels]
        if not ids:
            self.desk.say(Level.WARNING, f"none of the {len(self.desk.selection)} selected units carries a signal")
        elif not new:
            self.desk.say(Level.NOTE, "all of the selection is watched already")
        else:
            self.desk.set_channels((*self.desk.channels.ids, *new), f"watch {len(new)} units")

    def unwatch_selection(self) -> None:
        """Take the selected units out of the channels."""
        chosen = set(self.desk.selection.ids)
        self.desk.set_channels([i for i in self.desk.channels.ids if i not in chosen], "remove channels")

    def remove_chosen(self) -> None:
        """Take the rows out that are chosen in the list."""
        chosen = set(self._chosen_ids())
        if chosen:
            at = min(self.model.ids.index(i) for i in chosen)
            self.desk.set_channels([i for i in self.model.ids if i not in chosen], "remove channels")
            if self.model.ids:  # so that Delete can be pressed again
                self.list.setCurrentIndex(self.model.index(min(at, len(self.model.ids) - 1)))

    def move_chosen(self, step: int) -> None:
        """Move the chosen rows up (−1) or down (+1)."""
        ids = list(self.model.ids)
        places = sorted((ids.index(i) for i in self._chosen_ids()), reverse=step > 0)
        stuck = -1 if step < 0 else len(ids)
        for place in places:
            to = place + step
            if to == stuck:
                stuck = place  # it stands at the end, and whoever follows stands behind it
                continue
            ids[place], ids[to] = ids[to], ids[place]
        self.desk.set_channels(ids, "reorder channels")

    def sort(self, by: str) -> None:
        """Order the channels by ``region``, ``name`` or ``rate``."""
        description, estimate = self.desk.description, self._live.estimate
        if description is None:
            return
        units, ids = description.units, list(self.model.ids)
        row = dict(zip(ids, units.rows(ids).tolist(), strict=True))
        if by == "region":
            ids.sort(key=lambda i: units.region[row[i]])
        elif by == "name":
            ids.sort(key=lambda i: units.name[row[i]].lower())
        elif estimate is not None:
            rates = np.append(estimate.list_rate, 0.0)[estimate.channel_of_row]
            ids.sort(key=lambda i: -rates[row[i]])
        self.desk.set_channels(ids, f"order channels by {by}")

    # ---- keeping in step

    def _chosen_ids(self) -> list[int]:
        rows = sorted(i.row() for i in self.list.selectionModel().selectedIndexes())
        return [self.model.ids[r] for r in rows]

    @Slot()
    def _on_opened(self) -> None:
        description = self.desk.description
        self._drawn = (-1, -1)
        self.hint.setText(NO_SUBJECT if description is None else EMPTY)
        if description is not None:
            units = description.units
            self.model.name_of = lambda i: units.name[int(units.rows([i])[0])]
        self._recolour()
        self._on_channels()

    def _recolour(self) -> None:
        description = self.desk.description
        self._colours = {} if description is None else region_colours(description.units.region, self.theme)
        self.list.viewport().update()

    @Slot()
    def _on_channels(self) -> None:
        ids = self.desk.channels.ids if self.desk.description is not None else ()
        if ids != self.model.ids:
            self._following = True
            self.model.set_ids(ids)
            self._following = False
        description = self.desk.description
        self._rows = [] if description is None else description.units.rows(ids).tolist()
        self._stack.setCurrentWidget(self.list if ids else self.hint)
        self._follow_selection()
        self._tell()

    def _tell(self) -> None:
        description, stream = self.desk.description, self._live.stream
        if description is None or stream is None or stream.unit_ids is None:
            self.set_detail("")
            return
        what = ("spikes" if stream.packed else "change") + rate_unit(description.info)[1]
        self.set_detail(f"{grouped(len(self.model.ids))} of {grouped(len(stream.unit_ids))} · {what}")

    @Slot(QItemSelection, QItemSelection)
    def _on_chosen(self) -> None:
        if not self._following:
            self._following = True
            self.desk.select(self._chosen_ids(), "select channels")
            self._following = False

    @Slot()
    def _follow_selection(self) -> None:
        if self._following:
            return
        chosen = QItemSelection()
        for row, unit_id in enumerate(self.model.ids):
            if unit_id in self.desk.selection:
                chosen.select(self.model.index(row), self.model.index(row))
        self._following = True
        self.list.selectionModel().select(chosen, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        self._following = False

    # ---- what the rows show

    def pull(self, pull: Pull) -> None:
        self._live.update(pull)
        now = self._live.n_courses, self._live.n_states
        if now != self._drawn:
            self._drawn = now
            self.list.viewport().update()

    def _row_at(self, place: int) -> WatchRow | None:
        description, estimate = self.desk.description, self._live.estimate
        if description is None or place >= len(self._rows):
            return None
        units, row = description.units, self._rows[place]
        rate, curve = "", np.empty(0, np.float32)
        channel = -1 if estimate is None else int(estimate.channel_of_row[row])
        if estimate is not None and channel >= 0:
            rate, curve = rate_text(estimate, channel, description.info), estimate.curve(channel)
        colour = self._colours.get(units.region[row].split("/")[0], self.theme.muted)
        state = self._live.states.of.get(int(units.unit_id[row]))
        return WatchRow(units.name[row], colour, rate, curve, state)

    @Slot(QPoint)
    def _open_menu(self, at: QPoint) -> None:
        menu = QMenu(self.list)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        if self._chosen_ids():
            menu.addAction("Remove (Del)", self.remove_chosen)
            menu.addAction("Move up (Alt+↑)", lambda: self.move_chosen(-1))
            menu.addAction("Move down (Alt+↓)", lambda: self.move_chosen(1))
            menu.addSeparator()
        menu.addAction("Watch the selection (W)", self.watch_selection)
        for by in ("region", "name", "rate"):
            menu.addAction(f"Order by {by}", partial(self.sort, by))
        menu.addSeparator()
        menu.addAction("Remove all", lambda: self.desk.set_channels((), "remove all channels"))
        menu.popup(self.list.viewport().mapToGlobal(at))


class _List(QListView):
    """Delete removes, Alt and an arrow moves, and rows can be dragged."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.remove_asked: Callable[[], None] = lambda: None
        self.move_asked: Callable[[int], None] = lambda step: None
        self.setObjectName("channels")
        self.setAccessibleName("Channels of the oscilloscope")
        self.setToolTip(
            "Channels of the oscilloscope\n"
            "Click selects · drag, or Alt+↑ Alt+↓, moves · Del removes · W adds the selection"
        )
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setDragEnabled(True)
        self.setAcceptDrops(True)
        self.setDropIndicatorShown(True)
        self.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        self.setDefaultDropAction(Qt.DropAction.MoveAction)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)

    def resizeEvent(self, event: QResizeEvent) -> None:
        # whole rows: half a name at the lower edge reads as a fault
        row = self.sizeHintForRow(0)
        rest = self.height() % row if row > 0 and self.height() > row else 0
        self.setViewportMargins(0, 0, 0, rest)
        super().resizeEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        alt = bool(event.modifiers() & Qt.KeyboardModifier.AltModifier)
        if event.matches(QKeySequence.StandardKey.Delete) or event.key() == Qt.Key.Key_Backspace:
            self.remove_asked()
        elif alt and event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self.move_asked(-1 if event.key() == Qt.Key.Key_Up else 1)
        else:
            super().keyPressEvent(event)
