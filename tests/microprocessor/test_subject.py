"""The microprocessor as a subject: opening it, what it says of itself, its streams and its controls."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from rig.errors import AssetError, HeadstageError, SpecError
from rig.perturbation import Perturbation, PerturbationKind
from rig.selection import select_units
from rig.subject import ControlValue, Subject
from rig.units import UnitTable
from subjects.microprocessor import PLUGIN
from subjects.microprocessor.cartridges.names import GAMES
from subjects.microprocessor.event_engine import EventEngine
from subjects.microprocessor.machine import CYCLES_TO_FIRST_FETCH, Machine
from subjects.microprocessor.mos6502 import MOS6502
from subjects.microprocessor.netlist import Netlist

# pytest's importlib mode does not make other tests' folders importable
sys.path.insert(0, str(Path(__file__).parents[1] / "contract"))
from tiny_cartridge import LOOP, tiny_cartridge


@pytest.fixture(scope="module")
def cartridge(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cartridges") / "tiny.bin"
    path.write_bytes(tiny_cartridge())
    return path


@pytest.fixture(scope="module")
def options(cartridge: Path, mos6502_folder: Path) -> dict[str, str]:
    return {"cartridge": str(cartridge), "chip_dir": str(mos6502_folder)}


@pytest.fixture(scope="module")
def opened(options: dict[str, str]) -> Subject:
    return PLUGIN.open(options)


@pytest.fixture
def subject(opened: Subject) -> Iterator[Subject]:
    opened.reset(0)
    yield opened
    opened.close()


def watched(subject: Subject, stream: str, n_ticks: int) -> np.ndarray:
    subject.watch(stream, None)
    return np.concatenate([c.data for c in subject.advance(n_ticks) if c.stream == stream])


# ---- opening


def test_the_plugin_opens_what_was_installed(
    cartridge: Path, mos6502_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HEADSTAGE_DATA", str(tmp_path))
    assert len(PLUGIN.open({"cartridge": str(cartridge)}).advance(10)) == 0  # Headstage's own is always there
    with pytest.raises(AssetError, match="headstage install mos6502"):
        PLUGIN.open({"chip": "mos6502", "cartridge": str(cartridge)})
    told: list[str] = []
    (asset,) = PLUGIN.assets
    asset.install(mos6502_folder, told.append)
    assert "noncommercial" in "\n".join(told).lower()
    subject = PLUGIN.open({"chip": "mos6502", "cartridge": str(cartridge)})
    assert len(subject.advance(10)) == 0


@pytest.mark.parametrize(
    ("changed", "error", "said"),
    [
        ({"cartridge": ""}, AssetError, "cartridge=space_invaders"),
        ({"cartridge": "none"}, AssetError, "cartridge=space_invaders"),
        ({"cartridge": "/no/such/game.bin"}, AssetError, "/no/such/game.bin"),
        ({"chip": "z80"}, SpecError, "mos6502"),
        ({"engine": "steam"}, SpecError, "event"),
        ({"tv": "pal"}, SpecError, "ntsc"),
        ({"chip_dir": "/no/such/folder"}, AssetError, "/no/such/folder"),
    ],
)
def test_what_cannot_be_opened_says_why(
    options: dict[str, str], changed: dict[str, str], error: type[HeadstageError], said: str
):
    with pytest.raises(error) as raised:
        PLUGIN.open({**options, **changed})
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("n_bytes", [0, 1, 2047, 8192])
def test_cartridges_of_another_size_are_refused(options: dict[str, str], tmp_path: Path, n_bytes: int):
    (tmp_path / "wrong.bin").write_bytes(bytes(n_bytes))
    with pytest.raises(AssetError, match="2048 or 4096"):
        PLUGIN.open({**options, "cartridge": str(tmp_path / "wrong.bin")})


@pytest.mark.parametrize("name", ["transdefs.js", "segdefs.js", "nodenames.js"])
def test_a_corrupt_netlist_is_refused(options: dict[str, str], mos6502_folder: Path, tmp_path: Path, name: str):
    for file in mos6502_folder.glob("*.js"):
        shutil.copyfile(file, tmp_path / file.name)
    text = (tmp_path / name).read_text()
    (tmp_path / name).write_text(text[: len(text) // 2])
    with pytest.raises(AssetError, match=name):
        PLUGIN.open({**options, "chip_dir": str(tmp_path)})


def test_options_have_the_defaults_that_are_shown(opened: Subject):
    from subjects.microprocessor.opening import DEFAULTS

    assert {option.name: option.default for option in PLUGIN.options} == DEFAULTS


# ---- what it says of itself


def test_info_names_source_and_licence(opened: Subject):
    info = opened.info
    assert "CC BY-NC-SA 3.0" in info.licence
    assert "Greg James" in info.licence
    assert "visual6502" in info.source.lower()
    assert "tiny" in info.name
    assert info.tick_hz == pytest.approx(2 * 1.193182e6, rel=1e-6)
    assert info.space == "um"


def test_fingerprint_is_of_netlist_and_cartridge_not_of_where_they_lie(
    opened: Subject, options: dict[str, str], mos6502_folder: Path, tmp_path: Path
):
    for file in mos6502_folder.glob("*.js"):
        shutil.copyfile(file, tmp_path / file.name)
    (tmp_path / "moved.bin").write_bytes(tiny_cartridge())
    moved = {"chip_dir": str(tmp_path), "cartridge": str(tmp_path / "moved.bin")}
    assert PLUGIN.open(moved).info.fingerprint == opened.info.fingerprint
    lines = (tmp_path / "transdefs.js").read_text().splitlines()
    del lines[next(k for k, line in enumerate(lines) if line.startswith("['t100',"))]
    (tmp_path / "transdefs.js").write_text("\n".join(lines))
    assert PLUGIN.open(moved).info.fingerprint != opened.info.fingerprint


def test_units_are_nodes_and_drawn_transistors(opened: Subject, mos6502: Netlist):
    units: UnitTable = opened.units
    nodes = np.flatnonzero(mos6502.node_exists)
    n = len(nodes)
    assert units.unit_id[:n].tolist() == nodes.tolist()
    assert units.unit_id[n:].tolist() == list(range(10_000, 13_510))
    assert set(units.kind[:n]) == {"node"}
    assert set(units.kind[n:]) == {"transistor"}
    assert units.signal_id[:n].tolist() == nodes.tolist()
    assert units.signal_id[n:].tolist() == mos6502.row_gate.tolist()
    assert not units.emits[:n].any()
    assert units.emits[n:].all()
    for column, ends in (("gate", mos6502.row_gate), ("c1", mos6502.row_c1), ("c2", mos6502.row_c2)):
        assert (units.extra[column][:n] == -1).all()
        np.testing.assert_array_equal(units.extra[column][n:], ends)
    assert all(units.region)


def test_every_name_of_a_node_leads_to_it(opened: Subject, mos6502: Netlist):
    units = opened.units
    names = dict(zip(units.unit_id.tolist(), units.name, strict=True))
    aliases = dict(zip(units.unit_id.tolist(), units.extra["aliases"].tolist(), strict=True))
    for name, node in mos6502.node_ids.items():
        assert name in [names[node], *aliases[node].split()]
    assert names[1119] == "p4"
    assert names[1227] == "~pclp0"  # not #pclp0, which a selection would take for a number
    assert names[2] == "n2"
    # four transistors bear names of nodes (timing states)
    assert units.id_of_name["t2"] == mos6502.node_ids["t2"]
    assert units.id_of_name["t2.transistor"] == 10_002
    assert units.id_of_name["t3509"] == 13_509
    assert select_units("~pclp0,sync", units).tolist() == [539, 1227]


def test_units_lie_on_the_die(opened: Subject, mos6502: Netlist):
    units = opened.units
    placed = np.isfinite(units.x) & np.isfinite(units.y)
    assert units.unit_id[~placed].tolist() == sorted((mos6502.vss, mos6502.vcc))
    assert np.isnan(units.z).all()
    # the die is 3.9 by 4.3 mm
    assert 3500 < np.ptp(units.x[placed]) < 3900
    assert 3900 < np.ptp(units.y[placed]) < 4300
    row = int(units.rows([10_042])[0])
    x0, x1, y0, y1 = mos6502.row_bounds[42] * MOS6502.um_per_unit
    assert (units.x[row], units.y[row]) == pytest.approx(((x0 + x1) / 2, (y0 + y1) / 2), rel=1e-6)


def test_outlines_hold_their_units(opened: Subject):
    units, outlines = opened.units, opened.units.outlines
    assert outlines is not None
    assert set(outlines.unit_id.tolist()) == set(units.unit_id.tolist())
    (k,) = np.flatnonzero(outlines.unit_id == 10_042)
    corners = outlines.vertices[outlines.start[k] : outlines.start[k + 1]]
    row = int(units.rows([10_042])[0])
    np.testing.assert_allclose(corners.mean(axis=0), (units.x[row], units.y[row]), rtol=1e-6)
    assert outlines.layer[k] > outlines.layer[outlines.unit_id < 10_000].max()


# ---- streams


def naive_half_cycles(machine: Machine, n: int) -> np.ndarray:
    """The machine's loop restated in Python over the engine's and the board's own functions."""
    from subjects.microprocessor.atari2600.board import begin_cycle, bus_cycle
    from subjects.microprocessor.event_kernels import clock_edge, force_data, read_address, read_data, set_pin

    engine = machine.engine
    circuit, ports, rdy = engine.circuit, engine.ports, engine.netlist.node_ids["rdy"]
    rows = []
    for k in range(n):
        clock_edge(circuit, ports)
        if k % 2 == 0:
            set_pin(circuit, rdy, begin_cycle(machine.board))
        else:
            reads = bool(engine.values[engine.netlist.node_ids["rw"]])
            address, data = read_address(circuit, ports), read_data(circuit, ports)
            data = bus_cycle(machine.board, machine._rom, machine._frames, address, reads, data)
            if reads:
                force_data(circuit, ports, data)
            set_pin(circuit, rdy, int(machine.board["rdy"][0]))
        rows.append(engine.values[engine.netlist.node_exists])
    return np.array(rows)


