"""Switch-level, event-driven simulation of nMOS logic: the njit functions.

The model is perfect6502's (Steil, Silverman, Silverman; `netlist_sim.c`), restated. Nodes joined by conducting
transistors form a group, and take one value, decided by the strongest of

    low rail > high rail > pulled down > pulled up > any node that stores a 1

A node that toggles lists the ends of the transistors it gates; listed nodes are worked off in waves, at most 50, each
change visible at once. Which node is listed first decides races, so the order is part of the model: a group is walked
depth first along its transistors in canonical order; a rising gate lists the first end that is no rail of each of its
transistors, a falling gate both.

What is ours: conducting transistors to rails are counted when their gates toggle, so that they need not be walked, and
a node without a conducting transistor to another node is decided without a walk. Neither changes any outcome.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from subjects.microprocessor.circuit import (
    COUNT_CLOCK_STEP,
    COUNT_UNSETTLED,
    END_KIND_SHIFT,
    END_MASK,
    END_ON_RISE,
    FIELD_BITS,
    FIELD_MASK,
    LISTED_A,
    LISTED_B,
    PASS_GATE_SHIFT,
    PULL_DOWN,
    PULL_UP,
    WALKED,
    Circuit,
)
from subjects.microprocessor.plain import plain

N_WAVES = 50
"""Waves after which a list that is still not empty is dropped: only a lesion can make the chip oscillate that long.

