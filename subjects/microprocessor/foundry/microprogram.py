"""What every instruction does in every cycle: the contents of the PLA.

A row is one line of the PLA. It is high in a cycle when the opcode matches the pattern (bit 7 first, x: either), the
chip is in the state, and the condition holds; it then asks for controls *of the next cycle*. Cycles are counted as MOS
does: T1 fetches the opcode, T2 reads the byte behind it, and so on; W1 and W2 are the two writes of an instruction that
modifies memory. What is left to do after an instruction's last cycle overlaps with T1 and T2 of the next.

    phase 1    buses carry what the controls say; registers, ALU inputs and the address pins are loaded
    phase 2    the memory answers; the ALU and the program counter count; the PLA's word for the next cycle is latched

A bus that nobody drives reads FF, which serves as the constant -1. Sources on one bus at once give their AND.

Some states are not cycles but happen within one: ACCESS (the data of the instruction are on the bus), PAGE (an indexed
address, whose carry may be missing), STORE (the next cycle writes a register), MODIFY (the cycle before W1), LAST (the
last cycle). The cycles themselves follow the MCS6500 hardware and programming manuals (MOS Technology, 1976).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One line of the PLA.

    Attributes
    ----------
    pattern : opcode bits, bit 7 first: 0, 1 or x
    state : T1 to T7, W1, W2, or one of the states within a cycle
    controls : what it asks for in the next cycle
    when : nets that must be high
    """

    pattern: str
    state: str
    controls: tuple[str, ...]
    when: tuple[str, ...] = ()


ANY = "xxxxxxxx"
PC = "PCL_ADL PCH_ADH ABL ABH"  # the program counter on the address pins
NEXT = f"LAST {PC}"  # the next cycle is a fetch
STACK = "S_ADL ADH_0x0 ABL ABH BI_ADL"  # the stack pointer on the address pins and into the ALU
STACK_ON = "R_ADL ADH_0x0 ABL ABH"  # the same, from the ALU
ZERO_PAGE = "ADH_0x0 ADH_00 ABL ABH"
JUMP = "ADL_PCL ADH_PCH ABL ABH"
LESS_1 = "AI_SB"  # SB carries FF
PLUS_1 = "AI_0 CIN_1"
FIX_PAGE = "R_SB SB_ADH ABH_ALWAYS"
SET_P = "N_DB V_DB P_DB"


def _rows(state: str, *lines: tuple[str, ...]) -> list[Row]:
    return [Row(line[0], state, tuple(line[1].split()), tuple(line[2:])) for line in lines]


def _jams(*cycles: tuple[str, str]) -> list[Row]:
    return [row for state, asks in cycles for row in _rows(state, ("xxx10010", asks), ("0xx00010", asks))]


