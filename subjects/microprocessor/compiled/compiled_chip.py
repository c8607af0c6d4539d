"""A chip's machine code, from the cache or compiled: what runs it needs to know nothing of how it came about.

    chip = load_chip(netlist, MOS6502, one_chip())                         one intact chip
    chip = load_chip(netlist, MOS6502, lanes(8), MaskPlan(off=(17, 404)))  512 lanes, two transistors maskable

    state = chip.new_state()         (n_slots, n_bytes) uint8; node n's word is state[chip.node_slot[n]]
    masks = chip.new_masks()         (n_rows, n_bytes) uint8; transistor 17 is off where bits of masks[plan.off_row[17]]
    unstable = chip.new_word()       (n_bytes,) uint8

A half-cycle, in njit code (`calling.call_routine`), for the step of the clock cycle that is entered, k:

    if the memory is looked at in step k (chip.clock_cycle[k].bus_access): read address and R/W from `state`; on a read,
        put the byte into the words chip.drive_slot[data lines], where it stays until the next read
    for p in races of step k (`race_passes`), unless all its `unless_low` words are zero: call_routine(races[p], ...)
    for p in chip.schedule[k]: call_routine(phases[p], state, masks, unstable)
    on a write, take the data lines' values

Address and R/W of an access are final before the edge that begins it. After changing a pin between edges, store its
value and call the last phase again, without a race pass; so also after changing masks. Always begin from a state that
the event engine has led out of reset; `node_slot` is -1 for nodes that no word is kept of, because nothing depends on
their charge.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subjects.microprocessor.chip import ChipDescription
from subjects.microprocessor.compiled.emission import WordShape, emit_program, function_names, program_groups
from subjects.microprocessor.compiled.machine_code import MachineCode, load_code
from subjects.microprocessor.compiled.masks import INTACT, MaskPlan
from subjects.microprocessor.compiled.program import compile_program
from subjects.microprocessor.compiled.wiring import wiring
from subjects.microprocessor.netlist import Netlist


@dataclass(frozen=True, eq=False)
class CompiledChip:
    """Loaded routines of a chip, and where its nodes' words lie.

    Attributes
    ----------
    key : the same for the same code
    shape, masks : what was asked for
    code : keeps the functions alive
    phases : (n_phases,) int64 addresses, one for each vector of clock levels
    races : (n_race_passes,) int64 addresses, in the order of `ChipDescription.race_passes`
    record, pack, expand : addresses of the functions that work on rows; 0 for lanes
    schedule : for every step of the clock cycle, the phases it goes through
    node_slot : (n_nodes,) int32 word of each node, -1 for none; live nodes and supplies come first, by id
    drive_slot : (n_nodes,) int32 word that says whether a node is driven high from outside, -1 for none
    n_slots : words in all
    promised : live nodes and supplies, by id: what `record` packs
    n_groups : entries of the table of detours, for a shape that has one
    n_operations : ands and ors of one pass over each phase, then each race pass
    """

    key: str
    shape: WordShape
    masks: MaskPlan
    code: MachineCode
    phases: NDArray[np.int64]
    races: NDArray[np.int64]
    record: int
    pack: int
    expand: int
    schedule: tuple[tuple[int, ...], ...]
    node_slot: NDArray[np.int32]
    drive_slot: NDArray[np.int32]
    n_slots: int
    promised: tuple[int, ...]
    n_groups: int
    n_operations: tuple[int, ...]

    def new_state(self) -> NDArray[np.uint8]:
        return np.zeros((self.n_slots, self.shape.n_bytes), np.uint8)

    def new_masks(self) -> NDArray[np.uint8]:
        """Rows of masks, or for a shape with detours their table: (n_groups, 8) bytes."""
        if self.shape.detours:
            return np.zeros((self.n_groups, 8), np.uint8)
        return np.zeros((max(self.masks.n_rows, 1), self.shape.n_bytes), np.uint8)

    def new_word(self) -> NDArray[np.uint8]:
        return np.zeros(self.shape.n_bytes, np.uint8)


def load_chip(netlist: Netlist, chip: ChipDescription, shape: WordShape, masks: MaskPlan = INTACT) -> CompiledChip:
    """Take a chip's code from the cache, or compile it (about 3 s for a 6502) and keep it there.

    Raises
    ------
    AssetError : the netlist lacks one of the description's names.
    """
    wires = wiring(netlist, chip)
    n_phases, n_races = len(wires.clock), len(chip.race_passes)
    names = tuple(function_names(n_phases, n_races, shape))

    def build() -> tuple[str, Any]:
        program = compile_program(netlist, chip, masks)
        header = {
            "stored": program.stored,
            "driven": list(program.slot_of_drive),
            "n_groups": sum(map(len, program_groups(program))),
            "n_operations": [program.n_operations(r) for r in (*program.phases, *program.race_passes)],
        }
        return emit_program(program, shape), header

    key = _key(netlist, chip, shape, masks)
    code = load_code(key, names, build)
    addresses = [code.addresses[name] for name in names]
    node_slot = np.full(netlist.n_nodes, -1, np.int32)
    drive_slot = node_slot.copy()
    stored, driven = code.header["stored"], code.header["driven"]
    node_slot[stored] = np.arange(len(stored))
    drive_slot[driven] = len(stored) + np.arange(len(driven))
    return CompiledChip(
        key=key,
        shape=shape,
        masks=masks,
        code=code,
        phases=np.array(addresses[:n_phases], np.int64),
        races=np.array(addresses[n_phases : n_phases + n_races], np.int64),
        record=code.addresses.get("record", 0),
        pack=code.addresses.get("pack", 0),
        expand=code.addresses.get("expand", 0),
        schedule=wires.schedule,
        node_slot=node_slot,
        drive_slot=drive_slot,
        n_slots=len(stored) + len(driven),
        promised=wires.promised,
        n_groups=code.header["n_groups"],
        n_operations=tuple(code.header["n_operations"]),
    )


def _key(netlist: Netlist, chip: ChipDescription, shape: WordShape, masks: MaskPlan) -> str:
    digest = hashlib.sha256()
    for array in (netlist.gate, netlist.c1, netlist.c2, netlist.node_exists, netlist.pull_up):
        digest.update(f"{len(array)}\0".encode() + np.ascontiguousarray(array).tobytes())
    told = (
        sorted(netlist.node_ids.items()),
        (chip.input_pins, chip.clock_cycle, chip.memory, chip.race_passes),
        (netlist.vss, netlist.vcc, shape, masks),
    )
    digest.update(repr(told).encode())
    return digest.hexdigest()
