"""What of a cycle must be computed again: parts that read something which has changed since they were computed.

A cycle is swept from front to back until no cut node changes. In the first sweep everything is computed, in later ones
what is *stale*. Leaving out the rest changes nothing: a component whose gates are as they were gives what it gave,
since all nodes that conduct to one another already have the level that they would take.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from subjects.microprocessor.compiled.expressions import Expressions, Kind
from subjects.microprocessor.compiled.program import Block, Results

PART_OPERATIONS = 14
"""Components are put together to parts until they have so many; each part costs a test and a branch."""


@dataclass(frozen=True)
class Part:
    """Neighbouring components of a cycle.

    Attributes
    ----------
    cut : nodes computed here that are cut nodes of the cycle
    shown : nodes computed here, no cut nodes, that another part reads
    readers : parts that become stale when one of these changes, bit k for part k; may be this one itself
    """

    components: tuple[Results, ...]
    cut: tuple[int, ...]
    shown: tuple[int, ...]
    readers: int


def cycle_parts(block: Block, expressions: Expressions) -> tuple[Part, ...]:
    """Divide a cycle."""
    members = list(_divided(block, expressions))
    home = {node: k for k, part in enumerate(members) for results in part for node in results}
    readers: dict[int, int] = {}
    for k, part in enumerate(members):
        for results in part:
            for x in results.values():
                for node in expressions.read(x, Kind.GATE):
                    if node in home:
                        readers[node] = readers.get(node, 0) | 1 << k
    found = []
    for k, part in enumerate(members):
        nodes = [node for results in part for node in results]
        cut = tuple(node for node in nodes if node in block.cut)
        shown = tuple(node for node in nodes if node not in block.cut and readers.get(node, 0) & ~(1 << k))
        stale = 0
        for node in cut:
            stale |= readers[node]
        for node in shown:
            stale |= readers[node] & ~(1 << k)  # whoever reads it here comes behind it
        found.append(Part(tuple(part), cut, shown, stale))
    return tuple(found)


def _divided(block: Block, expressions: Expressions) -> Iterator[list[Results]]:
    waiting: list[Results] = []
    n_waiting = 0
    for results in block.components:
        waiting.append(results)
        n_waiting += expressions.n_operations(list(results.values()))
        if n_waiting >= PART_OPERATIONS:
            yield waiting
            waiting, n_waiting = [], 0
    if waiting:
        yield waiting
