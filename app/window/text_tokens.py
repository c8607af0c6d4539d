"""Tokens out of rings: what was written when, and what goes with it. Free of Qt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rig.errors import EvictedError
from rig.process.ring_reader import RingReader
from rig.streams import StreamInfo
from rig.texts import texts_of

N_TOKENS = 1024  # on the page; what was before is looked back at


@dataclass(frozen=True, eq=False)
class Tokens:
    """Tokens in the order in which they were written.

    Attributes
    ----------
    ticks : (n,) int64, ascending
    texts : n, never empty
    facts : name → (n,) of what the subject tells of each (``probability``, ``entropy``, ``given``)
    """

    ticks: NDArray[np.int64]
    texts: tuple[str, ...]
    facts: dict[str, NDArray[Any]]

    def __len__(self) -> int:
        return len(self.texts)

    def at(self, tick: int) -> int | None:
        """The token of a tick, None where there is none."""
        i = int(np.searchsorted(self.ticks, tick))
        return i if i < len(self) and self.ticks[i] == tick else None


def tokens_before(text: RingReader, facts: RingReader | None, stop_tick: int, n_most: int = N_TOKENS) -> Tokens:
    """The last tokens stamped before stop_tick.

    Parameters
    ----------
    text : of a stream of texts
    facts : of a stream with named fields on the same ticks; None where there is none

    Raises
    ------
    EvictedError : the ring was overwritten meanwhile; look again.
    """
    samples = text.latest(text.capacity if stop_tick < text.span().stop_tick else n_most).copy()
    n = int(np.searchsorted(samples.ticks, stop_tick))
    ticks, data = samples.ticks[max(n - n_most, 0) : n], samples.data[max(n - n_most, 0) : n]
    texts = texts_of(text.info, data)
    written = np.array([bool(t) for t in texts], np.bool_)
    ticks = ticks[written]
    told = {} if facts is None or not len(ticks) else _facts_at(facts, ticks)
    return Tokens(ticks, tuple(t for t in texts if t), told)


def _facts_at(reader: RingReader, ticks: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    """Fields of the samples at these ticks, as far as the ring reaches; nothing where it does not reach all."""
    names = reader.info.dtype.names or ()
    span = reader.span()
    first, stop = int(ticks[0]), int(ticks[-1]) + 1
    if not names or first < span.first_tick or stop > span.stop_tick or reader.info.ticks_per_sample != 1:
        return {}
    try:
        data = reader.ticks(first, stop).copy().data
    except EvictedError:
        return {}
    return {name: data[name][ticks - first] for name in names}


def values_at(reader: RingReader, channel: int, ticks: NDArray[np.int64]) -> NDArray[np.float32]:
    """(n,) what a channel of a stream with a sample a tick did at these ticks; NaN where its ring does not reach.

    Takes one column out of the ring and leaves the others where they are.
    """
    values = np.full(len(ticks), np.nan, np.float32)
    info, span = reader.info, reader.span()
    held = (ticks >= span.first_tick) & (ticks < span.stop_tick)
    if info.ticks_per_sample != 1 or not held.any():
        return values
    first, stop = int(ticks[held][0]), int(ticks[held][-1]) + 1
    try:
        view = reader.ticks(first, stop)
        column = np.concatenate([_column(info, piece, channel) for piece in view.pieces])
        view.check()
    except EvictedError:
        return values
    values[held] = column[ticks[held] - first]
    return values


def _column(info: StreamInfo, piece: NDArray[Any], channel: int) -> NDArray[np.float32]:
    if info.packed:
        return ((piece[:, channel >> 3] >> (channel & 7)) & 1).astype(np.float32)
    return piece.reshape(len(piece), info.n_channels)[:, channel].astype(np.float32)


def first_difference(own: Tokens, twin: Tokens) -> int | None:
    """The tick from which two texts are no longer the same, as far as both are on the page."""
    if not len(own) or not len(twin):
        return None
    start = max(own.ticks[0], twin.ticks[0])
    mine, others = (
        {int(t): w for t, w in zip(side.ticks, side.texts, strict=True) if t >= start} for side in (own, twin)
    )
    stop = min(own.ticks[-1], twin.ticks[-1])
    apart = [t for t in mine.keys() | others.keys() if t <= stop and mine.get(t) != others.get(t)]
    return min(apart, default=None)