SEQUENCE = [
    *_rows(
        "T1",
        (ANY, f"{PC} IR"),
        (ANY, "INC", "~intg"),
    ),
    *_rows(
        "T2",
        ("xxxx0xxx", "INC", "~intg"),
        ("xxxxx1xx", "INC"),
        ("xxxxxxx1", "INC"),
        # zero page and indirect
        ("xxxx01xx", f"DL_ADL {ZERO_PAGE} BI_ADL"),
        ("xxxx00x1", f"DL_ADL {ZERO_PAGE} BI_ADL"),
        ("xxx100x1", PLUS_1),
        ("xxx000x1", "X_SB AI_SB"),
        # absolute
        ("xxxx11xx", f"{PC} DL_DB BI_DB"),
        ("xxx110x1", f"{PC} DL_DB BI_DB Y_SB AI_SB"),
        ("xxx011xx", "AI_0"),
        # the index: Y instead of X where X is loaded or stored
        ("xxx1x10x", "X_SB AI_SB"),
        ("0xx1x11x", "X_SB AI_SB"),
        ("11x1x11x", "X_SB AI_SB"),
        ("10x1x11x", "Y_SB AI_SB"),
        # stack
        ("0x001000", f"{STACK} WRITE {LESS_1}"),
        ("00001000", "P_TO_DB"),
        ("01001000", "A_DB"),
        ("0x101000", f"{STACK} {PLUS_1}"),
        ("01x00000", f"{STACK} {PLUS_1}"),
        ("00000000", f"{STACK} WRITE PCH_DB {LESS_1}"),
        ("00100000", f"{STACK} AI_0 DL_DB SB_DB SB_S"),  # JSR keeps the low byte in S
        # branches: the target's low byte
        ("xxx10000", f"{PC} BI_ADL DL_DB SB_DB AI_SB BRANCH_T2"),
        ("xxx10000", "LAST", "~taken"),
        # two cycles
        ("xxx010x1", NEXT),
        ("1xx000x0", NEXT),
        ("xxx01010", NEXT),
        ("1xx01000", NEXT),
        ("xxx110x0", NEXT),
    ),
    *_rows(
        "T3",
        ("xxxx11xx", "INC"),
        ("xxx110x1", "INC"),
        ("xxx001xx", "ACCESS"),
        ("xxx101xx", f"R_ADL {ZERO_PAGE}"),
        ("xxxx00x1", f"R_ADL {ZERO_PAGE}"),
        ("xxx000x1", f"BI_ADL {PLUS_1}"),
        ("xxx100x1", "DL_DB BI_DB Y_SB AI_SB"),
        ("xxxx11xx", "R_ADL DL_ADH ABL ABH"),
        ("xxx110x1", "R_ADL DL_ADH ABL ABH"),
        ("xxx111xx", "DL_DB BI_DB AI_0 CIN_PAGE"),
        ("xxx110x1", "DL_DB BI_DB AI_0 CIN_PAGE"),
        ("01101100", f"BI_ADL {PLUS_1}"),
        ("01001100", "LAST ADL_PCL ADH_PCH"),
        ("00100000", f"{STACK_ON} BI_ADL WRITE PCH_DB {LESS_1}"),
        ("00000000", f"{STACK_ON} BI_ADL WRITE PCL_DB {LESS_1}"),
        ("0x001000", NEXT),
        ("0x101000", f"{STACK_ON} R_SB SB_S"),
        ("01x00000", f"{STACK_ON} BI_ADL {PLUS_1}"),
        ("xxx10000", f"R_ADL PCH_ADH {JUMP} PCH_DB BI_DB"),
        ("xxx10000", LESS_1, "backward"),
        ("xxx10000", PLUS_1, "~backward"),
        ("xxx10000", "LAST NO_POLL", "~crossing"),
    ),
    *_rows(
        "T4",
        ("xxx101xx", "ACCESS"),
        ("xxx011x1", "ACCESS"),
        ("xxx0111x", "ACCESS"),
        ("1xx01100", "ACCESS"),
        ("00x01100", "ACCESS"),
        ("xxx111xx", "PAGE"),
        ("xxx110x1", "PAGE"),
        ("xxx000x1", f"R_ADL {ZERO_PAGE} DL_DB BI_DB AI_0"),
        ("xxx100x1", "R_ADL DL_ADH ABL ABH DL_DB BI_DB AI_0 CIN_PAGE"),
        ("01101100", "R_ADL ABL DL_DB BI_DB AI_0"),
        ("00100000", f"{STACK_ON} BI_ADL WRITE PCL_DB {LESS_1}"),
        ("00000000", f"{STACK_ON} BI_ADL WRITE P_TO_DB {LESS_1}"),
        ("0x101000", NEXT),
        ("01100000", f"{STACK_ON} R_SB SB_S DL_DB BI_DB AI_0"),
        ("01000000", f"{STACK_ON} BI_ADL {PLUS_1} DL_DB {SET_P}"),
        ("xxx10000", "LAST PCL_ADL R_SB SB_ADH ABL ABH ADH_PCH"),
        ("xxx10000", "ABH_ALWAYS", "~backward"),
    ),
    *_rows(
        "T5",
        ("xxx111xx", "ACCESS"),
        ("xxx110x1", "ACCESS"),
        ("xxx100x1", "PAGE"),
        ("xxx000x1", "R_ADL DL_ADH ABL ABH"),
        ("01101100", f"LAST R_ADL DL_ADH {JUMP}"),
        ("00100000", PC),
        ("00000000", "VECTOR_LOW VECTOR_CHOICE ABL ABH R_SB SB_S"),
        ("01100000", f"R_ADL DL_ADH {JUMP}"),
        ("01000000", f"{STACK_ON} R_SB SB_S DL_DB BI_DB AI_0"),
    ),
    *_rows(
        "T6",
        ("xxxx00x1", "ACCESS"),
        ("00100000", f"LAST S_ADL DL_ADH {JUMP}"),
        ("00000000", "VECTOR_HIGH VECTOR_KEEP ABL ABH DL_DB BI_DB AI_0 I_SET"),
        ("01100000", f"INC {NEXT}"),
        ("01000000", f"LAST R_ADL DL_ADH {JUMP}"),
    ),
    *_rows("T7", ("00000000", f"LAST R_ADL DL_ADH {JUMP} BREAK_DONE"), ("00000000", "NO_POLL VECTOR_DONE", "~again")),
    # RES clears every register: 0 + FF + 1 goes from the ALU everywhere, 00FF to the address pins
    *_rows(
        "reset",
        (ANY, "AI_0 BI_ADL CIN_1 R_SB SB_DB SB_A SB_X SB_Y SB_S IR ADH_0x0 ADH_00 ABL ABH ADL_PCL ADH_PCH"),
        (ANY, SET_P),
    ),
    *_rows("W1", (ANY, "R_SB SB_DB WRITE N_DB Z_DB"), ("0xxxxxxx", "C_ALU")),
    *_rows("W2", (ANY, NEXT)),
    # opcodes that stop the chip: nothing but RES ends them
    *_jams(("T2", "ABL ABH"), ("T3", "VECTOR_LOW ABL ABH"), ("T4", "VECTOR_LOW ABL ABH"), ("T5", "ABL ABH")),
    # stores, in the cycle before they write
    *_rows("T2", ("100001xx", "STORE")),
    *_rows("T3", ("100101xx", "STORE"), ("100011xx", "STORE")),
    *_rows("T4", ("100111xx", "STORE"), ("100110x1", "STORE")),
    *_rows("T5", ("100000x1", "STORE"), ("100100x1", "STORE")),
]

