"""LLVM IR of a program: one function per routine, working on words in memory.

    void NAME(ptr state, ptr masks, ptr unstable)

`state` holds the program's words in order of slot, `masks` its rows in order, `unstable` one word. In every word, bit l
(or, for one chip, the whole word) belongs to lane l. A routine reads masks, changes state, and ors into `unstable` the
lanes of which a cycle was still changing after `cap` rounds. Names are `phase0` ... and `race0` ...

A module for one chip also has, with rows of little-endian bits in whole bytes,

    record(ptr state, ptr row, ptr unused)      the promised nodes' values by id
    pack(ptr state, ptr row, ptr unused)        all words
    expand(ptr state, ptr row, ptr unused)      all words from such a row

How a word lies in memory and in a register is its shape:

    one_chip()      4 bytes, all ones or zero; computed in 128 bits, where "and-or-not" of three is one instruction
    lanes(8)        8 × 64 bits: 512 chips, each a bit of every word; lanes(4) for machines without AVX-512
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from subjects.microprocessor.compiled.expressions import ONE, ZERO, Expressions, Kind
from subjects.microprocessor.compiled.program import Block, Program, Results
from subjects.microprocessor.compiled.sweeps import Part, cycle_parts

ONE_CHIP_CAP = 12
"""Rounds after which a cycle of one chip is left as it is; an intact 6502 never comes near."""

LANES_CAP = 48
"""For lanes: with fewer rounds, lesioned chips that would still settle count as unstable."""


@dataclass(frozen=True)
class WordShape:
    """A node's word.

    Attributes
    ----------
    name : for people and caches
    register : LLVM type in which it is computed
    memory : LLVM type in which it is kept
    n_bytes : of a word in memory
    cap : rounds of a cycle at most
    detours : whether groups of blocks can be replaced at run time: `masks` is then a table of addresses (0: none), one
        for each of `program_groups`, of functions to call instead
    """

    name: str
    register: str
    memory: str
    n_bytes: int
    cap: int
    detours: bool = False

    @property
    def splat(self) -> bool:
        """Whether a word is widened when it is loaded."""
        return self.register != self.memory

    @property
    def reduced(self) -> str:
        """Type of one element."""
        return self.register.removesuffix(">").split(" x ")[1]

    @property
    def n_elements(self) -> int:
        return int(self.register.removeprefix("<").split(" x ")[0])


def one_chip(cap: int = ONE_CHIP_CAP) -> WordShape:
    return WordShape("chip", "<4 x i32>", "i32", 4, cap, detours=True)


def lanes(n_words: int, cap: int = LANES_CAP) -> WordShape:
    """64 * n_words lanes."""
    shape = f"<{n_words} x i64>"
    return WordShape(f"lanes{64 * n_words}", shape, shape, 8 * n_words, cap)


STALE_BITS = 64
"""Of a word that says which parts of a cycle are stale."""

NOTHING = "zeroinitializer"
"""A word without a bit."""

GROUP_OPERATIONS = 60
"""Blocks are put together to groups until they have so many."""

Group = tuple[Block, ...]


def program_groups(program: Program) -> tuple[tuple[Group, ...], ...]:
    """Blocks of every phase, then of every race pass, in groups; a group is what a detour replaces."""
    found = []
    for routine in (*program.phases, *program.race_passes):
        groups: list[Group] = []
        waiting: list[Block] = []
        n_waiting = 0
        for block in routine.blocks:
            waiting.append(block)
            n_waiting += sum(program.expressions.n_operations(list(r.values())) for r in block.components)
            if n_waiting >= GROUP_OPERATIONS:
                groups.append(tuple(waiting))
                waiting, n_waiting = [], 0
        found.append((*groups, tuple(waiting)) if waiting else tuple(groups))
    return tuple(found)


def emit_program(program: Program, shape: WordShape) -> str:
    """The module's text."""
    names = function_names(len(program.phases), len(program.race_passes), shape)
    lines: list[str] = []
    first_group = 0
    routines = (*program.phases, *program.race_passes)
    for name, routine, groups in zip(names, routines, program_groups(program), strict=False):
        lines += _Function(program, shape).text(name, routine.constants, groups, first_group)
        first_group += len(groups)
    if shape.splat:
        lines += _record("record", len(program.wiring.promised), shape)
        lines += _record("pack", program.n_slots, shape)
        lines += _expand(program.n_slots, shape)
    return _module(lines)


def emit_groups(program: Program, shape: WordShape, groups: Mapping[str, Group]) -> str:
    """A module with a function for each group, by name: what detours lead to."""
    straight = replace(shape, detours=False)
    lines = [
        line for name, group in groups.items() for line in _Function(program, straight).text(name, {}, (group,), 0)
    ]
    return _module(lines)


