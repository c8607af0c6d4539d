"""Taking some units out of a chunk."""

from __future__ import annotations

import numpy as np

from rig.bits import select_bits
from rig.streams import Chunk, StreamInfo


def select(layout: StreamInfo, chunk: Chunk, wanted: StreamInfo) -> Chunk:
    """The wanted units of a chunk that holds at least these."""
    if wanted.unit_ids is None or layout.unit_ids is None or len(wanted.unit_ids) == len(layout.unit_ids):
        return chunk
    channels = np.searchsorted(layout.unit_ids, wanted.unit_ids)
    if layout.packed:
        return Chunk(chunk.stream, chunk.first_tick, select_bits(chunk.data, channels), chunk.ticks)
    return Chunk(chunk.stream, chunk.first_tick, np.ascontiguousarray(chunk.data[:, channels]), chunk.ticks)
