"""Half-cycles a second of the event-driven engine, and its ratio to perfect6502.

    python tests/bench/bench_event_engine.py [--netlist DIR] [--perfect6502 DIR]

DIR of perfect6502 is a checkout of github.com/mist64/perfect6502: its `perfect6502.c` and `netlist_sim.c` are compiled
with `cc -O3` and a driver of ours in a temporary folder. Both run the same program from reset, in turns; the best of
the turns counts, and the memories they leave are compared.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from subjects.microprocessor.circuit import CLAMP_HIGH, MODE_OFF
from subjects.microprocessor.drawn_chip import DrawnChip, published_chip
from subjects.microprocessor.event_engine import EventEngine
from subjects.microprocessor.install import find_chip
from subjects.microprocessor.mos6502 import MOS6502

N_WARM = 2_000
N_TIMED = 40_000
N_TURNS = 5

# LDX #0 / loop: TXA, ADC $0300,X, STA $0300,X, ROL $10, EOR $10, JSR sub, INX, BNE loop, JMP loop
# sub: PHA, PLP, CLD, RTS
PROGRAM = bytes.fromhex("a200 8a 7d0003 9d0003 2610 4510 201604 e8 d0ef 4c0204".replace(" ", ""))
SUBROUTINE = bytes.fromhex("4828d860")
ORIGIN, SUBROUTINE_ORIGIN = 0x0400, 0x0416

DRIVER = r"""
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

extern void *initAndResetChip(void);
extern void step(void *chip);
extern unsigned char memory[65536];

/* driver IMAGE_IN IMAGE_OUT N_WARM N_TIMED: prints the seconds that N_TIMED half-cycles took */
int main(int argc, char **argv) {
    if (argc != 5) return 2;
    FILE *in = fopen(argv[1], "rb");
    if (!in || fread(memory, 1, 65536, in) != 65536) return 3;
    void *chip = initAndResetChip();
    for (long i = atol(argv[3]); i > 0; i--) step(chip);
    struct timespec a, b;
    clock_gettime(CLOCK_MONOTONIC, &a);
    for (long i = atol(argv[4]); i > 0; i--) step(chip);
    clock_gettime(CLOCK_MONOTONIC, &b);
    FILE *out = fopen(argv[2], "wb");
    if (!out || fwrite(memory, 1, 65536, out) != 65536 || fclose(out)) return 4;
    printf("%.9f\n", (b.tv_sec - a.tv_sec) + 1e-9 * (b.tv_nsec - a.tv_nsec));
    return 0;
}
"""


def program_image() -> np.ndarray:
    """64 kB with the program and a pattern for it to work on."""
    memory = np.arange(65536, dtype=np.uint32).astype(np.uint8) * np.uint8(37)
    memory[ORIGIN : ORIGIN + len(PROGRAM)] = np.frombuffer(PROGRAM, np.uint8)
    memory[SUBROUTINE_ORIGIN : SUBROUTINE_ORIGIN + len(SUBROUTINE)] = np.frombuffer(SUBROUTINE, np.uint8)
    memory[0xFFFC:0xFFFE] = (ORIGIN & 0xFF, ORIGIN >> 8)
    return memory


def rate_of(run: Callable[[], None], n_half_cycles: int) -> float:
    start = time.perf_counter()
    run()
    return n_half_cycles / (time.perf_counter() - start)


class Ours:
    """The engine in one condition; every turn starts from reset."""

    def __init__(self, drawn: DrawnChip, record: bool = False, clamp: bool = False, lesion: bool = False) -> None:
        netlist = drawn.netlist
        self.engine = EventEngine(netlist, drawn.chip)
        self.rows = np.zeros((N_TIMED, (int(netlist.node_exists.sum()) + 7) // 8), np.uint8) if record else None
        self.memory = program_image()
        clamps, row_mode = self.engine.clamp, self.engine.row_mode
        if clamp:  # a node that nothing depends on, so that the work stays the same
            clamps[netlist.node_ids["clk2out"]] = CLAMP_HIGH
        if lesion:  # one row of a parallel group changes nothing
            row_mode[np.flatnonzero(netlist.multiplicity[netlist.row_transistor] > 1)[0]] = MODE_OFF
        self.engine.perturb(clamps, row_mode)

    def turn(self) -> float:
        self.memory = program_image()
        self.engine.reset(self.memory)
        self.engine.run(N_WARM, self.memory)
        return rate_of(lambda: self.engine.run(N_TIMED, self.memory, self.rows), N_TIMED)


class Theirs:
    """perfect6502, compiled here from somebody's checkout."""

    def __init__(self, sources: Path, folder: Path) -> None:
        (folder / "driver.c").write_text(DRIVER)
        self.folder, self.program = folder, folder / "driver"
        units = [sources / "perfect6502.c", sources / "netlist_sim.c", folder / "driver.c"]
        subprocess.run(["cc", "-O3", "-w", f"-I{sources}", "-o", self.program, *units], check=True)
        program_image().tofile(folder / "before.bin")
        self.memory = np.zeros(0, np.uint8)

    def turn(self) -> float:
        images = [self.folder / "before.bin", self.folder / "after.bin"]
        command = [self.program, *images, str(N_WARM), str(N_TIMED)]
        seconds = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        self.memory = np.fromfile(images[1], np.uint8)
        return N_TIMED / seconds


def main() -> None:
    parser = argparse.ArgumentParser(description="Speed of the event-driven engine, and its ratio to perfect6502")
    parser.add_argument(
        "--netlist", type=Path, help="folder with the Visual6502 files; the installed chip if not given"
    )
    parser.add_argument("--perfect6502", type=Path, help="checkout of perfect6502 to compare with")
    asked = parser.parse_args()
    drawn = published_chip(MOS6502, asked.netlist or find_chip("mos6502"))

    conditions: dict[str, Ours | Theirs] = {
        "event engine": Ours(drawn),
        "event engine, all nodes recorded": Ours(drawn, record=True),
        "event engine, one node clamped": Ours(drawn, clamp=True),
        "event engine, one row lesioned": Ours(drawn, lesion=True),
    }
    with tempfile.TemporaryDirectory() as temporary:
        theirs = Theirs(asked.perfect6502, Path(temporary)) if asked.perfect6502 else None
        if theirs:
            conditions["perfect6502"] = theirs
        conditions["event engine"].turn()  # numba compiles, or loads what it compiled before
        conditions["event engine, all nodes recorded"].turn()
        rates = dict.fromkeys(conditions, 0.0)
        for _ in range(N_TURNS):
            for name, condition in conditions.items():
                rates[name] = max(rates[name], condition.turn())
        plain = rates["event engine"]
        for name, rate in rates.items():
            print(f"{name:36s}{rate:10,.0f} half-cycles/s {rate / plain:6.2f} x event engine")
        if theirs:
            same = np.array_equal(theirs.memory, conditions["event engine"].memory)
            left = "the same memory" if same else "DIFFERENT memories"
            print(f"event engine / perfect6502: {plain / rates['perfect6502']:.2f} (they left {left})")
        else:
            print("event engine / perfect6502: not measured, no --perfect6502 DIR given")


if __name__ == "__main__":
    main()
