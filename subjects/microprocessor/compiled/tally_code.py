"""Counting spikes of all nodes at once: LLVM IR of routines on rows of bits.

    count(ptr addresses, ptr number, ptr unused)
        addresses[0] is that of the row before; in each of the 30 rows after it, a node spikes if it is high there and
        was low in the one before. How often each did becomes a number of N_DIGITS planes.
    add(ptr number, ptr planes, ptr unused)
        the number is added to the nodes' counters, which have N_PLANES.
    flush(ptr planes, ptr totals, ptr unused)
        counters are added to the nodes' totals (uint16), and are zero again.

Numbers and counters are vertical: bit b of those of nodes 64 w to 64 w + 63 is word w of plane b. No node spikes in two
rows running, so that two rows of spikes are one; fifteen of these go through a tree of full adders (R. Harley, R. Seal;
H. S. Warren, Hacker's Delight, 2nd ed., section 5-1), 512 nodes at a time where the processor can.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from subjects.microprocessor.compiled.ir_function import IrFunction
from subjects.microprocessor.compiled.machine_code import MachineCode, load_code

N_ROWS = 30
"""Rows counted at a time."""

N_DIGITS, N_PLANES = 4, 8

MOST_ROWS = 2 * (2**N_PLANES - 1)
"""Rows until counters must be flushed: a node spikes in every second row at most."""

_WIDTHS = (8, 4, 2, 1)  # words


def load_tally_code(n_words: int) -> MachineCode:
    """The routines `count`, `add` and `flush` for rows of so many words."""
    text = tally_text(n_words)
    return load_code(f"tally\0{text}", ("count", "add", "flush"), lambda: (text, None))


def tally_text(n_words: int) -> str:
    return "\n".join([*_count(n_words), *_add(n_words), *_flush(n_words)]) + "\n"


def _count(n_words: int) -> list[str]:
    text = IrFunction("define void @count(ptr noalias %addresses, ptr noalias %number, ptr %unused) {")
    rows = []
    for k in range(N_ROWS + 1):
        place = text.new(f"getelementptr i64, ptr %addresses, i64 {k}")
        rows.append(text.new(f"inttoptr i64 {text.new(f'load i64, ptr {place}, align 8')} to ptr"))
    for first, width in _chunks(n_words):
        vector = f"<{width} x i64>"
        ones = f"<{', '.join(['i64 -1'] * width)}>"
        levels = []
        for row in rows:
            place = text.new(f"getelementptr i64, ptr {row}, i64 {first}")
            levels.append(text.new(f"load {vector}, ptr {place}, align 8"))
        spikes = []
        for before, now in pairwise(levels):
            was_low = text.new(f"xor {vector} {before}, {ones}")
            spikes.append(text.new(f"and {vector} {now}, {was_low}"))
        pairs = zip(spikes[::2], spikes[1::2], strict=True)
        either = [text.new(f"or {vector} {one}, {other}") for one, other in pairs]
        for digit, bits in enumerate(_number_of_ones(text, vector, either)):
            place = text.new(f"getelementptr i64, ptr %number, i64 {digit * n_words + first}")
            text.put(f"store {vector} {bits}, ptr {place}, align 8")
    return text.ended()


def _add(n_words: int) -> list[str]:
    text = IrFunction("define void @add(ptr noalias %number, ptr noalias %planes, ptr %unused) {")
    for first, width in _chunks(n_words):
        vector = f"<{width} x i64>"
        carry = ""
        for plane in range(N_PLANES):
            place = text.new(f"getelementptr i64, ptr %planes, i64 {plane * n_words + first}")
            parts = [text.new(f"load {vector}, ptr {place}, align 8")]
            if plane < N_DIGITS:
                digit = text.new(f"getelementptr i64, ptr %number, i64 {plane * n_words + first}")
                parts.append(text.new(f"load {vector}, ptr {digit}, align 8"))
            parts += [carry] if carry else []
            sum_, carry = _full(text, vector, *parts) if len(parts) == 3 else _half(text, vector, *parts)
            text.put(f"store {vector} {sum_}, ptr {place}, align 8")
    return text.ended()


def _number_of_ones(text: IrFunction, vector: str, bits: list[str]) -> list[str]:
    """How many of 15 are set, as a binary number, by as many full adders as there are bits to get rid of."""
    number = []
    while bits:
        carries = []
        while len(bits) > 1:
            sum_, carry = _full(text, vector, *bits[:3])
            bits = [*bits[3:], sum_]
            carries.append(carry)
        number += bits
        bits = carries
    return number


def _full(text: IrFunction, vector: str, a: str, b: str, c: str) -> tuple[str, str]:
    """Sum and carry of three."""
    differ = text.new(f"xor {vector} {a}, {b}")
    both = text.new(f"and {vector} {a}, {b}")
    third = text.new(f"and {vector} {differ}, {c}")
    return text.new(f"xor {vector} {differ}, {c}"), text.new(f"or {vector} {both}, {third}")


def _half(text: IrFunction, vector: str, a: str, b: str) -> tuple[str, str]:
    return text.new(f"xor {vector} {a}, {b}"), text.new(f"and {vector} {a}, {b}")


def _flush(n_words: int) -> list[str]:
    text = IrFunction("define void @flush(ptr noalias %planes, ptr noalias %totals, ptr %unused) {")
    for word in range(n_words):
        total = "zeroinitializer"
        for plane in range(N_PLANES):
            place = text.new(f"getelementptr i64, ptr %planes, i64 {plane * n_words + word}")
            bits = text.new(f"load i64, ptr {place}, align 8")
            text.put(f"store i64 0, ptr {place}, align 8")
            each = text.new(f"bitcast i64 {bits} to <64 x i1>")
            # the highest plane is the sign of an i8: no matter, it is widened as if unsigned
            worth = f"<{', '.join([f'i8 {1 << plane if plane < 7 else -128}'] * 64)}>"
            chosen = text.new(f"select <64 x i1> {each}, <64 x i8> {worth}, <64 x i8> zeroinitializer")
            total = text.new(f"or <64 x i8> {total}, {chosen}")
        wide = text.new(f"zext <64 x i8> {total} to <64 x i16>")
        place = text.new(f"getelementptr i16, ptr %totals, i64 {64 * word}")
        before = text.new(f"load <64 x i16>, ptr {place}, align 2")
        text.put(f"store <64 x i16> {text.new(f'add <64 x i16> {before}, {wide}')}, ptr {place}, align 2")
    return text.ended()


def _chunks(n_words: int) -> Iterator[tuple[int, int]]:
    """First word and number of words of vectors that cover a row and nothing behind it."""
    first = 0
    for width in _WIDTHS:
        while n_words - first >= width:
            yield first, width
            first += width
