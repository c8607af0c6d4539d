"""From what a person types to a subject: options, the chip's files, the cartridge."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rig.errors import AssetError, SpecError
from rig.subject import SubjectInfo
from rig.units import UnitTable
from subjects.microprocessor.atari2600.cartridge import Cartridge, open_cartridge
from subjects.microprocessor.atari2600.state import BOARD, CPU_HZ
from subjects.microprocessor.cartridges.names import GAMES
from subjects.microprocessor.chip import ChipDescription
from subjects.microprocessor.compiled.compiled_engine import CompiledEngine
from subjects.microprocessor.digest import MOST_BIN_TICKS, Digest
from subjects.microprocessor.drawn_chip import DrawnChip, published_chip, shipped_chip
from subjects.microprocessor.event_engine import EventEngine
from subjects.microprocessor.hs6502 import FILE_NAME, HS6502
from subjects.microprocessor.install import find_chip
from subjects.microprocessor.machine import HALF_CYCLES_PER_CYCLE, HALF_CYCLES_PER_LINE, Machine
from subjects.microprocessor.mos6502 import MOS6502
from subjects.microprocessor.netlist import Netlist
from subjects.microprocessor.stream_layouts import microprocessor_streams, word_fields
from subjects.microprocessor.subject import Microprocessor
from subjects.microprocessor.unit_table import microprocessor_units

CHIPS = {chip.name: chip for chip in (HS6502, MOS6502)}
ENGINES = ("auto", "event", "compiled")
TVS = ("ntsc",)
DEFAULTS = {
    "chip": HS6502.name,
    "chip_dir": "",
    "cartridge": GAMES[0],
    "engine": "auto",
    "tv": "ntsc",
    "bin": str(HALF_CYCLES_PER_LINE),
}

SEMANTICS = "1"
"""Raised whenever the same netlist and cartridge give other samples than before; part of the fingerprint."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """A chip and a cartridge, read from their files; `options` are all of them."""

    drawn: DrawnChip
    cartridge: Cartridge
    options: Mapping[str, str]

    @property
    def chip(self) -> ChipDescription:
        return self.drawn.chip

    @property
    def netlist(self) -> Netlist:
        return self.drawn.netlist

    @property
    def units(self) -> UnitTable:
        return microprocessor_units(self.drawn)

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.netlist, self.chip, self.cartridge, self.options)


def prepare(options: Mapping[str, str]) -> Prepared:
    """Read what the options name.

    Parameters
    ----------
    options : those that differ from DEFAULTS

    Raises
    ------
    SpecError : an option's value is none of those possible.
    AssetError : the chip or the cartridge is missing or corrupt.
    """
    chosen = {**DEFAULTS, **options}
    if chosen["chip_dir"] and "chip" not in options:
        chosen["chip"] = MOS6502.name  # a folder of files can only be that of a published chip
    for name, possible in (("chip", tuple(CHIPS)), ("engine", ENGINES), ("tv", TVS)):
        if chosen[name] not in possible:
            raise SpecError(f"asked for {name}={chosen[name]}; it must be {' or '.join(possible)}")
    if not (chosen["bin"].isascii() and chosen["bin"].isdigit() and 1 <= int(chosen["bin"]) <= MOST_BIN_TICKS):
        raise SpecError(f"asked for bin={chosen['bin']}; it must be a number of half-cycles from 1 to {MOST_BIN_TICKS}")
    if chosen["cartridge"] in ("", "none"):
        raise AssetError(
            "asked for a console without a cartridge; give cartridge=FILE (2 or 4 KiB), one of Headstage's own "
            f"({', '.join(GAMES)}) or one that ale-py brings, such as cartridge=space_invaders"
        )
    cartridge = open_cartridge(chosen["cartridge"])
    return Prepared(open_chip(CHIPS[chosen["chip"]], chosen["chip_dir"]), cartridge, chosen)


def open_chip(chip: ChipDescription, chip_dir: str) -> DrawnChip:
    """Read the chip's files: our own, those installed, or those in a folder that the person names.

    Raises
    ------
    SpecError : a folder for our own chip. AssetError : not installed, or corrupt.
    """
    if chip is not HS6502:
        return published_chip(chip, Path(chip_dir).expanduser() if chip_dir else find_chip(chip.name))
    if chip_dir:
        raise SpecError(
            f"asked for chip_dir={chip_dir} and chip={chip.name}, whose file comes with Headstage; "
            f"leave chip_dir out or say chip={MOS6502.name}"
        )
    return shipped_chip(chip, FILE_NAME)


def open_microprocessor(options: Mapping[str, str]) -> Microprocessor:
    """Open a chip on its board with a cartridge in it. Raises what `prepare` raises."""
    prepared = prepare(options)
    chip, netlist, cartridge = prepared.chip, prepared.netlist, prepared.cartridge
    by_event = prepared.options["engine"] == "event"
    engine = EventEngine(netlist, chip) if by_event else CompiledEngine(netlist, chip, sharing=True)
    machine = Machine(engine, cartridge.image, word_fields(chip))
    units, bin_ticks = prepared.units, int(prepared.options["bin"])
    # of the regions that the map names first: what lies within one is summed by whoever has the counts
    digest = Digest([units.region[row].split("/")[0] for row in units.rows(machine.every_node)], bin_ticks)
    streams = microprocessor_streams(machine.every_node, chip, digest.rates.names, bin_ticks, cartridge.variables)
    return Microprocessor(
        info=_info(prepared),
        units=units,
        streams=streams,
        machine=machine,
        digest=digest,
        variables=cartridge.variables,
    )


def _info(prepared: Prepared) -> SubjectInfo:
    netlist, chip, cartridge, options = prepared.netlist, prepared.chip, prepared.cartridge, prepared.options
    n_nodes = int(netlist.node_exists.sum())
    return SubjectInfo(
        name=f"{chip.title} · {cartridge.name}",
        kind="microprocessor",
        description=(
            f"{n_nodes} nodes and {netlist.n_rows} transistors on an Atari 2600 board, simulated as switches, "
            + ("event by event" if options["engine"] == "event" else "compiled; event by event where that is not exact")
        ),
        source=chip.source,
        licence=f"netlist: {chip.licence}; cartridge: {cartridge.licence}",
        tick_name="half-cycle",
        tick_hz=HALF_CYCLES_PER_CYCLE * CPU_HZ,
        space="um",
        options={name: value for name, value in options.items() if value},
        fingerprint=prepared.fingerprint,
    )


def fingerprint(netlist: Netlist, chip: ChipDescription, cartridge: Cartridge, options: Mapping[str, str]) -> str:
    """SHA-256 over everything that decides the samples."""
    digest = hashlib.sha256()
    engine = "event" if options["engine"] == "event" else "compiled"  # auto and compiled give the same samples
    texts = (SEMANTICS, chip.name, engine, options["tv"], options["bin"], repr(BOARD.descr))
    for text in texts:
        digest.update(text.encode() + b"\0")
    table = np.stack([netlist.row_gate, netlist.row_c1, netlist.row_c2], axis=1)
    for array in (table.astype("<i4"), netlist.node_exists, netlist.pull_up, cartridge.image):
        digest.update(np.ascontiguousarray(array).tobytes())
    for name, node in sorted(netlist.node_ids.items()):
        digest.update(f"{name}={node}\0".encode())
    return digest.hexdigest()
