"""Half-cycles a second of the compiled engine, and its ratios to the event engine and to perfect6502.

    python tests/bench/bench_compiled_engine.py [--netlist DIR] [--perfect6502 DIR]

Both chips: the HS6502 on its board playing vesper, sticks moved at random, and the MOS 6502 (if its netlist is there)
playing space_invaders, or vesper without ale-py's cartridges. Conditions take turns; the median of the turns counts.
"computed" is the engine with nothing looked up (`recall`); behind the others on the board stands how many of their
half-cycles were computed, the rest having been looked up. The program without a board works its way through memory:
there is little to look up.

"counts", "rates" and "field" are what is computed of all nodes inside: spikes in bins of a screen's line, their means
over regions, and the sums for eight electrodes of 500 um in a row across the die.

The last lines are a roofline: ands and ors that a half-cycle needs if no cycle is repeated, and what the core does of
the same operations when nothing but them is to be done.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "tests" / "bench")]

from bench_event_engine import Ours, Theirs, program_image, rate_of  # noqa: E402
from bench_lanes import run_chips  # noqa: E402
from numba import njit  # noqa: E402

from rig.errors import HeadstageError  # noqa: E402
from rig.field import ElectrodeField  # noqa: E402
from rig.perturbation import PerturbationKind  # noqa: E402
from rig.probe import Probe  # noqa: E402
from subjects.microprocessor.atari2600.cartridge import open_cartridge  # noqa: E402
from subjects.microprocessor.atari2600.console import ConsoleInputs, Stick, apply_inputs  # noqa: E402
from subjects.microprocessor.atari2600.state import CPU_HZ  # noqa: E402
from subjects.microprocessor.circuit import CLAMP_HIGH  # noqa: E402
from subjects.microprocessor.compiled.calling import call_routine  # noqa: E402
from subjects.microprocessor.compiled.compiled_engine import CompiledEngine  # noqa: E402
from subjects.microprocessor.compiled.machine_code import compile_code  # noqa: E402
from subjects.microprocessor.compiled.recall import NOTE_ASLEEP, NOTE_COMPUTED  # noqa: E402
from subjects.microprocessor.digest import Digest, FieldSums, row_at  # noqa: E402
from subjects.microprocessor.drawn_chip import DrawnChip, published_chip, shipped_chip  # noqa: E402
from subjects.microprocessor.event_engine import EventEngine  # noqa: E402
from subjects.microprocessor.hs6502 import FILE_NAME, HS6502  # noqa: E402
from subjects.microprocessor.install import find_chip  # noqa: E402
from subjects.microprocessor.lanes.lanes import Lanes  # noqa: E402
from subjects.microprocessor.lanes.lesion_units import Lesion, lesion_units  # noqa: E402
from subjects.microprocessor.lanes.power_on import power_on  # noqa: E402
from subjects.microprocessor.machine import HALF_CYCLES_PER_LINE, Machine  # noqa: E402
from subjects.microprocessor.mos6502 import MOS6502  # noqa: E402
from subjects.microprocessor.stream_layouts import microprocessor_streams, word_fields  # noqa: E402
from subjects.microprocessor.unit_table import microprocessor_units  # noqa: E402

FRAME = 2 * 262 * 76
N_FRAMES_BEFORE = 60
N_TIMED = 3 * FRAME
N_LANES_TIMED = FRAME // 4
N_TURNS = 5
N_ELECTRODES = 8
N_CHAINED = 4096


class Bare:
    """The engine on a plain memory."""

    def __init__(self, drawn: DrawnChip, image: np.ndarray, look_up: bool, record: bool, hold: str = "") -> None:
        self.engine = CompiledEngine(drawn.netlist, drawn.chip)
        self.memory = image
        self.engine.reset(self.memory)
        if hold:
            clamps = self.engine.clamp
            clamps[drawn.netlist.node_ids[hold]] = CLAMP_HIGH
            self.engine.perturb(clamps)
        if not look_up:
            self.engine.recall.notes[NOTE_ASLEEP] = 1 << 60
        self.rows = np.zeros((N_TIMED, (len(self.engine.promised) + 7) // 8), np.uint8) if record else None

    def turn(self) -> float:
        return rate_of(lambda: self.engine.run(N_TIMED, self.memory, self.rows), N_TIMED)


class OnBoard:
    """The engine on the Atari's board, playing."""

    def __init__(self, drawn: DrawnChip, game: str, look_up: bool, record: bool, words: bool = False) -> None:
        self.engine = CompiledEngine(drawn.netlist, drawn.chip)
        self.machine = Machine(self.engine, open_cartridge(game).image, word_fields(drawn.chip), n_frame_slots=1)
        self.machine.power_on(np.zeros(128, np.uint8))
        self._rng = np.random.default_rng(1)
        self._nodes, self._words = None, False
        for _ in range(N_FRAMES_BEFORE):
            self._run(FRAME)
        if not look_up:
            self.engine.recall.notes[NOTE_ASLEEP] = 1 << 60
        self._nodes, self._words = (self.machine.every_node if record else None), words

    def _run(self, n: int) -> None:
        done = 0
        while done < n:
            self._move_stick()
            done += self.machine.run(min(FRAME, n - done), self._nodes, self._words).n

    def _move_stick(self) -> None:
        up, left, fire = self._rng.integers(2, size=3) == 1
        stick = Stick(up=bool(up), down=not up, left=bool(left), right=not left, fire=bool(fire))
        apply_inputs(self.machine.board, ConsoleInputs(stick0=stick))

    def turn(self) -> float:
        return rate_of(lambda: self._run(N_TIMED), N_TIMED)


