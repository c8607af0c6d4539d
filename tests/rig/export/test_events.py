"""The command log as tables."""

from __future__ import annotations

import numpy as np
import pytest

from rig.export.events import log_rows, perturbation_intervals
from rig.log import LogEntry, LogKind
from rig.perturbation import Perturbation, PerturbationKind, perturbation_to_json
from rig.units import UnitTable

UNITS = UnitTable.build(np.arange(5), list("abcde"))
DRIVE, SILENCE, RELEASE, REMOVE = (
    PerturbationKind.DRIVE,
    PerturbationKind.SILENCE,
    PerturbationKind.RELEASE,
    PerturbationKind.REMOVE,
)


def log_of(*given):
    return [LogEntry(i, p.start_tick, 0.0, LogKind.PERTURB, perturbation_to_json(p)) for i, p in enumerate(given)]


def intervals(*given, start=0, stop=1000):
    found = perturbation_intervals(log_of(*given), UNITS, start, stop)
    return [(p.kind, "".join(p.unit_names), p.start_tick, p.stop_tick, p.open_ended) for p in found]


def test_an_interval_ends_where_it_was_to_end():
    assert intervals(Perturbation(DRIVE, (0, 1), 10, 20)) == [("drive", "ab", 10, 20, False)]


def test_what_nobody_ended_ends_with_the_export():
    assert intervals(Perturbation(DRIVE, (0,), 10), Perturbation(REMOVE, (1,), 5)) == [
        ("remove", "b", 5, 1000, True),
        ("drive", "a", 10, 1000, True),
    ]
    assert intervals(Perturbation(DRIVE, (0,), 10, 1000), Perturbation(DRIVE, (1,), 20, 1001)) == [
        ("drive", "a", 10, 1000, False),
        ("drive", "b", 20, 1000, True),
    ]


def test_a_release_ends_the_units_it_names_and_cuts_short_what_had_an_end():
    assert intervals(
        Perturbation(SILENCE, (0, 1, 2), 10, 90), Perturbation(RELEASE, (1,), 40), Perturbation(RELEASE, (2,), 95)
    ) == [("silence", "ac", 10, 90, False), ("silence", "b", 10, 40, False)]


def test_a_release_before_or_of_others_ends_nothing():
    assert intervals(
        Perturbation(RELEASE, (0,), 10), Perturbation(DRIVE, (0,), 10), Perturbation(RELEASE, (1,), 50)
    ) == [("drive", "a", 10, 1000, True)]


def test_a_release_at_once_leaves_nothing():
    assert intervals(Perturbation(DRIVE, (0,), 10), Perturbation(RELEASE, (0,), 10)) == []


def test_a_release_does_not_heal_a_lesion():
    assert intervals(Perturbation(REMOVE, (0,), 10), Perturbation(RELEASE, (0,), 20)) == [
        ("remove", "a", 10, 1000, True)
    ]


@pytest.mark.parametrize(
    ("start", "stop", "expected"),
    [(0, 10, 0), (0, 11, 1), (19, 30, 1), (20, 30, 0)],
    ids=["ends before", "first tick", "last tick", "begins after"],
)
def test_only_what_held_in_the_part_is_told(start, stop, expected):
    assert len(intervals(Perturbation(DRIVE, (0,), 10, 20), start=start, stop=stop)) == expected


def test_the_log_in_words_is_in_order_and_needs_no_unpacking():
    log = [
        LogEntry(3, 50, 1.0, LogKind.CONTROL, {"name": "fire", "value": True}),
        LogEntry(1, 50, 0.5, LogKind.TRIGGER, {"name": "sync", "where": {"unit": 3}}),
        LogEntry(0, 0, 0.0, LogKind.RESET, {"seed": 4}),
        LogEntry(4, 60, 2.0, LogKind.MARK, {"number": 2}),
        LogEntry(5, 70, 2.0, LogKind.NOTE, {"text": "late"}),
        *log_of(Perturbation(DRIVE, (0, 1), 55, 60))[:1],
    ]
    rows = log_rows(log, 0, 60)
    assert [(r.tick, r.kind, r.name, r.value) for r in rows] == [
        (0, "reset", "", "seed=4"),
        (50, "trigger", "sync", 'where=("unit": 3)'),
        (50, "control", "fire", "True"),
        (55, "perturb", "drive", "units 0 1; ticks 55 to 60; amplitude 1"),
        (60, "mark", "", "2"),
    ]
