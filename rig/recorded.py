"""What another run did, taken out of its recording: patches, clamps at means, and differences of means.

    patch_from(other, units, from_tick=200, n_ticks=20, at_tick=session.tick)   the units do what they did there
    clamps_at_means(other, units, at_tick=session.tick)                         each is held at its mean there
    difference_of_means(other, units, ["king"])                                 at a word, less what it is elsewhere

All of it is in the perturbation when it is given, so that a log can be replayed without the other recording.
Activation patching: Meng et al. 2022 (arXiv:2202.05262); difference of means: Marks & Tegmark 2023 (arXiv:2310.06824).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rig.errors import SpecError
from rig.perturbation import Perturbation, PerturbationKind
from rig.storage.recording import Recording
from rig.streams import StreamInfo, StreamKind
from rig.texts import concept_moments, texts_of


def patch_from(
    recording: Recording,
    unit_ids: Sequence[int],
    from_tick: int,
    n_ticks: int,
    at_tick: int,
    stream: str = "",
    label: str = "",
) -> Perturbation:
    """A patch: units do over [at_tick, at_tick + n_ticks) what they did from `from_tick` on in a recording.

    Parameters
    ----------
    stream : of the recording, a sample a tick. "": one with several values a unit where it was recorded (what a head
        gives, ``head_output``), else the one of graded activity

    Raises
    ------
    SpecError : it has not these units, or not all of these ticks.
    UnknownUnitError : no such stream.
    """
    if n_ticks < 1:
        raise SpecError(f"asked for a patch of {n_ticks} ticks; it takes one at least")
    ids, values = _values(recording, unit_ids, from_tick, from_tick + n_ticks, stream, vectors=True)
    waveform = tuple(map(tuple, values.reshape(n_ticks, -1).tolist()))
    return Perturbation(PerturbationKind.PATCH, ids, at_tick, at_tick + n_ticks, label=label, waveform=waveform)


def clamps_at_means(
    recording: Recording,
    unit_ids: Sequence[int],
    at_tick: int,
    stop_tick: int | None = None,
    *,
    over: tuple[int, int] | None = None,
    stream: str = "",
) -> tuple[Perturbation, ...]:
    """Silencings, one a unit, at its mean over the ticks `over` of a recording (all of it where None).

    Raises SpecError, UnknownUnitError as `patch_from`.
    """
    start, stop = (recording.start_tick, recording.stop_tick) if over is None else over
    ids, values = _values(recording, unit_ids, start, stop, stream)
    if values.ndim > 2:
        raise SpecError(f"asked for means of stream {stream!r}; it has several values a unit: a clamp takes one")
    means = values.mean(axis=0, dtype=np.float64).tolist()
    return tuple(
        Perturbation(PerturbationKind.SILENCE, (unit,), at_tick, stop_tick, mean, label="at its mean")
        for unit, mean in zip(ids, means, strict=True)
    )


def difference_of_means(
    recording: Recording, unit_ids: Sequence[int], words: Sequence[str], others: Sequence[str] = ()
) -> NDArray[np.float64]:
    """Mean of the units where a recorded text writes one of some words, less their mean where it writes one of others.

    Parameters
    ----------
    others : none: everywhere else

    Returns
    -------
    (n_units,) in the order of the ids given

    Raises
    ------
    SpecError : no text was recorded, or it writes none of the words.
    """
    text = next((s for s in recording.header.streams if s.kind is StreamKind.TEXT), None)
    if text is None:
        raise SpecError(f"asked for moments of {', '.join(words)}; the recording has no text")
    told = recording.read(text.name)
    written = texts_of(told.info, told.data)
    there = concept_moments(written, words)
    elsewhere = concept_moments(written, others) if others else ~there
    for which, moments in ((words, there), (others or ("something else",), elsewhere)):
        if not moments.any():
            raise SpecError(f"asked for moments of {', '.join(which)}; the recorded text writes none of it")
    info = _graded(recording, unit_ids, "")
    samples = recording.read(info.name, unit_ids=np.asarray(unit_ids, np.int64))
    at, before = (np.isin(samples.ticks, told.ticks[moments]) for moments in (there, elsewhere))
    found = samples.data[at].mean(axis=0, dtype=np.float64) - samples.data[before].mean(axis=0, dtype=np.float64)
    assert samples.info.unit_ids is not None
    ordered: NDArray[np.float64] = found[np.searchsorted(samples.info.unit_ids, np.asarray(unit_ids, np.int64))]
    return ordered


def _values(
    recording: Recording, unit_ids: Sequence[int], start_tick: int, stop_tick: int, stream: str, vectors: bool = False
) -> tuple[tuple[int, ...], NDArray[np.float32]]:
    """Ids, ascending, and a row a tick."""
    info = _graded(recording, unit_ids, stream, vectors)
    if not recording.start_tick <= start_tick < stop_tick <= recording.stop_tick:
        raise SpecError(
            f"asked for ticks [{start_tick}, {stop_tick}) of another run; it was recorded over "
            f"[{recording.start_tick}, {recording.stop_tick})"
        )
    samples = recording.read(info.name, start_tick, stop_tick, np.asarray(unit_ids, np.int64))
    if len(samples) != stop_tick - start_tick:
        raise SpecError(
            f"asked for ticks [{start_tick}, {stop_tick}) of another run; of its stream {info.name!r} "
            f"{len(samples)} of {stop_tick - start_tick} samples were recorded"
        )
    assert samples.info.unit_ids is not None
    return tuple(samples.info.unit_ids.tolist()), samples.unpacked().astype(np.float32)


def _graded(recording: Recording, unit_ids: Sequence[int], name: str, vectors: bool = False) -> StreamInfo:
    """The stream asked for, or the first that has these units, graded before bits, vectors before those if wanted."""
    wanted = {int(u) for u in unit_ids}
    if not wanted:
        raise SpecError("asked for what no unit did; name units")
    having = [
        s
        for s in recording.header.streams
        if s.unit_ids is not None and s.ticks_per_sample == 1 and wanted <= set(s.unit_ids.tolist())
    ]
    if name:
        having = [s for s in having if s.name == name]
    else:
        possible = [s for s in having if s.kind is StreamKind.UNITS or (vectors and len(s.shape) > 1)]
        having = sorted(possible, key=lambda s: (len(s.shape) == 1, s.packed))
    if not having:
        there = ", ".join(s.name for s in recording.header.streams if s.unit_ids is not None) or "none of units"
        raise SpecError(
            f"asked for {len(wanted)} units of {f'stream {name!r}' if name else 'a recording'}; no stream of it has "
            f"all of them at every tick (there: {there})"
        )
    return having[0]
