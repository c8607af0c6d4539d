"""The status register: one stored bit each for C, Z, I, D, V, N, loaded from several sources; B is made when pushed."""

from __future__ import annotations

from subjects.microprocessor.foundry.control import register_cell
from subjects.microprocessor.foundry.die import VCC, VSS, Die

FLAGS = {0: "carry", 1: "zero", 2: "interrupt disable", 3: "decimal", 4: "break", 6: "overflow", 7: "negative"}


def draw_flags(die: Die) -> None:
    zero = die.block("status/zero")
    zero.nor("data_is_0", *(f"idb{bit}" for bit in range(8)))
    sources = {
        0: (("C_ALU", "carry"), ("C_IR", "ir5.out"), ("P_DB", "idb0")),
        1: (("Z_DB", "data_is_0"), ("P_DB", "idb1")),
        2: (("I_IR", "ir5.out"), ("I_SET", VCC), ("P_DB", "idb2")),
        3: (("D_IR", "ir5.out"), ("P_DB", "idb3")),
        6: (("V_ALU", "overflow"), ("V_CLEAR", VSS), ("V_DB", "idb6"), ("SO_SET", VCC)),
        7: (("N_DB", "idb7"),),
    }
    for bit, loads in sources.items():
        register_cell(die.block(f"status/{FLAGS[bit]}", bit), f"p{bit}", loads)
    die.block("status/break", 4).buffer("p4", "~intg")
    for bit in (*sources, 4):
        block = die.block(f"status/{FLAGS[bit]}", bit)
        value = ("p4",) if bit == 4 else (f"p{bit}.out", "so_due") if bit == 6 else (f"p{bit}.out",)
        block.drive(f"p{bit}.idb", "P_TO_DB", value, f"idb{bit}")
    draw_branch(die)


def draw_branch(die: Die) -> None:
    """Bits 7 and 6 of a branch choose the flag, bit 5 says what it must be."""
    block = die.block("control/branch")
    chosen = [
        block.nor("if_n", "ir7", "ir6", "~p7"),
        block.nor("if_v", "ir7", "~ir6", "~p6"),
        block.nor("if_c", "~ir7", "ir6", "~p0"),
        block.nor("if_z", "~ir7", "~ir6", "~p1"),
    ]
    block.either("flag", *chosen)
    block.equal("taken", "flag", "ir5")
