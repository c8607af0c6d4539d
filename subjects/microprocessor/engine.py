"""What every simulation engine of a chip offers, and the state that a snapshot of one holds."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rig.errors import SubjectError
from subjects.microprocessor.chip import ChipDescription
from subjects.microprocessor.netlist import Netlist

_MAGIC = b"HSCHIP02"
_HEADER = struct.Struct("<8sIIqqq")


@dataclass(frozen=True)
class EngineState:
    """Everything that decides what a chip does next, perturbations included.

    Attributes
    ----------
    values : (n_nodes,) uint8, 0 or 1
    pull : (n_nodes,) uint8, what loads and the outside do to each node (`circuit.PULL_*`)
    clamp : (n_nodes,) uint8, `circuit.CLAMP_*`
    row_mode : (n_rows,) uint8, `circuit.MODE_*`
    clock_step : index in the chip's clock cycle
    n_unsettled : how often a list was dropped because the chip would not settle
    n_event_left : half-cycles for which the compiled engine still leaves the chip to the event-driven one
    """

    values: NDArray[np.uint8]
    pull: NDArray[np.uint8]
    clamp: NDArray[np.uint8]
    row_mode: NDArray[np.uint8]
    clock_step: int
    n_unsettled: int
    n_event_left: int = 0

    def to_bytes(self) -> bytes:
        """Header and the four arrays one after the other."""
        counts = (len(self.values), len(self.row_mode), self.clock_step, self.n_unsettled, self.n_event_left)
        header = _HEADER.pack(_MAGIC, *counts)
        arrays = (self.values, self.pull, self.clamp, self.row_mode)
        return header + b"".join(array.tobytes() for array in arrays)

    @staticmethod
    def from_bytes(data: bytes) -> EngineState:
        """Inverse of `to_bytes`.

        Raises
        ------
        SubjectError : not such bytes, or cut short.
        """
        if len(data) < _HEADER.size or data[:8] != _MAGIC:
            raise SubjectError(
                f"asked to restore a chip, these {len(data)} bytes are no snapshot of one; take a new one"
            )
        _, n_nodes, n_rows, clock_step, n_unsettled, n_event_left = _HEADER.unpack_from(data)
        expected = _HEADER.size + 3 * n_nodes + n_rows
        if len(data) != expected:
            raise SubjectError(
                f"asked to restore a chip from {expected} bytes, {len(data)} are there; take a new snapshot"
            )
        flat = np.frombuffer(data, np.uint8, offset=_HEADER.size)
        values, pull, clamp, row_mode = np.split(flat, [n_nodes, 2 * n_nodes, 3 * n_nodes])
        return EngineState(values, pull, clamp, row_mode, clock_step, n_unsettled, n_event_left)


class Engine(Protocol):
    """A chip that runs half-cycle by half-cycle, with a plain memory of 64 kB as its only surroundings."""

    netlist: Netlist
    chip: ChipDescription

    @property
    def values(self) -> NDArray[np.uint8]:
        """(n_nodes,) uint8 copy of the node values."""
        ...

    @property
    def clamp(self) -> NDArray[np.uint8]:
        """(n_nodes,) uint8 copy of the clamps."""
        ...

    @property
    def row_mode(self) -> NDArray[np.uint8]:
        """(n_rows,) uint8 copy of the modes of the drawn transistors."""
        ...

    @property
    def n_unsettled(self) -> int:
        """How often the chip would not settle and was left as it was."""
        ...

    def reset(self, memory: NDArray[np.uint8]) -> None:
        """Power up by the chip's reset script. Perturbations stay as they are."""
        ...

    def run(
        self,
        n_half_cycles: int,
        memory: NDArray[np.uint8],
        rows: NDArray[np.uint8] | None = None,
        nodes: NDArray[np.integer] | None = None,
    ) -> None:
        """Run on a plain memory; write packed node values after each half-cycle into `rows`, one row each.

        `nodes` None records all existing nodes by id.
        """
        ...

    def set_pin(self, name: str, level: int) -> None:
        """Drive an input pin until it is driven otherwise."""
        ...

    def register(self, name: str) -> int:
        """Decode a register of the chip."""
        ...

    def perturb(self, clamp: NDArray[np.uint8] | None = None, row_mode: NDArray[np.uint8] | None = None) -> None:
        """Replace all clamps, all modes of drawn transistors, or both, and settle at once."""
        ...

    def snapshot(self) -> EngineState:
        """Copy the complete state."""
        ...

    def restore(self, state: EngineState) -> None:
        """Return to a state taken from an engine of the same netlist."""
        ...
