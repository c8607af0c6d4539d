"""Two phases that never overlap, made from one clock pin.

    clk0     ____/‾‾‾‾‾‾‾‾\\________/‾‾‾‾
    phi1     ‾‾‾‾\\__________/‾‾‾‾‾‾\\____
    phi2     ______/‾‾‾‾‾‾‾‾\\__________/

Each phase is a NOR of the clock and of the other phase behind a chain of inverters. A phase can only rise when the
other has been low for as long as the chain takes, which is longer than any line that it qualifies takes to fall (four
gates: see `control`). So no switch of one phase is open when those of the other begin to conduct.
"""

from __future__ import annotations

from subjects.microprocessor.foundry.die import Block, Die

N_DELAYS = 8
"""Inverters in each chain, an even number: twice as many as the lines that a phase qualifies are deep."""


def draw_clock(die: Die) -> None:
    """`phi1`, `phi2`, their complements, and `step`: phase 1 of a cycle that goes on (`stall` is low)."""
    clock = die.block("clock/phases")
    clock.nor("phi1", "clk0", _delayed(clock.sub("delay 2"), "phi2"))
    clock.nor("phi2", clock.inv("clk0"), _delayed(clock.sub("delay 1"), "phi1"))
    clock.inv("phi1")
    clock.inv("phi2")
    clock.nor("step", "~phi1", "stall")
    out = die.block("clock/outputs")
    for pin, phase in (("clk1out", "phi1"), ("clk2out", "phi2")):
        out.pull_up(phase, pin)
        out.pull_down(out.inv(phase), pin)
    draw_ready(die)


def draw_ready(die: Die) -> None:
    """RDY low in phase 2 of a read: the next cycle changes nothing, the read is done `again`."""
    ready = die.block("control/ready")
    ready.nor("stall.next", "rdy", "write")
    ready.switch("phi2", "stall.next", "stall.latch")
    ready.buffer("stall", "stall.latch")
    ready.switch("phi1", "stall", "again")
    ready.inv("again")


def _delayed(block: Block, net: str) -> str:
    """The net behind a chain of inverters."""
    for k in range(N_DELAYS):
        net = block.nor(f"{block.region.split('/')[-1].replace(' ', '')}.{k}", net)
    return net
