"""Probes: electrodes in the subject's space. What they see is computed in `rig.field`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rig.errors import SpecError
from rig.units import UnitTable


@dataclass(frozen=True)
class Probe:
    """A named set of electrodes.

    Attributes
    ----------
    name : such as ``A``; electrode i of it is the channel ``A1``, ``A2`` …
    electrodes : ((x, y, z), …) in the subject's space; z of the units is ignored where it is NaN
    sigma : reach of an electrode: the standard deviation of the Gaussian by which it weighs activity, in the same
        space; 500 µm in Jonas & Kording 2017, Fig 8
    """

    name: str
    electrodes: tuple[tuple[float, float, float], ...]
    sigma: float = 500.0

    def __post_init__(self) -> None:
        if not self.name or not self.name.replace("_", "").isalnum():
            raise SpecError(f"asked for a probe named {self.name!r}; a name is letters, digits and _")
        if not self.electrodes:
            raise SpecError(f"asked for probe {self.name} without electrodes; give it at least one position")
        if not (np.isfinite(self.sigma) and self.sigma > 0):
            raise SpecError(f"asked for probe {self.name} with sigma {self.sigma}; it must be a positive distance")
        if not np.isfinite(np.asarray(self.electrodes)).all():
            raise SpecError(f"asked for probe {self.name} with an electrode nowhere; positions must be finite numbers")

    @property
    def channel_names(self) -> tuple[str, ...]:
        return tuple(f"{self.name}{i + 1}" for i in range(len(self.electrodes)))

    def weights(self, units: UnitTable, falloff: str = "gaussian", radius: float | None = None) -> NDArray[np.float32]:
        """How strongly each electrode sees each unit.

        Parameters
        ----------
        falloff : ``gaussian`` (exp(−d² / 2σ²)) or ``flat`` (1)
        radius : units further off are not seen at all

        Returns
        -------
        (n_units, n_electrodes) float32, 0 for units without a position
        """
        d2 = squared_distances(units, np.asarray(self.electrodes, dtype=np.float64))
        weight = np.exp(-d2 / (2 * self.sigma**2)) if falloff == "gaussian" else np.ones_like(d2)
        weight[~np.isfinite(d2)] = 0
        if radius is not None:
            weight[d2 > radius**2] = 0
        return weight.astype(np.float32)


def squared_distances(units: UnitTable, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n_units, n_points) squared distances; inf for units without a position. z counts where both have one."""
    dx = units.x[:, None].astype(np.float64) - points[None, :, 0]
    dy = units.y[:, None].astype(np.float64) - points[None, :, 1]
    dz = units.z[:, None].astype(np.float64) - points[None, :, 2]
    d2: NDArray[np.float64] = dx**2 + dy**2 + np.where(np.isnan(dz), 0, dz) ** 2
    d2[np.isnan(d2)] = np.inf
    return d2


def probe_to_json(probe: Probe) -> dict[str, Any]:
    return {"name": probe.name, "electrodes": [list(e) for e in probe.electrodes], "sigma": probe.sigma}


def probe_from_json(value: Mapping[str, Any]) -> Probe:
    electrodes: Sequence[Sequence[float]] = value["electrodes"]
    return Probe(
        str(value["name"]), tuple((float(x), float(y), float(z)) for x, y, z in electrodes), float(value["sigma"])
    )
