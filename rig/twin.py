"""The intact twin: the same subject, given the same from outside, but left alone by stimuli and lesions.

It runs in lockstep with the perturbed one and shows where they part: no biological rig has one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rig.blobs import pack_blobs, unpack_blobs
from rig.divergence import distribution_stream, divergence_chunk
from rig.montage import Montage
from rig.needs import watch_exactly
from rig.streams import Chunk, StreamInfo
from rig.subject import ControlValue, Subject

PREFIX = "twin."  # of the twin's streams


class Twin:
    """A subject in the state of another, from now on unperturbed.

    Parameters
    ----------
    subject : opened like the other; owned and closed by the twin
    snapshot : of the other's state now. What was done to it before is the twin's past too
    montage : the other's
    """

    def __init__(self, subject: Subject, snapshot: bytes, montage: Montage) -> None:
        self.subject = subject
        self.first_difference: int | None = None  # tick
        self.subject.restore(snapshot)
        self.watch_like(montage)

    def watch_like(self, montage: Montage) -> None:
        """Show of this subject what the montage shows of the other."""
        self._montage = montage.twin(self.subject)
        watch_exactly(self.subject, self._montage.needed)

    def set_control(self, name: str, value: ControlValue) -> None:
        self.subject.set_control(name, value)

    def join(self, snapshot: bytes, field_state: bytes | None) -> None:
        """Go where the other was put."""
        self.subject.restore(snapshot)
        self._montage.set_field_state(field_state)
        self.first_difference = None

    def state(self) -> bytes:
        """Its subject's, and that of what is computed from it."""
        return pack_blobs({"subject": self.subject.snapshot(), "field": self._montage.field_state() or b""})

    def set_state(self, state: bytes, *, with_field: bool) -> None:
        """Inverse of `state`; without its field's where the probes are others."""
        blobs = unpack_blobs(state)
        self.join(blobs["subject"], (blobs["field"] or None) if with_field else None)

    def follow(self, n_ticks: int, others: Sequence[Chunk]) -> list[Chunk]:
        """Do the same ticks, and compare.

        Parameters
        ----------
        others : the other's chunks of these ticks, as its subject gave them

        Returns
        -------
        the twin's chunks, with streams named ``twin.NAME``, and how far what they expect is apart
        """
        raw = self.subject.advance(n_ticks)
        if self.first_difference is None:
            self.first_difference = first_difference(others, raw, self._montage.needed)
        chunks = [replace(c, stream=PREFIX + c.stream) for chunk in raw for c in self._montage.deliver(chunk)]
        if (layout := distribution_stream(self._montage.needed.values())) is not None:
            (ticks, ours), (_, theirs) = (_joined(layout.name, given, layout) for given in (others, raw))
            chunks.append(divergence_chunk(ticks, ours, theirs))
        return chunks

    def close(self) -> None:
        self.subject.close()


def twin_layout(info: StreamInfo) -> StreamInfo:
    return replace(info, name=PREFIX + info.name, description=f"intact twin: {info.description}")


def first_difference(ours: Sequence[Chunk], theirs: Sequence[Chunk], layouts: Mapping[str, StreamInfo]) -> int | None:
    """The first tick at which two runs over the same ticks differ in anything watched; None where they do not."""
    ticks: list[int] = []
    for name, layout in layouts.items():
        if _same([c for c in ours if c.stream == name], [c for c in theirs if c.stream == name]):
            continue
        (ticks_a, a), (ticks_b, b) = (_joined(name, chunks, layout) for chunks in (ours, theirs))
        n = min(len(a), len(b))
        differ = ticks_a[:n] != ticks_b[:n]
        if n:
            differ |= (a[:n] != b[:n]).reshape(n, -1).any(axis=1)
        ticks += ticks_a[:n][differ][:1].tolist()
        ticks += [int(t[n]) for t in (ticks_a, ticks_b) if len(t) > n]  # a frame that only one of them has
    return min(ticks, default=None)


def _same(ours: Sequence[Chunk], theirs: Sequence[Chunk]) -> bool:
    """Whether chunks are the same one by one; quick, where `first_difference` says at which tick they are not."""
    return len(ours) == len(theirs) and all(
        a.first_tick == b.first_tick and _same_bits(a.data, b.data) and _same_bits(a.ticks, b.ticks)
        for a, b in zip(ours, theirs, strict=True)
    )


def _same_bits(a: NDArray[Any] | None, b: NDArray[Any] | None) -> bool:
    if a is None or b is None:
        return a is b
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    if a.nbytes % 8 == 0 and a.flags.c_contiguous and b.flags.c_contiguous:
        a, b = (x.reshape(-1).view(np.uint8).view(np.uint64) for x in (a, b))
    return bool(np.array_equal(a, b))


def _joined(name: str, chunks: Sequence[Chunk], layout: StreamInfo) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """Ticks and data of all chunks of a stream."""
    k = layout.ticks_per_sample or 1
    mine = [c for c in chunks if c.stream == name]
    ticks = [c.first_tick + k * np.arange(len(c), dtype=np.int64) if c.ticks is None else c.ticks for c in mine]
    empty = np.empty((0, *layout.shape), layout.dtype)
    return np.concatenate([np.empty(0, np.int64), *ticks]), np.concatenate([empty, *(c.data for c in mine)])
