"""A chip as a network of switches: nodes joined by transistors.

The order in which transistors are listed decides the outcome of races between equally strong stored charges, so it is
part of the model: `canonical order` is the sorted set of raw (gate, c1, c2) rows, of which a later row that only swaps
c1 and c2 is dropped. This order reproduces perfect6502 (github.com/mist64/perfect6502) on every node.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rig.errors import AssetError
from subjects.microprocessor.layout_files import (
    SegmentRow,
    TransistorRow,
    read_node_names,
    read_segments,
    read_transistors,
)

IntArray = NDArray[np.int32]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class Netlist:
    """Nodes and transistors of one chip.

    A *row* is a transistor as drawn. Rows with the same gate and channel ends act as one; they are merged into a
    *transistor* of the simulation. Lesioning one of several parallel rows changes nothing, as on the die.

    Attributes
    ----------
    vss, vcc : node ids of the supplies
    node_exists : (n_nodes,) bool, ids in use
    pull_up : (n_nodes,) bool, nodes with a depletion load
    node_ids : name to node id, aliases included
    row_names : (n_rows,) names of the drawn transistors
    row_gate, row_c1, row_c2 : (n_rows,) int32 node ids
    row_bounds : (n_rows, 4) int32, xmin xmax ymin ymax in mask units
    row_transistor : (n_rows,) int32, the merged transistor of each row
    gate, c1, c2 : (n_transistors,) int32 node ids, canonical order
    multiplicity : (n_transistors,) int32, how many rows each transistor stands for
    """

    vss: int
    vcc: int
    node_exists: BoolArray
    pull_up: BoolArray
    node_ids: Mapping[str, int]
    row_names: tuple[str, ...]
    row_gate: IntArray
    row_c1: IntArray
    row_c2: IntArray
    row_bounds: IntArray
    row_transistor: IntArray
    gate: IntArray
    c1: IntArray
    c2: IntArray
    multiplicity: IntArray

    @property
    def n_nodes(self) -> int:
        """One more than the highest node id."""
        return len(self.node_exists)

    @property
    def n_rows(self) -> int:
        return len(self.row_gate)

    @property
    def n_transistors(self) -> int:
        return len(self.gate)

    @property
    def inert(self) -> BoolArray:
        """(n_transistors,) bool: gated by a supply (which counts as off), or with both channel ends on one node."""
        supplies = (self.vss, self.vcc)
        return np.asarray(np.isin(self.gate, supplies) | (self.c1 == self.c2), dtype=np.bool_)

    @property
    def live_nodes(self) -> BoolArray:
        """(n_nodes,) bool: gates a transistor that can switch, or has a name; not a supply.

        The others (ends inside a stack of transistors) carry charge but decide nothing.
        """
        live = np.zeros(self.n_nodes, dtype=np.bool_)
        live[self.gate[~self.inert]] = True
        live[list(self.node_ids.values())] = True
        live[[self.vss, self.vcc]] = False
        return live

    def parallel_rows(self, row: int) -> IntArray:
        """Rows acting as one transistor with `row`, itself included."""
        return np.flatnonzero(self.row_transistor == self.row_transistor[row]).astype(np.int32)

    def nodes_named(self, names: Sequence[str]) -> IntArray:
        """Node ids of names, in their order.

        Raises
        ------
        AssetError : the netlist has no such name.
        """
        missing = [name for name in names if name not in self.node_ids]
        if missing:
            raise AssetError(
                f"asked for node {missing[0]!r}, the netlist names {len(self.node_ids)} others; check the chip's files"
            )
        return np.array([self.node_ids[name] for name in names], dtype=np.int32)

    def without_rows(self, rows: Sequence[int]) -> Netlist:
        """Build the same chip again without some drawn transistors."""
        kept = np.setdiff1d(np.arange(self.n_rows), np.asarray(rows, dtype=np.int64))
        return build_netlist(
            [self.row_names[row] for row in kept],
            np.stack([self.row_gate, self.row_c1, self.row_c2], axis=1)[kept],
            self.node_exists,
            self.pull_up,
            self.node_ids,
            self.vss,
            self.vcc,
            self.row_bounds[kept],
        )


def build_netlist(
    row_names: Sequence[str],
    rows: IntArray | Sequence[tuple[int, int, int]],
    node_exists: BoolArray,
    pull_up: BoolArray,
    node_ids: Mapping[str, int],
    vss: int,
    vcc: int,
    row_bounds: IntArray | None = None,
) -> Netlist:
    """Merge parallel rows and order the transistors.

    Parameters
    ----------
    row_names : (n_rows,) names
    rows : (n_rows, 3) gate, c1, c2
    node_exists, pull_up : (n_nodes,) bool
    node_ids : name to node id
    vss, vcc : node ids
    row_bounds : (n_rows, 4) xmin xmax ymin ymax in mask units; zeros when not given
    """
    table = np.asarray(rows, dtype=np.int32).reshape(-1, 3)
    raw = [(int(gate), int(c1), int(c2)) for gate, c1, c2 in table]
    transistor_of: dict[tuple[int, int, int], int] = {}
    merged: list[tuple[int, int, int]] = []
    for gate, c1, c2 in sorted(set(raw)):
        swapped = transistor_of.get((gate, c2, c1))
        if swapped is None:
            transistor_of[gate, c1, c2] = len(merged)
            merged.append((gate, c1, c2))
        else:
            transistor_of[gate, c1, c2] = swapped
    row_transistor = np.array([transistor_of[row] for row in raw], dtype=np.int32)
    canonical = np.array(merged, dtype=np.int32).reshape(-1, 3)
    return Netlist(
        vss=vss,
        vcc=vcc,
        node_exists=np.array(node_exists, dtype=np.bool_),
        pull_up=np.array(pull_up, dtype=np.bool_),
        node_ids=dict(node_ids),
        row_names=tuple(row_names),
        row_gate=np.ascontiguousarray(table[:, 0]),
        row_c1=np.ascontiguousarray(table[:, 1]),
        row_c2=np.ascontiguousarray(table[:, 2]),
        row_bounds=np.zeros((len(raw), 4), np.int32) if row_bounds is None else np.asarray(row_bounds, np.int32),
        row_transistor=row_transistor,
        gate=np.ascontiguousarray(canonical[:, 0]),
        c1=np.ascontiguousarray(canonical[:, 1]),
        c2=np.ascontiguousarray(canonical[:, 2]),
        multiplicity=np.bincount(row_transistor, minlength=len(merged)).astype(np.int32),
    )


def load_netlist(folder: Path, vss_name: str = "vss", vcc_name: str = "vcc") -> Netlist:
    """Load a chip from a folder with `transdefs.js`, `segdefs.js` and `nodenames.js`.

    Raises
    ------
    AssetError : a file is missing, cut short or inconsistent with the others.
    """
    return netlist_from_rows(
        read_transistors(folder / "transdefs.js"),
        read_segments(folder / "segdefs.js"),
        read_node_names(folder / "nodenames.js"),
        vss_name,
        vcc_name,
        folder,
    )


def netlist_from_rows(
    transistors: Sequence[TransistorRow],
    segments: Sequence[SegmentRow],
    node_ids: Mapping[str, int],
    vss_name: str,
    vcc_name: str,
    folder: Path,
) -> Netlist:
    """Check three tables against each other and build the netlist (`folder` is for the messages)."""
    for supply in (vss_name, vcc_name):
        if supply not in node_ids:
            raise AssetError(f"{folder / 'nodenames.js'}: no supply named {supply!r} in it; fetch the file again")
    drawn = {row.node for row in segments}
    n_nodes = max(drawn) + 1
    for row in transistors:
        undrawn = {row.gate, row.c1, row.c2} - drawn
        if undrawn:
            raise AssetError(
                f"{folder / 'transdefs.js'}: transistor {row.name} is on node {min(undrawn)}, "
                "which segdefs.js does not draw; fetch both files again"
            )
    for name, node in node_ids.items():
        if node not in drawn:
            raise AssetError(
                f"{folder / 'nodenames.js'}: {name!r} is node {node}, which segdefs.js does not draw; fetch both again"
            )
    node_exists = np.zeros(n_nodes, dtype=np.bool_)
    node_exists[list(drawn)] = True
    pull_up = np.zeros(n_nodes, dtype=np.bool_)
    pull_up[[row.node for row in segments if row.pull_up]] = True
    mixed = [row.node for row in segments if not row.pull_up and pull_up[row.node]]
    if mixed:
        raise AssetError(f"{folder / 'segdefs.js'}: node {mixed[0]} is marked both '+' and '-'; fetch the file again")
    return build_netlist(
        [row.name for row in transistors],
        [(row.gate, row.c1, row.c2) for row in transistors],
        node_exists,
        pull_up,
        node_ids,
        node_ids[vss_name],
        node_ids[vcc_name],
        np.array([row.bounds for row in transistors], dtype=np.int32),
    )
