"""From a chip's description to the arrays that the compiled kernels run on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from rig.errors import AssetError
from subjects.microprocessor.chip import ChipDescription, Levels
from subjects.microprocessor.compiled import kernels
from subjects.microprocessor.compiled.compiled_chip import CompiledChip
from subjects.microprocessor.compiled.kernels import Compiled, Transfer
from subjects.microprocessor.netlist import Netlist

Ints = NDArray[np.int64]


def connect(chip: ChipDescription, netlist: Netlist, code: CompiledChip) -> tuple[Compiled, Transfer]:
    """Allocate the state of one compiled chip, all nodes low.

    Raises
    ------
    AssetError : a pin that calls for trips is no input pin.
    """
    for pin, _ in chip.trips.while_levels:
        if pin not in chip.input_pins:
            raise AssetError(f"{chip.name}: trips are called by pin {pin!r}, which is none of its input pins")
    stored = np.flatnonzero(code.node_slot >= 0)
    driven = np.flatnonzero(code.drive_slot >= 0)
    compiled = Compiled(
        state=np.zeros(code.n_slots + 1, np.int32),
        detours=np.zeros(code.n_groups, np.int64),
        unstable=np.zeros(1, np.int32),
        counters=np.zeros(kernels.N_COUNTERS, np.int64),
        table=_table(chip, netlist, code),
    )
    transfer = Transfer(
        stored_node=stored,
        stored_slot=code.node_slot[stored].astype(np.int64),
        driven_node=driven,
        driven_slot=code.drive_slot[driven].astype(np.int64),
        node_slot=code.node_slot.astype(np.int64),
        drive_slot=code.drive_slot.astype(np.int64),
    )
    return compiled, transfer


def _table(chip: ChipDescription, netlist: Netlist, code: CompiledChip) -> Ints:
    """Sections one after the other, their starts in front."""

    def slots(names: Iterable[str]) -> list[int]:
        return [int(slot) for slot in code.node_slot[netlist.nodes_named(tuple(names))]]

    def conditions(levels: Levels) -> list[int]:
        pairs = zip(slots(name for name, _ in levels), (level for _, level in levels), strict=True)
        return [number for pair in pairs for number in pair]

    def starts(parts: Sequence[Sequence[int]]) -> list[int]:
        return [0, *accumulate(len(part) for part in parts)]

    clock_pins = {pin for step in chip.clock_cycle for pin, _ in step.levels}

    def not_clock(levels: Levels) -> Levels:
        return tuple(level for level in levels if level[0] not in clock_pins)

    races = [[k for k, race in enumerate(chip.race_passes) if race.step == step] for step in range(len(code.schedule))]
    ordered = [k for of_step in races for k in of_step]
    guards = [slots(chip.race_passes[k].unless_low) for k in ordered]
    sections: dict[int, Sequence[int]] = {
        kernels.PHASES: code.phases.tolist(),
        kernels.STEP_START: starts(code.schedule),
        kernels.STEP_PHASE: [phase for phases in code.schedule for phase in phases],
        kernels.RACES: code.races[ordered].tolist(),
        kernels.RACE_START: starts(races),
        kernels.GUARD_START: starts(guards),
        kernels.GUARD: [slot for guard in guards for slot in guard],
        kernels.ACCESS: [int(allowed) for step in _accesses(chip) for allowed in step],
        kernels.ADDRESS: slots(chip.memory.address),
        kernels.DATA: slots(chip.memory.data),
        kernels.DRIVE: code.drive_slot[netlist.nodes_named(chip.memory.data)].tolist(),
        kernels.READ_WHEN: conditions(not_clock(chip.memory.read_when)),
        kernels.WRITE_WHEN: conditions(not_clock(chip.memory.write_when)),
        kernels.TRIP_WHILE: conditions(chip.trips.while_levels),
        kernels.FETCH_WHEN: conditions(chip.trips.fetch_when),
        kernels.TRIP_OPCODES: [int(opcode in chip.trips.opcodes) for opcode in range(256)],
        kernels.TRIP_LENGTH: [chip.trips.n_half_cycles],
        kernels.RECORD: [code.record],
    }
    contents = [sections[k] for k in range(kernels.N_SECTIONS)]
    first = kernels.N_SECTIONS + 1
    return np.array([*(first + start for start in starts(contents)), *(n for part in contents for n in part)], np.int64)


def _accesses(chip: ChipDescription) -> list[tuple[bool, bool]]:
    """Whether the clock's own levels allow a read, a write after each step."""
    levels: dict[str, int] = {}
    for step in chip.clock_cycle:
        levels.update(step.levels)

    def allows(when: Levels) -> bool:
        return all(levels.get(pin, level) == level for pin, level in when)

    found = []
    for step in chip.clock_cycle:
        levels.update(step.levels)
        reads, writes = allows(chip.memory.read_when), allows(chip.memory.write_when)
        found.append((step.bus_access and reads, step.bus_access and writes))
    return found
