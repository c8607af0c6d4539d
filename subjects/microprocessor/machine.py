"""Chip and board in one loop: a half-cycle of the netlist, the board's answer, and what somebody watches of it.

The board's time starts with the first instruction: its cycle 0 is the first fetch from the reset vector, as if the
television and the processor had been switched on at that very moment. Until then (the reset script and the cycles that
the chip takes to find its vector) the board answers the bus and draws nothing.

Whoever clamps a pin wins over the board: the chip sees the clamp. The board goes on driving underneath, and what it
drives counts again when the clamp goes. It reads address, R/W and written data from the pins, clamped or not. The
board's crystal does not stop when clk0 is clamped: half-cycles pass and the chip stands still.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from subjects.microprocessor.atari2600.state import new_board, new_frames
from subjects.microprocessor.chip import Register
from subjects.microprocessor.chip_loops import NODES_ALL, NODES_NOT, NODES_SOME, Taps
from subjects.microprocessor.compiled.compiled_engine import CompiledEngine
from subjects.microprocessor.compiled.traces import Trace
from subjects.microprocessor.engine import EngineState
from subjects.microprocessor.event_engine import EventEngine
from subjects.microprocessor.surroundings import Console

N_FRAME_SLOTS = 8
HALF_CYCLES_PER_CYCLE = 2
HALF_CYCLES_PER_LINE = 76 * HALF_CYCLES_PER_CYCLE
CYCLES_TO_FIRST_FETCH = 8
"""Bus cycles from the release of RES to the fetch of the first opcode, that fetch not counted (measured, tested)."""


@dataclass(frozen=True)
class Run:
    """What one run of the machine gave.

    Attributes
    ----------
    n : half-cycles done
    node_rows : (n, n_bytes) uint8, None when not asked for
    words : (n, n_fields) uint32, None when not asked for
    frame_steps : (n_frames,) int64, in which half-cycle of the run each frame ended
    frames : (n_frames,) FRAME
    trace : where it went, None when not asked for; good until the next run, see `Machine.turn`
    """

    n: int
    node_rows: NDArray[np.uint8] | None
    words: NDArray[np.uint32] | None
    frame_steps: NDArray[np.int64]
    frames: NDArray[np.void]
    trace: Trace | None


class Machine:
    """A chip on the board, with a cartridge in it.

    Parameters
    ----------
    engine : the chip
    image : (4096,) uint8, the cartridge as the processor sees it
    fields : of the recorded words, by name
    n_frame_slots : a run stops early when as many frames have ended; with 1 it stops at the end of every frame

    Attributes
    ----------
    engine, board : their state is the machine's
    every_node : (n,) int64, ids of all nodes that can be recorded: those that exist, or those that are promised
    n_row_words : 64-bit words that hold a bit for each of them
    """

    def __init__(
        self,
        engine: EventEngine | CompiledEngine,
        image: NDArray[np.uint8],
        fields: Mapping[str, Register],
        n_frame_slots: int = N_FRAME_SLOTS,
    ) -> None:
        self.engine = engine
        self.board = new_board()
        self._rom = image.copy()  # writeable or not would be two types, and everything compiled twice
        self._frames = new_frames(n_frame_slots)
        self._frame_steps = np.zeros(n_frame_slots, np.int64)
        self._ready_node = int(engine.netlist.node_ids["rdy"])
        exists = np.flatnonzero(engine.netlist.node_exists).astype(np.int64)
        self.every_node = engine.promised if isinstance(engine, CompiledEngine) else exists
        zero = len(engine.compiled.state) - 1 if isinstance(engine, CompiledEngine) else engine.netlist.n_nodes
        node_ids = engine.netlist.node_ids
        bits = [[zero if b is None else self._place(node_ids[b]) for b in field.bits] for field in fields.values()]
        self._word_start = np.cumsum([0, *(len(b) for b in bits)], dtype=np.int64)
        self._word_nodes = np.array([place for b in bits for place in b], dtype=np.int64)
        self._word_flips = np.array([(1 << len(f.bits)) - 1 if f.inverted else 0 for f in fields.values()], np.uint32)

        self.n_row_words = (len(self.every_node) + 63) // 64
        self._states = (
            engine.recall.rows if isinstance(engine, CompiledEngine) else np.zeros((1, self.n_row_words), np.uint64)
        )
        self._trace = np.empty(0, np.int64)
        self._trace_rows = np.empty((0, 8 * self.n_row_words), np.uint8)
        n_states = len(engine.recall.marks) if isinstance(engine, CompiledEngine) else 0
        self._kept_words = np.zeros((n_states, len(self._word_flips)), np.uint32)
        self._kept_of = np.zeros(n_states, np.int64)

    def _place(self, node: int) -> int:
        """Where the loop finds a node's value."""
        return int(self.engine.code.node_slot[node]) if isinstance(self.engine, CompiledEngine) else node

    @property
    def slowed(self) -> bool:
        """Whether a chip that is compiled runs event by event, because only so its perturbations are exact."""
        return isinstance(self.engine, CompiledEngine) and self.engine.event_only

    def can_compile(self, clamp: NDArray[np.uint8], row_mode: NDArray[np.uint8]) -> bool:
        """Whether the chip would run compiled with these perturbations."""
        return isinstance(self.engine, CompiledEngine) and self.engine.is_exact(clamp, row_mode)

    @property
    def turn(self) -> AbstractContextManager[object]:
        """To be held from a run that leaves a trace until it is read."""
        return self.engine.turn if isinstance(self.engine, CompiledEngine) else nullcontext()

    def levels(self) -> NDArray[np.uint8]:
        """(n,) of `every_node`, as they are now."""
        return self.engine.values[self.every_node]

    def state(self) -> tuple[EngineState, NDArray[np.void]]:
        """All that decides what comes."""
        return self.engine.snapshot(), self.board.copy()

    def put_back(self, state: tuple[EngineState, NDArray[np.void]]) -> None:
        """Inverse of `state`."""
        engine, board = state
        self.engine.restore(engine)
        self.board[:] = board

    def power_on(self, ram: NDArray[np.uint8]) -> None:
        """Switch on with the given (128,) bytes in RAM: the reset script is done, the next half-cycle is the first."""
        self.board[:] = new_board()
        self.board["ram"][0] = ram
        script = self.engine.chip.reset
        self.board["cycle"] = -CYCLES_TO_FIRST_FETCH - script.n_half_cycles // HALF_CYCLES_PER_CYCLE
        self.engine.hold_reset()
        self.run(script.n_half_cycles)
        self.engine.release_reset()

    def run(self, n: int, nodes: NDArray[np.int64] | None = None, words: bool = False, *, traced: bool = False) -> Run:
        """Do n half-cycles, or fewer: when no more frames can be kept, or much of what is traced is new.

        Parameters
        ----------
        nodes : ids to record, in this order; as many as exist must be all of them by id; None for none
        words : whether to record the fields
        traced : whether to note where the chip goes
        """
        mode, n_bytes, chosen = NODES_NOT, 0, np.empty(0, np.int64)
        if nodes is not None:
            mode = NODES_SOME if len(nodes) < len(self.every_node) else NODES_ALL
            n_bytes = (len(nodes) + 7) // 8
            chosen = self.engine.slots_of(nodes) if isinstance(self.engine, CompiledEngine) else nodes
        taps = Taps(
            mode,
            chosen,
            np.empty((n, n_bytes) if mode != NODES_NOT else (0, 0), np.uint8),
            self._word_start,
            self._word_nodes,
            self._word_flips,
            np.empty((n, len(self._word_flips)) if words else (0, 0), np.uint32),
            self._kept_words,
            self._kept_of,
            *self._room_for_trace(n if traced else 0),
        )
        first_frame = int(self.board["n_frames"][0])
        done = self._run(taps, n)
        n_frames = int(self.board["n_frames"][0]) - first_frame
        slots = (first_frame + np.arange(n_frames)) % len(self._frames)
        return Run(
            n=done,
            node_rows=taps.node_rows[:done] if mode != NODES_NOT else None,
            words=taps.words[:done] if words else None,
            frame_steps=self._frame_steps[:n_frames].copy(),
            frames=self._frames[slots],
            trace=Trace(taps.trace[:done], taps.trace_rows[:done].view(np.uint64), self._states) if traced else None,
        )

    def _room_for_trace(self, n: int) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
        """The same each time: pages that nobody has touched yet cost more than what is written on them."""
        if n > len(self._trace):
            self._trace = np.empty(n, np.int64)
            self._trace_rows = np.empty((n, 8 * self.n_row_words), np.uint8)
        return self._trace[:n], self._trace_rows[:n]

    def _run(self, taps: Taps, n: int) -> int:
        console = Console(
            self.board,
            self._rom,
            self._frames,
            self._frame_steps,
            np.zeros(1, np.int64),
            int(self.board["n_frames"][0]),
            self._ready_node,
        )
        return self.engine.run_in(console, taps, n)
