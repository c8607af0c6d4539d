"""From the opcode and the cycle to the lines that move data: the PLA, the latches behind it, the state of the cycle.

    ir, t1...  ── AND plane ── OR plane ──┤phi2├── latch ── NOR(~phi1, stall) ── control line

A control line is high in phase 1 only, and only where the cycle goes on. It has been decided in phase 2 before, so it
rises without a glitch: a precharged bus would not forgive one.
"""

from __future__ import annotations

from collections import defaultdict

from subjects.microprocessor.foundry.die import Block, Die
from subjects.microprocessor.foundry.microprogram import ANY, EXECUTE, KIND, SEQUENCE, WITHIN, Row

CYCLES = ("t1", "t2", "t3", "t4", "t5", "t6", "t7", "w1", "w2")

AT_ONCE = (
    "INC",
    "ACCESS",
    "PAGE",
    "STORE",
    "MODIFY",
    "LAST",
    "BRANCH_T2",
    "NO_POLL",
    "BREAK_DONE",
    "VECTOR_CHOICE",
    "VECTOR_KEEP",
    "VECTOR_DONE",
)
"""Controls that hold in the cycle that asks for them."""

WHOLE_CYCLE = ("OP_OR", "OP_AND", "OP_EOR", "OP_SHIFT", "CIN_1", "CIN_C", "CIN_PAGE", "ADC", "SBC", "WRITE")
"""Controls that hold through both phases of the next cycle; all others are high in its phase 1."""

NEVER_STALLED = ("R_SB", "SB_ADH", "ABH_ALWAYS", "I_IR", "V_ALU", "V_CLEAR")
"""Lines that RDY does not hold: while a read is done again, an address is corrected and I and V change all the same."""


def draw_control(die: Die) -> None:
    """The planes and everything behind them."""
    draw_instruction_register(die)
    draw_kinds(die)
    asked: defaultdict[str, list[str]] = defaultdict(list)
    drawn: dict[tuple[str, str, tuple[str, ...]], str] = {}
    for plane, rows in (("sequence", SEQUENCE), ("within", WITHIN), ("execute", EXECUTE)):
        block = die.block(f"decode/PLA {plane}")
        for row in rows:
            key = (row.pattern, row.state, row.when)
            if key not in drawn:
                drawn[key] = _and_line(block, row)
            for control in row.controls:
                if drawn[key] not in asked[control]:
                    asked[control].append(drawn[key])
    for control, lines in asked.items():
        _or_line(die, control, lines)
    draw_state(die)


def draw_instruction_register(die: Die) -> None:
    """The opcode, taken in T2; 00, which is BRK, when an interrupt is due."""
    for bit in range(8):
        block = die.block("decode/instruction register", bit)
        block.nor(f"opcode{bit}", f"~idl{bit}", "interrupt")
        register_cell(block, f"ir{bit}", (("IR", f"opcode{bit}"),))


def register_cell(block: Block, name: str, loads: tuple[tuple[str, str], ...]) -> None:
    """A stored bit: switches that load it in phase 1, and two inverters that refresh it in phase 2.

    `name` is the stored node, `~name` its complement, `name.out` the buffered value.
    """
    for line, source in loads:
        block.switch(line, source, name)
    block.nor(f"{name}.out", block.inv(name))
    block.switch("phi2", f"{name}.out", name)


def draw_kinds(die: Die) -> None:
    """Whether an opcode modifies memory, stores or reads."""
    block = die.block("decode/kind")
    for kind, patterns in KIND.items():
        lines = [_and_line(block, Row(pattern, kind, ())) for pattern in patterns]
        block.either(kind, *lines)
    block.nor("reads", "rmw", "store")


def draw_state(die: Die) -> None:
    """One stored bit for each cycle; the one that is high moves on, W1 follows MODIFY, T1 follows LAST and reset."""
    block = die.block("decode/timing")
    leaves = ("LAST", "MODIFY", "reset")
    following = {
        "t1": block.sub("t1").either("t1.next", "LAST", "released"),
        "t2": block.sub("t2").nor("t2.next", "~t1", "reset"),
        "w1": block.sub("w1").nor("w1.next", "~MODIFY", "reset"),
        "w2": block.sub("w2").nor("w2.next", "~w1", "reset"),
    }
    for k in range(3, 8):
        following[f"t{k}"] = block.sub(f"t{k}").nor(f"t{k}.next", f"~t{k - 1}", *leaves)
    for cycle, source in following.items():
        place = block.sub(cycle)
        place.switch("phi2", source, f"{cycle}.latch")
        place.switch("step", place.inv(f"{cycle}.latch"), f"~{cycle}.held")
        place.nor(cycle, f"~{cycle}.held")
        place.nor(f"~{cycle}", cycle)


def _and_line(block: Block, row: Row) -> str:
    """A line of the AND plane, a NOR of what must be low; a state alone needs no line."""
    state = row.state.lower() if row.state.lower() in CYCLES else row.state
    if row.pattern == ANY and not row.when:
        return state
    must_be_low = [f"{'~' if bit == '1' else ''}ir{7 - k}" for k, bit in enumerate(row.pattern) if bit != "x"]
    if row.state not in KIND:
        must_be_low.append(f"~{state}")
    must_be_low += [block.inv(net) for net in row.when]
    name = ".".join([row.state, *([] if row.pattern == ANY else [row.pattern]), *row.when])
    return block.sub(row.state).nor(name, *must_be_low)


def _or_line(die: Die, control: str, lines: list[str]) -> None:
    """All that ask for a control, and what holds the answer."""
    plane = die.block("decode/OR plane")
    if control in AT_ONCE:
        plane.either(control, *lines)
        return
    plane.nor(f"~{control}.next", *lines)
    if control in WHOLE_CYCLE:
        latch = die.block(f"control/held/{control}")
        latch.switch("phi2", f"~{control}.next", f"~{control}.latch")
        latch.switch("step", latch.inv(f"~{control}.latch"), control)
        latch.inv(control)
    else:
        latch = die.block(f"control/lines/{control}")
        latch.switch("phi2", f"~{control}.next", f"~{control}.latch")
        stalled = () if control in NEVER_STALLED else ("stall",)
        latch.nor(control, "~phi1", *stalled, f"~{control}.latch")
