"""What an engine must be told about a chip beyond its netlist: supplies, clock, bus, reset, registers, regions.

Everything here is data. The engines know none of these names, so a 6800 or a Z80 is a value of `ChipDescription`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Levels = tuple[tuple[str, int], ...]
"""Pin levels applied one after the other, the chip settling after each: ((name, 0 or 1), ...)."""


@dataclass(frozen=True)
class ClockStep:
    """One half-cycle: the levels that the clock pins take, and whether the memory is looked at when it has settled."""

    levels: Levels
    bus_access: bool


@dataclass(frozen=True)
class MemoryProtocol:
    """How the chip asks for memory.

    Attributes
    ----------
    address, data : node names, bit 0 first
    read_when, write_when : levels that must all hold for a read, for a write; a read is looked for first
    """

    address: tuple[str, ...]
    data: tuple[str, ...]
    read_when: Levels
    write_when: Levels


@dataclass(frozen=True)
class ResetScript:
    """Power-up: levels set from an all-zero chip, half-cycles under reset, levels that release it.

    `clock_step` is the index in `clock_cycle` that the levels leave the clock in.
    """

    hold: Levels
    clock_step: int
    n_half_cycles: int
    release: Levels


@dataclass(frozen=True)
class RacePass:
    """A race that the compiled engine must run before a clock step, because what it leaves behind outlives it.

    When clock lines derived from one pin do not switch together, buses are joined for the moment in between as at no
    settled clock level. Components of `around` are solved once with `levels`, all other gates as they were.

    Attributes
    ----------
    step : index in `clock_cycle` of the step that it precedes
    levels : clock lines in that moment
    around : nodes whose components are solved
    unless_low : when all of these are low the pass would change nothing, and is left out; empty: never left out
    """

    step: int
    levels: Levels
    around: tuple[str, ...]
    unless_low: tuple[str, ...] = ()


@dataclass(frozen=True)
class Trips:
    """When the compiled engine leaves the chip to the event-driven one, for races that only that one decides.

    Attributes
    ----------
    while_levels : as long as one of these pins is at its level
    fetch_when : levels that hold, after a read, when what was read is an opcode
    opcodes : those that need it
    n_half_cycles : how long, after the last reason
    """

    while_levels: Levels = ()
    fetch_when: Levels = ()
    opcodes: frozenset[int] = frozenset()
    n_half_cycles: int = 0


@dataclass(frozen=True)
class Inexact:
    """Perturbations that can be compiled but come out wrong: transistors as (gate, c1, c2), nodes by id."""

    off: frozenset[tuple[int, int, int]] = frozenset()
    on: frozenset[tuple[int, int, int]] = frozenset()
    held_low: frozenset[int] = frozenset()
    held_high: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Register:
    """A number kept in nodes.

    Attributes
    ----------
    bits : node names, bit 0 first; None where the register has no such bit (reads 0)
    inverted : the nodes hold the complement
    """

    bits: tuple[str | None, ...]
    inverted: bool = False


@dataclass(frozen=True)
class RegionRule:
    """One region of the die. A rule takes what matches all that it states; the first that takes a node wins.

    Attributes
    ----------
    path : levels from coarse to fine, "/" between them
    names : regular expressions; one must match the whole of one of a node's names
    boxes : (x_min, x_max, y_min, y_max) in mask units; one must hold the node's centroid or the transistor's centre
    """

    path: str
    names: tuple[str, ...] = ()
    boxes: tuple[tuple[float, float, float, float], ...] = ()


@dataclass(frozen=True)
class ChipDescription:
    """A chip in the Visual6502 format, described.

    Attributes
    ----------
    name : short name, also of the folder that its files are installed in
    title : name for people
    source, licence : where the netlist comes from, and on what terms
    vss_name, vcc_name : supplies, by node name
    input_pins : pins that the outside may set
    clock_cycle : half-cycles in order, then over again
    memory : the bus
    reset : the power-up script
    registers : what to decode into numbers
    um_per_unit : mask units to micrometres
    regions : rules in order
    race_passes, trips : what the compiled engine must be told; nothing for a chip whose clocks do not overlap
    inexact : perturbations that only the event engine simulates exactly, as far as a survey has found them
    halting : opcodes that end every program; the programs on which perturbations are tried have none of them
    """

    name: str
    title: str
    source: str
    licence: str
    vss_name: str
    vcc_name: str
    input_pins: tuple[str, ...]
    clock_cycle: tuple[ClockStep, ...]
    memory: MemoryProtocol
    reset: ResetScript
    registers: Mapping[str, Register]
    um_per_unit: float
    regions: tuple[RegionRule, ...] = ()
    race_passes: tuple[RacePass, ...] = ()
    trips: Trips = Trips()
    inexact: Inexact = Inexact()
    halting: frozenset[int] = frozenset()


def bits(pattern: str, n: int) -> tuple[str, ...]:
    """Names of a bus, bit 0 first: `bits("ab{}", 16)`."""
    return tuple(pattern.format(bit) for bit in range(n))
