"""The MOS 6502 (revision D die), as published by the Visual6502 project.

Pins and clocking after the MCS6500 hardware manual (MOS Technology, 1976): memory is accessed while phase 2 is high,
here while clk0 is high. The reset script is that of perfect6502's `initAndResetChip`.

      clk0  ‾‾‾‾\\____/‾‾‾‾\\____/      a tick is one half-cycle
      tick    0    1    2    3
                        ^ address and R/W are final; a read forces the data bus, a write is taken from it
"""

from __future__ import annotations

from subjects.microprocessor.chip import (
    ChipDescription,
    ClockStep,
    MemoryProtocol,
    RacePass,
    Register,
    ResetScript,
    Trips,
    bits,
)
from subjects.microprocessor.mos6502_inexact import INEXACT
from subjects.microprocessor.mos6502_regions import REGIONS

UM_PER_UNIT = 0.443
"""Mask units of the published layout to micrometres.

The drawing is 8769 by 9628 units and the die 153 by 168 mil (3.89 by 4.27 mm: Wikipedia, *MOS Technology 6502*):
0.4432 one way, 0.4432 the other. The shortest gates, 16 to 17 units, are then 7 to 7.5 µm long, which fits its process
of 8 µm.
"""

MOS6502 = ChipDescription(
    name="mos6502",
    title="MOS Technology 6502, revision D",
    source="Visual6502 project, www.visual6502.org: the netlist traced from photographs of the die",
    licence="CC BY-NC-SA 3.0, Greg James, Brian Silverman, Barry Silverman, www.visual6502.org",
    vss_name="vss",
    vcc_name="vcc",
    input_pins=("res", "irq", "nmi", "rdy", "so", "clk0"),
    clock_cycle=(
        ClockStep((("clk0", 0),), bus_access=False),
        ClockStep((("clk0", 1),), bus_access=True),
    ),
    memory=MemoryProtocol(
        address=bits("ab{}", 16),
        data=bits("db{}", 8),
        read_when=(("rw", 1),),
        write_when=(("rw", 0),),
    ),
    reset=ResetScript(
        hold=(("res", 0), ("clk0", 1), ("rdy", 1), ("so", 0), ("irq", 1), ("nmi", 1)),
        clock_step=1,
        n_half_cycles=16,
        release=(("res", 1),),
    ),
    registers={
        "a": Register(bits("a{}", 8)),
        "x": Register(bits("x{}", 8)),
        "y": Register(bits("y{}", 8)),
        "s": Register(bits("s{}", 8)),
        "p": Register(("p0", "p1", "p2", "p3", "p4", None, "p6", "p7")),
        "pc": Register(bits("pcl{}", 8) + bits("pch{}", 8)),
        "ir": Register(bits("notir{}", 8), inverted=True),
        "sync": Register(("sync",)),
    },
    um_per_unit=UM_PER_UNIT,
    regions=REGIONS,
    # When clk0 rises cp1 falls before cclk rises: for that moment the internal data bus keeps what its drivers left
    race_passes=(
        RacePass(
            step=1,
            levels=(("clk0", 1), ("cp1", 0), ("cclk", 0)),
            around=bits("idb{}", 8),
            unless_low=("dpc41_DL/ADL", "dpc42_DL/ADH", "dpc43_DL/DB"),
        ),
    ),
    # Under reset, and after 8B, AB, BB (unstable on silicon too), several drivers fight over a bus across clock edges.
    # Measured: 8 half-cycles are too few after an opcode, 2 after reset.
    trips=Trips(
        while_levels=(("res", 0),),
        fetch_when=(("clk0", 1), ("sync", 1)),
        opcodes=frozenset((0x8B, 0xAB, 0xBB)),
        n_half_cycles=16,
    ),
    inexact=INEXACT,
    halting=frozenset((0x02, 0x12, 0x22, 0x32, 0x42, 0x52, 0x62, 0x72, 0x92, 0xB2, 0xD2, 0xF2)),
)
