"""What holds which units, and what that means to the engine at a tick."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from rig.errors import SpecError
from rig.perturbation import Perturbation, PerturbationKind, perturbation_from_json, perturbation_to_json
from rig.schedule import Changes
from subjects.language_model.direction import Direction
from subjects.language_model.edits import Affine, DirectionEdit, Edits, HeadEdit
from subjects.language_model.reference import Reference
from subjects.language_model.sampling import uniform
from subjects.language_model.trace import UnitLayout

KINDS = frozenset(set(PerturbationKind) - {PerturbationKind.STUCK_ON, PerturbationKind.STUCK_OFF})
_REFERRING = (PerturbationKind.MEAN, PerturbationKind.RESAMPLE)
_REFERENCE_SEED = 0x5EED  # keeps the draws of `resample` apart from those of tokens


@dataclass(frozen=True)
class Holds:
    """Which perturbation holds each unit, and what is lesioned; a value, shared by all positions that had it."""

    held: Mapping[int, Perturbation] = field(default_factory=dict)
    lesioned: frozenset[int] = frozenset()

    @property
    def none(self) -> bool:
        return not self.held and not self.lesioned

    @property
    def fleeting(self) -> bool:
        """Whether it means something else at every tick."""
        return any(p.kind in (PerturbationKind.RESAMPLE, PerturbationKind.PATCH) for p in self.held.values())

    def changed(self, changes: Changes) -> Holds:
        held = {u: p for u, p in self.held.items() if u not in changes.held}
        held |= {u: p for u, p in changes.held.items() if p is not None}
        return Holds(held, self.lesioned.union(*(p.unit_ids for p in changes.lesions)))

    def to_json(self) -> dict[str, Any]:
        given = list({id(p): p for p in self.held.values()}.values())
        number = {id(p): i for i, p in enumerate(given)}
        return {
            "given": [perturbation_to_json(p) for p in given],
            "held": [[u, number[id(p)]] for u, p in self.held.items()],
            "lesioned": sorted(self.lesioned),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Holds:
        given = [perturbation_from_json(p) for p in value["given"]]
        return cls({int(u): given[i] for u, i in value["held"]}, frozenset(int(u) for u in value["lesioned"]))


def check_perturbation(
    p: Perturbation, layout: UnitLayout, directions: tuple[Direction | None, ...], d_head: int
) -> None:
    """Raises SpecError : it cannot be done, or not to these units."""
    if p.kind not in KINDS:
        raise SpecError(f"asked for {p.kind}; a language model takes {', '.join(sorted(KINDS))}")
    values = (p.level, *p.weights, *(v for row in p.waveform for v in row))
    if not all(math.isfinite(v) and abs(v) <= 1e6 for v in values):
        raise SpecError(f"asked for {p.kind} with a value beyond ±1e6; that is no activation")
    n_heads = len(layout.heads_among(p.unit_ids))
    if p.values_per_unit > 1 and (p.values_per_unit != d_head or n_heads < len(p.unit_ids)):
        raise SpecError(
            f"asked for a patch with {p.values_per_unit} values a unit; a head takes {d_head} (or its norm alone), "
            "every other unit takes one: patch heads by themselves"
        )
    for unit in p.unit_ids:
        slot = unit - layout.first_direction
        if 0 <= slot < layout.n_directions and directions[slot] is None:
            raise SpecError(
                f"asked for {p.kind} of dir{slot + 1}, which is empty; set the control direction_{slot + 1} first"
            )


class EditMaker:
    """Turns holds into edits.

    Parameters
    ----------
    reference : called for what means and samples are taken from, when they are first needed
    """

    def __init__(self, layout: UnitLayout, reference: Callable[[], Reference], device: str) -> None:
        self._layout, self._reference, self._device = layout, reference, device
        self.directions: tuple[Direction | None, ...] = (None,) * layout.n_directions
        self.seed = 0
        self._made: dict[int, tuple[Holds, Edits]] = {}

    def forget(self) -> None:
        """Directions or the seed have changed."""
        self._made.clear()

    def edits(self, holds: Holds, tick: int) -> Edits:
        """What is to be done at a tick while these hold."""
        if holds.none:
            return Edits()
        if holds.fleeting:
            return self._make(holds, tick)
        made = self._made.get(id(holds))
        if made is None or made[0] is not holds:
            if len(self._made) > 64:
                self._made.clear()
            self._made[id(holds)] = made = (holds, self._make(holds, tick))
        return made[1]

    def _make(self, holds: Holds, tick: int) -> Edits:
        values = dict.fromkeys(holds.lesioned, (0.0, 0.0))
        vectors: dict[int, tuple[float, Tensor]] = {}
        of_reference: dict[int, tuple[float, Perturbation]] = {}
        places: dict[int, dict[int, int]] = {}
        for unit, p in holds.held.items():
            if unit in holds.lesioned:
                continue
            at = places.setdefault(id(p), {u: i for i, u in enumerate(p.unit_ids)})[unit]
            weight = p.weights[at] if p.weights else 1.0
            if p.kind in _REFERRING:
                of_reference[unit] = (weight, p)
                continue
            if p.kind is PerturbationKind.PATCH:
                patch = p.waveform_of(at, tick)
                if patch is None:
                    continue
                if len(patch) > 1:
                    vectors[unit] = (1.0 - weight, weight * torch.tensor(patch, device=self._device))
                else:
                    values[unit] = (1.0 - weight, weight * patch[0])
                continue
            scale, shift = self._meaning(p)
            values[unit] = (1.0 + weight * (scale - 1.0), weight * shift)
        vectors |= self._referred(of_reference, values, tick)
        return self._sorted(values, vectors)

    def _meaning(self, p: Perturbation) -> tuple[float, float]:
        """Scale and shift."""
        if p.kind is PerturbationKind.SCALE:
            return p.level, 0.0
        return (1.0 if p.kind is PerturbationKind.ADD else 0.0), p.level

    def _referred(
        self, wanted: Mapping[int, tuple[float, Perturbation]], values: dict[int, tuple[float, float]], tick: int
    ) -> dict[int, tuple[float, Tensor]]:
        """Means and samples: numbers go into `values`, vectors of heads are returned as (scale, shift)."""
        vectors: dict[int, tuple[float, Tensor]] = {}
        if not wanted:
            return vectors
        reference, layout = self._reference(), self._layout
        moment = int(uniform(self.seed, _REFERENCE_SEED, tick) * len(reference.activity))
        for unit, (weight, p) in wanted.items():
            rows = slice(None) if p.kind is PerturbationKind.MEAN else slice(moment, moment + 1)
            if layout.first_head <= unit < layout.first_residual:
                layer, head = divmod(unit - layout.first_head, layout.n_heads)
                vectors[unit] = (1.0 - weight, weight * reference.z[rows, layer, head].mean(dim=0))
                continue
            slot = unit - layout.first_direction
            if 0 <= slot < layout.n_directions:
                direction = self.directions[slot]
                mean = 0.0 if direction is None else float(direction.along(reference.residual)[rows].mean())
            else:
                mean = float(reference.activity[rows, unit].mean())
            values[unit] = (1.0 - weight, weight * mean)
        return vectors

    def _sorted(self, values: Mapping[int, tuple[float, float]], vectors: Mapping[int, tuple[float, Tensor]]) -> Edits:
        """By what the engine meets first."""
        layout = self._layout
        neurons: dict[int, list[tuple[int, float, float]]] = {}
        residual: dict[int, list[tuple[int, float, float]]] = {}
        heads: dict[int, list[HeadEdit]] = {}
        directions: dict[int, list[DirectionEdit]] = {}
        logits: list[tuple[int, float, float]] = []
        for unit, (scale, shift) in sorted(values.items()):
            if unit < layout.first_head:
                layer, i = divmod(unit, layout.d_mlp)
                neurons.setdefault(layer, []).append((i, scale, shift))
            elif unit < layout.first_residual:
                layer, i = divmod(unit - layout.first_head, layout.n_heads)
                heads.setdefault(layer, []).append(HeadEdit(i, scale, shift))
            elif unit < layout.first_direction:
                layer, i = divmod(unit - layout.first_residual, layout.d_model)
                residual.setdefault(layer, []).append((i, scale, shift))
            elif unit < layout.first_token:
                direction = self.directions[unit - layout.first_direction]
                if direction is not None:
                    edit = DirectionEdit(direction.vector, scale, shift)
                    directions.setdefault(direction.layer, []).append(edit)
            else:
                logits.append((layout.token_ids[unit - layout.first_token], scale, shift))
        for unit, (scale, vector) in sorted(vectors.items()):
            layer, i = divmod(unit - layout.first_head, layout.n_heads)
            heads.setdefault(layer, []).append(HeadEdit(i, scale, 0.0, vector))
        return Edits(
            {layer: self._affine(rows) for layer, rows in neurons.items()},
            heads,
            {layer: self._affine(rows) for layer, rows in residual.items()},
            directions,
            self._affine(logits) if logits else None,
        )

    def _affine(self, rows: list[tuple[int, float, float]]) -> Affine:
        index, scale, shift = zip(*rows, strict=True)

        return Affine(
            torch.tensor(index, device=self._device),
            torch.tensor(scale, dtype=torch.float32, device=self._device),
            torch.tensor(shift, dtype=torch.float32, device=self._device),
        )
