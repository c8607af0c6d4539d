"""Outcomes of lesions: what they come to, that they do not depend on company, and against the event engine."""

from __future__ import annotations

import numpy as np
import pytest

from rig.errors import SpecError
from rig.perturbation import PerturbationKind
from subjects.microprocessor.atari2600.cartridge import own_cartridge
from subjects.microprocessor.atari2600.console import ConsoleInputs, Stick
from subjects.microprocessor.circuit import MODE_OFF, MODE_ON
from subjects.microprocessor.event_engine import EventEngine
from subjects.microprocessor.lanes.lesion_units import Lesion, LesionUnit, Modes, lesion_units, modes_of
from subjects.microprocessor.lanes.outcomes import TICKS_PER_FRAME, Game, Plan, run_intact, run_unit, tick_of
from subjects.microprocessor.lanes.power_on import N_HALF_CYCLES, power_on
from subjects.microprocessor.machine import Machine
from subjects.microprocessor.mos6502 import MOS6502
from subjects.microprocessor.netlist import Netlist
from subjects.microprocessor.stream_layouts import word_fields

REMOVE, STUCK_ON = PerturbationKind.REMOVE, PerturbationKind.STUCK_ON


def test_modes_of_lesions(mos6502: Netlist):
    t = int(np.flatnonzero((mos6502.multiplicity == 2) & ~mos6502.inert)[0])
    one, other = np.flatnonzero(mos6502.row_transistor == t).tolist()
    assert modes_of(mos6502, Lesion((one,), REMOVE)) == ()
    assert modes_of(mos6502, Lesion((one, other), REMOVE)) == ((t, MODE_OFF),)
    assert modes_of(mos6502, Lesion((other,), STUCK_ON)) == ((t, MODE_ON),)
    never_on = int(np.flatnonzero(mos6502.row_gate == mos6502.vss)[0])
    assert modes_of(mos6502, Lesion((never_on,), REMOVE)) == ()
    with pytest.raises(SpecError, match="the chip has transistors 0 to 3509"):
        modes_of(mos6502, Lesion((3510,), REMOVE))
    with pytest.raises(SpecError, match="kind drive"):
        Lesion((1,), PerturbationKind.DRIVE)


def test_units_hold_every_lesion_that_matters_once(mos6502: Netlist):
    lesions = [Lesion((row,), STUCK_ON) for row in range(mos6502.n_rows)]
    units = lesion_units(mos6502, MOS6502, lesions)
    found = [modes for unit in units for modes in unit.modes]
    assert len(found) == len(set(found))
    assert set(found) == {modes_of(mos6502, lesion) for lesion in lesions} - {()}
    assert max(len(unit.modes) for unit in units) <= 511


@pytest.fixture(scope="module")
def game(mos6502: Netlist) -> Game:
    held = ConsoleInputs(stick0=Stick(right=True, fire=True))
    return Game(mos6502, MOS6502, own_cartridge("vesper").image, Plan(2, ((1, held),), response_frame=1))


def test_outcomes_do_not_depend_on_company(game: Game):
    intact = run_intact(game)
    rows = np.random.default_rng(4).choice(game.netlist.n_rows, 12, replace=False).tolist()
    modes: list[Modes] = sorted({modes_of(game.netlist, Lesion((row,), REMOVE)) for row in rows} - {()})
    together = run_unit(game, intact, LesionUnit(tuple(modes)))
    reverse = run_unit(game, intact, LesionUnit(tuple(reversed(modes[:5]))))
    assert reverse == together[:5][::-1]
    assert len({outcome.bus_tick for outcome in together}) > 2


def test_outcomes_are_those_of_the_event_engine(game: Game):
    """First difference of the bus, and the frames, of lesions that the compiled chip takes exactly."""
    intact = run_intact(game)
    modes: tuple[Modes, ...] = (((300, MODE_OFF),), ((1000, MODE_OFF),), ((2500, MODE_OFF),))
    outcomes = run_unit(game, intact, LesionUnit(modes))
    names = list(word_fields(MOS6502))
    columns = [names.index(name) for name in ("address", "data", "rw")]
    n = TICKS_PER_FRAME // 2
    buses = []
    for lesion in ((), *modes):
        machine = Machine(EventEngine(game.netlist, MOS6502), game.image, word_fields(MOS6502), n_frame_slots=1)
        before = power_on(machine, dict(lesion)).words
        run = machine.run(n, words=True)
        words = np.concatenate([before, run.words])[:, columns] & np.array([0x1FFF, 0xFF, 1])
        buses.append(words)
        if not lesion:
            assert intact.outcome.first_frame_tick == N_HALF_CYCLES + int(run.frame_steps[0])
            assert tick_of(int(run.frames["cycle"][0])) == intact.outcome.first_frame_tick
    shortest = min(len(words) for words in buses)
    for outcome, words in zip(outcomes, buses[1:], strict=True):
        differs = (words[1:shortest:2] != buses[0][1:shortest:2]).any(axis=1)
        first = 2 * int(differs.argmax()) + 1 if differs.any() else -1
        assert first == outcome.bus_tick or (first == -1 and outcome.bus_tick >= shortest)
