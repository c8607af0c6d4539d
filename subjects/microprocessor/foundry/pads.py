"""The pins: address and R/W are always driven, data in phase 2 of a write, all others only listened to."""

from __future__ import annotations

from subjects.microprocessor.foundry.die import Block, Die, bus

INPUTS = ("clk0", "res", "irq", "nmi", "rdy", "so")
PINS = (*INPUTS, "rw", "sync", "clk1out", "clk2out", *bus("ab", 16), *bus("db", 8))


def draw_pads(die: Die) -> None:
    for bit in range(16):
        latch = f"ab{'l' if bit < 8 else 'h'}{bit % 8}"
        _drive(die.block(f"pads/address/ab{bit}"), f"ab{bit}", f"{latch}.out", f"~{latch}")
    _drive(die.block("pads/control/rw"), "rw", "~write", "write")
    _drive(die.block("pads/control/sync"), "sync", "t1", "~t1")
    enable = die.block("pads/data")
    enable.nor("~writing", enable.nor("writing.now", "~phi2", "~write"))
    for bit in range(8):
        block = die.block(f"pads/data/db{bit}")
        block.pull_up(block.nor(f"db{bit}.high", "~writing", f"~dor{bit}"), f"db{bit}")
        block.pull_down(block.nor(f"db{bit}.low", "~writing", f"dor{bit}"), f"db{bit}")


def _drive(block: Block, pin: str, high: str, low: str) -> None:
    block.pull_up(high, pin)
    block.pull_down(low, pin)
