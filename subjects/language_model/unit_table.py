"""The units of a model by name and place.

Names: ``L3N512`` a neuron, ``L3H2`` a head, ``L3R17`` a residual direction, ``dir1`` a named direction, ``token king``
a chosen token. Places are schematic: a layer is a band across the map, depth is y, so that a shaft of electrodes
through the layers sees them in order; in a band lie its heads, its neurons and its residual directions.
"""

from __future__ import annotations

import math

import numpy as np

from rig.units import UnitTable
from subjects.language_model.trace import UnitLayout

PITCH = 10.0
ASPECT = 1.6
BAND_GAP = 2  # empty rows between bands, and one between the parts of a band


def language_model_units(layout: UnitLayout, token_words: tuple[str, ...]) -> UnitTable:
    """A row a unit, in the order of `layout`; only neurons and heads emit fields."""
    n_columns = max(8, math.ceil(math.sqrt(ASPECT * layout.n_layers * (layout.d_mlp + layout.d_model))))
    parts = [("H", layout.n_heads), ("N", layout.d_mlp), ("R", layout.d_model)]
    first_row, n_rows = {}, 0
    for letter, n in parts:
        first_row[letter] = n_rows
        n_rows += math.ceil(n / n_columns) + 1
    band = n_rows - 1 + BAND_GAP
    names: list[str] = []
    regions: list[str] = []
    kinds: list[str] = []
    x, y = [], []
    for letter, n, kind, hook in (
        ("N", layout.d_mlp, "neuron", "mlp"),
        ("H", layout.n_heads, "head", "attention"),
        ("R", layout.d_model, "residual direction", "residual"),
    ):
        place = np.arange(n)
        spread = n_columns / n if letter == "H" and n < n_columns else 1.0
        for layer in range(layout.n_layers):
            names += [f"L{layer}{letter}{i}" for i in range(n)]
            regions += [f"block {layer}/{hook}"] * n
            kinds += [kind] * n
            x.append(PITCH * ((place % n_columns) * spread + (spread - 1) / 2))
            y.append(PITCH * (layer * band + first_row[letter] + place // n_columns))
    y_top = PITCH * (layout.n_layers * band + 1)
    for n, what, region in (
        (layout.n_directions, "direction", "directions"),
        (len(layout.token_ids), "token", "tokens"),
    ):
        names += [f"dir{i + 1}" for i in range(n)] if what == "direction" else [f"token {w}" for w in token_words]
        regions += [region] * n
        kinds += [what] * n
        x.append(PITCH * 4.0 * np.arange(n))
        y.append(np.full(n, y_top))
        y_top += 2 * PITCH
    n_units = layout.n_units
    return UnitTable.build(
        unit_id=np.arange(n_units),
        name=names,
        region=regions,
        kind=kinds,
        x=np.concatenate(x),
        y=np.concatenate(y),
        z=np.zeros(n_units),
        emits=np.arange(n_units) < layout.first_residual,
        extra={"layer": _layers(layout), "hook": _hooks(layout)},
    )


def _layers(layout: UnitLayout) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    """Of each unit; −1 for directions and tokens."""
    per_kind = [np.repeat(np.arange(layout.n_layers), n) for n in (layout.d_mlp, layout.n_heads, layout.d_model)]
    rest = np.full(layout.n_units - layout.first_direction, -1)
    return np.concatenate([*per_kind, rest]).astype(np.int16)


def _hooks(layout: UnitLayout) -> np.ndarray[tuple[int], np.dtype[np.str_]]:
    """TransformerLens's name of what each unit is of; the norm of a head is no hook of its own."""
    hooks = (("mlp.hook_post", layout.d_mlp), ("attn.hook_z.norm", layout.n_heads), ("hook_resid_post", layout.d_model))
    names: list[str] = []
    for hook, n in hooks:
        for layer in range(layout.n_layers):
            names += [f"blocks.{layer}.{hook}"] * n
    return np.array(names + [""] * (layout.n_units - layout.first_direction))
