"""The reference engine: event-driven, every node exact on every half-cycle.

As an object, `EventEngine`, with a plain memory. For a board, which answers the bus from its own njit code, the state
is two tuples of arrays, `engine.circuit` and `engine.ports`, and these njit functions of `event_kernels`:

    set_pin(circuit, node, level)            drive an input pin and settle
    clock_edge(circuit, ports) -> access     half a cycle on; NO_ACCESS (0), READ (1) or WRITE (2)
    read_address(circuit, ports) -> int      final when clock_edge has returned
    read_data(circuit, ports) -> int         what the chip writes, after WRITE
    force_data(circuit, ports, data)         answer a READ and settle
    read_nodes(circuit, nodes) -> int        any nodes as a number, bit 0 first
    record_all(circuit, row)                 all existing nodes by id, little-endian packed bits
    record_some(circuit, nodes, row)         some nodes in the order given

so that a board runs a half-cycle as

    access = clock_edge(circuit, ports)
    if access == READ:
        force_data(circuit, ports, board_read(board, read_address(circuit, ports)))
    elif access == WRITE:
        board_write(board, read_address(circuit, ports), read_data(circuit, ports))
    set_pin(circuit, rdy_node, ready)        # where the board wants it
    record_all(circuit, rows[k])

and powers up by `engine.hold_reset()`, `engine.chip.reset.n_half_cycles` half-cycles, `engine.release_reset()`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rig.errors import SubjectError, UnknownUnitError
from subjects.microprocessor.chip import ChipDescription, Levels
from subjects.microprocessor.chip_loops import Taps, node_taps, run_event
from subjects.microprocessor.circuit import (
    CLAMP_HIGH,
    CLAMP_NONE,
    COUNT_CLOCK_STEP,
    COUNT_UNSETTLED,
    MODE_ON,
    circuit_rows,
    rewire,
    wire_circuit,
)
from subjects.microprocessor.engine import EngineState
from subjects.microprocessor.event_kernels import Ports, set_pin, settle_nodes
from subjects.microprocessor.lesions import change_perturbations, transistor_modes
from subjects.microprocessor.netlist import Netlist
from subjects.microprocessor.surroundings import PlainMemory


def connect_ports(netlist: Netlist, chip: ChipDescription) -> Ports:
    """Translate a chip's pins into node ids.

    Raises
    ------
    AssetError : the netlist lacks one of the names.
    """

    def nodes(names: tuple[str, ...]) -> NDArray[np.uint16]:
        return netlist.nodes_named(names).astype(np.uint16)

    def pins(levels: Levels) -> NDArray[np.uint16]:
        return nodes(tuple(name for name, _ in levels))

    def wanted(levels: Levels) -> NDArray[np.uint8]:
        return np.array([level for _, level in levels], dtype=np.uint8)

    all_levels = sum((step.levels for step in chip.clock_cycle), ())
    return Ports(
        clock_start=np.cumsum([0, *(len(step.levels) for step in chip.clock_cycle)], dtype=np.int64),
        clock_pin=pins(all_levels),
        clock_level=wanted(all_levels),
        clock_access=np.array([step.bus_access for step in chip.clock_cycle], dtype=np.uint8),
        address=nodes(chip.memory.address),
        data=nodes(chip.memory.data),
        read_pin=pins(chip.memory.read_when),
        read_level=wanted(chip.memory.read_when),
        write_pin=pins(chip.memory.write_when),
        write_level=wanted(chip.memory.write_when),
    )


class EventEngine:
    """One chip, simulated event by event. See `engine.Engine` for the methods.

    Attributes
    ----------
    netlist, chip : what is simulated
    circuit, ports : the arrays that the njit functions take; other code may run the chip with them
    rows : the merged transistors, for `circuit.rewire`
    """

    def __init__(self, netlist: Netlist, chip: ChipDescription) -> None:
        self.netlist = netlist
        self.chip = chip
        self.circuit = wire_circuit(netlist)
        self.ports = connect_ports(netlist, chip)
        self.rows = circuit_rows(netlist)
        self._row_mode = np.zeros(netlist.n_rows, np.uint8)
        self._load_pull = self.circuit.pull.copy()

    @property
    def values(self) -> NDArray[np.uint8]:
        return self.circuit.values[: self.netlist.n_nodes].copy()

    @property
    def clamp(self) -> NDArray[np.uint8]:
        return self.circuit.clamp.copy()

    @property
    def row_mode(self) -> NDArray[np.uint8]:
        return self._row_mode.copy()

    @property
    def n_unsettled(self) -> int:
        return int(self.circuit.counters[COUNT_UNSETTLED])

    def reset(self, memory: NDArray[np.uint8]) -> None:
        self.hold_reset()
        self.run(self.chip.reset.n_half_cycles, memory)
        self.release_reset()

    def hold_reset(self) -> None:
        """Discharge every node, set the pins as the reset script says and settle the whole chip."""
        circuit, script = self.circuit, self.chip.reset
        circuit.values[: self.netlist.n_nodes] = circuit.clamp == CLAMP_HIGH
        circuit.pull[:] = self._load_pull
        circuit.counters[:] = 0
        rewire(circuit, self.rows)
        self._set_levels(script.hold)
        settle_nodes(circuit, np.arange(self.netlist.n_nodes))
        circuit.counters[COUNT_CLOCK_STEP] = script.clock_step

    def release_reset(self) -> None:
        """Let the chip go, `chip.reset.n_half_cycles` half-cycles after `hold_reset`."""
        self._set_levels(self.chip.reset.release)

    def run(
        self,
        n_half_cycles: int,
        memory: NDArray[np.uint8],
        rows: NDArray[np.uint8] | None = None,
        nodes: NDArray[np.integer] | None = None,
    ) -> None:
        self.check_memory(memory)
        n_recorded = int(self.netlist.node_exists.sum()) if nodes is None else len(nodes)
        expected = (n_half_cycles, (n_recorded + 7) // 8)
        if rows is not None and (rows.shape != expected or rows.dtype != np.uint8):
            raise SubjectError(f"asked to record into {rows.shape} {rows.dtype}, {expected} uint8 is what it takes")
        places = None if nodes is None else np.asarray(nodes, dtype=np.int64)
        self.run_in(PlainMemory(memory), node_taps(rows, places), n_half_cycles)

    def run_in(self, around: Any, taps: Taps, n: int) -> int:
        """Run in whatever surroundings (`surroundings`); half-cycles done."""
        return int(run_event(self.circuit, self.ports, around, taps, n))

    def check_memory(self, memory: NDArray[np.uint8]) -> None:
        """Raises SubjectError when it is not what the chip addresses."""
        n_addresses = 1 << len(self.ports.address)
        if memory.shape != (n_addresses,) or memory.dtype != np.uint8:
            raise SubjectError(
                f"asked to run on a memory of shape {memory.shape} {memory.dtype}, "
                f"the chip addresses ({n_addresses},) uint8"
            )

    def set_pin(self, name: str, level: int) -> None:
        set_pin(self.circuit, self.pin(name), level)

    def pin(self, name: str) -> int:
        """Node of an input pin. Raises UnknownUnitError."""
        if name not in self.chip.input_pins:
            raise UnknownUnitError(f"asked to set pin {name!r}, {self.chip.name} has {', '.join(self.chip.input_pins)}")
        return self.netlist.node_ids[name]

    def register(self, name: str) -> int:
        if name not in self.chip.registers:
            raise UnknownUnitError(
                f"asked for register {name!r}, {self.chip.name} has {', '.join(self.chip.registers)}"
            )
        register = self.chip.registers[name]
        number = sum(
            int(self.circuit.values[self.netlist.node_ids[bit]]) << k
            for k, bit in enumerate(register.bits)
            if bit is not None
        )
        return number ^ ((1 << len(register.bits)) - 1) if register.inverted else number

    def perturb(self, clamp: NDArray[np.uint8] | None = None, row_mode: NDArray[np.uint8] | None = None) -> None:
        clamps, row_modes = self.check_perturbations(clamp, row_mode)
        self._row_mode = row_modes
        change_perturbations(self.circuit, self.rows, clamps, transistor_modes(self.netlist, row_modes))

    def check_perturbations(
        self, clamp: NDArray[np.uint8] | None, row_mode: NDArray[np.uint8] | None
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Clamps and modes as `perturb` would have them. Raises SubjectError, UnknownUnitError."""
        clamp = self.circuit.clamp.copy() if clamp is None else np.asarray(clamp, dtype=np.uint8)
        row_mode = self._row_mode.copy() if row_mode is None else np.array(row_mode, dtype=np.uint8)
        if clamp.shape != self.circuit.clamp.shape or row_mode.shape != self._row_mode.shape:
            raise SubjectError(
                f"asked to perturb {clamp.shape} nodes and {row_mode.shape} transistors, "
                f"the chip has {self.circuit.clamp.shape} and {self._row_mode.shape}"
            )
        if clamp.max(initial=0) > CLAMP_HIGH or row_mode.max(initial=0) > MODE_ON:
            raise SubjectError(f"asked for a clamp or mode outside 0 to {MODE_ON}; use the names in `circuit`")
        supplies = [node for node in (self.netlist.vss, self.netlist.vcc) if clamp[node] != CLAMP_NONE]
        absent = np.flatnonzero((clamp != CLAMP_NONE) & ~self.netlist.node_exists)
        if supplies or absent.size:
            raise UnknownUnitError(
                f"asked to clamp node {[*supplies, *absent.tolist()][0]}, which is a supply or not in the netlist; "
                "clamp a node that exists"
            )
        return clamp, row_mode

    def note_perturbations(self, clamp: NDArray[np.uint8], row_mode: NDArray[np.uint8]) -> None:
        """Keep clamps and modes while another engine has the chip; `rewire` has to follow before this one runs."""
        circuit = self.circuit
        circuit.clamp[:] = clamp
        circuit.mode[:] = transistor_modes(self.netlist, row_mode)
        circuit.values[: self.netlist.n_nodes][clamp != CLAMP_NONE] = clamp[clamp != CLAMP_NONE] == CLAMP_HIGH
        self._row_mode = row_mode

    def snapshot(self) -> EngineState:
        circuit = self.circuit
        return EngineState(
            values=self.values,
            pull=circuit.pull.copy(),
            clamp=circuit.clamp.copy(),
            row_mode=self._row_mode.copy(),
            clock_step=int(circuit.counters[COUNT_CLOCK_STEP]),
            n_unsettled=self.n_unsettled,
        )

    def restore(self, state: EngineState) -> None:
        circuit = self.circuit
        if len(state.values) != self.netlist.n_nodes or len(state.row_mode) != self.netlist.n_rows:
            raise SubjectError(
                f"asked to restore {len(state.values)} nodes and {len(state.row_mode)} transistors, "
                f"{self.chip.name} has {self.netlist.n_nodes} and {self.netlist.n_rows}; use a snapshot of this chip"
            )
        circuit.values[: self.netlist.n_nodes] = state.values
        circuit.pull[:] = state.pull
        circuit.clamp[:] = state.clamp
        circuit.mode[:] = transistor_modes(self.netlist, state.row_mode)
        circuit.counters[COUNT_CLOCK_STEP] = state.clock_step
        circuit.counters[COUNT_UNSETTLED] = state.n_unsettled
        self._row_mode = np.array(state.row_mode, dtype=np.uint8)
        rewire(circuit, self.rows)

    def _set_levels(self, levels: Levels) -> None:
        for name, level in levels:
            set_pin(self.circuit, self.netlist.node_ids[name], level)
