"""The electrode field against its definition written out in numpy, and against itself over any division of time."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rig.errors import SpecError
from rig.field import ElectrodeField
from rig.probe import Probe
from rig.session import Session
from rig.streams import Chunk, StreamInfo, StreamKind
from rig.units import UnitTable


def table(n: int, rng: np.random.Generator) -> UnitTable:
    """n units that carry signals, and 2n that emit with the signals of others (like transistors of gates)."""
    ids = np.arange(3 * n)
    return UnitTable.build(
        ids,
        [f"u{i}" for i in ids],
        x=rng.uniform(0, 1000, 3 * n),
        y=rng.uniform(0, 1000, 3 * n),
        signal_id=np.concatenate([np.arange(n), rng.integers(0, n, 2 * n)]),
        emits=ids >= n,
    )


def stream(n: int, *, packed: bool) -> StreamInfo:
    shape, dtype = (((n + 7) // 8,), np.uint8) if packed else ((n,), np.float32)
    return StreamInfo("x", "", StreamKind.UNITS, np.dtype(dtype), shape, 1, np.arange(n), packed)


def by_definition(x: np.ndarray, units: UnitTable, probe: Probe) -> np.ndarray:
    """(n_samples, n_electrodes) float64, loops where the definition has sums."""
    out = np.zeros((len(x), len(probe.electrodes)))
    change = np.abs(np.diff(x.astype(float), axis=0, prepend=x[:1].astype(float)))
    for e, (ex, ey, _) in enumerate(probe.electrodes):
        raw = np.zeros(len(x))
        for u in range(len(units)):
            d = np.hypot(units.x[u] - ex, units.y[u] - ey)
            if units.emits[u] and d <= 4 * probe.sigma:
                raw += np.exp(-(d**2) / (2 * probe.sigma**2)) * change[:, units.signal_id[u]]
        out[:, e] = [raw[max(t - 3, 0) : t + 1].sum() / 4 for t in range(len(x))]
    return out


@pytest.mark.parametrize("packed", [True, False])
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 999), n=st.integers(1, 40), cuts=st.lists(st.integers(0, 30), max_size=5))
def test_field_is_its_definition_however_it_is_divided(packed, seed, n, cuts):
    rng = np.random.default_rng(seed)
    units = table(n, rng)
    probe = Probe("A", ((100.0, 200.0, 0.0), (800.0, 700.0, 0.0)), sigma=300.0)
    x = rng.integers(0, 2, (30, n)).astype(np.uint8) if packed else rng.normal(size=(30, n)).astype(np.float32)
    data = np.packbits(x, axis=1, bitorder="little") if packed else x
    field = ElectrodeField(stream(n, packed=packed), units, [probe])
    seen = np.isin(np.arange(n), field.source_ids)
    shown = np.packbits(x[:, seen], axis=1, bitorder="little") if packed else x[:, seen]
    assert data.shape[0] == shown.shape[0]
    whole = field.process(Chunk("x", 0, np.ascontiguousarray(shown))).data
    field.clear()
    edges = sorted({0, 30, *cuts})
    parts = []
    for a, b in itertools.pairwise(edges):
        parts.append(field.process(Chunk("x", a, np.ascontiguousarray(shown[a:b]))).data)
        other = ElectrodeField(stream(n, packed=packed), units, [probe])
        other.set_state(field.state())  # what is kept is all that the next sample needs
        field = other
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    np.testing.assert_allclose(whole, by_definition(x, units, probe), rtol=1e-4, atol=1e-4)


def test_a_probe_that_sees_nothing_is_refused():
    with Session("model-cell") as session, pytest.raises(SpecError, match="move it or widen sigma"):
        session.add_probe(Probe("A", ((1e6, 0.0, 0.0),), sigma=10.0))


def test_a_probe_needs_no_watching():
    """Electrodes see all units, watched or not."""
    probe = Probe("A", ((0.0, 0.0, 0.0),), sigma=500.0)
    seen = []
    for watched in (None, [103], []):
        with Session("model-cell") as session:
            session.watch("spikes", watched)
            session.add_probe(probe)
            seen.append(next(c.data for c in session.advance(200) if c.stream == "electrodes"))
    np.testing.assert_array_equal(seen[0], seen[1])
    np.testing.assert_array_equal(seen[0], seen[2])
    assert np.ptp(seen[0]) > 0
