"""Local field potentials: one definition for every subject.

    activity_u[t] = |x_u[t] − x_u[t − 1]|                      switching, for a unit that is on or off
    raw_e[t]      = Σ_u  w(u, e) activity_u[t]                 w = exp(−d² / 2σ²), 0 beyond 4σ
    field_e[t]    = (raw_e[t] + raw_e[t−1] + raw_e[t−2] + raw_e[t−3]) / 4

after Jonas & Kording 2017 (PLoS Comput Biol 13(1): e1005268), Fig 8: switching under a spatial Gaussian, low-passed
over four timesteps. Weights of units that are on or off are rounded to multiples of a power of two, so fine that it
hardly changes them (by 1/16000 at most where they add up to 1000), and so coarse that sums of them are exact, in
whatever order. u runs over the units that emit (`UnitTable.emits`), x_u is the sample of the unit's signal
(`UnitTable.signal_id`): the transistors of a chip emit, their gates carry the signal. Before the probe was put in,
nothing switched.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numba import njit
from numpy.typing import NDArray

from rig.blobs import pack_blobs, unpack_blobs
from rig.errors import SpecError
from rig.probe import Probe
from rig.streams import Chunk, StreamInfo, StreamKind
from rig.units import UnitTable

FIELD_STREAM = "electrodes"
RAW_STREAM = "electrodes.raw"  # between subject and field; nobody else sees it
HISTORY_SAMPLES = 4  # a field sample depends on this many samples before it
CUTOFF_SIGMAS = 4.0


@runtime_checkable
class SumsChanges(Protocol):
    """A subject that computes raw_e itself, faster than it gives the samples from which it could be computed."""

    def sum_changes(self, unit_ids: NDArray[np.int64], weights: NDArray[np.float32] | None) -> None:
        """Give chunks of RAW_STREAM from now on.

        Parameters
        ----------
        unit_ids : of the activity stream
        weights : (n_units, n_electrodes), whose sums are exact; None: no more
        """
        ...


class ElectrodeField:
    """Computes the stream ``electrodes`` of some probes from chunks of a stream of units.

    Parameters
    ----------
    source : the whole stream of unit activity (regular, with unit_ids)
    units : the subject's
    probes : at least one

    Attributes
    ----------
    probes : as given
    info, raw_info : of the stream, and of what a subject gives that `SumsChanges`
    source_name, source_ids : what it is computed from
    weights : (n_source_ids, n_electrodes) float32
    """

    def __init__(self, source: StreamInfo, units: UnitTable, probes: Sequence[Probe]) -> None:
        if source.ticks_per_sample is None or source.unit_ids is None:
            raise SpecError(f"asked for electrodes on stream {source.name!r}; they need a regular stream of units")
        per_unit = np.concatenate([p.weights(units, radius=CUTOFF_SIGMAS * p.sigma) for p in probes], axis=1)
        per_unit[~units.emits] = 0
        per_signal = np.zeros((len(units), per_unit.shape[1]), np.float64)
        np.add.at(per_signal, units.rows(units.signal_id), per_unit)
        per_channel = per_signal[units.rows(source.unit_ids)].astype(np.float32)
        seen = (per_channel != 0).any(axis=1)
        if not seen.any():
            raise SpecError(
                f"asked for probe {', '.join(p.name for p in probes)}; no unit of {source.name!r} lies within 4 sigma "
                "of it: move it or widen sigma"
            )
        self.probes = tuple(probes)
        self.source_name = source.name
        self.source_ids: NDArray[np.int64] = source.unit_ids[seen]
        weights = np.ascontiguousarray(per_channel[seen])
        self.weights = exact_weights(weights) if source.packed else weights
        self._packed = source.packed
        self._source_dtype = source.dtype
        n_electrodes = self.weights.shape[1]
        self.raw_info = StreamInfo(
            name=RAW_STREAM,
            description="field before it is low-passed",
            kind=StreamKind.FIELD,
            dtype=np.dtype(np.float32),
            shape=(n_electrodes,),
            ticks_per_sample=source.ticks_per_sample,
        )
        self.info = StreamInfo(
            name=FIELD_STREAM,
            description=(
                f"field of {len(self.source_ids)} units of {source.name}: |change| under a Gaussian (cut at 4 sigma), "
                "mean of 4 samples"
            ),
            kind=StreamKind.FIELD,
            dtype=np.dtype(np.float32),
            shape=(n_electrodes,),
            ticks_per_sample=source.ticks_per_sample,
            channel_names=tuple(name for p in probes for name in p.channel_names),
            channel_xyz=np.concatenate([np.asarray(p.electrodes, np.float32) for p in probes]),
        )
        self._previous: NDArray[np.generic] | None = None
        self._raw = np.zeros((HISTORY_SAMPLES - 1, n_electrodes), np.float32)

    def process(self, chunk: Chunk) -> Chunk:
        """Field samples of the chunk, which must follow the one before and hold exactly `source_ids`."""
        n = len(chunk)
        if n == 0:
            return Chunk(FIELD_STREAM, chunk.first_tick, np.empty((0, *self.info.shape), np.float32))
        data = chunk.data
        previous = data[0] if self._previous is None or self._previous.size == 0 else self._previous
        raw = np.empty((HISTORY_SAMPLES - 1 + n, self.weights.shape[1]), np.float32)
        raw[: HISTORY_SAMPLES - 1] = self._raw
        if self._packed:
            _raw_of_bits(data, previous, self.weights, raw[HISTORY_SAMPLES - 1 :])
        else:
            values = data.reshape(n, -1).astype(np.float32)
            _raw_of_values(values, np.asarray(previous).reshape(-1).astype(np.float32), self.weights, raw[3:])
        self._previous = data[-1].copy()
        return self._low_passed(chunk.first_tick, raw)

    def process_raw(self, chunk: Chunk) -> Chunk:
        """The same from a chunk of RAW_STREAM."""
        raw = np.concatenate([self._raw, chunk.data])
        if len(chunk) and self._previous is None:
            raw[HISTORY_SAMPLES - 1] = 0
            self._previous = np.zeros(0, self._source_dtype)
        return self._low_passed(chunk.first_tick, raw)

    def _low_passed(self, first_tick: int, raw: NDArray[np.float32]) -> Chunk:
        """Samples from raw ones, with those before them in front."""
        self._raw = raw[-HISTORY_SAMPLES + 1 :].copy()
        field = np.empty((len(raw) - HISTORY_SAMPLES + 1, raw.shape[1]), np.float32)
        _mean_of_four(raw, field)
        return Chunk(FIELD_STREAM, first_tick, field)

    def state(self) -> bytes:
        """What the next sample depends on."""
        began = self._previous is not None
        previous = b"" if self._previous is None else np.ascontiguousarray(self._previous).tobytes()
        return pack_blobs({"began": b"\1" * began, "previous": previous, "raw": self._raw.tobytes()})

    def set_state(self, state: bytes) -> None:
        blobs = unpack_blobs(state)
        self._raw = np.frombuffer(blobs["raw"], np.float32).reshape(self._raw.shape).copy()
        self._previous = np.frombuffer(blobs["previous"], self._source_dtype).copy() if blobs["began"] else None

    def clear(self) -> None:
        """Forget the past: the next chunk is the first."""
        self._previous = None
        self._raw[:] = 0


def exact_weights(weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rounded so that the sum of any of the units' weights is a float32 without rounding."""
    most = float(np.abs(weights).sum(axis=0, dtype=np.float64).max())
    quantum = 2.0 ** (math.ceil(math.log2(most)) - 23) if most > 0 else 1.0
    return (np.round(weights / quantum) * quantum).astype(np.float32)