class Digested(OnBoard):
    """With what is computed of all nodes."""

    def __init__(self, drawn: DrawnChip, game: str, count: bool, field: bool, look_up: bool = True) -> None:
        self._digest: Digest | None = None
        super().__init__(drawn, game, look_up, record=False)
        units = microprocessor_units(drawn)
        rows = units.rows(self.machine.every_node)
        self._digest = Digest([units.region[row].split("/")[0] for row in rows], HALF_CYCLES_PER_LINE)
        self._digest.counting, self._tick = count, 0
        if field:
            x, y = np.nanmean(units.x), np.nanmean(units.y)
            probe = Probe("A", tuple((float(x + 600 * (k - 3.5)), float(y), 0.0) for k in range(N_ELECTRODES)))
            nodes = microprocessor_streams(self.machine.every_node, drawn.chip, (), 1)[0]
            of_seen = ElectrodeField(nodes, units, [probe])
            weights = np.zeros((len(rows), N_ELECTRODES), np.float32)
            weights[nodes.channels_of(of_seen.source_ids)] = of_seen.weights
            self._digest.field = FieldSums(weights)

    def _run(self, n: int) -> None:
        if self._digest is None:
            super()._run(n)
            return
        done = 0
        while done < n:
            self._move_stick()
            run = self.machine.run(min(FRAME, n - done), traced=True)
            assert run.trace is not None
            if self._digest.counting:
                counts, _ = self._digest.follow(run.trace, self._tick)
                self._digest.rates.of(counts, HALF_CYCLES_PER_LINE)
            elif self._digest.field is not None:
                self._digest.field.follow(run.trace, row_at(run.trace, 0))
            self._tick += run.n
            done += run.n


class InLanes:
    """Another transistor taken out of each of 511 chips; they start where the intact one does."""

    def __init__(self, drawn: DrawnChip, game: str, alone: bool) -> None:
        netlist, chip, image = drawn.netlist, drawn.chip, open_cartridge(game).image
        singles = [Lesion((row,), PerturbationKind.REMOVE) for row in range(netlist.n_rows)]
        unit = lesion_units(netlist, chip, singles)[0]
        machine = Machine(EventEngine(netlist, chip), image, {})
        self.lanes = Lanes(netlist, chip, image, masks=unit.masks)
        self.lanes.start([power_on(machine, {}).start])
        for lane, modes in enumerate(unit.modes, 1):
            self.lanes.lesion(lane, dict(modes))
        self.lanes.settle()
        self._alone = alone

    def turn(self) -> float:
        def run() -> None:
            if self._alone:
                run_chips(self.lanes._chips, N_LANES_TIMED)
            else:
                self.lanes.run(N_LANES_TIMED)

        return rate_of(run, N_LANES_TIMED * self.lanes.n_lanes)


def operations_a_second() -> float:
    """Independent and-or-nots of three 128-bit words in eight chains, from registers only."""
    lines = ["define void @chain(ptr %state, ptr %masks, ptr %unstable) {"]
    lines += [f"  %p{k} = getelementptr i8, ptr %state, i64 {16 * k}" for k in range(10)]
    lines += [f"  %v{k} = load <2 x i64>, ptr %p{k}" for k in range(10)]
    last = [f"%v{k}" for k in range(8)]
    for n in range(N_CHAINED):
        k = n % 8
        lines.append(f"  %a{n} = and <2 x i64> {last[k]}, %v8")
        lines.append(f"  %b{n} = or <2 x i64> %a{n}, %v9")
        lines.append(f"  %c{n} = xor <2 x i64> %b{n}, {last[(k + 1) % 8]}")
        last[k] = f"%c{n}"
    lines += [f"  store <2 x i64> {name}, ptr %p{k}" for k, name in enumerate(last)]
    code = compile_code("\n".join([*lines, "  ret void", "}"]) + "\n", ("chain",))
    state, address = np.ones((10, 2), np.int64), code.addresses["chain"]
    repeat(address, state, 10)
    return max(rate_of(lambda: repeat(address, state, 200), 200 * 3 * N_CHAINED) for _ in range(N_TURNS))