def test_nodes_are_those_of_engine_and_board_run_by_hand(subject: Subject, mos6502: Netlist):
    image = np.resize(np.frombuffer(tiny_cartridge(), np.uint8), 4096)
    machine = Machine(EventEngine(mos6502, MOS6502), image, {})
    machine.power_on(np.zeros(128, np.uint8))
    n = 1500  # two frames, three WSYNCs
    expected = naive_half_cycles(machine, n)
    rows = watched(subject, "nodes", n)
    ids = next(s for s in subject.streams if s.name == "nodes").unit_ids
    promised = expected[:, np.searchsorted(np.flatnonzero(mos6502.node_exists), ids)]
    np.testing.assert_array_equal(np.unpackbits(rows, axis=1, count=len(ids), bitorder="little"), promised)
    waiting = expected[:, np.searchsorted(np.flatnonzero(mos6502.node_exists), mos6502.node_ids["rdy"])] == 0
    assert 0 < waiting.sum() < n


def test_bus_is_decoded_from_nodes(subject: Subject, mos6502: Netlist):
    subject.watch("bus", None)
    subject.watch("nodes", None)
    chunks = subject.advance(1200)
    nodes = np.concatenate([c.data for c in chunks if c.stream == "nodes"])
    bus = np.concatenate([c.data for c in chunks if c.stream == "bus"])
    ids = next(s for s in subject.streams if s.name == "nodes").unit_ids.tolist()
    level = np.unpackbits(nodes, axis=1, count=len(ids), bitorder="little")

    def number(names: list[str]) -> np.ndarray:
        return sum(level[:, ids.index(mos6502.node_ids[n])].astype(int) << k for k, n in enumerate(names))

    def bits(stem: str, n: int = 8) -> list[str]:
        return [f"{stem}{k}" for k in range(n)]

    expected = {
        "address": number(bits("ab", 16)),
        "data": number(bits("db")),
        "pc": number(bits("pcl") + bits("pch")),
        "ir": 255 - number(bits("notir")),
        "p": number(bits("p", 5)) | number(["p6", "p7"]) << 6,
        **{name: number(bits(name)) for name in "axys"},
        **{name: number([name]) for name in ("rw", "sync", "clk0")},
    }
    assert set(bus.dtype.names) == set(expected)
    for name, values in expected.items():
        np.testing.assert_array_equal(bus[name], values, err_msg=name)
    assert bus["clk0"][:4].tolist() == [0, 1, 0, 1]