KIND = {
    "rmw": ("0xxxx11x", "11xxx11x", "0xxx0011", "11xx0011", "0xx11011", "11x11011"),
    "store": ("100xx1xx", "100xxxx1"),
}
"""What instructions do with their data, by opcode alone; those that do neither read."""

WITHIN = [
    *_rows("ACCESS", (ANY, NEXT, "~rmw"), (ANY, "MODIFY", "rmw")),
    *_rows("PAGE", (ANY, NEXT, "reads", "~page_carry"), (ANY, FIX_PAGE, "~reads"), (ANY, FIX_PAGE, "page_carry")),
    *_rows(
        "STORE",
        (ANY, "WRITE"),
        ("xxxxxxx1", "A_DB"),
        ("xxxxxx1x", "X_SB SB_DB"),
        ("xxxxxx00", "Y_SB SB_DB"),
    ),
]
"""States that happen within a cycle."""

EXECUTE = [
    *_rows(
        "MODIFY",
        (ANY, "WRITE DL_DB BI_DB"),
        ("0xxxxxxx", "SB_DB AI_SB"),
        ("0x1xxxxx", "CIN_C"),
        ("01xxxxxx", "OP_SHIFT"),
        ("110xxxxx", LESS_1),
        ("111xxxxx", PLUS_1),
    ),
    *_rows(
        "LAST",
        ("0xxxxxx1", "A_SB AI_SB DL_DB BI_DB"),
        ("11xxxxx1", "A_SB AI_SB DL_DB BI_NOT_DB"),
        ("0010x100", "A_SB AI_SB DL_DB BI_DB OP_AND N_DB V_DB"),
        ("000xxxx1", "OP_OR"),
        ("001xxxx1", "OP_AND"),
        ("010xxxx1", "OP_EOR"),
        ("011xxxx1", "CIN_C ADC"),
        ("111xxxx1", "CIN_C SBC"),
        ("110xxxx1", "CIN_1"),
        ("11100x00", "X_SB AI_SB DL_DB BI_NOT_DB CIN_1"),
        ("1110x100", "X_SB AI_SB DL_DB BI_NOT_DB CIN_1"),
        ("11000x00", "Y_SB AI_SB DL_DB BI_NOT_DB CIN_1"),
        ("1100x100", "Y_SB AI_SB DL_DB BI_NOT_DB CIN_1"),
        ("11101000", "X_SB AI_SB BI_NOT_DB CIN_1"),
        ("11001000", "Y_SB AI_SB BI_NOT_DB CIN_1"),
        ("11001010", "X_SB AI_SB BI_DB"),
        ("10001000", "Y_SB AI_SB BI_DB"),
        ("101xxxx1", "DL_DB SB_DB SB_A N_DB Z_DB"),
        ("101xx11x", "DL_DB SB_DB SB_X N_DB Z_DB"),
        ("1010001x", "DL_DB SB_DB SB_X N_DB Z_DB"),
        ("101x0011", "DL_DB SB_DB SB_X N_DB Z_DB"),
        ("101xx100", "DL_DB SB_DB SB_Y N_DB Z_DB"),
        ("10100000", "DL_DB SB_DB SB_Y N_DB Z_DB"),
        ("10101010", "A_SB SB_DB SB_X N_DB Z_DB"),
        ("10101000", "A_SB SB_DB SB_Y N_DB Z_DB"),
        ("10001010", "X_SB SB_DB SB_A N_DB Z_DB"),
        ("10011000", "Y_SB SB_DB SB_A N_DB Z_DB"),
        ("10111010", "S_SB SB_DB SB_X N_DB Z_DB"),
        ("10011010", "X_SB SB_S"),
        ("0xx01010", "A_SB AI_SB SB_DB BI_DB"),
        ("0x101010", "CIN_C"),
        ("01x01010", "OP_SHIFT"),
        ("00x11000", "C_IR"),
        ("01x11000", "I_IR"),
        ("11x11000", "D_IR"),
        ("01101000", "DL_DB SB_DB SB_A N_DB Z_DB"),
        ("00101000", f"DL_DB {SET_P}"),
        ("0x001000", "R_SB SB_S"),
        ("00100000", "R_SB SB_S"),
    ),
    # the ALU's result, while the next instruction's second byte is read
    *_rows(
        "T1",
        ("0xxxxxx1", "R_SB SB_DB SB_A N_DB Z_DB"),
        ("111xxxx1", "R_SB SB_DB SB_A N_DB Z_DB"),
        ("110xxxx1", "R_SB SB_DB N_DB Z_DB C_ALU"),
        ("x11xxxx1", "C_ALU"),
        ("x11xxxx1", "V_ALU", "~again"),
        ("10111000", "V_CLEAR"),
        ("0xx01010", "R_SB SB_DB SB_A N_DB Z_DB C_ALU"),
        ("11x00x00", "R_SB SB_DB N_DB Z_DB C_ALU"),
        ("11x0x100", "R_SB SB_DB N_DB Z_DB C_ALU"),
        ("11101000", "R_SB SB_DB SB_X N_DB Z_DB"),
        ("11001000", "R_SB SB_DB SB_Y N_DB Z_DB"),
        ("11001010", "R_SB SB_DB SB_X N_DB Z_DB"),
        ("10001000", "R_SB SB_DB SB_Y N_DB Z_DB"),
        ("0010x100", "R_SB SB_DB Z_DB"),
    ),
]
"""What happens to the data, in the last cycle and while the next instruction begins."""
