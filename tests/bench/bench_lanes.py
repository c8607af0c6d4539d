"""How fast lesioned chips run in lanes, and what their boards cost.

    python tests/bench/bench_lanes.py [--netlist DIR] [--perfect6502 DIR] [--game NAME]

511 chips, each without another transistor, and the intact one play a game from power-on. Reference, in the same run:
the event engine on the same board; perfect6502 as well, compiled from the checkout that is given.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numba import njit

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "tests" / "bench")]

from bench_event_engine import Theirs  # noqa: E402

from rig.perturbation import PerturbationKind  # noqa: E402
from subjects.microprocessor.atari2600.cartridge import open_cartridge  # noqa: E402
from subjects.microprocessor.event_engine import EventEngine  # noqa: E402
from subjects.microprocessor.install import find_chip  # noqa: E402
from subjects.microprocessor.lanes import lockstep  # noqa: E402
from subjects.microprocessor.lanes.lanes import Lanes  # noqa: E402
from subjects.microprocessor.lanes.lesion_units import Lesion, lesion_units  # noqa: E402
from subjects.microprocessor.lanes.outcomes import TICKS_PER_FRAME  # noqa: E402
from subjects.microprocessor.lanes.power_on import power_on  # noqa: E402
from subjects.microprocessor.machine import Machine  # noqa: E402
from subjects.microprocessor.mos6502 import MOS6502  # noqa: E402
from subjects.microprocessor.netlist import load_netlist  # noqa: E402

N_TURNS = 3
N_CHIP_HALF_CYCLES = 10_000
N_EVENT_HALF_CYCLES = 40_000


@njit(nogil=True)
def run_chips(chips: lockstep.Chips, n: int) -> None:
    """Clock the chips alone; their data lines stay as they are."""
    for _ in range(n):
        step = (chips.counters[lockstep.COUNT_STEP] + 1) % len(chips.access)
        chips.counters[lockstep.COUNT_STEP] = step
        lockstep.enter_step(chips, step)


def rate(action: Callable[[], object], n: int) -> float:
    """Per second."""
    start = time.perf_counter()
    action()
    return n / (time.perf_counter() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description="Speed of lesioned chips in lanes")
    parser.add_argument(
        "--netlist", type=Path, help="folder with the Visual6502 files; the installed chip if not given"
    )
    parser.add_argument("--perfect6502", type=Path, help="checkout of perfect6502 to compare with")
    parser.add_argument("--game", default="vesper", help="cartridge")
    asked = parser.parse_args()
    netlist = load_netlist(asked.netlist or find_chip("mos6502"))
    image = open_cartridge(asked.game).image

    singles = [Lesion((row,), PerturbationKind.REMOVE) for row in range(netlist.n_rows)]
    unit = lesion_units(netlist, MOS6502, singles)[0]
    machine = Machine(EventEngine(netlist, MOS6502), image, {})
    lesioned = Machine(EventEngine(netlist, MOS6502), image, {})
    power_on(machine, {})
    start = time.perf_counter()
    starts = [power_on(lesioned, dict(modes)).start for modes in ((), *unit.modes)]
    print(f"power-on of {len(starts)} chips by the event engine {time.perf_counter() - start:.2f} s")
    start = time.perf_counter()
    lanes = Lanes(netlist, MOS6502, image, masks=unit.masks)
    lanes.start(starts)
    for lane, modes in enumerate(unit.modes, 1):
        lanes.lesion(lane, dict(modes))
    print(f"code with {unit.masks.n_rows} masks, compiled or from the cache {time.perf_counter() - start:.2f} s")
    boards = lanes._boards
    n_bytes = sum(a.nbytes for a in (*lanes._chips[:3], *boards[:-1])) / lanes.n_lanes
    print(f"memory of a lane {n_bytes / 1e3:.1f} kB")
    lanes.run(TICKS_PER_FRAME)
    run_chips(lanes._chips, 2)

    state = lanes.snapshot()
    rates = {"event engine and board": 0.0, "lanes and boards": 0.0, "lanes, chips alone": 0.0}
    with tempfile.TemporaryDirectory() as folder:
        theirs = Theirs(asked.perfect6502, Path(folder)) if asked.perfect6502 else None
        for _ in range(N_TURNS):
            turns = {
                "event engine and board": rate(lambda: machine.run(N_EVENT_HALF_CYCLES), N_EVENT_HALF_CYCLES),
                "lanes and boards": rate(lambda: lanes.run(TICKS_PER_FRAME), TICKS_PER_FRAME * lanes.n_lanes),
                "lanes, chips alone": rate(
                    lambda: run_chips(lanes._chips, N_CHIP_HALF_CYCLES), N_CHIP_HALF_CYCLES * lanes.n_lanes
                ),
            }
            if theirs:
                turns["perfect6502"] = theirs.turn()
            rates = {name: max(rates.get(name, 0.0), turn) for name, turn in turns.items()}
            lanes.restore(state)
    print(f"lanes with boards of their own {int(np.sum(lanes.has_own_board))} of {lanes.n_lanes}")
    event, perfect = rates["event engine and board"], rates.get("perfect6502")
    for name, found in rates.items():
        told = f" {found / perfect:8,.0f} x perfect6502" if perfect else ""
        print(f"{name:26s}{found / 1e6:9.3f} M half-cycles/s {found / event:8,.0f} x event engine{told}")
    if not perfect:
        print("perfect6502: not measured, no --perfect6502 DIR given")


if __name__ == "__main__":
    main()
