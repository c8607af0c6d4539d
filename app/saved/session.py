"""A session as it can be saved: the subject, what is watched, how it is looked at, and the plan. Free of Qt.

It says how to begin again, not what happened: that is in a recording. The file is JSON, and as good as a stranger's:
every value is checked against the types below before anything is done, and a plugin is only ever looked up by name.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from app.protocol.steps import Protocol
from app.saved.small_file import read_text, write_text
from app.window.pane_settings import RasterSettings, ScopeGains, ScopeSettings, SpectrogramSettings
from app.window.speeds import Speed
from app.window.tools.stimulus import StimulusForm
from app.window.trigger_choice import PRE_PERCENTS, TriggerSettings
from rig.errors import FormatError, HeadstageError, SpecError
from rig.probe import Probe
from rig.trigger import condition_from_json, condition_to_json

FORMAT, VERSION = "headstage-session", 1
SUFFIX = ".session.json"


@dataclass(frozen=True)
class SavedTrigger:
    """What sweeps are made around; the condition as `rig.trigger.condition_to_json` writes it."""

    on: bool = False
    name: str = ""
    condition: dict[str, Any] | None = None
    pre_percent: int = 25
    n_kept: int = 16

    def __post_init__(self) -> None:
        if self.pre_percent not in PRE_PERCENTS or not 1 <= self.n_kept <= 1024:
            raise SpecError(f"asked for {self.n_kept} sweeps with {self.pre_percent} % before the trigger; impossible")

    @classmethod
    def of(cls, s: TriggerSettings) -> SavedTrigger:
        condition = None if s.condition is None else condition_to_json(s.condition)
        return cls(s.on, s.name, condition, s.pre_percent, s.n_kept)

    def settings(self) -> TriggerSettings:
        """Raises SpecError: it is no condition."""
        condition = None if self.condition is None else condition_from_json(self.condition)
        return TriggerSettings(self.on, condition, self.name, self.pre_percent, self.n_kept)


@dataclass(frozen=True)
class SavedSession:
    """See the module.

    Attributes
    ----------
    plugin, options, seed : the subject
    watches : stream → unit ids, None for all of them
    channels, selection : unit ids
    span_ticks : of the panes with a time axis
    map_kind : the only kind of unit on the map; "" for all
    stimulus : the stimulator's fields
    layout : name of one of the person's layouts; "" for none
    """

    plugin: str
    options: dict[str, str] = field(default_factory=dict)
    seed: int = 0
    watches: dict[str, tuple[int, ...] | None] = field(default_factory=dict)
    probes: tuple[Probe, ...] = ()
    speed: Speed = field(default_factory=Speed)
    channels: tuple[int, ...] = ()
    selection: tuple[int, ...] = ()
    span_ticks: int = 2048
    trigger: SavedTrigger = field(default_factory=SavedTrigger)
    scope: ScopeSettings = field(default_factory=ScopeSettings)
    gains: ScopeGains = field(default_factory=ScopeGains)
    raster: RasterSettings = field(default_factory=RasterSettings)
    spectrogram: SpectrogramSettings = field(default_factory=SpectrogramSettings)
    map_kind: str = ""
    stimulus: StimulusForm = field(default_factory=StimulusForm)
    plan: Protocol = field(default_factory=Protocol)
    layout: str = ""

    def __post_init__(self) -> None:
        self.trigger.settings()
        if not -(1 << 63) <= self.seed < 1 << 63:
            raise SpecError(f"asked for seed {self.seed}; it must fit into 64 bits")


@dataclass(frozen=True)
class _File:
    format: str
    version: int
    session: SavedSession


@dataclass(frozen=True)
class _Head:
    format: str = ""
    version: int = 0


def session_to_text(session: SavedSession) -> str:
    return msgspec.json.format(msgspec.json.encode(_File(FORMAT, VERSION, session)), indent=1).decode() + "\n"


def session_from_text(text: str) -> SavedSession:
    """Inverse of `session_to_text`.

    Raises
    ------
    FormatError : one line that says what is wrong, and where.
    """
    try:
        head = msgspec.json.decode(text, type=_Head)
        if head.format != FORMAT:
            raise FormatError(f"asked for a session; the file does not say that it is one (format: {FORMAT})")
        if not 1 <= head.version <= VERSION:
            raise FormatError(
                f"asked for a session of version {head.version}; this Headstage reads versions up to {VERSION}: "
                "update it"
            )
        return msgspec.json.decode(text, type=_File).session
    except (msgspec.DecodeError, RecursionError) as error:
        raise FormatError(f"asked for a session; the file cannot be read ({error})") from None
    except FormatError:
        raise
    except HeadstageError as error:
        raise FormatError(f"the session cannot be: {error}") from None


def save_session(session: SavedSession, path: Path) -> None:
    """Write it whole or not at all. Raises StorageError."""
    write_text(path, session_to_text(session), "the session")


def load_session(path: Path) -> SavedSession:
    """Raises StorageError, FormatError."""
    text = read_text(path, "the session")
    try:
        return session_from_text(text)
    except FormatError as error:
        raise FormatError(f"{path.name}: {error}") from None


def session_name(path: Path) -> str:
    return path.name.removesuffix(SUFFIX).removesuffix(".json")
