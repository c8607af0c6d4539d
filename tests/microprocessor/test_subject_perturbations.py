"""Clamps and lesions through the subject, and electrodes over it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from rig.errors import SpecError
from rig.log import LogKind
from rig.perturbation import Perturbation, PerturbationKind
from rig.probe import Probe
from rig.session import Session
from rig.subject import Subject
from subjects.microprocessor import PLUGIN
from subjects.microprocessor.event_engine import EventEngine
from subjects.microprocessor.machine import Machine
from subjects.microprocessor.mos6502 import MOS6502
from subjects.microprocessor.netlist import Netlist

# pytest's importlib mode does not make other tests' folders importable
sys.path.insert(0, str(Path(__file__).parents[1] / "contract"))
from tiny_cartridge import tiny_cartridge

DRIVE, SILENCE, RELEASE = PerturbationKind.DRIVE, PerturbationKind.SILENCE, PerturbationKind.RELEASE
STUCK_ON, STUCK_OFF, REMOVE = PerturbationKind.STUCK_ON, PerturbationKind.STUCK_OFF, PerturbationKind.REMOVE
FIRST_TRANSISTOR = 10_000
NO_UNITS = np.empty(0, np.int64)


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory, mos6502_folder: Path) -> dict[str, str]:
    path = tmp_path_factory.mktemp("cartridges") / "tiny.bin"
    path.write_bytes(tiny_cartridge())
    return {"cartridge": str(path), "chip_dir": str(mos6502_folder)}


@pytest.fixture(scope="module")
def opened(options: dict[str, str]) -> Subject:
    return PLUGIN.open(options)


@pytest.fixture
def subject(opened: Subject) -> Iterator[Subject]:
    opened.reset(0)
    yield opened
    opened.close()


def run(subject: Subject, n_ticks: int, *perturbations: Perturbation) -> tuple[np.ndarray, np.ndarray]:
    """Node values (n_ticks, n_nodes) and bus words from tick 0 on."""
    subject.reset(0)
    subject.watch("nodes", None)
    subject.watch("bus", None)
    for perturbation in perturbations:
        subject.perturb(perturbation)
    chunks = subject.advance(n_ticks)
    rows = np.concatenate([c.data for c in chunks if c.stream == "nodes"])
    bus = np.concatenate([c.data for c in chunks if c.stream == "bus"])
    n_nodes = len(next(s for s in subject.streams if s.name == "nodes").unit_ids)
    return np.unpackbits(rows, axis=1, count=n_nodes, bitorder="little"), bus


def promised(netlist: Netlist) -> np.ndarray:
    """Ids of the nodes that the subject gives: live ones and the supplies."""
    return np.union1d(np.flatnonzero(netlist.live_nodes), (netlist.vss, netlist.vcc))


def column(netlist: Netlist, name: str) -> int:
    return int(np.searchsorted(promised(netlist), netlist.node_ids[name]))


def machine_rows(netlist: Netlist, n: int, row_mode: np.ndarray | None = None, at: int = 0) -> np.ndarray:
    """Node values of a bare machine, event by event; its transistors' modes are changed after `at` half-cycles."""
    machine = Machine(EventEngine(netlist, MOS6502), np.resize(np.frombuffer(tiny_cartridge(), np.uint8), 4096), {})
    machine.power_on(np.zeros(128, np.uint8))
    parts = [machine.run(at, machine.every_node).node_rows] if at else []
    if row_mode is not None:
        machine.engine.perturb(row_mode=row_mode)
    parts.append(machine.run(n - at, machine.every_node).node_rows)
    n_nodes = int(netlist.node_exists.sum())
    levels = np.unpackbits(np.concatenate(parts), axis=1, count=n_nodes, bitorder="little")
    return levels[:, np.searchsorted(np.flatnonzero(netlist.node_exists), promised(netlist))]


# ---- what cannot be done


@pytest.mark.parametrize("kind", [DRIVE, SILENCE, RELEASE, STUCK_ON])
@pytest.mark.parametrize("name", ["vss", "vcc"])
def test_a_supply_is_refused(subject: Subject, kind: PerturbationKind, name: str):
    with pytest.raises(SpecError, match=f"{name}; a supply"):
        subject.perturb(Perturbation(kind, (subject.units.id_of_name[name],), 5))


