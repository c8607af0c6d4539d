"""Adding up rows of weights: LLVM IR of a routine for a given number of columns.

    weigh(ptr chosen, ptr weights, ptr sums)
        chosen[0] rows of weights, by number in chosen[1], chosen[2] ..., a multiple of 4 of them, are added up.

Four sums run side by side: one alone would wait for each of its additions.
"""

from __future__ import annotations

from collections.abc import Iterator

from subjects.microprocessor.compiled.ir_function import IrFunction
from subjects.microprocessor.compiled.machine_code import MachineCode, load_code

N_SIDE_BY_SIDE = 4
VECTOR = 8
"""Columns come in so many."""

_MOST_VECTORS = 4


def load_weigh_code(n_columns: int) -> MachineCode:
    """The routine `weigh`; n_columns is a multiple of VECTOR."""
    text = weigh_text(n_columns)
    return load_code(f"weigh\0{text}", ("weigh",), lambda: (text, None))


def weigh_text(n_columns: int) -> str:
    text = IrFunction("define void @weigh(ptr noalias %chosen, ptr noalias %weights, ptr noalias %sums) {")
    text.label("start")
    n = text.new("load i64, ptr %chosen, align 8")
    text.put("br label %before0")
    passes = list(_passes(n_columns))
    for k, columns in enumerate(passes):
        text.label(f"before{k}")
        some = text.new(f"icmp sgt i64 {n}, 0")
        text.put(f"br i1 {some}, label %loop{k}, label %after{k}")
        sums = _loop(text, k, n, n_columns, columns)
        text.label(f"after{k}")
        for v in range(len(columns)):
            for j in range(N_SIDE_BY_SIDE):
                part = text.new(f"phi <{VECTOR} x float> [ zeroinitializer, %before{k} ], [ {sums[j, v]}, %loop{k} ]")
                sums[j, v] = part
        for v, column in enumerate(columns):
            total = sums[0, v]
            for j in range(1, N_SIDE_BY_SIDE):
                total = text.new(f"fadd <{VECTOR} x float> {total}, {sums[j, v]}")
            place = text.new(f"getelementptr float, ptr %sums, i64 {column}")
            text.put(f"store <{VECTOR} x float> {total}, ptr {place}, align 4")
        if k + 1 < len(passes):
            text.put(f"br label %before{k + 1}")
    return "\n".join(text.ended()) + "\n"


def _loop(text: IrFunction, k: int, n: str, n_columns: int, columns: list[int]) -> dict[tuple[int, int], str]:
    """Go through the chosen rows once; the registers of the sums, by which of four and which vector."""
    vector = f"<{VECTOR} x float>"
    text.label(f"loop{k}")
    text.put(f"%at{k} = phi i64 [ 0, %before{k} ], [ %next{k}, %loop{k} ]")
    each = [(j, v) for j in range(N_SIDE_BY_SIDE) for v in range(len(columns))]
    for j, v in each:
        text.put(f"%so{k}_{j}_{v} = phi {vector} [ zeroinitializer, %before{k} ], [ %sum{k}_{j}_{v}, %loop{k} ]")
    for j in range(N_SIDE_BY_SIDE):
        number = text.new(f"add i64 %at{k}, {1 + j}")
        row = text.new(f"load i64, ptr {text.new(f'getelementptr i64, ptr %chosen, i64 {number}')}, align 8")
        first = text.new(f"mul i64 {row}, {n_columns}")
        for v, column in enumerate(columns):
            place = text.new(f"getelementptr float, ptr %weights, i64 {text.new(f'add i64 {first}, {column}')}")
            weights = text.new(f"load {vector}, ptr {place}, align 4")
            text.put(f"%sum{k}_{j}_{v} = fadd {vector} %so{k}_{j}_{v}, {weights}")
    text.put(f"%next{k} = add i64 %at{k}, {N_SIDE_BY_SIDE}")
    again = text.new(f"icmp slt i64 %next{k}, {n}")
    text.put(f"br i1 {again}, label %loop{k}, label %after{k}")
    return {(j, v): f"%sum{k}_{j}_{v}" for j, v in each}


def _passes(n_columns: int) -> Iterator[list[int]]:
    """First columns of the vectors that are summed in one go."""
    starts = list(range(0, n_columns, VECTOR))
    for first in range(0, len(starts), _MOST_VECTORS):
        yield starts[first : first + _MOST_VECTORS]
