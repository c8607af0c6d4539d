"""The channel list as a model: rows that can be reordered by hand, and what can be watched of a selection."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QAbstractListModel, QByteArray, QMimeData, QModelIndex, QPersistentModelIndex, Qt

from rig.units import UnitTable

MIME = "application/x-headstage-channels"
Index = QModelIndex | QPersistentModelIndex


def watchable(units: UnitTable, carried: NDArray[np.int64], unit_ids: Sequence[int]) -> list[int]:
    """The units whose samples show what these do: themselves, or what carries their signal (a transistor's gate).

    Parameters
    ----------
    carried : (n,) int64, units that the stream of activity carries
    unit_ids : wished for

    Returns
    -------
    list of ids without repeats, in the order of the wishes; those that nothing carries are left out
    """
    known = np.asarray(unit_ids, np.int64)
    known = known[np.isin(known, units.unit_id)]
    signals = units.signal_id[units.rows(known)]
    own = np.isin(known, carried)
    wanted = np.where(own, known, signals)
    return list(dict.fromkeys(wanted[np.isin(wanted, carried)].tolist()))


def reordered(ids: Sequence[int], moved: Sequence[int], before: int) -> list[int]:
    """The list with some of it put together before what is now at place `before`, in the order they had.

    Parameters
    ----------
    moved : places in the list
    before : 0 … len(ids)
    """
    chosen = set(moved)
    taken = [ids[i] for i in sorted(chosen)]
    head = [u for i, u in enumerate(ids[:before]) if i not in chosen]
    tail = [u for i, u in enumerate(ids[before:], before) if i not in chosen]
    return [*head, *taken, *tail]


class WatchModel(QAbstractListModel):
    """Ids of units, row by row.

    Parameters
    ----------
    reorder : called with the new order when rows were dropped elsewhere
    """

    def __init__(self, reorder: Callable[[list[int]], None]) -> None:
        super().__init__()
        self.ids: tuple[int, ...] = ()
        self._reorder = reorder
        self.name_of: Callable[[int], str] = str

    def set_ids(self, ids: tuple[int, ...]) -> None:
        self.beginResetModel()
        self.ids = ids
        self.endResetModel()

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.ids)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if index.isValid() and role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return self.name_of(self.ids[index.row()])
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        base = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        # between rows things can be dropped, onto them not
        return base | Qt.ItemFlag.ItemIsDragEnabled if index.isValid() else Qt.ItemFlag.ItemIsDropEnabled

    def supportedDropActions(self) -> Qt.DropAction:
        return Qt.DropAction.MoveAction

    def mimeTypes(self) -> list[str]:
        return [MIME]

    def mimeData(self, indexes: Sequence[QModelIndex]) -> QMimeData:
        data = QMimeData()
        data.setData(MIME, QByteArray(",".join(str(i.row()) for i in indexes).encode()))
        return data

    def dropMimeData(self, data: QMimeData, action: Qt.DropAction, row: int, column: int, parent: Index) -> bool:
        if not data.hasFormat(MIME):
            return False
        moved = [int(part) for part in bytes(data.data(MIME).data()).decode().split(",") if part]
        before = row if row >= 0 else len(self.ids)
        self._reorder(reordered(self.ids, moved, before))
        return False  # the list was set anew: the view has nothing to take away
