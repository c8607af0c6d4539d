"""The compiled engine: every live node exact, and the event engine for what only that decides.

It is `engine.Engine`, with two promises more narrow: rows are of live nodes and the supplies only, and perturbations
that it cannot express leave the chip to the event engine for as long as they last.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rig.errors import SubjectError
from subjects.microprocessor.chip import ChipDescription
from subjects.microprocessor.circuit import rewire
from subjects.microprocessor.compiled.compiled_chip import load_chip
from subjects.microprocessor.compiled.connect import connect
from subjects.microprocessor.compiled.emission import one_chip
from subjects.microprocessor.compiled.kernels import (
    COUNT_EVENT_LEFT,
    COUNT_EVENT_ONLY,
    COUNT_TRIPS,
    event_has_it,
    from_event,
    run_half_cycles,
    run_recording,
    set_pin,
    to_event,
)
from subjects.microprocessor.engine import EngineState
from subjects.microprocessor.event_engine import EventEngine
from subjects.microprocessor.netlist import Netlist


class CompiledEngine:
    """One chip, compiled. See `engine.Engine` for the methods.

    Attributes
    ----------
    netlist, chip : what is simulated
    event : the event engine; its circuit's clock step, pulls, clamps and modes are always the chip's
    promised : (n,) int64, ids of the nodes that can be recorded: live ones and the supplies
    code : the machine code in use
    compiled : the arrays that the njit functions of `kernels` take, together with the event engine's
    """

    def __init__(self, netlist: Netlist, chip: ChipDescription) -> None:
        self.netlist = netlist
        self.chip = chip
        self.event = EventEngine(netlist, chip)
        self.code = load_chip(netlist, chip, one_chip())
        self.compiled = connect(chip, netlist, self.code)
        self.promised = np.array(self.code.promised, np.int64)

    @property
    def values(self) -> NDArray[np.uint8]:
        self._bring_event_up_to_date()
        return self.event.values

    @property
    def clamp(self) -> NDArray[np.uint8]:
        return self.event.clamp

    @property
    def row_mode(self) -> NDArray[np.uint8]:
        return self.event.row_mode

    @property
    def n_unsettled(self) -> int:
        return self.event.n_unsettled + int(self.compiled.unstable[0] != 0)

    @property
    def n_trips(self) -> int:
        """How often the chip went to the event engine since it was made."""
        return int(self.compiled.counters[COUNT_TRIPS])

    def reset(self, memory: NDArray[np.uint8]) -> None:
        self.hold_reset()
        self.run(self.chip.reset.n_half_cycles, memory)
        self.release_reset()

    def hold_reset(self) -> None:
        """See `EventEngine.hold_reset`."""
        counters = self.compiled.counters
        counters[COUNT_EVENT_LEFT] = max(1, self.compiled.n_trip[0]) + self.chip.reset.n_half_cycles
        self.compiled.unstable[:] = 0
        self.event.hold_reset()

    def release_reset(self) -> None:
        self.event.release_reset()

    def run(
        self,
        n_half_cycles: int,
        memory: NDArray[np.uint8],
        rows: NDArray[np.uint8] | None = None,
        nodes: NDArray[np.integer] | None = None,
    ) -> None:
        self.event.check_memory(memory)
        arrays = (self.compiled, self.event.circuit, self.event.ports, self.event.rows, memory)
        if rows is None:
            run_half_cycles(*arrays, n_half_cycles)
            return
        slots = np.empty(0, np.int64) if nodes is None else self.slots_of(nodes)
        expected = (n_half_cycles, ((len(self.promised) if nodes is None else len(nodes)) + 7) // 8)
        if rows.shape != expected or rows.dtype != np.uint8:
            raise SubjectError(f"asked to record into {rows.shape} {rows.dtype}, {expected} uint8 is what it takes")
        if expected[1]:
            run_recording(*arrays, slots, rows)
        else:
            run_half_cycles(*arrays, n_half_cycles)

    def slots_of(self, nodes: NDArray[np.integer]) -> NDArray[np.int64]:
        """Words that hold live nodes. Raises SubjectError for a node whose value is not promised."""
        wanted = np.asarray(nodes, np.int64)
        dead = wanted[~np.isin(wanted, self.promised)]
        if len(dead):
            raise SubjectError(
                f"asked for node {dead[0]}, which gates nothing and has no name; only the event engine is exact there"
            )
        return self.code.node_slot[wanted].astype(np.int64)

    def set_pin(self, name: str, level: int) -> None:
        node = self.event.pin(name)
        set_pin(self.compiled, self.event.circuit, self.event.rows, node, level)

    def register(self, name: str) -> int:
        self._bring_event_up_to_date()
        return self.event.register(name)

    def perturb(self, clamp: NDArray[np.uint8] | None = None, row_mode: NDArray[np.uint8] | None = None) -> None:
        """Perturbed chips are the event engine's."""
        counters = self.compiled.counters
        self._give_to_event()
        self.event.perturb(clamp, row_mode)
        perturbed = bool(self.event.circuit.clamp.any() or self.event.circuit.mode.any())
        counters[COUNT_EVENT_ONLY] = perturbed
        if not event_has_it(self.compiled):
            from_event(self.compiled, self.event.circuit)

    def snapshot(self) -> EngineState:
        self._bring_event_up_to_date()
        state = self.event.snapshot()
        n_left = int(self.compiled.counters[COUNT_EVENT_LEFT])
        return EngineState(
            state.values, state.pull, state.clamp, state.row_mode, state.clock_step, state.n_unsettled, n_left
        )

    def restore(self, state: EngineState) -> None:
        self.event.restore(state)
        circuit, counters = self.event.circuit, self.compiled.counters
        counters[COUNT_EVENT_LEFT] = state.n_event_left
        counters[COUNT_EVENT_ONLY] = bool(circuit.clamp.any() or circuit.mode.any())
        self.compiled.unstable[:] = 0
        if not event_has_it(self.compiled):
            from_event(self.compiled, circuit)

    def _bring_event_up_to_date(self) -> None:
        """Values and pulls only: enough to be looked at and kept."""
        if not event_has_it(self.compiled):
            to_event(self.compiled, self.event.circuit)

    def _give_to_event(self) -> None:
        if not event_has_it(self.compiled):
            to_event(self.compiled, self.event.circuit)
            rewire(self.event.circuit, self.event.rows)
