"""Whether a perturbed chip may run compiled: it is tried beside the event engine before it is trusted.

Most perturbations come out the same. Some do not: chips that oscillate, or on which a race between clock lines decides
something that it never does on the intact chip. A set of perturbations is tried as a whole, on programs of random bytes
that are always the same and from states that are always the same, so the verdict depends on nothing but the chip and
the set: not on when it was asked for, nor on what the chip was doing. A trial is no proof: what it lets pass although a
survey found it different is listed with the chip (`ChipDescription.inexact`).
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from subjects.microprocessor.circuit import CLAMP_LOW, MODE_OFF, MODE_ON
from subjects.microprocessor.engine import EngineState
from subjects.microprocessor.event_engine import EventEngine
from subjects.microprocessor.lesions import transistor_modes

N_PROGRAMS = 3
N_BEFORE, N_PERTURBED, N_AFTER = 301, 1500, 200
"""Half-cycles before the perturbation, under it, and after its release, in every program."""


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
        self._starts: list[tuple[EngineState, NDArray[np.uint8]]] = []
        avoided = np.array(sorted(chip.halting | chip.trips.opcodes), np.uint8)
        for program in range(N_PROGRAMS):
            memory = _random_bytes(1 << len(chip.memory.address), program)
            memory[np.isin(memory, avoided)] = 0
            self._reference.reset(memory)
            self._reference.run(N_BEFORE, memory)
            self._starts.append((self._reference.snapshot(), memory))
        self._verdicts: dict[bytes, bool] = {}

    def is_exact(self, clamp: NDArray[np.uint8], row_mode: NDArray[np.uint8]) -> bool:
        """Whether every promised node is the event engine's in every half-cycle of the trial."""
        if self._is_known(clamp, row_mode):
            return False
        key = clamp.tobytes() + row_mode.tobytes()
        if key not in self._verdicts:
            self._verdicts[key] = self._try(clamp, row_mode)
        return self._verdicts[key]

    def _is_known(self, clamp: NDArray[np.uint8], row_mode: NDArray[np.uint8]) -> bool:
        """Whether one of the perturbations is on the chip's list."""
        netlist, inexact = self._reference.netlist, self._reference.chip.inexact
        modes = transistor_modes(netlist, row_mode)
        for mode, listed in ((MODE_OFF, inexact.off), (MODE_ON, inexact.on)):
            for t in np.flatnonzero(modes == mode):
                if (int(netlist.gate[t]), int(netlist.c1[t]), int(netlist.c2[t])) in listed:
                    return True
        return not inexact.held_low.isdisjoint(np.flatnonzero(clamp == CLAMP_LOW).tolist())

    def _try(self, clamp: NDArray[np.uint8], row_mode: NDArray[np.uint8]) -> bool:
        return all(self._agree(start, memory, clamp, row_mode) for start, memory in self._starts)

    def _agree(
        self, start: EngineState, memory: NDArray[np.uint8], clamp: NDArray[np.uint8], row_mode: NDArray[np.uint8]
    ) -> bool:
        engine, reference = self._engine, self._reference
        engine.restore(start)
        reference.restore(start)
        unsettled = engine.n_unsettled, reference.n_unsettled
        memories = memory.copy(), memory.copy()
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


def _random_bytes(n: int, seed: int) -> NDArray[np.uint8]:
    """The same on every machine and with every version of numpy: a mix of the index by Steele's splitmix64."""
    x = np.arange(n, dtype=np.uint64) + np.uint64(seed * n + 1)
    x *= np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return (x >> np.uint64(56)).astype(np.uint8)
