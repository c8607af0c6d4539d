"""A perturbed chip, compiled, beside the event engine: where the two first part.

Always the same programs of random bytes, from always the same states, so what comes out depends on nothing but the
chip and the perturbations: not on when it was asked, nor on what a chip was doing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from subjects.microprocessor.engine import EngineState
from subjects.microprocessor.event_engine import EventEngine

N_AT_ONCE = 500
"""Half-cycles after which the two are compared, at the latest."""


class Trusting(Protocol):
    """An engine that compiles whatever can be expressed."""

    event: EventEngine
    promised: NDArray[np.int64]

    @property
    def n_unsettled(self) -> int: ...
    def run(self, n_half_cycles: int, memory: NDArray[np.uint8], rows: NDArray[np.uint8] | None = None) -> None: ...
    def perturb(self, clamp: NDArray[np.uint8] | None = None, row_mode: NDArray[np.uint8] | None = None) -> None: ...
    def restore(self, state: EngineState) -> None: ...


@dataclass(frozen=True)
class Course:
    """What the chips are put through.

    Attributes
    ----------
    programs : seeds of their bytes
    n_before, n_perturbed, n_after : half-cycles before the perturbation, under it, and after its release, in each
    """

    programs: tuple[int, ...]
    n_before: int
    n_perturbed: int
    n_after: int


@dataclass(frozen=True)
class Parting:
    """The first difference.

    Attributes
    ----------
    program : its seed
    half_cycle : counted from the perturbation; n_perturbed and beyond are after its release
    node : lowest that differs; -1 where only one of the two did not settle, or only their memories differ
    """

    program: int
    half_cycle: int
    node: int


class Comparison:
    """Compares one chip's engines.

    Parameters
    ----------
    engine : to be compared with the event engine, the comparison's own all along
    """

    def __init__(self, engine: Trusting, course: Course) -> None:
        netlist, chip = engine.event.netlist, engine.event.chip
        self._engine = engine
        self._course = course
        self._reference = EventEngine(netlist, chip)
        self._starts: list[tuple[EngineState, NDArray[np.uint8]]] = []
        avoided = np.array(sorted(chip.halting | chip.trips.opcodes), np.uint8)
        for program in course.programs:
            memory = _random_bytes(1 << len(chip.memory.address), program)
            memory[np.isin(memory, avoided)] = 0
            self._reference.reset(memory)
            self._reference.run(course.n_before, memory)
            self._starts.append((self._reference.snapshot(), memory))

    def parting(self, clamp: NDArray[np.uint8], row_mode: NDArray[np.uint8]) -> Parting | None:
        """Where promised nodes, memory, or whether all settled, first differ; None where they never do."""
        for program, start in zip(self._course.programs, self._starts, strict=True):
            if (found := self._on_program(*start, clamp, row_mode)) is not None:
                return Parting(program, *found)
        return None

    def _on_program(
        self, start: EngineState, memory: NDArray[np.uint8], clamp: NDArray[np.uint8], row_mode: NDArray[np.uint8]
    ) -> tuple[int, int] | None:
        """Half-cycle and node."""
        engine, reference = self._engine, self._reference
        engine.restore(start)
        reference.restore(start)
        unsettled = engine.n_unsettled, reference.n_unsettled
        memories = memory.copy(), memory.copy()
        nothing = np.zeros_like(clamp), np.zeros_like(row_mode)
        n_bytes = (len(engine.promised) + 7) // 8
        done = 0
        for perturbation, n_half_cycles in (
            ((clamp, row_mode), self._course.n_perturbed),
            (nothing, self._course.n_after),
        ):
            engine.perturb(*perturbation)
            reference.perturb(*perturbation)
            for n in _portions(n_half_cycles):
                rows = np.zeros((n, n_bytes), np.uint8), np.zeros((n, n_bytes), np.uint8)
                engine.run(n, memories[0], rows[0])
                reference.run(n, memories[1], rows[1], engine.promised)
                if (first := _first_bit(rows[0] ^ rows[1])) is not None:
                    return done + first[0], int(engine.promised[first[1]])
                done += n
        settled = (engine.n_unsettled, reference.n_unsettled) == unsettled
        return None if settled and np.array_equal(*memories) else (done, -1)


def _portions(n: int) -> Iterator[int]:
    for first in range(0, n, N_AT_ONCE):
        yield min(N_AT_ONCE, n - first)


def _first_bit(rows: NDArray[np.uint8]) -> tuple[int, int] | None:
    """Row and place of the first bit that is set."""
    if not rows.any():
        return None
    row = int(np.flatnonzero(rows.any(axis=1))[0])
    return row, int(np.flatnonzero(np.unpackbits(rows[row], bitorder="little"))[0])


def _random_bytes(n: int, seed: int) -> NDArray[np.uint8]:
    """The same on every machine and with every version of numpy: a mix of the index by Steele's splitmix64."""
    x = np.arange(n, dtype=np.uint64) + np.uint64(seed * n + 1)
    x *= np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return (x >> np.uint64(56)).astype(np.uint8)
