"""Regions of the MOS 6502 die.

Rule: a node belongs where its name says it does; a node without a telling name, and every transistor, belongs where it
is drawn. Names are those of Visual6502's `nodenames.js`, whose comments say what each stands for. Boxes were read off
the layout of `segdefs.js` and `transdefs.js`, with the named nodes as landmarks: bit 0 of every register lies on top.

    y 9800 ┌──────────────────── pads: control ─────────────────────┐
           │      interrupts and other pin latches                  │
      8950 │ t ┌─────────────────┬─ir─┬──────────────────┬──────────┤
           │ i │ PLA west        │    │ PLA east         │ IR       │
      7550 │ m └─────────────────┴────┴──────────────────┼──────────┤
           │ pads        random logic                    │ predecode│
      6150 │                              ┌──────────────┼──────────┤
           │     ┌── datapath drivers ────┤ status       │ pads:    │
      4400 │ pads├──┬─┬─┬─┬────────┬─┬────┼────┬────┬────┤ data     │
           │     │AB│Y│X│S│  ALU   │A│bus │PCH │PCL │data│          │
       950 │     ├──┴─┴─┴─┴── address high ────┴────┴────┤          │
       650 └─────┴─────────── pads: address ─────────────┴──────────┘
           x 0  1050                4640     5180      7400       9000
"""

from __future__ import annotations

from subjects.microprocessor.chip import RegionRule

_DATAPATH_Y = (950, 4400)


def _column(x_min: int, x_max: int) -> tuple[int, int, int, int]:
    """A vertical slice of the datapath, in mask units."""
    return (x_min, x_max, *_DATAPATH_Y)


_BY_NAME = (
    RegionRule("power", names=("vss", "vcc")),
    RegionRule("clock", names=("clk0", "clk1out", "clk2out", "cp1", "cclk")),
    RegionRule("pads/address", names=(r"ab\d+",)),
    RegionRule("pads/data", names=(r"db\d", "RnWstretched", "#DBE")),
    RegionRule("pads/control", names=("res", "irq", "nmi", "rdy", "so", "sync", "rw")),
    RegionRule("registers/A", names=(r"a\d",)),
    RegionRule("registers/X", names=(r"(not)?x\d",)),
    RegionRule("registers/Y", names=(r"(not)?y\d",)),
    RegionRule("registers/S", names=(r"(not)?s\d",)),
    RegionRule("registers/PC low", names=(r"#?pclp?\d",)),
    RegionRule("registers/PC high", names=(r"#?pchp?\d",)),
    RegionRule("status", names=(r"p\d", r"Pout\d", "H1x1", "#?DBZ", "DBNeg", "#op-set-C")),
    RegionRule("buses/special", names=(r"sb\d",)),
    RegionRule("buses/address low", names=(r"adl\d",)),
    RegionRule("buses/address high", names=(r"adh\d",)),
    RegionRule("buses/data", names=(r"idb\d",)),
    RegionRule("latches/address low", names=(r"abl\d", r"#ABL\d")),
    RegionRule("latches/address high", names=(r"abh\d", r"#ABH\d")),
    RegionRule("latches/data", names=(r"(not)?idl\d", r"(not)?dor\d")),
    RegionRule("ALU/inputs", names=(r"alu[ab]\d", "alucin", "notalucin")),
    RegionRule("ALU/decimal", names=(r"dasb\d", "DA-.*", "#DA-.*", r"DC\d\d(\..*)?")),
    RegionRule("ALU/output", names=(r"(not)?alu\d", r"#?#?(not)?alu(raw)?[cv]out")),
    RegionRule(
        "ALU/logic",
        names=(r"#?C\d\d(\.phi2)?", r"#?A[.+]B\d", r"#\(A\+B\)\d", r"AxB\d", r"#?\(AxB.*", r"#aluresult\d"),
    ),
    RegionRule("decode/instruction register", names=(r"(not)?ir\d", "irline3")),
    RegionRule("decode/predecode", names=(r"pd\d(\.clearIR)?", "PD-.*", "#TWOCYCLE.*", "ONEBYTE", "fetch", "clearIR")),
    RegionRule("decode/timing", names=(r"clock[12]", r"t[2-5]", "pipeT.*", "pipe#T0")),
    # the six control lines among the op- names are made from PLA outputs, in the random logic
    RegionRule(
        "decode/PLA west",
        names=(r"(xx?-)?op-(?!(ANDS|EORS|ORS|SUMS|SRS|rmw)$).*", r"#op-branch-bit\d"),
        boxes=((0, 4900, 0, 10_000),),
    ),
    RegionRule("decode/PLA east", names=(r"(xx?-)?op-(?!(ANDS|EORS|ORS|SUMS|SRS|rmw)$).*", r"#op-branch-bit\d")),
    RegionRule("control/datapath drivers", names=(r"dpc-?\d+_.*", r"0/ADL\d", "pipedpc28")),
    RegionRule(
        "control/interrupts",
        names=(
            "#?(IRQP|NMIP|NMIG|NMIL|RESP|RESG|VEC)",
            "VEC[01]",
            "Reset0",
            "C1x5Reset",
            "D1x1",
            "brk-done",
            "INTG",
            "pipe#VEC",
            r"pipeVectorA\d",
            "pipephi2Reset0x?",
        ),
    ),
)

