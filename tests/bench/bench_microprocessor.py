"""What the board and what watching cost: the same instructions on the bare engine, on the board, and recorded.

    python tests/bench/bench_microprocessor.py [FOLDER of the Visual6502 files]

The program only touches zero page from 0x80 on and its own code, so that the bare engine's plain memory and the board
answer alike and every node does the same in both. Each line is a ratio to the bare engine, measured in turns and in
processor time, so that other work on the machine counts less.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from subjects.microprocessor.event_engine import EventEngine
from subjects.microprocessor.install import find_chip
from subjects.microprocessor.machine import Machine
from subjects.microprocessor.mos6502 import MOS6502
from subjects.microprocessor.netlist import load_netlist
from subjects.microprocessor.stream_layouts import word_fields

N = 20_000
N_ROUNDS = 15
PROGRAM = bytes.fromhex(
    "a200"  # LDX #0
    "8a 6580 8580"  # LOOP: TXA, ADC $80, STA $80
    "4581 2a 8581"  # EOR $81, ROL, STA $81
    "e682 a483 c8 8483"  # INC $82, LDY $83, INY, STY $83
    "b584 7dfff0 9584"  # LDA $84,X, ADC $F0FF,X, STA $84,X
    "e8 e040 d0e3"  # INX, CPX #$40, BNE LOOP
    "4c00f0"  # JMP
)


def half_cycles_a_second(run: Callable[[], object]) -> float:
    start = time.process_time()
    run()
    return N / (time.process_time() - start)


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else find_chip("mos6502")
    netlist = load_netlist(folder)
    image = np.zeros(4096, np.uint8)
    image[: len(PROGRAM)] = np.frombuffer(PROGRAM, np.uint8)
    image[0xFFC:0xFFE] = (0x00, 0xF0)
    machine = Machine(EventEngine(netlist, MOS6502), image, word_fields(MOS6502))
    machine.power_on(np.zeros(128, np.uint8))
    memory = np.zeros(65536, np.uint8)
    memory[0xF000:] = image
    bare = EventEngine(netlist, MOS6502)
    bare.reset(memory)
    every, few = machine.every_node, machine.every_node[:64]
    ways: dict[str, Callable[[], object]] = {
        "bare engine": lambda: bare.run(N, memory),
        "board": lambda: machine.run(N),
        "board, 64 nodes": lambda: machine.run(N, few),
        "board, all nodes": lambda: machine.run(N, every),
        "board, all nodes and bus": lambda: machine.run(N, every, words=True),
    }
    for run in ways.values():
        run()
    speeds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(N_ROUNDS):
        for name, run in ways.items():
            speeds[name].append(half_cycles_a_second(run))
    reference = np.array(speeds["bare engine"])
    for name, measured in speeds.items():
        ratio = np.median(np.array(measured) / reference)
        print(f"{name:26} {np.median(measured):9.0f} half-cycles/s   {ratio:5.3f} × bare engine")


if __name__ == "__main__":
    main()
