"""Many chips of one kind in lockstep on boards of their own, as an object.

    lanes = Lanes(netlist, MOS6502, cartridge.image, n_words=8, masks=MaskPlan(off=(17, 404)))
    lanes.start([intact, lesioned, ...])     what each lane continues, from the event engine; the first is the leader
    lanes.lesion(1, {17: MODE_OFF})          from now on
    lanes.run(39824)
    lanes.notes.bus_tick                     when the bus of each first differed from the leader's

Lanes that are given nothing are copies of the leader.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rig.errors import SubjectError
from subjects.microprocessor.atari2600 import tia
from subjects.microprocessor.atari2600.console import ConsoleInputs
from subjects.microprocessor.atari2600.state import BOARD, CLOCKS_PER_CYCLE
from subjects.microprocessor.chip import ChipDescription, Levels
from subjects.microprocessor.circuit import MODE_OFF, PULL_UP
from subjects.microprocessor.compiled.compiled_chip import CompiledChip, load_chip
from subjects.microprocessor.compiled.emission import lanes as lanes_shape
from subjects.microprocessor.compiled.masks import MaskPlan
from subjects.microprocessor.engine import EngineState
from subjects.microprocessor.lanes import lockstep
from subjects.microprocessor.lanes.boards import board_of, new_boards, set_board
from subjects.microprocessor.lanes.lockstep import COUNT_TICK, Chips, Lists, Notes, new_scratch
from subjects.microprocessor.lanes.planes import LANES_PER_WORD
from subjects.microprocessor.lanes.screens import NOTHING_INTACT, IntactScreens, new_screens, note_difference
from subjects.microprocessor.netlist import Netlist

ALIGNMENT_BYTES = 64
"""Of planes: the widest vector. Planes that straddle cache lines halve the speed."""


@dataclass(frozen=True)
class LaneStart:
    """What a lane continues.

    Attributes
    ----------
    chip : state of the chip, with its lesions settled
    board : (1,) BOARD
    """

    chip: EngineState
    board: NDArray[np.void]


class Lanes:
    """64 * n_words chips in lockstep.

    Parameters
    ----------
    image : (4096,) uint8, the cartridge
    n_words : 8 for machines with AVX-512, 4 otherwise
    masks : lesions that lanes can be given
    n_frames : frames of each lane that are compared and noted
    intact : what to compare them with
    kept_frames : numbers of frames whose pictures are kept

    Attributes
    ----------
    notes, screens : what was noted of every lane
    """

    def __init__(
        self,
        netlist: Netlist,
        chip: ChipDescription,
        image: NDArray[np.uint8],
        n_words: int = 8,
        masks: MaskPlan | None = None,
        n_frames: int = 0,
        intact: IntactScreens = NOTHING_INTACT,
        kept_frames: tuple[int, ...] = (),
    ) -> None:
        self.netlist = netlist
        self.n_lanes = LANES_PER_WORD * n_words
        self._chip = chip
        self._code = load_chip(netlist, chip, lanes_shape(n_words), masks or MaskPlan())
        self._chips = _connect(netlist, chip, self._code, n_words)
        self._boards = new_boards(n_words, image)
        self.screens = new_screens(self.n_lanes, n_frames, intact, kept_frames)
        self.notes = Notes(np.zeros(n_words, np.uint64), *(np.full(self.n_lanes, -1, np.int64) for _ in range(3)))
        self._scratch = new_scratch(n_words)

    @property
    def tick(self) -> int:
        """Half-cycles done since the start."""
        return int(self._chips.counters[COUNT_TICK])

    @property
    def cycle(self) -> int:
        """Bus cycles of the boards since power-on."""
        return int(self._boards.cycle[0])

    def start(self, starts: Sequence[LaneStart], tick: int = 0) -> None:
        """Put a state into every lane; those beyond the list get the first one's.

        Raises
        ------
        SubjectError : they are not all at the same cycle and clock step.
        """
        leader = starts[0]
        cycle = int(leader.board["cycle"][0])
        for lane, start in enumerate(starts):
            if start.chip.clock_step != leader.chip.clock_step or start.board["cycle"][0] != cycle:
                raise SubjectError(
                    f"asked for lane {lane} to start in cycle {start.board['cycle'][0]} and lane 0 in cycle {cycle}; "
                    "lanes run in lockstep: start all at the same time"
                )
        state, code = self._chips.state, self._code
        values = np.stack([start.chip.values == 1 for start in starts])
        pulled_up = np.stack([start.chip.pull == PULL_UP for start in starts])
        for slots, levels in ((code.node_slot, values), (code.drive_slot, pulled_up)):
            nodes = np.flatnonzero(slots >= 0)
            state[slots[nodes]] = _planes(levels[:, nodes].T, self.n_lanes)
        self._chips.masks[:] = 0
        self._chips.unstable[:] = 0
        self._chips.late[:] = 0
        self._chips.counters[:] = leader.chip.clock_step, tick
        self._boards.own[:] = 0
        self._boards.waiting[:] = 0 if leader.board["rdy"][0] else ~np.uint64(0)
        self._boards.cycle[0] = cycle
        for lane, start in enumerate(starts):
            if lane == 0 or not _equal_boards(start.board, leader.board):
                set_board(self._boards, lane, start.board)

    def lesion(self, lane: int, modes: Mapping[int, int]) -> None:
        """Lesion merged transistors of a lane for good: `circuit.MODE_OFF` or MODE_ON of each, as `masks` foresees.

        `settle` puts it into effect; a lane that was started with these lesions is settled already.
        """
        plan = self._code.masks
        word, bit = divmod(lane, LANES_PER_WORD)
        for transistor, mode in modes.items():
            row = plan.off_row[transistor] if mode == MODE_OFF else plan.on_row[transistor]
            self._chips.masks[row, word] |= np.uint64(1 << bit)

    def settle(self) -> None:
        """Settle all chips, as after lesions."""
        lockstep.settle(self._chips)

    def set_inputs(self, inputs: ConsoleInputs) -> None:
        """Hold sticks and switches of all lanes so from the next cycle on."""
        boards = self._boards.boards
        boards["port_in"] = (inputs.swcha, inputs.swchb)
        boards["fire"] = (not inputs.stick0.fire, not inputs.stick1.fire)
        for lane in range(self.n_lanes):
            tia.latch_fire(boards[lane])

    def run(self, n_half_cycles: int) -> None:
        """Run all lanes."""
        lockstep.run_half_cycles(self._chips, self._boards, self.screens, self.notes, self._scratch, n_half_cycles)

    def finish(self) -> None:
        """Compare what is on the screens now, drawn up to here, once the run is over."""
        cycle = int(self._boards.cycle[0])
        for lane in np.flatnonzero(self.has_own_board).tolist():
            s = self._boards.boards[lane]
            tia.catch_up(s, CLOCKS_PER_CYCLE * cycle)
            note_difference(self.screens, lane, int(s["n_frames"]), s["screen"], cycle - 1)

    @property
    def has_own_board(self) -> NDArray[np.bool_]:
        """(n_lanes,) bool, lanes that do not follow the leader."""
        return _bits(self._boards.own)

    def digest(self) -> NDArray[np.uint64]:
        """(n_lanes,) of all pictures of each lane so far."""
        return np.where(self.has_own_board, self.screens.digest, self.screens.digest[0])

    def board(self, lane: int) -> NDArray[np.void]:
        """(1,) BOARD, a copy of a lane's, drawn up to now."""
        return board_of(self._boards, lane)

    def values(self, lane: int) -> NDArray[np.uint8]:
        """(n_nodes,) uint8 values of a lane's nodes; 0 where none is kept."""
        word, bit = divmod(lane, LANES_PER_WORD)
        slots = self._code.node_slot
        levels = (self._chips.state[:, word] >> np.uint64(bit)) & np.uint64(1)
        return np.where(slots >= 0, levels[slots], 0).astype(np.uint8)

    def digest_of_nodes(self, codes: NDArray[np.uint32]) -> NDArray[np.uint32]:
        """(n_lanes,) exclusive or of the codes, (n_nodes,), of the nodes that are high; of those that are kept."""
        digests = np.zeros(self.n_lanes, np.uint32)
        for bit in range(32):
            slots = self._code.node_slot[(codes >> bit) & 1 == 1]
            plane = np.bitwise_xor.reduce(self._chips.state[slots], axis=0)
            digests |= np.unpackbits(plane.view(np.uint8), bitorder="little").astype(np.uint32) << np.uint32(bit)
        return digests

    def snapshot(self) -> list[NDArray[np.generic]]:
        """Copies of everything that changes, notes included."""
        return [array.copy() for array in self._changing()]

    def restore(self, snapshot: list[NDArray[np.generic]]) -> None:
        for array, copy in zip(self._changing(), snapshot, strict=True):
            array[...] = copy

    def _changing(self) -> list[NDArray[np.generic]]:
        chips, boards, screens = self._chips, self._boards, self.screens
        noted = (
            screens.cycle,
            screens.n_lines,
            screens.n_colors,
            screens.similarity,
            screens.differs_cycle,
            screens.digest,
            screens.kept,
        )
        return [chips.state, chips.masks, chips.unstable, chips.late, chips.counters, *boards[:-1], *noted, *self.notes]


