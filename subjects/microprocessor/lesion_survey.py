"""The lesion survey of a chip: what becomes of a game when transistors are stuck or gone.

Every chip is lesioned from power-on. It plays by itself until a third of the run is over, then RESET is pressed, and
from two thirds on the stick is held right with the button down; the run's last third is done a second time with
nothing held, which shows whether pictures still depend on the stick.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from rig.perturbation import LESIONS, PerturbationKind
from rig.survey.plan import FAILS, SEVERITY, Lesion, OutcomeColumn, PublishedCounts, outcome_dtype
from rig.units import UnitTable
from subjects.microprocessor.atari2600.console import ConsoleInputs, Stick
from subjects.microprocessor.lanes import lesion_units
from subjects.microprocessor.lanes.known_inexact import INEXACT_IN_LANES
from subjects.microprocessor.lanes.outcomes import Game, Intact, Outcome, Plan, run_intact, run_unit
from subjects.microprocessor.opening import Prepared, prepare
from subjects.microprocessor.unit_table import TRANSISTOR, first_transistor_id

SHORTEST_WITH_STICK = 30
"""Frames; in a shorter run nobody holds the stick."""
RESET_FRAMES = 4
PAPER = "Jonas & Kording, PLoS Comput Biol 13(1): e1005268 (2017), Fig. 4"


class ChipSurvey:
    """See the module."""

    columns = (
        OutcomeColumn(FAILS, "?", "no frame with more than one colour is ended by the program: it is not drawn"),
        OutcomeColumn(SEVERITY, "<f4", "1 − mean of Cohen's kappa of the pictures to the intact chip's, 0 to 1"),
        OutcomeColumn("first_picture_tick", "<i8", "end of the first frame drawn, −1: none"),
        OutcomeColumn("bus_differs_tick", "<i8", "first bus access that is not the intact chip's, −1: none"),
        OutcomeColumn("screen_differs_tick", "<i8", "first pixel that is not the intact chip's, −1: none"),
        OutcomeColumn("n_frames_drawn", "<i4", "frames that the program ended"),
        OutcomeColumn("similarity", "<f4", "mean of Cohen's kappa of the pictures to the intact chip's"),
        OutcomeColumn("last_similarity", "<f4", "the same of the last picture"),
        OutcomeColumn("responds", "|i1", "pictures depend on the stick: 1 or 0; −1: not asked"),
        OutcomeColumn(
            "exact_until_tick",
            "<i8",
            "from here on only the event engine would be exact, 0: lanes are known to differ from it in some node; "
            "−1: no such tick is known",
        ),
        OutcomeColumn("unstable_tick", "<i8", "the chip would not settle and was run no further, −1: never"),
    )
    kinds = LESIONS
    varied_option = "cartridge"
    portion_lesions = 511

    def published(self, kind: PerturbationKind, n_preparations: int) -> PublishedCounts | None:
        if kind is not PerturbationKind.STUCK_ON or n_preparations != 3:
            return None
        return PublishedCounts(
            PAPER,
            (1565, 186, 200, 1560),
            (
                "the paper's games are Donkey Kong, Space Invaders and Pitfall; it counts 3510 transistors and names "
                "3511 outcomes",
                "its simulator lost writes to the RIOT's timer, on which all three games wait; this board has it",
                "it ran the chip on a simulated board of its own; power-up, lesions before or after it, and how long "
                "a first frame may take are not stated",
            ),
        )

    def preparation(self, options: Mapping[str, str]) -> tuple[UnitTable, NDArray[np.int64], str]:
        prepared = prepare(options)
        units = prepared.units
        return units, units.unit_id[np.asarray(units.kind) == TRANSISTOR], prepared.fingerprint

    def arranged(self, options: Mapping[str, str], kind: PerturbationKind, lesions: Sequence[Lesion]) -> list[Lesion]:
        prepared = prepare(options)
        wanted = _lane_lesions(prepared, kind, lesions)
        place: dict[lesion_units.Modes, int] = {}
        for unit in lesion_units.lesion_units(prepared.netlist, prepared.chip, wanted):
            for modes in unit.modes:
                place[modes] = len(place)
        keys = [place.get(lesion_units.modes_of(prepared.netlist, lesion), -1) for lesion in wanted]
        return [lesions[k] for k in np.argsort(keys, kind="stable")]

    def run(
        self,
        options: Mapping[str, str],
        kind: PerturbationKind,
        lesions: Sequence[Lesion],
        n_frames: int,
        cancelled: Callable[[], bool],
    ) -> NDArray[np.void] | None:
        prepared, game, intact = _played_intact(tuple(sorted(options.items())), n_frames)
        wanted = _lane_lesions(prepared, kind, lesions)
        found: dict[lesion_units.Modes, Outcome] = {}
        for unit in lesion_units.lesion_units(game.netlist, game.chip, wanted):
            if cancelled():
                return None
            for modes, outcome in zip(unit.modes, run_unit(game, intact, unit), strict=True):
                listed = lesion_units.is_listed(game.netlist, INEXACT_IN_LANES[game.chip.name], modes)
                found[modes] = replace(outcome, racy_tick=0) if listed else outcome
        outcomes = [found.get(lesion_units.modes_of(game.netlist, lesion), intact.outcome) for lesion in wanted]
        return np.array([_row(outcome) for outcome in outcomes], outcome_dtype(self.columns))


def _lane_lesions(prepared: Prepared, kind: PerturbationKind, lesions: Sequence[Lesion]) -> list[lesion_units.Lesion]:
    first = first_transistor_id(prepared.netlist)
    return [lesion_units.Lesion(tuple(u - first for u in ids), kind) for ids in lesions]


@functools.lru_cache(maxsize=4)
def _played_intact(options: tuple[tuple[str, str], ...], n_frames: int) -> tuple[Prepared, Game, Intact]:
    prepared = prepare(dict(options))
    game = Game(prepared.netlist, prepared.chip, prepared.cartridge.image, stick_plan(n_frames))
    return prepared, game, run_intact(game)


def stick_plan(n_frames: int) -> Plan:
    """What is held when; see the module."""
    if n_frames < SHORTEST_WITH_STICK:
        return Plan(n_frames)
    reset, hold = n_frames // 3, 2 * n_frames // 3
    script = (
        (reset, ConsoleInputs(reset=True)),
        (reset + RESET_FRAMES, ConsoleInputs()),
        (hold, ConsoleInputs(stick0=Stick(right=True, fire=True))),
    )
    return Plan(n_frames, script, hold)


def _row(outcome: Outcome) -> tuple[object, ...]:
    fails = not outcome.draws
    return (
        fails,
        1.0 if fails else float(np.clip(1 - outcome.similarity, 0, 1)),
        outcome.first_picture_tick,
        outcome.bus_tick,
        outcome.screen_tick,
        outcome.n_synced,
        outcome.similarity,
        outcome.last_similarity,
        -1 if outcome.responds is None else int(outcome.responds),
        outcome.racy_tick,
        outcome.unstable_tick,
    )
