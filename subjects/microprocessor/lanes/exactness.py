"""Which lesions come out otherwise in lanes than event by event: every single one, from power-on.

    python -m subjects.microprocessor.lanes.exactness --chip mos6502 [--write FILE.py]

Lesions are put together as a survey of all of them puts them, and compared in all live nodes over the first
half-cycles of a game. What is compared is a digest of 32 bits for each half-cycle: the exclusive or of random codes of
the nodes that are high. That is cheap for lanes, where bit b of all lanes' digests is the exclusive or of the planes of
those nodes whose codes have bit b; a difference in one half-cycle goes unseen in one of four thousand million.
`--write` makes the module that the chip's description takes its list from.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rig.perturbation import PerturbationKind
from subjects.microprocessor.atari2600.cartridge import own_cartridge
from subjects.microprocessor.chip import ChipDescription
from subjects.microprocessor.event_engine import EventEngine
from subjects.microprocessor.lanes.lanes import Lanes
from subjects.microprocessor.lanes.lesion_units import Lesion, LesionUnit, lesion_units, transistor_name
from subjects.microprocessor.lanes.power_on import N_HALF_CYCLES, power_on
from subjects.microprocessor.machine import Machine
from subjects.microprocessor.netlist import Netlist
from subjects.microprocessor.opening import CHIPS, open_chip
from subjects.microprocessor.survey_exactness import Kind, module_text

GAME = "vesper"
N_COMPARED = 3000
"""Half-cycles from the first fetch on."""
N_BITS = 32
KINDS = {Kind.OFF: PerturbationKind.REMOVE, Kind.ON: PerturbationKind.STUCK_ON}


def first_differences(netlist: Netlist, chip: ChipDescription, unit: LesionUnit, n: int = N_COMPARED) -> list[int]:
    """In which half-cycle each lesion, run in lanes with the others, first differs; -1 where it does not.

    Raises
    ------
    AssertionError : the intact chip differs.
    """
    image = own_cartridge(GAME).image
    machine = Machine(EventEngine(netlist, chip), image, {})
    codes = np.random.default_rng(0).integers(0, 1 << N_BITS, netlist.n_nodes, np.uint32)
    codes[~(netlist.live_nodes & netlist.node_exists)] = 0
    starts, expected = [], []
    for modes in ((), *unit.modes):
        starts.append(power_on(machine, dict(modes)).start)
        expected.append(_digests(machine, codes, n))
    lanes = Lanes(netlist, chip, image, masks=unit.masks)
    lanes.start(starts, tick=N_HALF_CYCLES)
    for lane, modes in enumerate(unit.modes, 1):
        lanes.lesion(lane, dict(modes))
    first = np.full(len(starts), -1)
    for k in range(n):
        lanes.run(1)
        differs = lanes.digest_of_nodes(codes)[: len(starts)] != [of_lane[k] for of_lane in expected]
        first[differs & (first < 0)] = k
    assert first[0] < 0, "the intact chip differs"
    return [int(k) for k in first[1:]]


def _digests(machine: Machine, codes: NDArray[np.uint32], n: int) -> NDArray[np.uint32]:
    """(n,) of the next half-cycles."""
    of_byte = _of_bytes(codes[machine.every_node].tobytes())
    parts = []
    while n:
        rows = machine.run(n, machine.every_node).node_rows
        assert rows is not None
        parts.append(np.bitwise_xor.reduce(of_byte[np.arange(rows.shape[1]), rows], axis=1))
        n -= len(rows)
    return np.concatenate(parts)


@lru_cache(maxsize=2)
def _of_bytes(codes: bytes) -> NDArray[np.uint32]:
    """(n_bytes, 256) what each byte of a row of packed nodes adds to a digest."""
    of_node = np.frombuffer(codes, np.uint32)
    of_bit = np.zeros(8 * ((len(of_node) + 7) // 8), np.uint32)
    of_bit[: len(of_node)] = of_node
    of_byte = np.zeros((len(of_bit) // 8, 256), np.uint32)
    for bit in range(8):
        of_byte ^= np.where((np.arange(256) >> bit) & 1, of_bit[bit::8, None], np.uint32(0))
    return of_byte


def every_unit(netlist: Netlist, chip: ChipDescription, kind: Kind) -> list[LesionUnit]:
    return lesion_units(netlist, chip, [Lesion((row,), KINDS[kind]) for row in range(netlist.n_rows)])


def _judge(chip_name: str, chip_dir: str, kind: Kind, at: int) -> Sequence[int]:
    """Of a unit, in a process of its own."""
    drawn = open_chip(CHIPS[chip_name], chip_dir)
    return first_differences(drawn.netlist, drawn.chip, every_unit(drawn.netlist, drawn.chip, kind)[at])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chip", choices=tuple(CHIPS), required=True)
    parser.add_argument("--chip-dir", default="", help="folder of a published chip's files; else as installed")
    parser.add_argument("--write", type=Path, help="module to write")
    asked = parser.parse_args()
    drawn = open_chip(CHIPS[asked.chip], asked.chip_dir)
    lists = {}
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for kind in KINDS:
            units = every_unit(drawn.netlist, drawn.chip, kind)
            found = pool.map(partial(_judge, asked.chip, asked.chip_dir, kind), reversed(range(len(units))))
            differing = [
                modes[0][0]
                for unit, first in zip(reversed(units), found, strict=True)
                for modes, k in zip(unit.modes, first, strict=True)
                if k >= 0
            ]
            lists[kind] = sorted(transistor_name(drawn.netlist, t) for t in differing)
            print(f"{kind}: {len(differing)} of {sum(len(u.modes) for u in units)} differ", flush=True)
    if asked.write is not None:
        asked.write.write_text(module_text(drawn.chip, lists, __spec__.name, "in lanes"), "utf-8")


if __name__ == "__main__":
    main()
