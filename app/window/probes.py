"""Probes as a hand moves them: a straight row of electrodes about a middle, and what the session makes of it."""

from __future__ import annotations

import string
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal, Slot

from app.window.desk import Desk
from app.window.preparation_geometry import MapUnits, nice_length
from rig.field import FIELD_STREAM
from rig.log import LogEntry, LogKind
from rig.probe import Probe, probe_from_json
from rig.process.client import RigClient

N_ELECTRODES = 8
SIGMA = 300.0
"""Reach of an electrode of a new probe, in the unit of space."""
MAX_ELECTRODES = 384
_PITCH_SHARE = 0.12  # of the preparation's longer side between two electrodes: eight go through most of it


@dataclass(frozen=True)
class Shaft:
    """A straight probe with even spacing.

    Attributes
    ----------
    x, y, z : its middle
    along : unit vector (x, y, z) from electrode 1 to the last
    pitch : distance between neighbours, > 0
    """

    name: str
    x: float
    y: float
    z: float
    n: int
    pitch: float
    sigma: float
    along: tuple[float, float, float]

    def to_probe(self) -> Probe:
        """Raises SpecError for a name or a figure that no probe can have."""
        steps = (np.arange(self.n) - (self.n - 1) / 2) * self.pitch
        places = np.array([self.x, self.y, self.z]) + steps[:, None] * np.array(self.along)
        return Probe(self.name, tuple((float(x), float(y), float(z)) for x, y, z in places), self.sigma)


def shaft_of(probe: Probe, default_pitch: float, down: tuple[float, float, float]) -> Shaft:
    """The shaft that comes nearest to a probe; exact for straight and even ones."""
    places = np.asarray(probe.electrodes, np.float64)
    x, y, z = (float(v) for v in (places[0] + places[-1]) / 2)
    span = places[-1] - places[0]
    length = float(np.linalg.norm(span))
    if len(places) < 2 or length == 0:
        return Shaft(probe.name, x, y, z, len(places), default_pitch, probe.sigma, down)
    ax, ay, az = (float(v) for v in span / length)
    return Shaft(probe.name, x, y, z, len(places), length / (len(places) - 1), probe.sigma, (ax, ay, az))


def moved(probe: Probe, dx: float, dy: float) -> Probe:
    """The same elsewhere."""
    return replace(probe, electrodes=tuple((x + dx, y + dy, z) for x, y, z in probe.electrodes))


def new_shaft(units: MapUnits, names: Sequence[str], x: float, y: float, y_up: bool) -> Shaft:
    """What a click drops: eight electrodes from the top down, spaced to reach through most of the preparation."""
    height = units.bounds[3] - units.bounds[1]
    width = units.bounds[2] - units.bounds[0]
    # a flat preparation is crossed, not followed
    pitch = nice_length(_PITCH_SHARE * (height if height > width / 4 else units.extent / 4))
    sigma = SIGMA if units.extent > 2 * SIGMA else nice_length(units.extent / 4)
    return Shaft(free_name(names), x, y, 0.0, N_ELECTRODES, pitch, sigma, downwards(y_up))


def downwards(y_up: bool) -> tuple[float, float, float]:
    """From the top of the map to its bottom."""
    return (0.0, -1.0 if y_up else 1.0, 0.0)


def free_name(names: Sequence[str]) -> str:
    """``A``, ``B`` … ``Z``, ``A2`` …"""
    taken = set(names)
    for turn in range(1, len(taken) + 2):
        for letter in string.ascii_uppercase:
            name = letter if turn == 1 else f"{letter}{turn}"
            if name not in taken:
                return name
    raise AssertionError("more names than taken ones were tried")


def nearest_probe(probes_px: Sequence[NDArray[np.float64]], x_px: float, y_px: float, reach_px: float) -> int | None:
    """The probe whose shaft passes within reach of a point; the last drawn of several.

    Parameters
    ----------
    probes_px : (n, 2) places of each probe's electrodes on the screen
    """
    for number in reversed(range(len(probes_px))):
        places = probes_px[number]
        point = np.array([x_px, y_px])
        start, stop = places[0], places[-1]
        length2 = float(((stop - start) ** 2).sum())
        share = 0.0 if length2 == 0 else float(np.clip((point - start) @ (stop - start) / length2, 0, 1))
        if float(np.hypot(*(start + share * (stop - start) - point))) <= reach_px:
            return number
        if float(np.hypot(*(places - point).T).min()) <= reach_px:
            return number
    return None


class ProbeSet(QObject):
    """The probes that are in, as the session logged them, whoever put them there."""

    changed = Signal()

    def __init__(self, desk: Desk, parent: QObject) -> None:
        super().__init__(parent)
        self._desk = desk
        self.probes: tuple[Probe, ...] = ()
        for entry in desk.entries:
            self._on_logged(entry)
        desk.logged.connect(self._on_logged)
        desk.opened.connect(self._on_opened)

    def put(self, probes: Sequence[Probe]) -> bool:
        """Have exactly these, and watch their field; whether the session agreed (the desk says why not)."""

        def act(client: RigClient) -> bool:
            client.set_probes(probes)
            if probes and FIELD_STREAM not in client.watched:
                client.watch(FIELD_STREAM, None)
            return True

        return bool(self._desk.do(act))

    @Slot(object)
    def _on_logged(self, entry: LogEntry) -> None:
        if entry.kind is LogKind.WATCH and "probes" in entry.payload:
            self.probes = tuple(probe_from_json(p) for p in entry.payload["probes"])
            self.changed.emit()

    @Slot()
    def _on_opened(self) -> None:
        self.probes = ()
        self.changed.emit()
