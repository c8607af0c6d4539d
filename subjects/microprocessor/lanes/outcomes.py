"""What comes of lesions: a game played by the intact chip and by lesioned ones, and how each lesioned one departs.

    plan = Plan(n_frames=60, script=((10, ConsoleInputs(reset=True)), (14, ConsoleInputs())), response_frame=40)
    game = Game(netlist, MOS6502, cartridge.image, plan)
    intact = run_intact(game)
    for unit in lesion_units(netlist, MOS6502, lesions):      # in any order, in any process
        outcomes = run_unit(game, intact, unit)
        by_modes.update(zip(unit.modes, outcomes))
    row = by_modes.get(modes_of(netlist, lesion), intact.outcome)

Ticks are half-cycles from the release of RES, as the subject counts them. All chips are lesioned from power-on; they
get the same inputs at the same ticks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from subjects.microprocessor.atari2600.console import ConsoleInputs
from subjects.microprocessor.atari2600.state import CYCLES_PER_LINE
from subjects.microprocessor.atari2600.tia import N_LINES_AT_MOST
from subjects.microprocessor.chip import ChipDescription
from subjects.microprocessor.event_engine import EventEngine
from subjects.microprocessor.lanes.lanes import Lanes
from subjects.microprocessor.lanes.lesion_units import LesionUnit
from subjects.microprocessor.lanes.planes import LANES_PER_WORD
from subjects.microprocessor.lanes.power_on import N_HALF_CYCLES, power_on
from subjects.microprocessor.lanes.screens import IntactScreens
from subjects.microprocessor.machine import CYCLES_TO_FIRST_FETCH, HALF_CYCLES_PER_CYCLE, Machine
from subjects.microprocessor.netlist import Netlist
from subjects.microprocessor.stream_layouts import word_fields

LINES_PER_FRAME = 262
TICKS_PER_FRAME = HALF_CYCLES_PER_CYCLE * CYCLES_PER_LINE * LINES_PER_FRAME
BOARD_ADDRESS_MASK = 0x1FFF
N_WORDS = (2, 4, 8)
"""Of 64 lanes; few lanes fit into the processor's nearest cache and take half the time of many."""


@dataclass(frozen=True)
class Plan:
    """What is played.

    Attributes
    ----------
    n_frames : length of the run, in television frames of 262 lines
    script : (frame, inputs): from this frame's start on these are held; nothing is before the first
    response_frame : from its start on, the run is done once more with nothing held, to see whether the pictures depend
        on what is; None: not done
    """

    n_frames: int = 60
    script: tuple[tuple[int, ConsoleInputs], ...] = ()
    response_frame: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "script", tuple(sorted(self.script, key=lambda entry: entry[0])))


@dataclass(frozen=True, eq=False)
class Game:
    """A chip, a cartridge, a plan."""

    netlist: Netlist
    chip: ChipDescription
    image: NDArray[np.uint8]
    plan: Plan


@dataclass(frozen=True)
class Outcome:
    """What came of a lesion. Ticks and frames are -1 where it never happened.

    Attributes
    ----------
    first_frame_tick : end of the first frame that the program ended by VSYNC
    first_picture_tick : end of the first one of these with more than one colour: "the first frame is drawn"
    bus_tick : first access (address as the board decodes it, R/W, data) that was not the intact chip's
    screen_tick : the beam drew the first pixel that was not, or a frame ended when the intact chip's did not
    n_frames, n_synced : frames that ended; those that the program ended by VSYNC
    similarity : mean of Cohen's kappa to the intact chip's frames of equal number, frames that never ended counting 0
    last_similarity : kappa of the last frame of the intact chip's; 0 if that one never ended
    responds : pictures from `Plan.response_frame` on depend on what is held; None: not asked
    racy_tick : an opcode was fetched after which only the event engine is exact
    unstable_tick : the chip would not settle, and was run no further
    """

    first_frame_tick: int
    first_picture_tick: int
    bus_tick: int
    screen_tick: int
    n_frames: int
    n_synced: int
    similarity: float
    last_similarity: float
    responds: bool | None
    racy_tick: int
    unstable_tick: int

    @property
    def draws(self) -> bool:
        """Whether a first frame is drawn, the paper's measure of life."""
        return self.first_picture_tick >= 0


@dataclass(frozen=True, eq=False)
class Intact:
    """The intact chip's course: its bus from the release of RES to the first fetch, its frames, its outcome."""

    words: NDArray[np.uint32]
    screens: IntactScreens
    outcome: Outcome


def tick_of(cycle: int) -> int:
    """The half-cycle of a bus cycle's access; -1 stays."""
    return HALF_CYCLES_PER_CYCLE * (cycle + CYCLES_TO_FIRST_FETCH) + 1 if cycle >= 0 else -1


def run_intact(game: Game) -> Intact:
    """Run the intact chip."""
    n_most = game.plan.n_frames + 1
    machine = _new_machine(game)
    powered = power_on(machine, {})
    lanes = Lanes(game.netlist, game.chip, game.image, 1, n_frames=n_most, kept_frames=tuple(range(n_most)))
    lanes.start([powered.start], tick=N_HALF_CYCLES)
    responds = _play(lanes, game.plan)
    n_frames = int((lanes.screens.cycle[0] >= 0).sum())
    screens = IntactScreens(
        cycle=np.append(lanes.screens.cycle[0, :n_frames], lanes.cycle - 1),
        screen=np.concatenate([lanes.screens.kept[0, :n_frames], lanes.board(0)["screen"]]),
    )
    lanes.screens.similarity[0] = 1
    return Intact(powered.words, screens, _outcome(lanes, 0, n_frames, -1, responds))


