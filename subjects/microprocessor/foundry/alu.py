"""The arithmetic and logic unit: two input latches, a carry chain, the choice of a result, decimal correction.

Inputs are loaded in phase 1, the result register R in phase 2. In decimal mode the carry out of a digit is corrected in
the chain, and the digit itself on its way from SB into A, as on the MOS part: N, V and Z come from before the
correction.
"""

from __future__ import annotations

from subjects.microprocessor.foundry.die import Block, Die

CHOICES = ("SUM", "OR", "AND", "EOR", "SHIFT")


def draw_alu(die: Die) -> None:
    draw_choice(die)
    draw_carry_in(die)
    for bit in range(8):
        draw_inputs(die, bit)
        draw_logic(die, bit)
        draw_adder(die, bit)
        draw_result(die, bit)
    draw_decimal_carries(die)
    draw_carry_out(die)
    draw_adjuster(die)


def draw_choice(die: Die) -> None:
    """One line for each result, high in phase 2."""
    block = die.block("ALU/choice")
    block.nor("OP_SUM", *(f"OP_{name}" for name in CHOICES[1:]))
    for name in CHOICES:
        block.nor(f"TAKE_{name}", "~phi2", block.inv(f"OP_{name}"))


def draw_carry_in(die: Die) -> None:
    block = die.block("ALU/carry in")
    flag = block.nor("cin.flag", "~CIN_C", "~p0")
    page = block.nor("cin.page", "~CIN_PAGE", "~page_carry")
    block.either("cin", "CIN_1", flag, page)


def draw_inputs(die: Die, bit: int) -> None:
    block = die.block("ALU/inputs", bit)
    block.switch("AI_SB", f"sb{bit}", f"alua{bit}")
    block.pull_down("AI_0", f"alua{bit}")
    block.inv(f"alua{bit}")
    block.inv(f"idb{bit}")
    for control, source in (("BI_DB", "idb"), ("BI_NOT_DB", "~idb"), ("BI_ADL", "adl")):
        block.switch(control, f"{source}{bit}", f"alub{bit}")
    block.inv(f"alub{bit}")


def draw_logic(die: Die, bit: int) -> None:
    block = die.block("ALU/logic", bit)
    block.nor(f"~or{bit}", f"alua{bit}", f"alub{bit}")
    block.inv(f"~or{bit}")
    block.nor(f"and{bit}", f"~alua{bit}", f"~alub{bit}")
    block.nor(f"xor{bit}", f"~or{bit}", f"and{bit}")
    block.inv(f"xor{bit}")


def draw_adder(die: Die, bit: int) -> None:
    """~carry into the next bit, and the sum. Bits 4 and 8 take the carry that decimal mode has corrected."""
    block = die.block("ALU/adder", bit)
    carry = ("cin", "c1", "c2", "c3", "c4.decimal", "c5", "c6", "c7")[bit]
    chain = block.sub("carry")
    passed = chain.nor(f"carried{bit}", f"~or{bit}", chain.inv(carry))
    chain.inv(chain.nor(f"~c{bit + 1}", f"and{bit}", passed))
    block.sub("sum").differ(f"sum{bit}", f"xor{bit}", carry)


def draw_result(die: Die, bit: int) -> None:
    """R, loaded by one of five switches; on SB and ADL."""
    block = die.block("ALU/result", bit)
    above = f"and{bit + 1}" if bit < 7 else "cin"
    sources = (f"sum{bit}", f"or{bit}", f"and{bit}", f"xor{bit}", above)
    for name, source in zip(CHOICES, sources, strict=True):
        block.switch(f"TAKE_{name}", source, f"alu{bit}.held")
    block.buffer(f"alu{bit}", f"alu{bit}.held")
    block.drive(f"alu{bit}.sb", "R_SB", (f"alu{bit}",), f"sb{bit}")
    block.drive(f"alu{bit}.adl", "R_ADL", (f"alu{bit}",), f"adl{bit}")


def draw_decimal_carries(die: Die) -> None:
    """A digit of the sum above 9 carries in decimal addition."""
    block = die.block("ALU/decimal/carry")
    block.nor("decimal_add", "~ADC", "~p3")
    block.nor("decimal_subtract", "~SBC", "~p3")
    for low in (0, 4):
        digit = block.sub("low" if low == 0 else "high")
        small = digit.nor(f"sum{low}.small", f"sum{low + 2}", f"sum{low + 1}")
        above = digit.nor(f"sum{low}.above9", digit.inv("decimal_add"), digit.inv(f"sum{low + 3}"), small)
        digit.nor(f"~c{low + 4}.decimal", f"c{low + 4}", above)
        digit.inv(f"~c{low + 4}.decimal")


def draw_carry_out(die: Die) -> None:
    """Carry and overflow of this cycle, and the carry once more for the next: of an indexed address."""
    block = die.block("ALU/carry out")
    block.switch("TAKE_SUM", "c8.decimal", "carry.held")
    block.switch("TAKE_SHIFT", "and0", "carry.held")
    block.buffer("carry", "carry.held")
    block.switch("step", "carry", "page_carry")
    block.inv("page_carry")
    overflow = die.block("ALU/overflow")
    overflow.differ("overflow.now", "c7", "c8")
    overflow.switch("phi2", "overflow.now", "overflow.held")
    overflow.buffer("overflow", "overflow.held")
    branch = die.block("control/branch")
    branch.differ("crossing", "c8", "alua7")
    branch.inv("crossing")
    branch.buffer("backward", "alua7")


def draw_adjuster(die: Die) -> None:
    """Add 6 to a digit that carried, take 6 from one that borrowed."""
    block = die.block("ALU/decimal/adjuster")
    for low in (0, 4):
        digit = block.sub("low" if low == 0 else "high")
        carry = f"c{low + 4}.decimal"
        more = _held(digit, f"add6.{low}", digit.inv("decimal_add"), digit.inv(carry))
        less = _held(digit, f"take6.{low}", digit.inv("decimal_subtract"), carry)
        b1, b2, b3 = (f"sb{low + k}" for k in (1, 2, 3))
        digit.buffer(f"adjusted{low}", f"sb{low}")
        flip1 = digit.either(f"flip{low + 1}", more, less)
        # 6 is 0110 and -6 is 1010: what goes into bit 2 and bit 3 besides the digit's own
        add2 = digit.nor(f"add{low + 2}", f"~{more}", b1)
        take2 = digit.nor(f"take{low + 2}", f"~{less}", digit.inv(b1))
        flip2 = digit.either(f"flip{low + 2}", add2, take2)
        add3 = digit.nor(f"add{low + 3}", f"~{more}", digit.nor(f"none{low}", b1, b2))
        both = digit.nor(f"both{low}", digit.inv(b1), digit.inv(b2))
        take3 = digit.nor(f"take{low + 3}", f"~{less}", both)
        flip3 = digit.either(f"flip{low + 3}", add3, take3)
        for bit, flip, net in ((1, flip1, b1), (2, flip2, b2), (3, flip3, b3)):
            digit.sub(f"bit{low + bit}").differ(f"adjusted{low + bit}", net, flip)


def _held(block: Block, name: str, *inputs: str) -> str:
    """A NOR of this phase 2, kept through the next phase 1."""
    block.switch("phi2", block.nor(f"{name}.now", *inputs), f"{name}.held")
    block.buffer(name, f"{name}.held")
    return name
