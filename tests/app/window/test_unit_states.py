"""What is done to units, by the log: overlapping holds, releases, short pulses, time turned back."""

from __future__ import annotations

from app.window.unit_states import UnitState, UnitStates
from rig.log import LogEntry, LogKind
from rig.perturbation import Perturbation, PerturbationKind, perturbation_to_json

DRIVEN, SILENCED, LESIONED = UnitState.DRIVEN, UnitState.SILENCED, UnitState.LESIONED


class Log:
    """Writes entries as the session does."""

    def __init__(self) -> None:
        self.states = UnitStates()
        self._seq = 0

    def perturb(self, tick: int, kind: PerturbationKind, units: tuple[int, ...], start: int, stop: int | None) -> None:
        self._add(tick, LogKind.PERTURB, perturbation_to_json(Perturbation(kind, units, start, stop)))

    def _add(self, tick: int, kind: LogKind, payload: dict[str, object]) -> None:
        self.states.add(LogEntry(self._seq, tick, 0.0, kind, payload))
        self._seq += 1

    def reset(self) -> None:
        self._add(0, LogKind.RESET, {"seed": 0})

    def restore(self, tick: int) -> None:
        self._add(tick, LogKind.RESTORE, {"tick": tick})

    def at(self, tick: int) -> dict[int, UnitState]:
        self.states.update(tick)
        return dict(self.states.of)


def test_a_hold_shows_from_its_first_tick_to_its_last() -> None:
    log = Log()
    log.perturb(5, PerturbationKind.SILENCE, (1, 2), 10, 20)
    assert log.at(10) == {}  # ticks 0 … 9 are done
    assert log.at(11) == {1: SILENCED, 2: SILENCED}
    assert log.at(20) == {1: SILENCED, 2: SILENCED}
    assert log.at(21) == {}


def test_a_pulse_between_two_looks_is_seen_at_the_second_only() -> None:
    log = Log()
    log.perturb(0, PerturbationKind.DRIVE, (3,), 100, 101)
    assert log.at(50) == {}
    assert log.at(5000) == {3: DRIVEN}
    assert log.at(6000) == {}


def test_what_started_last_wins_and_what_still_lasts_holds_again() -> None:
    log = Log()
    log.perturb(0, PerturbationKind.SILENCE, (1,), 0, None)
    log.perturb(0, PerturbationKind.DRIVE, (1,), 10, 20)
    assert log.at(5) == {1: SILENCED}
    assert log.at(15) == {1: DRIVEN}
    assert log.at(25) == {1: DRIVEN}  # it ended since the last look
    assert log.at(30) == {1: SILENCED}


def test_a_release_frees_only_its_units() -> None:
    log = Log()
    log.perturb(0, PerturbationKind.SILENCE, (1, 2), 0, None)
    log.perturb(5, PerturbationKind.RELEASE, (1,), 5, None)
    assert log.at(10) == {2: SILENCED}


def test_a_lesion_stays_whatever_else_is_done() -> None:
    log = Log()
    log.perturb(0, PerturbationKind.REMOVE, (1,), 0, None)
    log.perturb(0, PerturbationKind.DRIVE, (1,), 5, None)
    log.perturb(0, PerturbationKind.RELEASE, (1,), 8, None)
    assert log.at(7) == {1: LESIONED}
    assert log.at(100) == {1: LESIONED}


def test_a_reset_heals_everything() -> None:
    log = Log()
    log.perturb(0, PerturbationKind.STUCK_ON, (1,), 0, None)
    log.perturb(0, PerturbationKind.DRIVE, (2,), 1000, 2000)
    assert log.at(5) == {1: LESIONED}
    log.reset()
    assert log.at(1500) == {}


def test_going_back_forgets_what_was_given_later() -> None:
    log = Log()
    log.perturb(10, PerturbationKind.REMOVE, (1,), 10, None)
    log.perturb(50, PerturbationKind.REMOVE, (2,), 50, None)
    assert log.at(60) == {1: LESIONED, 2: LESIONED}
    log.restore(30)
    assert log.at(30) == {1: LESIONED}


def test_an_update_says_whether_anything_changed() -> None:
    log = Log()
    log.perturb(0, PerturbationKind.SILENCE, (1,), 10, 20)
    log.states.update(1)
    assert not log.states.update(5)
    assert log.states.update(11)
    assert not log.states.update(15)
    assert not log.states.update(20)
    assert log.states.update(21)