@njit(cache=True, nogil=True)
def _mean_of_four(raw, field):  # type: ignore[no-untyped-def]
    """In one fixed order of addition, so that the division into chunks cannot be seen."""
    quarter = np.float32(0.25)
    for t in range(len(field)):
        for e in range(field.shape[1]):
            field[t, e] = (((raw[t + 3, e] + raw[t + 2, e]) + raw[t + 1, e]) + raw[t, e]) * quarter


@njit(cache=True, nogil=True)
def _raw_of_bits(data, previous, weights, raw):  # type: ignore[no-untyped-def]
    """raw[t] = Σ weights[c] over the bits c that differ from the sample before; bytes that agree are passed over."""
    n, n_bytes = data.shape
    n_channels, n_electrodes = weights.shape
    for t in range(n):
        for e in range(n_electrodes):
            raw[t, e] = 0
        for b in range(n_bytes):
            changed = np.int64(data[t, b]) ^ np.int64(data[t - 1, b] if t else previous[b])
            c = b * 8
            while changed:
                if changed & 1 and c < n_channels:
                    for e in range(n_electrodes):
                        raw[t, e] += weights[c, e]
                changed >>= 1
                c += 1


@njit(cache=True, nogil=True)
def _raw_of_values(data, previous, weights, raw):  # type: ignore[no-untyped-def]
    n, n_channels = data.shape
    n_electrodes = weights.shape[1]
    for t in range(n):
        for e in range(n_electrodes):
            raw[t, e] = 0
        for c in range(n_channels):
            change = abs(data[t, c] - (data[t - 1, c] if t else previous[c]))
            if change != 0:
                for e in range(n_electrodes):
                    raw[t, e] += weights[c, e] * change
