"""Lesions that are listed as otherwise in lanes than event by event, and those that are not."""

from __future__ import annotations

import numpy as np
import pytest

from rig.perturbation import PerturbationKind
from rig.survey.plan import Lesion
from subjects.microprocessor.atari2600.cartridge import own_cartridge
from subjects.microprocessor.circuit import MODE_OFF, MODE_ON
from subjects.microprocessor.drawn_chip import DrawnChip, shipped_chip
from subjects.microprocessor.event_engine import EventEngine
from subjects.microprocessor.hs6502 import FILE_NAME, HS6502
from subjects.microprocessor.lanes.exactness import every_unit, first_differences
from subjects.microprocessor.lanes.known_inexact import INEXACT_IN_LANES
from subjects.microprocessor.lanes.lanes import Lanes
from subjects.microprocessor.lanes.lesion_units import LesionUnit, Modes, is_listed, transistor_name
from subjects.microprocessor.lanes.power_on import N_HALF_CYCLES, power_on
from subjects.microprocessor.lesion_survey import ChipSurvey
from subjects.microprocessor.machine import Machine
from subjects.microprocessor.survey_exactness import Kind

N_TRIED = 20
N = 1000


@pytest.fixture(scope="module")
def drawn() -> DrawnChip:
    return shipped_chip(HS6502, FILE_NAME)


@pytest.fixture(scope="module")
def judged(drawn: DrawnChip) -> dict[Modes, int]:
    """All listed stuck-on lesions of those that run together first, and some that are not listed, tried together."""
    unit = every_unit(drawn.netlist, drawn.chip, Kind.ON)[0]
    listed = [m for m in unit.modes if is_listed(drawn.netlist, INEXACT_IN_LANES[drawn.chip.name], m)]
    others = [m for m in unit.modes if m not in listed]
    chosen = np.random.default_rng(6).choice(len(others), N_TRIED, replace=False)
    modes = (*listed, *(others[k] for k in chosen))
    return dict(zip(modes, first_differences(drawn.netlist, drawn.chip, LesionUnit(modes), N), strict=True))


def test_what_is_not_listed_does_not_differ(drawn: DrawnChip, judged: dict[Modes, int]) -> None:
    inexact = INEXACT_IN_LANES[drawn.chip.name]
    assert [k for modes, k in judged.items() if not is_listed(drawn.netlist, inexact, modes)] == [-1] * N_TRIED


def test_differences_are_where_the_nodes_themselves_differ(drawn: DrawnChip) -> None:
    """A list is shown by what it holds: the first of it, node by node instead of by digests."""
    netlist, inexact = drawn.netlist, INEXACT_IN_LANES[drawn.chip.name]
    units = [unit for kind in (Kind.ON, Kind.OFF) for unit in every_unit(netlist, drawn.chip, kind)]
    modes = next(m for unit in units for m in unit.modes if is_listed(netlist, inexact, m))
    unit = next(unit for unit in units if modes in unit.modes)
    (first,) = first_differences(netlist, drawn.chip, LesionUnit((modes,)))
    image = own_cartridge("vesper").image
    machine = Machine(EventEngine(netlist, drawn.chip), image, {})
    start = power_on(machine, dict(modes)).start
    lanes = Lanes(netlist, drawn.chip, image, masks=unit.masks)
    lanes.start([power_on(machine, {}).start, start], tick=N_HALF_CYCLES)
    lanes.lesion(1, dict(modes))
    power_on(machine, dict(modes))
    live = np.flatnonzero(netlist.live_nodes & netlist.node_exists)
    assert first >= 0
    for k in range(first + 1):
        lanes.run(1)
        machine.run(1)
        differ = (lanes.values(1) != machine.engine.values)[live]
        assert differ.any() == (k == first)


def test_a_survey_says_which(drawn: DrawnChip) -> None:
    survey = ChipSurvey()
    _, ids, _ = survey.preparation({})
    netlist, inexact = drawn.netlist, INEXACT_IN_LANES[drawn.chip.name]
    names = [transistor_name(netlist, int(t)) for t in netlist.row_transistor]
    live = ~netlist.inert[netlist.row_transistor]
    listed, other = (
        next(row for row, name in enumerate(names) if live[row] and (name in inexact.on) == known)
        for known in (True, False)
    )
    lesions: list[Lesion] = [(int(ids[listed]),), (int(ids[other]),)]
    found = survey.run({}, PerturbationKind.STUCK_ON, lesions, 1, lambda: False)
    assert found is not None
    assert found["exact_until_tick"].tolist() == [0, -1]


def test_lists_are_of_transistors_that_there_are(drawn: DrawnChip) -> None:
    names = {transistor_name(drawn.netlist, t) for t in range(drawn.netlist.n_transistors)}
    inexact = INEXACT_IN_LANES[drawn.chip.name]
    assert inexact.on
    assert (inexact.on | inexact.off) <= names
    t = next(t for t in range(drawn.netlist.n_transistors) if transistor_name(drawn.netlist, t) in inexact.on)
    assert is_listed(drawn.netlist, inexact, ((t, MODE_ON),))
    if transistor_name(drawn.netlist, t) not in inexact.off:
        assert not is_listed(drawn.netlist, inexact, ((t, MODE_OFF),))
