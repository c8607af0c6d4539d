"""Boolean expressions over node values, each kept once.

Equal expressions get equal numbers, and what folds is folded on the way, so that solving a network of switches does not
grow beyond what it has to compute.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import NamedTuple


class Kind(IntEnum):
    """What an expression is. The leaves carry a number in `a`."""

    CONSTANT = 0
    GATE = 1  # value of node a, which opens or closes a transistor: what is computed before counts
    CHARGE = 2  # value of node a, left on it from before: the node itself is being computed
    DRIVE = 3  # whether driven node a (a pin, a data line) is driven high from outside
    MASK = 4  # row a of the masks
    NOT = 5
    AND = 6
    OR = 7


class Node(NamedTuple):
    kind: Kind
    a: int
    b: int = 0


ZERO, ONE = 0, 1


class Expressions:
    """A growing table of expressions; an expression is its index in `nodes`."""

    def __init__(self) -> None:
        self.nodes: list[Node] = [Node(Kind.CONSTANT, 0), Node(Kind.CONSTANT, 1)]
        self._known: dict[Node, int] = {node: k for k, node in enumerate(self.nodes)}
        self._leaves: dict[int, frozenset[int]] = {ZERO: frozenset(), ONE: frozenset()}

    def _keep(self, node: Node) -> int:
        index = self._known.get(node)
        if index is None:
            index = self._known[node] = len(self.nodes)
            self.nodes.append(node)
        return index

    @contextmanager
    def aside(self) -> Iterator[None]:
        """What is added meanwhile is forgotten at the end."""
        n = len(self.nodes)
        try:
            yield
        finally:
            for index in range(n, len(self.nodes)):
                del self._known[self.nodes[index]]
                self._leaves.pop(index, None)
            del self.nodes[n:]

    def leaf(self, kind: Kind, number: int) -> int:
        return self._keep(Node(kind, number))

    def invert(self, x: int) -> int:
        if x <= ONE:
            return ONE - x
        node = self.nodes[x]
        return node.a if node.kind is Kind.NOT else self._keep(Node(Kind.NOT, x))

    def both(self, x: int, y: int) -> int:
        """x and y."""
        return self._join(Kind.AND, Kind.OR, ZERO, ONE, x, y)

    def either(self, x: int, y: int) -> int:
        """x or y."""
        return self._join(Kind.OR, Kind.AND, ONE, ZERO, x, y)

    def _join(self, kind: Kind, dual: Kind, strong: int, weak: int, x: int, y: int) -> int:
        if x > y:
            x, y = y, x
        if strong in (x, y) or self.invert(x) == y:
            return strong
        if x in (y, weak):
            return y
        if y == weak:
            return x
        for this, other in ((x, y), (y, x)):  # absorption: x and (x or z) is x, x and (x and z) is (x and z)
            node = self.nodes[other]
            if this in (node.a, node.b):
                if node.kind is dual:
                    return this
                if node.kind is kind:
                    return other
        return self._keep(Node(kind, x, y))

    def leaves(self, x: int) -> frozenset[int]:
        """All leaves that x reads, constants left out."""
        found = self._leaves.get(x)
        if found is None:
            node = self.nodes[x]
            if node.kind < Kind.NOT:
                found = frozenset((x,))
            elif node.kind is Kind.NOT:
                found = self.leaves(node.a)
            else:
                found = self.leaves(node.a) | self.leaves(node.b)
            self._leaves[x] = found
        return found

    def read(self, x: int, kind: Kind) -> Iterator[int]:
        """Numbers of the leaves of one kind that x reads."""
        return (self.nodes[leaf].a for leaf in self.leaves(x) if self.nodes[leaf].kind is kind)

    def n_operations(self, roots: list[int]) -> int:
        """Ands and ors that computing all of `roots` takes, each once; inversions come free with them."""
        seen: set[int] = set()
        waiting = list(roots)
        while waiting:
            x = waiting.pop()
            node = self.nodes[x]
            if node.kind < Kind.NOT or x in seen:
                continue
            seen.add(x)
            waiting += [node.a] if node.kind is Kind.NOT else [node.a, node.b]
        return sum(self.nodes[x].kind is not Kind.NOT for x in seen)
