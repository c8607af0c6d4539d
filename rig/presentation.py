"""Putting a list of stimuli to a subject, each from the same state, and taking it back as if nothing had been asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from rig.needs import watch_exactly
from rig.streams import Samples, StreamInfo
from rig.subject import ControlValue, Subject


def present(
    subject: Subject,
    control: str,
    items: Sequence[ControlValue],
    n_ticks: int,
    layouts: Mapping[str, StreamInfo],
    watched: Mapping[str, StreamInfo],
) -> list[dict[str, Samples]]:
    """What a subject does in the n_ticks after each item.

    Parameters
    ----------
    control : that the items are values of, such as ``prompt``
    layouts : what to look at, by stream
    watched : what is watched otherwise, and will be again (`Session`: ``montage.needed``)

    Returns
    -------
    a mapping of samples for each item; the subject stands where it stood
    """
    before = subject.snapshot()
    found: list[dict[str, Samples]] = []
    watch_exactly(subject, layouts)
    try:
        for item in items:
            subject.restore(before)
            subject.set_control(control, item)
            start = subject.tick
            chunks = subject.advance(n_ticks)
            samples = {}
            for name, layout in layouts.items():
                mine = [c for c in chunks if c.stream == name]
                k = layout.ticks_per_sample or 1
                ticks = [c.first_tick + k * np.arange(len(c)) if c.ticks is None else c.ticks for c in mine]
                data = np.concatenate([np.empty((0, *layout.shape), layout.dtype), *(c.data for c in mine)])
                samples[name] = Samples(layout, np.concatenate([np.empty(0, np.int64), *ticks]), data)
            assert subject.tick == start + n_ticks
            found.append(samples)
    finally:
        subject.restore(before)
        watch_exactly(subject, watched)
    return found
