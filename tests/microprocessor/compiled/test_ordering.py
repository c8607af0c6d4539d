"""Strong components against scipy's, and what an order promises about values read too early."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from subjects.microprocessor.compiled.ordering import cut_nodes, order_cycle, strong_components

GRAPHS = st.integers(1, 14).flatmap(
    lambda n: st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), max_size=40).map(
        lambda edges: {k: tuple(sorted({b for a, b in edges if a == k})) for k in range(n)}
    )
)


@given(GRAPHS)
def test_strong_components_are_scipys_and_dependencies_come_first(reads: dict[int, tuple[int, ...]]):
    edges = [(a, b) for a, others in reads.items() for b in others]
    found = strong_components(reads)
    row, column = zip(*edges, strict=True) if edges else ((), ())
    n, labels = connected_components(
        coo_array(([1] * len(edges), (row, column)), shape=(len(reads),) * 2), connection="strong"
    )
    assert len(found) == n
    assert {frozenset(c) for c in found} == {frozenset(k for k in reads if labels[k] == label) for label in labels}
    place = {member: k for k, component in enumerate(found) for member in component}
    assert all(place[b] <= place[a] for a, b in edges)


@settings(max_examples=50)
@given(GRAPHS)
def test_without_the_cut_nothing_is_read_too_early(graph: dict[int, tuple[int, ...]]):
    reads = {a: {b: frozenset((b,)) for b in others} for a, others in graph.items()}
    order = order_cycle(list(graph), reads, 5)
    assert sorted(order) == sorted(graph)
    cut = cut_nodes(order, reads)
    place = {member: k for k, member in enumerate(order)}
    early = {b for a, others in graph.items() for b in others if place[b] >= place[a]}
    assert cut == early


def test_a_ring_is_cut_once():
    ring = {k: {(k + 1) % 9: frozenset(((k + 1) % 9,))} for k in range(9)}
    assert len(cut_nodes(order_cycle(list(ring), ring, 5), ring)) == 1