_BY_PLACE = (
    RegionRule("pads/control", boxes=((0, 1050, 5600, 6600), (0, 9200, 9350, 10_000), (8050, 9200, 9000, 10_000))),
    RegionRule("pads/address", boxes=((0, 1050, 0, 5600), (0, 7400, 0, 650))),
    RegionRule("pads/data", boxes=((7400, 9200, 0, 4400), (8150, 9200, 4400, 6150))),
    RegionRule("latches/address high", boxes=((1050, 7400, 650, 950),)),
    RegionRule("latches/address low", boxes=(_column(1050, 1700),)),
    RegionRule("registers/Y", boxes=(_column(1700, 1950),)),
    RegionRule("registers/X", boxes=(_column(1950, 2150),)),
    RegionRule("registers/S", boxes=(_column(2150, 2450),)),
    RegionRule("ALU/inputs", boxes=(_column(2450, 3080),)),
    RegionRule("ALU/logic", boxes=(_column(3080, 3560),)),
    RegionRule("ALU/decimal", boxes=(_column(3560, 3990), _column(4240, 4640))),
    RegionRule("ALU/output", boxes=(_column(3990, 4240),)),
    RegionRule("registers/A", boxes=(_column(4640, 4760),)),
    RegionRule("buses", boxes=(_column(4760, 5180),)),
    RegionRule("registers/PC high", boxes=(_column(5180, 5700),)),
    RegionRule("registers/PC low", boxes=(_column(5700, 6550),)),
    RegionRule("latches/data", boxes=(_column(6550, 7400),)),
    RegionRule("control/datapath drivers", boxes=((1050, 6400, 4400, 5100),)),
    RegionRule("status", boxes=((6400, 8150, 4400, 6450),)),
    RegionRule("decode/predecode", boxes=((8050, 9200, 6150, 7400),)),
    RegionRule("decode/instruction register", boxes=((8050, 9200, 7400, 9000), (4700, 5100, 7550, 8950))),
    RegionRule("decode/timing", boxes=((0, 700, 8100, 9350),)),
    RegionRule("decode/PLA west", boxes=((700, 4700, 7550, 8950),)),
    RegionRule("decode/PLA east", boxes=((5100, 8050, 7550, 8950),)),
    RegionRule("control/interrupts", boxes=((0, 700, 6600, 8100), (700, 8050, 8950, 9350))),
)

REGIONS = (*_BY_NAME, *_BY_PLACE, RegionRule("control/random logic"))