def run_unit(game: Game, intact: Intact, unit: LesionUnit) -> list[Outcome]:
    """Run lesioned chips, at most 511. Returns what came of each, in their order."""
    machine = _new_machine(game)
    powered = [power_on(machine, dict(modes)) for modes in ((), *unit.modes)]
    n_frames = len(intact.screens.cycle) - 1
    n_words = next(n for n in N_WORDS if len(unit.modes) < LANES_PER_WORD * n)
    lanes = Lanes(game.netlist, game.chip, game.image, n_words, unit.masks, n_frames, intact.screens)
    lanes.start([p.start for p in powered], tick=N_HALF_CYCLES)
    for lane, modes in enumerate(unit.modes, 1):
        lanes.lesion(lane, dict(modes))
    responds = _play(lanes, game.plan)
    assert np.array_equal(lanes.screens.cycle[0, :n_frames], intact.screens.cycle[:-1]), "the intact chip is not"
    return [
        _outcome(lanes, lane, n_frames, _first_difference(game, powered[lane].words, intact.words), responds)
        for lane in range(1, len(unit.modes) + 1)
    ]


def _new_machine(game: Game) -> Machine:
    return Machine(EventEngine(game.netlist, game.chip), game.image, word_fields(game.chip))


def _play(lanes: Lanes, plan: Plan) -> NDArray[np.bool_] | None:
    """Run a plan to its end; the notes are of what is held. Returns (n_lanes,) whether pictures depend on that."""
    if plan.response_frame is None:
        _run_script(lanes, plan.script, 0, plan.n_frames)
        lanes.finish()
        return None
    _run_script(lanes, plan.script, 0, plan.response_frame)
    before = lanes.snapshot()
    lanes.set_inputs(ConsoleInputs())
    lanes.run(TICKS_PER_FRAME * (plan.n_frames - plan.response_frame))
    idle = lanes.digest()
    lanes.restore(before)
    _run_script(lanes, plan.script, plan.response_frame, plan.n_frames)
    lanes.finish()
    depends: NDArray[np.bool_] = idle != lanes.digest()
    return depends


def _run_script(lanes: Lanes, script: Sequence[tuple[int, ConsoleInputs]], first: int, beyond: int) -> None:
    frame = first
    held = [inputs for start, inputs in script if start <= first]
    if held:
        lanes.set_inputs(held[-1])
    for start, inputs in script:
        if first < start < beyond:
            lanes.run(TICKS_PER_FRAME * (start - frame))
            lanes.set_inputs(inputs)
            frame = start
    lanes.run(TICKS_PER_FRAME * (beyond - frame))


def _first_difference(game: Game, words: NDArray[np.uint32], intact: NDArray[np.uint32]) -> int:
    """First access before the first fetch that differs; -1: none."""
    names = list(word_fields(game.chip))
    lines = [pin for pin, _ in (*game.chip.memory.read_when, *game.chip.memory.write_when)]
    columns = [names.index(name) for name in ("address", "data", *lines)]
    masks = np.array([BOARD_ADDRESS_MASK, *[0xFFFF_FFFF] * (len(columns) - 1)], np.uint32)
    differs = ((words[:, columns] ^ intact[:, columns]) & masks).any(axis=1)
    differs &= np.resize([step.bus_access for step in game.chip.clock_cycle], len(words))
    return int(differs.argmax()) if differs.any() else -1


def _outcome(
    lanes: Lanes, lane: int, n_frames: int, first_bus_tick: int, responds: NDArray[np.bool_] | None
) -> Outcome:
    screens, notes = lanes.screens, lanes.notes
    unstable = int(notes.unstable_tick[lane])
    row = lane if lanes.has_own_board[lane] or unstable >= 0 else 0
    cycle = screens.cycle[row, :n_frames]
    ended = cycle >= 0
    synced = ended & (screens.n_lines[row, :n_frames] < N_LINES_AT_MOST)
    pictured = synced & (screens.n_colors[row, :n_frames] > 1)
    if row == 0:
        similarity = np.ones(n_frames)
    else:
        similarity = np.where(ended, screens.similarity[row, :n_frames], 0.0)
    return Outcome(
        first_frame_tick=tick_of(int(cycle[synced.argmax()])) if synced.any() else -1,
        first_picture_tick=tick_of(int(cycle[pictured.argmax()])) if pictured.any() else -1,
        bus_tick=first_bus_tick if first_bus_tick >= 0 else int(notes.bus_tick[lane]),
        screen_tick=tick_of(int(screens.differs_cycle[lane])),
        n_frames=int(ended.sum()),
        n_synced=int(synced.sum()),
        similarity=float(similarity.mean()) if n_frames else 0.0,
        last_similarity=float(similarity[-1]) if n_frames else 0.0,
        responds=None if responds is None else bool(responds[lane]),
        racy_tick=int(notes.racy_tick[lane]),
        unstable_tick=unstable,
    )