def test_bus_shows_the_program(subject: Subject):
    """From the reset vector on, the instructions fetched are those written on the cartridge."""
    bus = watched(subject, "bus", 700)
    fetched = bus[(bus["sync"] == 1) & (bus["clk0"] == 1)][1:]  # the first is the interrupted power-up's own
    assert fetched["address"][:5].tolist() == [0xF000, 0xF001, 0xF003, LOOP, LOOP + 2]
    rom = np.frombuffer(tiny_cartridge(), np.uint8)
    np.testing.assert_array_equal(fetched["data"], rom[fetched["address"] & 0x7FF])
    writes = bus[(bus["rw"] == 0) & (bus["clk0"] == 1)]
    assert [(int(w["address"]), int(w["data"])) for w in writes[:3]] == [(0, 2), (0, 0), (0x80, 0xFF)]


def test_frames_carry_the_tick_that_ended_them(subject: Subject):
    for stream in ("bus", "screen", "ram"):
        subject.watch(stream, None)
    chunks = subject.advance(2500)
    bus = np.concatenate([c.data for c in chunks if c.stream == "bus"])
    ends = np.flatnonzero((bus["rw"] == 0) & (bus["clk0"] == 1) & (bus["address"] == 0) & (bus["data"] == 0))
    for name in ("screen", "ram"):
        assert [int(t) for c in chunks if c.stream == name for t in c.ticks] == ends.tolist()
    ram = np.concatenate([c.data for c in chunks if c.stream == "ram"])
    assert ram[:, 3].tolist() == list(range(len(ends)))  # the program counts its frames
    assert len(ends) >= 4


