"""A transistor-level microprocessor on the board of a video game console."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from rig.subject import Asset, OptionInfo, Subject, SubjectPlugin
from rig.survey.plan import LesionSurvey
from subjects.microprocessor.cartridges.names import GAMES


def _open(options: Mapping[str, str]) -> Subject:
    from subjects.microprocessor.opening import open_microprocessor

    return open_microprocessor(options)


def _lesion_survey() -> LesionSurvey:
    from subjects.microprocessor.lesion_survey import ChipSurvey

    return ChipSurvey()


def _install_mos6502(folder: Path | None, tell: Callable[[str], None]) -> Path:
    from subjects.microprocessor.install import install_mos6502

    return install_mos6502(folder, tell)


def _mos6502_is_installed() -> bool:
    from subjects.microprocessor.install import is_installed

    return is_installed("mos6502")


PLUGIN = SubjectPlugin(
    name="microprocessor",
    summary="a 6502, transistor by transistor, playing Atari 2600 cartridges",
    open=_open,
    lesion_survey=_lesion_survey,
    options=(
        OptionInfo(
            "cartridge",
            f"Headstage's own {', '.join(GAMES)}; a 2 or 4 kB file; or a game in ale-py, such as space_invaders",
            GAMES[0],
            offered=GAMES,
        ),
        OptionInfo(
            "chip",
            "the processor: hs6502, Headstage's own; mos6502, traced from the die, to be installed",
            "hs6502",
            offered=("hs6502", "mos6502"),
        ),
        OptionInfo("chip_dir", "a folder with other Visual6502 files than the installed ones", ""),
        OptionInfo(
            "engine",
            "event: every node exact; auto: compiled, far faster, without nodes that nothing depends on, and event by "
            "event while something is perturbed that only so is exact; compiled: as auto, such perturbations refused",
            "auto",
            offered=("auto", "event", "compiled"),
        ),
        OptionInfo("bin", "half-cycles in a bin of the streams counts and rates; 152 are a line of the screen", "152"),
        OptionInfo("tv", "the console's television system; ntsc", "ntsc"),
    ),
    assets=(
        Asset(
            name="mos6502",
            summary="the MOS 6502's transistors and polygons, traced from the die by the Visual6502 project",
            licence="CC BY-NC-SA 3.0, Greg James and others, www.visual6502.org",
            install=_install_mos6502,
            is_installed=_mos6502_is_installed,
            needed=False,
        ),
    ),
)
