"""From a chip's description to the arrays that the compiled kernels run on."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from rig.errors import AssetError
from subjects.microprocessor.chip import ChipDescription, Levels
from subjects.microprocessor.compiled.compiled_chip import CompiledChip
from subjects.microprocessor.compiled.kernels import Compiled
from subjects.microprocessor.netlist import Netlist

Ints = NDArray[np.int64]


def connect(chip: ChipDescription, netlist: Netlist, code: CompiledChip) -> Compiled:
    """Allocate the state of one compiled chip, all nodes low.

    Raises
    ------
    AssetError : a pin that marks trips or opcodes cannot be looked at between clock edges.
    """

    def slots(names: Iterable[str]) -> Ints:
        return code.node_slot[netlist.nodes_named(tuple(names))].astype(np.int64)

    def conditions(levels: Iterable[tuple[str, int]]) -> Ints:
        kept = tuple(levels)
        levels_wanted = np.array([level for _, level in kept], np.int64)
        return np.stack([slots(name for name, _ in kept), levels_wanted], axis=1).reshape(-1, 2)

    clock_pins = {pin for step in chip.clock_cycle for pin, _ in step.levels}
    races = [[k for k, race in enumerate(chip.race_passes) if race.step == step] for step in range(len(code.schedule))]
    ordered = [k for of_step in races for k in of_step]
    guards = [slots(chip.race_passes[k].unless_low) for k in ordered]
    opcode = np.zeros(256, np.uint8)
    opcode[list(chip.trips.opcodes)] = 1
    for pin, _ in chip.trips.while_levels:
        if pin not in chip.input_pins:
            raise AssetError(f"{chip.name}: trips are called by pin {pin!r}, which is none of its input pins")
    stored = np.flatnonzero(code.node_slot >= 0)
    driven = np.flatnonzero(code.drive_slot >= 0)
    return Compiled(
        state=np.zeros(code.n_slots + 1, np.int32),
        masks=np.zeros(max(code.masks.n_rows, 1), np.int32),
        unstable=np.zeros(1, np.int32),
        counters=np.zeros(3, np.int64),
        phases=code.phases,
        races=code.races[ordered],
        record=np.array([code.record], np.int64),
        step_start=np.cumsum([0, *(len(s) for s in code.schedule)], dtype=np.int64),
        step_phase=np.array([p for s in code.schedule for p in s], np.int64),
        race_start=np.cumsum([0, *(len(r) for r in races)], dtype=np.int64),
        guard_start=np.cumsum([0, *(len(g) for g in guards)], dtype=np.int64),
        guard=np.concatenate([np.empty(0, np.int64), *guards]),
        access=_accesses(chip),
        address=slots(chip.memory.address),
        data=slots(chip.memory.data),
        drive=code.drive_slot[netlist.nodes_named(chip.memory.data)].astype(np.int64),
        read=conditions(p for p in chip.memory.read_when if p[0] not in clock_pins),
        write=conditions(p for p in chip.memory.write_when if p[0] not in clock_pins),
        trip_pin=conditions(chip.trips.while_levels),
        fetch=conditions(chip.trips.fetch_when),
        trip_opcode=opcode,
        n_trip=np.array([chip.trips.n_half_cycles], np.int64),
        stored_node=stored,
        stored_slot=code.node_slot[stored].astype(np.int64),
        driven_node=driven,
        driven_slot=code.drive_slot[driven].astype(np.int64),
        node_slot=code.node_slot,
        drive_slot=code.drive_slot,
    )


def _accesses(chip: ChipDescription) -> NDArray[np.uint8]:
    """(n_steps, 2): whether the clock's own levels allow a read, a write after each step."""
    levels: dict[str, int] = {}
    for step in chip.clock_cycle:
        levels.update(step.levels)

    def allows(when: Levels) -> bool:
        return all(levels.get(pin, level) == level for pin, level in when)

    found = []
    for step in chip.clock_cycle:
        levels.update(step.levels)
        found.append([step.bus_access and allows(when) for when in (chip.memory.read_when, chip.memory.write_when)])
    return np.array(found, np.uint8)
