"""The compiled engine: every live node exact, and the event engine for what only that decides.

It is `engine.Engine`, with two promises more narrow: rows are of live nodes and the supplies only, and perturbations
that it cannot express leave the chip to the event engine for as long as they last.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rig.errors import SubjectError
from subjects.microprocessor.chip import ChipDescription
from subjects.microprocessor.chip_loops import Taps, node_taps, run_compiled
from subjects.microprocessor.circuit import (
    CLAMP_HIGH,
    CLAMP_LOW,
    CLAMP_NONE,
    MODE_OFF,
    MODE_ON,
    PULL_NONE,
    PULL_UP,
    rewire,
)
from subjects.microprocessor.compiled.compiled_chip import load_chip
from subjects.microprocessor.compiled.connect import connect
from subjects.microprocessor.compiled.detours import Detour, Detours
from subjects.microprocessor.compiled.emission import one_chip
from subjects.microprocessor.compiled.kernels import (
    COUNT_EVENT_LEFT,
    COUNT_EVENT_ONLY,
    COUNT_TRIPS,
    event_has_it,
    from_event,
    set_pin,
    settle_compiled,
    to_event,
)
from subjects.microprocessor.compiled.masks import Perturbed
from subjects.microprocessor.compiled.recall import N_KEPT, NOTE_ASLEEP, NOTE_PERTURBATION
from subjects.microprocessor.compiled.shared_recall import SharedRecall, shared_recall
from subjects.microprocessor.compiled.trial import Trial
from subjects.microprocessor.engine import EngineState
from subjects.microprocessor.event_engine import EventEngine
from subjects.microprocessor.lesions import transistor_modes
from subjects.microprocessor.netlist import Netlist
from subjects.microprocessor.surroundings import PlainMemory

N_TRIED = 1 << 12
"""States kept by an engine on which perturbations are tried: each makes another chip, whose states come up no more."""


class CompiledEngine:
    """One chip, compiled. See `engine.Engine` for the methods.

    Parameters
    ----------
    trusting : take whatever perturbation can be expressed for exact, without trying it first
    sharing : recall together with the other engines of this process that do so; else by itself

    Attributes
    ----------
    netlist, chip : what is simulated
    event : the event engine; its circuit's clock step, pulls, clamps and modes are always the chip's
    promised : (n,) int64, ids of the nodes that can be recorded: live ones and the supplies
    code : the machine code in use
    compiled, transfer : the arrays that the njit functions of `kernels` take, together with the event engine's
    recall : what the chip did before
    """

    def __init__(
        self, netlist: Netlist, chip: ChipDescription, *, trusting: bool = False, sharing: bool = False
    ) -> None:
        self.netlist = netlist
        self.chip = chip
        self.event = EventEngine(netlist, chip)
        self.code = load_chip(netlist, chip, one_chip())
        self.compiled, self.transfer = connect(chip, netlist, self.code)
        self._shared = shared_recall(self.code) if sharing else SharedRecall(self.code, N_TRIED if trusting else N_KEPT)
        self.recall = self._shared.recall
        self._perturbation = 0
        self._trusting = trusting
        # made when the first perturbation comes
        self._detours: Detours | None = None
        self._detour: Detour | None = None
        self._trial: Trial | None = None
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

    @property
    def event_only(self) -> bool:
        """Whether the event engine has the chip for as long as the present perturbations last."""
        return bool(self.compiled.counters[COUNT_EVENT_ONLY])

    def reset(self, memory: NDArray[np.uint8]) -> None:
        self.hold_reset()
        self.run(self.chip.reset.n_half_cycles, memory)
        self.release_reset()

    def hold_reset(self) -> None:
        """See `EventEngine.hold_reset`."""
        counters = self.compiled.counters
        counters[COUNT_EVENT_LEFT] = max(1, self.chip.trips.n_half_cycles) + self.chip.reset.n_half_cycles
        self.compiled.unstable[:] = 0
        self._note_perturbation()
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
        slots = None if nodes is None else self.slots_of(nodes)
        expected = (n_half_cycles, ((len(self.promised) if nodes is None else len(nodes)) + 7) // 8)
        if rows is not None and (rows.shape != expected or rows.dtype != np.uint8):
            raise SubjectError(f"asked to record into {rows.shape} {rows.dtype}, {expected} uint8 is what it takes")
        around, taps = PlainMemory(memory), node_taps(rows, slots)
        self.run_in(around, taps, n_half_cycles)

    @property
    def turn(self) -> AbstractContextManager[bool]:
        """While it is held, no other engine changes what they recall together: a trace stays good."""
        return self._shared.turn

    def run_in(self, around: Any, taps: Taps, n: int) -> int:
        """Run in whatever surroundings (`surroundings`); half-cycles done."""
        event = self.event
        with self._shared.turn:
            self.recall.notes[NOTE_PERTURBATION] = self._perturbation
            return int(
                run_compiled(
                    self.compiled,
                    self.transfer,
                    event.circuit,
                    event.ports,
                    event.rows,
                    self.recall,
                    around,
                    taps,
                    len(self.promised),
                    n,
                )
            )

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
        set_pin(self.compiled, self.transfer, self.event.circuit, self.event.rows, node, level)

    def register(self, name: str) -> int:
        self._bring_event_up_to_date()
        return self.event.register(name)

    def perturb(self, clamp: NDArray[np.uint8] | None = None, row_mode: NDArray[np.uint8] | None = None) -> None:
        """Compiled where that is exact, else by the event engine for as long as it lasts."""
        counters = self.compiled.counters
        wanted = self.event.check_perturbations(clamp, row_mode)
        detour = self._detour_of(*wanted)
        if detour is not None and not event_has_it(self.compiled):
            self.event.note_perturbations(*wanted)
            self._enter(detour)
            settle_compiled(self.compiled)
            return
        self._give_to_event()
        self.event.perturb(clamp, row_mode)
        if detour is None:
            counters[COUNT_EVENT_ONLY] = 1
            return
        if counters[COUNT_EVENT_ONLY]:
            counters[COUNT_EVENT_ONLY] = 0
            counters[COUNT_EVENT_LEFT] = max(counters[COUNT_EVENT_LEFT], self.chip.trips.n_half_cycles)
        self._enter(detour)
        if not event_has_it(self.compiled):
            from_event(self.compiled, self.transfer, self.event.circuit)

    def is_exact(self, clamp: NDArray[np.uint8], row_mode: NDArray[np.uint8]) -> bool:
        """Whether the chip would run compiled with these perturbations."""
        return self._detour_of(clamp, row_mode) is not None

    def _detour_of(self, clamp: NDArray[np.uint8], row_mode: NDArray[np.uint8]) -> Detour | None:
        """None when only the event engine is exact."""
        if not (clamp.any() or row_mode.any()):
            return Detour(np.zeros_like(self.compiled.detours), None)
        if self._detours is None:
            self._detours = Detours(self.netlist, self.chip)
        modes = transistor_modes(self.netlist, row_mode)

        def found(array: NDArray[np.uint8], value: int) -> frozenset[int]:
            return frozenset(np.flatnonzero(array == value).tolist())

        low, high = found(clamp, CLAMP_LOW), found(clamp, CLAMP_HIGH)
        outside = self._detours.outside
        detour = self._detours.detour(
            Perturbed(found(modes, MODE_OFF), found(modes, MODE_ON), low - outside, high - outside)
        )
        if detour is None or self._trusting:
            return detour
        if self._trial is None:
            self._trial = Trial(CompiledEngine(self.netlist, self.chip, trusting=True))
        return detour if self._trial.is_exact(clamp, row_mode) else None

    def _take(self, detour: Detour) -> None:
        """Keep its code as long as its addresses are in use."""
        self._detour = detour
        self.compiled.detours[:] = detour.table

    def _enter(self, detour: Detour) -> None:
        """Take up detours, and put levels on the pins that only their drivers hold."""
        self._take(detour)
        self._note_perturbation()
        circuit = self.event.circuit
        for name in self.chip.input_pins:
            node = self.netlist.node_ids[name]
            slot = self.transfer.node_slot[node]
            if self.transfer.drive_slot[node] < 0 and circuit.pull[node] != PULL_NONE:
                level = circuit.pull[node] == PULL_UP
                if circuit.clamp[node] != CLAMP_NONE:
                    level = circuit.clamp[node] == CLAMP_HIGH
                self.compiled.state[slot] = -int(level)

    def _note_perturbation(self) -> None:
        """Keep what a chip does under different perturbations apart."""
        self._perturbation = self._shared.number_of(self.event.clamp.tobytes() + self.event.row_mode.tobytes())
        self.recall.notes[NOTE_ASLEEP] = 0

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
        detour = self._detour_of(circuit.clamp, self.event.row_mode)
        counters[COUNT_EVENT_LEFT] = state.n_event_left
        counters[COUNT_EVENT_ONLY] = detour is None
        if detour is not None:
            self._take(detour)
        self.compiled.unstable[:] = 0
        self._note_perturbation()
        if not event_has_it(self.compiled):
            from_event(self.compiled, self.transfer, circuit)

    def _bring_event_up_to_date(self) -> None:
        """Values and pulls only: enough to be looked at and kept."""
        if not event_has_it(self.compiled):
            to_event(self.compiled, self.transfer, self.event.circuit)

    def _give_to_event(self) -> None:
        if not event_has_it(self.compiled):
            to_event(self.compiled, self.transfer, self.event.circuit)
            rewire(self.event.circuit, self.event.rows)
