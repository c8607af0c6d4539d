"""Counts, rates and fields that the chip computes inside, beside the rig's own definitions on every node's samples."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import numpy as np
import pytest
from numpy.typing import NDArray

from rig.errors import SpecError
from rig.field import ElectrodeField
from rig.perturbation import Perturbation, PerturbationKind
from rig.probe import Probe
from rig.select import select
from rig.session import Session
from rig.spikes import SpikeDetector
from rig.streams import Chunk, Samples
from subjects.microprocessor.atari2600.cartridge import open_cartridge
from subjects.microprocessor.compiled.compiled_engine import CompiledEngine
from subjects.microprocessor.compiled.shared_recall import SharedRecall
from subjects.microprocessor.compiled.traces import Trace
from subjects.microprocessor.digest import MOST_BIN_TICKS, Digest, row_at
from subjects.microprocessor.drawn_chip import shipped_chip
from subjects.microprocessor.hs6502 import FILE_NAME, HS6502
from subjects.microprocessor.machine import Machine
from subjects.microprocessor.opening import open_microprocessor

STEPS = {"auto": (1, 2, 150, 151, 152, 153, 997, 40_000, 77, 60_001), "event": (1, 151, 152, 153, 700)}


def joined(chunks: Iterable[Chunk]) -> dict[str, NDArray[np.generic]]:
    """All samples of every stream."""
    found = defaultdict(list)
    for chunk in chunks:
        found[chunk.stream].append(chunk.data)
    return {name: np.concatenate(data) for name, data in found.items()}


def counted(session: Session, nodes: NDArray[np.uint8], bin_ticks: int) -> NDArray[np.int64]:
    """(n_bins, n_nodes) of whole bins from tick 0 on, by the rig's spikes."""
    info = session.streams["nodes"]
    spikes = SpikeDetector(info).spikes(Samples(info, np.arange(len(nodes)), nodes))
    counts = np.zeros((len(nodes) // bin_ticks + 1, info.n_channels), np.int64)
    np.add.at(counts, (spikes.ticks // bin_ticks, spikes.channels), 1)
    return counts[: len(nodes) // bin_ticks]


def two_probes(session: Session) -> list[Probe]:
    units = session.subject.units
    x, y = float(np.nanmean(units.x)), float(np.nanmean(units.y))
    shaft = tuple((x + 150.0 * k, y, 0.0) for k in range(9))
    return [Probe("A", shaft, sigma=200.0), Probe("B", ((x, y + 900.0, 0.0),), sigma=500.0)]


@pytest.mark.parametrize("engine", ["auto", "event"])
@pytest.mark.parametrize("bin_ticks", [1, 60, 152, 1000])
def test_all_of_it_equals_the_rigs(engine: str, bin_ticks: int) -> None:
    session = Session("microprocessor", {"cartridge": "vesper", "engine": engine, "bin": str(bin_ticks)}, 3)
    for name in ("nodes", "counts", "rates"):
        session.watch(name)
    session.set_probes(two_probes(session))
    held = (int(session.streams["nodes"].unit_ids[40]),)
    session.perturb(Perturbation(PerturbationKind.DRIVE, held, start_tick=333, stop_tick=533))
    found = joined(chunk for n in STEPS[engine] for chunk in session.advance(n))
    expected = counted(session, found["nodes"], bin_ticks)
    np.testing.assert_array_equal(found["counts"], expected)
    info, regions = session.streams["nodes"], session.streams["rates"].channel_names
    units = session.subject.units
    of_node = np.array([units.region[row].split("/")[0] for row in units.rows(info.unit_ids)])
    means = np.stack([expected[:, of_node == region].mean(axis=1) for region in regions], axis=1) / bin_ticks
    np.testing.assert_allclose(found["rates"], means, rtol=1e-6)
    field = ElectrodeField(info, units, session.probes)
    chunk = select(info, Chunk("nodes", 0, found["nodes"]), info.watching(field.source_ids))
    np.testing.assert_array_equal(found["electrodes"], field.process(chunk).data)
    assert found["counts"].any()
    assert found["electrodes"].any()
    session.close()


def test_a_bin_is_whole_whenever_watching_begins() -> None:
    """Also when the chip was put back into the middle of it, by a snapshot of one that nobody watched."""
    whole, late = (open_microprocessor({"cartridge": "vesper"}) for _ in range(2))
    whole.watch("counts", None)
    whole.watch("rates", None)
    expected = joined(whole.advance(60_000))
    late.advance(50_123)
    snapshot = late.snapshot()
    late.advance(4000)
    late.restore(snapshot)
    late.watch("counts", None)
    late.watch("rates", None)
    chunks = late.advance(60_000 - 50_123)
    first = 50_123 // 152
    assert chunks[0].first_tick == first * 152
    for name, data in joined(chunks).items():
        np.testing.assert_array_equal(data, expected[name][first:])


def test_a_rerun_where_frames_end_faster_than_they_can_be_kept() -> None:
    """With room for one frame the machine stops at the end of each, in the middle of a bin that nobody watched."""
    whole, short = (open_microprocessor({"cartridge": "vesper", "bin": "1000"}) for _ in range(2))
    engine = CompiledEngine(short._netlist, HS6502)
    short._machine = Machine(engine, open_cartridge("vesper").image, {}, n_frame_slots=1)
    short.reset(0)
    whole.watch("counts", None)
    whole.watch("screen", None)
    short.watch("screen", None)
    chunks = [short.advance(n) for n in (100_500, 99_900)]
    assert sum(len(c) for given in chunks for c in given) == 5, (
        "it must have stopped on the way, or this proves nothing"
    )
    short.watch("counts", None)
    expected = joined(whole.advance(210_000))["counts"]
    np.testing.assert_array_equal(joined(short.advance(210_000 - 200_400))["counts"], expected[200:])


def test_rows_of_states_that_are_about_to_go_are_kept() -> None:
    """Of so few states that are recalled, each may be gone before the trace is read."""
    drawn = shipped_chip(HS6502, FILE_NAME)
    engine = CompiledEngine(drawn.netlist, drawn.chip)
    engine._shared = SharedRecall(engine.code, 1 << 12)
    engine.recall = engine._shared.recall
    machine = Machine(engine, open_cartridge("vesper").image, {})
    machine.power_on(np.zeros(128, np.uint8))
    machine.run(60_000)
    run = machine.run(20_000, machine.every_node, traced=True)
    assert run.trace is not None
    assert run.node_rows is not None
    assert run.n > 1000
    last = 8 * run.node_rows.shape[1]
    rows = np.stack([row_at(run.trace, k) for k in range(run.n)]).view(np.uint8)
    found = np.unpackbits(rows, axis=1, bitorder="little")[:, : len(machine.every_node)]
    expected = np.unpackbits(run.node_rows, axis=1, bitorder="little", count=last)[:, : len(machine.every_node)]
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("n_ticks", [511, 2000, MOST_BIN_TICKS])
def test_long_bins_of_a_node_that_spikes_all_the_time(n_ticks: int) -> None:
    """More spikes than the counters hold between two flushes."""
    digest = Digest([""] * 70, n_ticks)
    rows = np.zeros((n_ticks, 2), np.uint64)
    rows[1::2, 0], rows[1::2, 1] = 1 << 5, 1 << 3
    trace = Trace(np.zeros(n_ticks, np.int64), rows, np.zeros((1, 2), np.uint64))
    counts, _ = digest.follow(trace, 0)
    expected = np.zeros((1, 70))
    expected[0, [5, 67]] = n_ticks // 2
    np.testing.assert_array_equal(counts, expected)


@pytest.mark.parametrize("bin_ticks", ["0", "x", "-3", "65537", "1.5"])
def test_bins_that_cannot_be(bin_ticks: str) -> None:
    with pytest.raises(SpecError, match=rf"asked for bin={bin_ticks}; it must be a number of half-cycles from 1"):
        open_microprocessor({"bin": bin_ticks})
