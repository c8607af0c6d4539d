"""The arrays an event-driven engine runs on, and how a netlist with its perturbations is wired into them.

A *clamped* node is a supply rail of its own: walks stop at it, it pulls like vss or vcc, and it keeps its value. A
transistor that is *off* or *on* for good is wired to one of two constant nodes instead of its gate. Perturbations thus
cost nothing while the chip runs, clamped or not: they are paid for once, when they change (`rewire`).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from rig.errors import AssetError
from subjects.microprocessor.netlist import Netlist

# `pull`: what the outside or a depletion load does to a node
PULL_NONE, PULL_UP, PULL_DOWN = 0, 2, 3
# `clamp`: what the experimenter does to a node
CLAMP_NONE, CLAMP_LOW, CLAMP_HIGH = 0, 1, 2
# `mode`: what the experimenter does to a transistor
MODE_NORMAL, MODE_OFF, MODE_ON = 0, 1, 2

# `drive` counts the conducting transistors of a node, one field of ten bits for each kind of far end
FIELD_BITS = 10
FIELD_MASK = (1 << FIELD_BITS) - 1
KIND_PASS, KIND_HIGH, KIND_LOW = 0, 1, 2

# `gate_end`: end node | listed when the gate rises | kind of the far end
END_MASK = 0xFFFF
END_ON_RISE = 1 << 16
END_KIND_SHIFT = 17

# `pass_end`: end node | gate
PASS_GATE_SHIFT = 16

# `marks`
LISTED_A, LISTED_B, WALKED = 1, 2, 4

# `counters`
COUNT_CLOCK_STEP, COUNT_UNSETTLED = 0, 1


class Circuit(NamedTuple):
    """State, wiring and scratch space of one chip. A tuple of arrays, so that any njit function can take it.

    State (what a snapshot holds, with `mode`):

    values : (n_nodes + 2,) uint8, 0 or 1; the last two are the constants 0 and 1; supplies keep 0
    pull : (n_nodes,) uint8, PULL_*
    clamp : (n_nodes,) uint8, CLAMP_*
    mode : (n_transistors,) uint8, MODE_*
    counters : (2,) int64, index of the clock step, lists dropped unsettled after 50 waves

    Derived from state and netlist:

    drive : (n_nodes,) int32, conducting transistors to low rails << 20 | to high rails << 10 | to other nodes
    rail : (n_nodes,) uint8, KIND_LOW or KIND_HIGH for supplies and clamped nodes, KIND_PASS for all others
    packed : (n_bytes,) uint8, values of the existing nodes, little-endian bits, kept up to date
    packed_bit : (n_nodes,) uint16, the bit of each node in `packed`
    gate_start : (n_nodes + 1,) uint32, `gate_end` : uint32, ends to touch when a node toggles
    pass_start : (n_nodes + 1,) uint32, `pass_end` : uint32, transistors from a node to other nodes

    Scratch:

    lists : (2 * n_nodes,) uint16, nodes to settle in this wave and in the next, taking turns
    marks : (n_nodes,) uint8, LISTED_A, LISTED_B, WALKED; 0 when nothing is being settled
    walk : uint16, the group (n_nodes) and the stack of a walk

    The number of arrays counts: each costs some nanoseconds of reference counting whenever a kernel is called.
    """

    values: NDArray[np.uint8]
    pull: NDArray[np.uint8]
    clamp: NDArray[np.uint8]
    mode: NDArray[np.uint8]
    counters: NDArray[np.int64]
    drive: NDArray[np.int32]
    rail: NDArray[np.uint8]
    packed: NDArray[np.uint8]
    packed_bit: NDArray[np.uint16]
    gate_start: NDArray[np.uint32]
    gate_end: NDArray[np.uint32]
    pass_start: NDArray[np.uint32]
    pass_end: NDArray[np.uint32]
    lists: NDArray[np.uint16]
    marks: NDArray[np.uint8]
    walk: NDArray[np.uint16]


class Rows(NamedTuple):
    """The merged transistors in canonical order, and the supplies: what `rewire` reads."""

    gate: NDArray[np.int32]
    c1: NDArray[np.int32]
    c2: NDArray[np.int32]
    vss: int
    vcc: int


def circuit_rows(netlist: Netlist) -> Rows:
    return Rows(netlist.gate, netlist.c1, netlist.c2, netlist.vss, netlist.vcc)


def wire_circuit(netlist: Netlist) -> Circuit:
    """Allocate a circuit for a netlist, all nodes 0, nothing perturbed.

    Raises
    ------
    AssetError : a node other than a supply is the end of more transistors than `drive` can count.
    """
    n = netlist.n_nodes
    ends = np.concatenate([netlist.c1, netlist.c2])
    n_ends = np.bincount(ends, minlength=n)
    n_ends[[netlist.vss, netlist.vcc]] = 0
    if n_ends.max() > FIELD_MASK:
        raise AssetError(
            f"node {int(n_ends.argmax())} is the end of {n_ends.max()} transistors, the engine counts to {FIELD_MASK}; "
            "check the supplies' names"
        )
    n_ends_all = 2 * netlist.n_transistors
    exists = netlist.node_exists
    circuit = Circuit(
        values=np.zeros(n + 2, np.uint8),
        pull=np.where(netlist.pull_up, PULL_UP, PULL_NONE).astype(np.uint8),
        clamp=np.zeros(n, np.uint8),
        mode=np.zeros(netlist.n_transistors, np.uint8),
        counters=np.zeros(2, np.int64),
        drive=np.zeros(n, np.int32),
        rail=np.zeros(n, np.uint8),
        packed=np.zeros((int(exists.sum()) + 7) // 8, np.uint8),
        packed_bit=np.where(exists, np.cumsum(exists) - 1, 0).astype(np.uint16),
        gate_start=np.zeros(n + 1, np.uint32),
        gate_end=np.zeros(n_ends_all, np.uint32),
        pass_start=np.zeros(n + 1, np.uint32),
        pass_end=np.zeros(n_ends_all, np.uint32),
        lists=np.zeros(2 * n, np.uint16),
        marks=np.zeros(n, np.uint8),
        # every conducting transistor of a group can wait on the stack once from either end
        walk=np.zeros(n + n_ends_all + 1, np.uint16),
    )
    circuit.values[n + 1] = 1
    rewire(circuit, circuit_rows(netlist))
    return circuit


@njit(cache=True)
def rewire(circuit: Circuit, rows: Rows) -> None:
    """Write everything derived from values, clamps and modes; does not settle."""
    n_nodes = len(circuit.pull)
    n_transistors = len(rows.gate)
    gate_start, pass_start = circuit.gate_start, circuit.pass_start
    gate_start[:] = 0
    pass_start[:] = 0
    circuit.drive[:] = 0
    rail = circuit.rail
    for node in range(n_nodes):
        clamp = circuit.clamp[node]
        if node == rows.vss or clamp == CLAMP_LOW:
            rail[node] = KIND_LOW
        elif node == rows.vcc or clamp == CLAMP_HIGH:
            rail[node] = KIND_HIGH
        else:
            rail[node] = KIND_PASS
    # two rounds over the transistors, in canonical order: count the entries of each node, then write them
    for writing in range(2):
        for t in range(n_transistors):
            gate, c1, c2 = rows.gate[t], rows.c1[t], rows.c2[t]
            rail1, rail2 = rail[c1], rail[c2]
            if rail1 != KIND_PASS and rail2 != KIND_PASS:
                continue
            mode = circuit.mode[t]
            kind = rail1 + rail2
            if kind == KIND_PASS:
                if mode == MODE_NORMAL:
                    if writing:
                        circuit.gate_end[gate_start[gate]] = c1 | END_ON_RISE
                        circuit.gate_end[gate_start[gate] + 1] = c2
                    gate_start[gate] += 2
                if c1 != c2:
                    if writing:
                        switch = gate if mode == MODE_NORMAL else (n_nodes if mode == MODE_OFF else n_nodes + 1)
                        circuit.pass_end[pass_start[c1]] = c2 | switch << PASS_GATE_SHIFT
                        circuit.pass_end[pass_start[c2]] = c1 | switch << PASS_GATE_SHIFT
                    pass_start[c1] += 1
                    pass_start[c2] += 1
            elif mode == MODE_NORMAL:
                if writing:
                    end = c1 if rail1 == KIND_PASS else c2
                    circuit.gate_end[gate_start[gate]] = end | END_ON_RISE | kind << END_KIND_SHIFT
                gate_start[gate] += 1
            if writing and (mode == MODE_ON or (mode == MODE_NORMAL and circuit.values[gate])):
                if rail1 == KIND_PASS:
                    circuit.drive[c1] += 1 << FIELD_BITS * kind
                if rail2 == KIND_PASS:
                    circuit.drive[c2] += 1 << FIELD_BITS * kind
        # counts become starts; after writing they have moved on to the ends, which are the next node's starts
        if writing:
            for node in range(n_nodes, 0, -1):
                gate_start[node] = gate_start[node - 1]
                pass_start[node] = pass_start[node - 1]
            gate_start[0] = 0
            pass_start[0] = 0
        else:
            gate_total = np.uint32(0)
            pass_total = np.uint32(0)
            for node in range(n_nodes + 1):
                gate_count, pass_count = gate_start[node], pass_start[node]
                gate_start[node], pass_start[node] = gate_total, pass_total
                gate_total += gate_count
                pass_total += pass_count
    circuit.packed[:] = 0
    for node in range(n_nodes):
        if circuit.values[node]:
            bit = circuit.packed_bit[node]
            circuit.packed[bit >> 3] |= np.uint8(1 << (bit & 7))


def copy_circuit(circuit: Circuit) -> Circuit:
    """Copy every array."""
    arrays: list[Any] = [array.copy() for array in circuit]
    return Circuit(*arrays)
