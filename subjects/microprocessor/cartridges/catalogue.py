"""The variables of each of our games."""

from __future__ import annotations

from collections.abc import Mapping

from subjects.microprocessor.cartridges import belfry, tundra, vesper
from subjects.microprocessor.cartridges.variables import Variable

VARIABLES: Mapping[str, tuple[Variable, ...]] = {
    "vesper": vesper.VARIABLES,
    "belfry": belfry.VARIABLES,
    "tundra": tundra.VARIABLES,
}
