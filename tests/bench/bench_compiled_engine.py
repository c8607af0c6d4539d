"""Half-cycles a second of the compiled engine, and its ratios to the event engine and to perfect6502.

    python tests/bench/bench_compiled_engine.py [--netlist DIR] [--perfect6502 DIR]

Conditions take turns and the best turn counts, as in `bench_event_engine.py`, whose program and driver of perfect6502
this script uses. The last lines are a roofline: ands and ors that a half-cycle needs if no cycle is repeated, and what
the core does of the same operations when nothing but them is to be done.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "tests" / "bench")]

from bench_event_engine import Ours, Theirs, program_image, rate_of  # noqa: E402
from numba import njit  # noqa: E402

from subjects.microprocessor.atari2600.cartridge import open_cartridge  # noqa: E402
from subjects.microprocessor.atari2600.state import CPU_HZ  # noqa: E402
from subjects.microprocessor.circuit import CLAMP_HIGH  # noqa: E402
from subjects.microprocessor.compiled.calling import call_routine  # noqa: E402
from subjects.microprocessor.compiled.compiled_engine import CompiledEngine  # noqa: E402
from subjects.microprocessor.compiled.machine_code import compile_code  # noqa: E402
from subjects.microprocessor.install import find_chip  # noqa: E402
from subjects.microprocessor.machine import Machine  # noqa: E402
from subjects.microprocessor.mos6502 import MOS6502  # noqa: E402
from subjects.microprocessor.netlist import Netlist, load_netlist  # noqa: E402
from subjects.microprocessor.stream_layouts import word_fields  # noqa: E402

N_TIMED = 20_000
N_TURNS = 4
N_CHAINED = 4096


def bare(netlist: Netlist, record: bool = False, clamp: bool = False) -> Callable[[], float]:
    """The engine on a plain memory."""
    engine = CompiledEngine(netlist, MOS6502)
    memory = program_image()
    engine.reset(memory)
    if clamp:  # a node that nothing depends on, so that the work stays the same
        clamps = engine.clamp
        clamps[netlist.node_ids["DBNeg"]] = CLAMP_HIGH
        engine.perturb(clamps)
    rows = np.zeros((N_TIMED, (len(engine.promised) + 7) // 8), np.uint8) if record else None
    return lambda: rate_of(lambda: engine.run(N_TIMED, memory, rows), N_TIMED)


def on_board(netlist: Netlist, game: str, record: bool = False, words: bool = False) -> Callable[[], float]:
    """The engine on the Atari's board, playing."""
    machine = Machine(CompiledEngine(netlist, MOS6502), open_cartridge(game).image, word_fields(MOS6502))
    machine.power_on(np.zeros(128, np.uint8))
    nodes = machine.every_node if record else None

    def turn() -> float:
        start, done = time.perf_counter(), 0
        while done < N_TIMED:
            done += machine.run(N_TIMED - done, nodes, words).n
        return done / (time.perf_counter() - start)

    return turn


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


def main() -> None:
    parser = argparse.ArgumentParser(description="Speed of the compiled engine")
    parser.add_argument("--netlist", type=Path, help="folder with the Visual6502 files; the installed chip if absent")
    parser.add_argument("--perfect6502", type=Path, help="checkout of perfect6502 to compare with")
    parser.add_argument("--game", default="space_invaders", help="cartridge for the board")
    asked = parser.parse_args()
    folder = asked.netlist or find_chip("mos6502")
    netlist = load_netlist(folder)

    start = time.perf_counter()
    CompiledEngine(netlist, MOS6502)
    first = time.perf_counter() - start
    start = time.perf_counter()
    engine = CompiledEngine(netlist, MOS6502)
    print(f"opened in {first:.2f} s (compiled, or from the cache), again in {time.perf_counter() - start:.2f} s")

    conditions: dict[str, Callable[[], float]] = {
        "event engine": Ours(folder).turn,
        "compiled": bare(netlist),
        "compiled, all live nodes recorded": bare(netlist, record=True),
        "compiled, one node held": bare(netlist, clamp=True),
        "compiled, on the board": on_board(netlist, asked.game),
        "compiled, on the board, nodes": on_board(netlist, asked.game, record=True),
        "compiled, on the board, nodes, bus": on_board(netlist, asked.game, record=True, words=True),
    }
    with tempfile.TemporaryDirectory() as temporary:
        if asked.perfect6502:
            conditions["perfect6502"] = Theirs(asked.perfect6502, Path(temporary)).turn
        for turn in conditions.values():
            turn()
        rates = dict.fromkeys(conditions, 0.0)
        for _ in range(N_TURNS):
            for name, turn in conditions.items():
                rates[name] = max(rates[name], turn())
    reference = rates.get("perfect6502", 0.0)
    for name, rate in rates.items():
        against = f" {rate / reference:7.1f} x perfect6502" if reference else ""
        real = f" {rate / (2 * CPU_HZ):6.2f} x real time"
        print(
            f"{name:36s}{rate:12,.0f} half-cycles/s {rate / rates['event engine']:7.1f} x event engine{against}{real}"
        )
    if not reference:
        print("perfect6502: not measured, no --perfect6502 DIR given")
    fall, rise, race = engine.code.n_operations
    peak = operations_a_second()
    needed = (fall + rise) / 2
    print(f"roofline: {fall} ands and ors a fall, {rise} a rise, {race} more for most rises that read a bus")
    print(f"          {peak / 1e9:.1f} G operations/s from registers, so at most {peak / needed:,.0f} half-cycles/s")
    print(f"          the compiled engine does {rates['compiled'] * needed / peak:.0%} of that")


if __name__ == "__main__":
    main()
