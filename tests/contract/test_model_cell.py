"""The model cell, sample by sample, against its formulas worked out one tick and one unit at a time."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from rig.errors import SpecError
from rig.perturbation import Perturbation, PerturbationKind
from rig.subject import Subject
from subjects.model_cell import PLUGIN

DRIVE, SILENCE, RELEASE = PerturbationKind.DRIVE, PerturbationKind.SILENCE, PerturbationKind.RELEASE
STUCK_ON, STUCK_OFF, REMOVE = PerturbationKind.STUCK_ON, PerturbationKind.STUCK_OFF, PerturbationKind.REMOVE


@dataclass
class Expected:
    """What the formulas give, tick by tick.

    `held` and `lesioned`: (unit, first tick, tick after the last or None, level); gain and light: value from a tick on.
    """

    n_units: int
    frame_ticks: int
    seed: int
    n_ticks: int
    held: tuple[tuple[int, int, int | None, int], ...] = ()
    lesioned: tuple[tuple[int, int, int | None, int], ...] = ()
    gain: dict[int, int] = field(default_factory=dict)
    light: dict[int, bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.spikes: list[list[int]] = []
        self.charge: list[list[int]] = []
        self.words: list[tuple[int, int, int]] = []
        self.frames: list[tuple[int, list[list[int]]]] = []
        charge = [0] * self.n_units
        gain, light = 1, True
        for t in range(self.n_ticks):
            gain, light = self.gain.get(t, gain), self.light.get(t, light)
            spikes = [self._spike(i, t) for i in range(self.n_units)]
            charge = [(c + gain * s) % 1048576 for c, s in zip(charge, spikes, strict=True)]
            self.spikes.append(spikes)
            self.charge.append(charge)
            data = sum(s << i for i, s in enumerate(spikes[:8]))
            self.words.append((t % 65536, data, int(data == 0)))
            if (t + 1) % self.frame_ticks == 0:
                rows = [[(c >> r) & 1 if light else 1 - ((c >> r) & 1) for c in charge] for r in range(8)]
                self.frames.append((t, rows))
        self.counts = [
            [sum(self.spikes[t][i] for t in range(4 * j, 4 * j + 4)) for i in range(self.n_units)]
            for j in range(self.n_ticks // 4)
        ]

    def _spike(self, i: int, t: int) -> int:
        phase = self.seed * (i + 1) % (i + 2)
        level = int((t + phase) % (i + 2) == 0)
        for holds in (self.held, self.lesioned):
            for unit, start, stop, forced in holds:
                if unit == i and start <= t and (stop is None or t < stop):
                    level = forced
        return level


def advance_and_compare(cell: Subject, expected: Expected, stops: tuple[int, ...]) -> None:
    """Advance from where it stands to each stop in turn and compare the chunks with the expectation's last part."""
    for stop in stops:
        start = cell.tick
        found = {stream.name: [] for stream in cell.streams}
        for chunk in cell.advance(stop - start):
            found[chunk.stream].append(chunk)

        def joined(name: str) -> np.ndarray:
            return np.concatenate([c.data for c in found[name]])  # noqa: B023

        bits = np.unpackbits(joined("spikes"), axis=1, count=expected.n_units, bitorder="little")
        np.testing.assert_array_equal(bits, expected.spikes[start:stop])
        np.testing.assert_array_equal(joined("charge"), np.array(expected.charge[start:stop], np.float32))
        np.testing.assert_array_equal(joined("counts"), expected.counts[start // 4 : stop // 4])
        assert [tuple(map(int, w)) for w in joined("word")] == expected.words[start:stop]
        due = [(t, rows) for t, rows in expected.frames if start <= t < stop]
        assert [int(t) for c in found["frame"] for t in c.ticks] == [t for t, _ in due]
        if due:
            np.testing.assert_array_equal(joined("frame"), np.array([rows for _, rows in due]))


def open_watched(n_units: int, frame_ticks: int, seed: int) -> Subject:
    cell = PLUGIN.open({"units": str(n_units), "frame_ticks": str(frame_ticks)})
    cell.reset(seed)
    for stream in cell.streams:
        cell.watch(stream.name, None)
    return cell


@pytest.mark.parametrize("seed", [0, 1, 5, 1234567])
@pytest.mark.parametrize(("n_units", "frame_ticks"), [(1, 1), (7, 13), (8, 50), (19, 37)])
def test_undisturbed(n_units: int, frame_ticks: int, seed: int):
    cell = open_watched(n_units, frame_ticks, seed)
    advance_and_compare(cell, Expected(n_units, frame_ticks, seed, 403), (4, 100, 203, 403))


def test_a_first_few_by_hand():
    cell = open_watched(3, 50, 0)
    spikes = next(c for c in cell.advance(6) if c.stream == "spikes")
    # unit i spikes at the multiples of i + 2
    assert np.unpackbits(spikes.data, axis=1, count=3, bitorder="little").T.tolist() == [
        [1, 0, 1, 0, 1, 0],
        [1, 0, 0, 1, 0, 0],
        [1, 0, 0, 0, 1, 0],
    ]


def test_more_ticks_than_one_run_of_numpy():
    cell = open_watched(3, 20000, 2)
    advance_and_compare(cell, Expected(3, 20000, 2, 40007), (40007,))


def test_held_and_lesioned_units():
    cell = open_watched(10, 30, 3)
    expected = Expected(
        10,
        30,
        3,
        300,
        held=(
            (0, 10, 20, 1),
            (1, 10, 20, 0),
            (2, 33, 77, 1),
            (2, 50, 60, 0),  # later: wins while it lasts
            (3, 100, 150, 1),  # until released
            (4, 100, None, 0),
            (6, 120, 130, 0),
        ),
        lesioned=((5, 40, None, 1), (6, 125, None, 1), (7, 0, None, 0), (8, 41, None, 0)),
    )
    for perturbation in (
        Perturbation(DRIVE, (100,), 10, 20),
        Perturbation(SILENCE, (101,), 10, 20),
        Perturbation(SILENCE, (102,), 50, 60),
        Perturbation(DRIVE, (102,), 33, 77),
        Perturbation(DRIVE, (103,), 100),
        Perturbation(DRIVE, (104,), 100, amplitude=0.3),
        Perturbation(SILENCE, (106,), 120, 130),
        Perturbation(STUCK_ON, (105,), 40),
        Perturbation(STUCK_ON, (106,), 125),
        Perturbation(REMOVE, (107,), 0),
        Perturbation(STUCK_OFF, (108,), 41),
        Perturbation(DRIVE, (109,), 5, 250, weights=(0.49,)),
    ):
        cell.perturb(perturbation)
    advance_and_compare(cell, expected, (41, 99))
    cell.perturb(Perturbation(RELEASE, (103, 105), 150))
    advance_and_compare(cell, expected, (300,))


def test_controls_count_from_the_next_tick():
    cell = open_watched(9, 25, 1)
    expected = Expected(9, 25, 1, 200, gain={33: 7, 90: 0}, light={75: False, 150: True})
    for stop, name, value in ((33, "gain", 7), (75, "light", False), (90, "gain", 0), (150, "light", True)):
        advance_and_compare(cell, expected, (stop,))
        cell.set_control(name, value)
    cell.set_control("label", "changes nothing")
    advance_and_compare(cell, expected, (200,))


def test_restored_in_the_middle_of_a_bin():
    cell = open_watched(6, 21, 4)
    expected = Expected(6, 21, 4, 150, held=((1, 60, 70, 1),))
    cell.perturb(Perturbation(DRIVE, (101,), 60, 70))
    advance_and_compare(cell, expected, (63,))
    snapshot = cell.snapshot()
    cell.advance(500)
    cell.restore(snapshot)
    advance_and_compare(cell, expected, (64, 150))


def test_places_names_and_numbers():
    units = PLUGIN.open({}).units
    assert units.unit_id.tolist() == list(range(100, 116))
    assert units.name[:2] == ("cell0", "cell1")
    assert units.region[:2] == ("front/left", "front/right")
    assert units.x.tolist() == [100.0 * i for i in range(16)]


@pytest.mark.parametrize("options", [{"units": "0"}, {"units": "4097"}, {"units": "few"}, {"frame_ticks": "-3"}])
def test_options_out_of_range_are_refused(options: dict[str, str]):
    with pytest.raises(SpecError, match="must be a whole number from 1"):
        PLUGIN.open(options)
