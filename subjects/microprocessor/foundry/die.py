"""A chip being drawn up: nets by name, transistors between them, and the cells that they form.

Only four things are ever made of transistors, and none has two in series:

    NOR gate      a depletion load on the output, a pull-down for every input
    switch        a transistor between two nets, that stores what it last let through
    pull-down     a transistor from a bus to vss
    pull-up       a transistor from a bus to vcc

A stack of transistors would have nodes inside that keep a charge depending on which gate falls first. Without stacks
every node of the chip is decided by the logic alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

VSS, VCC = "vss", "vcc"


@dataclass(frozen=True)
class Transistor:
    """A switch: its gate and channel ends, as nets."""

    gate: str
    c1: str
    c2: str


@dataclass(frozen=True)
class Cell:
    """What is placed as one piece.

    Attributes
    ----------
    region : path on the die, coarse to fine
    bit : row in the datapath, None outside of it
    output : the net that it makes
    loaded : whether the output has a depletion load
    transistors : its own
    """

    region: str
    bit: int | None
    output: str
    loaded: bool
    transistors: tuple[Transistor, ...]


@dataclass
class Die:
    """A chip as far as it has been drawn up.

    Attributes
    ----------
    cells : in the order in which they were drawn up
    regions : where each net belongs
    gates : nets that a gate makes
    complements : nets asked for as the complement of another, and where
    """

    cells: list[Cell] = field(default_factory=list)
    regions: dict[str, str] = field(default_factory=dict)
    gates: set[str] = field(default_factory=set)
    complements: dict[str, Block] = field(default_factory=dict)

    def block(self, region: str, bit: int | None = None) -> Block:
        return Block(self, region, bit)

    def add(self, cell: Cell) -> None:
        self.cells.append(cell)
        self.regions.setdefault(cell.output, cell.region)

    def finish(self) -> None:
        """Make the complements that were asked for and that nothing else has turned out to make."""
        for net, block in self.complements.items():
            if net not in self.regions:
                block.nor(net, complement(net))

    def drop_unread(self, pins: Sequence[str]) -> None:
        """Leave out gates whose output nobody reads, and those that only they read."""
        while unread := self.gates - set(pins) - {net for cell in self.cells for net in _read_by(cell)}:
            self.cells = [cell for cell in self.cells if cell.output not in unread]
            self.gates -= unread


@dataclass(frozen=True)
class Block:
    """A place on the die that cells are drawn into."""

    die: Die
    region: str
    bit: int | None = None

    def sub(self, path: str, bit: int | None = None) -> Block:
        """A place inside this one."""
        return Block(self.die, f"{self.region}/{path}", self.bit if bit is None else bit)

    def nor(self, output: str, *inputs: str) -> str:
        """A gate whose output is high when no input is."""
        if output in self.die.gates:
            raise ValueError(f"net {output} has a gate already")
        self.die.gates.add(output)
        pulls = tuple(Transistor(net, VSS, output) for net in dict.fromkeys(inputs))
        self.die.add(Cell(self.region, self.bit, output, True, pulls))
        return output

    def inv(self, net: str) -> str:
        """The complement of a net, `~net`: made where it is first asked for unless a gate gives it, shared by all."""
        name = complement(net)
        self.die.complements.setdefault(name, self)
        return name

    def buffer(self, output: str, net: str) -> str:
        """A copy of a net behind two inverters, the first being `~output`."""
        return self.nor(output, self.nor(complement(output), net))

    def either(self, output: str, *inputs: str) -> str:
        """High when an input is: a NOR gate, `~output`, and an inverter."""
        return self.nor(output, self.nor(complement(output), *inputs))

    def equal(self, output: str, a: str, b: str) -> str:
        """High when a and b are the same."""
        self.differ(complement(output), a, b)
        return self.nor(output, complement(output))

    def differ(self, output: str, a: str, b: str) -> str:
        """High when a and b are not the same."""
        both_low = self.nor(f"{output}.low", a, b)
        both_high = self.nor(f"{output}.high", self.inv(a), self.inv(b))
        return self.nor(output, both_low, both_high)

    def switch(self, gate: str, source: str, output: str) -> str:
        """Join `source` to `output` while `gate` is high; `output` keeps its charge when it is low."""
        self.die.add(Cell(self.region, self.bit, output, False, (Transistor(gate, source, output),)))
        return output

    def pull_down(self, gate: str, net: str) -> None:
        """Discharge `net` while `gate` is high."""
        self.die.add(Cell(self.region, self.bit, net, False, (Transistor(gate, VSS, net),)))

    def pull_up(self, gate: str, net: str) -> None:
        """Charge `net` while `gate` is high."""
        self.die.add(Cell(self.region, self.bit, net, False, (Transistor(gate, VCC, net),)))

    def drive(self, name: str, control: str, sources: tuple[str, ...], bus: str) -> None:
        """Put a value on a precharged bus while the control line is high: discharge it when no source is high.

        The gate that decides is `name`.
        """
        self.pull_down(self.nor(name, self.inv(control), *sources), bus)


def complement(net: str) -> str:
    """The name of the complement of a net."""
    return net[1:] if net.startswith("~") else f"~{net}"


def bus(name: str, n: int) -> tuple[str, ...]:
    """The nets of a bus, bit 0 first."""
    return tuple(f"{name}{bit}" for bit in range(n))


def undriven(cells: Sequence[Cell], pins: Sequence[str]) -> set[str]:
    """Nets that a cell reads and none makes."""
    made = {VSS, VCC, *pins, *(cell.output for cell in cells)}
    return {net for cell in cells for net in _read_by(cell)} - made


def _read_by(cell: Cell) -> set[str]:
    """What a cell takes from others; of a switch, what it can hand back too."""
    ends = {end for t in cell.transistors for end in (t.c1, t.c2) if end != cell.output}
    return ends | {t.gate for t in cell.transistors}
