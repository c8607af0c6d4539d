"""The contract between the rig and whatever lies on its table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rig.perturbation import Perturbation, PerturbationKind
from rig.streams import Chunk, StreamInfo
from rig.survey.plan import LesionSurvey
from rig.units import UnitTable

ControlValue = bool | int | float | str


@dataclass(frozen=True)
class SubjectInfo:
    """Who lies on the table.

    Attributes
    ----------
    name : such as ``MOS 6502 · Space Invaders``
    kind : such as ``microprocessor``
    description, source, licence : one line each
    tick_name : what a tick is, singular (``half-cycle``, ``token``)
    tick_hz : ticks a second of the original system, for "× real time"; 0 where there is no such thing
    space : ``um`` or ``schematic``
    options : what it was opened with, so that it can be opened again
    end_tick : it can be advanced up to here (a recording that is played back); None for without end
    fingerprint : hash of all it was made from (netlist, cartridge, weights); equal fingerprints give equal samples
    """

    name: str
    kind: str
    description: str
    source: str
    licence: str
    tick_name: str
    tick_hz: float
    space: str
    options: Mapping[str, str] = field(default_factory=dict)
    fingerprint: str = ""
    end_tick: int | None = None


@dataclass(frozen=True)
class ControlInfo:
    """Something the subject is given from outside.

    Attributes
    ----------
    name : such as ``stick_left``
    description : one line
    default : its value after reset; its type is the control's type
    choices : allowed values; empty where any value of the type will do
    """

    name: str
    description: str
    default: ControlValue
    choices: tuple[ControlValue, ...] = ()


class Subject(Protocol):
    """A preparation.

    Deterministic: same options, seed, controls and perturbations at the same ticks give the same samples, however the
    ticks are divided among calls of `advance`. Nothing differs before a perturbation starts. Nothing is watched at
    first, and what is watched changes nothing but the chunks.
    """

    @property
    def info(self) -> SubjectInfo: ...
    @property
    def units(self) -> UnitTable: ...
    @property
    def streams(self) -> tuple[StreamInfo, ...]:
        """Every stream with all its units; chunks follow `StreamInfo.watching` of what is watched."""

    @property
    def controls(self) -> tuple[ControlInfo, ...]: ...
    @property
    def perturbation_kinds(self) -> frozenset[PerturbationKind]: ...
    @property
    def tick(self) -> int:
        """Ticks done since reset: the tick that the next `advance` begins with."""

    @property
    def remark(self) -> str:
        """One line about how it runs now that the person should know (slower than usual, and why); empty: nothing."""

    @property
    def idle(self) -> bool:
        """Whether nothing happens in it until it is given something: then its silent ticks need not hurry."""

    def reset(self, seed: int) -> None:
        """Tick 0 with every control at its default and every perturbation gone. What is watched stays watched."""

    def watch(self, stream: str, unit_ids: NDArray[np.int64] | None) -> None:
        """Watch these units of a stream from now on. None: all; empty: none, no chunks of it.

        Raises
        ------
        UnknownUnitError : no such stream, or a unit that it does not carry.
        """

    def set_control(self, name: str, value: ControlValue) -> None:
        """Set a control, seen by the next tick.

        Raises
        ------
        UnknownUnitError : no such control. SpecError : a value it does not take.
        """

    def perturb(self, perturbation: Perturbation) -> None:
        """Schedule a perturbation that starts now or later.

        Raises
        ------
        TickError : it starts in the past. UnknownUnitError : no such unit. SpecError : not this kind, not on this unit.
        """

    def advance(self, n_ticks: int) -> list[Chunk]:
        """Do exactly n_ticks ticks; return the chunks of what is watched, per stream in order of ticks."""

    def snapshot(self) -> bytes:
        """Complete state at this tick, scheduled perturbations and controls included; what is watched is not state."""

    def restore(self, snapshot: bytes) -> None:
        """Inverse of `snapshot`, on a subject opened with the same options.

        Raises
        ------
        SubjectError : the snapshot is of another subject or is damaged; the state is untouched.
        """

    def close(self) -> None: ...


@dataclass(frozen=True)
class OptionInfo:
    """One ``--set key=value`` of a subject.

    Attributes
    ----------
    name, description : one line
    default : its value when nobody says
    offered : values that a menu should name, which need nothing else to be installed
    """

    name: str
    description: str
    default: str
    offered: tuple[str, ...] = ()


@dataclass(frozen=True)
class Asset:
    """Something that ``headstage install`` can fetch.

    Attributes
    ----------
    name : such as ``mos6502``
    summary, licence : one line each
    install : called with a folder to copy from, or None to download, and a line-printing callback; returns the folder
        it was installed in. Raises AssetError.
    is_installed : whether it is here already
    needed : the subject cannot be opened without it
    """

    name: str
    summary: str
    licence: str
    install: Callable[[Path | None, Callable[[str], None]], Path]
    is_installed: Callable[[], bool]
    needed: bool = True


@dataclass(frozen=True)
class SubjectPlugin:
    """What an entry point of the group ``headstage.subjects`` loads to. Importing it must be cheap.

    Attributes
    ----------
    name : as on the command line
    summary : one line
    options : what `open` understands
    open : called with options given by the person (strings); heavy imports happen in it
    assets : what can be installed for it
    lesion_survey : makes its way of trying many lesions, where it has one
    find_asset : of names that cannot be listed beforehand (``hf:ORG/NAME``); None for a name that it does not know
    """

    name: str
    summary: str
    open: Callable[[Mapping[str, str]], Subject]
    options: tuple[OptionInfo, ...] = ()
    assets: tuple[Asset, ...] = ()
    lesion_survey: Callable[[], LesionSurvey] | None = None
    find_asset: Callable[[str], Asset | None] = lambda name: None