@njit
def repeat(address, state, n):  # type: ignore[no-untyped-def]
    for _ in range(n):
        call_routine(address, state, state, state)


def conditions_of(drawn: DrawnChip, game: str, hold: str) -> dict[str, Bare | OnBoard | InLanes]:
    return {
        "computed": Bare(drawn, program_image(), look_up=False, record=False),
        "computed, nodes": Bare(drawn, program_image(), look_up=False, record=True),
        "computed, a node held": Bare(drawn, program_image(), look_up=False, record=False, hold=hold),
        "computed, board": OnBoard(drawn, game, look_up=False, record=False),
        "computed, board, nodes": OnBoard(drawn, game, look_up=False, record=True),
        "computed, counts and rates": Digested(drawn, game, count=True, field=False, look_up=False),
        "computed, field": Digested(drawn, game, count=False, field=True, look_up=False),
        "bare": Bare(drawn, program_image(), look_up=True, record=False),
        "bare, nodes": Bare(drawn, program_image(), look_up=True, record=True),
        "board": OnBoard(drawn, game, look_up=True, record=False),
        "board, nodes": OnBoard(drawn, game, look_up=True, record=True),
        "board, counts and rates": Digested(drawn, game, count=True, field=False),
        "board, field": Digested(drawn, game, count=False, field=True),
        "board, counts, rates, field": Digested(drawn, game, count=True, field=True),
        "board, nodes, bus": OnBoard(drawn, game, look_up=True, record=True, words=True),
        "lanes, chips alone": InLanes(drawn, game, alone=True),
        "lanes, boards": InLanes(drawn, game, alone=False),
    }


def measure(conditions: dict[str, Bare | OnBoard | InLanes], references: dict[str, Callable[[], float]]) -> None:
    turns = references | {name: condition.turn for name, condition in conditions.items()}
    for turn in turns.values():
        turn()
    before = {n: int(c.engine.recall.notes[NOTE_COMPUTED]) for n, c in conditions.items() if not isinstance(c, InLanes)}
    found: dict[str, list[float]] = {name: [] for name in turns}
    for _ in range(N_TURNS):
        for name, turn in turns.items():
            found[name].append(turn())
    rates = {name: statistics.median(each) for name, each in found.items()}
    for name, rate in rates.items():
        told = "".join(f"{rate / rates[reference]:9.1f} x {reference}" for reference in references)
        condition = conditions.get(name)
        if isinstance(condition, OnBoard) and not name.startswith("computed"):
            n_computed = int(condition.engine.recall.notes[NOTE_COMPUTED]) - before[name]
            told += f"   {n_computed / N_TURNS / N_TIMED:6.1%} computed"
        print(f"  {name:26s}{rate:14,.0f} half-cycles/s {rate / (2 * CPU_HZ):8.2f} x real time{told}")
    if "perfect6502" not in references:
        print("  perfect6502: not measured, no --perfect6502 DIR given")


def roofline(engine: CompiledEngine, peak: float) -> None:
    fall, rise, *races = engine.code.n_operations
    needed = (fall + rise) / 2
    print(f"  roofline: {fall} ands and ors a fall, {rise} a rise, {sum(races)} more for most rises that read a bus;")
    print(f"            {peak / 1e9:.1f} G operations/s from registers, so at most {peak / needed:,.0f} half-cycles/s")


def main() -> None:
    parser = argparse.ArgumentParser(description="Speed of the compiled engine")
    parser.add_argument("--netlist", type=Path, help="folder with the Visual6502 files; the installed chip if absent")
    parser.add_argument("--perfect6502", type=Path, help="checkout of perfect6502 to compare with")
    asked = parser.parse_args()
    chips = [(shipped_chip(HS6502, FILE_NAME), "vesper", "so_low")]
    folder = asked.netlist
    try:
        folder = folder or find_chip("mos6502")
        open_cartridge("space_invaders")
        chips.append((published_chip(MOS6502, folder), "space_invaders", "DBNeg"))
    except HeadstageError as missing:
        print(f"MOS 6502 with space_invaders: not measured, {missing}")
    peak = operations_a_second()
    with tempfile.TemporaryDirectory() as temporary:
        theirs = {"perfect6502": Theirs(asked.perfect6502, Path(temporary)).turn} if asked.perfect6502 else {}
        for drawn, game, hold in chips:
            print(f"{drawn.chip.title}, {game}")
            conditions = conditions_of(drawn, game, hold)
            measure(conditions, {"event engine": Ours(drawn).turn, **theirs})
            bare = conditions["bare"]
            assert isinstance(bare, Bare)
            roofline(bare.engine, peak)


if __name__ == "__main__":
    main()
