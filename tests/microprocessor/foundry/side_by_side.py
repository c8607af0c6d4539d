"""Two chips on equal memories under equal pins: what their buses carry, half-cycle by half-cycle.

As a script it sweeps many programs: `python tests/microprocessor/foundry/side_by_side.py N_PROGRAMS FIRST_SEED`.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import numpy as np
from numba import njit

from subjects.microprocessor.event_engine import EventEngine
from subjects.microprocessor.event_kernels import half_cycle, read_address, read_data, set_pin

PINS = ("irq", "nmi", "rdy", "so")
KEEP = 2
FIRST_FETCH = 16  # half-cycles from the release of RES
SET_UP = 70  # half-cycles until the program has set every register
JAMS = frozenset(range(0x02, 0x100, 0x10)) - {0x82, 0xA2, 0xC2, 0xE2}
UNSTABLE = frozenset({0x8B, 0xAB, 0xBB, 0x93, 0x9F, 0x9E, 0x9C, 0x9B})
ODD_IMMEDIATES = frozenset({0x0B, 0x2B, 0x4B, 0x6B, 0xCB})
PROMISED = np.array([code for code in range(256) if code not in JAMS | UNSTABLE | ODD_IMMEDIATES], np.uint8)
"""Opcodes that the HS6502 promises: all documented ones, and the undocumented ones that games use."""


@njit(cache=True)
def _run(circuit, ports, memory, pins, levels, rw, sync, out):
    for k in range(len(levels)):
        half_cycle(circuit, ports, memory)
        for p in range(len(pins)):
            if levels[k, p] != KEEP:
                set_pin(circuit, pins[p], levels[k, p])
        out[k, 0] = read_address(circuit, ports)
        out[k, 1] = read_data(circuit, ports)
        out[k, 2] = circuit.values[rw]
        out[k, 3] = circuit.values[sync]


def run_bus(engine: EventEngine, image: np.ndarray, levels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """From reset: (n, 4) address, data, R/W and SYNC after each half-cycle, and the memory at the end.

    Parameters
    ----------
    levels : (n, len(PINS)) uint8, what each pin is set to after a half-cycle, or KEEP
    """
    memory = image.copy()
    engine.reset(memory)
    ids = engine.netlist.node_ids
    pins = np.array([ids[name] for name in PINS])
    out = np.zeros((len(levels), 4), np.int64)
    _run(engine.circuit, engine.ports, memory, pins, levels, ids["rw"], ids["sync"], out)
    return out, memory


def random_program(rng: np.random.Generator) -> np.ndarray:
    """64 kB of promised opcodes, any bytes in pages 0 and 1; a start that loads all registers and flags at random."""
    image = rng.choice(PROMISED, 65536)
    image[:512] = rng.integers(0, 256, 512)
    s, a, p, x, y = rng.integers(0, 256, 5)
    start = [0xA2, s, 0x9A, 0xA9, p, 0x48, 0x28, 0xA9, a, 0xA2, x, 0xA0, y]
    image[0x0400 : 0x0400 + len(start)] = start
    image[0xFFFC:0xFFFE] = (0x00, 0x04)
    return image


def random_levels(rng: np.random.Generator, n: int, pins: tuple[str, ...] = PINS) -> np.ndarray:
    """Pins that toggle at random half-cycles, each at a rate of its own."""
    levels = np.full((n, len(PINS)), KEEP, np.uint8)
    for name in pins:
        rate = rng.uniform(0.02, 0.4) if name == "rdy" else rng.uniform(0.005, 0.15)
        level = 0 if name == "so" else 1
        for k in SET_UP + np.flatnonzero(rng.random(n - SET_UP) < rate):
            level ^= 1
            levels[k, PINS.index(name)] = level
    return levels


def first_difference(expected: np.ndarray, found: np.ndarray) -> int | None:
    """The half-cycle, from the first fetch on, in which two buses first differ."""
    wrong = np.flatnonzero((expected[FIRST_FETCH:] != found[FIRST_FETCH:]).any(axis=1))
    return FIRST_FETCH + int(wrong[0]) if len(wrong) else None


def opcodes_run(bus: np.ndarray) -> np.ndarray:
    """What each SYNC cycle read, in order."""
    return bus[1::2][bus[1::2, 3] == 1, 1]


def report(expected: np.ndarray, found: np.ndarray, k: int) -> str:
    """Where two buses differ, with what led to it."""
    recent = " ".join(f"{code:02x}" for code in opcodes_run(expected[: k | 1])[-5:])
    return f"half-cycle {k}, after {recent}: expected {expected[k].tolist()}, found {found[k].tolist()}"


def sweep(reference: EventEngine, engine: EventEngine, seeds: range, n: int) -> Counter[str]:
    """How many programs agree; the others by the opcode at which they part, reported as they come."""
    outcome: Counter[str] = Counter()
    for seed in seeds:
        rng = np.random.default_rng(seed)
        image, levels = random_program(rng), random_levels(rng, n)
        (expected, _), (found, _) = run_bus(reference, image, levels), run_bus(engine, image, levels)
        k = first_difference(expected, found)
        if k is None:
            outcome["equal"] += 1
            continue
        codes = opcodes_run(expected[:k])
        promised = np.isin(codes, PROMISED).all()
        outcome[f"{codes[-1]:02x}" if promised else "after an opcode not promised"] += 1
        print(seed, report(expected, found, k), "" if promised else "(an opcode not promised has run)")
    return outcome


if __name__ == "__main__":
    from subjects.microprocessor.drawn_chip import shipped_chip
    from subjects.microprocessor.hs6502 import FILE_NAME, HS6502
    from subjects.microprocessor.mos6502 import MOS6502
    from subjects.microprocessor.netlist import load_netlist

    netlist_folder = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "mos6502"
    n_programs, first = (int(argument) for argument in (*sys.argv[1:], "100", "0")[:2])
    print(
        sweep(
            EventEngine(load_netlist(netlist_folder), MOS6502),
            EventEngine(shipped_chip(HS6502, FILE_NAME).netlist, HS6502),
            range(first, first + n_programs),
            1200,
        )
    )
