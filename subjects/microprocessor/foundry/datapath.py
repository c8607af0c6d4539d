"""Registers and buses: eight slices, bit 0 to bit 7.

    ADL, ADH   address, low and high byte        SB   registers and ALU        IDB   data inside the chip

All four are charged in phase 2 and discharged in phase 1 by whatever is put on them. SB joins IDB and ADH where a
control says so.
"""

from __future__ import annotations

from subjects.microprocessor.foundry.control import register_cell
from subjects.microprocessor.foundry.die import Block, Die


def draw_datapath(die: Die) -> None:
    for bit in range(8):
        draw_buses(die, bit)
        draw_registers(die, bit)
        draw_program_counter(die, bit)
        draw_data_latch(die, bit)
        draw_address_latches(die, bit)
    draw_constants(die)


def draw_buses(die: Die, bit: int) -> None:
    """Precharge, and the switches that join buses."""
    for name, path in (("sb", "special"), ("idb", "data"), ("adl", "address low"), ("adh", "address high")):
        die.block(f"buses/{path}", bit).pull_up("phi2", f"{name}{bit}")
    die.block("buses/special", bit).switch("SB_DB", f"idb{bit}", f"sb{bit}")
    die.block("buses/special", bit).switch("SB_ADH", f"adh{bit}", f"sb{bit}")


def draw_registers(die: Die, bit: int) -> None:
    """A behind the decimal adjuster, X, Y, and S, which can be read in the phase that loads it."""
    for name, load, source in (
        ("a", "SB_A", f"adjusted{bit}"),
        ("x", "SB_X", f"sb{bit}"),
        ("y", "SB_Y", f"sb{bit}"),
        ("s.in", "SB_S", f"sb{bit}"),
    ):
        block = die.block(f"registers/{name[0].upper()}", bit)
        net = f"{name}{bit}"
        register_cell(block, net, ((load, source),))
        if name == "s.in":
            block.switch("phi2", f"~{net}", f"~s{bit}.held")
            block.nor(f"s{bit}", f"~s{bit}.held")
            block.drive(f"s{bit}.adl", "S_ADL", (f"s{bit}",), f"adl{bit}")
            block.drive(f"s{bit}.sb", "S_SB", (f"s{bit}",), f"sb{bit}")
        else:
            block.drive(f"{net}.sb", f"{name.upper()}_SB", (f"{net}.out",), f"sb{bit}")
    block = die.block("registers/A", bit)
    block.drive(f"a{bit}.idb", "A_DB", (f"a{bit}.out",), f"idb{bit}")


def draw_program_counter(die: Die, bit: int) -> None:
    """Both bytes: taken from the bus or from what was counted, counted in phase 2."""
    for half, path in (("l", "low"), ("h", "high")):
        name, load, bus = f"pc{half}", f"AD{half.upper()}_PC{half.upper()}", f"ad{half}"
        block = die.block(f"registers/PC {path}", bit)
        keep = f"PC{half.upper()}_KEEP"
        if bit == 0:
            drivers = die.block(f"control/lines/{keep}")
            drivers.nor(keep, "~phi1", "stall", drivers.inv(f"~{load}.latch"))
        net, counted = f"{name}{bit}", f"{name}p{bit}"
        block.switch(load, f"{bus}{bit}", net)
        block.switch(keep, counted, net)
        block.inv(net)
        # counts when every lower bit is 1; the high byte when the whole low byte is
        lower = [f"~pcl{k}" for k in range(bit if half == "l" else 8)]
        lower += [f"~pch{k}" for k in range(bit)] if half == "h" else []
        carry = block.sub("carry").nor(f"{name}.carry{bit}", "~INC", *lower)
        block.sub("sum").differ(f"{name}.sum{bit}", net, carry)
        block.switch("phi2", f"{name}.sum{bit}", f"{counted}.held")
        block.buffer(counted, f"{counted}.held")
        block.drive(f"{net}.{bus}", f"PC{half.upper()}_AD{half.upper()}", (counted,), f"{bus}{bit}")
        block.drive(f"{net}.idb", f"PC{half.upper()}_DB", (counted,), f"idb{bit}")


def draw_data_latch(die: Die, bit: int) -> None:
    """What came from the data pins in phase 2, put on three buses; and what goes out to them."""
    block = die.block("latches/data in", bit)
    block.switch("phi2", block.inv(f"db{bit}"), f"~idl{bit}.held")
    block.nor(f"idl{bit}", f"~idl{bit}.held")
    block.inv(f"idl{bit}")
    for control, bus in (("DL_DB", "idb"), ("DL_ADL", "adl"), ("DL_ADH", "adh")):
        block.drive(f"idl{bit}.{bus}", control, (f"idl{bit}",), f"{bus}{bit}")
    out = die.block("latches/data out", bit)
    out.switch("phi1", f"idb{bit}", f"dor{bit}")
    out.inv(f"dor{bit}")


def draw_address_latches(die: Die, bit: int) -> None:
    """The address that the pins show, kept until another is loaded."""
    for half, path in (("l", "low"), ("h", "high")):
        block = die.block(f"latches/address {path}", bit)
        loads = ("ABL",) if half == "l" else ("ABH", "ABH_ALWAYS")
        register_cell(block, f"ab{half}{bit}", tuple((load, f"ad{half}{bit}") for load in loads))


def draw_constants(die: Die) -> None:
    """00 and 01 on ADH, the vectors on ADL."""
    high = die.block("buses/address high/constants")
    high.pull_down("ADH_00", "adh0")
    for bit in range(1, 8):
        high.sub(f"bit{bit}").pull_down("ADH_0x0", f"adh{bit}")
    low: Block = die.block("buses/address low/vectors")
    low.pull_down("VECTOR_LOW", "adl0")
    vector = low.nor("~vector", "VECTOR_LOW", "VECTOR_HIGH")
    low.pull_down(low.nor("vector.reset", vector, "~reset_due"), "adl1")
    low.pull_down(low.nor("vector.nmi", vector, "~nmi_vector"), "adl2")