def test_a_game_of_ours_tells_its_variables(mos6502_folder: Path):
    subject = PLUGIN.open({"chip_dir": str(mos6502_folder)})
    assert subject.info.options["cartridge"] == GAMES[0]
    assert "MIT" in subject.info.licence
    info = next(stream for stream in subject.streams if stream.name == "game")
    for stream in ("ram", "game"):
        subject.watch(stream, None)
    chunks = subject.advance(50_000)  # power-on and a frame
    (ram, ram_ticks), (game, ticks) = (
        (np.concatenate([c.data for c in found]), np.concatenate([c.ticks for c in found]))
        for found in ([c for c in chunks if c.stream == name] for name in ("ram", "game"))
    )
    assert ticks.tolist() == ram_ticks.tolist()
    assert np.diff(ticks).tolist() == [2 * 262 * 76]
    channel = {name: k for k, name in enumerate(info.channel_names)}
    np.testing.assert_array_equal(game[:, channel["frame"]], ram[:, 0])
    np.testing.assert_array_equal(game[:, channel["lives"]], [2, 2])


def test_what_a_game_of_others_keeps_where_is_not_known(subject: Subject):
    assert "game" not in [stream.name for stream in subject.streams]


def test_many_frames_in_one_advance_are_all_there(subject: Subject):
    ram = watched(subject, "ram", 40_000)
    assert ram[:, 3].tolist() == [k % 256 for k in range(len(ram))]
    assert len(ram) > 50


def test_seed_is_what_ram_holds_at_power_on(subject: Subject):
    first = watched(subject, "ram", 600)[0]
    assert (first == 0).all()
    images = []
    for seed in (1, 2, -5):
        subject.reset(seed)
        image = watched(subject, "ram", 600)[0]
        assert len(np.unique(image)) > 60
        images.append(image.tobytes())
    assert len(set(images)) == 3


# ---- controls

SWCHA, SWCHB, INPT4 = 0, 1, 2  # where the program puts what it reads


