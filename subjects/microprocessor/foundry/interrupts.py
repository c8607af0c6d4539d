"""Reset, NMI, IRQ and SO: from the pins to the instruction that is forced to be BRK."""

from __future__ import annotations

from subjects.microprocessor.foundry.die import Block, Die


def draw_interrupts(die: Die) -> None:
    draw_pins(die)
    draw_poll(die)
    draw_nmi(die)
    draw_reset(die)
    draw_overflow_pin(die)


def draw_pins(die: Die) -> None:
    """Every pin behind an inverter. IRQ, NMI and RES are sampled in phase 2 and handed on in phase 1, SO in phase 1."""
    for pin in ("irq", "nmi", "res"):
        block = die.block(f"control/interrupts/{pin}")
        block.switch("phi2", block.inv(pin), f"{pin}_low.sampled")
        block.switch("phi1", block.inv(f"{pin}_low.sampled"), f"~{pin}_low.held")
        block.buffer(f"~{pin}_low", f"~{pin}_low.held")
    block = die.block("control/interrupts/so")
    block.switch("phi1", block.inv("so"), "so_low.held")
    block.buffer("so_low", "so_low.held")


def draw_poll(die: Die) -> None:
    """In the last cycle: is an interrupt due? If so it is seen to, even if RDY makes the cycle wait and the cause goes.

    `interrupt` is known at the end of phase 2, `intg` is the same from the next cycle that goes on, until BRK is done.
    """
    block = die.block("control/interrupts/poll")
    last = block.nor("poll.last", "~LAST", "NO_POLL")
    block.nor("~poll", last, "BRANCH_T2")
    irq = block.nor("irq_due", "~irq_low", "p2")
    found = block.nor("found", "~poll", block.nor("~due", irq, "nmi_due"))
    kept = block.nor("interrupt.kept", "~interrupt.seen", "BREAK_DONE")
    block.switch("phi2", block.nor("~interrupt.next", found, kept, "reset"), "~interrupt.latch")
    block.nor("interrupt", "~interrupt.latch")
    block.switch("phi1", "interrupt", "interrupt.seen")
    block.inv("interrupt.seen")
    block.switch("step", "interrupt", "intg")
    block.inv("intg")


def draw_nmi(die: Die) -> None:
    """A falling edge is remembered until a vector has been taken for it.

    While another vector is fetched no edge is seen: a pulse that ends in that time is lost. While its own is fetched,
    edges are seen and count as served with it.
    """
    block = die.block("control/interrupts/nmi")
    closed = block.nor("nmi.closed", block.nor("nmi.open", "VECTOR_KEEP", "VECTOR_DONE"), "nmi_taken")
    unseen = block.nor("nmi.unseen", block.inv(closed), "nmi_before")
    _before(block, "nmi", block.nor("nmi.seen", "~nmi_low", unseen))
    block.nor("nmi.edge", "~nmi_low", "nmi_before", closed)
    served = block.nor("nmi.served", "~VECTOR_DONE", "~nmi_taken")
    block.nor("nmi_due", block.nor("nmi.none", "nmi.edge", "nmi.pending"), served)
    block.switch("phi2", block.nor("nmi.pending.next", block.inv("nmi_due"), "reset"), "nmi.pending.latch")
    block.switch("phi1", block.inv("nmi.pending.latch"), "~nmi.pending.held")
    block.nor("nmi.pending", "~nmi.pending.held")
    vector = block.sub("vector")
    take = vector.nor("nmi.take", "~VECTOR_CHOICE", "~nmi_due")
    keep = vector.nor("nmi_vector.keep", "~VECTOR_KEEP", "~nmi_taken")
    vector.switch("phi2", vector.nor("~nmi_vector.next", take, keep), "~nmi_vector.held")
    vector.buffer("~nmi_vector", "~nmi_vector.held")
    vector.switch("step", "nmi_vector", "nmi_taken")
    vector.inv("nmi_taken")


def draw_reset(die: Die) -> None:
    """RES holds the chip outside of every cycle; the BRK that follows writes nothing and takes its own vector."""
    block = die.block("control/interrupts/res")
    block.buffer("reset", "res_low")
    _before(block, "res", "res_low")
    block.nor("released", "res_low", block.inv("res_before"))
    kept = block.nor("reset_due.kept", "~reset_due", "BREAK_DONE")
    block.switch("phi2", block.nor("~reset_due.next", "reset", kept), "~reset_due.latch")
    block.switch("step", block.inv("~reset_due.latch"), "reset_due.held")
    block.buffer("reset_due", "reset_due.held")
    block.nor("write", block.inv("WRITE"), "reset_due")
    block.inv("write")


def draw_overflow_pin(die: Die) -> None:
    """A falling edge of SO sets V."""
    block = die.block("control/interrupts/so")
    _before(block, "so", "so_low")
    block.switch("phi2", block.nor("so.edge", "~so_low", "so_before"), "so.edge.latch")
    block.buffer("so_due", "so.edge.latch")
    block.nor("SO_SET", "~phi1", "~so_due")


def _before(block: Block, pin: str, low: str) -> None:
    """`PIN_before`: what `low` was one cycle earlier."""
    block.switch("phi2", low, f"{pin}_before.latch")
    block.switch("phi1", block.inv(f"{pin}_before.latch"), f"~{pin}_before.held")
    block.nor(f"{pin}_before", f"~{pin}_before.held")
