"""The model cell: known signals to check a rig with, as a passive circuit stands in for the preparation in a lab."""

from __future__ import annotations

from collections.abc import Mapping

from rig.subject import OptionInfo, Subject, SubjectPlugin


def _open(options: Mapping[str, str]) -> Subject:
    from subjects.model_cell.subject import open_model_cell

    return open_model_cell(options)


PLUGIN = SubjectPlugin(
    name="model-cell",
    summary="known signals, computed exactly: checks a rig, needs nothing",
    open=_open,
    options=(
        OptionInfo("units", "how many units, 1 to 4096", "16"),
        OptionInfo("frame_ticks", "ticks between frames", "50"),
    ),
)
