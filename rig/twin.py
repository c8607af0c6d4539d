"""The intact twin: the same subject, given the same from outside, but left alone by stimuli and lesions.

It runs in lockstep with the perturbed one and shows where they part: no biological rig has one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from rig.field import ElectrodeField
from rig.needs import watch_exactly
from rig.select import select
from rig.streams import Chunk, StreamInfo
from rig.subject import ControlValue, Subject

PREFIX = "twin."  # of the twin's streams


class Twin:
    """A subject in the state of another, from now on unperturbed.

    Parameters
    ----------
    subject : opened like the other; owned and closed by the twin
    snapshot : of the other's state now. What was done to it before is the twin's past too
    field : the other's electrodes, in their state now
    """

    def __init__(self, subject: Subject, snapshot: bytes, field: ElectrodeField | None) -> None:
        self.subject = subject
        self.subject.restore(snapshot)
        self.first_difference: int | None = None  # tick
        self._field = field
        self._needed: Mapping[str, StreamInfo] = {}

    def watch(self, needed: Mapping[str, StreamInfo], field: ElectrodeField | None) -> None:
        """Give the same streams as the other."""
        self._needed = dict(needed)
        self._field = field
        watch_exactly(self.subject, needed)

    def set_control(self, name: str, value: ControlValue) -> None:
        self.subject.set_control(name, value)

    def restore(self, snapshot: bytes, field_state: bytes | None) -> None:
        """Join the other where it was put."""
        self.subject.restore(snapshot)
        self.first_difference = None
        if self._field is not None:
            self._field.clear()
            if field_state is not None:
                self._field.set_state(field_state)

    def follow(self, n_ticks: int, others: Sequence[Chunk], watched: Mapping[str, StreamInfo]) -> list[Chunk]:
        """Do the same ticks, and compare.

        Parameters
        ----------
        others : the other's chunks of these ticks, as its subject gave them
        watched : what to return of the twin's

        Returns
        -------
        the twin's chunks, with streams named ``twin.NAME``
        """
        raw = self.subject.advance(n_ticks)
        if self.first_difference is None:
            self.first_difference = first_difference(others, raw, self._needed)
        chunks = []
        for chunk in raw:
            layout = self._needed[chunk.stream]
            if (wanted := watched.get(chunk.stream)) is not None:
                chunks.append(_renamed(select(layout, chunk, wanted)))
            if self._field is not None and self._field.source_name == chunk.stream:
                source = layout.watching(self._field.source_ids)
                chunks.append(_renamed(self._field.process(select(layout, chunk, source))))
        return chunks

    def close(self) -> None:
        self.subject.close()


def twin_layout(info: StreamInfo) -> StreamInfo:
    return replace(info, name=PREFIX + info.name, description=f"intact twin: {info.description}")


def first_difference(ours: Sequence[Chunk], theirs: Sequence[Chunk], layouts: Mapping[str, StreamInfo]) -> int | None:
    """The first tick at which two runs over the same ticks differ in anything watched; None where they do not."""
    earliest = None
    for name, layout in layouts.items():
        a, b = (_joined([c for c in chunks if c.stream == name], layout) for chunks in (ours, theirs))
        n = min(len(a[0]), len(b[0]))
        differ = a[0][:n] != b[0][:n]
        differ |= (a[1][:n] != b[1][:n]).reshape(n, -1).any(axis=1)
        ticks = [int(a[0][:n][differ].min())] if differ.any() else []
        ticks += [int(side[0][n]) for side in (a, b) if len(side[0]) > n]  # a frame that only one of them has
        if ticks and (earliest is None or min(ticks) < earliest):
            earliest = min(ticks)
    return earliest


def _joined(
    chunks: Sequence[Chunk], layout: StreamInfo
) -> tuple[np.ndarray[tuple[int], np.dtype[np.int64]], np.ndarray[tuple[int, ...], np.dtype[np.generic]]]:
    k = layout.ticks_per_sample or 1
    ticks = [c.first_tick + k * np.arange(len(c)) if c.ticks is None else c.ticks for c in chunks]
    empty = np.empty((0, *layout.shape), layout.dtype)
    return np.concatenate([np.empty(0, np.int64), *ticks]), np.concatenate([empty, *(c.data for c in chunks)])


def _renamed(chunk: Chunk) -> Chunk:
    return replace(chunk, stream=PREFIX + chunk.stream)