def _module(lines: list[str]) -> str:
    return "\n".join(lines) + "\n"


def _record(name: str, n_nodes: int, shape: WordShape) -> list[str]:
    """Signs of 16 words at a time become 16 bits; behind the last word come zeros."""
    n = 16
    lines = [f"define void @{name}(ptr noalias %state, ptr noalias %row, ptr %unused) {{"]
    for first in range(0, n_nodes, n):
        k, left = first // n, min(n, n_nodes - first)
        n_bits = 8 * ((left + 7) // 8)
        lines += [
            f"  %from{k} = getelementptr i8, ptr %state, i64 {first * shape.n_bytes}",
            f"  %words{k} = load <{left} x {shape.memory}>, ptr %from{k}, align {shape.n_bytes}",
            f"  %signs{k} = icmp slt <{left} x {shape.memory}> %words{k}, zeroinitializer",
            f"  %bits{k} = bitcast <{left} x i1> %signs{k} to i{left}",
            f"  %whole{k} = {f'zext i{left} %bits{k} to i{n_bits}' if n_bits > left else f'or i{left} %bits{k}, 0'}",
            f"  %to{k} = getelementptr i8, ptr %row, i64 {first // 8}",
            f"  store i{n_bits} %whole{k}, ptr %to{k}, align 1",
        ]
    return [*lines, "  ret void", "}"]


def _expand(n_nodes: int, shape: WordShape) -> list[str]:
    """Bits become words of all ones or zero, 16 at a time."""
    n = 16
    lines = ["define void @expand(ptr noalias %state, ptr noalias %row, ptr %unused) {"]
    for first in range(0, n_nodes, n):
        k, left = first // n, min(n, n_nodes - first)
        n_bits = 8 * ((left + 7) // 8)
        lines += [
            f"  %from{k} = getelementptr i8, ptr %row, i64 {first // 8}",
            f"  %whole{k} = load i{n_bits}, ptr %from{k}, align 1",
            f"  %bits{k} = {f'trunc i{n_bits} %whole{k} to i{left}' if n_bits > left else f'or i{left} %whole{k}, 0'}",
            f"  %signs{k} = bitcast i{left} %bits{k} to <{left} x i1>",
            f"  %words{k} = sext <{left} x i1> %signs{k} to <{left} x {shape.memory}>",
            f"  %to{k} = getelementptr i8, ptr %state, i64 {first * shape.n_bytes}",
            f"  store <{left} x {shape.memory}> %words{k}, ptr %to{k}, align {shape.n_bytes}",
        ]
    return [*lines, "  ret void", "}"]


class _Function:
    """Lines of one function, and which register holds what at the point reached."""

    def __init__(self, program: Program, shape: WordShape) -> None:
        self._program = program
        self._shape = shape
        self._x: Expressions = program.expressions
        self._lines: list[str] = []
        self._n_registers = 0
        self._n_labels = 0
        self._node_register: dict[int, str] = {}
        self._other_register: dict[tuple[Kind, int], str] = {}

    def text(self, name: str, constants: Mapping[int, int], groups: tuple[Group, ...], first_group: int) -> list[str]:
        self._put(f"define void @{name}(ptr noalias %state, ptr noalias %masks, ptr noalias %unstable) {{")
        self._label("entry")
        for node, level in sorted(constants.items()):
            if node in self._program.slot_of_node:
                self._store_node(node, self._constant(level))
        for k, group in enumerate(groups, start=first_group):
            if self._shape.detours:
                self._detoured(group, k)
            else:
                self._blocks(group)
        self._put("  ret void")
        self._put("}")
        return self._lines

    # ---- lines

    def _put(self, line: str) -> None:
        self._lines.append(line)

    def _new(self, right: str) -> str:
        self._n_registers += 1
        self._put(f"  %r{self._n_registers} = {right}")
        return f"%r{self._n_registers}"

    def _label(self, name: str) -> None:
        """Start a basic block. What registers held is forgotten: another way may lead here."""
        self._put(f"{name}:")
        self._node_register.clear()
        self._other_register.clear()

    def _constant(self, level: int) -> str:
        ones = ", ".join(f"{self._shape.reduced} -1" for _ in range(self._shape.n_elements))
        return f"<{ones}>" if level else "zeroinitializer"

    # ---- memory

    def _pointer(self, base: str, slot: int) -> str:
        return self._new(f"getelementptr i8, ptr {base}, i64 {slot * self._shape.n_bytes}")

    def _load(self, base: str, slot: int) -> str:
        shape = self._shape
        align = min(shape.n_bytes, 8)
        found = self._new(f"load {shape.memory}, ptr {self._pointer(base, slot)}, align {align}")
        if not shape.splat:
            return found
        first = self._new(f"insertelement {shape.register} poison, {shape.memory} {found}, i32 0")
        zeros = f"<{shape.n_elements} x i32> zeroinitializer"
        return self._new(f"shufflevector {shape.register} {first}, {shape.register} poison, {zeros}")

    def _store(self, base: str, slot: int, register: str) -> None:
        shape = self._shape
        if shape.splat:
            register = self._new(f"extractelement {shape.register} {register}, i32 0")
        align = min(shape.n_bytes, 8)
        self._put(f"  store {shape.memory} {register}, ptr {self._pointer(base, slot)}, align {align}")

    def _store_node(self, node: int, register: str) -> None:
        self._store("%state", self._program.slot_of_node[node], register)
        self._node_register[node] = register

    def _leaf(self, kind: Kind, number: int) -> str:
        if kind in (Kind.GATE, Kind.CHARGE):
            if number not in self._program.slot_of_node:
                return self._constant(0)  # nothing depends on it, however the expression looks
            if number not in self._node_register:
                self._node_register[number] = self._load("%state", self._program.slot_of_node[number])
            return self._node_register[number]
        key = (kind, number)
        if key not in self._other_register:
            drive = kind is Kind.DRIVE
            slot = self._program.slot_of_drive[number] if drive else number
            self._other_register[key] = self._load("%state" if drive else "%masks", slot)
        return self._other_register[key]

    # ---- expressions

    def _compute(self, root: int, done: dict[int, str]) -> str:
        """Register of an expression; parts shared within a component are computed once."""
        waiting = [root]
        while waiting:
            x = waiting[-1]
            if x in done:
                waiting.pop()
                continue
            node = self._x.nodes[x]
            if x in (ZERO, ONE):
                done[x] = self._constant(node.a)
            elif node.kind < Kind.NOT:
                done[x] = self._leaf(node.kind, node.a)
            else:
                parts = [node.a] if node.kind is Kind.NOT else [node.b, node.a]
                missing = [part for part in parts if part not in done]
                waiting += missing
                if missing:
                    continue
                if node.kind is Kind.NOT:
                    done[x] = self._new(f"xor {self._shape.register} {done[node.a]}, {self._constant(1)}")
                else:
                    operation = "and" if node.kind is Kind.AND else "or"
                    done[x] = self._new(f"{operation} {self._shape.register} {done[node.a]}, {done[node.b]}")
        return done[root]

    def _detoured(self, group: Group, k: int) -> None:
        """The group, or what its entry in the table of detours leads to."""
        entry = self._new(f"load i64, ptr {self._new(f'getelementptr i64, ptr %masks, i64 {k}')}, align 8")
        self._put(f"  %leads{k} = icmp eq i64 {entry}, 0")
        self._put(f"  br i1 %leads{k}, label %straight{k}, label %detour{k}")
        self._label(f"detour{k}")
        function = self._new(f"inttoptr i64 {entry} to ptr")
        self._put(f"  call void {function}(ptr %state, ptr %masks, ptr %unstable)")
        self._put(f"  br label %joined{k}")
        self._label(f"straight{k}")
        self._blocks(group)
        self._put(f"  br label %joined{k}")
        self._label(f"joined{k}")

    def _blocks(self, group: Group) -> None:
        for block in group:
            if block.cut:
                self._cycle(block)
            else:
                self._components(block)

    def _components(self, block: Block) -> None:
        for results in block.components:
            self._component(results)

    def _component(self, results: Results) -> None:
        for node, register in self._results(results).items():
            self._store_node(node, register)

    def _results(self, results: Results) -> dict[int, str]:
        """Registers of a component's nodes, none of which is stored yet."""
        done: dict[int, str] = {}
        return {node: self._compute(x, done) for node, x in results.items()}

    def _cycle(self, block: Block) -> None:
        """Repeat until no cut node changes, or `cap` rounds have passed.

        before → head → (again) head → exit, by way of `late` when the cap is reached
        """
        shape = self._shape
        self._n_labels += 1
        k = self._n_labels
        before, head, late, leave = (f"{name}{k}" for name in ("before", "head", "late", "leave"))
        self._put(f"  br label %{before}")
        self._label(before)
        self._put(f"  br label %{head}")
        self._label(head)
        self._put(f"  %round{k} = phi i32 [ 1, %{before} ], [ %next{k}, %again{k} ]")
        parts = () if shape.splat else cycle_parts(block, self._program.expressions)
        changed = self._sweep(parts, k) if len(parts) > 1 else self._sweep_all(block)
        self._put(f"  br i1 {self._any(changed)}, label %again{k}, label %{leave}")
        self._put(f"again{k}:")
        self._put(f"  %next{k} = add i32 %round{k}, 1")
        self._put(f"  %spent{k} = icmp eq i32 %round{k}, {shape.cap}")
        self._put(f"  br i1 %spent{k}, label %{late}, label %{head}")
        self._label(late)
        self._store("%unstable", 0, self._new(f"or {shape.register} {self._load('%unstable', 0)}, {changed}"))
        self._put(f"  br label %{leave}")
        self._label(leave)

    def _sweep_all(self, block: Block) -> str:
        """Compute everything. Returns the register of what changed in cut nodes."""
        old = {node: self._load("%state", self._program.slot_of_node[node]) for node in block.cut}
        self._node_register.update(old)
        self._components(block)
        changed = NOTHING
        for node, register in old.items():
            changed = self._either(
                changed, self._new(f"xor {self._shape.register} {register}, {self._node_register[node]}")
            )
        return changed

    def _sweep(self, parts: tuple[Part, ...], k: int) -> str:
        """Compute what is stale: everything in the first round. Returns the register of what changed in cut nodes."""
        register = self._shape.register
        words = range((len(parts) + STALE_BITS - 1) // STALE_BITS)
        stale = [f"%stale{k}.{w}" for w in words]
        came = f"head{k}"
        beyond = len(self._lines)
        changed = NOTHING
        for p, part in enumerate(parts):
            here, this, following = p // STALE_BITS, f"part{k}.{p}", f"behind{k}.{p}"
            asked = self._new(f"and i64 {stale[here]}, {_signed(1 << p % STALE_BITS)}")
            self._put(f"  br i1 {self._new(f'icmp ne i64 {asked}, 0')}, label %{this}, label %{following}")
            self._label(this)
            cut, seen = self._part(part)
            moved = self._any(seen) if part.readers else "0"
            all_cut = self._either(changed, cut)
            then = list(stale)
            then[here] = self._new(f"xor i64 {stale[here]}, {asked}")
            for w in words:
                if readers := part.readers >> STALE_BITS * w & (1 << STALE_BITS) - 1:
                    left = self._new(f"select i1 {moved}, i64 {_signed(readers)}, i64 0")
                    then[w] = self._new(f"or i64 {then[w]}, {left}")
            self._put(f"  br label %{following}")
            self._label(following)
            for w in words:
                if then[w] != stale[w]:
                    stale[w] = self._new(f"phi i64 [ {stale[w]}, %{came} ], [ {then[w]}, %{this} ]")
            if part.cut:
                changed = self._new(f"phi {register} [ {changed}, %{came} ], [ {all_cut}, %{this} ]")
            came = following
        first = [f"  %stale{k}.{w} = phi i64 [ -1, %before{k} ], [ {stale[w]}, %again{k} ]" for w in words]
        self._lines[beyond:beyond] = first
        return changed

    def _part(self, part: Part) -> tuple[str, str]:
        """Compute a part. Returns the registers of what changed in its cut nodes, and in all that others read."""
        cut = shown = NOTHING
        for results in part.components:
            for node, register in self._results(results).items():
                if node in part.cut:
                    cut = self._either(cut, self._change(node, register))
                elif node in part.shown:
                    shown = self._either(shown, self._change(node, register))
                self._store_node(node, register)
        return cut, self._either(cut, shown)

    def _change(self, node: int, register: str) -> str:
        """What a new value changes in a node."""
        return self._new(f"xor {self._shape.register} {self._leaf(Kind.GATE, node)}, {register}")

    def _either(self, a: str, b: str) -> str:
        if NOTHING in (a, b):
            return b if a == NOTHING else a
        return self._new(f"or {self._shape.register} {a}, {b}")

    def _any(self, word: str) -> str:
        """Whether any bit of a register is set."""
        shape = self._shape
        if shape.splat:
            return self._new(
                f"icmp ne {shape.reduced} {self._new(f'extractelement {shape.register} {word}, i32 0')}, 0"
            )
        n = shape.n_elements
        elements = self._new(f"icmp ne {shape.register} {word}, zeroinitializer")
        return self._new(f"icmp ne i{n} {self._new(f'bitcast <{n} x i1> {elements} to i{n}')}, 0")


def _signed(word: int) -> int:
    """As LLVM writes 64 bits."""
    return word - (1 << 64) if word >> 63 else word


def function_names(n_phases: int, n_races: int, shape: WordShape) -> Iterator[str]:
    """Names of the functions in a module: the phases', the race passes', and for one chip those that work on rows."""
    yield from (f"phase{k}" for k in range(n_phases))
    yield from (f"race{k}" for k in range(n_races))
    if shape.splat:
        yield from ("record", "pack", "expand")