@pytest.mark.parametrize("kind", [STUCK_ON, STUCK_OFF, REMOVE])
def test_a_lesion_of_a_node_is_refused(subject: Subject, kind: PerturbationKind):
    transistor = FIRST_TRANSISTOR + 7
    with pytest.raises(SpecError, match="lesions are of transistors"):
        subject.perturb(Perturbation(kind, (subject.units.id_of_name["alu3"], transistor), 5))
    # and nothing of it was kept
    whole, _ = run(subject, 300)
    np.testing.assert_array_equal(whole, machine_rows(subject._netlist, 300))


# ---- nodes


def test_a_clamped_register_bit_shows_in_the_register(subject: Subject, mos6502: Netlist):
    bit = mos6502.node_ids["a6"]
    _, intact = run(subject, 900)
    _, clamped = run(subject, 900, Perturbation(DRIVE, (bit,), 200, 700))
    assert (clamped["a"][200:700] & 0x40 == 0x40).all()
    assert (intact["a"][200:700] & 0x40 == 0).any()
    np.testing.assert_array_equal(clamped[:200], intact[:200])


def test_a_clamped_data_pin_beats_the_board(subject: Subject, mos6502: Netlist):
    """What the board drives comes back when the clamp goes."""
    pin = mos6502.node_ids["db3"]
    _, bus = run(subject, 600, Perturbation(SILENCE, (pin,), 101, 301))
    reads = (bus["rw"] == 1) & (bus["clk0"] == 1)
    rom = np.frombuffer(tiny_cartridge(), np.uint8)
    on_cartridge = reads & (bus["address"] & 0x1000 != 0)
    sent = rom[bus["address"] & 0x7FF]
    ticks = np.arange(len(bus))
    inside = on_cartridge & (ticks >= 101) & (ticks < 301)
    outside = on_cartridge & ~inside
    np.testing.assert_array_equal(bus["data"][inside], sent[inside] & ~np.uint8(8))
    np.testing.assert_array_equal(bus["data"][outside], sent[outside])
    assert (sent[inside] & 8).any()


def test_a_clamped_ready_pin_beats_wsync(subject: Subject, mos6502: Netlist):
    ready = mos6502.node_ids["rdy"]
    nodes, bus = run(subject, 1500)
    assert (nodes[:, column(mos6502, "rdy")] == 0).any()
    held, _ = run(subject, 1500, Perturbation(DRIVE, (ready,), 0))
    assert (held[:, column(mos6502, "rdy")] == 1).all()
    # held low, the chip waits in a read and repeats it for as long
    _, bus = run(subject, 1500, Perturbation(SILENCE, (ready,), 500, 900))
    assert len(np.unique(bus["address"][510:900])) == 1
    assert len(np.unique(bus["address"][900:1000])) > 1


def test_a_released_ready_pin_is_as_the_board_left_it(subject: Subject, mos6502: Netlist):
    """The clamp ends in the middle of a wait that began under it."""
    ready = mos6502.node_ids["rdy"]
    nodes, _ = run(subject, 1500)
    low = np.flatnonzero(nodes[:, column(mos6502, "rdy")] == 0)
    start, middle = int(low[0]) - 20, int(low[0]) + 4
    nodes, _ = run(subject, 1500, Perturbation(DRIVE, (ready,), start, middle))
    level = nodes[:, column(mos6502, "rdy")]
    assert (level[start:middle] == 1).all()
    assert level[middle] == 0


def test_a_clamped_clock_stops_the_chip_but_not_the_board(subject: Subject, mos6502: Netlist):
    stop = Perturbation(SILENCE, (mos6502.node_ids["clk0"],), 1000)
    nodes, bus = run(subject, 3000, stop)
    assert (nodes[1001:] == nodes[1001]).all()
    assert (bus["clk0"][1000:] == 0).all()
    # without VSYNC the board ends a frame after its longest
    subject.watch("nodes", NO_UNITS)
    subject.watch("screen", None)
    frames = [c for c in subject.advance(200_000) if c.stream == "screen"]
    assert len([t for c in frames for t in c.ticks]) >= 3


