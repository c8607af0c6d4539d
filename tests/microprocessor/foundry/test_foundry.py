"""What the foundry promises of every chip it builds: the file, the electrical rules, independence of order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from side_by_side import KEEP, PINS, random_levels, random_program

from rig.errors import AssetError, SpecError
from subjects.microprocessor import drawn_chip
from subjects.microprocessor.chip_file import ChipTables, read_chip, to_bytes
from subjects.microprocessor.compiled.compiled_engine import CompiledEngine
from subjects.microprocessor.drawn_chip import DrawnChip
from subjects.microprocessor.event_engine import EventEngine
from subjects.microprocessor.foundry.chip import build_tables, draw_chip
from subjects.microprocessor.foundry.die import Die
from subjects.microprocessor.foundry.floorplan import DIE_UM
from subjects.microprocessor.hs6502 import FILE_NAME, HS6502
from subjects.microprocessor.netlist import Netlist, build_netlist


@pytest.fixture(scope="module")
def tables() -> ChipTables:
    return build_tables(draw_chip())


def test_the_file_is_what_the_foundry_builds(tables: ChipTables):
    shipped = read_chip(Path(drawn_chip.__file__).parent / FILE_NAME)
    for name in ("names", "node_regions", "row_regions"):
        assert getattr(shipped, name) == getattr(tables, name), name
    for name in ("pull_up", "rows", "bounds", "shape_node", "shape_layer", "shape_bounds"):
        np.testing.assert_array_equal(getattr(shipped, name), getattr(tables, name), name)


def test_a_damaged_file_is_one_clear_line(tables: ChipTables, tmp_path: Path):
    whole = to_bytes(tables)
    for data in (whole[:-100], b"", b"no chip"):
        (tmp_path / "chip").write_bytes(data)
        with pytest.raises(AssetError, match="not a chip that Headstage ships"):
            read_chip(tmp_path / "chip")


def test_a_net_without_a_source_is_refused(monkeypatch: pytest.MonkeyPatch):
    def draw_half(die: Die) -> None:
        die.block("pads").nor("rw", "nobody")

    monkeypatch.setattr("subjects.microprocessor.foundry.chip.draw_pads", draw_half)
    with pytest.raises(ValueError, match="nobody"):
        draw_chip()


def test_size_and_electrical_rules(hs6502: Netlist):
    """About the original's size; nothing inert; pins touched from outside are gates only; no transistors in series."""
    assert 3500 <= hs6502.n_transistors <= 6000
    assert not hs6502.inert.any()
    assert hs6502.live_nodes.sum() == hs6502.n_nodes - 2
    ends = np.concatenate([hs6502.c1, hs6502.c2])
    assert not np.isin([hs6502.node_ids[pin] for pin in HS6502.input_pins], ends).any()
    data = [hs6502.node_ids[name] for name in HS6502.memory.data]
    for node in data:  # a pad is driven by one transistor to each supply
        at = (hs6502.c1 == node) | (hs6502.c2 == node)
        assert sorted((hs6502.c1[at] + hs6502.c2[at] - node).tolist()) == [hs6502.vss, hs6502.vcc]


