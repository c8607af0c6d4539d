"""Watching that a subject keeps the contract, at run time: a plugin's mistake must not become wrong data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from rig.errors import ContractError
from rig.streams import Chunk, StreamInfo, n_samples_between


def check_chunks(layouts: Mapping[str, StreamInfo], start_tick: int, stop_tick: int, chunks: Sequence[Chunk]) -> None:
    """Check that the chunks are exactly what the ticks [start_tick, stop_tick) must give.

    Parameters
    ----------
    layouts : what is watched, by stream

    Raises
    ------
    ContractError : a stream nobody watches, a wrong dtype or shape, missing or extra samples, ticks out of place.
    """
    n_seen = dict.fromkeys(layouts, 0)
    last_tick: dict[str, int] = {}
    for chunk in chunks:
        layout = layouts.get(chunk.stream)
        if layout is None:
            raise ContractError(f"the subject returned a chunk of stream {chunk.stream!r}, which nobody watches")
        if chunk.data.dtype != layout.dtype or chunk.data.shape[1:] != layout.shape:
            raise ContractError(
                f"the subject returned {chunk.stream!r} as {chunk.data.dtype} {chunk.data.shape[1:]} a sample; "
                f"it is declared {layout.dtype} {layout.shape}"
            )
        if layout.ticks_per_sample is None:
            _check_irregular(chunk, start_tick, stop_tick, last_tick)
        else:
            k = layout.ticks_per_sample
            expected = (start_tick // k + n_seen[chunk.stream]) * k
            if chunk.first_tick != expected:
                raise ContractError(
                    f"the subject returned {chunk.stream!r} from tick {chunk.first_tick}; tick {expected} was due"
                )
        n_seen[chunk.stream] += len(chunk)
    for name, layout in layouts.items():
        if layout.ticks_per_sample is not None:
            due = n_samples_between(layout.ticks_per_sample, start_tick, stop_tick)
            if n_seen[name] != due:
                raise ContractError(
                    f"the subject returned {n_seen[name]} samples of {name!r} for ticks [{start_tick}, {stop_tick}); "
                    f"{due} were due"
                )


def _check_irregular(chunk: Chunk, start_tick: int, stop_tick: int, last_tick: dict[str, int]) -> None:
    if chunk.ticks is None or len(chunk.ticks) != len(chunk):
        raise ContractError(f"the subject returned {chunk.stream!r} without a tick for every sample")
    if len(chunk) == 0:
        return
    previous = last_tick.get(chunk.stream, start_tick)
    in_order = chunk.ticks[0] >= previous and chunk.ticks[-1] < stop_tick and bool((np.diff(chunk.ticks) >= 0).all())
    if not in_order or chunk.first_tick != chunk.ticks[0]:
        raise ContractError(
            f"the subject returned {chunk.stream!r} at ticks {chunk.ticks[0]} to {chunk.ticks[-1]}, first_tick "
            f"{chunk.first_tick}; ticks must ascend inside [{previous}, {stop_tick})"
        )
    last_tick[chunk.stream] = int(chunk.ticks[-1])