def _equal_boards(a: NDArray[np.void], b: NDArray[np.void]) -> bool:
    """Whether two boards will do the same."""
    return all(np.array_equal(a[field], b[field]) for field in BOARD.names or () if field != "masks")


def _bits(plane: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """(n_lanes,) of a plane."""
    return np.unpackbits(plane.view(np.uint8), bitorder="little").astype(np.bool_)


def _planes(levels: NDArray[np.bool_], n_lanes: int) -> NDArray[np.uint64]:
    """(n, n_words) planes of (n, k) levels; lanes from k on get lane 0's."""
    all_lanes = np.repeat(levels[:, :1], n_lanes, axis=1)
    all_lanes[:, : levels.shape[1]] = levels
    packed = np.packbits(all_lanes, axis=1, bitorder="little")
    return np.ascontiguousarray(packed).view(np.uint64)


def aligned_zeros(n_rows: int, n_words: int) -> NDArray[np.uint64]:
    """(n_rows, n_words) uint64 zeros that begin at a cache line."""
    raw = np.zeros(8 * n_rows * n_words + ALIGNMENT_BYTES, np.uint8)
    start = -raw.ctypes.data % ALIGNMENT_BYTES
    return raw[start : start + 8 * n_rows * n_words].view(np.uint64).reshape(n_rows, n_words)


def _connect(netlist: Netlist, chip: ChipDescription, code: CompiledChip, n_words: int) -> Chips:
    def slots(names: Sequence[str]) -> NDArray[np.int64]:
        return code.node_slot[netlist.nodes_named(names)].astype(np.int64)

    def levels(wanted: Levels) -> lockstep.Levels:
        return lockstep.Levels(slots([name for name, _ in wanted]), np.array([lv for _, lv in wanted], np.uint8))

    steps = range(len(chip.clock_cycle))
    races = [[p for p, race in enumerate(chip.race_passes) if race.step == step] for step in steps]
    in_order = [p for of_step in races for p in of_step]
    is_racy = np.zeros(256, np.uint8)
    is_racy[list(chip.trips.opcodes)] = 1
    return Chips(
        state=aligned_zeros(code.n_slots, n_words),
        masks=aligned_zeros(max(code.masks.n_rows, 1), n_words),
        unstable=aligned_zeros(1, n_words)[0],
        phases=_lists([[int(code.phases[p]) for p in code.schedule[step]] for step in steps]),
        races=_lists([[int(code.races[p]) for p in of_step] for of_step in races]),
        race_guards=_lists([slots(chip.race_passes[p].unless_low).tolist() for p in in_order]),
        access=np.array([step.bus_access for step in chip.clock_cycle], np.uint8),
        address=slots(chip.memory.address),
        data=slots(chip.memory.data),
        drive=code.drive_slot[netlist.nodes_named(chip.memory.data)].astype(np.int64),
        reads=levels(chip.memory.read_when),
        writes=levels(chip.memory.write_when),
        fetches=levels(chip.trips.fetch_when),
        is_racy=is_racy,
        late=aligned_zeros(1, n_words)[0],
        ready=int(slots(("rdy",))[0]),
        counters=np.zeros(2, np.int64),
    )


def _lists(items: Sequence[Sequence[int]]) -> Lists:
    return Lists(
        np.cumsum([0, *(len(of_step) for of_step in items)], dtype=np.int64),
        np.array([item for of_step in items for item in of_step], np.int64),
    )