def test_all_holds_at_once_are_one_change(subject: Subject, mos6502: Netlist):
    """Two nodes held from one tick on by two calls are two nodes held by one."""
    a, b = mos6502.node_ids["alu0"], mos6502.node_ids["idb2"]
    together, _ = run(subject, 600, Perturbation(SILENCE, (a, b), 300, 400))
    apart, _ = run(subject, 600, Perturbation(SILENCE, (b,), 300, 400), Perturbation(SILENCE, (a,), 300, 400))
    np.testing.assert_array_equal(together, apart)
    assert (together[300:400, [column(mos6502, "alu0"), column(mos6502, "idb2")]] == 0).all()


# ---- transistors


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_removed_transistors_equal_a_chip_made_without_them(subject: Subject, mos6502: Netlist, seed: int):
    rows = np.random.default_rng(seed).choice(mos6502.n_rows, 4, replace=False)
    units = tuple(int(FIRST_TRANSISTOR + row) for row in rows)
    found, _ = run(subject, 900, Perturbation(REMOVE, units, 0))
    stuck, _ = run(subject, 900, Perturbation(STUCK_OFF, units, 0))
    np.testing.assert_array_equal(found, stuck)
    mode = np.zeros(mos6502.n_rows, np.uint8)
    mode[rows] = 1
    np.testing.assert_array_equal(found, machine_rows(mos6502, 900, mode))


@pytest.mark.parametrize(("kind", "mode"), [(STUCK_ON, 2), (STUCK_OFF, 1)])
def test_lesions_take_effect_at_their_tick(subject: Subject, mos6502: Netlist, kind: PerturbationKind, mode: int):
    (row,) = (k for k, name in enumerate(mos6502.row_names) if name == "t1005")
    found, _ = run(subject, 900, Perturbation(kind, (FIRST_TRANSISTOR + row,), 333))
    modes = np.zeros(mos6502.n_rows, np.uint8)
    modes[row] = mode
    np.testing.assert_array_equal(found, machine_rows(mos6502, 900, modes, at=333))


def test_one_of_several_in_parallel_does_not_matter(subject: Subject, mos6502: Netlist):
    group = np.flatnonzero(mos6502.row_transistor == np.argmax(mos6502.multiplicity))
    assert len(group) > 2
    intact, _ = run(subject, 600)
    units = tuple(int(FIRST_TRANSISTOR + row) for row in group)
    np.testing.assert_array_equal(run(subject, 600, Perturbation(STUCK_OFF, units[:-1], 100))[0], intact)
    assert (run(subject, 600, Perturbation(STUCK_OFF, units, 100))[0] != intact).any()


def test_a_held_transistor_is_a_lesion_that_ends(subject: Subject, mos6502: Netlist):
    """Until its end it equals the lesion; a lesion under a hold stays."""
    (row,) = (k for k, name in enumerate(mos6502.row_names) if name == "t1005")
    unit = FIRST_TRANSISTOR + row
    stuck, _ = run(subject, 900, Perturbation(STUCK_ON, (unit,), 333))
    driven, _ = run(subject, 900, Perturbation(DRIVE, (unit,), 333, 600))
    intact, _ = run(subject, 900)
    np.testing.assert_array_equal(driven[:600], stuck[:600])
    assert (driven[333:600] != intact[333:600]).any()
    assert (driven[600:] != stuck[600:]).any()
    both, _ = run(subject, 900, Perturbation(STUCK_ON, (unit,), 333), Perturbation(SILENCE, (unit,), 400, 600))
    np.testing.assert_array_equal(both, stuck)


# ---- electrodes


@pytest.fixture
def session(options: dict[str, str]) -> Iterator[Session]:
    with Session("subjects.microprocessor:PLUGIN", options, installed_only=False) as session:
        yield session


