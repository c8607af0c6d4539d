"""What a subject must be asked for, so that everybody who looks gets what they look at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from rig.streams import StreamInfo
from rig.subject import Subject

Wish = tuple[str, NDArray[np.int64] | None]  # stream, units; None: all


def united(wishes: Iterable[Wish], whole: Mapping[str, StreamInfo]) -> dict[str, StreamInfo]:
    """Layouts that hold at least what every wish names."""
    by_stream: dict[str, list[NDArray[np.int64] | None]] = {}
    for name, ids in wishes:
        by_stream.setdefault(name, []).append(ids)
    layouts = {}
    for name, wished in by_stream.items():
        some = [ids for ids in wished if ids is not None]
        every = len(some) < len(wished)
        layouts[name] = whole[name].watching(None if every else np.unique(np.concatenate(some)))
    return layouts


def watch_exactly(subject: Subject, layouts: Mapping[str, StreamInfo]) -> None:
    """Let the subject give these and nothing else."""
    for info in subject.streams:
        layout = layouts.get(info.name)
        if layout is None:
            subject.watch(info.name, np.empty(0, np.int64))
        else:
            whole = layout.unit_ids is None or layout.n_channels == info.n_channels
            subject.watch(info.name, None if whole else layout.unit_ids)
