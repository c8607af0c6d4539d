"""Clamped nodes and lesioned transistors: what they mean, and how a change of them is put into effect at once.

A drawn transistor (row) can be normal, off (stuck off or removed: it never conducts) or on (it always conducts, as when
its gate alone is tied high). A merged transistor is on when one of its rows is, and off when all of them are: so
silencing one of several parallel rows changes nothing, as on the die.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from subjects.microprocessor.circuit import (
    CLAMP_HIGH,
    CLAMP_NONE,
    KIND_PASS,
    LISTED_A,
    MODE_NORMAL,
    MODE_OFF,
    MODE_ON,
    Circuit,
    Rows,
    rewire,
)
from subjects.microprocessor.event_kernels import settle
from subjects.microprocessor.netlist import Netlist
from subjects.microprocessor.plain import plain


def transistor_modes(netlist: Netlist, row_mode: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Modes of the merged transistors from the modes of the drawn ones.

    Parameters
    ----------
    row_mode : (n_rows,) uint8, MODE_NORMAL, MODE_OFF or MODE_ON

    Returns
    -------
    (n_transistors,) uint8
    """
    n = netlist.n_transistors
    n_off = np.bincount(netlist.row_transistor[row_mode == MODE_OFF], minlength=n)
    n_on = np.bincount(netlist.row_transistor[row_mode == MODE_ON], minlength=n)
    modes = np.where(n_off == netlist.multiplicity, MODE_OFF, MODE_NORMAL)
    return np.where(n_on > 0, MODE_ON, modes).astype(np.uint8)


@njit(cache=True)
def change_perturbations(circuit: Circuit, rows: Rows, clamp: NDArray[np.uint8], mode: NDArray[np.uint8]) -> None:
    """Put clamps and modes into effect and settle what they touch.

    Settled first, in canonical order: both ends of every transistor whose mode changed, that touches a node clamped or
    released, or whose gate a clamp made toggle; then released nodes without a transistor.

    Parameters
    ----------
    clamp : (n_nodes,) uint8, CLAMP_*
    mode : (n_transistors,) uint8, MODE_*
    """
    n_nodes, n_transistors = len(clamp), len(mode)
    clamp_changed = np.zeros(n_nodes, np.uint8)
    toggled = np.zeros(n_nodes, np.uint8)
    mode_changed = np.zeros(n_transistors, np.uint8)
    for node in range(n_nodes):
        if clamp[node] != circuit.clamp[node]:
            clamp_changed[node] = 1
            circuit.clamp[node] = clamp[node]
            level = np.uint8(clamp[node] == CLAMP_HIGH)
            if clamp[node] != CLAMP_NONE and circuit.values[node] != level:
                circuit.values[node] = level
                toggled[node] = 1
    for t in range(n_transistors):
        mode_changed[t] = mode[t] != circuit.mode[t]
        circuit.mode[t] = mode[t]
    rewire(circuit, rows)
    n_listed = plain(0)
    for t in range(n_transistors):
        gate, c1, c2 = rows.gate[t], rows.c1[t], rows.c2[t]
        if mode_changed[t] or clamp_changed[c1] or clamp_changed[c2] or toggled[gate]:
            for end in (c1, c2):
                if circuit.rail[end] == KIND_PASS and not circuit.marks[end]:
                    circuit.marks[end] = LISTED_A
                    circuit.lists[n_listed] = end
                    n_listed += 1
    for node in range(n_nodes):
        if clamp_changed[node] and circuit.rail[node] == KIND_PASS and not circuit.marks[node]:
            circuit.marks[node] = LISTED_A
            circuit.lists[n_listed] = node
            n_listed += 1
    settle(circuit, n_listed)
