"""Similarity, pictures and the answer to the stick, of whole games on single chips; kappa is scikit-learn's."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from subjects.microprocessor.atari2600.cartridge import own_cartridge
from subjects.microprocessor.atari2600.console import ConsoleInputs, Stick, apply_inputs
from subjects.microprocessor.circuit import MODE_OFF, MODE_ON
from subjects.microprocessor.compiled.compiled_engine import CompiledEngine
from subjects.microprocessor.drawn_chip import shipped_chip
from subjects.microprocessor.event_engine import EventEngine
from subjects.microprocessor.hs6502 import FILE_NAME, HS6502
from subjects.microprocessor.lanes.lesion_units import LesionUnit, Modes
from subjects.microprocessor.lanes.outcomes import TICKS_PER_FRAME, Game, Outcome, Plan, run_intact, run_unit
from subjects.microprocessor.lanes.power_on import power_on, row_modes
from subjects.microprocessor.machine import Machine
from subjects.microprocessor.stream_layouts import word_fields

N_FRAMES, HELD_FROM = 11, 8
RESET, NOTHING = ConsoleInputs(reset=True), ConsoleInputs()
HELD = ConsoleInputs(stick0=Stick(right=True, fire=True))
SCRIPT = ((2, RESET), (5, NOTHING), (HELD_FROM, HELD))


@pytest.fixture(scope="module")
def game() -> Game:
    netlist = shipped_chip(HS6502, FILE_NAME).netlist
    return Game(netlist, HS6502, own_cartridge("vesper").image, Plan(N_FRAMES, SCRIPT, HELD_FROM))


@pytest.fixture(scope="module")
def played(game: Game) -> tuple[Outcome, list[Modes], list[Outcome]]:
    netlist = game.netlist
    engine, none = CompiledEngine(netlist, game.chip), np.zeros(netlist.n_nodes, np.uint8)
    shuffled = np.random.default_rng(12).permutation(np.flatnonzero(~netlist.inert)).tolist()
    every: list[Modes] = [((t, MODE_OFF if k % 2 else MODE_ON),) for k, t in enumerate(shuffled)]
    # those that a single chip can run compiled: the event engine takes a minute for two such games
    quick = (m for m in every if engine.is_exact(none, row_modes(netlist, dict(m))))
    modes = list(itertools.islice(quick, 8))
    intact = run_intact(game)
    return intact.outcome, modes, run_unit(game, intact, LesionUnit(tuple(modes)))


def pictures(game: Game, modes: Modes, held: ConsoleInputs) -> list[np.ndarray]:
    """(lines, columns) of each frame that a single chip ends, the stick held as said from HELD_FROM on."""
    powering = Machine(EventEngine(game.netlist, game.chip), game.image, word_fields(game.chip))
    start = power_on(powering, dict(modes)).start
    machine = Machine(CompiledEngine(game.netlist, game.chip), game.image, {})
    machine.engine.restore(start.chip)
    machine.board[:] = start.board
    found: list[np.ndarray] = []
    for first, beyond, inputs in zip(
        (0, 2, 5, HELD_FROM), (2, 5, HELD_FROM, N_FRAMES), (NOTHING, RESET, NOTHING, held), strict=True
    ):
        apply_inputs(machine.board, inputs)
        left = TICKS_PER_FRAME * (beyond - first)
        while left:
            run = machine.run(left)
            left -= run.n
            found += [frame["screen"].copy() for frame in run.frames]
    return found


def test_pictures_similarity_and_answers_are_those_of_single_chips(
    game: Game, played: tuple[Outcome, list[Modes], list[Outcome]]
) -> None:
    intact_outcome, modes, outcomes = played
    intact = pictures(game, (), HELD)
    n = intact_outcome.n_frames
    assert n == len(intact) > N_FRAMES // 2
    assert intact_outcome.responds
    seen_similarities, seen_answers = set(), set()
    for lesion, outcome in zip(modes, outcomes, strict=True):
        held, idle = (pictures(game, lesion, inputs) for inputs in (HELD, NOTHING))
        kappas = [
            (1.0 if (a == b).all() else cohen_kappa_score(a.ravel(), b.ravel())) if k < len(held) else 0.0
            for k, (a, b) in enumerate(zip(intact, held[:n] + [intact[0] + 2] * (n - len(held)), strict=True))
        ]
        assert outcome.similarity == pytest.approx(np.mean(kappas), abs=1e-6), lesion
        assert outcome.last_similarity == pytest.approx(kappas[-1], abs=1e-6), lesion
        differ = len(held) != len(idle) or any((a != b).any() for a, b in zip(held, idle, strict=True))
        assert outcome.responds == differ, lesion
        assert outcome.n_frames == min(len(held), n), lesion
        seen_similarities.add(round(outcome.similarity, 3))
        seen_answers.add(outcome.responds)
    assert len(seen_similarities) > 2
    assert seen_answers == {True, False}