perfect6502 and Visual6502 give up after 100; an intact 6502 never comes near either number.
"""

NO_ACCESS, READ, WRITE = 0, 1, 2
"""What a half-cycle asks of the memory."""


class Ports(NamedTuple):
    """How the outside touches the chip, as node ids.

    clock_pin uint16, clock_level uint8 : levels of all clock steps; step k's are [clock_start[k], clock_start[k + 1])
    clock_access : (n_steps,) uint8, whether the memory is looked at after a step
    address, data : uint16, bit 0 first
    read_pin, read_level, write_pin, write_level : conditions of a read, of a write
    """

    clock_start: NDArray[np.int64]
    clock_pin: NDArray[np.uint16]
    clock_level: NDArray[np.uint8]
    clock_access: NDArray[np.uint8]
    address: NDArray[np.uint16]
    data: NDArray[np.uint16]
    read_pin: NDArray[np.uint16]
    read_level: NDArray[np.uint8]
    write_pin: NDArray[np.uint16]
    write_level: NDArray[np.uint8]


@njit(cache=True)
def settle(circuit: Circuit, n_listed: int) -> None:
    """Settle the first `n_listed` nodes of `lists`, each marked LISTED_A and none a rail, and all that follows."""
    values, pull, drive = circuit.values, circuit.pull, circuit.drive
    packed, packed_bit = circuit.packed, circuit.packed_bit
    gate_start, gate_end = circuit.gate_start, circuit.gate_end
    pass_start, pass_end = circuit.pass_start, circuit.pass_end
    lists, marks, walk = circuit.lists, circuit.marks, circuit.walk
    # a node may stand on both lists; `walk` holds the group, then the stack
    source, target, bottom = 0, len(pull), len(pull)
    source_bit, target_bit, walked = np.uint8(LISTED_A), np.uint8(LISTED_B), np.uint8(WALKED)
    one = np.uint16(1)  # unsigned indices spare the test for negative ones
    wave = 0
    while n_listed > 0 and wave < N_WAVES:
        wave += 1
        n_next = 0
        for i in range(n_listed):
            start = lists[source + i]
            marks[start] &= ~source_bit
            driven = drive[start]
            if driven & FIELD_MASK:
                n_group = 0
                strongest = np.uint8(0)
                driven = np.int32(0)
                walk[bottom] = start
                depth = bottom + 1
                while depth > bottom:
                    depth -= 1
                    node = walk[depth]
                    if marks[node] & walked:
                        continue
                    marks[node] |= walked
                    walk[n_group] = node
                    n_group += 1
                    driven |= drive[node]
                    strongest = max(strongest, max(values[node], pull[node]))
                    # pushed in reverse, so that the first transistor is walked first
                    first = np.int64(pass_start[node])
                    edge = np.int64(pass_start[node + one]) - 1
                    while edge >= first:
                        code = pass_end[edge]
                        if values[code >> np.uint32(PASS_GATE_SHIFT)]:
                            other = np.uint16(code & np.uint32(END_MASK))
                            if not marks[other] & walked:
                                walk[depth] = other
                                depth += 1
                        edge -= 1
                if driven >> 2 * FIELD_BITS:
                    new = np.uint8(0)
                elif driven >> FIELD_BITS:
                    new = np.uint8(1)
                else:
                    new = np.uint8(strongest == 1 or strongest == PULL_UP)
            else:
                if driven >> 2 * FIELD_BITS:
                    new = np.uint8(0)
                elif driven >> FIELD_BITS:
                    new = np.uint8(1)
                elif pull[start]:
                    new = np.uint8(pull[start] == PULL_UP)
                else:
                    continue
                if values[start] == new:
                    continue
                walk[0] = start
                n_group = 1
            for k in range(n_group):
                node = walk[k]
                marks[node] &= ~walked
                if values[node] == new:
                    continue
                values[node] = new
                bit = packed_bit[node]
                packed[bit >> np.uint16(3)] ^= np.uint8(1) << np.uint8(bit & np.uint16(7))
                first = np.int64(gate_start[node])
                beyond = np.int64(gate_start[node + one])
                if new:
                    for entry in range(first, beyond):
                        code = gate_end[entry]
                        end = np.uint16(code & np.uint32(END_MASK))
                        drive[end] += np.int32(1) << np.int32(
                            np.uint32(FIELD_BITS) * (code >> np.uint32(END_KIND_SHIFT))
                        )
                        if code & np.uint32(END_ON_RISE) and not marks[end] & target_bit:
                            marks[end] |= target_bit
                            lists[target + n_next] = end
                            n_next += 1
                else:
                    for entry in range(first, beyond):
                        code = gate_end[entry]
                        end = np.uint16(code & np.uint32(END_MASK))
                        drive[end] -= np.int32(1) << np.int32(
                            np.uint32(FIELD_BITS) * (code >> np.uint32(END_KIND_SHIFT))
                        )
                        if not marks[end] & target_bit:
                            marks[end] |= target_bit
                            lists[target + n_next] = end
                            n_next += 1
        source, target = target, source
        source_bit, target_bit = target_bit, source_bit
        n_listed = n_next
    if n_listed > 0:
        circuit.counters[COUNT_UNSETTLED] += 1
        for i in range(n_listed):
            marks[lists[source + i]] = 0


@njit(cache=True)
def settle_nodes(circuit: Circuit, nodes: NDArray[np.integer]) -> None:
    """Settle from some nodes, in their order; repeats count once."""
    n_listed = plain(0)
    for node in nodes:
        if not circuit.marks[node] and not circuit.rail[node]:
            circuit.marks[node] = LISTED_A
            circuit.lists[n_listed] = node
            n_listed += 1
    settle(circuit, n_listed)


@njit(cache=True)
def set_pin(circuit: Circuit, node: int, level: int) -> None:
    """Drive a pin from outside and settle. The level stays until it is set again."""
    circuit.pull[node] = PULL_UP if level else PULL_DOWN
    if not circuit.rail[node]:
        circuit.lists[0] = node
        circuit.marks[node] = LISTED_A
        settle(circuit, plain(1))


@njit(cache=True)
def read_nodes(circuit: Circuit, nodes: NDArray[np.integer]) -> int:
    """Read nodes as a number, bit 0 first."""
    number = 0
    for bit in range(len(nodes)):
        number |= int(circuit.values[nodes[bit]]) << bit
    return number


@njit(cache=True)
def read_address(circuit: Circuit, ports: Ports) -> int:
    """Read the address bus."""
    return read_nodes(circuit, ports.address)


@njit(cache=True)
def read_data(circuit: Circuit, ports: Ports) -> int:
    """Read the data bus."""
    return read_nodes(circuit, ports.data)


@njit(cache=True)
def force_data(circuit: Circuit, ports: Ports, data: int) -> None:
    """Drive the data bus from outside and settle once. It is never released: a writing chip overrides it."""
    n_listed = plain(0)
    for bit in range(len(ports.data)):
        node = ports.data[bit]
        circuit.pull[node] = PULL_UP if (data >> bit) & 1 else PULL_DOWN
        if not circuit.rail[node]:
            circuit.lists[n_listed] = node
            circuit.marks[node] = LISTED_A
            n_listed += 1
    settle(circuit, n_listed)


@njit(cache=True)
def levels_hold(circuit: Circuit, pins: NDArray[np.uint16], levels: NDArray[np.uint8]) -> bool:
    """Whether every pin is at its level."""
    hold = True
    for k in range(len(pins)):
        hold &= circuit.values[pins[k]] == levels[k]
    return hold


@njit(cache=True)
def clock_edge(circuit: Circuit, ports: Ports) -> int:
    """Take the clock one half-cycle on; return what it asks of the memory: NO_ACCESS, READ or WRITE.

    The caller answers at once, before the next edge: a READ by `force_data`, a WRITE by taking `read_data`.
    """
    step = circuit.counters[COUNT_CLOCK_STEP] + 1
    if step == len(ports.clock_access):
        step = 0
    circuit.counters[COUNT_CLOCK_STEP] = step
    for k in range(ports.clock_start[step], ports.clock_start[step + 1]):
        set_pin(circuit, plain(ports.clock_pin[k]), plain(ports.clock_level[k]))
    if ports.clock_access[step]:
        if levels_hold(circuit, ports.read_pin, ports.read_level):
            return READ
        if levels_hold(circuit, ports.write_pin, ports.write_level):
            return WRITE
    return NO_ACCESS


@njit(cache=True)
def half_cycle(circuit: Circuit, ports: Ports, memory: NDArray[np.uint8]) -> None:
    """One half-cycle on a plain memory of 2 ** n_address_bits bytes."""
    access = clock_edge(circuit, ports)
    if access == READ:
        force_data(circuit, ports, memory[read_address(circuit, ports)])
    elif access == WRITE:
        memory[read_address(circuit, ports)] = read_data(circuit, ports)


@njit(cache=True)
def record_all(circuit: Circuit, row: NDArray[np.uint8]) -> None:
    """Write all existing nodes in order of id, little-endian packed bits."""
    for k in range(len(circuit.packed)):
        row[k] = circuit.packed[k]


@njit(cache=True)
def record_some(circuit: Circuit, nodes: NDArray[np.integer], row: NDArray[np.uint8]) -> None:
    """Write some nodes in the order given, little-endian packed bits."""
    row[:] = 0
    for k in range(len(nodes)):
        row[k >> 3] |= circuit.values[nodes[k]] << np.uint8(k & 7)
