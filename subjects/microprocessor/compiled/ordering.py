"""In which order components are computed: dependencies first, and in a cycle so that few of them point backwards."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

Graph = Mapping[int, Sequence[int]]
"""Component → components that it reads from."""


def strong_components(reads: Graph) -> list[list[int]]:
    """Tarjan's strongly connected components, those that are read from first.

    R. Tarjan, Depth-first search and linear graph algorithms, SIAM J. Comput. 1 (1972), without recursion.
    """
    index: dict[int, int] = {}
    low: dict[int, int] = {}
    stack: list[int] = []
    on_stack: set[int] = set()
    found: list[list[int]] = []
    for root in reads:
        if root in index:
            continue
        path: list[tuple[int, int]] = [(root, 0)]
        while path:
            node, position = path.pop()
            if position == 0:
                index[node] = low[node] = len(index)
                stack.append(node)
                on_stack.add(node)
            else:
                low[node] = min(low[node], low[reads[node][position - 1]])
            for k in range(position, len(reads[node])):
                other = reads[node][k]
                if other not in index:
                    path += [(node, k + 1), (other, 0)]
                    break
                if other in on_stack:
                    low[node] = min(low[node], index[other])
            else:
                if low[node] == index[node]:
                    members = stack[stack.index(node) :]
                    del stack[stack.index(node) :]
                    on_stack.difference_update(members)
                    found.append(members)
    return found


def order_cycle(members: Sequence[int], reads: Mapping[int, Mapping[int, frozenset[int]]], n_tries: int) -> list[int]:
    """Order a cyclic set so that few values are read before they are computed.

    The greedy rule of P. Eades, X. Lin, W. F. Smyth, A fast and effective heuristic for the feedback arc set problem,
    Inf. Process. Lett. 47 (1993), with ties broken at random; the best of some tries by the number of such values.

    Parameters
    ----------
    members : components of one strong component
    reads : component → component that it reads from → the nodes that it reads there
    """
    if len(members) == 1:
        return list(members)
    rng = random.Random(len(members))
    inside = set(members)
    giving = {m: {o for o in reads[m] if o in inside and o != m} for m in members}  # whom it reads from
    taking: dict[int, set[int]] = {m: set() for m in members}
    for member, others in giving.items():
        for other in others:
            taking[other].add(member)
    return min((_greedy(members, giving, taking, rng) for _ in range(n_tries)), key=lambda o: len(cut_nodes(o, reads)))


def _greedy(
    members: Sequence[int], giving: Mapping[int, set[int]], taking: Mapping[int, set[int]], rng: random.Random
) -> list[int]:
    left = set(members)
    n_in = {m: len(giving[m]) for m in members}
    n_out = {m: len(taking[m]) for m in members}
    first: list[int] = []
    last: list[int] = []
    shuffled = list(members)
    rng.shuffle(shuffled)
    rank = {m: k for k, m in enumerate(shuffled)}

    def take(member: int) -> None:
        left.remove(member)
        for other in giving[member]:
            n_out[other] -= 1
        for other in taking[member]:
            n_in[other] -= 1

    while left:
        sinks = [m for m in left if n_out[m] == 0]
        sources = [m for m in left if n_in[m] == 0 and n_out[m] > 0]
        if sinks:
            for member in sinks:
                last.append(member)
                take(member)
        elif sources:
            for member in sources:
                first.append(member)
                take(member)
        else:
            member = max(left, key=lambda m: (n_out[m] - n_in[m], rank[m]))
            first.append(member)
            take(member)
    return first + last[::-1]


def cut_nodes(order: Sequence[int], reads: Mapping[int, Mapping[int, frozenset[int]]]) -> frozenset[int]:
    """Nodes that somebody in the order reads before, or while, they are computed."""
    place = {member: k for k, member in enumerate(order)}
    cut: set[int] = set()
    for member in order:
        for other, nodes in reads[member].items():
            if place.get(other, -1) >= place[member]:
                cut |= nodes
    return frozenset(cut)
