"""Whether a perturbed chip may run compiled: it is tried beside the event engine before it is trusted.

Most perturbations come out the same. Some do not: chips that oscillate, or on which a race between clock lines decides
something that it never does on the intact chip. A set of perturbations is tried as a whole, on the chip's own exercise
and from one and the same state, so the verdict depends on nothing but the chip and the set: not on when it was asked
for, nor on what the chip was doing.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from subjects.microprocessor.engine import EngineState
from subjects.microprocessor.event_engine import EventEngine

N_BEFORE, N_PERTURBED, N_AFTER = 301, 2000, 300
"""Half-cycles before the perturbation, under it, and after its release."""


class Trusting(Protocol):
    """An engine that compiles whatever can be expressed."""

    event: EventEngine
    promised: NDArray[np.int64]

    @property
    def n_unsettled(self) -> int: ...
    def run(self, n_half_cycles: int, memory: NDArray[np.uint8], rows: NDArray[np.uint8] | None = None) -> None: ...
    def perturb(self, clamp: NDArray[np.uint8] | None = None, row_mode: NDArray[np.uint8] | None = None) -> None: ...
    def restore(self, state: EngineState) -> None: ...


class Trial:
    """Tries perturbations of one chip.

    Parameters
    ----------
    engine : to be tried, its own all along
    """

    def __init__(self, engine: Trusting) -> None:
        netlist, chip = engine.event.netlist, engine.event.chip
        self._engine = engine
        self._reference = EventEngine(netlist, chip)
        self._memory = (np.arange(1 << len(chip.memory.address)) * 37).astype(np.uint8)
        for address, contents in chip.exercise:
            self._memory[address : address + len(contents)] = np.frombuffer(contents, np.uint8)
        self._reference.reset(self._memory)
        self._reference.run(N_BEFORE, self._memory)
        self._start = self._reference.snapshot()
        self._verdicts: dict[bytes, bool] = {}

    def is_exact(self, clamp: NDArray[np.uint8], row_mode: NDArray[np.uint8]) -> bool:
        """Whether every promised node is the event engine's in every half-cycle of the trial."""
        key = clamp.tobytes() + row_mode.tobytes()
        if key not in self._verdicts:
            self._verdicts[key] = self._try(clamp, row_mode)
        return self._verdicts[key]

    def _try(self, clamp: NDArray[np.uint8], row_mode: NDArray[np.uint8]) -> bool:
        engine, reference = self._engine, self._reference
        engine.restore(self._start)
        reference.restore(self._start)
        unsettled = engine.n_unsettled, reference.n_unsettled
        memories = self._memory.copy(), self._memory.copy()
        nothing = np.zeros_like(clamp), np.zeros_like(row_mode)
        n_bytes = (len(engine.promised) + 7) // 8
        for perturbation, n in (((clamp, row_mode), N_PERTURBED), (nothing, N_AFTER)):
            rows = np.zeros((n, n_bytes), np.uint8), np.zeros((n, n_bytes), np.uint8)
            engine.perturb(*perturbation)
            reference.perturb(*perturbation)
            engine.run(n, memories[0], rows[0])
            reference.run(n, memories[1], rows[1], engine.promised)
            if not np.array_equal(*rows):
                return False
        settled = (engine.n_unsettled, reference.n_unsettled) == unsettled
        return settled and bool(np.array_equal(*memories))
