"""Colours: every region its own, for every eye; what is reserved stays reserved."""

from __future__ import annotations

import numpy as np
import pytest

from app.theme import DARK, LIGHT, region_colours, rgb

# Machado, Oliveira & Fernandes 2009, severity 1, on linear RGB
SIGHT = {
    "normal": np.eye(3),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
}
# sRGB to XYZ (IEC 61966-2-1), white D65
XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
WHITE = np.array([0.95047, 1.0, 1.08883])
N_OF_THE_DESIGN = 7
LEAST_DIFFERENCE = 14.0  # CIE76; about six just noticeable ones


def linear(colours):
    c = np.array([rgb(h) for h in colours]) / 255
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def lab(colours, sight):
    xyz = np.clip(linear(colours) @ SIGHT[sight].T, 0, 1) @ XYZ.T / WHITE
    f = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=-1)


def contrast(a, b):
    """WCAG 2.1."""
    y = linear([a, b]) @ XYZ[1]
    return (y.max() + 0.05) / (y.min() + 0.05)


@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=lambda t: t.name)
def test_twelve_regions_can_be_told_apart(theme, sight):
    colours = list(region_colours([f"region {i}" for i in range(12)], theme).values())[1:]
    places = lab(colours, sight)
    apart = np.linalg.norm(places[:, None] - places[None], axis=-1)
    assert len(colours) == 12
    assert apart[~np.eye(12, dtype=bool)].min() >= LEAST_DIFFERENCE


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=lambda t: t.name)
def test_they_stand_out_and_none_means_something_else(theme):
    reserved = [theme.record, theme.stimulus, theme.silence, theme.accent, theme.text]
    ours = theme.regions[N_OF_THE_DESIGN:]
    apart = np.linalg.norm(lab(ours, "normal")[:, None] - lab(reserved, "normal")[None], axis=-1)
    assert apart.min() >= 20
    assert min(contrast(colour, theme.window) for colour in theme.regions) >= 2.9


def test_more_regions_than_colours_still_differ():
    colours = region_colours([f"block {i}/mlp" for i in range(24)], DARK)
    assert len(set(colours.values())) == 25