def naive_field(subject: Subject, levels: np.ndarray, probe: Probe) -> np.ndarray:
    """(n_ticks, n_electrodes), from the formula in `rig.field`, a transistor at a time."""
    units = subject.units
    node_ids = next(s for s in subject.streams if s.name == "nodes").unit_ids.tolist()
    switched = np.abs(np.diff(levels.astype(np.int64), axis=0, prepend=levels[:1].astype(np.int64)))
    raw = np.zeros((len(levels), len(probe.electrodes)))
    for unit_id, signal_id, x, y, emits in zip(
        units.unit_id, units.signal_id, units.x.astype(float), units.y.astype(float), units.emits, strict=True
    ):
        if not emits:
            continue
        assert unit_id >= FIRST_TRANSISTOR
        activity = switched[:, node_ids.index(signal_id)]
        for e, (ex, ey, _) in enumerate(probe.electrodes):
            d2 = (x - ex) ** 2 + (y - ey) ** 2
            if d2 <= (4 * probe.sigma) ** 2:
                raw[:, e] += np.exp(-d2 / (2 * probe.sigma**2)) * activity
    padded = np.concatenate([np.zeros((3, raw.shape[1])), raw])
    return (padded[3:] + padded[2:-1] + padded[1:-2] + padded[:-3]) / 4


def test_electrodes_see_transistors_switch(session: Session):
    probe = Probe("A", ((1800.0, 1000.0, 0.0), (1800.0, 2600.0, 0.0), (3300.0, 2900.0, 0.0)), sigma=200.0)
    session.watch("nodes")
    session.add_probe(probe)
    chunks = [c for n in (1, 99, 300) for c in session.advance(n)]
    rows = np.concatenate([c.data for c in chunks if c.stream == "nodes"])
    field = np.concatenate([c.data for c in chunks if c.stream == "electrodes"])
    subject = session.subject
    n_nodes = len(next(s for s in subject.streams if s.name == "nodes").unit_ids)
    levels = np.unpackbits(rows, axis=1, count=n_nodes, bitorder="little")
    expected = naive_field(subject, levels, probe)
    np.testing.assert_allclose(field, expected, rtol=1e-4, atol=1e-4)
    assert (expected.std(axis=0) > 1).all()


def test_electrodes_do_not_need_the_nodes_watched(session: Session):
    """Only the gates that the electrodes can see are recorded, and the field is the same."""
    probe = Probe("A", ((1800.0, 1000.0, 0.0),), sigma=60.0)
    session.add_probe(probe)
    (alone,) = session.advance(300)
    session.reset(0)
    session.watch("nodes")
    together = [c for c in session.advance(300) if c.stream == "electrodes"]
    np.testing.assert_array_equal(alone.data, np.concatenate([c.data for c in together]))
    assert (field := session._montage.field) is not None
    assert 0 < len(field.source_ids) < 900


# ---- what does not come out the same compiled


def test_the_log_says_while_a_chip_runs_event_by_event(options: dict[str, str], opened: Subject):
    node = opened.units.id_of_name["alua2"]
    with Session("microprocessor", options) as session:
        session.perturb(Perturbation(DRIVE, (node,), 100, 300))
        session.advance(50)
        session.advance(100)
        session.advance(200)
        remarks = [(e.tick, e.payload["text"]) for e in session.log if e.kind is LogKind.REMARK]
    assert [(tick, bool(text)) for tick, text in remarks] == [(150, True), (350, False)]
    assert "event by event" in remarks[0][1]


def test_engine_compiled_refuses_what_is_not_exact_compiled(options: dict[str, str]):
    subject = PLUGIN.open({**options, "engine": "compiled"})
    ids = subject.units.id_of_name
    subject.perturb(Perturbation(DRIVE, (ids["a6"],), 10))
    with pytest.raises(
        SpecError, match=r"drive of alua2 with engine=compiled.* tick 50 .*open the chip with engine=auto"
    ):
        subject.perturb(Perturbation(DRIVE, (ids["alua2"],), 50, 60))
    subject.advance(70)
    assert subject.remark == ""
    np.testing.assert_array_equal(subject._machine.engine.clamp.nonzero()[0], [ids["a6"]])