def run_all_nodes(netlist: Netlist, image: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """(n, n_nodes) values of every node after every half-cycle from reset."""
    engine = EventEngine(netlist, HS6502)
    memory = image.copy()
    engine.reset(memory)
    values = np.zeros((len(levels), netlist.n_nodes), np.uint8)
    for k, row in enumerate(levels):
        engine.run(1, memory)
        for name, level in zip(PINS, row, strict=True):
            if level != KEEP:
                engine.set_pin(name, int(level))
        values[k] = engine.values
    assert engine.n_unsettled == 0
    return values


def shuffled(netlist: Netlist, rng: np.random.Generator) -> tuple[Netlist, np.ndarray]:
    """The same chip with other node numbers and channel ends swapped, and the new number of each node."""
    number = rng.permutation(netlist.n_nodes)
    rows = number[np.stack([netlist.row_gate, netlist.row_c1, netlist.row_c2], axis=1)]
    swapped = rng.random(len(rows)) < 0.5
    rows[swapped] = rows[swapped][:, [0, 2, 1]]
    pull_up = np.zeros_like(netlist.pull_up)
    pull_up[number] = netlist.pull_up
    node_ids = {name: int(number[node]) for name, node in netlist.node_ids.items()}
    vss, vcc = node_ids["vss"], node_ids["vcc"]
    return build_netlist(netlist.row_names, rows, netlist.node_exists, pull_up, node_ids, vss, vcc), number


def test_every_node_whatever_the_order(hs6502: Netlist):
    """Evaluation follows node numbers and channel ends: with others, every node is the same in every half-cycle."""
    for seed in range(3):
        rng = np.random.default_rng(seed)
        image, levels = random_program(rng), random_levels(rng, 600)
        expected = run_all_nodes(hs6502, image, levels)
        other, number = shuffled(hs6502, rng)
        found = run_all_nodes(other, image, levels)[:, number]
        wrong = np.flatnonzero((found != expected).any(axis=0))
        names = {node: name for name, node in hs6502.node_ids.items()}
        assert not wrong.size, [names[node] for node in wrong[:8].tolist()]


def test_compiled_is_exact_without_help(hs6502: Netlist, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Every node, no race pass, no trip; also under reset and with pins at random."""
    monkeypatch.setenv("HEADSTAGE_CODE_CACHE", str(tmp_path))
    assert HS6502.race_passes == ()
    assert HS6502.trips.n_half_cycles == 0
    compiled = CompiledEngine(hs6502, HS6502)
    assert len(compiled.promised) == hs6502.n_nodes
    event = EventEngine(hs6502, HS6502)
    rng = np.random.default_rng(9)
    image = random_program(rng)
    memories = [image.copy(), image.copy()]
    for engine, memory in zip((compiled, event), memories, strict=True):
        engine.reset(memory)
    for _ in range(60):
        pin, level, n = str(rng.choice([*PINS, "res"])), int(rng.integers(2)), int(rng.integers(1, 60))
        rows = [np.zeros((n, (hs6502.n_nodes + 7) // 8), np.uint8) for _ in memories]
        for engine, memory, row in zip((compiled, event), memories, rows, strict=True):
            engine.set_pin(pin, level)
            engine.run(n, memory, row)
            engine.set_pin("res", 1)
        np.testing.assert_array_equal(*rows)
    np.testing.assert_array_equal(*memories)


def test_floorplan(drawn: DrawnChip):
    """Every transistor on the die, none on another; nodes of a register in one column, bit 0 at the bottom."""
    geometry = drawn.geometry()
    low, high = geometry.row_bounds_um[:, [0, 2]], geometry.row_bounds_um[:, [1, 3]]
    assert (low >= 0).all()
    assert (high <= DIE_UM).all()
    apart = (low[:, None] >= high[None]) | (high[:, None] <= low[None])
    overlapping = ~apart.any(axis=2)
    np.fill_diagonal(overlapping, False)
    assert not overlapping.any(), np.argwhere(overlapping)[:5]
    for name in ("a", "x", "y", "s"):
        places = geometry.node_um[drawn.netlist.nodes_named(HS6502.registers[name].bits)]
        assert (np.diff(places[:, 1]) > 0).all()
    regions = drawn.regions(geometry)
    assert {path.split("/")[0] for path in regions[1]} == {
        *("clock", "pads", "registers", "status", "buses", "latches", "ALU", "decode", "control")
    }


def test_its_file_is_its_own(tmp_path: Path):
    from subjects.microprocessor.opening import open_microprocessor

    with pytest.raises(SpecError, match="chip_dir"):
        open_microprocessor({"chip": "hs6502", "chip_dir": str(tmp_path)})
