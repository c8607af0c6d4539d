"""The HS6502 against the MOS 6502's netlist on every pin, and against py65 on what instructions do."""

from __future__ import annotations

import numpy as np
import pytest
from py65.devices.mpu6502 import MPU
from side_by_side import (
    KEEP,
    PINS,
    PROMISED,
    first_difference,
    opcodes_run,
    random_levels,
    random_program,
    report,
    run_bus,
)

from subjects.microprocessor.event_engine import EventEngine
from subjects.microprocessor.hs6502 import HS6502
from subjects.microprocessor.mos6502 import MOS6502
from subjects.microprocessor.netlist import Netlist


@pytest.fixture(scope="module")
def both(mos6502: Netlist, hs6502: Netlist) -> tuple[EventEngine, EventEngine]:
    return EventEngine(mos6502, MOS6502), EventEngine(hs6502, HS6502)


def assert_equal(both: tuple[EventEngine, EventEngine], image: np.ndarray, levels: np.ndarray, told: str) -> np.ndarray:
    (expected, memory), (found, own) = (run_bus(engine, image, levels) for engine in both)
    codes = opcodes_run(expected)
    stop = len(expected)
    if not np.isin(codes, PROMISED).all():  # a jump into data: only what comes before counts
        at = np.flatnonzero(expected[1::2, 3])[np.flatnonzero(~np.isin(codes, PROMISED))[0]]
        stop = 2 * int(at)
    k = first_difference(expected[:stop], found[:stop])
    assert k is None, f"{told}: {report(expected, found, k)}"
    if stop == len(expected):
        np.testing.assert_array_equal(own, memory, told)
    return codes


def still(n: int) -> np.ndarray:
    return np.full((n, len(PINS)), KEEP, np.uint8)


def test_every_promised_opcode(both):
    """Each from a random state, the registers and flags pushed and stored afterwards."""
    rng = np.random.default_rng(0)
    seen: set[int] = set()
    for opcode in PROMISED.tolist():
        image = random_program(rng)
        operands = rng.integers(0, 256, 2).tolist()
        after = [0x08, 0x48, 0x86, 0x10, 0x84, 0x11, 0xBA, 0x86, 0x12]
        image[0x040D : 0x040D + 3 + len(after)] = [opcode, *operands, *after]
        seen |= set(assert_equal(both, image, still(130), f"opcode {opcode:02x}").tolist())
    assert set(PROMISED.tolist()) <= seen
    assert both[1].n_unsettled == 0


@pytest.mark.parametrize("seed", range(12))
def test_random_programs(seed: int, both):
    rng = np.random.default_rng(1000 + seed)
    assert_equal(both, random_program(rng), still(3000), f"program {seed}")


@pytest.mark.parametrize("pins", [("irq",), ("nmi",), ("rdy",), ("so",), PINS])
def test_random_pins_at_random_times(pins: tuple[str, ...], both):
    for seed in range(8 if len(pins) == 1 else 40):
        rng = np.random.default_rng(2000 + seed)
        assert_equal(both, random_program(rng), random_levels(rng, 1200, pins), f"{pins}, program {seed}")


def test_decimal_arithmetic_as_py65(hs6502: Netlist):
    """Every pair of digits: ADC and SBC in decimal mode against py65, which follows the MOS part on valid BCD."""
    engine = EventEngine(hs6502, HS6502)
    rng = np.random.default_rng(3)
    digits = [10 * (k // 10) + k % 10 for k in range(100)]
    for _ in range(60):
        a, b = (int(f"{k:02d}", 16) for k in rng.choice(digits, 2))
        carry, opcode = int(rng.integers(2)), [0x69, 0xE9][int(rng.integers(2))]
        program = [0xF8, 0x38 if carry else 0x18, 0xA9, a, opcode, b, 0x85, 0x10, 0xA9, 0, 0x2A, 0x85, 0x11]
        image = np.zeros(65536, np.uint8)
        image[0x0400 : 0x0400 + len(program)] = program
        image[0xFFFC:0xFFFE] = (0x00, 0x04)
        memory = image.copy()
        engine.reset(memory)
        engine.run(2 * 36, memory)
        mpu = MPU(memory=image.tolist(), pc=0x0400)
        for _ in range(8):
            mpu.step()
        assert memory[0x10:0x12].tolist() == mpu.memory[0x10:0x12], f"{a:02x} {b:02x} carry {carry} {opcode:02x}"


def test_random_straight_programs_as_py65(hs6502: Netlist):
    """Documented opcodes in a row, without jumps: the memory that is left."""
    engine = EventEngine(hs6502, HS6502)
    leaves = {0x00, 0x20, 0x40, 0x60, 0x4C, 0x6C, 0x9A, 0xF8, 0x10, 0x30, 0x50, 0x70, 0x90, 0xB0, 0xD0, 0xF0, 0x28}
    table = MPU.disassemble
    codes = [code for code in range(256) if table[code][0] != "???" and code not in leaves]
    lengths = {"imp": 1, "acc": 1, "imm": 2, "zpg": 2, "zpx": 2, "zpy": 2, "inx": 2, "iny": 2}
    for seed in range(30):
        rng = np.random.default_rng(seed)
        image = np.zeros(65536, np.uint8)
        image[:0x0200] = rng.integers(0, 256, 0x0200)
        # pointers and absolute addresses stay below the program
        image[1:0x0100:2] &= 0x02
        image[:0x0100:2] = image[1:0x0100:2]
        program = [0xA2, 0xFF, 0x9A, 0xA9, 0, 0xA0, 5, 0xA2, 7, 0x18, 0xB8, 0xD8, 0x78]
        n = len([0xA2, 0x9A, 0xA9, 0xA0, 0xA2, 0x18, 0xB8, 0xD8, 0x78])
        for code in rng.choice(codes, 40).tolist():
            length = lengths.get(table[code][1], 3)
            low, high = int(rng.integers(256)), int(rng.integers(2, 4))
            program += [code, low, high][:length]
            n += 1
        end = 0x0800 + len(program)
        image[0x0800 : end + 3] = [*program, 0x4C, end & 0xFF, end >> 8]  # and there it stays
        image[0xFFFC:0xFFFE] = (0x00, 0x08)
        mpu = MPU(memory=image.tolist(), pc=0x0800)
        for _ in range(n):
            mpu.step()
        memory = image.copy()
        engine.reset(memory)
        engine.run(2 * (20 + mpu.processorCycles), memory)
        np.testing.assert_array_equal(memory, mpu.memory, f"program {seed}")