@pytest.mark.parametrize(
    ("control", "value", "place", "mask", "level"),
    [
        ("stick_right", True, SWCHA, 0x80, 0),
        ("stick_left", True, SWCHA, 0x40, 0),
        ("stick_down", True, SWCHA, 0x20, 0),
        ("stick_up", True, SWCHA, 0x10, 0),
        ("right_stick_right", True, SWCHA, 0x08, 0),
        ("right_stick_left", True, SWCHA, 0x04, 0),
        ("right_stick_down", True, SWCHA, 0x02, 0),
        ("right_stick_up", True, SWCHA, 0x01, 0),
        ("fire", True, INPT4, 0x80, 0),
        ("reset", True, SWCHB, 0x01, 0),
        ("select", True, SWCHB, 0x02, 0),
        ("color", False, SWCHB, 0x08, 0),
        ("difficulty_left", "A", SWCHB, 0x40, 1),
        ("difficulty_right", "A", SWCHB, 0x80, 1),
    ],
)
def test_a_control_changes_its_bit_alone(
    subject: Subject, control: str, value: ControlValue, place: int, mask: int, level: int
):
    default = next(c.default for c in subject.controls if c.name == control)
    before = watched(subject, "ram", 1600)[-1, :3]
    subject.set_control(control, value)
    held = watched(subject, "ram", 1600)[-1, :3]
    subject.set_control(control, default)
    after = watched(subject, "ram", 1600)[-1, :3]
    assert bool(held[place] & mask) == bool(level)
    expected = before.copy()
    expected[place] ^= mask
    assert held.tolist() == expected.tolist()
    assert after.tolist() == before.tolist()
    assert (before[SWCHA], before[SWCHB], before[INPT4] & 0x80) == (0xFF, 0x3F, 0x80)


def test_a_control_is_seen_from_the_next_read_on(subject: Subject):
    """Set between the address and the data half of the very cycle that reads SWCHA."""
    bus = watched(subject, "bus", 800)
    reads = np.flatnonzero((bus["address"] == 0x280) & (bus["clk0"] == 1))
    for tick, expected in ((reads[0], 0xBF), (reads[0] + 1, 0xFF)):
        subject.reset(0)
        subject.advance(int(tick))
        subject.set_control("stick_left", True)
        subject.watch("bus", None)
        chunks = subject.advance(1600)
        bus = np.concatenate([c.data for c in chunks if c.stream == "bus"])
        subject.watch("bus", np.empty(0, np.int64))
        stored = bus[(bus["rw"] == 0) & (bus["clk0"] == 1) & (bus["address"] == 0x80)]
        assert stored["data"][0] == expected
        assert stored["data"][1] == 0xBF


def test_first_fetch_is_where_the_machine_says(subject: Subject):
    bus = watched(subject, "bus", 40)
    assert int(np.flatnonzero(bus["address"] == 0xF000)[0]) == 2 * CYCLES_TO_FIRST_FETCH


# ---- engines


def test_event_and_compiled_give_the_same(opened: Subject, options: dict[str, str], mos6502: Netlist):
    """On every node that both have, on the buses and in the frames, through a perturbation and after it."""
    event = PLUGIN.open({**options, "engine": "event"})
    shared = next(s for s in opened.streams if s.name == "nodes").unit_ids
    assert len(next(s for s in event.streams if s.name == "nodes").unit_ids) == mos6502.node_exists.sum()
    assert "event by event" in event.info.description
    assert "compiled" in opened.info.description
    bit = mos6502.node_ids["a6"]
    given = []
    for subject in (opened, event):
        subject.reset(3)
        subject.watch("nodes", shared)
        subject.watch("bus", None)
        subject.watch("screen", None)
        subject.perturb(Perturbation(PerturbationKind.DRIVE, (bit,), 1000, 1400))
        chunks = [c for n in (700, 1500, 1800) for c in subject.advance(n)]
        given.append([np.concatenate([c.data for c in chunks if c.stream == s]) for s in ("nodes", "bus", "screen")])
    for found, expected in zip(*given, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_engines_that_give_the_same_have_one_fingerprint(opened: Subject, options: dict[str, str]):
    assert opened.info.options["engine"] == "auto"
    assert PLUGIN.open({**options, "engine": "compiled"}).info.fingerprint == opened.info.fingerprint
    assert PLUGIN.open({**options, "engine": "event"}).info.fingerprint != opened.info.fingerprint
